//! One finished exchange, as the data path hands it to the background.
//!
//! **Invariant:** raw bytes live in memory only; `Debug` prints sizes.

use std::fmt;

use bytes::Bytes;
use kolm_core::{Arm, ArtifactId, Namespace, Outcome, RequestId, RouteName, Surface, Timestamp};

/// A request of the student's buckets that the teacher answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// `abstained`, `down`, `timeout`, `failed`, ...
    pub why: &'static str,
    /// The student's artifact.
    pub artifact: ArtifactId,
    /// Microseconds until the teacher was asked.
    pub student_us: u64,
}

/// Whose conversation a request belongs to.
#[derive(Clone)]
pub struct Asker {
    /// Keyed hash of the caller's credentials; lasts as long as the installation.
    pub caller: [u8; 32],
    /// `x-kolm-conversation`.
    pub conversation: Option<String>,
}

/// Request and reply of one call on a captured surface, with all that is known about it.
#[derive(Clone)]
pub struct Finished {
    /// The receipt's id.
    pub id: RequestId,
    /// When the request was admitted.
    pub at: Timestamp,
    /// Namespace.
    pub namespace: Namespace,
    /// The route that matched, if any.
    pub route: Option<RouteName>,
    /// Surface.
    pub surface: Surface,
    /// The upstream's configured name.
    pub upstream: String,
    /// Path and query as they go upstream (`/v1/...`).
    pub path: String,
    /// Who answered.
    pub arm: Arm,
    /// The artifact that answered, for [`Arm::Student`].
    pub artifact: Option<ArtifactId>,
    /// Why the teacher answered although the bucket was the student's.
    pub fallback: Option<Fallback>,
    /// The requested model.
    pub model: String,
    /// The request body as received; of an upload the record of its form.
    pub request: Bytes,
    /// The reply body as sent, up to the capture limit.
    pub reply: Bytes,
    /// Request or reply was longer than the capture limit.
    pub truncated: bool,
    /// `content-encoding` of the reply, empty for identity.
    pub encoding: String,
    /// The reply is an event stream.
    pub streamed: bool,
    /// The reply body ended as HTTP says it should.
    pub ended_cleanly: bool,
    /// HTTP status.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Microseconds from admission to the last byte.
    pub latency_us: u64,
    /// Microseconds from admission to the first body byte.
    pub ttft_us: u64,
    /// The unit of evidence, a keyed hash of the conversation; `None` as long as nobody had to know it.
    pub unit: Option<String>,
    /// Whose conversation it is.
    pub asker: Asker,
    /// Keyed hash of the caller's credentials.
    pub caller: [u8; 16],
    /// The caller's `authorization` value, for teacher calls of our own under `credentials = "client"`.
    pub authorization: Option<http::HeaderValue>,
    /// Zero retention was asked for.
    pub no_store: bool,
    /// The client chose a capture path: it is captured though its namespace may not be.
    pub wanted: bool,
    /// Nobody named its namespace: no header, no key.
    pub unplaced: bool,
    /// `x-stainless-retry-count`.
    pub retry_count: u32,
    /// Salt of the request commitment.
    pub request_salt: [u8; 32],
    /// Salt of the reply commitment.
    pub reply_salt: [u8; 32],
}

impl Finished {
    /// The artifact of the student whose bucket it is; `None` for the teacher's.
    pub fn asked(&self) -> Option<&ArtifactId> {
        self.artifact.as_ref().or(self.fallback.as_ref().map(|fallback| &fallback.artifact))
    }

    /// The unit of evidence; empty where it was not worked out.
    pub fn unit(&self) -> &str {
        self.unit.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Finished({} {} {} bytes -> {} bytes, {})",
            self.id,
            self.surface.as_str(),
            self.request.len(),
            self.reply.len(),
            self.outcome
        )
    }
}
