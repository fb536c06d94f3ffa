//! `kolm up`: everything wired together, and taken apart again in order.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kolm_config::{Config, History, Live};
use kolm_core::{Env, Exit};
use kolm_gateway::reconcile::{Board, Settings};
use kolm_gateway::server::{self, Bound, End};
use kolm_gateway::table::{Shared, Table};
use kolm_gateway::tasks;
use kolm_receipts::Ledger;
use kolm_receipts::keys::{self, Role};

use crate::args::Up;
use crate::pages::{Pages, Port};
use crate::report::{Done, Failure, note};
use crate::source::{Origin, Source, Start};
use crate::upgrade::{self, Door, House};
use crate::versions;

/// The anonymizer policy that a snapshot names where no configuration says which it was.
pub(crate) const POLICY: &str = "default";

/// From "not ready" to a closed listener, so that a load balancer can look away.
const NOTICE: std::time::Duration = std::time::Duration::from_millis(200);
/// How long requests under way are waited for.
const DRAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// Runs the gateway until SIGTERM or SIGINT.
pub(crate) fn run(args: &Up, env: &Env, data_dir: PathBuf, json: bool) -> Done {
    let origin = args.config.clone().map_or(Origin::Embedded, Origin::File);
    let start = Start::read(origin, &crate::env::outside(&data_dir))?;
    // `--data-dir` is stronger than the file, the file than the environment.
    let data_dir = if data_dir == crate::env::home() { start.config.data_dir.clone() } else { data_dir };
    serve(start, env, data_dir, (json, args.upgrade))
}

/// Runs the gateway with a checked configuration; a file it came from is watched for changes.
pub(crate) fn serve(start: Start, env: &Env, data_dir: PathBuf, (json, upgrade): (bool, bool)) -> Done {
    let config = start.config.clone();
    let relevel = crate::logs::init(&config.log, json);
    crate::machine::raise_open_files();
    crate::machine::huge_pages(false);
    crate::machine::keep_private();
    for dir in ["run", "keys", "store", "ledger", "artifacts", "jobs"] {
        let path = data_dir.join(dir);
        std::fs::create_dir_all(&path).map_err(|error| Failure::io(&path, &error))?;
    }
    let store = data_dir.join("store");
    std::fs::set_permissions(&store, Permissions::from_mode(0o700))
        .map_err(|error| Failure::io(&store, &error))?;
    let Held { bound, ledger, receipts, store, captures: handle, before } =
        Held::of(&config, env, &data_dir, upgrade)?;
    let door = Door::open(&data_dir, config.listen.address)?;
    let dir = versions::dir(&data_dir);
    let history = History::open(&dir).map_err(|error| Failure::io(&dir, &error))?;
    let earlier = versions::read(&data_dir)?;
    let live = Arc::new(Live::new(config, earlier.last().map_or(1, |last| last.version + 1)));
    let (captures, queue) = kolm_gateway::queue::queue(live.load().capture.queue_bytes);
    let shared = Arc::new(Shared {
        env: env.clone(),
        table: arc_swap::ArcSwap::from_pointee(Table { config: live.load(), routes: Vec::new() }),
        ledger: receipts,
        captures,
        events: kolm_gateway::events::Events::new(),
        telemetry: kolm_gateway::telemetry::Telemetry::default(),
        process_key: env.bytes32(),
        route_key: route_key(&data_dir.join("keys/route.key"), env)?,
        guards: Default::default(),
        keys: kolm_gateway::keys::Ring::open(&data_dir)?,
        limits: kolm_gateway::limits::Limits::open(&data_dir)?,
        in_flight: Default::default(),
        ready: AtomicBool::new(false),
    });
    if let Some((before, inherited)) = before {
        before.follow(inherited, &shared, &handle)?;
    }
    let board = Arc::new(Board::default());
    let decision_key = keys::load_or_create(&data_dir.join("keys"), Role::Decision, env)?;
    let settings = Settings { program: program()?, data_dir: data_dir.clone(), decision_key };
    // Before anything runs in the background: a port that is taken ends the start.
    let port = Port::bind(live.load().admin.address)?;
    let background = tasks::start(&shared, &handle, &board, &live, queue, settings)
        .map_err(|error| Failure::io("background".as_ref(), &error))?;
    let source =
        Source::new(start, crate::env::outside(&data_dir), &shared, (&live, &board), (history, relevel));
    source.started(&earlier);
    let pages = Pages::start(port, (&shared, &handle), &board, &live, &source);
    let twin = bound.twin().map_err(|error| Failure::io("upgrade".as_ref(), &error))?;
    let house = Arc::new(House {
        shared: Arc::clone(&shared),
        captures: handle,
        background,
        pages: Mutex::new(Some(pages)),
        store: Mutex::new(Some(store)),
        ledger: Mutex::new(ledger),
    });
    let stopping = twice_is_at_once()?;
    let stop = async {
        tokio::select! {
            () = server::stop_signal() => {
                stopping.store(true, Ordering::Release);
                End::Drain
            }
            successor = door.knocked() => {
                let house = Arc::clone(&house);
                End::HandOver(Box::new(move || house.let_go(successor, &twin)))
            }
        }
    };
    let served = server::run(shared, &listen_settings(), bound, stop, |address| {
        let scheme = if live.load().listen.tls.is_some() { "https" } else { "http" };
        if let Some(pages) = &*house.pages.lock().unwrap_or_else(PoisonError::into_inner) {
            pages.announce((scheme, address), &data_dir, (json, live.load().log.format));
        }
    });
    if let Some(house) = Arc::into_inner(house) {
        house.end(&data_dir);
    }
    served?;
    Ok(Exit::Ok)
}

