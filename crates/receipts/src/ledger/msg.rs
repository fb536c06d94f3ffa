//! What the writer is told, and where its chains stand.

use std::sync::Arc;

use kolm_core::{RequestId, RouteName};
use tokio::sync::oneshot;

use crate::merkle::Hash;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Msg {
    /// Write an open record ahead.
    Open { id: RequestId, record: Arc<[u8]>, ack: oneshot::Sender<bool> },
    /// Write a leaf.
    Close { id: RequestId, open: Arc<[u8]>, close: Vec<u8> },
    /// Write a control leaf. Whoever wants to know whether the disk has it is told so, and tries again himself.
    Control {
        ctl: Vec<u8>,
        config: bool,
        decided: Option<(RouteName, String)>,
        kept: Option<oneshot::Sender<bool>>,
    },
}

impl Msg {
    /// What the message weighs in the queue.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Open { record, .. } => record.len(),
            Self::Close { close, .. } => close.len(),
            Self::Control { ctl, .. } => ctl.len(),
        }
    }
}

/// The next position of both chains and of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chains {
    pub(super) epoch: u64,
    pub(super) data: (u64, Hash),
    pub(super) control: (u64, Hash),
    pub(super) index: u64,
}

/// The newest Decision leaf of a route.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    pub(super) route: RouteName,
    /// Of the Decision row.
    pub(super) digest: String,
    /// Of the leaf in the log.
    pub(super) index: i64,
}

/// Remembers the newest Decision leaf of a route.
pub(super) fn note(decisions: &mut Vec<Decided>, leaf: Decided) {
    match decisions.iter_mut().find(|known| known.route == leaf.route) {
        Some(known) => *known = leaf,
        None => decisions.push(leaf),
    }
}
