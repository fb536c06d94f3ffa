//! Every transition that `plan` makes, and none beside them; and what no look at a route may do.

use std::collections::BTreeSet;

use kolm_core::{
    ArtifactId, Basis, Bounds, Counts, DecisionKind, Intent, IntentKind, KScore, Ppm, Stage, Timestamp,
    Weight,
};

use super::*;
use crate::gate::{Breach, GatePolicy, Judged, Missing, Verdict};

const DAY: i64 = 86_400_000;

fn artifact(digit: char) -> ArtifactId {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

/// The stage without its weight: the table has one line for all steps.
fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Collecting => "collecting",
        Stage::Distilling => "distilling",
        Stage::Shadow => "shadow",
        Stage::Step(_) => "step",
        Stage::Full => "full",
        Stage::Paused => "paused",
        Stage::Cooldown => "cooldown",
        Stage::Rejected => "rejected",
    }
}

/// From, by what Decision, to. What is not here is refused.
const TRANSITIONS: [(&str, DecisionKind, &str); 39] = {
    use DecisionKind::{
        Advance, Candidate, Challenge, Dismiss, Distill, Done, Dwell, Hold, Pause, Promote, Reject, Resume,
        Rollback, Succeed,
    };
    [
        // Beside a champion: the newer student's trial, and the training that makes one.
        ("step", Distill, "step"),
        ("step", Challenge, "step"),
        ("step", Dismiss, "step"),
        ("step", Promote, "step"),
        ("step", Succeed, "step"),
        ("full", Distill, "full"),
        ("full", Challenge, "full"),
        ("full", Hold, "full"),
        ("full", Dwell, "full"),
        ("full", Promote, "full"),
        ("full", Advance, "full"),
        ("full", Dismiss, "full"),
        ("full", Succeed, "full"),
        // A training that began beside a champion and failed once it had fallen.
        ("rejected", Hold, "rejected"),
        ("collecting", Distill, "distilling"),
        ("collecting", Candidate, "shadow"),
        ("distilling", Candidate, "shadow"),
        ("distilling", Hold, "collecting"),
        ("shadow", Candidate, "shadow"),
        ("shadow", Hold, "shadow"),
        ("shadow", Reject, "rejected"),
        ("shadow", Promote, "step"),
        ("shadow", Done, "full"),
        ("shadow", Pause, "paused"),
        ("step", Candidate, "shadow"),
        ("step", Hold, "step"),
        ("step", Dwell, "step"),
        ("step", Advance, "step"),
        ("step", Done, "full"),
        ("step", Rollback, "cooldown"),
        ("step", Pause, "paused"),
        ("full", Candidate, "shadow"),
        ("full", Rollback, "cooldown"),
        ("full", Pause, "paused"),
        ("paused", Resume, "shadow"),
        ("paused", Candidate, "shadow"),
        ("cooldown", Candidate, "shadow"),
        ("rejected", Candidate, "shadow"),
        ("rejected", Distill, "distilling"),
    ]
};

fn state(stage: Stage, policy: &str) -> State {
    let new = matches!(stage, Stage::Collecting | Stage::Distilling);
    State {
        stage,
        weight: stage.weight(),
        artifact: (!new).then(|| artifact('a')),
        attempt: u32::from(!new),
        policy: if new { String::new() } else { policy.to_owned() },
        attempts: u32::from(!new),
        distilled: Some(100),
        training: (stage == Stage::Distilling).then_some(Timestamp(0)),
        ..State::default()
    }
}

fn judged(verdict: Verdict, policy: &str, units: u64, alarm: Option<Breach>, new_teacher: bool) -> Judged {
    let exact = Some(Bounds::exact(Ppm::ONE));
    Judged {
        verdict,
        k: KScore { a: exact, s: exact, l: exact, c: exact, v: exact, k: exact },
        ceiling: exact,
        n: Counts { step_units: units, ..Counts::default() },
        axes: Vec::new(),
        alpha_ppb: 1,
        attempt: 1,
        policy: policy.to_owned(),
        basis: Basis::default(),
        alarm,
        new_teacher,
        student_p95_us: 0,
        teacher_p95_us: 0,
    }
}

