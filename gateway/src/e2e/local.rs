//! The relay to a student, and back to the teacher when it does not answer.

use std::sync::atomic::Ordering;

use kolm_core::{Arm, Outcome};

use super::fake::{Fake, Step, chunked, refusing, sized};
use super::*;

fn house(teacher: &Fake, student: SocketAddr) -> House {
    House::build(Plan { student: Some(student), ..Plan::to(teacher.address) })
}

fn teacher() -> Fake {
    Fake::start(|_| sized("200 OK", "", b"from the teacher"))
}

fn why_not(finished: &Finished) -> Option<&'static str> {
    finished.fallback.as_ref().map(|fallback| fallback.why)
}

fn stats(house: &House) -> (u64, u64, u64) {
    let stats = house.shared.table.load().routes[0].stats.clone();
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    (read(&stats.local), read(&stats.cloud), read(&stats.fallbacks))
}

#[test]
fn a_student_answers_and_looks_like_a_cloud() {
    let teacher = teacher();
    let student =
        Fake::start(|_| sized("200 OK", "x-kolm-confidence: 0.987\r\nx-request-id: req_9\r\n", b"local"));
    let mut house = house(&teacher, student.address);
    let reply = house.post("/v1/chat/completions", CHAT);
    assert_eq!((reply.status, &reply.body[..], teacher.requests()), (200, &b"local"[..], 0));
    assert_eq!((reply.header("x-kolm-confidence"), reply.header("x-request-id")), (None, Some("req_9")));
    let seen = student.last();
    assert_eq!((seen.header("x-kolm-cascade"), seen.header("authorization")), (Some("1"), None));
    assert_eq!(seen.body, CHAT);
    let finished = house.captured();
    assert_eq!((finished.arm, finished.fallback), (Arm::Student, None));
    assert_eq!(finished.artifact.as_ref().map(|id| id.as_str()), Some(ARTIFACT));
    let leaf = house.leaf(reply.id());
    assert_eq!((&leaf["open"]["rt"], &leaf["open"]["art"]), (&"local".into(), &ARTIFACT.into()));
    assert_eq!(stats(&house), (1, 0, 0));
}

#[test]
fn a_student_answers_its_own_namespace_alone() {
    let teacher = teacher();
    let student = Fake::start(|_| sized("200 OK", "", b"local"));
    let change = |config: &mut Config| {
        let settings = config.namespaces[&config.default_namespace].clone();
        config.namespaces.insert("other".parse().unwrap(), settings);
    };
    let mut house =
        House::build(Plan { student: Some(student.address), change, ..Plan::to(teacher.address) });
    let reply = house.client().call(&post("/v1/chat/completions", "x-kolm-namespace: other\r\n", CHAT));
    assert_eq!((&reply.body[..], student.requests()), (&b"from the teacher"[..], 0));
    assert_eq!(house.captured().namespace.as_str(), "other");
}

#[test]
fn whatever_a_student_does_before_its_first_byte_the_client_gets_an_answer() {
    let cases: [(&str, fn() -> Vec<Step>, &str); 4] = [
        ("abstains", || sized("422 Unprocessable", "x-kolm-abstain: confidence\r\n", b"{}"), "abstained"),
        ("fails", || sized("500 Internal", "", b"{}"), "failed"),
        ("refuses", || sized("400 Bad Request", "", b"{}"), "refused"),
        ("dies", || vec![Step::Close], "down"),
    ];
    for (what, script, why) in cases {
        let teacher = teacher();
        let student = Fake::start(move |_| script());
        let mut house = house(&teacher, student.address);
        let reply = house.post("/v1/chat/completions", CHAT);
        assert_eq!((reply.status, &reply.body[..]), (200, &b"from the teacher"[..]), "{what}");
        assert_eq!(teacher.last().body, CHAT, "{what}");
        assert_eq!(teacher.last().header("authorization"), Some("Bearer sk-test"), "{what}");
        let finished = house.captured();
        assert_eq!((finished.arm, why_not(&finished)), (Arm::Teacher, Some(why)), "{what}");
        let leaf = house.leaf(reply.id());
        assert_eq!((&leaf["open"]["rt"], &leaf["open"]["try"]), (&"cloud".into(), &2.into()), "{what}");
        assert_eq!(leaf["close"]["tries"][0][3], why, "{what}");
        assert_eq!(stats(&house), (0, 1, 1), "{what}");
    }
}

