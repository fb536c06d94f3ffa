//! Faults: a student near its floors and one exactly at them, on routes on which everything goes wrong.
//!
//! **Invariant:** whatever happens, no promise of `World` is broken and a route without an axis never moves.

use kolm_core::{Intent, IntentKind, MicroUsd, RouteName, Timestamp, Weight};
use kolm_policies::gate::{Breach, GatePolicy, Score, ScoreKind};
use kolm_policies::rollout::RolloutPolicy;

use crate::chance::{Chance, percent, runs};
use crate::page::Table;
use crate::world::{Truth, World, artifact};

const HOUR: i64 = 3_600_000;
/// Scored requests between two looks.
const LOOK: u64 = 40;

/// Which student, and what is kept from the gate all along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Student {
    /// A little above its floors, alternating by the hour.
    Healthy,
    /// A = 0.900 on average, alternating by the hour above and below.
    AtFloor,
    /// Healthy, but nobody ever asks the teacher twice.
    WithoutCeiling,
    /// Healthy, but the teacher has no price.
    WithoutPrice,
    /// It abstains from everything.
    WithoutAnswers,
}

/// All of them with how many runs of a hundred they get, and what is said of them.
pub(crate) const STUDENTS: [(Student, usize, &str); 5] = [
    (Student::Healthy, 40, "near its floors: a .92 and .95 by the hour, v .88"),
    (Student::AtFloor, 45, "at the floor: a .903 and .843 by the hour, A .900"),
    (Student::WithoutCeiling, 5, "healthy, no double primary"),
    (Student::WithoutPrice, 5, "healthy, teacher without a price"),
    (Student::WithoutAnswers, 5, "abstains from everything"),
];

impl Student {
    fn truth(self, now: Timestamp) -> Truth {
        let even = now.0.div_euclid(HOUR) % 2 == 0;
        let (a, v) = match self {
            Self::AtFloor => (if even { 903_000 } else { 843_000 }, 950_000),
            Self::WithoutAnswers => (950_000, 0),
            Self::Healthy | Self::WithoutCeiling | Self::WithoutPrice => {
                (if even { 920_000 } else { 950_000 }, 880_000)
            }
        };
        Truth { a, b: 970_000, v, share: 990_000 }
    }

    /// Takes away what this route never has.
    fn spoil(self, mut score: Score) -> Option<Score> {
        match self {
            Self::WithoutCeiling if score.kind == ScoreKind::Double => return None,
            Self::WithoutPrice => score.teacher_cost = MicroUsd(0),
            Self::Healthy | Self::AtFloor | Self::WithoutCeiling | Self::WithoutAnswers => {}
        }
        Some(score)
    }
}

/// What came of a number of routes.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) runs: u64,
    /// Routes promoted at least once.
    pub(crate) promoted: u64,
    pub(crate) promotions: u64,
    pub(crate) rollbacks: u64,
    pub(crate) attempts: u64,
    pub(crate) requests: u64,
    pub(crate) broken: Vec<String>,
}

/// One route until so many requests are scored.
fn route(mut chance: Chance, student: Student, requests: u64, name: &RouteName) -> World {
    let gate =
        GatePolicy { latency_budget_us: Some(500_000), min_wall_ms: 6 * HOUR, ..GatePolicy::default() };
    let ladder = RolloutPolicy { enabled: true, ..RolloutPolicy::default() };
    let mut world = World::new(gate, ladder, name.clone());
    let (mut unit, mut turns, mut burst) = (0u64, 0u64, false);
    let mut agreed = true;
    let mut made = 1;
    let mut given = 0;
    while given < requests {
        given += 1;
        // Bursts of a second between requests, then minutes of quiet.
        burst ^= chance.hits(20_000);
        world.now.0 += if burst { 1_000 } else { 60_000 + chance.below(240_000) as i64 };
        if turns == 0 {
            (unit, turns) = (unit + 1, 1 + chance.below(6));
            agreed = chance.hits(student.truth(world.now).a);
        }
        turns -= 1;
        scored(&mut world, &mut chance, student, &format!("c{unit}"), agreed);
        faults(&mut world, &mut chance, name, &mut made);
        if given % LOOK == 0 {
            world.look();
            world.seen.hard = None;
        }
    }
    world
}

