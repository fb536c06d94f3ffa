//! Namespaces: whose requests belong where, with which upstream keys they go up, what is kept and what they may use.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use kolm_core::Namespace as Name;
use kolm_policies::anonymize::Policy;
use kolm_policies::anonymize::vault::NamespaceKey;
use kolm_policies::limit::Limits;

use crate::check::exists;
use crate::limits::limits;
use crate::problem::{CLASH, FORM, NO_SECRET, RANGE, REGION};
use crate::secret::{Found, secret};
use crate::table::{Checker, Node, Place, Table, boolean, items, parsed, string};
use crate::upstream::Upstreams;
use crate::vault::Vault;
use crate::{Secret, Upstream};

/// A compartment of captures, receipts and artifacts.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Keys whose requests belong here; none: the default namespace takes what no key claims.
    pub keys: Vec<Secret>,
    /// Other namespaces that these keys may name.
    pub also: Vec<Name>,
    /// Our own keys for upstreams, in the place of the upstreams' own.
    pub upstream_keys: BTreeMap<String, Secret>,
    /// How its captures are anonymized.
    pub policy: Arc<Policy>,
    /// What the policy's types in mode `vault` are sealed with; there where the policy has any.
    pub vault: Option<NamespaceKey>,
    /// Whether its exchanges are captured.
    pub capture: bool,
    /// What is kept of its exchanges.
    pub retention: Retention,
    /// Whether only its own keys may use it, even where it is the default.
    pub strict: bool,
    /// Where its requests may be answered; none: anywhere.
    pub region: Option<String>,
    /// Where its captures lie, if not with all others.
    pub data_dir: Option<PathBuf>,
    /// What all its callers together may use.
    pub limits: Limits,
    /// What each of its keys may use, unless the key has limits of its own.
    pub key_limits: Limits,
    /// What becomes of a request whose price nobody knows, where money is limited.
    pub on_unknown_price: OnUnknownPrice,
}

/// What is kept of a namespace's exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Anonymized pairs, until they are deleted.
    Keep,
    /// Nothing but the receipt.
    None,
    /// Anonymized pairs for this long, then their hashes.
    For(Duration),
}

impl FromStr for Retention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keep" => Ok(Self::Keep),
            "none" => Ok(Self::None),
            _ => match text.parse::<humantime_serde::re::humantime::Duration>() {
                Ok(time) if !time.is_zero() => Ok(Self::For(time.into())),
                Ok(_) | Err(_) => Err("must be \"keep\", \"none\" or a time such as \"30days\""),
            },
        }
    }
}

/// What becomes of a request whose price nobody knows, where money is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknownPrice {
    /// It is refused: a budget that does not bind is none.
    Refuse,
    /// It passes, counts as nothing, and is counted in a metric.
    Allow,
}

impl FromStr for OnUnknownPrice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "allow" => Ok(Self::Allow),
            _ => Err("must be \"refuse\" or \"allow\""),
        }
    }
}

impl Namespace {
    /// Whether its requests may go to an upstream.
    pub fn admits(&self, upstream: &Upstream) -> bool {
        self.region.is_none() || self.region == upstream.region
    }
}

/// The names of the namespaces in the order of the file, and those that have no problem.
pub(crate) type Namespaces = (Vec<Name>, BTreeMap<Name, Namespace>);

