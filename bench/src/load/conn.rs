//! One keep-alive connection of the load generator.
//!
//! **Invariant:** after an exchange the connection stands at the start of the next reply, or is opened anew.

use std::net::SocketAddr;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::To;
use crate::fault::Result;
use crate::http1::{self, Head};

/// A connection.
pub(super) struct Conn {
    to: SocketAddr,
    stream: TcpStream,
    buf: BytesMut,
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// Bytes of its body.
    pub(super) bytes: u64,
}

/// One exchange as it is told to who asked for one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Once {
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    /// What broke off, if something did.
    pub(crate) broke: Option<String>,
}

impl Conn {
    pub(super) async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { to, stream, buf: BytesMut::with_capacity(64 << 10) })
    }

    /// Sends a request and reads its reply; `piece` sees the body as it comes, once per read at most.
    pub(super) async fn exchange(&mut self, request: &[u8], piece: impl FnMut(&[u8])) -> Result<Reply> {
        let reply = self.try_exchange(request, piece).await;
        if reply.is_err() {
            // What is left on the wire belongs to nobody.
            *self = Self::open(self.to).await?;
        }
        reply
    }

    async fn try_exchange(&mut self, request: &[u8], mut piece: impl FnMut(&[u8])) -> Result<Reply> {
        self.stream.write_all(request).await?;
        let mut head = self.head().await?;
        let mut reply = Reply { status: head.status, bytes: 0 };
        let mut read = Vec::new();
        loop {
            read.clear();
            let over = head.framing.take(&mut self.buf, |part| read.extend_from_slice(part))?;
            reply.bytes += read.len() as u64;
            if !read.is_empty() {
                piece(&read);
            }
            if over {
                break;
            }
            if self.stream.read_buf(&mut self.buf).await? == 0 {
                if head.framing == http1::Framing::UntilClose {
                    break;
                }
                return Err("the reply broke off".into());
            }
        }
        if !head.keep_alive {
            *self = Self::open(self.to).await?;
        }
        Ok(reply)
    }

    async fn head(&mut self) -> Result<Head> {
        loop {
            if let Some(head) = http1::reply(&mut self.buf)? {
                return Ok(head);
            }
            if self.stream.read_buf(&mut self.buf).await? == 0 {
                return Err("the connection was closed before a reply".into());
            }
        }
    }
}

/// One exchange on a connection of its own.
pub(super) async fn once(to: &To) -> Once {
    let asked = async {
        let stream = to.model.contains("stream");
        let request = to.requests(stream).remove(0);
        let mut conn = Conn::open(to.to).await?;
        let (mut status, mut bytes) = (0, 0);
        conn.stream.write_all(&request).await?;
        let told = async {
            let mut head = conn.head().await?;
            status = head.status;
            while !head.framing.take(&mut conn.buf, |piece| bytes += piece.len() as u64)? {
                if conn.stream.read_buf(&mut conn.buf).await? == 0 {
                    return Err("the reply broke off".into());
                }
            }
            Result::Ok(())
        }
        .await;
        Result::Ok(Once { status, bytes, broke: told.err().map(|fault| fault.to_string()) })
    };
    asked.await.unwrap_or_else(|fault| Once { status: 0, bytes: 0, broke: Some(fault.to_string()) })
}