/// One drawn request: scored with its double, or dropped. Half of the turns of a conversation end alike.
fn scored(world: &mut World, chance: &mut Chance, student: Student, unit: &str, agreed: bool) {
    if chance.hits(20_000) {
        world.miss();
        return;
    }
    let mut truth = student.truth(world.now);
    if chance.hits(500_000) {
        truth.a = if agreed { 1_000_000 } else { 0 };
    }
    // A challenger is a little better, and so now and then succeeds.
    world.request_beside(chance, Truth { a: truth.a + (1_000_000 - truth.a) / 2, ..truth }, unit);
    let artifact = world.state().artifact.clone();
    for score in world.drawn(chance, truth, unit).into_iter().filter_map(|score| student.spoil(score)) {
        world.take(artifact.as_ref(), score);
    }
}

/// What happens on a bad route: crashes, restarts, late scores, edited bars, people, new students.
fn faults(world: &mut World, chance: &mut Chance, name: &RouteName, made: &mut u64) {
    if chance.hits(300) {
        world.seen.hard = Some(Breach::StudentCrash);
    }
    if chance.hits(200) {
        world.restart();
    }
    if chance.hits(2_000) {
        // Perfect scores of a student that is not on trial any more, or never was.
        let perfect = Truth { a: 1_000_000, b: 1_000_000, v: 1_000_000, share: 1_000_000 };
        for other in [made.saturating_sub(1), *made + 1] {
            let score = world.score(chance, perfect, "late", ScoreKind::Shadow);
            world.take(artifact(other).as_ref(), score);
        }
    }
    if chance.hits(200) {
        world.gate.min_requests += 1;
    }
    if chance.hits(400) {
        *made += 1;
        world.seen.candidate = artifact(*made);
    }
    if chance.hits(500) {
        let kinds = [IntentKind::Pause, IntentKind::Resume, IntentKind::Resume, IntentKind::Rollback];
        let kind = kinds[chance.below(4) as usize];
        let (actor, reason) = ("ada".to_owned(), String::new());
        world.seen.intents.push(Intent { route: name.clone(), kind, actor, reason });
    }
}

/// So many routes with so many requests each.
pub(crate) fn routes(student: Student, count: usize, requests: u64, seed: u64, name: &RouteName) -> Came {
    let ended = runs(count, |number| {
        let world = route(Chance::of(seed, "flap", number), student, requests, name);
        let moved = world.state().weight > Weight::ZERO || world.promotions > 0;
        (
            world.promotions,
            world.rollbacks,
            u64::from(world.state().attempt),
            world.scored,
            moved,
            world.broken,
        )
    });
    let mut came = Came { runs: count as u64, ..Came::default() };
    for (promotions, rollbacks, attempts, scored, moved, broken) in ended {
        came.promoted += u64::from(moved);
        came.promotions += promotions;
        came.rollbacks += rollbacks;
        came.attempts += attempts;
        came.requests += scored;
        came.broken.extend(broken);
    }
    came
}

/// The table of faults: `count` routes in all.
pub(crate) fn table(count: usize, requests: u64, seed: u64, name: &RouteName) -> (Table, Vec<String>) {
    let (mut all, mut broken, mut rows) = (0, Vec::new(), Vec::new());
    for (student, part, label) in STUDENTS {
        let came = routes(student, (count * part / 100).max(1), requests, seed, name);
        let each = |n: u64| format!("{:.2}", n as f64 / came.runs as f64);
        rows.push(vec![
            label.to_owned(),
            came.runs.to_string(),
            percent(100.0 * came.promoted as f64 / came.runs as f64),
            each(came.promotions),
            each(came.rollbacks),
            each(came.attempts),
            came.broken.len().to_string(),
        ]);
        all += came.requests;
        broken.extend(came.broken);
    }
    let table = Table {
        name: "flap",
        title: "Faults and flapping",
        note: format!(
            "{count} routes of {requests} drawn requests each, conversations of 1 to 6 turns of which half end alike, bursts, \
             2 % drops, crashes, restarts that replay the scores, late scores of other students, edited bars, new students, \
             pauses, resumes and rollbacks by people. After every row: the chain holds, a weight rises one step at a time by a \
             row that shows every bar reached, after its dwell and units, and after a rollback not before the cooldown and a \
             new attempt. A student at the floor may be promoted in 5 % of the runs."
        ),
        head: vec![
            "student",
            "runs",
            "promoted",
            "promotions a run",
            "rollbacks a run",
            "attempts a run",
            "broken promises",
        ],
        rows,
        medians: Vec::new(),
        requests: all,
    };
    (table, broken)
}
