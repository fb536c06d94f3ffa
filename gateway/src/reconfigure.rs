//! Another configuration comes into force: at once, whatever the store or a route is busy with.
//!
//! **Invariant:** no weight is raised here; a route that is not what it was answers from the cloud until the
//! reconciler has looked at it.

use std::sync::Arc;

use kolm_config::{Config, Route};

use crate::table::{Entry, Shared, Table};

impl Shared {
    /// Puts a table with `config` in force. Routes keep what they had; the next look does the rest.
    pub fn reconfigure(&self, config: &Arc<Config>) {
        self.table.rcu(|table| {
            let entry = |route: &Route| {
                let entry = table.routes.iter().find(|entry| is_same(&entry.route, route))?;
                Some(Arc::new(Entry { route: Arc::new(route.clone()), ..Entry::clone(entry) }))
            };
            Table { config: Arc::clone(config), routes: config.routes.iter().filter_map(entry).collect() }
        });
    }
}

/// Whether what was proven about a route holds for the other.
fn is_same(a: &Route, b: &Route) -> bool {
    a.name == b.name
        && a.namespace == b.namespace
        && a.model == b.model
        && a.path == b.path
        && a.gate.digest() == b.gate.digest()
}

#[cfg(test)]
mod tests {
    use kolm_config::{Outside, RawConfig};

    use super::*;

    #[test]
    fn only_the_same_route_with_the_same_bars_keeps_its_weight() {
        let route = |text: &str| {
            let text = format!("[namespaces.default]\n[namespaces.other]\n[[routes]]\nname = \"r\"\n{text}");
            RawConfig::parse("", &text).check(&Outside::bare("/tmp")).unwrap().routes.remove(0)
        };
        let before = route("");
        for (text, same) in [
            ("", true),
            ("shadow.rate = 0.5", true),
            ("canary.dwell = \"2h\"", true),
            ("model = \"gpt-4o*\"", false),
            ("namespace = \"other\"", false),
            ("gate.gate = 0.9", false),
        ] {
            assert_eq!(is_same(&before, &route(text)), same, "{text}");
        }
    }
}
