//! An upstream that reads strictly and writes everything down: what is not one plain request is a fault.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Notes {
    requests: Vec<String>,
    faults: Vec<String>,
    /// Requests begun and neither ended nor given up.
    open: usize,
}

/// The upstream.
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    notes: Arc<Mutex<Notes>>,
}

impl Recorder {
    /// Listens on a free port until the test ends.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, notes) = (listener.local_addr().unwrap(), Arc::<Mutex<Notes>>::default());
        let kept = Arc::clone(&notes);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let notes = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &notes));
            }
        });
        Self { address, notes }
    }

    /// Forgets what was seen.
    pub(super) fn clear(&self) {
        let mut notes = self.notes.lock().unwrap();
        notes.requests.clear();
        notes.faults.clear();
    }

    /// The heads of the whole requests that arrived.
    pub(super) fn requests(&self) -> Vec<String> {
        self.notes.lock().unwrap().requests.clone()
    }

    /// The head of the last.
    pub(super) fn last(&self) -> String {
        self.requests().pop().unwrap_or_default()
    }

    /// What no server should be sent.
    pub(super) fn faults(&self) -> Vec<String> {
        self.notes.lock().unwrap().faults.clone()
    }

    /// Whether no request is under way.
    pub(super) fn is_quiet(&self) -> bool {
        self.notes.lock().unwrap().open == 0
    }
}

fn serve(stream: TcpStream, notes: &Mutex<Notes>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(head) = head(&mut reader) {
        notes.lock().unwrap().open += 1;
        let read = body(&mut reader, &head);
        let mut notes = notes.lock().unwrap();
        notes.open -= 1;
        match read {
            Ok(true) => notes.requests.push(head.clone()),
            Ok(false) => return,
            Err(fault) => return notes.faults.push(format!("{fault}: {head:?}")),
        }
        if head.contains("smuggled") {
            notes.faults.push(format!("a request nobody sent: {head:?}"));
        }
        drop(notes);
        if writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

fn head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// Reads the body; `false` when it breaks off. More than one length, or none that is plain, is a fault.
fn body(reader: &mut impl BufRead, head: &str) -> Result<bool, &'static str> {
    if head.replace("\r\n", "").contains(['\r', '\n', '\0']) {
        return Err("bytes that end lines elsewhere");
    }
    let values = |name: &str| -> Vec<String> {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields
            .filter(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.trim().to_owned())
            .collect()
    };
    if values("host").len() != 1 {
        return Err("not one host");
    }
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Ok(true),
        ([length], []) => {
            let length = length.parse().map_err(|_| "a length that is no number")?;
            Ok(reader.read_exact(&mut vec![0; length]).is_ok())
        }
        ([], [coding]) if coding == "chunked" => chunks(reader),
        _ => Err("more than one length"),
    }
}

fn chunks(reader: &mut impl BufRead) -> Result<bool, &'static str> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return Ok(false);
        }
        let size = usize::from_str_radix(line.strip_suffix("\r\n").unwrap_or("-"), 16);
        let size = size.map_err(|_| "a chunk size that is no number")?;
        let mut piece = vec![0; size + 2];
        if reader.read_exact(&mut piece).is_err() {
            return Ok(false);
        }
        if &piece[size..] != b"\r\n" {
            return Err("a chunk without its end");
        }
        if size == 0 {
            return Ok(true);
        }
    }
}
