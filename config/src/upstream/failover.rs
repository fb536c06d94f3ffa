//! Who answers where an upstream does not, on which grounds, and whose key goes there.
//!
//! **Invariant:** following the lists never leads back to where one began.

use std::collections::BTreeMap;

use super::Upstream;
use crate::check::exists;
use crate::problem::{CYCLE, FORM, RANGE};
use crate::table::{Checker, Node, Place, Table, count, items, string};

/// On which grounds a request goes on to the next upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverOn {
    /// No connection came about.
    pub connect: bool,
    /// A deadline passed before the response head.
    pub timeout: bool,
    /// The connection broke before the response head.
    pub broken: bool,
    /// The answer had one of these statuses.
    pub statuses: Vec<u16>,
}

impl Default for FailoverOn {
    fn default() -> Self {
        Self { connect: true, timeout: true, broken: true, statuses: Vec::new() }
    }
}

/// A list of names, each with its place.
pub(super) type Names = Vec<(String, Place)>;

/// The names of a list, each once.
pub(super) fn names(check: &mut Checker<'_>, table: &mut Table<'_>, key: &'static str) -> Names {
    let Some(node) = table.node(key) else { return Vec::new() };
    let mut out: Names = Vec::new();
    for item in items(check, &node) {
        let Some(name) = string(check, &item) else { continue };
        if out.iter().any(|(known, _)| *known == name) {
            check.add(RANGE, &item.place, format!("`{name}` stands there twice"));
            continue;
        }
        out.push((name, item.place));
    }
    out
}

/// `failover_on = ["connect", "timeout", "broken", 503]`.
pub(super) fn grounds(check: &mut Checker<'_>, table: &mut Table<'_>) -> FailoverOn {
    let Some(node) = table.node("failover_on") else { return FailoverOn::default() };
    let mut out = FailoverOn { connect: false, timeout: false, broken: false, statuses: Vec::new() };
    for item in items(check, &node) {
        ground(check, &item, &mut out);
    }
    out
}

fn ground(check: &mut Checker<'_>, item: &Node<'_>, out: &mut FailoverOn) {
    match item.value.as_str() {
        Some("connect") => out.connect = true,
        Some("timeout") => out.timeout = true,
        Some("broken") => out.broken = true,
        Some(other) => {
            let message = format!("`{other}` is no ground: \"connect\", \"timeout\", \"broken\" or a status");
            check.add(FORM, &item.place, message);
        }
        None => match count(check, item) {
            Some(status) if status == 429 || (500..600).contains(&status) => out.statuses.push(status as u16),
            Some(status) => {
                check.add(RANGE, &item.place, format!("{status} is none of 429 and 500 to 599"));
            }
            None => {}
        },
    }
}

/// What every name of one upstream refers to.
pub(super) struct References {
    pub(super) failover: Names,
    pub(super) accepts_keys_of: Names,
}

/// Notes names that nothing has, and lists that lead back to where they began.
pub(super) fn references(
    check: &mut Checker<'_>,
    all: &BTreeMap<String, References>,
    names: &[String],
    upstreams: &mut BTreeMap<String, Upstream>,
) {
    for (name, references) in all {
        for (other, place) in references.failover.iter().chain(&references.accepts_keys_of) {
            exists(check, place, "upstream", other, names);
        }
        for (other, place) in &references.failover {
            if other == name || leads_to(all, other, name) {
                let message = format!("`{other}` leads back to `{name}`");
                let hint = "name a last resort that has no `failover` of its own";
                check.add_with_hint(CYCLE, place, message, Some(hint));
            }
        }
        if let Some(upstream) = upstreams.get_mut(name) {
            let plain = |names: &Names| names.iter().map(|(name, _)| name.clone()).collect();
            upstream.failover = plain(&references.failover);
            upstream.accepts_keys_of = plain(&references.accepts_keys_of);
        }
    }
}

fn leads_to(all: &BTreeMap<String, References>, from: &str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], Vec::new());
    while let Some(at) = open.pop() {
        if seen.contains(&at) {
            continue;
        }
        seen.push(at);
        let next = all.get(at).into_iter().flat_map(|references| &references.failover);
        for (name, _) in next {
            if name == to {
                return true;
            }
            open.push(name);
        }
    }
    false
}
