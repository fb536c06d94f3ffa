//! The tap: copies of what passes, up to a cap, and commitments over all of it.
//!
//! **Invariant:** never blocks the request and never changes a byte; a copy that cannot be queued is a counted drop.

use std::sync::LazyLock;

use bytes::Bytes;
use http::HeaderMap;
use kolm_core::{Env, Timestamp};
use kolm_receipts::{Commitment, Tag};
use kolm_wire::form;
use memchr::memmem::FinderRev;

use crate::headers;

const TAIL: usize = 32;
/// Bodies from this size on are shared with the data path, not copied: what is read in one piece is shorter.
const SHARED: usize = 64 << 10;
/// The events that end a stream of `/v1/responses`, which knows no `[DONE]`.
const LAST: [&[u8]; 3] = [b"response.completed", b"response.incomplete", b"response.failed"];
const EVENT: &[u8] = b"\nevent: ";
static LAST_EVENT: LazyLock<FinderRev<'static>> = LazyLock::new(|| FinderRev::new(EVENT));

/// What is seen of one exchange.
pub(crate) struct Tee {
    keep: bool,
    limit: usize,
    /// The request body, as far as it is kept.
    pub(crate) request: Bytes,
    /// The reply body, as far as it is kept.
    pub(crate) reply: Vec<u8>,
    /// There was more than that.
    pub(crate) truncated: bool,
    /// Body bytes that reached the client's socket.
    pub(crate) sent: u64,
    /// When the first of them did.
    pub(crate) first: Option<(Timestamp, u64)>,
    /// Status of the response head.
    pub(crate) status: u16,
    /// The reply is an event stream.
    pub(crate) streamed: bool,
    /// Its content coding, empty for none.
    pub(crate) encoding: String,
    /// Salt of the request commitment.
    pub(crate) request_salt: [u8; 32],
    /// Salt of the reply commitment.
    pub(crate) reply_salt: [u8; 32],
    received: Option<Commitment>,
    answered: Option<Commitment>,
    tail: Vec<u8>,
    /// The latest event is one that ends a stream.
    ending: bool,
    done: bool,
    form: Option<Box<form::Reader>>,
}

impl Tee {
    /// `keep`: whether bodies are copied at all; at most `limit` bytes each way.
    pub(crate) fn new(env: &Env, keep: bool, limit: usize) -> Self {
        Self {
            keep,
            limit,
            request: Bytes::new(),
            reply: Vec::new(),
            truncated: false,
            sent: 0,
            first: None,
            status: 0,
            streamed: false,
            encoding: String::new(),
            request_salt: env.bytes32(),
            reply_salt: env.bytes32(),
            received: None,
            answered: None,
            tail: Vec::new(),
            ending: false,
            done: false,
            form: None,
        }
    }

    /// The request's body begins, or begins again with another try: of a form of this type the fields are read.
    pub(crate) fn begin_request(&mut self, form: Option<&str>) {
        self.received = None;
        self.form = form.filter(|_| self.keep).map(|kind| Box::new(form::Reader::new(kind)));
    }

    /// The record of the form that the request was, in its place; the model that it asks for.
    pub(crate) fn end_form(&mut self) -> String {
        let Some(form) = self.form.take() else { return String::new() };
        let form = form.finish();
        self.truncated |= form.oversize;
        self.request = Bytes::from(form.record);
        form.model
    }

    /// The whole request body; [`Tee::commit`] is still to come. A short one is copied: it may lie in a much larger buffer,
    /// which would be kept with it.
    pub(crate) fn request(&mut self, body: &Bytes) {
        if !self.keep {
            return;
        }
        self.truncated |= body.len() > self.limit;
        let kept = body.slice(..body.len().min(self.limit));
        self.request = if kept.len() < SHARED { Bytes::copy_from_slice(&kept) } else { kept };
    }

    /// Commits to the whole request body, unless that is done. It takes as long as sending it does, so it is done while the
    /// upstream reads.
    pub(crate) fn commit(&mut self, body: &Bytes) {
        if self.received.is_none() {
            self.request_piece(body);
        }
    }

