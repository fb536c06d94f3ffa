//! The signed statements about Decisions: kept as they were signed, beside the rows.

use kolm_core::RouteName;

use crate::{Error, Handle};

/// A signed statement about a Decision of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The Decision's route.
    pub route: RouteName,
    /// The Decision's number.
    pub seq: u64,
    /// The DSSE envelope, as JSON in one line.
    pub envelope: String,
}

impl Handle {
    /// Adds a statement; the same one twice is fine, another one about the same Decision is a conflict.
    pub async fn put_statement(&self, statement: Statement) -> Result<(), Error> {
        self.ask(move |db| db.put_statement(&statement)).await
    }

    /// The statements about one route or about all, in order.
    pub async fn statements(&self, route: Option<RouteName>) -> Result<Vec<Statement>, Error> {
        self.ask(move |db| db.statements(route.as_ref())).await
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::{Coded, Env, Timestamp};

    use super::*;
    use crate::Service;

    #[test]
    fn a_statement_is_stored_once_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::fixed(Timestamp(1_795_219_200_000), 5);
        let settings =
            kolm_config::Config::embedded(&kolm_config::Outside::bare("/nonexistent")).unwrap().store;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let statement = |route: &str, seq, envelope: &str| Statement {
            route: route.parse().unwrap(),
            seq,
            envelope: envelope.to_owned(),
        };
        let (service, handle) = Service::open(dir.path(), &settings, &env).unwrap();
        let put = |one: Statement| runtime.block_on(handle.put_statement(one));
        for one in [statement("b", 7, "{}"), statement("b", 2, "{}"), statement("a", 9, "{}")] {
            put(one.clone()).unwrap();
            put(one).unwrap();
        }
        assert_eq!(put(statement("b", 2, "{\"other\":1}")).unwrap_err().code().to_string(), "K0203");
        service.shutdown();
        let (_service, handle) = Service::open(dir.path(), &settings, &env).unwrap();
        let of_b = vec![statement("b", 2, "{}"), statement("b", 7, "{}")];
        assert_eq!(runtime.block_on(handle.statements(Some("b".parse().unwrap()))).unwrap(), of_b);
        let all = [vec![statement("a", 9, "{}")], of_b].concat();
        assert_eq!(runtime.block_on(handle.statements(None)).unwrap(), all);
    }
}
