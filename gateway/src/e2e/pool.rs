//! A student that is a pool of servers: balanced, checked, and no client's problem when one dies.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use kolm_config::{Balance, Engine, RawConfig};
use kolm_core::Arm;

use super::fake::{Fake, Step, sized};
use super::*;
use crate::pool;
use crate::students::Supervised;

/// A house whose route has these servers as its student; the runtime keeps their pool.
struct Servers {
    house: House,
    kept: Supervised,
    _runtime: tokio::runtime::Runtime,
}

fn engine(servers: &[&Fake], balance: Balance) -> Engine {
    let urls: Vec<String> =
        servers.iter().map(|server| format!("\"http://{}/base/v1\"", server.address)).collect();
    let text = format!(
        "[[routes]]\nname = \"support\"\n[routes.engine]\nurls = [{}]\nserved_model = \"tiny\"\n\
         api_key = {{ env = \"ENGINE_KEY\" }}\nhealth = {{ interval = \"50ms\", unhealthy_after = 1 }}\n\
         timeouts = {{ first_byte = \"300ms\" }}\n",
        urls.join(", ")
    );
    let env = |name: &str| (name == "ENGINE_KEY").then(|| "engine-key".to_owned());
    let outside = Outside { home: "/tmp".into(), env: Arc::new(env) };
    let mut config = RawConfig::parse("test", &text).check(&outside).unwrap();
    Engine { balance, ..config.routes.remove(0).engine.unwrap() }
}

fn served_by(teacher: &Fake, servers: &[&Fake], balance: Balance) -> Servers {
    served_by_engine(teacher, engine(servers, balance))
}

fn served_by_engine(teacher: &Fake, engine: Engine) -> Servers {
    let house = House::over(teacher.address);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let route = house.shared.table.load().routes[0].route.clone();
    let kept = {
        let _in = runtime.enter();
        pool::raise(&house.shared, &route.name, &engine).unwrap()
    };
    let entry = Entry {
        route,
        weight: Weight::FULL,
        student: Some(kept.student.clone()),
        challenger: None,
        salt: [7; 32],
        stats: Arc::default(),
    };
    let config = house.shared.table.load().config.clone();
    house.shared.table.store(Arc::new(Table { config, routes: vec![Arc::new(entry)] }));
    let servers = Servers { house, kept, _runtime: runtime };
    servers.until_ready(servers.pool().engine.urls.len());
    servers
}

impl Servers {
    fn pool(&self) -> &pool::Pool {
        self.kept.student.pool.as_ref().unwrap()
    }

    fn ready(&self) -> usize {
        self.pool().status().iter().filter(|server| server.ready).count()
    }

    fn until_ready(&self, n: usize) {
        until(&format!("{n} ready servers"), || self.ready() == n);
    }

    fn ask(&self, conversation: usize) -> Reply {
        let more =
            format!("x-kolm-conversation: c{conversation}\r\nCookie: a=1\r\nOpenAI-Organization: org-1\r\n");
        self.house.client().call(&post("/v1/chat/completions?key=1", &more, CHAT))
    }
}

fn teacher() -> Fake {
    Fake::start(|_| sized("200 OK", "", b"from the teacher"))
}

/// A server that passes its checks and answers questions with `answer`.
fn server(answer: fn() -> Vec<Step>) -> Fake {
    Fake::start(move |seen| match seen.head.starts_with("GET ") {
        true => sized("200 OK", "", b"{\"data\":[]}"),
        false => answer(),
    })
}

fn answering() -> Fake {
    server(|| sized("200 OK", "", b"from an engine"))
}

fn questions(server: &Fake) -> usize {
    server.seen.lock().unwrap().iter().filter(|seen| seen.head.starts_with("POST ")).count()
}

