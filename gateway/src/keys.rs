//! The ring of issued keys: what a running gateway knows of `keys/virtual.json`, followed as the file changes.
//!
//! **Invariant:** a file that cannot be read, or is gone, takes no key away and gives none: the ring stays as it was.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use kolm_config::{KeyFile, KeyFileError, VirtualKey};
use kolm_core::Namespace;
use tokio::sync::watch;

use crate::table::Shared;

/// Time between two looks at the file.
const TICK: Duration = Duration::from_millis(250);

/// The keys of one moment.
#[derive(Default)]
pub struct Keys {
    by_id: HashMap<String, Arc<VirtualKey>>,
    owned: HashSet<Namespace>,
}

impl Keys {
    /// The key of an id. Ids are no secret, so nothing is to be hidden in how long this takes.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<VirtualKey>> {
        self.by_id.get(id)
    }

    /// Whether none was ever issued; a revoked one counts, or the last revocation would open the gateway.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether a key was issued for a namespace: then it belongs to its keys.
    pub(crate) fn own(&self, namespace: &Namespace) -> bool {
        self.owned.contains(namespace)
    }
}

impl From<KeyFile> for Keys {
    fn from(file: KeyFile) -> Self {
        let used = |key: &VirtualKey| key.also.iter().chain([&key.namespace]).cloned().collect::<Vec<_>>();
        let owned = file.keys.iter().flat_map(used).collect();
        let by_id = file.keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        Self { by_id, owned }
    }
}

/// What tells one version of the file from another.
type Stamp = Option<(u64, i64, i64, u64)>;

/// The keys in force and the file they come from.
#[derive(Default)]
pub struct Ring {
    path: Option<PathBuf>,
    keys: ArcSwap<Keys>,
    seen: Mutex<Stamp>,
}

impl Ring {
    /// The keys of a data directory.
    ///
    /// # Errors
    /// The file is there and cannot be used: starting without its keys would let strangers in or friends out.
    pub fn open(data_dir: &Path) -> Result<Self, KeyFileError> {
        let path = KeyFile::path(data_dir);
        let seen = Mutex::new(stamp(&path));
        let keys = ArcSwap::from_pointee(Keys::from(KeyFile::read(&path)?));
        Ok(Self { path: Some(path), keys, seen })
    }

    /// The keys in force.
    pub(crate) fn load(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// Takes a changed file in; says how many keys it has, or nothing where nothing changed.
    fn look(&self) -> Option<Result<usize, KeyFileError>> {
        let path = self.path.as_ref()?;
        let now = stamp(path);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut *seen, now) == now || now.is_none() {
                return None;
            }
        }
        Some(KeyFile::read(path).map(|file| {
            let keys = Keys::from(file);
            let count = keys.by_id.len();
            self.keys.store(Arc::new(keys));
            count
        }))
    }
}

fn stamp(path: &Path) -> Stamp {
    let file = path.metadata().ok()?;
    Some((file.ino(), file.mtime(), file.mtime_nsec(), file.size()))
}

/// Follows the file until told to stop.
pub(crate) async fn follow(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        match shared.keys.look() {
            Some(Ok(count)) => shared.events.keys_read(count),
            Some(Err(error)) => shared.events.keys_unread(&error),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use kolm_config::Issue;
    use kolm_core::Timestamp;

    use super::*;

    fn issued(namespace: &str, mark: u8) -> VirtualKey {
        let namespace = namespace.parse().unwrap();
        let limits = Default::default();
        let order = Issue { name: String::new(), namespace, also: Vec::new(), expires: None, limits };
        VirtualKey::issue(order, Timestamp(1), [[mark; 32]; 3]).0
    }

    #[test]
    fn the_ring_follows_the_file_and_a_damaged_or_missing_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("keys")).unwrap();
        let path = KeyFile::path(dir.path());
        let ring = Ring::open(dir.path()).unwrap();
        assert!(ring.load().is_empty() && ring.look().is_none());
        let mut file = KeyFile { keys: vec![issued("support", 1)] };
        file.write(&path).unwrap();
        assert!(matches!(ring.look(), Some(Ok(1))) && ring.look().is_none());
        assert!(ring.load().own(&"support".parse().unwrap()) && ring.load().get("010101010101").is_some());
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(ring.look(), Some(Err(_))) && !ring.load().is_empty());
        std::fs::remove_file(&path).unwrap();
        assert!(ring.look().is_none() && !ring.load().is_empty());
        file.keys.push(issued("billing", 2));
        file.write(&path).unwrap();
        assert!(matches!(ring.look(), Some(Ok(2))));
        std::fs::write(&path, "{").unwrap();
        assert!(Ring::open(dir.path()).is_err());
    }
}
