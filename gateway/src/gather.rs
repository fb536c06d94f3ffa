//! Writes that wait for what follows them, so that a head and a short body leave in one packet.
//!
//! **Invariant:** bytes leave in the order in which they were written.

use std::io::{ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use pingora::protocols::Stream;
use tokio::io::{AsyncWrite, Result};

/// Slices of one write.
const TOGETHER: usize = 8;

/// What is written, but not sent yet.
#[derive(Default)]
pub(crate) struct Gather {
    pub(crate) held: BytesMut,
}

impl Gather {
    /// Takes `bufs` in where they fit under `limit` with what is held, else sends them behind it.
    pub(crate) fn poll_write(
        &mut self,
        wire: &mut Stream,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
        limit: usize,
    ) -> Poll<Result<usize>> {
        let length: usize = bufs.iter().map(|buf| buf.len()).sum();
        loop {
            if length == 0 || self.held.len() + length <= limit {
                bufs.iter().for_each(|buf| self.held.extend_from_slice(buf));
                return Poll::Ready(Ok(length));
            }
            let mut slices = [IoSlice::new(&[]); TOGETHER];
            slices[0] = IoSlice::new(&self.held);
            let more = bufs.len().min(TOGETHER - 1);
            slices[1..=more].copy_from_slice(&bufs[..more]);
            let sent = ready!(Pin::new(&mut *wire).poll_write_vectored(cx, &slices[..=more]))?;
            let ours = sent.min(self.held.len());
            self.held.advance(ours);
            match sent - ours {
                0 if sent == 0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                0 => {}
                theirs => return Poll::Ready(Ok(theirs)),
            }
        }
    }

    /// Sends what is held, and keeps no room for more: a stream may stay open for long.
    pub(crate) fn poll_send(&mut self, wire: &mut Stream, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.held.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.held.is_empty() {
            let sent = ready!(Pin::new(&mut *wire).poll_write(cx, &self.held))?;
            if sent == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.held.advance(sent);
        }
        self.held = BytesMut::new();
        Poll::Ready(Ok(()))
    }
}

/// What a stream in front of another has to say of itself: what the one behind it, its field `wire`, says.
macro_rules! speaks_for_its_wire {
    ($stream:ty) => {
        impl pingora::protocols::UniqueID for $stream {
            fn id(&self) -> pingora::protocols::UniqueIDType {
                self.wire.id()
            }
        }

        impl pingora::protocols::Ssl for $stream {
            fn get_ssl(&self) -> Option<&pingora::protocols::tls::TlsRef> {
                self.wire.get_ssl()
            }

            fn get_ssl_digest(&self) -> Option<std::sync::Arc<pingora::protocols::tls::SslDigest>> {
                self.wire.get_ssl_digest()
            }

            fn selected_alpn_proto(&self) -> Option<pingora::protocols::ALPN> {
                self.wire.selected_alpn_proto()
            }
        }

        impl pingora::protocols::GetTimingDigest for $stream {
            fn get_timing_digest(&self) -> Vec<Option<pingora::protocols::TimingDigest>> {
                self.wire.get_timing_digest()
            }
        }

        impl pingora::protocols::GetSocketDigest for $stream {
            fn get_socket_digest(&self) -> Option<std::sync::Arc<pingora::protocols::SocketDigest>> {
                self.wire.get_socket_digest()
            }
        }
    };
}
pub(crate) use speaks_for_its_wire;