#[test]
fn a_pool_answers_under_its_own_name_with_its_own_key() {
    let (teacher, one, two) = (teacher(), answering(), answering());
    let mut servers = served_by(&teacher, &[&one, &two], Balance::RoundRobin);
    let mut last = None;
    for n in 0..6 {
        let reply = servers.ask(n);
        assert_eq!((reply.status, &reply.body[..]), (200, &b"from an engine"[..]));
        last = Some(reply.id());
        let finished = servers.house.captured();
        assert_eq!(finished.arm, Arm::Student);
        assert_eq!(finished.artifact, Some(pool::identity(&servers.pool().engine)));
    }
    assert_eq!((questions(&one), questions(&two), teacher.requests()), (3, 3, 0), "round robin");
    let seen = one.seen.lock().unwrap().iter().find(|seen| seen.head.starts_with("POST ")).cloned().unwrap();
    assert!(seen.head.starts_with("POST /base/v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("authorization"), Some("Bearer engine-key"));
    for name in ["cookie", "openai-organization", "x-kolm-conversation", "x-kolm-cascade"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(
        String::from_utf8_lossy(&seen.body),
        String::from_utf8_lossy(CHAT).replace("gpt-4o-mini", "tiny")
    );
    let leaf = servers.house.leaf(last.unwrap());
    assert_eq!(leaf["open"]["art"], pool::identity(&servers.pool().engine).as_str());
    let check = one.seen.lock().unwrap().iter().find(|seen| seen.head.starts_with("GET ")).cloned().unwrap();
    assert!(check.head.starts_with("GET /base/v1/models HTTP/1.1\r\n"), "{}", check.head);
}

#[test]
fn a_conversation_stays_with_its_server_and_least_connections_looks_at_the_load() {
    let (teacher, one, two) = (teacher(), answering(), answering());
    let servers = served_by(&teacher, &[&one, &two], Balance::Conversation);
    let of = |n: usize| servers.pool().pick(format!("c{n}").as_bytes(), &[]).unwrap().seat().address;
    let first: Vec<SocketAddr> = (0..40).map(of).collect();
    assert_eq!(first, (0..40).map(of).collect::<Vec<_>>());
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 2);

    let servers = served_by(&teacher, &[&one, &two], Balance::LeastConnections);
    let held: Vec<_> = (0..10).map(|_| servers.pool().pick(b"", &[]).unwrap()).collect();
    let at_one = held.iter().filter(|seated| seated.seat().address == one.address).count();
    assert_eq!(at_one, 5);
    assert_eq!(servers.pool().status().iter().map(|server| server.under_way).sum::<u64>(), 10);
    drop(held);
    assert_eq!(servers.pool().status().iter().map(|server| server.under_way).sum::<u64>(), 0);
}

#[test]
fn one_server_that_dies_costs_no_client_an_error() {
    let teacher = teacher();
    let (good, bad) = (answering(), server(|| vec![Step::Close]));
    let mut servers = served_by(&teacher, &[&good, &bad], Balance::RoundRobin);
    for n in 0..20 {
        assert_eq!(servers.ask(n).body, b"from an engine", "{n}");
        assert_eq!(servers.house.captured().arm, Arm::Student);
    }
    assert_eq!((questions(&good), teacher.requests()), (20, 0));
    assert!(questions(&bad) >= 1);
    assert!(!servers.kept.student.breaker.tripped());
}

#[test]
fn without_any_server_the_teacher_answers() {
    let teacher = teacher();
    let cases: [(fn() -> Vec<Step>, &str); 4] = [
        (|| vec![Step::Close], "down"),
        (|| vec![Step::Hang], "timeout"),
        (|| sized("503 Loading", "", b"{}"), "failed"),
        (|| sized("422 Unprocessable", "", b"{}"), "refused"),
    ];
    for (script, why) in cases {
        let one = server(script);
        let mut servers = served_by(&teacher, &[&one], Balance::RoundRobin);
        assert_eq!(servers.ask(1).body, b"from the teacher", "{why}");
        let finished = servers.house.captured();
        assert_eq!(finished.fallback.map(|fallback| fallback.why), Some(why));
    }
}

#[test]
fn a_server_that_fails_its_checks_is_left_alone_until_it_passes_them() {
    let teacher = teacher();
    let sick = Arc::new(AtomicBool::new(false));
    let seen = sick.clone();
    let one = Fake::start(move |_| match seen.load(Ordering::SeqCst) {
        true => sized("503 Loading", "", b"{}"),
        false => sized("200 OK", "", b"from an engine"),
    });
    let servers = served_by(&teacher, &[&one], Balance::RoundRobin);
    sick.store(true, Ordering::SeqCst);
    servers.until_ready(0);
    assert!(!servers.kept.student.is_up());
    assert_eq!(servers.ask(1).body, b"from the teacher");
    assert_eq!(questions(&one), 0);
    sick.store(false, Ordering::SeqCst);
    servers.until_ready(1);
    assert_eq!(servers.ask(2).body, b"from an engine");
    let route = servers.house.shared.table.load().routes[0].route.name.clone();
    let line = format!("kolm_engine_turn_total{{route=\"{route}\",to=\"unhealthy\"}} 1");
    assert!(servers.house.shared.events.render().contains(&line), "{}", servers.house.shared.events.render());
}

#[test]
fn a_question_longer_than_the_context_is_the_teachers() {
    let (teacher, one) = (teacher(), server(|| sized("200 OK", "", b"from the pool")));
    let roomy = Engine { context: Some(CHAT.len() as u64), ..engine(&[&one], Balance::RoundRobin) };
    let servers = served_by_engine(&teacher, roomy);
    assert_eq!(servers.ask(0).body, b"from the pool");
    drop(servers);
    let narrow = Engine { context: Some(3), ..engine(&[&one], Balance::RoundRobin) };
    let mut servers = served_by_engine(&teacher, narrow);
    assert_eq!(servers.ask(0).body, b"from the teacher");
    assert_eq!(servers.house.captured().fallback.map(|fallback| fallback.why), Some("too_long"));
}
