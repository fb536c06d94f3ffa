//! Asking a pool: the next server where one does not answer, and in the end the teacher.
//!
//! **Invariant:** no credential of the client reaches a server of a pool; each server is asked at most once.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use kolm_config::Engine;
use pingora::http::RequestHeader;

use super::student::{Asked, PATH, exhausted};
use crate::headers::{self, Hops, Upward};
use crate::phases::Gateway;
use crate::pool::{Pool, Seat};
use crate::upstream::{Failed, Place, Why};

/// Sends a request to a server of the pool.
pub(super) async fn ask(
    gateway: &Gateway,
    from: &RequestHeader,
    body: &Bytes,
    pool: &Pool,
    conversation: &[u8],
) -> Asked {
    let engine = &pool.engine;
    let renamed = kolm_wire::chat::with_model(body, &engine.served_model);
    let Some(body) = renamed.map(Bytes::from) else { return Asked::Refused };
    let (mut tried, mut last) = (Vec::new(), Asked::Gone);
    while let Some(seated) = pool.pick(conversation, &tried) {
        let seat = seated.seat();
        tried.push(seat.address);
        let Ok(head) = dress(from, body.len(), engine, seat) else { return Asked::Refused };
        let place = Place::of_engine(engine, &seat.url);
        let call = match gateway.upstreams.peer_at(seat.address, &place) {
            Ok(peer) => Box::pin(gateway.upstreams.call(vec![peer], &head, &body, place.deadlines)).await,
            Err(failed) => Err(failed),
        };
        match call {
            Ok(mut call) => match call.head.status.as_u16() {
                200 => {
                    call.seat = Some(seated);
                    return Asked::Answered(Box::new(call));
                }
                400 | 413 | 415 | 422 => {
                    exhausted(gateway, call).await;
                    return Asked::Refused;
                }
                _ => {
                    exhausted(gateway, call).await;
                    last = Asked::Failed;
                }
            },
            // The client has waited for long enough: the teacher is sure to answer, another server is not.
            Err(Failed { why: Why::Timeout, .. }) => return Asked::Late,
            Err(Failed { why: Why::Connect | Why::ConnectTimeout | Why::Airgap | Why::Broken, .. }) => {
                pool.doubt(seat);
                last = Asked::Gone;
            }
        }
    }
    last
}

fn dress(
    from: &RequestHeader,
    length: usize,
    engine: &Engine,
    seat: &Seat,
) -> pingora::Result<RequestHeader> {
    let mut head = from.clone();
    let to = Upward { host: seat.url.authority(), path: seat.url.path(PATH), authorization: None };
    headers::upward(&mut head, &to, Hops::Strip)?;
    headers::estrange(&mut head);
    headers::sized(&mut head, length)?;
    head.remove_header(&ACCEPT_ENCODING);
    if let Some(key) = &engine.api_key {
        head.insert_header(AUTHORIZATION, format!("Bearer {}", key.expose()))?;
    }
    Ok(head)
}
