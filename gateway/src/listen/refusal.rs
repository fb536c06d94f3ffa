//! Refusals of what is not even a request: no request, no ledger entry, but OpenAI's form and a receipt header.

use kolm_core::RequestId;
use kolm_receipts::header::Rt;
use kolm_wire::error::ApiError;

use crate::headers::RECEIPT;
use crate::table::Shared;

/// The receipt of an answer that is not the gateway's own words.
pub(super) fn receipt(shared: &Shared, status: u16) -> String {
    shared.events.request_refused(status);
    let id = RequestId::mint(shared.env.clock.now(), &*shared.env.entropy);
    shared.ledger.none_header(id, Rt::Local, None)
}

/// A whole answer, as it goes over the wire.
pub(super) fn wire(shared: &Shared, status: u16) -> Vec<u8> {
    let receipt = receipt(shared, status);
    let (reason, message) = words(status);
    let body = ApiError {
        status,
        kind: "invalid_request_error",
        code: Some("malformed_request"),
        param: None,
        message: message.to_owned(),
    }
    .body();
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n{RECEIPT}: {receipt}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

fn words(status: u16) -> (&'static str, &'static str) {
    match status {
        408 => ("Request Timeout", "The request header did not arrive in time."),
        431 => ("Request Header Fields Too Large", "The request header is too large."),
        _ => ("Bad Request", "The request is not valid HTTP."),
    }
}
