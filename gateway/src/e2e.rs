//! The data path end to end: a real client, a real gateway, a real peer behind it, all over sockets.

mod failover;
mod fake;
mod hands;
mod local;
mod pool;
mod shadow;
mod teacher;
mod tls;
mod verbatim;

use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc as blocking};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use kolm_config::{Config, Outside};
use kolm_core::{Env, FixedClock, RequestId, SeededEntropy, Timestamp, Weight};
use kolm_receipts::{Ledger, State};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::events::Events;
use crate::exchange::Finished;
use crate::queue::Receiver;
use crate::server::{self, Bound, End, Settings};
use crate::table::{Entry, RouteStats, Shared, Student, Table};
use fake::{headers, read_body, read_head};

const ARTIFACT: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000ab";
const CHAT: &[u8] = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"where is my parcel"}]}"#;

/// A gateway under test.
struct House {
    address: SocketAddr,
    shared: Arc<Shared>,
    student: Option<Arc<Student>>,
    clock: Arc<FixedClock>,
    captures: Receiver,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _ledger: Ledger,
    _dir: tempfile::TempDir,
}

/// What differs from the usual house.
struct Plan {
    upstream: SocketAddr,
    student: Option<SocketAddr>,
    queue: u64,
    change: fn(&mut Config),
}

impl Plan {
    fn to(upstream: SocketAddr) -> Self {
        Self { upstream, student: None, queue: 64 << 20, change: |_| {} }
    }

    fn table(&self, student: Option<Arc<Student>>) -> Table {
        let mut config = Config::embedded(&Outside::bare("/nonexistent")).unwrap();
        let upstream = config.upstreams.get_mut(&config.default_upstream).unwrap();
        upstream.base_url.tls = false;
        upstream.base_url.host = self.upstream.ip().to_string();
        upstream.base_url.port = self.upstream.port();
        (self.change)(&mut config);
        let entry = Entry {
            route: Arc::new(config.routes[0].clone()),
            weight: if student.is_some() { Weight::FULL } else { Weight::ZERO },
            student,
            challenger: None,
            salt: [7; 32],
            stats: Arc::new(RouteStats::default()),
        };
        Table { config: Arc::new(config), routes: vec![Arc::new(entry)] }
    }
}

fn settings() -> Settings {
    Settings { threads: 2, notice: Duration::ZERO, drain: Duration::from_secs(10) }
}

impl House {
    fn over(upstream: SocketAddr) -> Self {
        Self::build(Plan::to(upstream))
    }

    fn build(plan: Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(Timestamp(1_790_000_000_000)));
        let env = Env { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(11)) };
        let (ledger, handle, _) = Ledger::open(dir.path(), "test", &env).unwrap();
        let (captures, receiver) = crate::queue::queue(plan.queue);
        let student = plan.student.map(|address| {
            let student = Student::new(ARTIFACT.parse().unwrap(), "support.kolm".into());
            student.address.store(Some(Arc::new(address)));
            Arc::new(student)
        });
        let shared = Arc::new(Shared {
            env,
            table: ArcSwap::from_pointee(plan.table(student.clone())),
            ledger: handle,
            captures,
            events: Events::new(),
            telemetry: crate::telemetry::Telemetry::default(),
            process_key: [1; 32],
            route_key: [2; 32],
            guards: Default::default(),
            keys: crate::keys::Ring::default(),
            limits: crate::limits::Limits::default(),
            in_flight: Default::default(),
            ready: AtomicBool::new(false),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = blocking::channel();
        let on_it = shared.clone();
        let thread = std::thread::spawn(move || {
            let stop = async {
                drop(stopped.await);
                End::Drain
            };
            let bound = Bound::new("127.0.0.1:0".parse().unwrap())?;
            server::run(on_it, &settings(), bound, stop, |address| tell.send(address).unwrap())
        });
        let address = told.recv_timeout(Duration::from_secs(10)).unwrap();
        let (stop, thread) = (Some(stop), Some(thread));
        Self { address, shared, student, clock, captures: receiver, stop, thread, _ledger: ledger, _dir: dir }
    }

    fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// One POST on a connection of its own.
    fn post(&self, path: &str, body: &[u8]) -> Reply {
        self.client().call(&post(path, "", body))
    }

    /// The next captured exchange.
    fn captured(&mut self) -> Finished {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let next = runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(10), self.captures.next()).await });
        next.expect("no exchange within 10 s").unwrap()
    }

    /// The leaf of a receipt, once it is there.
    fn leaf(&self, id: RequestId) -> serde_json::Value {
        let mut leaf = None;
        until("a closed receipt", || {
            let found = self.shared.ledger.find(id).filter(|found| found.state == State::Closed);
            leaf = found.and_then(|found| found.leaf);
            leaf.is_some()
        });
        serde_json::from_slice(&leaf.unwrap()).unwrap()
    }

    fn stop(mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("still waiting for {what}");
}

/// One connection of a client.
struct Client {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// An answer.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
    chunks: Vec<usize>,
    /// It broke off.
    broken: bool,
}

impl Client {
    fn to(address: SocketAddr) -> Self {
        let writer = TcpStream::connect(address).unwrap();
        writer.set_nodelay(true).unwrap();
        writer.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { reader: BufReader::new(writer.try_clone().unwrap()), writer }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    fn call(&mut self, bytes: &[u8]) -> Reply {
        self.send(bytes);
        self.read()
    }

    fn read(&mut self) -> Reply {
        let head = self.head();
        self.rest(head)
    }

    /// What follows a head.
    fn rest(&mut self, head: String) -> Reply {
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = read_body(&mut self.reader, &head, false);
        let broken = body.is_none();
        let (body, chunks) = body.unwrap_or_default();
        Reply { status, head, body, chunks, broken }
    }

    fn head(&mut self) -> String {
        read_head(&mut self.reader).expect("a response head")
    }

    fn leave(self) {
        self.writer.shutdown(Shutdown::Both).unwrap();
    }
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        fake::header(&self.head, name)
    }

    /// The id in the one receipt header.
    fn id(&self) -> RequestId {
        let receipts = headers(&self.head, "x-kolm-receipt");
        assert_eq!(receipts.len(), 1, "{}", self.head);
        kolm_receipts::header::parse(receipts[0]).unwrap().id
    }

    fn error_code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let keys: Vec<&String> = body["error"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["message", "type", "param", "code"]);
        body["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn post(path: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk-test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The same body in chunks.
fn post_chunked(path: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut out =
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    body.chunks(size).for_each(|piece| out.extend(fake::chunk(piece)));
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}
