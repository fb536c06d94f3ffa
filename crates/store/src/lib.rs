//! The capture store: anonymized pairs on their way to disk (spool), at rest (DuckDB) and frozen for training;
//! beside them the Decisions, the scores, and the diffs that people review; apart from them the vault.
//!
//! One thread owns the database; everyone else holds a [`Handle`].
//! **Invariant:** an acknowledged pair survives `kill -9` and any failure of the database, and only what the
//! anonymizer minted is ever written.

mod apart;
mod db;
mod diff;
mod error;
mod freeze;
mod money;
mod pace;
mod pair;
mod service;
mod spool;
mod statement;
mod sync;
mod vault;

pub use diff::Diff;
pub use error::Error;
pub use kolm_policies::dataset::SnapshotMeta;
/// One scored comparison of student and teacher.
pub use kolm_policies::gate::Score as ScoreRow;
pub use money::Money;
pub use pace::{give_way, stand_back};
pub use pair::{Captures, Pair, PairCounts, PairDetail, PairView, Reason, Salts, Template};
pub use service::{Handle, Heir, Service};
pub use statement::Statement;
pub use vault::Vaults;
