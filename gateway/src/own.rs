//! Paths that are never forwarded: health and receipts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use kolm_receipts::header::Rt;
use kolm_wire::error::ApiError;
use pingora::Result;
use pingora::proxy::Session;
use std::sync::atomic::Ordering;

use crate::admit::{Admitted, not_allowed};
use crate::answer::{self, Answer};
use crate::table::Shared;

const RECEIPTS: &str = "/v1/receipts/";

/// The answer to a path of our own; `None` for everything else.
pub(crate) fn answer(shared: &Shared, admitted: &Admitted) -> Option<Answer> {
    let path = admitted.path();
    let ours = path == "/healthz" || path.starts_with(RECEIPTS);
    if !ours {
        return None;
    }
    if admitted.method != Method::GET && admitted.method != Method::HEAD {
        return Some(not_allowed(&admitted.method, "GET, HEAD"));
    }
    Some(match path.strip_prefix(RECEIPTS) {
        Some(_) if !admitted.allowed => ApiError::invalid_api_key().into(),
        Some(id) => receipt(shared, admitted, id)
            .unwrap_or_else(|| ApiError::unknown_url(admitted.method.as_str(), path).into()),
        None if shared.ready.load(Ordering::Acquire) => Answer::json(200, r#"{"status":"ok"}"#),
        None => Answer::json(503, r#"{"status":"not ready"}"#),
    })
}

/// Sends it; looking at the ledger makes no entry in it.
pub(crate) async fn send(
    shared: &Shared,
    session: &mut Session,
    admitted: &Admitted,
    answer: Answer,
) -> Result<bool> {
    let header = shared.ledger.none_header(admitted.id, Rt::Local, None);
    answer::write(session, answer, &header).await.map(|_| true)
}

/// A receipt of the caller's own namespace; any other looks like one that does not exist.
fn receipt(shared: &Shared, admitted: &Admitted, id: &str) -> Option<Answer> {
    let found = shared.ledger.find(id.parse().ok()?)?;
    if found.record().ok()?.ns != admitted.namespace.as_str() {
        return None;
    }
    let encoded = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let body = serde_json::json!({
        "id": id,
        "state": found.state,
        "open_b64": encoded(&found.open),
        "leaf_b64": found.leaf.as_deref().map(encoded),
        "mac": found.mac.as_ref().map(|mac| kolm_core::hex(mac)),
        "index": found.index,
        "epoch": 0,
    });
    Some(Answer::json(200, body.to_string()))
}
