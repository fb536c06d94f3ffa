//! Receipts: one header per answer, one leaf per request, in a ledger whose chains nobody without the key
//! can rewrite unseen (scheme `kr1`).
//!
//! Built so far: epoch 0 only. There are no seals, checkpoints or tiles yet, so the end of the newest
//! boot's chain can be cut by whoever holds the disk without this being seen; and all requests share
//! chain 0, as one thread writes.
//!
//! **Invariant:** opens = leaves, crash included; the stored bytes are what is hashed and MACed.

mod commit;
pub mod dsse;
mod error;
pub mod header;
pub mod keys;
pub mod kj1;
mod ledger;
pub mod merkle;
pub mod record;
pub mod verify;
mod wal;

pub use commit::{Commitment, Tag, commitment};
pub use error::Error;
pub use header::{Rt, St};
pub use ledger::{Control, Found, Handle, Heir, Inherited, Kept, Ledger, Open, Opened, Recovered, State};
pub use record::{Close, Kind, Try};
