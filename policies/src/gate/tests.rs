//! The verdict, rule by rule.

mod bets;
mod properties;

use kolm_core::{Axis, Bounds, KScore, MicroUsd, Ppm, Timestamp};

use super::judge::{size_axis, weighted};
use super::*;

const HOUR: i64 = 3_600_000;

fn score(i: u64) -> Score {
    Score {
        t: Timestamp(i as i64 * 100),
        unit: format!("u{i}"),
        kind: ScoreKind::Shadow,
        a: Some(Ppm::ONE),
        b: None,
        served: true,
        student_us: 2_000,
        teacher_us: 400_000,
        student_ttft_us: 2_000,
        teacher_ttft_us: 300_000,
        streamed: false,
        student_cost: MicroUsd(0),
        teacher_cost: MicroUsd(20),
        critical: false,
        up_model: String::new(),
        template: String::new(),
    }
}

fn double(i: u64) -> Score {
    Score { kind: ScoreKind::Double, a: None, b: Some(Ppm::ONE), served: false, ..score(i) }
}

/// A student that passes: 800 requests, a 97 %, v 95 %, b 100 %, in the order of their numbers.
pub(super) fn good() -> Vec<Score> {
    let mut out = Vec::new();
    for i in 0..800 {
        let mut request = score(i);
        if i % 20 == 7 {
            (request.a, request.served) = (None, false);
        } else if i % 33 == 5 {
            request.a = Some(Ppm(0));
        }
        out.push(request);
        if i % 5 == 0 {
            out.push(double(i));
        }
    }
    out
}

fn small() -> GatePolicy {
    GatePolicy { min_wall_ms: HOUR, ..GatePolicy::default() }
}

pub(super) fn gather(policy: &GatePolicy, scores: &[Score]) -> Evidence {
    let mut evidence = Evidence::new(policy, 1, 400 << 20);
    for score in scores {
        if score.kind != ScoreKind::Double {
            evidence.note_sampled();
        }
        evidence.observe(score);
    }
    evidence.close_idle(Timestamp(HOUR));
    evidence
}

fn verdict(policy: &GatePolicy, scores: &[Score]) -> Verdict {
    judge(&gather(policy, scores), Timestamp(HOUR)).verdict
}

/// The words of a hold; "promote" or the word of a breach otherwise.
fn words(policy: &GatePolicy, scores: &[Score]) -> String {
    match verdict(policy, scores) {
        Verdict::Promote => "promote".to_owned(),
        Verdict::Hold { missing } => missing.iter().map(|m| m.as_str()).collect::<Vec<_>>().join(" "),
        Verdict::Reject { because } => format!("reject {}", because.word()),
    }
}

fn edited(edit: impl Fn(usize, &mut Score)) -> Vec<Score> {
    let mut scores = good();
    scores.iter_mut().enumerate().for_each(|(i, score)| edit(i, score));
    scores
}

#[test]
fn a_good_student_is_promoted() {
    let judged = judge(&gather(&small(), &good()), Timestamp(HOUR));
    assert_eq!(judged.verdict, Verdict::Promote, "{judged:?}");
    let k = judged.k.k.unwrap();
    assert!(k.lcb.0 >= 850_000 && k.lcb <= k.v && k.v <= k.ucb, "{k:?}");
    for axis in [Axis::A, Axis::S, Axis::L, Axis::C, Axis::V] {
        let bounds = judged.k.axis(axis).unwrap();
        assert!(bounds.lcb <= bounds.v && bounds.v <= bounds.ucb, "{axis:?} {bounds:?}");
    }
    assert_eq!(judged.k.s, Some(Bounds::exact(Ppm(869_791))));
    assert_eq!((judged.n.requests, judged.n.units, judged.n.double_primary), (800, 800, 160));
    assert_eq!(judged.k.l.unwrap().v, Ppm::ONE);
    assert!(judged.k.c.unwrap().lcb.0 > 800_000, "{:?}", judged.k.c);
    assert_eq!(judged.axes.iter().map(|line| line.name.as_str()).collect::<String>(), "ASLCVKlatency");
}

