//! `kolm vault`: a key for the way back, opening it, and taking single captures out of it.
//!
//! **Invariant:** what is opened goes to standard output alone; opening changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kolm_config::{History, RawConfig};
use kolm_core::{Code, Env, Exit, RequestId};
use kolm_policies::anonymize::vault::{Key, NamespaceKey, Sealed, Unopened};
use kolm_store::Vaults;

use crate::args::{VaultCommand, VaultOpen};
use crate::report::{Done, Failure, note, print_json, say};

const NOT_OPENED: Code = Code(905);
const NOT_THERE: Code = Code(906);

/// Runs a subcommand.
pub(crate) fn run(command: &VaultCommand, env: &Env, data_dir: &Path, json: bool) -> Done {
    match command {
        VaultCommand::Key { out } => key(out, env, json),
        VaultCommand::Open(args) => open(args, data_dir),
        VaultCommand::Forget { id } => forget(id, data_dir, json),
    }
}

fn key(out: &Path, env: &Env, json: bool) -> Done {
    let key = kolm_config::vault::create(out, env.bytes32().into())?;
    if json {
        print_json(&serde_json::json!({ "id": key.id(), "key_file": out }));
    } else {
        say(format_args!("{}", out.display()));
        note(
            "keep a copy apart from the captures: without it nothing opens what it seals; next, in gateway.toml:",
        );
        note(&format!("  [vault]\n  key_file = \"{}\"", out.display()));
    }
    Ok(Exit::Ok)
}

/// What an opening came to.
#[derive(Default)]
struct Tally {
    opened: u64,
    /// Captures of which there is a record.
    seen: BTreeSet<String>,
    /// Records under other keys, by the key's id.
    other: BTreeMap<String, u64>,
    altered: u64,
}

impl Tally {
    /// Opens one record and prints it; `None` is a line that is no record.
    fn take(&mut self, record: Option<&Sealed>, key: &NamespaceKey) {
        let Some(record) = record else {
            self.altered += 1;
            return;
        };
        self.seen.insert(record.id().to_owned());
        match record.open(key) {
            Ok(opened) => {
                self.opened += 1;
                print_json(&serde_json::json!({
                    "id": opened.id, "type": opened.ty,
                    "original": opened.original.as_str(), "surrogate": opened.surrogate,
                }));
            }
            Err(Unopened::OtherKey(id)) => *self.other.entry(id).or_default() += 1,
            Err(Unopened::Altered) => self.altered += 1,
        }
    }

    /// Nothing is passed over in silence: not what stays closed, nor a capture that there is nothing of.
    fn told(self, key: &Key, ids: &[String]) -> Done {
        if self.altered > 0 || !self.other.is_empty() {
            let other = self.other.iter().map(|(id, n)| format!("{n} sealed with the key {id}"));
            let altered = (self.altered > 0).then(|| format!("{} damaged, altered or moved", self.altered));
            let what = other.chain(altered).collect::<Vec<_>>().join(", ");
            let sentence = format!("not opened with the key {}: {what}", key.id());
            let hint = "give the key that sealed them with --key; what was altered nothing opens";
            return Err(Failure::new(NOT_OPENED, Exit::Failed, sentence, hint));
        }
        let missing: Vec<&str> =
            ids.iter().map(String::as_str).filter(|id| !self.seen.contains(*id)).collect();
        if !missing.is_empty() {
            let sentence = format!("there is no way back for {}", missing.join(", "));
            let hint =
                "its time may be over, its policy may have no type in mode `vault`, or nothing was found";
            return Err(Failure::new(NOT_THERE, Exit::Failed, sentence, hint));
        }
        if self.opened == 0 {
            note("there is nothing in the vault");
        }
        Ok(Exit::Ok)
    }
}

fn open(args: &VaultOpen, data_dir: &Path) -> Done {
    let path = args.key.clone().map_or_else(|| configured(data_dir), Ok)?;
    let key = kolm_config::vault::load(&path)?;
    let mut tally = Tally::default();
    if let Some(file) = &args.file {
        let text = std::fs::read_to_string(file).map_err(|error| Failure::io(file, &error))?;
        let own = key.of_file();
        for line in text.lines() {
            let record = serde_json::from_str::<Sealed>(line).ok();
            let wanted = |one: &Sealed| args.id.is_empty() || args.id.iter().any(|id| id == one.id());
            if record.as_ref().is_none_or(wanted) {
                tally.take(record.as_ref(), &own);
            }
        }
        return tally.told(&key, &args.id);
    }
    let vaults = Vaults::of(&data_dir.join("store"))?;
    let ids = captures(&args.id)?;
    let namespaces = match &args.namespace {
        Some(name) => BTreeSet::from([crate::namespace(name)?]),
        None => vaults.namespaces()?,
    };
    for namespace in namespaces {
        let own = key.of(&namespace);
        vaults.each(&namespace, &ids, |record| tally.take(record.as_ref(), &own))?;
    }
    tally.told(&key, &args.id)
}

fn forget(ids: &[String], data_dir: &Path, json: bool) -> Done {
    let (vaults, ids) = (Vaults::of(&data_dir.join("store"))?, captures(ids)?);
    let mut removed = 0;
    for namespace in vaults.namespaces()? {
        removed += vaults.forget(&namespace, &ids)?;
    }
    if json {
        print_json(&serde_json::json!({ "removed": removed }));
    } else {
        say(format_args!("{removed} records removed"));
    }
    Ok(Exit::Ok)
}

fn captures(ids: &[String]) -> Result<BTreeSet<RequestId>, Failure> {
    let one = |id: &String| {
        id.parse().map_err(|error: kolm_core::BadName| {
            Failure::new(Code(5), Exit::Usage, error, "give the id of a receipt, which is its capture's too")
        })
    };
    ids.iter().map(one).collect()
}

/// The key file of the configuration that came into force last.
fn configured(data_dir: &Path) -> Result<PathBuf, Failure> {
    let entries = crate::versions::read(data_dir)?;
    let named = entries.last().and_then(|entry| {
        let text = History::text(&entries, entry.version)?;
        let file = entry.file.clone().unwrap_or_default();
        kolm_config::vault::key_file(&RawConfig::at(file.as_ref(), text))
    });
    named.ok_or_else(|| {
        let sentence = "the configuration last in force names no vault.key_file";
        Failure::new(Code(5), Exit::Usage, sentence, "give the key with --key FILE")
    })
}
