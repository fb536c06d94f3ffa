//! The sections of the file, one function each, defaults included.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kolm_core::Namespace as NamespaceName;
use kolm_policies::anonymize::Policy;

use crate::config::{Admin, Capture, Config, Listen, Namespace, Receipts, Retention, Store};
use crate::problem::{DANGLING, FORM, NO_SECRET, RANGE};
use crate::secret::{Found, secret};
use crate::table::{Checker, Node, Place, Table, boolean, count, duration, items, parsed, size, string};
use crate::{route, telemetry, upstream};

pub(crate) fn config(check: &mut Checker<'_>, mut root: Table<'_>) -> Option<Config> {
    let airgap = root.or(check, "airgap", boolean, false);
    let home = check.outside.home.clone();
    let data_dir = root.optional(check, "data_dir", string).map_or(home, |path| check.resolve(&path));
    let section = root.table(check, "listen");
    let listen = listen(check, section);
    let section = root.table(check, "admin");
    let admin = admin(check, section);
    two_ports(check, &root, &listen, &admin);
    let section = root.table(check, "upstreams");
    let (upstream_names, upstreams) = upstream::upstreams(check, section, airgap);
    let first = upstream_names.first().cloned().unwrap_or_default();
    let default_upstream = root.or(check, "default_upstream", string, first);
    exists(check, &root.at("default_upstream"), "upstream", &default_upstream, &upstream_names);
    let section = root.table(check, "namespaces");
    let (namespace_names, namespaces) = namespaces(check, section);
    let default_namespace = default_namespace(check, &mut root, &namespace_names);
    let names = route::Names { namespaces: namespace_names, default_namespace: default_namespace.clone() };
    let node = root.node("routes");
    let routes = route::routes(check, node.as_ref(), &names);
    let section = root.table(check, "capture");
    let capture = capture(check, section);
    let section = root.table(check, "receipts");
    let receipts = receipts(check, section);
    let section = root.table(check, "store");
    let store = store(check, section);
    let section = root.table(check, "log");
    let log = telemetry::log(check, section);
    let section = root.table(check, "telemetry");
    let telemetry = telemetry::telemetry(check, section, airgap);
    root.finish(check);
    Some(Config {
        version: 1,
        data_dir,
        airgap,
        listen,
        admin,
        upstreams,
        default_upstream,
        namespaces,
        default_namespace: default_namespace?,
        routes,
        capture,
        receipts,
        store,
        log,
        telemetry,
    })
}

/// Notes a name that nothing has.
pub(crate) fn exists<T: PartialEq + Display>(
    check: &mut Checker<'_>,
    place: &Place,
    what: &str,
    name: &T,
    all: &[T],
) {
    if !all.contains(name) {
        let known: Vec<String> = all.iter().map(ToString::to_string).collect();
        let hint = format!("the file has: {}", known.join(", "));
        check.add_with_hint(DANGLING, place, format!("no {what} is named `{name}`"), Some(&hint));
    }
}

fn default_namespace(
    check: &mut Checker<'_>,
    root: &mut Table<'_>,
    names: &[NamespaceName],
) -> Option<NamespaceName> {
    let given = root.optional(check, "default_namespace", parsed::<NamespaceName>);
    let name = given.or_else(|| names.first().cloned())?;
    check.amounts_to(&root.at("default_namespace"), &name.as_str());
    exists(check, &root.at("default_namespace"), "namespace", &name, names);
    Some(name)
}

fn two_ports(check: &mut Checker<'_>, root: &Table<'_>, listen: &Listen, admin: &Admin) {
    if listen.address == admin.address && listen.address.port() != 0 {
        let place = Place { path: "admin.address".to_owned(), ..root.at("admin") };
        check.add(RANGE, &place, format!("{} is the address of `listen` already", admin.address));
    }
}

fn listen(check: &mut Checker<'_>, mut table: Table<'_>) -> Listen {
    let out = Listen {
        address: table.or(check, "address", parsed, SocketAddr::from(([127, 0, 0, 1], 8765))),
        max_body_bytes: table.within(check, "max_body_bytes", size, 32 << 20, 1 << 10..1 << 32),
        header_timeout: table.or(check, "header_timeout", duration, Duration::from_secs(10)),
    };
    table.finish(check);
    out
}

fn admin(check: &mut Checker<'_>, mut table: Table<'_>) -> Admin {
    let out = Admin { address: table.or(check, "address", parsed, SocketAddr::from(([127, 0, 0, 1], 8766))) };
    table.finish(check);
    out
}

fn capture(check: &mut Checker<'_>, mut table: Table<'_>) -> Capture {
    let out = Capture {
        max_bytes: table.within(check, "max_bytes", size, 8 << 20, 1 << 10..1 << 30),
        queue: table.within(check, "queue", count, 4_096, 1..1 << 20),
    };
    table.finish(check);
    out
}

