//! Namespaces whose captures lie apart: each has a database, a spool and an owner thread of its own, behind the one
//! handle.
//!
//! **Invariant:** a pair goes to its namespace's own store or to the common one, never to both and never to another's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kolm_core::{CaptureStatus, Env, Namespace, RequestId, Timestamp};

use crate::Error;
use crate::pair::{Captures, PairCounts, PairDetail, PairView, Record, Template};
use crate::service::{Handle, Service};

/// The folder of a store below a data directory.
const FOLDER: &str = "store";
/// Says, beside the common store, where the others lie.
const LIST: &str = "apart.json";

impl Service {
    /// Opens the common store in `dir`, and one for each namespace with a data directory of its own.
    pub fn open_all(
        dir: &Path,
        settings: &kolm_config::Store,
        env: &Env,
        apart: BTreeMap<Namespace, PathBuf>,
    ) -> Result<(Self, Handle), Error> {
        let (mut service, mut handle) = Self::open(dir, settings, env)?;
        let mut handles = BTreeMap::new();
        for (namespace, data_dir) in &apart {
            let (own, mut door) = Self::open(&data_dir.join(FOLDER), settings, env)?;
            // One heir takes what belongs to any of them.
            door.heir = Arc::clone(&handle.heir);
            service.apart.push(own);
            handles.insert(namespace.clone(), (data_dir.clone(), door));
        }
        handle.apart = handles.into();
        remember(&dir.join(LIST), &apart)?;
        Ok((service, handle))
    }

    /// The same as the last gateway here has opened it, for a command while none runs.
    pub fn open_again(dir: &Path, settings: &kolm_config::Store, env: &Env) -> Result<(Self, Handle), Error> {
        Self::open_all(dir, settings, env, listed(dir)?)
    }
}

/// The folders of all stores, as the last gateway has opened them: the common one and those apart.
pub(crate) fn folders(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let apart = listed(dir)?.into_values().map(|data_dir| data_dir.join(FOLDER));
    Ok([dir.to_owned()].into_iter().chain(apart).collect())
}

/// The data directories of the namespaces that lie apart.
fn listed(dir: &Path) -> Result<BTreeMap<Namespace, PathBuf>, Error> {
    let list = dir.join(LIST);
    match std::fs::read(&list) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|source| Error::Unreadable { what: "list of stores", source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(Error::io("read", &list)(error)),
    }
}

fn remember(list: &Path, apart: &BTreeMap<Namespace, PathBuf>) -> Result<(), Error> {
    if apart.is_empty() && !list.exists() {
        return Ok(());
    }
    let text =
        serde_json::to_vec(apart).map_err(|source| Error::Unreadable { what: "list of stores", source })?;
    let temporary = list.with_extension("new");
    std::fs::write(&temporary, text).map_err(Error::io("write", &temporary))?;
    std::fs::rename(&temporary, list).map_err(Error::io("write", list))
}

impl Handle {
    /// The door to the store of a namespace.
    pub(crate) fn of(&self, namespace: &Namespace) -> &Self {
        self.apart.get(namespace).map_or(self, |(_, own)| own)
    }

    /// The door that a record of another process belongs to.
    pub(crate) fn heir_of(&self, record: &[u8]) -> Result<&Self, Error> {
        if self.apart.is_empty() {
            return Ok(self);
        }
        let record: Record =
            serde_json::from_slice(record).map_err(|source| Error::Unreadable { what: "pair", source })?;
        Ok(match &record {
            Record::Pair { row, .. } => {
                let lies_apart = self.apart.iter().find(|(name, _)| name.as_str() == row.namespace);
                lies_apart.map_or(self, |(_, (_, own))| own)
            }
            Record::Salts { .. } => self,
        })
    }

