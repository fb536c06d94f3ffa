//! Students that do not deserve the route: one that is subtly wrong, one that turns bad half way, one that hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use kolm_core::{RouteStatus, Stage};

use crate::engines::{ask, status};
use crate::fake::FakeOpenAi;
use crate::world::{World, until};

/// How the student behaves: right, wrong, or not at all.
pub(crate) const RIGHT: u32 = 0;
pub(crate) const WRONG: u32 = 1;
const HANGING: u32 = 2;

/// What the teacher says.
fn label(text: &str) -> String {
    format!("label {}", text.len() % 5)
}

/// A gateway with a pool of one server, which behaves as `mood` says and is wrong on every `wrong`th question anyway.
pub(crate) async fn world(mood: &Arc<AtomicU32>, wrong: usize, more: &str) -> World {
    let (mood, asked) = (Arc::clone(mood), AtomicUsize::new(1));
    let student = FakeOpenAi::start(Duration::ZERO, move |text| {
        let slips = asked.fetch_add(1, Ordering::Relaxed) % wrong == 0;
        match mood.load(Ordering::Relaxed) {
            HANGING => {
                tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(900)));
                label(text)
            }
            WRONG => "label of another".to_owned(),
            _ if slips => "label of another".to_owned(),
            _ => label(text),
        }
    })
    .await;
    let teacher = FakeOpenAi::start(Duration::from_millis(15), label).await;
    let route = format!(
        r#"
[[routes]]
name = "support"
model = "gpt-4o-mini"
[routes.engine]
urls = ["http://{}/v1"]
served_model = "tiny"
size = "1 MiB"
[routes.engine.timeouts]
first_byte = "300ms"
[routes.gate]
gate = 0.7
latency_budget = "20s"
min_wall = "0s"
unit_idle = "100ms"
{more}
[upstreams.openai.prices."gpt-4o-mini"]
input = 100
output = 100
[routes.shadow]
rate = 1.0
timeout = "2s"
[routes.canary]
enabled = true
steps = [5000, 10000]
dwell = "1h"
cooldown = "1h"
"#,
        student.address
    );
    World::start(teacher, &route).await
}

/// Sends traffic, of which none may fail, until `done`.
pub(crate) async fn send(
    world: &World,
    sent: &AtomicUsize,
    what: &str,
    done: impl Fn(&RouteStatus) -> bool,
) -> RouteStatus {
    until(what, || async {
        for _ in 0..40 {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            ask(world, &format!("what about {}", "x".repeat(n % 40)), n).await;
        }
        let route = status(world).await.routes.swap_remove(0);
        done(&route).then_some(route)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_student_that_is_wrong_now_and_then_never_serves() {
    let mood = Arc::new(AtomicU32::new(RIGHT));
    let world = world(&mood, 20, "a_floor = 0.97").await;
    let sent = AtomicUsize::new(0);
    let seen = send(&world, &sent, "900 scored requests or a verdict", |route| {
        assert_eq!(route.weight.0, 0, "{}", route.sentence);
        route.n.requests >= 900 || route.stage == Stage::Rejected
    })
    .await;
    assert!(seen.sentence.contains("axis:A") || seen.sentence.contains("too seldom"), "{}", seen.sentence);
    let agreement = seen.k.a.unwrap();
    assert!(agreement.lcb.0 < 970_000 && agreement.v.0 > 900_000, "{agreement:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_student_that_turns_bad_half_way_is_rolled_back() {
    let mood = Arc::new(AtomicU32::new(RIGHT));
    let world = world(&mood, usize::MAX, "").await;
    let sent = AtomicUsize::new(0);
    send(&world, &sent, "half of the traffic", |route| route.weight.0 == 5_000).await;
    mood.store(WRONG, Ordering::Relaxed);
    let after = send(&world, &sent, "the rollback", |route| route.stage == Stage::Cooldown).await;
    assert_eq!(after.weight.0, 0);
    assert!(after.sentence.contains("agreement") || after.sentence.contains("agrees"), "{}", after.sentence);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_student_that_hangs_costs_nobody_an_answer() {
    let mood = Arc::new(AtomicU32::new(RIGHT));
    let world = world(&mood, usize::MAX, "").await;
    let sent = AtomicUsize::new(0);
    send(&world, &sent, "half of the traffic", |route| route.weight.0 == 5_000).await;
    mood.store(HANGING, Ordering::Relaxed);
    // Every request of `send` is answered with 200 by somebody.
    let after = send(&world, &sent, "the rollback", |route| route.stage == Stage::Cooldown).await;
    assert!(after.fallbacks > 0 && after.sentence.contains("failed too often"), "{}", after.sentence);
}