#[test]
fn every_bar_holds_at_one_above_and_passes_at_itself() {
    let policy = small();
    let judged = judge(&gather(&policy, &good()), Timestamp(HOUR));
    let lcb = |axis| judged.k.axis(axis).unwrap().lcb.0;
    type Bar = fn(&mut GatePolicy, u64);
    let bars: [(Bar, u64, &str); 9] = [
        (|p, n| p.min_requests = n, 800, "n"),
        (|p, n| p.critical_n = n, 800, "n"),
        (|p, n| p.min_units = n, 800, "units"),
        (|p, n| p.min_wall_ms = n as i64, HOUR as u64, "wall"),
        (|p, n| p.min_double = n, 160, "ceiling"),
        (|p, n| p.a_floor = n as u32, lcb(Axis::A).into(), "axis:A"),
        (|p, n| p.v_floor = n as u32, lcb(Axis::V).into(), "axis:V"),
        (|p, n| p.gate = n as u32, judged.k.k.unwrap().lcb.0.into(), "axis:K"),
        (|p, n| p.completeness = n as u32, 1_000_000, "completeness"),
    ];
    for (set, have, word) in bars {
        for (need, want) in [(have - 1, "promote"), (have, "promote"), (have + 1, word)] {
            let mut bars = policy.clone();
            set(&mut bars, need);
            assert_eq!(words(&bars, &good()), want, "{word} at {need}");
        }
    }
}

#[test]
fn what_is_not_known_holds() {
    let policy = small();
    let late = GatePolicy { budget_units: 801, ..policy.clone() };
    assert_eq!(words(&late, &good()), "axis:C axis:latency");
    for (edit, want) in [
        ((|_, s| s.teacher_cost = MicroUsd(0)) as fn(usize, &mut Score), "axis:C"),
        (|_, s| s.b = None, "axis:A ceiling"),
        (|_, s| s.a = None, "axis:A window"),
        (|i, s| s.student_us = if i % 24 == 0 { 550_000 } else { 2_000 }, "axis:latency"),
        (|_, s| s.b = s.b.map(|_| Ppm(300_000)), "ceiling"),
    ] {
        assert_eq!(words(&policy, &edited(edit)), want);
    }
    let lately = edited(|i, s| {
        if i > 800 {
            s.a = s.a.map(|_| Ppm(890_000))
        }
    });
    assert_eq!(words(&GatePolicy { window: 500, ..policy.clone() }, &lately), "promote");
    assert_eq!(words(&GatePolicy { window: 100, ..policy.clone() }, &lately), "window");
    let streams = edited(|i, score| {
        score.streamed = true;
        score.student_ttft_us = if i % 24 == 0 { 900_000 } else { 1_000 };
    });
    assert_eq!(words(&policy, &streams), "axis:ttft");
    assert_eq!(
        words(&policy, &[]),
        "n units wall axis:A axis:L axis:C axis:V axis:latency ceiling completeness window"
    );
}

#[test]
fn what_cannot_pass_is_rejected() {
    let policy = small();
    for (edit, want) in [
        ((|i, s| s.critical = i == 500) as fn(usize, &mut Score), "reject critical"),
        (
            |i, s| {
                if i % 4 == 0 {
                    s.a = s.a.map(|_| Ppm(0))
                }
            },
            "reject floor:A",
        ),
        (|i, s| s.served &= i % 3 != 0, "reject floor:V"),
        (|i, s| s.student_us = if i % 5 == 0 { 900_000 } else { 2_000 }, "reject floor:latency"),
    ] {
        assert_eq!(words(&policy, &edited(edit)), want);
    }
    assert_eq!(words(&GatePolicy { gate: 990_000, ..policy.clone() }, &good()), "reject k_below_gate");
    // A good student is promoted whatever the time; one that still lacks something is exhausted.
    let spent = GatePolicy { max_units: 800, ..policy.clone() };
    assert_eq!(words(&spent, &good()), "promote");
    assert_eq!(words(&GatePolicy { min_double: 161, ..spent }, &good()), "reject exhausted");
}

#[test]
fn drops_and_silent_losses_lower_completeness() {
    let mut evidence = gather(&small(), &good());
    for _ in 0..42 {
        evidence.note_dropped();
    }
    assert_eq!(evidence.counts().completeness_ppm, 800_000_000 / 842);
    assert_eq!(judge(&evidence, Timestamp(HOUR)).verdict, Verdict::Promote);
    evidence.note_dropped();
    assert_eq!(
        judge(&evidence, Timestamp(HOUR)).verdict,
        Verdict::Hold { missing: vec![Missing::Completeness] }
    );
    let mut silent = Evidence::new(&small(), 1, 0);
    (0..164).for_each(|_| silent.note_sampled());
    (0..90).for_each(|i| silent.observe(&score(i)));
    assert_eq!(silent.counts().completeness_ppm, 900_000);
}

#[test]
fn blocks_hold_until_lifted() {
    let mut evidence = gather(&small(), &good());
    for why in [Missing::Ledger, Missing::Budget] {
        evidence.block(why);
        assert_eq!(judge(&evidence, Timestamp(HOUR)).verdict, Verdict::Hold { missing: vec![why] });
        evidence.unblock(why);
    }
    assert_eq!(judge(&evidence, Timestamp(HOUR)).verdict, Verdict::Promote);
}

