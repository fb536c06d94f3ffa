//! What is read at start only.
//!
//! **Invariant:** every path here is one of the file, which a test holds.

use crate::settings::SHAPE;

/// Paths of the file's shape; each stands for itself and all below it.
pub(crate) const AT_START: [&str; 10] = [
    "data_dir",
    "listen/address",
    "listen/max_header_bytes",
    "admin/address",
    "capture/queue",
    "log/format",
    "namespaces/*/data_dir",
    "receipts/node",
    "routes/[]/shadow/concurrency",
    "store",
];

/// Whether a changed setting takes effect at the next start only.
pub(crate) fn needed(path: &str) -> bool {
    SHAPE.locate(path).is_some_and(|(at, _)| is_at_start(&at))
}

/// The same for a path of the shape.
pub(crate) fn is_at_start(at: &str) -> bool {
    AT_START
        .iter()
        .any(|start| at.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
