//! A client's connection as Pingora sees it: deadlines on what comes in, writes gathered on what goes out, and the
//! gateway's own words where Pingora would refuse a request with its own.
//!
//! **Invariant:** from the first byte of a request to its admission the clock runs, and what is written in that time
//! is a refusal in OpenAI's form with a receipt header.

use std::fmt;
use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use kolm_config::Config;
use pingora::http::ResponseHeader;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{ALPN, GetProxyDigest, Peek, Shutdown, Stream};
use pingora::proxy::Session;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, Result};
use tokio::time::timeout;

use super::date::{self, Stamp};
use super::deadline::Deadline;
use super::frames::{self, Frames};
use super::refusal;
use crate::gather::{Gather, speaks_for_its_wire};
use crate::headers::RECEIPT;
use crate::table::Shared;

/// Writes up to this size wait for the flush, so that a head and a short body leave in one packet.
const GATHERED: usize = 2 << 10;
/// How long a client is given to take a refusal, and how much of what it still sends is read meanwhile: an unread
/// byte would turn the close into a reset, and the answer into a lost one.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;
/// An HTTP/2 connection's preface and the head of its first frame.
const H2_OPENING: usize = PREFACE.len() + 9;
/// What an HTTP/2 client says first.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// HTTP/1.
    H1,
    /// HTTP/2.
    H2,
}

/// A client's connection.
pub(crate) struct Connection {
    wire: Stream,
    shared: Arc<Shared>,
    config: Arc<Config>,
    speaks: Speaks,
    /// Read already, to be read again.
    ahead: Bytes,
    gather: Gather,
    deadline: Deadline,
    /// No request has been admitted yet.
    fresh: bool,
    /// Bytes of the request that is not admitted yet.
    head: u64,
    admitted: AtomicBool,
    /// The gateway has answered; nothing else is sent any more.
    refused: bool,
    /// What is left unread is to be read before the close.
    lingers: AtomicBool,
    /// What goes out, on HTTP/2.
    frames: Frames,
    /// The date of the next head, where it is an upstream's.
    stamp: Mutex<Option<Stamp>>,
}

impl Connection {
    /// A connection whose first request is awaited.
    pub(super) fn new(wire: Stream, shared: Arc<Shared>, config: Arc<Config>) -> Self {
        let speaks = if wire.selected_alpn_proto() == Some(ALPN::H2) { Speaks::H2 } else { Speaks::H1 };
        Self {
            wire,
            shared,
            config,
            speaks,
            ahead: Bytes::new(),
            gather: Gather::default(),
            deadline: Deadline::default(),
            fresh: true,
            head: 0,
            admitted: AtomicBool::new(false),
            refused: false,
            lingers: AtomicBool::new(false),
            frames: Frames::default(),
            stamp: Mutex::default(),
        }
    }

    /// What the client speaks, and what it has said so far if that is HTTP/1.
    pub(super) async fn listen(&mut self) -> Result<(Speaks, BytesMut)> {
        let mut first = BytesMut::new();
        if self.speaks == Speaks::H2 {
            return Ok((self.speaks, first));
        }
        first.reserve(4 << 10);
        loop {
            if self.read_buf(&mut first).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let opening = &first[..first.len().min(PREFACE.len())];
            if !self.config.listen.h2 || !PREFACE.starts_with(opening) {
                return Ok((Speaks::H1, first));
            }
            if opening.len() == PREFACE.len() {
                self.speaks = Speaks::H2;
                self.ahead = first.split().freeze();
                return Ok((Speaks::H2, first));
            }
        }
    }

    /// The next request is awaited.
    pub(super) fn rearm(&mut self) {
        self.head = 0;
        self.fresh = false;
        self.deadline.restart();
        *self.admitted.get_mut() = false;
    }

    /// The connection below a session; `None` for HTTP/2, whose streams share one.
    fn of(session: &Session) -> Option<&Self> {
        (**session.as_downstream().stream()?).as_any().downcast_ref()
    }

    /// A request's header is there and was taken: the clock stops.
    pub(crate) fn admit(session: &Session) {
        if let Some(connection) = Self::of(session) {
            connection.admitted.store(true, Ordering::Relaxed);
        }
    }

    /// Nothing that follows on this connection is to be believed: it is closed behind the answer.
    pub(crate) fn close_behind(session: &mut Session) {
        session.set_keepalive(None);
        if let Some(connection) = Self::of(session) {
            connection.lingers.store(true, Ordering::Relaxed);
        }
    }

    /// The next head goes out with the date it has here; on HTTP/2 it is Pingora's.
    pub(crate) fn keep_date(session: &Session, head: &ResponseHeader) {
        if let Some(connection) = Self::of(session).filter(|_| !head.status.is_informational()) {
            let mut stamp = connection.stamp.lock().unwrap_or_else(PoisonError::into_inner);
            *stamp = Some(Stamp::of(&head.headers));
        }
    }

