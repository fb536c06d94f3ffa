//! The configuration in force: read by every request, replaced as a whole.
//!
//! **Invariant:** a reader sees one configuration from beginning to end; a file with a problem changes nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::{Config, Outside, Problems, RawConfig};

/// The configuration in force.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Config>,
    /// One reload at a time, so that versions count up without gaps.
    reloading: Mutex<()>,
}

impl Live {
    /// Puts the first configuration in force, as version 1.
    pub fn new(config: Config) -> Self {
        Self { current: ArcSwap::from_pointee(Config { version: 1, ..config }), reloading: Mutex::new(()) }
    }

    /// The configuration in force; keep it for the whole of a request.
    pub fn load(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Reads the file again (`None`: the embedded one). On any problem the old configuration stays.
    pub fn reload(&self, path: Option<&Path>, outside: &Outside) -> Result<Arc<Config>, Problems> {
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut config = match path {
            Some(path) => RawConfig::read(path)?.check(outside)?,
            None => RawConfig::embedded().check(outside)?,
        };
        config.version = self.current.load().version + 1;
        let config = Arc::new(config);
        self.current.store(config.clone());
        Ok(config)
    }
}
