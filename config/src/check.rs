//! The sections of the file, one function each, defaults included.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use kolm_core::Namespace as NamespaceName;

use crate::config::{Admin, Capture, Config, Receipts, Store};
use crate::listen::{self, Listen};
use crate::problem::{CLASH, DANGLING, FORM, RANGE};
use crate::table::{Checker, Place, Table, boolean, count, parsed, size, string};
use crate::vault::Vault;
use crate::{namespace, route, telemetry, upstream};

pub(crate) fn config(check: &mut Checker<'_>, mut root: Table<'_>) -> Option<Config> {
    let airgap = root.or(check, "airgap", boolean, false);
    let home = check.outside.home.clone();
    let data_dir = root.optional(check, "data_dir", string).map_or(home, |path| check.resolve(&path));
    let section = root.table(check, "listen");
    let listen = listen::listen(check, section);
    let section = root.table(check, "admin");
    let admin = admin(check, section);
    two_ports(check, &root, &listen, &admin);
    let section = root.table(check, "upstreams");
    let upstreams = upstream::upstreams(check, section, airgap);
    let section = root.table(check, "vault");
    let vault = Vault::read(check, section);
    let section = root.table(check, "namespaces");
    let (namespace_names, namespaces) = namespace::namespaces(check, section, &upstreams, &vault);
    let (upstream_names, upstreams) = upstreams;
    for (name, _) in namespaces.iter().filter(|(_, settings)| settings.data_dir.as_ref() == Some(&data_dir)) {
        let place = Place { path: format!("namespaces.{name}.data_dir"), ..root.at("namespaces") };
        check.add(CLASH, &place, "this is the directory of all others");
    }
    let first = upstream_names.first().cloned().unwrap_or_default();
    let default_upstream = root.or(check, "default_upstream", string, first);
    exists(check, &root.at("default_upstream"), "upstream", &default_upstream, &upstream_names);
    let default_namespace = default_namespace(check, &mut root, &namespace_names);
    let names =
        route::Names { namespaces: namespace_names, default_namespace: default_namespace.clone(), airgap };
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

fn admin(check: &mut Checker<'_>, mut table: Table<'_>) -> Admin {
    let out = Admin { address: table.or(check, "address", parsed, SocketAddr::from(([127, 0, 0, 1], 8766))) };
    table.finish(check);
    out
}

fn capture(check: &mut Checker<'_>, mut table: Table<'_>) -> Capture {
    let out = Capture {
        max_bytes: table.within(check, "max_bytes", size, 8 << 20, 1 << 10..1 << 30),
        queue_bytes: table.within(check, "queue", size, 256 << 20, 1 << 20..1 << 40),
        auto_namespaces: table.or(check, "auto_namespaces", boolean, false),
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
        fsync_interval: table.wait(check, "fsync_interval", Duration::from_millis(50)),
        batch_rows: table.within(check, "batch_rows", count, 500, 1..100_001),
        batch_interval: table.wait(check, "batch_interval", Duration::from_millis(250)),
        spool_quota_bytes: table.within(check, "spool_quota", size, 4 << 30, 1 << 20..1 << 44),
    };
    table.finish(check);
    out
}