/// Every combination of what may be seen at a stage.
fn all_seen(policy: &str) -> Vec<Seen> {
    let hold = || Verdict::Hold { missing: vec![Missing::C] };
    let alarm = Some(Breach::Detector("a"));
    let reject = |because| Verdict::Reject { because };
    let looks = [
        None,
        Some(judged(Verdict::Promote, policy, 0, None, false)),
        Some(judged(Verdict::Promote, policy, 100, None, false)),
        Some(judged(Verdict::Promote, policy, 100, alarm, false)),
        Some(judged(hold(), policy, 100, None, false)),
        Some(judged(hold(), policy, 100, None, true)),
        Some(judged(reject(Breach::K), policy, 100, None, false)),
        Some(judged(reject(Breach::Exhausted), policy, 100, None, false)),
    ];
    let hards = [None, Some(Breach::Artifact), Some(Breach::Breaker)];
    let intents = [
        None,
        Some(IntentKind::Pause),
        Some(IntentKind::Resume),
        Some(IntentKind::Rollback),
        Some(IntentKind::PromoteOneStep),
        Some(IntentKind::Dismiss),
    ];
    let failed = Training::Failed { why: "x".to_owned() };
    let trainings = [
        (Training::Idle, 0),
        (Training::Idle, 1_000),
        (Training::Running, 0),
        (failed.clone(), 0),
        (failed, 1_000),
    ];
    let mut out = Vec::new();
    let of =
        |kind| Intent { route: "r".parse().unwrap(), kind, actor: "ada".to_owned(), reason: String::new() };
    for judged in &looks {
        for hard in hards {
            for intent in intents {
                for candidate in [None, Some('a'), Some('b')] {
                    out.extend(trainings.iter().map(|(training, pairs)| Seen {
                        judged: judged.clone(),
                        pairs: *pairs,
                        training: training.clone(),
                        candidate: candidate.map(artifact),
                        intents: intent.map(of).into_iter().collect(),
                        hard,
                        ..Seen::default()
                    }));
                }
            }
        }
    }
    out
}

/// A route at `stage` with and without a challenger and a training.
fn with_challengers(stage: Stage, policy: &str) -> Vec<State> {
    let challenger = |weight| Challenger {
        artifact: artifact('b'),
        attempt: 2,
        weight,
        begun: Timestamp(0),
        since: Timestamp(0),
        promoted_at: None,
        promoted_b: None,
        last: None,
    };
    let shares = [None, Some(Weight::ZERO), Some(Weight(100)), Some(Weight(2_500))];
    let fits =
        |share: &Option<Weight>| share.is_none_or(|share| share == Weight::ZERO || share < stage.weight());
    let mut out = Vec::new();
    for share in shares.into_iter().filter(fits) {
        // A champion that has said why it waits: what comes next is about the challenger.
        let last = Some((DecisionKind::Hold, vec![Missing::C.as_str().to_owned()], Timestamp(DAY)));
        let state = State { challenger: share.map(challenger), attempts: 2, last, ..state(stage, policy) };
        out.push(State { training: Some(Timestamp(0)), ..state.clone() });
        out.push(state);
    }
    out
}

/// What may be seen of a challenger, at a champion that waits.
fn all_beside(policy: &str) -> Vec<Seen> {
    let rival = |verdict, units, alarm, champion| {
        let judged = Judged { attempt: 2, ..judged(verdict, policy, units, alarm, false) };
        Rival { judged: Some(judged), hard: None, champion: Some(Ppm(champion)) }
    };
    let hold = || Verdict::Hold { missing: vec![Missing::C] };
    let rivals = [
        Rival::default(),
        rival(Verdict::Promote, 0, None, 1_000_000),
        rival(Verdict::Promote, 100, None, 1_000_000),
        rival(Verdict::Promote, 100, None, 1_000_001),
        rival(Verdict::Promote, 100, Some(Breach::Detector("a")), 1_000_000),
        rival(hold(), 100, None, 0),
        rival(Verdict::Reject { because: Breach::Exhausted }, 100, None, 0),
        Rival { hard: Some(Breach::StudentCrash), ..Rival::default() },
    ];
    let waits = [judged(Verdict::Promote, policy, 0, None, false), judged(hold(), policy, 0, None, false)];
    let base = all_seen(policy).into_iter().filter(|seen| seen.hard.is_none() && seen.judged.is_none());
    let base: Vec<Seen> = base.collect();
    let mut out = Vec::new();
    for seen in &base {
        for judged in &waits {
            let with = |rival: &Rival| Seen {
                judged: Some(judged.clone()),
                challenger: rival.clone(),
                ..seen.clone()
            };
            out.extend(rivals.iter().map(with));
        }
    }
    out
}

