//! Frames from an upstream to a client, one for one.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use kolm_core::Env;
use pingora::ErrorType;
use pingora::http::ResponseHeader;
use pingora::protocols::http::HttpTask;
use pingora::proxy::Session;

use crate::tap::Tee;
use crate::upstream::Call;

/// A first frame up to this length is copied to go out with the head.
const WITH_HEAD: usize = 16 << 10;
const CLIENT_STALL: Duration = Duration::from_secs(60);

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// As HTTP says it should, at the client too.
    Clean,
    /// The client left; `whole` = the upstream's body came to its end all the same.
    Left {
        /// Whether the copy is whole.
        whole: bool,
    },
    /// The upstream broke off.
    Broke,
    /// A deadline passed.
    Late,
}

impl Ended {
    /// Whether the upstream's body came to its end.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Clean | Self::Left { whole: true })
    }

    /// The name in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Left { .. } => "left",
            Self::Broke => "broken",
            Self::Late => "timeout",
        }
    }
}

/// Resolves when the client closes its side.
pub(super) async fn client_left(session: &mut Session) {
    // Either answer means that the connection is of no more use; data before the next request is not read here.
    drop(session.as_downstream_mut().read_body_or_idle(true).await);
}

/// Head, frames, end.
pub(super) async fn send(
    session: &mut Session,
    call: &mut Call,
    head: ResponseHeader,
    tee: &mut Tee,
    env: &Env,
) -> Ended {
    let left = Ended::Left { whole: false };
    session.as_downstream_mut().set_write_timeout(Some(CLIENT_STALL));
    // What has come with the head goes out with the head, in one write.
    let mut ready = call.session.read_response_body().now_or_never();
    let begun = match &ready {
        Some(Ok(Some(frame))) if (1..=WITH_HEAD).contains(&frame.len()) => Some(frame.clone()),
        Some(_) | None => None,
    };
    if !begin(session, head, begun.clone()).await {
        begun.iter().for_each(|frame| tee.drained(frame));
        return left;
    }
    if let Some(frame) = begun {
        tee.sent(&frame, env);
        ready = None;
    }
    loop {
        let frame = match ready.take() {
            Some(frame) => frame,
            None => tokio::select! {
                biased;
                frame = call.session.read_response_body() => frame,
                () = client_left(session) => return left,
            },
        };
        match frame {
            Ok(Some(frame)) if frame.is_empty() => {}
            Ok(Some(frame)) => {
                if session.as_downstream_mut().write_response_body(frame.clone(), false).await.is_err() {
                    tee.drained(&frame);
                    return left;
                }
                tee.sent(&frame, env);
            }
            Ok(None) => {
                let end = session.as_downstream_mut().write_response_body(Bytes::new(), true).await;
                return if end.is_ok() { Ended::Clean } else { Ended::Left { whole: true } };
            }
            Err(cause) if *cause.etype() == ErrorType::ReadTimedout => return Ended::Late,
            Err(_) => return Ended::Broke,
        }
    }
}

/// The head, and what is there of the body; false when the client is gone.
async fn begin(session: &mut Session, head: ResponseHeader, first: Option<Bytes>) -> bool {
    let client = session.as_downstream_mut();
    let head = Box::new(head);
    match first {
        None => client.write_response_header(head).await.is_ok(),
        Some(frame) => {
            let tasks = vec![HttpTask::Header(head, false), HttpTask::Body(Some(frame), false)];
            client.response_duplex_vec(tasks).await.is_ok()
        }
    }
}

/// The rest of a body that has no reader, for the copy; true when it came to its end.
pub(super) async fn drain(call: &mut Call, tee: &mut Tee, bound: u64) -> bool {
    let mut taken = 0;
    while taken <= bound {
        match call.session.read_response_body().await {
            Ok(Some(frame)) => {
                taken += frame.len() as u64;
                tee.drained(&frame);
            }
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    false
}
