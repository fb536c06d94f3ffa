//! A newer student beside one that answers everybody: how often and how soon it takes that one's place.

use kolm_core::{RouteName, Stage};
use kolm_policies::gate::GatePolicy;
use kolm_policies::rollout::RolloutPolicy;

use crate::chance::{Chance, Ends, runs};
use crate::page::Table;
use crate::world::{Truth, World, artifact};

/// Drawn requests until full weight, at most, and from the challenge on.
const CLIMB: u64 = 20_000;
const CAP: u64 = 8_000;
const PACE_MS: i64 = 300_000;

/// Agreement of the champion while it climbs, of both once they are compared, and what is said of it.
pub(crate) const LINES: [(u32, u32, u32, &str); 5] = [
    (980_000, 980_000, 980_000, "as good: both .98"),
    (960_000, 960_000, 990_000, "better: .96, challenger .99"),
    (980_000, 940_000, 980_000, "the champion slipped to .94, challenger .98"),
    (980_000, 980_000, 950_000, "worse, above the floors: .98, challenger .95"),
    (980_000, 980_000, 850_000, "below the floor: .98, challenger .85"),
];

/// What came of challenges.
pub(crate) struct Came {
    /// Drawn requests from the challenge to the succession.
    pub(crate) succeeded: Ends,
    /// To the dismissal.
    pub(crate) dismissed: Ends,
    /// Routes that fell while a challenger was tried.
    pub(crate) fell: usize,
    pub(crate) requests: u64,
    pub(crate) broken: Vec<String>,
}

fn truth(a: u32) -> Truth {
    Truth { a, b: 1_000_000, v: 970_000, share: 999_000 }
}

struct Route {
    succeeded: Option<u64>,
    dismissed: Option<u64>,
    fell: bool,
    world: World,
}

fn route(mut chance: Chance, (before, champion, challenger): (u32, u32, u32), name: RouteName) -> Route {
    let gate = GatePolicy { unit_max: 1, latency_budget_us: Some(500_000), ..GatePolicy::default() };
    let ladder = RolloutPolicy { enabled: true, ..RolloutPolicy::default() };
    let mut world = World::new(gate, ladder, name);
    let mut step = |world: &mut World, a: u32, n: u64| {
        world.now.0 += PACE_MS;
        world.request(&mut chance, truth(a), &n.to_string());
        world.request_beside(&mut chance, truth(challenger), &n.to_string());
        if n.is_multiple_of(50) {
            world.look();
        }
    };
    let mut n = 0;
    while n < CLIMB && world.state().stage != Stage::Full {
        n += 1;
        step(&mut world, before, n);
    }
    world.seen.candidate = artifact(2);
    world.look();
    let begun = n;
    while n < begun + CAP && world.state().challenger.is_some() {
        n += 1;
        step(&mut world, champion, n);
        // A restart changes nothing.
        if (n - begun).is_multiple_of(1_500) {
            world.restart();
        }
    }
    let (took, full) = (Some(n - begun), world.state().stage == Stage::Full);
    let succeeded = took.filter(|_| world.successions > 0);
    let over = full && world.state().challenger.is_none();
    let dismissed = took.filter(|_| over && succeeded.is_none());
    Route { succeeded, dismissed, fell: !full, world }
}

/// So many routes with such a champion and such a challenger.
pub(crate) fn routes(line: usize, count: usize, seed: u64, name: &RouteName) -> Came {
    let (before, champion, challenger, _) = LINES[line];
    let ended = runs(count, |number| {
        let chance = Chance::of(seed, "challenger", number);
        let route = route(chance, (before, champion, challenger), name.clone());
        (route.succeeded, route.dismissed, route.fell, route.world.scored, route.world.broken)
    });
    Came {
        succeeded: Ends::of(count, ended.iter().filter_map(|run| run.0)),
        dismissed: Ends::of(count, ended.iter().filter_map(|run| run.1)),
        fell: ended.iter().filter(|run| run.2).count(),
        requests: ended.iter().map(|run| run.3).sum(),
        broken: ended.into_iter().flat_map(|run| run.4).collect(),
    }
}

/// The table of challenges.
pub(crate) fn table(count: usize, seed: u64, name: &RouteName) -> (Table, Vec<String>) {
    let (mut requests, mut broken, mut rows) = (0, Vec::new(), Vec::new());
    for (line, (.., label)) in LINES.iter().enumerate() {
        let came = routes(line, count, seed, name);
        rows.push(vec![
            (*label).to_owned(),
            came.succeeded.told(),
            came.dismissed.told(),
            came.fell.to_string(),
        ]);
        requests += came.requests;
        broken.extend(came.broken);
    }
    let table = Table {
        name: "challenger",
        title: "A challenger at full weight",
        note: format!(
            "The champion (b 1, v 0.97, latency share 0.999) climbs through the real plan; at 100 % a newer student of the same \
             size is put to the same requests, and climbs once its lower bound of K reaches the champion's K of the same time. A \
             look after every 50th drawn request, a restart every 1,500, cap {CAP}, {count} runs: share, median and 90th \
             percentile of drawn requests from the challenge to the succession, the same to the dismissal, and routes that fell."
        ),
        head: vec!["agreement with the teacher", "takes over", "dismissed", "fell"],
        rows,
        medians: Vec::new(),
        requests,
    };
    (table, broken)
}
