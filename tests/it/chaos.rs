//! Everything goes wrong while clients go on asking: the store, the disk, the upstream, the configuration, the
//! process itself. No client may notice more than its upstream did, and the books must balance.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::dice::Dice;
use crate::differential::origin::Origin;
use crate::differential::plan::{Answer, CASE, Framing};
use crate::fake::FakeOpenAi;
use crate::world::{Books, World, until};

const CALLERS: usize = 6;
const STREAM: [&str; 3] = [
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"so\"},\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];
const WHOLE: &str = r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"so be it"},"finish_reason":"stop"}]}"#;

/// What the upstream makes of a request, and with it what the client must see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    Streamed,
    Embedded,
    /// A path that is not captured.
    Listed,
    /// 429.
    Limited,
    /// 500.
    Failed,
    /// Breaks off inside a frame.
    Cut,
    /// Falls silent inside a stream.
    Stalled,
    /// Closes without a word.
    Gone,
    /// Answers with what is no HTTP.
    Garbled,
    /// The client itself leaves in the middle.
    Left,
}

const FATES: [Fate; 16] = [
    Fate::Answered,
    Fate::Answered,
    Fate::Answered,
    Fate::Streamed,
    Fate::Streamed,
    Fate::Streamed,
    Fate::Embedded,
    Fate::Listed,
    Fate::Limited,
    Fate::Limited,
    Fate::Failed,
    Fate::Cut,
    Fate::Stalled,
    Fate::Gone,
    Fate::Garbled,
    Fate::Left,
];

impl Fate {
    fn answer(self) -> Answer {
        let json = |status, reason, body: &'static str| {
            Answer { status, reason, ..Answer::ok(Framing::Sized, vec![Bytes::from(body)]) }
                .with("content-type", "application/json")
        };
        let stream = || {
            Answer::ok(Framing::Chunked, STREAM.map(Bytes::from).to_vec())
                .with("content-type", "text/event-stream")
        };
        match self {
            Self::Answered => json(200, "OK", WHOLE),
            Self::Streamed => stream(),
            Self::Embedded => json(200, "OK", "{\"object\":\"list\",\"data\":[{\"embedding\":[0.5]}]}"),
            Self::Listed => json(200, "OK", "{\"object\":\"list\",\"data\":[]}"),
            Self::Limited => {
                json(429, "Too Many Requests", "{\"error\":{\"message\":\"slow\"}}").with("retry-after", "1")
            }
            Self::Failed => json(500, "Oh", "{\"error\":{\"message\":\"oh\"}}"),
            Self::Cut => Answer { cut: Some(380), ..stream() },
            Self::Stalled | Self::Left => Answer { lockstep: true, ..stream() },
            Self::Gone => Answer { cut: Some(0), ..stream() },
            Self::Garbled => {
                Answer { garbage: Some(Bytes::from_static(b"\x16\x03\x01 not HTTP\r\n\r\n")), ..stream() }
            }
        }
    }

    /// Method and path.
    fn target(self) -> (reqwest::Method, &'static str) {
        match self {
            Self::Embedded => (reqwest::Method::POST, "/v1/embeddings"),
            Self::Listed => (reqwest::Method::GET, "/v1/files"),
            Self::Answered
            | Self::Streamed
            | Self::Limited
            | Self::Failed
            | Self::Cut
            | Self::Stalled
            | Self::Gone
            | Self::Garbled
            | Self::Left => (reqwest::Method::POST, "/v1/chat/completions"),
        }
    }

    /// What the client must have seen: a status, and whether the body came whole.
    fn expected(self) -> (u16, bool) {
        match self {
            Self::Answered | Self::Streamed | Self::Embedded | Self::Listed => (200, true),
            Self::Limited => (429, true),
            Self::Failed => (500, true),
            Self::Cut | Self::Stalled | Self::Left => (200, false),
            Self::Gone | Self::Garbled => (502, true),
        }
    }
}