/// All namespaces; with none in the file, `default`.
pub(crate) fn namespaces(
    check: &mut Checker<'_>,
    table: Table<'_>,
    upstreams: &Upstreams,
    vault: &Vault,
) -> Namespaces {
    let (mut names, mut out) = (Vec::new(), BTreeMap::new());
    if table.is_absent() {
        let place = table.place.key("default");
        let namespace = namespace(check, Table::absent(place), upstreams, vault);
        names.extend("default".parse().ok());
        out.extend(names.first().cloned().zip(namespace));
        return (names, out);
    }
    let (mut keys, mut folders, mut named) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (name, node) in table.named() {
        let section = Table::of(check, &node);
        let namespace = namespace(check, section, upstreams, vault);
        let all = namespace.iter().flat_map(|namespace| &namespace.keys);
        if all.map(|key| key.expose().to_owned()).filter(|key| !keys.insert(key.clone())).count() > 0 {
            check.add(RANGE, &node.place.key("keys"), "a key of this namespace is another's or twice here");
        }
        if let Some(folder) = namespace.iter().find_map(|namespace| namespace.data_dir.clone())
            && !folders.insert(folder)
        {
            check.add(CLASH, &node.place.key("data_dir"), "another namespace has this directory");
        }
        named.extend(namespace.iter().map(|namespace| (node.place.key("also"), namespace.also.clone())));
        match name.parse::<Name>() {
            Ok(name) => {
                names.push(name.clone());
                out.extend(namespace.map(|namespace| {
                    let vault = vault.key_of(&name, &namespace.policy);
                    (name, Namespace { vault, ..namespace })
                }));
            }
            Err(error) => check.add(FORM, &node.place, error.to_string()),
        }
    }
    for (place, also) in named {
        also.iter().for_each(|name| exists(check, &place, "namespace", name, &names));
    }
    (names, out)
}

fn namespace(
    check: &mut Checker<'_>,
    mut table: Table<'_>,
    upstreams: &Upstreams,
    vault: &Vault,
) -> Option<Namespace> {
    let keys = match table.node("keys") {
        Some(node) => items(check, &node).iter().filter_map(|node| key(check, node)).collect(),
        None => Vec::new(),
    };
    let also = match table.node("also") {
        Some(node) => items(check, &node).iter().filter_map(|node| parsed(check, node)).collect(),
        None => Vec::new(),
    };
    let policy_place = table.at("policy");
    let policy = match table.node("policy") {
        Some(node) => policy(check, &node),
        None => known(check, &policy_place, Policy::preset("default")),
    };
    if let Some(policy) = &policy {
        vault.serves(check, policy, &policy_place);
    }
    let out = Namespace {
        upstream_keys: upstream_keys(check, &mut table, &upstreams.0),
        capture: table.or(check, "capture", boolean, true),
        retention: table.or(check, "retention", parsed, Retention::Keep),
        strict: table.or(check, "strict", boolean, false),
        region: region(check, &mut table, upstreams),
        data_dir: data_dir(check, &mut table),
        limits: budget(check, &mut table, "limits"),
        key_limits: budget(check, &mut table, "key_limits"),
        on_unknown_price: table.or(check, "on_unknown_price", parsed, OnUnknownPrice::Refuse),
        policy: policy?,
        vault: None,
        keys,
        also,
    };
    table.finish(check);
    Some(out)
}

fn budget(check: &mut Checker<'_>, table: &mut Table<'_>, key: &'static str) -> Limits {
    let section = table.table(check, key);
    limits(check, section)
}

fn upstream_keys(
    check: &mut Checker<'_>,
    table: &mut Table<'_>,
    names: &[String],
) -> BTreeMap<String, Secret> {
    let section = table.table(check, "upstream_keys");
    let mut out = BTreeMap::new();
    for (name, node) in section.named() {
        exists(check, &node.place, "upstream", &name, names);
        out.extend(key(check, &node).map(|key| (name, key)));
    }
    out
}

/// A region that no upstream is in could answer nothing.
fn region(check: &mut Checker<'_>, table: &mut Table<'_>, upstreams: &Upstreams) -> Option<String> {
    let region = table.optional(check, "region", string)?;
    if !upstreams.1.values().any(|upstream| upstream.region.as_ref() == Some(&region)) {
        let hint = "give an upstream `region = \"...\"`, or leave the namespace's away";
        let message = format!("no upstream is in region `{region}`");
        check.add_with_hint(REGION, &table.at("region"), message, Some(hint));
    }
    Some(region)
}

fn data_dir(check: &mut Checker<'_>, table: &mut Table<'_>) -> Option<PathBuf> {
    let given = table.optional(check, "data_dir", string)?;
    if given.is_empty() {
        check.add(FORM, &table.at("data_dir"), "is empty");
        return None;
    }
    Some(check.resolve(&given))
}

fn key(check: &mut Checker<'_>, node: &Node<'_>) -> Option<Secret> {
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
    match check.read(&file) {
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
