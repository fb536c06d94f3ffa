//! The configuration in force: read by every request, replaced as a whole.
//!
//! **Invariant:** a reader sees one configuration from beginning to end; versions count up.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::Config;

/// The configuration in force.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Config>,
}

impl Live {
    /// Puts the first configuration of a process in force, as version `version`.
    pub fn new(config: Config, version: u64) -> Self {
        Self { current: ArcSwap::from_pointee(Config { version, ..config }) }
    }

    /// The configuration in force; keep it for the whole of a request.
    pub fn load(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Puts another one in force; it is whoever checked it who knows that nobody else does so at the same time.
    pub fn replace(&self, config: Config) -> Arc<Config> {
        let config = Arc::new(Config { version: self.current.load().version + 1, ..config });
        self.current.store(Arc::clone(&config));
        config
    }
}
