//! The whole gate, from the first sampled request to `promote` or `reject`.

use kolm_core::{RouteName, Stage};
use kolm_policies::gate::GatePolicy;
use kolm_policies::rollout::RolloutPolicy;

use crate::chance::{Chance, Ends, runs};
use crate::page::Table;
use crate::world::{Truth, World};

/// Sampled requests, at most.
const CAP: u64 = 8_000;
/// Requests between two looks.
const LOOK: u64 = 50;
/// Five minutes between sampled requests: 24 h and 30 days bind nowhere before 300 and after 8,000.
const PACE_MS: i64 = 300_000;

/// A line of the design.
pub(crate) struct Line {
    pub(crate) truth: Truth,
    pub(crate) a: &'static str,
    pub(crate) promote: &'static str,
    pub(crate) reject: &'static str,
    /// The median that is wanted of whichever ends most runs. The first of the design, 400, is less than its own 100
    /// double primaries at 20 % take.
    pub(crate) median: Option<u64>,
}

const fn truth(a: u32, b: u32, v: u32, share: u32) -> Truth {
    Truth { a, b, v, share }
}

/// gate.md 10.
pub(crate) const LINES: [Line; 7] = [
    Line {
        truth: truth(950_000, 970_000, 930_000, 995_000),
        a: ".979",
        promote: "100 %, 400, 650",
        reject: "0",
        median: Some(400),
    },
    Line {
        truth: truth(920_000, 970_000, 900_000, 990_000),
        a: ".948",
        promote: "100 %, 1550, 2800",
        reject: "0",
        median: Some(1_550),
    },
    Line {
        truth: truth(900_000, 970_000, 900_000, 990_000),
        a: ".928",
        promote: "46 %, 5350, 7500",
        reject: "0",
        median: None,
    },
    Line {
        truth: truth(873_000, 970_000, 950_000, 999_000),
        a: ".900",
        promote: "0 % (<= 3 %)",
        reject: "-",
        median: None,
    },
    Line {
        truth: truth(820_000, 970_000, 950_000, 999_000),
        a: ".845",
        promote: "0 %",
        reject: "94 %, 3500",
        median: Some(3_500),
    },
    Line {
        truth: truth(950_000, 970_000, 800_000, 999_000),
        a: ".979",
        promote: "0 % (<= 1 %)",
        reject: "<= 0.5 %",
        median: None,
    },
    Line {
        truth: truth(950_000, 970_000, 930_000, 950_000),
        a: ".979",
        promote: "0 % (<= 1 %)",
        reject: "<= 0.5 %",
        median: None,
    },
];

/// What came of a number of routes.
pub(crate) struct Came {
    pub(crate) promote: Ends,
    pub(crate) reject: Ends,
    pub(crate) requests: u64,
    pub(crate) broken: Vec<String>,
}

/// How it ended, and after how many sampled requests.
enum End {
    Promoted(u64),
    Rejected(u64),
    Neither,
}

fn route(mut chance: Chance, truth: Truth, name: RouteName) -> (End, World) {
    let gate = GatePolicy { unit_max: 1, latency_budget_us: Some(500_000), ..GatePolicy::default() };
    let ladder = RolloutPolicy { enabled: true, ..RolloutPolicy::default() };
    let mut world = World::new(gate, ladder, name);
    for n in 1..=CAP {
        world.now.0 += PACE_MS;
        world.request(&mut chance, truth, &n.to_string());
        if n % LOOK == 0 {
            world.look();
            match world.state().stage {
                Stage::Shadow => {}
                Stage::Rejected => return (End::Rejected(n), world),
                Stage::Step(_) | Stage::Full => return (End::Promoted(n), world),
                Stage::Collecting | Stage::Distilling | Stage::Paused | Stage::Cooldown => {
                    world.broken.push(format!("at {} in the first attempt", world.state().stage));
                    break;
                }
            }
        }
    }
    (End::Neither, world)
}

/// So many routes with this truth.
pub(crate) fn routes(truth: Truth, count: usize, seed: u64, name: &RouteName) -> Came {
    let ended = runs(count, |number| {
        let (end, world) = route(Chance::of(seed, "whole", number), truth, name.clone());
        (end, world.scored, world.broken)
    });
    let of = |want: fn(&End) -> Option<u64>| Ends::of(count, ended.iter().filter_map(|(end, ..)| want(end)));
    Came {
        promote: of(|end| if let End::Promoted(n) = end { Some(*n) } else { None }),
        reject: of(|end| if let End::Rejected(n) = end { Some(*n) } else { None }),
        requests: ended.iter().map(|(_, scored, _)| scored).sum(),
        broken: ended.into_iter().flat_map(|(.., broken)| broken).collect(),
    }
}

/// The table of the whole gate.
pub(crate) fn table(count: usize, seed: u64, name: &RouteName) -> (Table, Vec<String>) {
    let (mut requests, mut broken, mut rows) = (0, Vec::new(), Vec::new());
    let mut medians = Vec::new();
    for line in LINES {
        let came = routes(line.truth, count, seed, name);
        let part = |ppm: u32| format!("{:.3}", f64::from(ppm) / 1e6);
        let Truth { a, b, v, share } = line.truth;
        let case = [a, b, v, share].map(part).join(", ");
        let most = if came.reject.ended > came.promote.ended { came.reject } else { came.promote };
        medians.extend(line.median.map(|want| (case.clone(), most.median, want)));
        rows.push(vec![
            case,
            line.a.to_owned(),
            line.promote.to_owned(),
            came.promote.told(),
            line.reject.to_owned(),
            came.reject.told(),
        ]);
        requests += came.requests;
        broken.extend(came.broken);
    }
    let table = Table {
        name: "whole",
        title: "The whole gate",
        note: format!(
            "`Evidence`, `judge` and `rollout::plan` of the product; first attempt, a unit is a request, S 0.9, C 1, double \
             primaries by their schedule, a look every {LOOK}, cap {CAP} sampled requests, {count} runs: share of the runs, \
             median and 90th percentile of sampled requests."
        ),
        head: vec![
            "true a, b, v, latency share",
            "A",
            "design: promote",
            "measured",
            "design: reject",
            "measured",
        ],
        rows,
        medians,
        requests,
    };
    (table, broken)
}
