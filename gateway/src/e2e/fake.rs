//! A real peer on port 0: speaks bytes, splits them anywhere, dies on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// An address that refuses connections as long as the tests run: bound, so that nobody else of them gets it, and never
/// listened on.
pub(super) fn refusing() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    std::mem::forget(socket);
    address
}

/// A request as it arrived.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// What to do next.
#[derive(Clone)]
pub(super) enum Step {
    /// Write these bytes, at once.
    Write(Vec<u8>),
    /// Close the connection.
    Close,
    /// Wait until the other side closes.
    Hang,
    /// Wait until the test says so.
    Wait(Arc<Mutex<mpsc::Receiver<()>>>),
}

/// What a request is answered with.
pub(super) type Script = Arc<dyn Fn(&Seen) -> Vec<Step> + Send + Sync>;

pub(super) struct Fake {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    pub(super) connections: Arc<AtomicUsize>,
}

impl Fake {
    pub(super) fn start(script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), script)
    }

    /// The same at a given address.
    pub(super) fn start_at(
        address: SocketAddr,
        script: impl Fn(&Seen) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
        };
        let (seen, connections, script) =
            (fake.seen.clone(), fake.connections.clone(), Arc::new(script) as Script);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                connections.fetch_add(1, Ordering::SeqCst);
                let (seen, script) = (seen.clone(), script.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &script));
            }
        });
        fake
    }

    pub(super) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<Seen>>, script: &Script) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(head) = read_head(&mut reader) {
        let Some((body, _)) = read_body(&mut reader, &head, true) else { return };
        let request = Seen { head, body };
        seen.lock().unwrap().push(request.clone());
        for step in script(&request) {
            match step {
                Step::Write(bytes) if writer.write_all(&bytes).is_err() => return,
                Step::Write(_) => {}
                Step::Close => return drop(writer.shutdown(Shutdown::Both)),
                Step::Wait(gate) => gate.lock().unwrap().recv().unwrap(),
                Step::Hang => return drop(reader.read_to_end(&mut Vec::new())),
            }
        }
    }
}

/// A message head up to and with the empty line; `None` at the end of the connection.
pub(super) fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if &head[before..] == "\r\n" {
            return Some(head);
        }
    }
}

/// The body and the sizes of its chunks; `None` when it breaks off.
pub(super) fn read_body(
    reader: &mut impl BufRead,
    head: &str,
    is_request: bool,
) -> Option<(Vec<u8>, Vec<usize>)> {
    let mut body = Vec::new();
    let mut chunks = Vec::new();
    if header(head, "transfer-encoding") == Some("chunked") {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let size = usize::from_str_radix(line.trim(), 16).ok()?;
            let at = body.len();
            body.resize(at + size, 0);
            reader.read_exact(&mut body[at..]).ok()?;
            let mut end = [0; 2];
            reader.read_exact(&mut end).ok()?;
            if size == 0 {
                return Some((body, chunks));
            }
            chunks.push(size);
        }
    }
    if let Some(length) = header(head, "content-length") {
        body.resize(length.parse().ok()?, 0);
        reader.read_exact(&mut body).ok()?;
    } else if !is_request {
        reader.read_to_end(&mut body).ok()?;
    }
    Some((body, chunks))
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    headers(head, name).into_iter().next()
}

pub(super) fn headers<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// A sized answer.
pub(super) fn sized(status: &str, more: &str, body: &[u8]) -> Vec<Step> {
    let mut out = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{more}\r\n", body.len()).into_bytes();
    out.extend_from_slice(body);
    vec![Step::Write(out)]
}

/// A chunked answer, each piece a chunk and a write of its own.
pub(super) fn chunked<'a>(more: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n{more}\r\n");
    let mut steps = vec![Step::Write(head.into_bytes())];
    steps.extend(pieces.map(|piece| Step::Write(chunk(piece))));
    steps.push(Step::Write(b"0\r\n\r\n".to_vec()));
    steps
}

pub(super) fn chunk(piece: &[u8]) -> Vec<u8> {
    let mut out = format!("{:x}\r\n", piece.len()).into_bytes();
    out.extend_from_slice(piece);
    out.extend_from_slice(b"\r\n");
    out
}