/// The clients, who go on until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    captured: Arc<AtomicUsize>,
    callers: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(world: &World, origin: &Origin, seed: u64) -> Self {
        let (stop, captured) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let callers = (0..CALLERS).map(|caller| {
            let (stop, captured, origin) = (stop.clone(), captured.clone(), origin.clone());
            let (http, base) = (world.http.clone(), world.url(""));
            tokio::spawn(async move {
                let (mut dice, mut wrong) = (Dice(seed * 100 + caller as u64), Vec::new());
                let mut n = 0;
                while !stop.load(Ordering::SeqCst) {
                    let fate = dice.one(&FATES);
                    n += 1;
                    captured.fetch_add(usize::from(fate != Fate::Listed), Ordering::SeqCst);
                    let saw = ask(&http, &base, &origin, &format!("{seed}-{caller}-{n}"), fate).await;
                    if saw != fate.expected() {
                        wrong.push(format!("{fate:?} came as {saw:?} instead of {:?}", fate.expected()));
                    }
                }
                wrong
            })
        });
        let callers = callers.collect();
        Self { stop, captured, callers }
    }

    /// Waits until so many more have been asked.
    async fn more(&self, count: usize) {
        let goal = self.captured.load(Ordering::SeqCst) + count;
        until("clients that go on", || async {
            (self.captured.load(Ordering::SeqCst) >= goal).then_some(())
        })
        .await;
    }

    /// Stops it; how many requests were to be captured.
    async fn end(self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        let mut wrong = Vec::new();
        for caller in self.callers {
            wrong.extend(caller.await.unwrap());
        }
        assert!(wrong.is_empty(), "{} clients saw what no upstream did:\n{}", wrong.len(), wrong.join("\n"));
        self.captured.load(Ordering::SeqCst) as u64
    }
}

async fn ask(http: &reqwest::Client, base: &str, origin: &Origin, case: &str, fate: Fate) -> (u16, bool) {
    let _plan = origin.expect(case, fate.answer());
    let (method, path) = fate.target();
    let long = "and so on ".repeat(600);
    let body = format!(
        "{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"question {case} {long}\"}}]}}"
    );
    let mut request =
        http.request(method.clone(), format!("{base}{path}")).header(CASE, case).bearer_auth("sk-test");
    if method == reqwest::Method::POST {
        request = request.body(body);
    }
    let saw = match request.send().await {
        Err(_) => (0, false),
        Ok(mut reply) => {
            let status = reply.status().as_u16();
            let receipts = reply.headers().get_all("x-kolm-receipt").iter().count();
            assert_eq!(receipts, 1, "{fate:?}");
            if fate == Fate::Left {
                drop(reply.chunk().await);
                (status, false)
            } else {
                (status, reply.bytes().await.is_ok())
            }
        }
    };
    origin.done(case);
    saw
}

