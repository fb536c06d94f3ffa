//! The shadow behind real requests: what it leaves undone costs completeness, and no client anything.

use std::sync::{Arc, Mutex, mpsc as blocking};

use kolm_core::{Ppm, RouteName};
use kolm_policies::gate::ScoreKind;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::fake::{Fake, Step, sized};
use super::*;
use crate::shadow::{Drawn, Inbox, Observed, Shadow, Undone};
use crate::till::Till;

const ANSWER: &[u8] = br#"{"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"refund"},"finish_reason":"stop"}]}"#;

/// A house whose exchanges are all drawn, and its shadow.
struct Shadowed {
    house: House,
    shadow: Arc<Shadow>,
    inbox: Arc<Inbox>,
    mirror: mpsc::Sender<Drawn>,
    _runtime: Runtime,
}

impl Shadowed {
    fn over(teacher: &Fake, student: &Fake, change: fn(&mut Config)) -> Self {
        let house =
            House::build(Plan { student: Some(student.address), change, ..Plan::to(teacher.address) });
        let table = house.shared.table.load();
        let mut entry = Entry {
            route: table.routes[0].route.clone(),
            weight: Weight::ZERO,
            student: house.student.clone(),
            challenger: None,
            salt: [7; 32],
            stats: Arc::default(),
        };
        let mut route = (*entry.route).clone();
        (route.shadow.rate, route.shadow.double_rate) = (Ppm::ONE, Ppm(0));
        entry.route = Arc::new(route);
        let config = Arc::clone(&table.config);
        house.shared.table.store(Arc::new(Table { config, routes: vec![Arc::new(entry)] }));
        let inbox = Arc::new(Inbox::default());
        let till = Arc::new(Till::new(Timestamp(0)));
        let shadow = Shadow::new(Arc::clone(&house.shared), Arc::clone(&inbox), till).unwrap();
        let (mirror, mirrored) = mpsc::channel(8);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        let queue = Arc::new(tokio::sync::Mutex::new(mirrored));
        runtime.spawn(Arc::clone(&shadow).run(queue, runtime.handle().clone()));
        Self { house, shadow, inbox, mirror, _runtime: runtime }
    }

    fn route(&self) -> RouteName {
        self.house.shared.table.load().routes[0].route.name.clone()
    }

    /// One request of a client, which must get its answer; what the shadow makes of it.
    fn ask(&mut self, conversation: usize) -> &'static str {
        let more = format!("x-kolm-conversation: c{conversation}\r\n");
        let reply = self.house.client().call(&post("/v1/chat/completions", &more, CHAT));
        assert_eq!((reply.status, &reply.body[..]), (200, ANSWER), "{conversation}");
        self.seen()
    }

    /// What the shadow makes of the next exchange.
    fn seen(&mut self) -> &'static str {
        let finished = self.house.captured();
        let drawn = self.shadow.draw(finished).expect("every exchange is drawn");
        self.mirror.blocking_send(drawn).unwrap_or_else(|_| panic!("the shadow is gone"));
        let (route, mut said) = (self.route(), None);
        until("a score or a drop", || {
            for (_, observed) in self.inbox.take(&route) {
                said = match observed {
                    Observed::Scored(score) if score.kind == ScoreKind::Shadow => Some("scored"),
                    Observed::Dropped => Some("dropped"),
                    Observed::Scored(_)
                    | Observed::Diff(_)
                    | Observed::BudgetSpent
                    | Observed::BudgetLeft => said,
                };
            }
            said.is_some()
        });
        said.unwrap_or_default()
    }

    fn drops(&self) -> Vec<(String, u64)> {
        self.house.shared.events.shadow_drops(&self.route())
    }
}

fn teacher() -> Fake {
    Fake::start(|_| sized("200 OK", "", ANSWER))
}

/// A student that keeps its core busy for so long.
fn slow(ms: i64, clock: &Arc<Mutex<Option<Arc<FixedClock>>>>) -> Fake {
    let clock = Arc::clone(clock);
    Fake::start(move |_| {
        clock.lock().unwrap().as_ref().unwrap().advance(ms);
        sized("200 OK", "", ANSWER)
    })
}

#[test]
fn a_student_that_has_used_its_time_is_not_asked_and_no_client_notices() {
    let clock = Arc::default();
    let (teacher, student) = (teacher(), slow(100_000, &clock));
    let half = |config: &mut Config| config.routes[0].shadow.caps.milli_cpus = 500;
    let mut shadowed = Shadowed::over(&teacher, &student, half);
    *clock.lock().unwrap() = Some(Arc::clone(&shadowed.house.clock));
    // 100 s of busy time stand for 200 s of half a core; 60 s of them may be owed.
    assert_eq!([0, 1, 2].map(|n| shadowed.ask(n)), ["scored", "dropped", "dropped"]);
    assert_eq!((student.requests(), teacher.requests()), (1, 3));
    assert_eq!(shadowed.drops(), [("cpu".to_owned(), 2)]);
    let page = shadowed.house.shared.events.render();
    let line = format!("kolm_shadow_drop_total{{reason=\"cpu\",route=\"{}\"}} 2", shadowed.route());
    assert!(page.contains(&line), "{page}");
    shadowed.house.clock.advance(140_000);
    assert_eq!(shadowed.ask(3), "scored");
    assert_eq!(student.requests(), 2);
}

#[test]
fn under_load_nobody_is_asked_and_no_client_notices() {
    let (go, gate) = blocking::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let slow = Fake::start(move |seen| match seen.header("x-wait") {
        Some(_) => [vec![Step::Wait(gate.clone())], sized("200 OK", "", ANSWER)].concat(),
        None => sized("200 OK", "", ANSWER),
    });
    let student = teacher();
    let alone = |config: &mut Config| config.routes[0].shadow.caps.shed_above = 0;
    let mut shadowed = Shadowed::over(&slow, &student, alone);
    let in_flight = Arc::clone(&shadowed.house.shared.in_flight);
    let mut waiting = shadowed.house.client();
    waiting.send(&post("/v1/chat/completions", "x-wait: 1\r\nx-kolm-conversation: w\r\n", CHAT));
    until("the request that waits", || slow.requests() == 1);
    assert_eq!([0, 1].map(|n| shadowed.ask(n)), ["dropped", "dropped"]);
    assert_eq!((student.requests(), shadowed.drops()), (0, vec![("load".to_owned(), 2)]));
    go.send(()).unwrap();
    assert_eq!(waiting.read().body, ANSWER);
    until("an idle gateway", || in_flight.count() == 0);
    assert_eq!(shadowed.seen(), "scored", "the draw is by key: what waited was drawn as well");
    assert_eq!(student.requests(), 1);
}

#[test]
fn what_a_dead_student_or_a_full_queue_leaves_undone_is_counted_by_its_reason() {
    let (teacher, student) = (teacher(), teacher());
    let mut shadowed = Shadowed::over(&teacher, &student, |_| {});
    shadowed.house.student.as_ref().unwrap().address.store(None);
    assert_eq!(shadowed.ask(0), "dropped");
    shadowed.house.client().call(&post("/v1/chat/completions", "x-kolm-conversation: c\r\n", CHAT));
    let finished = shadowed.house.captured();
    let drawn = shadowed.shadow.draw(finished).expect("drawn");
    shadowed.shadow.drop_one(&drawn, Undone::QueueFull);
    assert_eq!(shadowed.drops(), [("queue_full".to_owned(), 1), ("student_down".to_owned(), 1)]);
}
