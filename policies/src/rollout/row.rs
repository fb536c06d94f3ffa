//! The Decision row: a draft with its place in the history and the digest that the next row names.

use kolm_core::{DecisionRow, RequestId, RouteName, Timestamp};

use super::{Draft, State};
use crate::gate::canonical;

/// The row that records `draft` after `state`.
pub fn row(draft: Draft, state: &State, id: RequestId, route: &RouteName, t: Timestamp) -> DecisionRow {
    let mut row = DecisionRow {
        id,
        route: route.clone(),
        seq: state.seq,
        t,
        prev: state.prev.clone(),
        kind: draft.kind,
        because: draft.because,
        from: state.weight,
        to: draft.stage.weight(),
        stage: draft.stage,
        artifact: draft.artifact,
        policy: draft.policy,
        attempt: draft.attempt,
        alpha_ppb: draft.alpha_ppb,
        n: draft.n,
        k: draft.k,
        ceiling: draft.ceiling,
        basis: draft.basis,
        challenger: draft.challenger,
        sample: draft.sample,
        actor: draft.actor,
        reason: draft.reason,
        digest: String::new(),
    };
    row.digest = digest(&row);
    row
}

/// SHA-256 over the row's canonical bytes without `digest`.
pub fn digest(row: &DecisionRow) -> String {
    canonical::digest(row, &["digest"])
}