    /// A piece of a request body that is not kept, unless as the fields of a form.
    pub(crate) fn request_piece(&mut self, piece: &[u8]) {
        if piece.is_empty() {
            return;
        }
        if let Some(form) = &mut self.form {
            form.push(piece);
        }
        let salt = &self.request_salt;
        self.received.get_or_insert_with(|| Commitment::new(Tag::Req, salt)).update(piece);
    }

    /// The response head.
    pub(crate) fn head(&mut self, status: u16, headers: &HeaderMap) {
        self.status = status;
        self.streamed = headers::is_event_stream(headers);
        // The first event begins a line as well.
        self.tail = if self.streamed { b"\n".to_vec() } else { Vec::new() };
        let coding = headers::text(headers, "content-encoding").unwrap_or_default();
        self.encoding =
            if coding.eq_ignore_ascii_case("identity") { String::new() } else { coding.to_owned() };
        let announced = headers::text(headers, "content-length").and_then(|length| length.parse().ok());
        if self.keep {
            self.reply.reserve_exact(announced.unwrap_or(0).min(self.limit));
        }
    }

    /// A piece of the reply that the client was sent.
    pub(crate) fn sent(&mut self, piece: &[u8], env: &Env) {
        if piece.is_empty() {
            return;
        }
        if self.first.is_none() {
            self.first = Some((env.clock.now(), env.clock.micros()));
        }
        self.sent += piece.len() as u64;
        let salt = &self.reply_salt;
        self.answered.get_or_insert_with(|| Commitment::new(Tag::Resp, salt)).update(piece);
        if self.streamed && self.encoding.is_empty() && !self.done {
            self.watch_for_done(piece);
        }
        self.copy(piece);
    }

    /// A piece of the reply that came after the client had left.
    pub(crate) fn drained(&mut self, piece: &[u8]) {
        self.copy(piece);
    }

    /// Whether the client was sent `[DONE]` or the event that stands for it: leaving after that is no abort.
    pub(crate) fn done(&self) -> bool {
        self.done
    }

    /// The two commitments; `None` where there was no body.
    pub(crate) fn commitments(&mut self) -> (Option<[u8; 32]>, Option<[u8; 32]>) {
        (self.received.take().map(Commitment::finish), self.answered.take().map(Commitment::finish))
    }

    fn copy(&mut self, piece: &[u8]) {
        if !self.keep {
            return;
        }
        let room = self.limit - self.reply.len();
        self.truncated |= piece.len() > room;
        self.reply.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// The last bytes are kept, so that a mark split over pieces is seen too.
    fn watch_for_done(&mut self, piece: &[u8]) {
        self.watch_events(piece);
        let new = &piece[piece.len().saturating_sub(TAIL)..];
        self.tail.extend_from_slice(new);
        let has = |mark: &[u8]| self.tail.windows(mark.len()).any(|window| window == mark);
        let ended = self.ending && (self.tail.ends_with(b"\n\n") || self.tail.ends_with(b"\r\n\r\n"));
        self.done = ended || has(b"data: [DONE]") || has(b"data:[DONE]");
        let spare = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..spare);
    }
}

