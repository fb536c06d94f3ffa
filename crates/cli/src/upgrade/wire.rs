//! Bytes between two processes of an upgrade: one answer with a socket in it, then frames.
//!
//! **Invariant:** a frame is whole or it is none; the reader ends at the first that is not.

use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Read, Result, Write as _};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kolm_core::RequestId;
use kolm_receipts::Heir;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

/// The longest part of a frame; a longer one is damage.
const MAX_PART: usize = 256 << 20;
const ANSWER: usize = 4 << 10;

/// What a request of the old process says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Its open record; answered with one byte, 1 = written.
    Open { id: RequestId, record: Vec<u8> },
    /// Its close record.
    Close { id: RequestId, open: Vec<u8>, close: Vec<u8> },
    /// A control record.
    Control(Vec<u8>),
    /// A captured pair, as the spool has it.
    Pair(Vec<u8>),
    /// How far the accounts of keys and namespaces are; said once, first of all.
    Accounts(Vec<u8>),
    /// A step of a request at its accounts.
    Spent(Vec<u8>),
    /// The span of a request that has ended.
    Span(Vec<u8>),
}

impl Said {
    pub(super) fn write(&self, mut to: &UnixStream) -> Result<()> {
        let text;
        let (kind, parts): (u8, Vec<&[u8]>) = match self {
            Self::Open { id, record } => {
                text = id.to_string();
                (b'O', vec![text.as_bytes(), record])
            }
            Self::Close { id, open, close } => {
                text = id.to_string();
                (b'C', vec![text.as_bytes(), open, close])
            }
            Self::Control(ctl) => (b'T', vec![ctl]),
            Self::Pair(record) => (b'P', vec![record]),
            Self::Accounts(list) => (b'A', vec![list]),
            Self::Spent(step) => (b'M', vec![step]),
            Self::Span(span) => (b'S', vec![span]),
        };
        let mut frame = vec![kind];
        for part in parts {
            frame.extend_from_slice(&(part.len() as u32).to_be_bytes());
            frame.extend_from_slice(part);
        }
        to.write_all(&frame)
    }

    pub(super) fn read(from: &mut impl Read) -> Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        match kind[0] {
            b'O' => Ok(Self::Open { id: id(from)?, record: part(from)? }),
            b'C' => Ok(Self::Close { id: id(from)?, open: part(from)?, close: part(from)? }),
            b'T' => Ok(Self::Control(part(from)?)),
            b'P' => Ok(Self::Pair(part(from)?)),
            b'A' => Ok(Self::Accounts(part(from)?)),
            b'M' => Ok(Self::Spent(part(from)?)),
            b'S' => Ok(Self::Span(part(from)?)),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}

fn part(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_be_bytes(len) as usize;
    if len > MAX_PART {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut out = vec![0; len];
    from.read_exact(&mut out)?;
    Ok(out)
}

fn id(from: &mut impl Read) -> Result<RequestId> {
    let text = String::from_utf8(part(from)?).map_err(Error::other)?;
    text.parse().map_err(|_| ErrorKind::InvalidData.into())
}

/// Sends an answer, with a socket in it or without.
pub(super) fn send(to: &UnixStream, answer: &[u8], socket: Option<&TcpListener>) -> Result<()> {
    let fds: Vec<_> = socket.into_iter().map(|socket| socket.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Error::other("no room for a socket"));
    }
    rustix::net::sendmsg(to, &[IoSlice::new(answer)], &mut control, SendFlags::empty())?;
    Ok(())
}

/// The answer to an ask, and the socket in it.
pub(super) fn receive(from: &UnixStream) -> Result<(Vec<u8>, Option<TcpListener>)> {
    let mut answer = vec![0; ANSWER];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut answer)];
    let got = rustix::net::recvmsg(from, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    answer.truncate(got);
    let mut socket = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = message {
            socket = fds.map(TcpListener::from).next().or(socket);
        }
    }
    Ok((answer, socket))
}

/// The new process, as the old one's ledger and store see it.
#[derive(Clone)]
pub(super) struct Successor(Arc<Mutex<UnixStream>>);

impl Successor {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Has everybody wait who has something to say, until what is returned is dropped: the answer goes first.
    pub(super) fn silence(&self) -> MutexGuard<'_, UnixStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pair for the store.
    pub(super) fn pair(&self, record: &[u8]) -> Result<()> {
        self.say(&Said::Pair(record.to_vec()), |_| Ok(()))
    }

    /// Says what needs no answer.
    pub(super) fn tell(&self, said: &Said, what: &'static str) {
        if let Err(cause) = self.say(said, |_| Ok(())) {
            tracing::error!(%cause, what, "the new process was not told");
        }
    }

    fn say<T>(&self, said: &Said, answer: impl FnOnce(&UnixStream) -> Result<T>) -> Result<T> {
        let stream = self.silence();
        said.write(&stream)?;
        answer(&stream)
    }
}

impl Heir for Successor {
    fn open(&mut self, id: RequestId, record: &[u8]) -> bool {
        let written = self.say(&Said::Open { id, record: record.to_vec() }, |mut stream| {
            let mut written = [0];
            stream.read_exact(&mut written)?;
            Ok(written == [1])
        });
        written.unwrap_or(false)
    }

    fn close(&mut self, id: RequestId, open: &[u8], close: &[u8]) {
        self.tell(&Said::Close { id, open: open.to_vec(), close: close.to_vec() }, "close record");
    }

    fn control(&mut self, ctl: &[u8]) {
        self.tell(&Said::Control(ctl.to_vec()), "control record");
    }
}

#[cfg(test)]
mod tests {
    use kolm_core::Timestamp;

    use super::*;

    #[test]
    fn what_is_said_is_read_and_damage_ends_it() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let id = RequestId::from_parts(Timestamp(1_790_000_000_000), [7; 10]);
        let all = [
            Said::Open { id, record: b"{}".to_vec() },
            Said::Close { id, open: b"{}".to_vec(), close: vec![0; 70_000] },
            Said::Control(Vec::new()),
            Said::Pair("ä".into()),
            Said::Accounts(b"{}".to_vec()),
            Said::Spent(b"{}".to_vec()),
            Said::Span(vec![0xff]),
        ];
        let sent = std::thread::spawn(move || {
            all.iter().for_each(|said| said.write(&writer).unwrap());
            (&writer).write_all(b"P\xff\xff\xff\xff").unwrap();
            all
        });
        let read: Vec<Said> = std::iter::from_fn(|| Said::read(&mut reader).ok()).collect();
        assert_eq!(read, sent.join().unwrap());
    }

    #[test]
    fn a_socket_travels_with_its_answer() {
        let (new, old) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        send(&old, b"yours", Some(&listener)).unwrap();
        let (said, socket) = receive(&new).unwrap();
        assert_eq!(said, b"yours");
        assert_eq!(socket.unwrap().local_addr().unwrap(), listener.local_addr().unwrap());
        send(&old, b"no", None).unwrap();
        assert!(matches!(receive(&new), Ok((said, None)) if said == b"no"));
    }
}
