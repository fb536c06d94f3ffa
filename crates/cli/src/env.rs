//! The real clock and the real randomness: the only place that reads either.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use kolm_config::Outside;
use kolm_core::{Clock, Entropy, Env, Timestamp};
use rand::RngCore as _;

struct SystemClock {
    wall: i64,
    start: Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.wall + self.start.elapsed().as_millis() as i64)
    }

    fn micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }
}

/// ChaCha seeded and reseeded from the kernel, one generator a thread: a request takes several handfuls of
/// randomness, and a system call for each would show.
struct ThreadEntropy;

impl Entropy for ThreadEntropy {
    fn fill(&self, buf: &mut [u8]) {
        rand::rng().fill_bytes(buf);
    }
}

/// Boot wall time plus monotonic delta, and randomness seeded by the kernel.
#[expect(clippy::disallowed_methods, reason = "cli is the door through which time comes in")]
pub(crate) fn system() -> Env {
    let wall = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64);
    Env { clock: Arc::new(SystemClock { wall, start: Instant::now() }), entropy: Arc::new(ThreadEntropy) }
}

/// Where kolm keeps its things: `KOLM_HOME`, else `~/.kolm`.
#[expect(clippy::disallowed_methods, reason = "cli is the door through which the environment comes in")]
pub(crate) fn home() -> PathBuf {
    match (std::env::var_os("KOLM_HOME"), std::env::var_os("HOME")) {
        (Some(dir), _) => dir.into(),
        (None, Some(home)) => PathBuf::from(home).join(".kolm"),
        (None, None) => ".kolm".into(),
    }
}

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "cli is the door through which the environment comes in")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a configuration may take from outside its file.
pub(crate) fn outside(data_dir: &Path) -> Outside {
    Outside { home: data_dir.to_owned(), env: Arc::new(variable) }
}
