//! Namespaces whose captures lie apart: each has a database, a spool and an owner thread of its own, behind the one
//! handle.
//!
//! **Invariant:** a pair goes to its namespace's own store or to the common one, never to both and never to another's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kolm_core::{CaptureStatus, Env, Namespace, RequestId, Timestamp};

use crate::Error;
use crate::pair::{PairCounts, PairView, Record};
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
        let list = dir.join(LIST);
        let apart = match std::fs::read(&list) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| Error::Unreadable { what: "list of stores", source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Error::io("read", &list)(error)),
        };
        Self::open_all(dir, settings, env, apart)
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
    pub async fn decay(&self, namespace: &Namespace, before: Timestamp) -> Result<u64, Error> {
        let name = namespace.clone();
        self.of(namespace).ask(move |db| db.decay(&name, before)).await
    }

    /// The text of every body, for a search of what is stored: the database keeps it compressed on disk.
    pub async fn bodies(&self) -> Result<Vec<String>, Error> {
        let mut out = Vec::new();
        for door in self.all() {
            out.extend(door.ask(|db| db.bodies()).await?);
        }
        Ok(out)
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
