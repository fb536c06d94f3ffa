//! The `.kolm` artifact: container, manifest, identity, signatures, chunk tree.
//!
//! An artifact holds data only, and one manifest pins every byte of it. `write` makes one, `Artifact::open`
//! reads one, `verify` says check by check what holds. Files are read whole into memory and verified there,
//! so what is used is what was checked, whatever happens to the file afterwards.
//!
//! **Invariant:** equal drafts and members give equal bytes; nothing of a file is used before it is verified.

mod chunks;
mod claims;
mod dsse;
mod error;
mod identity;
mod manifest;
mod members;
mod open;
mod schema;
mod time;
mod weights;
mod write;
mod zip;

pub use claims::Claims;
pub use dsse::{MANIFEST_TYPE, Signature, pae};
pub use error::Error;
pub use identity::{cid, identity};
pub use kolm_core::rfc3339;
pub use manifest::{
    AxisRow, Base, Binary, Cascade, Compat, Data, Dims, Embedding, Eval, K, Kind, Manifest, MemberEntry,
    Model, Residency, Runtime, Task, Teacher, Train,
};
pub use members::Member;
pub use open::{Artifact, Check, Trust, Verdict, verify};
pub use weights::{Dtype, Tensor};
pub use write::{Draft, countersign, write};

/// Files of this size and above are no artifacts: 3 GiB.
pub const SIZE_LIMIT: u64 = 3_221_225_472;

#[cfg(test)]
mod tests;
