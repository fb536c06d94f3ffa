//! The promises of the design in the size of CI: fixed seeds, within a quarter.

use kolm_core::RouteName;

use crate::chance::Ends;
use crate::{challenger, drift, flap, rollback, single, whole};

const RUNS: usize = 400;
const SEED: u64 = 7;

fn name() -> RouteName {
    "sim".parse().unwrap()
}

fn near(got: u64, want: u64) -> bool {
    got * 4 >= want * 3 && got * 4 <= want * 5
}

fn check(ends: Ends, median: u64, p90: u64) {
    assert_eq!(ends.ended, ends.runs, "{ends:?}");
    assert!(near(ends.median, median) && near(ends.p90, p90), "{ends:?} is not {median}, {p90}");
}

#[test]
fn the_bound_engine_finds_a_better_mean_in_the_time_of_the_design() {
    for (floor, mean, median, p90) in [
        (900_000, 920_000, 1_428, 3_208),
        (900_000, 930_000, 648, 1_393),
        (900_000, 950_000, 254, 461),
        (950_000, 970_000, 753, 1_551),
        (950_000, 980_000, 333, 623),
    ] {
        check(single::mixture(floor, mean, RUNS, SEED), median, p90);
    }
}

#[test]
fn a_mean_at_or_below_the_floor_is_taken_for_better_in_at_most_alpha_of_the_runs() {
    for (floor, mean) in [(900_000, 880_000), (900_000, 900_000), (950_000, 950_000)] {
        let ends = single::mixture(floor, mean, RUNS, SEED);
        assert!(ends.percent() <= 5.0, "{ends:?}");
    }
}

#[test]
fn the_harness_counts_as_the_design_did() {
    for (mean, median, p90) in [(930_000, 1_091, 2_930), (950_000, 272, 726)] {
        let ends = single::plug_in(900_000, mean, RUNS, SEED);
        assert!(near(ends.median, median) && near(ends.p90, p90), "{mean}: {ends:?}");
    }
}

#[test]
fn a_detector_finds_a_drop_in_the_time_of_the_design() {
    for (mean, median, p90) in
        [(850_000, 594, 1_352), (800_000, 197, 324), (700_000, 87, 122), (500_000, 38, 51)]
    {
        check(single::alarm(mean, 100_000, RUNS, SEED), median, p90);
    }
    assert_eq!(single::alarm(950_000, 2_000, 200, SEED).ended, 0, "an alarm on a healthy student");
}

#[test]
fn the_whole_gate_promotes_and_rejects_in_the_time_of_the_design() {
    let came = |line: usize, count: usize| {
        let came = whole::routes(whole::LINES[line].truth, count, SEED, &name());
        assert_eq!(came.broken, Vec::<String>::new());
        came
    };
    // The design says a median of 400, but its own 100 double primaries at 20 % take 500 requests.
    check(came(0, 100).promote, 400, 650);
    check(came(1, 60).promote, 1_550, 2_800);
    let floor = came(3, 40);
    assert!(floor.promote.ended <= 2, "{:?}", floor.promote);
    let bad = came(4, 40);
    assert!(bad.promote.ended == 0 && bad.reject.percent() >= 80.0, "{:?}", bad.reject);
}

#[test]
fn a_student_that_turns_bad_at_full_weight_is_off_in_a_hundred_requests() {
    let came = rollback::routes(700_000, 5_000, 20, SEED, &name());
    assert_eq!(came.broken, Vec::<String>::new());
    assert_eq!((came.climbed.ended, came.found.ended), (20, 20));
    assert!(came.found.median <= 100, "{:?} at {:?}", came.found, came.floor);
}

#[test]
fn a_challenger_takes_over_if_it_is_better_and_a_bad_one_is_dismissed() {
    let came = |line: usize| {
        let came = challenger::routes(line, 12, SEED, &name());
        assert_eq!((came.broken.clone(), came.fell), (Vec::new(), 0), "{}", challenger::LINES[line].3);
        came
    };
    assert!(came(0).succeeded.ended <= 1, "an equal replaces nobody");
    assert_eq!((came(1).succeeded.ended, came(2).succeeded.ended), (12, 12), "a better one does");
    assert_eq!(came(3).succeeded.ended, 0, "a worse one does not");
    assert_eq!(came(4).dismissed.ended, 12, "one below the floor is dismissed");
}

#[test]
fn drift_is_found_where_there_is_some_and_nowhere_else() {
    for (what, change) in drift::CHANGES {
        let ends = drift::found(change, 8_000, 30, SEED);
        let none = ["none", "other words in 20 % of the units"].contains(&what);
        assert_eq!(ends.ended, if none { 0 } else { 30 }, "{what}: {ends:?}");
    }
}

#[test]
fn faults_break_no_promise_and_move_no_route_without_an_axis() {
    for (student, part, label) in flap::STUDENTS {
        let came = flap::routes(student, part.div_ceil(2), 4_000, SEED, &name());
        assert_eq!(came.broken, Vec::<String>::new(), "{label}");
        let most = match student {
            flap::Student::Healthy => came.runs,
            flap::Student::AtFloor => came.runs / 20,
            flap::Student::WithoutCeiling | flap::Student::WithoutPrice | flap::Student::WithoutAnswers => 0,
        };
        assert!(came.promoted <= most, "{label}: {came:?}");
        assert!(student != flap::Student::Healthy || came.promoted > 0, "{label}: nothing was tried");
    }
}