    fn is_open(&self) -> bool {
        match self.speaks {
            Speaks::H1 => self.admitted.load(Ordering::Relaxed),
            // From here on the streams are counted, and an idle connection is closed by its own timer.
            Speaks::H2 => self.head >= H2_OPENING as u64,
        }
    }

    /// Notes bytes of a header; says whether it has become too large.
    fn grew(&mut self, by: usize) -> bool {
        let before = self.head;
        if before == 0 && !self.fresh {
            self.deadline.restart();
        }
        self.head += by as u64;
        self.speaks == Speaks::H1 && before > self.config.listen.max_header_bytes
    }

    /// How long the wait under way may last.
    fn limit(&self) -> Duration {
        let listen = &self.config.listen;
        if self.head == 0 && !self.fresh { listen.keepalive_timeout } else { listen.header_timeout }
    }

    /// Answers in Pingora's place.
    fn refuse(&mut self, status: u16) {
        self.refused = true;
        self.gather.held.clear();
        self.gather.held.extend_from_slice(&refusal::wire(&self.shared, status));
    }

    /// Sends frames of HTTP/2; an answer that is a bare status gets its receipt.
    fn poll_frames(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
        let bare = self.frames.bare(first);
        if let Some(bare) = bare.as_ref().filter(|bare| bare.at.start == 0) {
            let (frame, receipt) = (&first[bare.at.clone()], refusal::receipt(&self.shared, bare.status));
            self.gather.held.extend_from_slice(&frames::with(frame, RECEIPT, &receipt));
            return Poll::Ready(Ok(frame.len()));
        }
        let before = bare.map(|bare| [IoSlice::new(&first[..bare.at.start])]);
        let bufs = before.as_ref().map_or(bufs, |before| &before[..]);
        let sent = ready!(self.gather.poll_write(&mut self.wire, cx, bufs, GATHERED))?;
        let mut left = sent;
        for buf in bufs {
            let passed = left.min(buf.len());
            self.frames.pass(&buf[..passed]);
            left -= passed;
        }
        Poll::Ready(Ok(sent))
    }

    fn late(&mut self) -> Error {
        let idle = self.head == 0;
        self.shared.events.connection_cut(if idle { "idle" } else { "header" });
        if !idle && self.speaks == Speaks::H1 {
            self.refuse(408);
        }
        ErrorKind::TimedOut.into()
    }

    /// Reads on, to no end, until the client has closed.
    async fn linger(&mut self) -> Result<()> {
        let (mut scratch, mut left) = ([0; 1 << 10], LINGER_BYTES);
        while left > 0 {
            match self.wire.read(&mut scratch).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        if !me.ahead.is_empty() {
            let piece = me.ahead.split_to(me.ahead.len().min(buf.remaining()));
            buf.put_slice(&piece);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut me.wire).poll_read(cx, buf);
        if me.is_open() {
            return read;
        }
        match read {
            Poll::Pending => {
                let limit = me.limit();
                ready!(me.deadline.poll(cx, limit));
                Poll::Ready(Err(me.late()))
            }
            Poll::Ready(Ok(())) if me.grew(buf.filled().len() - before) => {
                me.refuse(431);
                Poll::Ready(Err(ErrorKind::InvalidData.into()))
            }
            Poll::Ready(read) => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let me = self.get_mut();
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        if me.speaks == Speaks::H1 && !me.refused && !me.admitted.load(Ordering::Relaxed) {
            me.refuse(400);
        }
        if me.refused {
            return Poll::Ready(Ok(length));
        }
        if let [head] = bufs
            && date::is_final_head(head)
            && let Some(stamp) = me.stamp.get_mut().unwrap_or_else(PoisonError::into_inner).take()
        {
            stamp.write(head, &mut me.gather.held);
            return Poll::Ready(Ok(length));
        }
        match me.speaks {
            Speaks::H1 => me.gather.poll_write(&mut me.wire, cx, bufs, GATHERED),
            Speaks::H2 => me.poll_frames(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        ready!(me.gather.poll_send(&mut me.wire, cx))?;
        Pin::new(&mut me.wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        ready!(me.gather.poll_send(&mut me.wire, cx))?;
        Pin::new(&mut me.wire).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Connection {
    async fn shutdown(&mut self) {
        let lingers = self.refused || self.lingers.load(Ordering::Relaxed);
        let closing = async {
            AsyncWriteExt::shutdown(self).await?;
            if lingers { self.linger().await } else { Ok(()) }
        };
        if let Ok(Err(cause)) = timeout(LINGER, closing).await {
            tracing::trace!(%cause, "client connection");
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("speaks", &self.speaks).finish_non_exhaustive()
    }
}

speaks_for_its_wire!(Connection);

impl GetProxyDigest for Connection {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        None
    }
}

/// Pingora need not look ahead: `listen` has done so.
impl Peek for Connection {}
