//! A connection to an upstream, on which a request's head waits for its body: Pingora sends each by itself, and the
//! other side would be woken twice.
//!
//! **Invariant:** what is held is on its way before an answer is waited for.

use std::fmt;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::{GetProxyDigest, Peek, Shutdown, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Result};

use crate::gather::{Gather, speaks_for_its_wire};

/// A head and the first piece of a body up to this size leave together.
const GATHERED: usize = 16 << 10;

/// Where a request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing of it was written.
    Start,
    /// Its head was written; the flush behind it is still to come.
    Head,
    /// Past that.
    Body,
}

/// A connection to an upstream.
pub(super) struct Line {
    wire: Stream,
    gather: Gather,
    at: At,
}

impl Line {
    /// A connection on which nothing was said yet.
    pub(super) fn new(wire: Stream) -> Self {
        Self { wire, gather: Gather::default(), at: At::Start }
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        ready!(me.gather.poll_send(&mut me.wire, cx))?;
        let read = Pin::new(&mut me.wire).poll_read(cx, buf);
        if read.is_ready() {
            me.at = At::Start;
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let me = self.get_mut();
        let written = ready!(me.gather.poll_write(&mut me.wire, cx, bufs, GATHERED))?;
        if me.at == At::Start {
            me.at = At::Head;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let me = self.get_mut();
        if me.at == At::Head {
            me.at = At::Body;
            return Poll::Ready(Ok(()));
        }
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
impl Shutdown for Line {
    async fn shutdown(&mut self) {
        self.wire.shutdown().await;
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({:?})", self.wire)
    }
}

speaks_for_its_wire!(Line);

impl GetProxyDigest for Line {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.wire.get_proxy_digest()
    }
}

impl Peek for Line {}
