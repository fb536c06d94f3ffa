//! The pace of threads that nobody waits for.

/// How far the background stands behind requests: where both want a core, it gets about a tenth of it.
const BEHIND: i32 = 10;

/// Lets this thread, and those that it starts, run behind all that serve requests.
pub fn stand_back() {
    if let Err(error) = rustix::process::nice(BEHIND) {
        tracing::warn!(%error, "a background thread runs at the pace of requests");
    }
}
