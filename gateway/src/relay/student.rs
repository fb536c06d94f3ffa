//! Asking a student, and judging what it says before the client sees any of it.
//!
//! **Invariant:** no credential of the client reaches a student.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HOST};
use kolm_core::RouteName;
use pingora::http::RequestHeader;
use tokio::time::timeout;

use super::engine;
use crate::headers::{self, CASCADE, Hops, Upward};
use crate::phases::Gateway;
use crate::table::{Shared, Student};
use crate::upstream::{Call, Deadlines, Failed, Why, student_peer};

const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(1),
    first_byte: Duration::from_secs(10),
    idle: Duration::from_secs(30),
};
const REST: Duration = Duration::from_millis(100);
pub(super) const PATH: &str = "/v1/chat/completions";

/// What came of it.
pub(super) enum Asked {
    /// An answer to pass on.
    Answered(Box<Call>),
    /// Not sure enough.
    Abstained,
    /// The request is at fault, not the student.
    Refused,
    /// It answered with an error.
    Failed,
    /// It did not answer in time.
    Late,
    /// The connection was refused or broke: the process is gone, or about to be.
    Gone,
}

/// Sends the request to a student: a server of its pool, or the process on this host.
pub(super) async fn ask(
    gateway: &Gateway,
    from: &RequestHeader,
    body: &Bytes,
    student: &Student,
    unit: &str,
) -> Asked {
    match (&student.pool, student.up()) {
        (Some(pool), _) => engine::ask(gateway, from, body, pool, unit.as_bytes()).await,
        (None, Some(address)) => ask_child(gateway, from, body, address).await,
        (None, None) => Asked::Gone,
    }
}

async fn ask_child(gateway: &Gateway, from: &RequestHeader, body: &Bytes, address: SocketAddr) -> Asked {
    let Ok(head) = dress(from, body.len(), address) else { return Asked::Refused };
    let peers = vec![student_peer(address, DEADLINES.connect)];
    let call = match Box::pin(gateway.upstreams.call(peers, &head, body, DEADLINES)).await {
        Ok(call) => call,
        Err(Failed { why: Why::Timeout, .. }) => return Asked::Late,
        Err(Failed { why: Why::Connect | Why::ConnectTimeout | Why::Airgap | Why::Broken, .. }) => {
            return Asked::Gone;
        }
    };
    let verdict = match call.head.status.as_u16() {
        200 => return Asked::Answered(Box::new(call)),
        422 => Asked::Abstained,
        400 | 413 | 415 => Asked::Refused,
        _ => Asked::Failed,
    };
    exhausted(gateway, call).await;
    verdict
}

/// Reads what is left of an answer that nobody wants: a short rest keeps the connection usable.
pub(super) async fn exhausted(gateway: &Gateway, mut call: Call) {
    if timeout(REST, exhaust(&mut call)).await.unwrap_or(false) {
        gateway.upstreams.release(call).await;
    }
}

/// Keeps the student's books; `Err` says why the teacher is asked instead.
pub(super) fn judge(
    shared: &Shared,
    student: &Student,
    route: Option<&RouteName>,
    asked: Asked,
) -> Result<Box<Call>, &'static str> {
    let failed = |why| {
        if let Some(route) = route {
            shared.events.student_failed(route, why);
        }
        why
    };
    match asked {
        Asked::Answered(call) => {
            student.breaker.note(false);
            Ok(call)
        }
        Asked::Abstained => {
            student.breaker.note(false);
            if let Some(route) = route {
                shared.events.student_abstained(route);
            }
            Err("abstained")
        }
        Asked::Refused => {
            student.breaker.note(false);
            Err("refused")
        }
        Asked::Gone => {
            student.mark_suspect();
            Err(failed("down"))
        }
        Asked::Late => {
            student.breaker.note(true);
            Err(failed("timeout"))
        }
        Asked::Failed => {
            student.breaker.note(true);
            Err(failed("failed"))
        }
    }
}

fn dress(from: &RequestHeader, length: usize, address: SocketAddr) -> pingora::Result<RequestHeader> {
    let mut head = from.clone();
    let to = Upward { host: address.to_string(), path: PATH.to_owned(), authorization: None };
    headers::upward(&mut head, &to, Hops::Strip)?;
    headers::sized(&mut head, length)?;
    for name in [AUTHORIZATION, COOKIE, ACCEPT_ENCODING] {
        head.remove_header(&name);
    }
    head.insert_header(HOST, address.to_string())?;
    head.insert_header(CASCADE, "1")?;
    Ok(head)
}

async fn exhaust(call: &mut Call) -> bool {
    loop {
        match call.session.read_response_body().await {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_sees_the_body_and_no_credential() {
        let mut from = RequestHeader::build("POST", b"/v1/capture/chat/completions?key=1", None).unwrap();
        for (name, value) in [
            ("Authorization", "Bearer sk-1"),
            ("x-upstream-api-key", "sk-2"),
            ("Cookie", "a=1"),
            ("x-kolm-cascade", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Type", "application/json"),
        ] {
            from.append_header(name, value).unwrap();
        }
        let head = dress(&from, 12, "127.0.0.1:9".parse().unwrap()).unwrap();
        let mut names: Vec<String> =
            head.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "content-length: 12",
                "content-type: application/json",
                "host: 127.0.0.1:9",
                "x-kolm-cascade: 1"
            ]
        );
        assert_eq!(head.raw_path(), PATH.as_bytes());
    }
}
