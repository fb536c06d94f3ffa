//! A student at full weight turns bad: how many scored requests until nobody is answered by it any more.

use kolm_core::{RouteName, Stage, Weight};
use kolm_policies::gate::GatePolicy;
use kolm_policies::rollout::RolloutPolicy;

use crate::chance::{Chance, Ends, percent, runs};
use crate::page::Table;
use crate::world::{Truth, World};

/// Scored requests after the drop, at most.
const CAP: u64 = 20_000;
/// Scored requests until full weight, at most.
const CLIMB: u64 = 20_000;
const PACE_MS: i64 = 300_000;
const HEALTHY: Truth = Truth { a: 980_000, b: 1_000_000, v: 970_000, share: 999_000 };

/// What a drop to `a` came to.
pub(crate) struct Came {
    /// Scored requests from the drop to weight 0.
    pub(crate) found: Ends,
    /// Scored requests from the first to full weight.
    pub(crate) climbed: Ends,
    /// The detector's frozen floor, in ppm.
    pub(crate) floor: Ends,
    pub(crate) requests: u64,
    pub(crate) broken: Vec<String>,
}

struct Route {
    climbed: Option<u64>,
    found: Option<u64>,
    floor: Option<u64>,
    world: World,
}

fn route(mut chance: Chance, a: u32, cap: u64, name: RouteName) -> Route {
    let gate = GatePolicy { unit_max: 1, latency_budget_us: Some(500_000), ..GatePolicy::default() };
    let ladder = RolloutPolicy { enabled: true, ..RolloutPolicy::default() };
    let mut world = World::new(gate, ladder, name);
    let mut step = |world: &mut World, truth: Truth, n: u64| {
        world.now.0 += PACE_MS;
        world.request(&mut chance, truth, &n.to_string());
        if n > CLIMB || n.is_multiple_of(10) {
            world.look();
        }
    };
    let climbed = (1..=CLIMB).find(|n| {
        step(&mut world, HEALTHY, *n);
        world.state().stage == Stage::Full
    });
    let floor = world.frozen_floor().map(|floor| u64::from(floor.0));
    let found = climbed.and_then(|_| {
        (1..=cap).find(|n| {
            step(&mut world, Truth { a, ..HEALTHY }, CLIMB + n);
            world.state().weight == Weight::ZERO
        })
    });
    Route { climbed, found, floor, world }
}

/// So many routes whose student drops to `a` once it answers everybody.
pub(crate) fn routes(a: u32, cap: u64, count: usize, seed: u64, name: &RouteName) -> Came {
    let ended = runs(count, |number| {
        let route = route(Chance::of(seed, "rollback", number), a, cap, name.clone());
        (route.climbed, route.found, route.floor, route.world.scored, route.world.broken)
    });
    Came {
        climbed: Ends::of(count, ended.iter().filter_map(|run| run.0)),
        found: Ends::of(count, ended.iter().filter_map(|run| run.1)),
        floor: Ends::of(count, ended.iter().filter_map(|run| run.2)),
        requests: ended.iter().map(|run| run.3).sum(),
        broken: ended.into_iter().flat_map(|run| run.4).collect(),
    }
}

/// The table of drops at full weight.
pub(crate) fn table(count: usize, seed: u64, name: &RouteName) -> (Table, Vec<String>) {
    let (mut requests, mut broken, mut rows) = (0, Vec::new(), Vec::new());
    let mut line = |a: u32, cap: u64, label: String| {
        let came = routes(a, cap, count, seed, name);
        let floor = format!("{:.3}", came.floor.median as f64 / 1e6);
        let climbed = format!("{}, {}", percent(came.climbed.percent()), came.climbed.median);
        rows.push(vec![label, climbed, floor, came.found.told()]);
        requests += came.requests;
        broken.extend(came.broken);
    };
    for a in [850_000, 800_000, 700_000, 500_000] {
        line(a, CAP, format!("{:.2}", f64::from(a) / 1e6));
    }
    line(HEALTHY.a, 2_000, "no drop, 2,000 requests".to_owned());
    let table = Table {
        name: "rollback",
        title: "Rollback at full weight",
        note: format!(
            "A student with a 0.98 (b 1, v 0.97, latency share 0.999) climbs through the real plan; at 100 % its agreement \
             drops. A look after every scored request, {count} runs: runs that reached full weight and the median of requests \
             for it, the detector's frozen floor (A floor x b), and share, median and 90th percentile of scored requests \
             from the drop to weight 0."
        ),
        head: vec!["a after the drop", "full weight", "floor f", "weight 0 after"],
        rows,
        medians: Vec::new(),
        requests,
    };
    (table, broken)
}