/// A small file system of its own for the data directory; gone with this value.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "kolm-chaos"]).arg(&at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.0.join("ballast")).unwrap();
        for size in [1 << 20, 4 << 10, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

async fn world(origin: &Origin, store: &str) -> World {
    let mut fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    fake.address = origin.plain;
    let config =
        format!("[upstreams.openai.timeouts]\nidle = \"500ms\"\nfirst_byte = \"10s\"\n[store]\n{store}\n");
    World::start(fake, &config).await
}

/// Changes the configuration again and again, by file and by order.
async fn reload(world: &World, times: usize) {
    let file = world.dir.path().join("gateway.toml");
    let first = std::fs::read_to_string(&file).unwrap();
    let run = std::fs::read(world.data().join("run/up.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    for n in 0..times {
        std::fs::write(&file, format!("{first}\n[[routes]]\nname = \"route-{n}\"\nmodel = \"m{n}\"\n"))
            .unwrap();
        let order = world.http.post(world.admin_url("/admin/config/reload"));
        let order = order.bearer_auth(run["token"].as_str().unwrap()).send().await.unwrap();
        assert!(order.status().is_success(), "{}", order.text().await.unwrap());
    }
    std::fs::write(&file, first).unwrap();
}

fn ledger_verifies(world: &World) {
    let ledger = world.kolm(&["verify", "ledger", "--json"]);
    assert!(ledger.status.success(), "{}", String::from_utf8_lossy(&ledger.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_does_its_worst_and_new_configurations_are_no_more_than_that() {
    let origin = Origin::start().await;
    let mut world = world(&origin, "").await;
    let load = Load::start(&world, &origin, 1);
    load.more(100).await;
    reload(&world, 5).await;
    load.more(100).await;
    let asked = load.end().await;
    let books = world.settled().await;
    assert_eq!(books, Books { accepted: asked, stored: asked, spooled: 0, dropped: 0 });
    world.stop().await;
    ledger_verifies(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_out_and_a_spool_that_is_full_and_a_kill_cost_no_client_anything() {
    let origin = Origin::start().await;
    let mut world = world(&origin, "spool_quota = \"1 MiB\"").await;
    world.stop().await;
    // A folder where the database should be: it cannot be opened until that is gone.
    let database = world.data().join("store/captures.duckdb");
    let aside = database.with_extension("aside");
    std::fs::rename(&database, &aside).unwrap();
    std::fs::create_dir(&database).unwrap();
    world.restart().await;
    let load = Load::start(&world, &origin, 2);
    until("a spool that is full", || async { (world.books().await.dropped > 20).then_some(()) }).await;
    let books = world.books().await;
    assert!(books.spooled > 0 && books.stored == 0, "{books:?}");
    std::fs::remove_dir(&database).unwrap();
    std::fs::rename(&aside, &database).unwrap();
    until("a store that is back", || async { (world.books().await.stored > books.spooled).then_some(()) })
        .await;
    load.more(50).await;
    let asked = load.end().await;
    let books = world.settled().await;
    assert_eq!((books.accepted, books.stored + books.dropped), (asked, asked), "{books:?}");

    // kill -9 with answers under way: their receipts are closed as lost, and nothing stored is stored twice.
    let plan = origin.expect("hanging", Fate::Stalled.answer());
    let hanging =
        world.http.post(world.url("/v1/chat/completions")).header(CASE, "hanging").body("{\"model\":\"m\"}");
    let hanging = hanging.send().await.unwrap();
    plan.until(|seen| seen.whole).await;
    world.kill();
    drop(hanging);
    world.restart().await;
    assert_eq!(world.status().await["ledger"]["lost"], 1);
    let load = Load::start(&world, &origin, 3);
    load.more(100).await;
    let asked = load.end().await;
    let books = world.settled().await;
    assert_eq!((books.accepted, books.stored), (asked, asked), "{books:?}");
    world.stop().await;
    ledger_verifies(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_costs_captures_that_are_counted_and_no_client_anything() {
    let origin = Origin::start().await;
    let mut world = world(&origin, "").await;
    world.stop().await;
    let Some(disk) = Disk::mount(world.data(), "32m") else {
        eprintln!("skipped: a tmpfs cannot be mounted here");
        return;
    };
    world.restart().await;
    let load = Load::start(&world, &origin, 4);
    load.more(60).await;
    disk.fill();
    until("captures that are dropped", || async { (world.books().await.dropped > 5).then_some(()) }).await;
    load.more(60).await;
    disk.free();
    load.more(60).await;
    let asked = load.end().await;
    let books = world.settled().await;
    assert_eq!((books.accepted, books.stored + books.dropped), (asked, asked), "{books:?}");
    let before = books.dropped;
    let load = Load::start(&world, &origin, 5);
    load.more(60).await;
    load.end().await;
    assert_eq!(world.settled().await.dropped, before, "with room on the disk nothing is dropped any more");
    world.stop().await;
    ledger_verifies(&world);
    drop(disk);
}
