//! The pace of threads that nobody waits for.

/// How far the background stands behind requests: where both want a core, it gets about a tenth of it.
const BEHIND: i32 = 10;

/// Lets this thread run only while nobody else wants its core (`SCHED_IDLE`, sched(7)); where the system has no such
/// thing it stands back.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = thread_priority::thread_native_id();
        match thread_priority::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "a background thread cannot give way"),
        }
    }
    stand_back();
}

/// Lets this thread, and those that it starts, run behind all that serve requests.
pub fn stand_back() {
    if let Err(error) = rustix::process::nice(BEHIND) {
        tracing::warn!(%error, "a background thread runs at the pace of requests");
    }
}
