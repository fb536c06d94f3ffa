//! The closed loop: as many requests under way as there are connections.
//!
//! **Invariant:** every connection is open before the first request leaves.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;

use super::conn::{Conn, Reply};
use super::tally::{Counted, Tally};
use super::{Span, To};
use crate::clock;
use crate::fault::Result;

/// Asks until the span is over.
pub(super) async fn run(to: &To, span: Span) -> Result<Counted> {
    let requests: Rc<[Bytes]> = to.requests(false).into();
    let conns = to.connect().await?;
    let from = clock::nanos() + clock::of_seconds(span.warm);
    let until = from + clock::of_seconds(span.seconds);
    let tally = Rc::new(RefCell::new(Tally::new(from, until)?));
    let tasks: Vec<_> = conns
        .into_iter()
        .enumerate()
        .map(|(turn, conn)| {
            let (requests, tally) = (Rc::clone(&requests), Rc::clone(&tally));
            tokio::task::spawn_local(one(conn, turn, requests, tally, until, to.expect))
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    let tally = Rc::into_inner(tally).ok_or("a connection still counts")?.into_inner();
    Ok(tally.finish())
}

async fn one(
    mut conn: Conn,
    mut turn: usize,
    requests: Rc<[Bytes]>,
    tally: Rc<RefCell<Tally>>,
    until: u64,
    expect: Option<u64>,
) {
    let mut sent = clock::nanos();
    while sent < until {
        let reply = conn.exchange(&requests[turn % requests.len()], |_| {}).await;
        turn += 1;
        let now = clock::nanos();
        match judge(reply, expect) {
            Ok(()) => tally.borrow_mut().reply(sent, now),
            Err(what) => tally.borrow_mut().error(what),
        }
        sent = now;
    }
}

/// Whether a reply counts, and what it is otherwise.
pub(super) fn judge(reply: Result<Reply>, expect: Option<u64>) -> std::result::Result<(), String> {
    match reply {
        Ok(reply) if reply.status != 200 => Err(format!("status {}", reply.status)),
        Ok(reply) if expect.is_some_and(|expect| reply.bytes != expect) => {
            Err(format!("{} bytes instead of {}", reply.bytes, expect.unwrap_or(0)))
        }
        Ok(_) => Ok(()),
        Err(fault) => Err(fault.to_string()),
    }
}