/// Every row that `plan` makes of these, with the state before.
fn made_of(
    ladders: &[RolloutPolicy],
    bars: &GatePolicy,
    states: &[State],
    seen: &Seen,
) -> Vec<(State, Draft)> {
    let mut out = Vec::new();
    for state in states {
        for (ladder, now) in [(&ladders[0], 0), (&ladders[0], DAY), (&ladders[1], DAY)] {
            let draft = plan(ladder, bars, state, seen, Timestamp(now)).decision;
            out.extend(draft.map(|draft| (state.clone(), draft)));
        }
    }
    out
}

#[test]
fn each_transition_of_the_table_is_made_and_no_other() {
    let ladder =
        RolloutPolicy { enabled: true, distill_min_pairs: 10, distill_every: 10, ..RolloutPolicy::default() };
    let ladders = [ladder.clone(), RolloutPolicy { steps: vec![Weight::FULL], ..ladder }];
    let (gate, other) = (GatePolicy::default(), GatePolicy { gate: 900_000, ..GatePolicy::default() });
    let stages = [
        Stage::Collecting,
        Stage::Distilling,
        Stage::Shadow,
        Stage::Step(Weight(100)),
        Stage::Step(Weight(5_000)),
        Stage::Full,
        Stage::Paused,
        Stage::Cooldown,
        Stage::Rejected,
    ];
    let mut made = BTreeSet::new();
    let mut take = |seen: &Seen, rows: Vec<(State, Draft)>| {
        for (state, draft) in rows {
            made.insert((name(state.stage), draft.kind, name(draft.stage)));
            rises_only_by_a_passed_gate(&state, seen, &draft);
        }
    };
    let digest = gate.digest();
    let alone: Vec<State> = stages.iter().map(|stage| state(*stage, &digest)).collect();
    for bars in [&gate, &other] {
        for seen in all_seen(&digest) {
            take(&seen, made_of(&ladders, bars, &alone, &seen));
        }
    }
    let tried = stages.iter().filter(|stage| !matches!(stage, Stage::Collecting | Stage::Distilling));
    let beside = tried.flat_map(|stage| with_challengers(*stage, &digest)).collect::<Vec<_>>();
    for seen in all_beside(&digest) {
        take(&seen, made_of(&ladders, &gate, &beside, &seen));
    }
    let table = BTreeSet::from(TRANSITIONS);
    let unmade: Vec<_> = table.difference(&made).collect();
    let refused: Vec<_> = made.difference(&table).collect();
    assert!(unmade.is_empty() && refused.is_empty(), "never made: {unmade:?}; not allowed: {refused:?}");
}

fn rises_only_by_a_passed_gate(state: &State, seen: &Seen, draft: &Draft) {
    let (rival, to) = (&seen.challenger, draft.stage.weight());
    let share = draft.challenger.as_ref().map_or(Weight::ZERO, |own| own.to);
    let served = state.challenger.as_ref().map_or(Weight::ZERO, |own| own.weight);
    let (judged, hard) = match (share > served, to > state.weight) {
        (true, false) => (rival.judged.as_ref().unwrap(), rival.hard),
        (false, true) => (seen.judged.as_ref().unwrap(), seen.hard),
        (false, false) => return,
        (true, true) => panic!("two weights rise by one row: {draft:?}"),
    };
    assert_eq!(judged.verdict, Verdict::Promote, "{draft:?}");
    assert!(hard.is_none() && judged.alarm.is_none() && !judged.new_teacher, "{draft:?}");
    if draft.kind == DecisionKind::Succeed {
        assert!(judged.k.k.map(|k| k.lcb) >= rival.champion && share == state.weight, "{draft:?}");
        assert_eq!(draft.artifact, state.challenger.as_ref().map(|own| own.artifact.clone()));
        return;
    }
    assert!(matches!(draft.kind, DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done));
    assert_eq!(draft.artifact, state.artifact, "a weight rises for the student that was judged");
    assert!(share < state.weight || draft.challenger.is_none(), "within the champion's weight: {draft:?}");
}
