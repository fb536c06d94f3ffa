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
    /// Write a control leaf.
    Control { ctl: Vec<u8>, config: bool, route: Option<RouteName> },
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

/// Remembers the newest Decision leaf of a route.
pub(super) fn note(decisions: &mut Vec<(RouteName, i64)>, route: RouteName, index: i64) {
    match decisions.iter_mut().find(|(known, _)| *known == route) {
        Some((_, at)) => *at = index,
        None => decisions.push((route, index)),
    }
}
