//! The table of signed statements, append-only as the Decisions that they are about.

use duckdb::params;
use kolm_core::RouteName;

use super::Db;
use crate::{Error, Statement};

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS statements (
    route VARCHAR NOT NULL, seq BIGINT NOT NULL, envelope_json VARCHAR NOT NULL, PRIMARY KEY (route, seq));
";

impl Db {
    /// Adds a statement; the same one twice is fine, another one of its number is a conflict.
    pub(crate) fn put_statement(&mut self, statement: &Statement) -> Result<(), Error> {
        let (route, seq) = (statement.route.as_str(), statement.seq as i64);
        let sql = "SELECT envelope_json FROM statements WHERE route = ? AND seq = ?";
        let known: Vec<String> = self.rows(sql, params![route, seq], |row| row.get(0))?;
        match known.first() {
            Some(known) if *known == statement.envelope => return Ok(()),
            Some(_) => {
                return Err(Error::Conflict { route: statement.route.clone(), seq: statement.seq });
            }
            None => {}
        }
        let row = params![route, seq, statement.envelope];
        let stored = self.conn.execute("INSERT INTO statements VALUES (?, ?, ?)", row);
        stored.map(drop).map_err(Error::db("store a statement"))
    }

    /// The statements about one route or about all, in order.
    pub(crate) fn statements(&self, route: Option<&RouteName>) -> Result<Vec<Statement>, Error> {
        let all = "SELECT route, seq, envelope_json FROM statements ORDER BY route, seq";
        let one = "SELECT route, seq, envelope_json FROM statements WHERE route = ? ORDER BY seq";
        let read = |row: &duckdb::Row<'_>| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs(), row.get(2)?))
        };
        let rows = match route {
            Some(route) => self.rows(one, params![route.as_str()], read)?,
            None => self.rows(all, params![], read)?,
        };
        // What is stored here was a route's name when it was stored.
        let named = rows.into_iter().filter_map(|(route, seq, envelope)| {
            Some(Statement { route: route.parse().ok()?, seq, envelope })
        });
        Ok(named.collect())
    }
}
