//! What this process asks of the operating system for itself and its children.

/// Whether memory may come in huge pages. Thousands of open streams with a few pages each cost twice as much in them;
/// children inherit the setting, and those that compute want it back.
pub(crate) fn huge_pages(allowed: bool) {
    if let Err(cause) = rustix::thread::disable_transparent_huge_pages(!allowed) {
        tracing::warn!(%cause, "huge pages stay as they are");
    }
}

/// As many open files as the system allows: a proxied stream takes two, and many systems start with 1,024.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(cause) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%cause, "the limit of open files cannot be raised");
    }
}

/// What is written from now on is for this account alone: captures are other people's words.
pub(crate) fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// No core file of this process or its children: what was in memory when it broke down would lie there as it came.
pub(crate) fn leave_no_core() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    if let Err(cause) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        crate::report::note(&format!("a crash may leave a core file: {cause}"));
    }
}