#[test]
fn a_bound_keeps_its_best_and_a_later_attempt_needs_more() {
    let (policy, scores) = (small(), good());
    let mut evidence = gather(&policy, &scores);
    let before = judge(&evidence, Timestamp(HOUR)).k.v.unwrap();
    for i in 2_000..2_030 {
        evidence.observe(&Score { served: false, a: None, ..score(i) });
    }
    evidence.close_idle(Timestamp(2 * HOUR));
    let after = judge(&evidence, Timestamp(2 * HOUR)).k.v.unwrap();
    assert!(after.v < before.v && after.lcb == before.lcb && after.ucb < before.ucb, "{before:?} {after:?}");
    let mut third = Evidence::new(&policy, 3, 400 << 20);
    scores.iter().for_each(|score| third.observe(score));
    third.close_idle(Timestamp(HOUR));
    assert!(judge(&third, Timestamp(HOUR)).k.v.unwrap().lcb < before.lcb);
}

#[test]
fn a_unit_is_the_mean_of_its_requests() {
    let policy = GatePolicy { unit_idle_ms: 1_000, ..small() };
    let mut evidence = Evidence::new(&policy, 1, 0);
    let turn = |t, served| Score { t: Timestamp(t), unit: "c".to_owned(), served, ..score(0) };
    for (t, served) in [(0, true), (500, true), (900, false), (1_100, true)] {
        evidence.observe(&turn(t, served));
    }
    evidence.close_idle(Timestamp(2_099));
    assert_eq!(evidence.counts().units, 0);
    evidence.close_idle(Timestamp(2_100));
    assert_eq!((evidence.counts().units, evidence.v.mean()), (1, Some(Ppm(750_000))));
    // A late request opens a new unit, and the twentieth closes one at once.
    for i in 0..20 {
        evidence.observe(&turn(5_000 + i, false));
    }
    evidence.close_idle(Timestamp(5_020));
    assert_eq!((evidence.counts().units, evidence.v.mean()), (2, Some(Ppm(375_000))));
    evidence.begin_step();
    evidence.observe(&turn(9_000, true));
    evidence.close_all();
    assert_eq!((evidence.counts().units, evidence.counts().step_units), (3, 1));
}

#[test]
fn templates_are_told_apart_and_gate_nothing() {
    let policy = small();
    let named = |i: u64, kind| Score {
        template: ["b", "a"][usize::from(i.is_multiple_of(4))].to_owned(),
        a: if i.is_multiple_of(4) { Some(Ppm(0)) } else { Some(Ppm::ONE) },
        ..if kind == ScoreKind::Double { double(i) } else { score(i) }
    };
    let scores: Vec<Score> = (0..800)
        .flat_map(|i| [named(i, ScoreKind::Shadow), Score { a: None, ..named(i, ScoreKind::Double) }])
        .collect();
    let mut evidence = gather(&policy, &scores);
    let [good, bad] = evidence.by_template(Timestamp(HOUR)).try_into().unwrap();
    assert_eq!((good.template.as_str(), good.n.requests, good.n.double_primary), ("b", 600, 600));
    assert_eq!((bad.template.as_str(), bad.n.requests), ("a", 200));
    assert_eq!((good.k.a.unwrap().v, bad.k.a.unwrap().v), (Ppm::ONE, Ppm(0)));
    assert!(good.k.k.unwrap().lcb > bad.k.k.unwrap().ucb, "{good:?} {bad:?}");
    // The route's own K is what it is without templates.
    let plain: Vec<Score> = scores.iter().map(|s| Score { template: String::new(), ..s.clone() }).collect();
    assert_eq!(judge(&evidence, Timestamp(HOUR)), judge(&gather(&policy, &plain), Timestamp(HOUR)));
    assert!(gather(&policy, &plain).by_template(Timestamp(HOUR)).is_empty());
}

#[test]
fn the_second_score_of_a_double_is_no_request_of_the_unit() {
    let mut evidence = Evidence::new(&small(), 1, 0);
    for i in 0..20 {
        let turn = Score { t: Timestamp(i), unit: "c".to_owned(), ..score(0) };
        evidence.observe(&Score { kind: ScoreKind::Double, a: None, b: Some(Ppm::ONE), ..turn.clone() });
        assert_eq!(evidence.n.units, 0, "{i}");
        evidence.observe(&turn);
    }
    assert_eq!((evidence.n.units, evidence.n.requests, evidence.n.double_primary), (1, 20, 20));
}

