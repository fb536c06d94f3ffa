//! Where the configuration comes from, and the one way to another one.
//!
//! **Invariant:** whatever comes into force is written into the ledger with its digest and who brought it.

use std::path::PathBuf;
use std::sync::Arc;

use kolm_config::{Live, Outside, Problems, RawConfig};
use kolm_receipts::{Control, Handle};
use sha2::{Digest as _, Sha256};

/// Where the configuration comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The one in the binary, with what it takes from the environment.
    Embedded,
    /// A file.
    File(PathBuf),
    /// The command line: it stays as it is.
    Given,
}

/// How to read the configuration again.
#[derive(Clone)]
pub(crate) struct Source {
    origin: Origin,
    outside: Outside,
    ledger: Handle,
}

impl Source {
    /// A source whose changes are written into `ledger`.
    pub(crate) fn new(origin: Origin, outside: Outside, ledger: Handle) -> Self {
        Self { origin, outside, ledger }
    }

    /// Writes a `config` leaf: what is in force from now on, and who brought it.
    pub(crate) fn record(&self, by: &str) {
        let text = match &self.origin {
            Origin::Embedded => RawConfig::embedded().text().as_bytes().to_vec(),
            Origin::File(path) => std::fs::read(path).unwrap_or_default(),
            Origin::Given => b"command line".to_vec(),
        };
        let digest = kolm_core::hex(&Sha256::digest(text));
        self.ledger.control(Control::Config { digest, by: by.to_owned() });
    }

    /// The one way to another configuration: file, SIGHUP and admin interface all end here.
    pub(crate) fn reload(&self, live: &Live, by: &str) -> Result<u64, Problems> {
        let file = match &self.origin {
            Origin::Embedded => None,
            Origin::File(path) => Some(path.as_path()),
            Origin::Given => return Ok(live.load().version),
        };
        let reloaded = live.reload(file, &self.outside).map(|config| config.version);
        match &reloaded {
            Ok(version) => {
                self.record(by);
                tracing::info!(version, by, "configuration reloaded");
            }
            Err(problems) => tracing::error!(%problems, "configuration not reloaded, the old one stays"),
        }
        reloaded
    }

    fn modified(&self) -> Option<std::time::SystemTime> {
        match &self.origin {
            Origin::File(path) => path.metadata().ok()?.modified().ok(),
            Origin::Embedded | Origin::Given => None,
        }
    }

    /// Reloads a changed file within a second, and on SIGHUP.
    pub(crate) async fn watch(self, live: Arc<Live>) {
        let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) else {
            return;
        };
        let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
        let mut seen = self.modified();
        loop {
            let by = tokio::select! {
                _ = tick.tick() => {
                    let now = self.modified();
                    if std::mem::replace(&mut seen, now) == now {
                        continue;
                    }
                    "file"
                }
                _ = hangup.recv() => "SIGHUP",
            };
            drop(self.reload(&live, by));
        }
    }
}