fn receipts(check: &mut Checker<'_>, mut table: Table<'_>) -> Receipts {
    let node = table.or(check, "node", string, "node-1".to_owned());
    if node.is_empty() || !node.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        check.add(FORM, &table.at("node"), format!("`{node}`: a node's name is of a-z, A-Z, 0-9, . _ and -"));
    }
    table.finish(check);
    Receipts { node }
}

fn store(check: &mut Checker<'_>, mut table: Table<'_>) -> Store {
    let out = Store {
        memory_limit_bytes: table.within(check, "memory_limit", size, 512 << 20, 64 << 20..1 << 40),
        fsync_interval: table.or(check, "fsync_interval", duration, Duration::from_millis(50)),
        batch_rows: table.within(check, "batch_rows", count, 500, 1..100_001),
        batch_interval: table.or(check, "batch_interval", duration, Duration::from_millis(250)),
        spool_quota_bytes: table.within(check, "spool_quota", size, 4 << 30, 1 << 20..1 << 44),
    };
    table.finish(check);
    out
}

/// The names of the namespaces in the order of the file, and those that have no problem.
type Namespaces = (Vec<NamespaceName>, BTreeMap<NamespaceName, Namespace>);

fn namespaces(check: &mut Checker<'_>, table: Table<'_>) -> Namespaces {
    let (mut names, mut out) = (Vec::new(), BTreeMap::new());
    if table.is_absent() {
        let place = table.place.key("default");
        let namespace = namespace(check, Table::absent(place));
        names.extend("default".parse().ok());
        out.extend(names.first().cloned().zip(namespace));
        return (names, out);
    }
    let mut keys = BTreeSet::new();
    for (name, node) in table.named() {
        let section = Table::of(check, &node);
        let namespace = namespace(check, section);
        let all = namespace.iter().flat_map(|namespace| &namespace.keys);
        if all.map(|key| key.expose().to_owned()).filter(|key| !keys.insert(key.clone())).count() > 0 {
            check.add(RANGE, &node.place.key("keys"), "a key of this namespace is another's or twice here");
        }
        match name.parse::<NamespaceName>() {
            Ok(name) => {
                names.push(name.clone());
                out.extend(namespace.map(|namespace| (name, namespace)));
            }
            Err(error) => check.add(FORM, &node.place, error.to_string()),
        }
    }
    (names, out)
}

fn namespace(check: &mut Checker<'_>, mut table: Table<'_>) -> Option<Namespace> {
    let keys = match table.node("keys") {
        Some(node) => items(check, &node).iter().filter_map(|node| key(check, node)).collect(),
        None => Vec::new(),
    };
    let policy_place = table.at("policy");
    let policy = match table.node("policy") {
        Some(node) => policy(check, &node),
        None => known(check, &policy_place, Policy::preset("default")),
    };
    let out = Namespace {
        capture: table.or(check, "capture", boolean, true),
        retention: table.or(check, "retention", parsed, Retention::Keep),
        strict: table.or(check, "strict", boolean, false),
        policy: policy?,
        keys,
    };
    if out.strict && out.keys.is_empty() {
        check.add(RANGE, &table.at("strict"), "a strict namespace without keys can be used by nobody");
    }
    table.finish(check);
    Some(out)
}

fn key(check: &mut Checker<'_>, node: &Node<'_>) -> Option<crate::Secret> {
    match secret(check, node)? {
        Found::Secret(secret) => Some(secret),
        Found::Unset(name) => {
            check.add(NO_SECRET, &node.place, format!("the environment has no `{name}`"));
            None
        }
    }
}

/// A preset's name or `{ file = "policy.toml" }`.
fn policy(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Arc<Policy>> {
    if let Some(name) = node.value.as_str() {
        return known(check, &node.place, Policy::preset(name));
    }
    let mut table = Table::of(check, node);
    let file_place = table.at("file");
    let file = table.optional(check, "file", string);
    table.finish(check);
    let Some(file) = file else {
        check.add(FORM, &node.place, "must be a preset's name or { file = \"policy.toml\" }");
        return None;
    };
    match std::fs::read_to_string(check.resolve(&file)) {
        Ok(text) => known(check, &node.place, Policy::parse(&text)),
        Err(error) => {
            check.add(RANGE, &file_place, format!("`{file}` cannot be read: {error}"));
            None
        }
    }
}

fn known(
    check: &mut Checker<'_>,
    place: &Place,
    policy: Result<Policy, kolm_policies::anonymize::Error>,
) -> Option<Arc<Policy>> {
    match policy {
        Ok(policy) => {
            check.amounts_to(place, &policy.digest());
            Some(Arc::new(policy))
        }
        Err(error) => {
            check.add(RANGE, place, error.to_string());
            None
        }
    }
}
