//! Sentences for people: where a route stands, and what is missing or next.

use kolm_core::{Stage, Weight};

use super::{RolloutPolicy, Seen, State, Training, ladder_after};
use crate::gate::{GatePolicy, Judged, Missing};

/// "9 h", "14 min", "20 s": the greatest unit that is at least one.
pub(super) fn time(ms: i64) -> String {
    match ms.max(0) / 1_000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

pub(super) fn words(missing: &[Missing]) -> Vec<String> {
    missing.iter().map(|word| word.as_str().to_owned()).collect()
}

/// The counts against their needs.
pub(super) fn counts(gate: &GatePolicy, judged: &Judged) -> String {
    format!(
        "attempt {}, {} of {} requests, {} of {} units, {} of {}",
        judged.attempt,
        judged.n.requests,
        gate.requests_needed(),
        judged.n.units,
        gate.min_units,
        time(judged.basis.wall_ms),
        time(gate.min_wall_ms),
    )
}

/// A hold, at any weight.
pub(super) fn hold(gate: &GatePolicy, weight: Weight, judged: Option<&Judged>, missing: &[String]) -> String {
    match judged {
        Some(judged) => {
            format!("hold at {weight}, {}, missing: {}", counts(gate, judged), missing.join(", "))
        }
        None => format!("hold at {weight}, missing: {}", missing.join(", ")),
    }
}

/// A wait at a step.
pub(super) fn dwell(policy: &RolloutPolicy, weight: Weight, waited_ms: i64, units: u64) -> String {
    format!(
        "dwell at {weight}, {units} of {} units at this step, {} of {}, next {}",
        policy.step_units,
        time(waited_ms),
        time(policy.dwell_ms),
        ladder_after(policy, weight),
    )
}

/// Before there is a student.
pub(super) fn collecting(policy: &RolloutPolicy, state: &State, seen: &Seen, wanted: Option<u64>) -> String {
    let failed = match &seen.training {
        Training::Failed { why } if state.distilled.is_some() => format!(", the last training failed: {why}"),
        Training::Failed { .. } | Training::Idle | Training::Running => String::new(),
    };
    match wanted {
        Some(wanted) => format!("collecting, {} of {wanted} pairs{failed}", seen.pairs),
        None if policy.distill_min_pairs == 0 => {
            format!("collecting, {} pairs, distillation is off", seen.pairs)
        }
        None => format!("collecting, {} pairs{failed}", seen.pairs),
    }
}

/// What was decided, or how it stands since, and why.
pub(super) fn decided(what: &str, because: &[String]) -> String {
    if because.is_empty() {
        return what.to_owned();
    }
    let why: Vec<&str> = because.iter().map(|word| explain(word)).collect();
    format!("{what}, because {}", why.join(", "))
}

/// A stage in which nothing is awaited of the gate.
pub(super) fn resting(stage: Stage, why: &[String], left_ms: i64) -> String {
    match stage {
        Stage::Cooldown => decided(&format!("cooldown at 0 %, {} to go", time(left_ms)), why),
        Stage::Rejected => decided("rejected at 0 %", why),
        Stage::Paused => decided("paused at 0 %", why),
        Stage::Full => "full, the student answers 100 %".to_owned(),
        Stage::Distilling => "distilling, a student is being trained".to_owned(),
        Stage::Collecting | Stage::Shadow | Stage::Step(_) => decided(&stage.to_string(), why),
    }
}

/// The reason behind a word of a row, for people who do not read the table.
fn explain(word: &str) -> &str {
    match word {
        "k_below_gate" => "its K-score cannot reach the gate",
        "floor:A" => "it agrees with the teacher too seldom to reach the floor",
        "floor:V" => "it leaves too much to the teacher: coverage cannot reach its floor",
        "floor:latency" | "floor:ttft" => "it answers too slowly to reach the floor",
        "detector:a" => "its agreement with the teacher fell",
        "detector:v" => "its coverage fell",
        "detector:latency" => "its answers became slow",
        "critical" => "an answer violated a critical rule",
        "artifact" => "its artifact is not what it was",
        "golden" => "it no longer answers its golden cases",
        "exhausted" => "the attempt ended without enough evidence",
        "student_crash" => "its process died again and again",
        "breaker" => "it failed too often of late",
        "operator" => "a person asked for it",
        "new_artifact" => "there is a new student",
        "policy_changed" => "its bars changed",
        "teacher_changed" => "the teacher changed",
        "cooldown_over" => "the cooldown is over",
        other => other,
    }
}
