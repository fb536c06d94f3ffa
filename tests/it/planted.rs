//! Ten thousand identifiers through the real binary, in every form and place, over a store that is out, a kill -9 and
//! a recovery; then everything that was written is searched for each of them.

mod exchanges;
mod forms;
mod identifiers;
mod search;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::dice::Dice;
use crate::differential::origin::Origin;
use crate::differential::plan::CASE;
use crate::fake::FakeOpenAi;
use crate::world::{World, until};
use exchanges::{Exchange, exchanges};
use identifiers::{Identifier, identifiers};
use search::Search;

/// How many are planted.
const PLANTED: usize = 10_000;
/// Of a hundred names, how many may be missed: see docs/guide/anonymizer.md.
const NAMES_MISSED_PERCENT: usize = 3;
const CALLERS: usize = 6;

async fn world(origin: &Origin) -> World {
    let mut fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    fake.address = origin.plain;
    World::start(fake, "[log]\nlevel = \"trace\"\n").await
}

/// Sends exchanges, several at a time.
async fn send(world: &World, origin: &Origin, some: Vec<Exchange>) {
    let (some, next) = (Arc::new(some), Arc::new(AtomicUsize::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (some, next, origin) = (Arc::clone(&some), Arc::clone(&next), origin.clone());
        let (http, base) = (world.http.clone(), world.url(""));
        tokio::spawn(async move {
            while let Some(one) = some.get(next.fetch_add(1, Ordering::SeqCst)) {
                ask(&http, &base, &origin, one).await;
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

async fn ask(http: &reqwest::Client, base: &str, origin: &Origin, one: &Exchange) {
    static CASES: AtomicUsize = AtomicUsize::new(0);
    let case = format!("planted-{}", CASES.fetch_add(1, Ordering::SeqCst));
    let plan = origin.expect(&case, one.answer.clone());
    let post = http.post(format!("{base}{}", one.target)).bearer_auth("sk-test").header(CASE, &case);
    let post = one.headers.iter().fold(post, |post, (name, value)| post.header(*name, value));
    let mut reply = post.body(one.body.clone()).send().await.unwrap();
    if one.leaves {
        drop(reply.chunk().await);
        drop(reply);
        // The teacher goes on talking: what is read of it after the client has left is captured too.
        plan.arrived(usize::MAX);
    } else {
        let whole = reply.bytes().await;
        assert_eq!(whole.is_ok(), one.answer.cut.is_none(), "{}", one.target);
    }
    origin.done(&case);
}

/// Every row of the store, as text.
async fn rows(world: &World, search: Search) -> Search {
    let settings = kolm_config::Config::embedded(&kolm_config::Outside::bare("/")).unwrap().store;
    let env = kolm_core::Env::fixed(kolm_core::Timestamp(1), 1);
    let (store, handle) = kolm_store::Service::open(&world.data().join("store"), &settings, &env).unwrap();
    let search = Arc::new(Mutex::new(search));
    let on_rows = Arc::clone(&search);
    handle.each_text(move |row| on_rows.lock().unwrap().bytes("(row)", row.as_bytes())).await.unwrap();
    tokio::task::block_in_place(|| store.shutdown());
    drop(handle);
    Arc::into_inner(search).unwrap().into_inner().unwrap()
}

/// The rows as they are exported for training.
async fn export(world: &World) {
    let order = serde_json::json!({ "namespace": "default", "dir": world.dir.path().join("snapshot") });
    let post = world.http.post(world.admin_url("/admin/freeze")).bearer_auth(world.token()).json(&order);
    assert_eq!(post.send().await.unwrap().status(), 200);
}

/// What was found of the structured kinds, by kind with a few values; and how many names.
fn told(search: &Search, all: &[Identifier]) -> (BTreeMap<String, Vec<String>>, usize) {
    let (mut left, mut names) = (BTreeMap::<_, Vec<_>>::new(), 0);
    for n in search.all() {
        if all[n].is_name() {
            names += 1;
            continue;
        }
        let places =
            search.found.iter().filter(|(_, here)| here.contains(&n)).map(|(place, _)| place.as_str());
        let line = format!("{} in {}", all[n].value, places.collect::<Vec<_>>().join(", "));
        left.entry(all[n].key.to_owned()).or_default().push(line);
    }
    (left, names)
}

/// Sends with a folder where the database should be, so that all waits in the spool, and kills; gives what was dropped.
async fn killed_while_the_store_is_out(world: &mut World, origin: &Origin, some: Vec<Exchange>) -> u64 {
    world.stop().await;
    let database = world.data().join("store/captures.duckdb");
    std::fs::rename(&database, database.with_extension("aside")).unwrap();
    std::fs::create_dir(&database).unwrap();
    world.restart().await;
    send(world, origin, some).await;
    until("a spool that holds all that came", || async {
        let books = world.books().await;
        let all = books.accepted == books.spooled + books.dropped && world.in_flight().await == 0;
        (all && books.spooled > 0).then_some(())
    })
    .await;
    let dropped = world.books().await.dropped;
    world.kill();
    dropped
}

/// Puts the database in its place again and starts.
async fn bring_back(world: &mut World) {
    let database = world.data().join("store/captures.duckdb");
    std::fs::remove_dir(&database).unwrap();
    std::fs::rename(database.with_extension("aside"), &database).unwrap();
    world.restart().await;
}

/// The product's own search finds none of the same values either; gives what looks to it like more than a surrogate.
fn audited(world: &World, all: &[Identifier]) -> String {
    let values: Vec<&str> = all.iter().filter(|one| !one.is_name()).map(|one| one.value.as_str()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values.join("\n")).unwrap();
    let audit = world.kolm(&["audit", "disk", "--json", "--values", file.path().to_str().unwrap()]);
    let found: serde_json::Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!((&found["values"], found["rows"].as_u64() > Some(0)), (&0.into(), true), "{found}");
    found["residue"].to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_planted_identifiers_are_nowhere() {
    let mut dice = Dice(42);
    let all = identifiers(PLANTED, &mut dice);
    let mut first = exchanges(&all, &mut dice);
    let second = first.split_off(first.len() / 2);
    let sent = first.len() + second.len();
    let origin = Origin::start().await;
    let mut world = world(&origin).await;

    let dropped = killed_while_the_store_is_out(&mut world, &origin, first).await;
    let mut search = Search::new(&all);
    search.files(world.dir.path());
    assert!(told(&search, &all).0.is_empty(), "after the kill: {:#?}", told(&search, &all).0);

    bring_back(&mut world).await;
    send(&world, &origin, second).await;
    let books = world.settled().await;
    export(&world).await;
    world.stop().await;
    let mut search = rows(&world, Search::new(&all)).await;
    let rows = search.read;
    search.files(world.dir.path());

    let (left, names) = told(&search, &all);
    let planted = all.iter().filter(|one| one.is_name()).count();
    let dropped = dropped + books.dropped;
    let files = search.read - rows;
    eprintln!("planted {PLANTED} in {sent} exchanges; {rows} rows, {files} files, {dropped} dropped");
    eprintln!("names missed: {names} of {planted}");
    assert!(rows * 10 > sent * 9, "what is not stored tells nothing");
    assert!(left.is_empty(), "left: {left:#?}");
    assert!(names * 100 <= planted * NAMES_MISSED_PERCENT, "{names} of {planted} names are left");
    eprintln!("more than a surrogate by its look: {}", audited(&world, &all));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_leaves_no_core_file() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Core);
    limit.current = limit.maximum;
    setrlimit(Resource::Core, limit).unwrap();
    let fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
    let mut world = World::start(fake, "").await;
    assert_eq!(world.ask("mail ann.owl@corp-mail.com").await.status(), 200);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", world.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    world.abort();
    let left = std::fs::read_dir(world.dir.path().join("tmp")).unwrap().flatten();
    assert_eq!(left.map(|entry| entry.path()).collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}