    /// This door and those to the stores apart.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(self.apart.values().map(|(_, own)| own))
    }

    /// Whether a namespace's store is open where the configuration wants it: directories are read at start only.
    pub fn lies_in(&self, namespace: &Namespace, data_dir: Option<&Path>) -> bool {
        self.apart.get(namespace).map(|(dir, _)| dir.as_path()) == data_dir
    }

    /// How many pairs a namespace has.
    pub async fn counts(&self, namespace: &Namespace) -> Result<PairCounts, Error> {
        let name = namespace.clone();
        self.of(namespace).ask(move |db| db.counts(&name)).await
    }

    /// The newest pairs of a namespace.
    pub async fn recent(&self, namespace: &Namespace, limit: u32) -> Result<Vec<PairView>, Error> {
        let name = namespace.clone();
        self.of(namespace).ask(move |db| db.recent(&name, limit)).await
    }

    /// One pair in full, if it is stored.
    pub async fn pair(&self, id: RequestId) -> Result<Option<PairDetail>, Error> {
        for door in self.all() {
            if let Some(found) = door.ask(move |db| db.pair(id)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The templates with the most pairs, over all namespaces.
    pub async fn templates(&self, limit: u32) -> Result<Vec<Template>, Error> {
        let mut out = Vec::new();
        for door in self.all() {
            out.extend(door.ask(move |db| db.templates(limit)).await?);
        }
        out.sort_by_key(|template| std::cmp::Reverse(template.pairs));
        out.truncate(limit as usize);
        Ok(out)
    }

    /// What is captured, over all namespaces; of the newest `recent` pairs and templates, findings of `looked_at`.
    pub async fn captures(&self, looked_at: u32, recent: u32) -> Result<Captures, Error> {
        let mut sum = Captures::default();
        for door in self.all() {
            let one = door.ask(move |db| db.captures(looked_at, recent)).await?;
            sum.reasons.extend(one.reasons);
            sum.recent.extend(one.recent);
            sum.templates.extend(one.templates);
            sum.looked_at += one.looked_at;
            sum.touched += one.touched;
            sum.quarantined += one.quarantined;
            for (ty, n) in one.findings {
                *sum.findings.entry(ty).or_default() += n;
            }
        }
        sum.recent.sort_by_key(|pair| std::cmp::Reverse(pair.ts));
        sum.recent.truncate(recent as usize);
        sum.templates.sort_by_key(|template| std::cmp::Reverse(template.pairs));
        sum.templates.truncate(recent as usize);
        Ok(sum)
    }

    /// The salts of a receipt, in hex, of request and response.
    pub async fn salts(&self, id: RequestId) -> Result<Option<(String, String)>, Error> {
        for door in self.all() {
            if let Some(found) = door.ask(move |db| db.salts(id)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Takes the bodies out of a namespace's pairs that began before `before`; hashes and numbers stay. Says how many.
    /// What the vault has of them goes first, and also where the database is closed.
    pub async fn decay(&self, namespace: &Namespace, before: Timestamp) -> Result<u64, Error> {
        let (own, name) = (self.of(namespace), namespace.clone());
        let forgotten = own.forget(namespace, before).await;
        let decayed = own.ask(move |db| db.decay(&name, before)).await?;
        forgotten.map(|()| decayed)
    }

    /// The same for the pairs that a template has put into a namespace of their own.
    pub async fn decay_auto(&self, before: Timestamp) -> Result<u64, Error> {
        self.ask(move |db| db.decay_auto(before)).await
    }

    /// Shows every row as text, for a search of what is stored: the database keeps it compressed on disk.
    pub async fn each_text(&self, visit: impl FnMut(&str) + Send + 'static) -> Result<(), Error> {
        let visit = Arc::new(Mutex::new(visit));
        for door in self.all() {
            let visit = Arc::clone(&visit);
            let show = move |text: &str| (*visit.lock().unwrap_or_else(PoisonError::into_inner))(text);
            door.ask(move |db| db.each_text(show)).await?;
        }
        Ok(())
    }

    /// The capture path in numbers, since this start and with what it found in the spools:
    /// accepted = stored + spooled + dropped.
    pub fn status(&self) -> CaptureStatus {
        let mut sum = CaptureStatus::default();
        let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
        for status in self.all().map(Self::own_status) {
            sum.accepted += status.accepted;
            sum.stored += status.stored;
            sum.spooled += status.spooled;
            for (reason, n) in status.dropped {
                *dropped.entry(reason).or_default() += n;
            }
        }
        sum.dropped = dropped.into_iter().collect();
        sum
    }
}