impl Tee {
    /// The name of the latest event, which may lie across the seam of two pieces.
    fn watch_events(&mut self, piece: &[u8]) {
        let mut seam = [0; 2 * TAIL];
        let (before, after) = (self.tail.len().min(TAIL), piece.len().min(TAIL));
        seam[..before].copy_from_slice(&self.tail[self.tail.len() - before..]);
        seam[before..before + after].copy_from_slice(&piece[..after]);
        for bytes in [&seam[..before + after], piece] {
            if let Some(at) = LAST_EVENT.rfind(bytes) {
                let name = &bytes[at + EVENT.len()..];
                self.ending = LAST.iter().any(|last| name.starts_with(last));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use kolm_core::{Env, hex};

    use super::*;

    fn tee(keep: bool, limit: usize) -> (Tee, Env) {
        let env = Env::fixed(Timestamp(1_790_000_000_000), 7);
        (Tee::new(&env, keep, limit), env)
    }

    fn streaming(tee: &mut Tee) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
        tee.head(200, &headers);
    }

    #[test]
    fn commitments_cover_all_bytes_and_copies_stop_at_the_limit() {
        let (mut tee, env) = tee(true, 10);
        tee.request(&Bytes::from_static(b"0123456789abc"));
        for _ in 0..2 {
            tee.commit(&Bytes::from_static(b"0123456789abc"));
        }
        for piece in [&b"hello "[..], b"", b"wor", b"ld!"] {
            tee.sent(piece, &env);
        }
        assert_eq!((&tee.request[..], &tee.reply[..]), (&b"0123456789"[..], &b"hello worl"[..]));
        assert!(tee.truncated);
        assert_eq!(tee.sent, 12);
        let want = (
            kolm_receipts::commitment(Tag::Req, &tee.request_salt, b"0123456789abc"),
            kolm_receipts::commitment(Tag::Resp, &tee.reply_salt, b"hello world!"),
        );
        let (req, resp) = tee.commitments();
        assert_eq!((hex(&req.unwrap()), hex(&resp.unwrap())), (hex(&want.0), hex(&want.1)));
    }

    #[test]
    fn without_a_body_there_is_nothing_to_commit_to_and_no_copy_when_none_is_wanted() {
        let (mut none, _) = tee(true, 10);
        none.request(&Bytes::new());
        assert_eq!(none.commitments(), (None, None));
        let (mut tee, env) = tee(false, 10);
        tee.request(&Bytes::from_static(b"secret"));
        tee.sent(b"secret", &env);
        tee.drained(b"secret");
        assert!(tee.request.is_empty() && tee.reply.is_empty() && !tee.truncated);
    }

    #[test]
    fn what_was_drained_is_copied_but_was_not_sent() {
        let (mut tee, env) = tee(true, 100);
        tee.sent(b"one", &env);
        tee.drained(b"two");
        assert_eq!((tee.sent, &tee.reply[..]), (3, &b"onetwo"[..]));
        let want = kolm_receipts::commitment(Tag::Resp, &tee.reply_salt, b"one");
        assert_eq!(tee.commitments().1, Some(want));
    }

    #[test]
    fn done_is_seen_however_it_is_split_and_only_in_a_plain_stream() {
        let stream = b"data: {\"x\":\"[DONE]\"}\n\ndata: [DONE]\n\n";
        for size in 1..=stream.len() {
            let (mut tee, env) = tee(true, 1 << 20);
            streaming(&mut tee);
            let mut seen_at = None;
            let mut sent = 0;
            for piece in stream.chunks(size) {
                tee.sent(piece, &env);
                sent += piece.len();
                if tee.done() && seen_at.is_none() {
                    seen_at = Some(sent);
                }
            }
            assert!(seen_at.is_some_and(|at| at >= stream.len() - 2), "{size}: {seen_at:?}");
        }
        let (mut json, env) = tee(true, 1 << 20);
        json.head(200, &HeaderMap::new());
        json.sent(stream, &env);
        assert!(!json.done());
    }

    #[test]
    fn the_last_event_of_a_response_is_seen_however_it_is_split() {
        let many = "event: response.created\ndata: {\"x\":\"event: response.completed\"}\n\nevent: response.incomplete\ndata: {\"y\":\"a long answer that fills more than the tail does\"}\n\n";
        let one = "event: response.completed\ndata: {\"y\":\"all there is\"}\n\n";
        for (stream, size) in
            [many, one].into_iter().flat_map(|stream| (1..=stream.len()).map(move |size| (stream, size)))
        {
            let (mut tee, env) = tee(true, 1 << 20);
            streaming(&mut tee);
            let mut sent = 0;
            for piece in stream.as_bytes().chunks(size) {
                assert!(!tee.done(), "{size}: done after {sent}");
                tee.sent(piece, &env);
                sent += piece.len();
            }
            assert!(tee.done(), "{size}");
        }
    }

    #[test]
    fn of_a_form_the_fields_stay_and_a_second_try_begins_anew() {
        let (mut tee, _) = tee(true, 10);
        let body = b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nsound\r\n--b--\r\n";
        for _ in 0..2 {
            tee.begin_request(Some("multipart/form-data; boundary=b"));
            body.chunks(5).for_each(|piece| tee.request_piece(piece));
        }
        assert_eq!(tee.end_form(), "whisper-1");
        assert_eq!(&tee.request[..], br#"{"model":"whisper-1","file":"kolm-redacted:file;bytes=5"}"#);
        let want = kolm_receipts::commitment(Tag::Req, &tee.request_salt, body);
        assert_eq!(tee.commitments().0, Some(want));
    }
}
