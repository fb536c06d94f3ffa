//! `100 Continue` by the gateway itself: where nobody behind it can say so.
//!
//! **Invariant:** only a client that waits for it gets one, and only one.

use http::HeaderMap;
use http::header::EXPECT;
use pingora::Result;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

use crate::headers;

/// A client that waits to be asked for its body is asked.
pub(crate) async fn invite(session: &mut Session) -> Result<()> {
    let waits = waits(&session.req_header().headers);
    let client = session.as_downstream_mut();
    if !waits || client.is_body_empty() {
        return Ok(());
    }
    client.write_response_header(Box::new(ResponseHeader::build(100, Some(0))?)).await
}

/// Whether the body is held back until it is asked for.
pub(crate) fn waits(headers: &HeaderMap) -> bool {
    headers::text(headers, EXPECT.as_str()).is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
}
