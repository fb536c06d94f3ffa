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
const TRANSITIONS: [(&str, DecisionKind, &str); 25] = {
    use DecisionKind::{
        Advance, Candidate, Distill, Done, Dwell, Hold, Pause, Promote, Reject, Resume, Rollback,
    };
    [
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
        distilled: Some(100),
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
    for bars in [&gate, &other] {
        for seen in all_seen(&gate.digest()) {
            for stage in stages {
                let state = state(stage, &gate.digest());
                for (ladder, now) in [(&ladders[0], 0), (&ladders[0], DAY), (&ladders[1], DAY)] {
                    let plan = plan(ladder, bars, &state, &seen, Timestamp(now));
                    let Some(draft) = plan.decision else { continue };
                    made.insert((name(stage), draft.kind, name(draft.stage)));
                    rises_only_by_a_passed_gate(&state, &seen, &draft);
                }
            }
        }
    }
    let table = BTreeSet::from(TRANSITIONS);
    let unmade: Vec<_> = table.difference(&made).collect();
    let refused: Vec<_> = made.difference(&table).collect();
    assert!(unmade.is_empty() && refused.is_empty(), "never made: {unmade:?}; not allowed: {refused:?}");
}

fn rises_only_by_a_passed_gate(state: &State, seen: &Seen, draft: &Draft) {
    let to = draft.stage.weight();
    if to <= state.weight {
        return;
    }
    let judged = seen.judged.as_ref().unwrap();
    assert_eq!(judged.verdict, Verdict::Promote, "{draft:?}");
    assert!(seen.hard.is_none() && judged.alarm.is_none() && !judged.new_teacher, "{draft:?}");
    assert!(matches!(draft.kind, DecisionKind::Promote | DecisionKind::Advance | DecisionKind::Done));
    assert_eq!(draft.artifact, state.artifact, "a weight rises for the student that was judged");
}