#[test]
fn a_student_that_is_gone_is_suspected_and_left_alone() {
    let teacher = teacher();
    let mut house = house(&teacher, refusing());
    for _ in 0..2 {
        assert_eq!(house.post("/v1/chat/completions", CHAT).body, b"from the teacher");
        assert_eq!(why_not(&house.captured()), Some("down"));
    }
    let student = house.student.clone().unwrap();
    assert_eq!(student.up(), None);
    assert!(!student.breaker.tripped(), "a connection failure is the supervisor's business");
}

#[test]
fn five_failures_in_a_row_open_the_breaker() {
    let teacher = teacher();
    let student = Fake::start(|_| sized("500 Internal", "", b"{}"));
    let mut house = house(&teacher, student.address);
    for n in 0..7 {
        assert_eq!(house.post("/v1/chat/completions", CHAT).status, 200);
        let want = if n < 5 { "failed" } else { "breaker" };
        assert_eq!(why_not(&house.captured()), Some(want), "{n}");
    }
    assert_eq!(student.requests(), 5);
}

#[test]
fn what_a_student_cannot_honour_goes_to_the_cloud() {
    let teacher = teacher();
    let student = Fake::start(|_| sized("200 OK", "", b"local"));
    let mut house = house(&teacher, student.address);
    let image: &[u8] = br#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"#;
    let many: &[u8] = br#"{"model":"m","n":2,"messages":[{"role":"user","content":"hi"}]}"#;
    for (path, body) in [
        ("/v1/chat/completions", image),
        ("/v1/chat/completions", many),
        ("/v1/chat/completions", b"no json"),
        ("/v1/responses", br#"{"model":"m","input":"hi"}"#),
        ("/v1/embeddings", br#"{"model":"m","input":"hi"}"#),
    ] {
        assert_eq!(house.post(path, body).body, b"from the teacher", "{path}");
        assert_eq!(house.captured().arm, Arm::Teacher);
    }
    assert_eq!(student.requests(), 0);
}

#[test]
fn a_local_stream_that_breaks_off_says_so_without_a_done() {
    let teacher = teacher();
    let student = Fake::start(|_| {
        let mut steps = chunked("content-type: text/event-stream\r\n", [&b"data: {}\n\n"[..]].into_iter());
        steps.pop();
        steps.push(Step::Close);
        steps
    });
    let mut house = house(&teacher, student.address);
    let mut client = house.client();
    client.send(&post("/v1/chat/completions", "", CHAT));
    client.head();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut client.reader, &mut rest).unwrap();
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.contains("data: {}\n\n") && rest.contains("data: {\"error\":{"), "{rest}");
    assert!(!rest.contains("[DONE]") && !rest.ends_with("0\r\n\r\n"), "{rest}");
    let finished = house.captured();
    assert_eq!((finished.arm, finished.outcome), (Arm::Student, Outcome::UpstreamError));
    assert_eq!(teacher.requests(), 0, "after the first byte nothing is repeated");
}

#[test]
fn a_conversation_keeps_its_arm() {
    let teacher = teacher();
    let student = Fake::start(|_| sized("200 OK", "", b"local"));
    let mut house = house(&teacher, student.address);
    let half = Entry {
        route: house.shared.table.load().routes[0].route.clone(),
        weight: Weight(5_000),
        student: house.student.clone(),
        challenger: None,
        salt: [9; 32],
        stats: Arc::new(RouteStats::default()),
    };
    let config = house.shared.table.load().config.clone();
    house.shared.table.store(Arc::new(Table { config, routes: vec![Arc::new(half)] }));
    let mut arms = Vec::new();
    for n in 0..40 {
        let more = format!("x-kolm-conversation: c{}\r\n", n % 20);
        house.client().call(&post("/v1/chat/completions", &more, CHAT));
        let finished = house.captured();
        arms.push((finished.unit, finished.arm));
    }
    assert_eq!(arms[..20], arms[20..]);
    let local = arms[..20].iter().filter(|(_, arm)| *arm == Arm::Student).count();
    assert!((1..20).contains(&local), "{local}");
}