/// Once the flag that it gives is set, SIGTERM and SIGINT end the process where it stands, as `kill -9` would: what was
/// stored or spooled stays, what still waited for capture is gone.
fn twice_is_at_once() -> Result<Arc<AtomicBool>, Failure> {
    const CANCELLED: i32 = 130;
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, CANCELLED, Arc::clone(&stopping))
            .map_err(|error| Failure::io("signal".as_ref(), &error))?;
    }
    Ok(stopping)
}

/// Ledger, store and socket: opened, or those of the process before.
struct Held {
    bound: Bound,
    ledger: Ledger,
    receipts: kolm_receipts::Handle,
    store: kolm_store::Service,
    captures: kolm_store::Handle,
    before: Option<(upgrade::Before, kolm_receipts::Inherited)>,
}

impl Held {
    fn of(config: &Config, env: &Env, data_dir: &Path, upgrade: bool) -> Result<Self, Failure> {
        let (dir, node) = (data_dir.join("ledger"), &config.receipts.node);
        let open =
            || kolm_store::Service::open_all(&data_dir.join("store"), &config.store, env, apart(config));
        if upgrade {
            let (listener, before) = upgrade::take_over(data_dir, config.listen.address)?;
            let (ledger, receipts, inherited) = Ledger::take_over(&dir, node, env)?;
            let (store, captures) = open()?;
            let bound =
                Bound::inherited(listener).map_err(|error| Failure::io("upgrade".as_ref(), &error))?;
            return Ok(Self { bound, ledger, receipts, store, captures, before: Some((before, inherited)) });
        }
        let (ledger, receipts, recovered) = Ledger::open(&dir, node, env)?;
        if recovered.lost > 0 {
            note(&format!("{} receipts of the last run were closed as lost", recovered.lost));
        }
        let (store, captures) = open()?;
        let bound = Bound::new(config.listen.address)?;
        Ok(Self { bound, ledger, receipts, store, captures, before: None })
    }
}

/// The namespaces whose captures lie in directories of their own.
fn apart(config: &Config) -> std::collections::BTreeMap<kolm_core::Namespace, PathBuf> {
    let own = |(name, settings): (&kolm_core::Namespace, &kolm_config::Namespace)| {
        Some((name.clone(), settings.data_dir.clone()?))
    };
    config.namespaces.iter().filter_map(own).collect()
}

fn listen_settings() -> server::Settings {
    server::Settings {
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        notice: NOTICE,
        drain: DRAIN,
    }
}

/// This very binary, for children.
fn program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::io("kolm".as_ref(), &error))
}

/// The secret that keys buckets and samples; made once, kept as long as the data directory.
fn route_key(path: &Path, env: &Env) -> Result<[u8; 32], Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Ok(bytes) = std::fs::read(path)
        && let Ok(key) = bytes.try_into()
    {
        return Ok(key);
    }
    let key = env.bytes32();
    let mut file = std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::io(path, &error))?;
    file.write_all(&key).and_then(|()| file.sync_all()).map_err(|error| Failure::io(path, &error))?;
    Ok(key)
}

/// Ends when the process is asked to.
pub(crate) async fn signalled() {
    let Ok(mut term) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Tells whether Ctrl-C or SIGTERM has come.
pub(crate) fn interrupted() -> impl Fn() -> bool {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&flag)) {
            note(&format!("Ctrl-C will not be noticed: {error}"));
        }
    }
    move || flag.load(Ordering::Relaxed)
}