#[test]
fn evidence_about_two_teachers_holds_until_the_new_one_has_settled() {
    let named = |from: u64, upto: u64, model: &str| -> Vec<Score> {
        let of = |i| [score(i), double(i)].map(|s| Score { up_model: model.to_owned(), ..s });
        (from..upto).flat_map(of).collect()
    };
    let policy = GatePolicy { min_double: 20, ..small() };
    let judged = |scores: &[Score]| judge(&gather(&policy, scores), Timestamp(HOUR));
    let mut scores = named(0, 600, "gpt-a");
    assert_eq!(judged(&scores).verdict, Verdict::Promote);
    // A reply that does not say who answered is no change.
    scores.extend(named(600, 610, ""));
    assert_eq!(judged(&scores).verdict, Verdict::Promote);
    scores.extend(named(610, 629, "gpt-b"));
    let held = judged(&scores);
    assert_eq!(held.verdict, Verdict::Hold { missing: vec![Missing::TeacherChanged] });
    assert!(!held.new_teacher);
    scores.extend(named(629, 630, "gpt-b"));
    assert!(judged(&scores).new_teacher);
    // One that changes again has not settled, also where it was before.
    scores.extend(named(630, 640, "gpt-a"));
    let again = judged(&scores);
    assert!(again.verdict != Verdict::Promote && !again.new_teacher);
}

#[test]
fn replay_rebuilds_evidence_and_detectors() {
    let policy = small();
    let mut scores = good();
    scores.sort_by_key(|score| score.t);
    let mut live = gather(&policy, &scores);
    live.arm();
    live.begin_step();
    let late: Vec<Score> = (0..60)
        .map(|i| Score { t: Timestamp(HOUR + i), a: Some(Ppm(0)), ..score(3_000 + i as u64) })
        .collect();
    for score in &late {
        live.note_sampled();
        live.observe(score);
    }
    live.note_dropped();
    let all: Vec<Score> = scores.iter().chain(&late).cloned().collect();
    let at = Some(Timestamp(HOUR));
    let promoted_b = judge(&gather(&policy, &scores), Timestamp(HOUR)).ceiling.map(|b| b.v);
    let replay = Replay { scores: &all, missed: 1, promoted_at: at, promoted_b, step_at: at };
    let mut again = Evidence::replay(&policy, 1, 400 << 20, &replay);
    let end = Timestamp(2 * HOUR);
    live.close_idle(end);
    again.close_idle(end);
    assert_eq!(live.alarm(), Some(Breach::Detector("a")));
    assert_eq!(judge(&live, end), judge(&again, end));
    live.disarm();
    assert_eq!(live.alarm(), None);
}

#[test]
fn k_of_the_design() {
    let exact = |ppm| Some(Bounds::exact(Ppm(ppm)));
    let k = |a, s, l, c, v| {
        weighted(&KScore { a: exact(a), s: exact(s), l: exact(l), c: exact(c), v: exact(v), k: None })
            .unwrap()
    };
    assert_eq!(k(950_000, 869_791, 1_000_000, 1_000_000, 930_000).v, Ppm(949_968));
    assert_eq!(k(950_000, 869_791, 1_000_000, 1_000_000, 930_000).ucb, Ppm(949_969));
    // The teacher's own score is the default gate.
    assert_eq!(k(1_000_000, 0, 1_000_000, 1_000_000, 1_000_000), Bounds::exact(Ppm(850_000)));
    for (bytes, ppm) in [(0, 1_000_000), (1, 999_999), (400 << 20, 869_791), (3 << 30, 0), (u64::MAX, 0)] {
        assert_eq!(size_axis(bytes), Ppm(ppm), "{bytes}");
    }
}

#[test]
fn a_set_with_a_missing_axis_has_no_k() {
    let some = Some(Bounds::exact(Ppm::ONE));
    for set in 0..32u32 {
        let has = |bit: u32| if set >> bit & 1 == 1 { some } else { None };
        let k = KScore { a: has(0), s: has(1), l: has(2), c: has(3), v: has(4), k: None };
        assert_eq!(weighted(&k).is_some(), set == 31, "{set:05b}");
    }
}

#[test]
fn every_subset_of_missing_evidence_holds() {
    // Five kinds of evidence can be taken away: a, b, v (all trials), cost, budgets.
    for set in 0..32u32 {
        let without = |bit: u32| set >> bit & 1 == 1;
        let scores: Vec<Score> = edited(|_, s| {
            s.a = s.a.filter(|_| !without(0));
            s.b = s.b.filter(|_| !without(1));
            if without(3) {
                s.teacher_cost = MicroUsd(0);
            }
        })
        .into_iter()
        .filter(|s| !without(2) || s.kind == ScoreKind::Double)
        .collect();
        let budget_units = if without(4) { 10_000 } else { 200 };
        let got = words(&GatePolicy { budget_units, ..small() }, &scores);
        assert_eq!(got == "promote", set == 0, "{set:05b}: {got}");
        assert!(!got.starts_with("reject"), "{set:05b}: {got}");
    }
}
