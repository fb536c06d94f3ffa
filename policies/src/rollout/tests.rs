//! The ladder as a table, and the history as a chain.

mod challenger;
mod history;

use kolm_core::{
    ArtifactId, Basis, Counts, DecisionKind, DecisionRow, Intent, IntentKind, KScore, Ppm, RequestId,
    RouteName, Stage, Timestamp, Weight,
};

use super::*;
use crate::drift::{Finding, What};
use crate::gate::{Breach, GatePolicy, Judged, Missing, Verdict};

const MIN: i64 = 60_000;

fn artifact(digit: char) -> ArtifactId {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

/// One route driven by hand.
struct Drive {
    policy: RolloutPolicy,
    gate: GatePolicy,
    seen: Seen,
    rows: Vec<DecisionRow>,
    /// The route as the plans moved it, kept beside the rows.
    table: (Stage, Weight, Option<ArtifactId>, u32),
    now: Timestamp,
    said: String,
}

impl Drive {
    fn new() -> Self {
        let policy = RolloutPolicy {
            enabled: true,
            distill_min_pairs: 200,
            distill_every: 100,
            dwell_ms: 10 * MIN,
            cooldown_ms: 60 * MIN,
            ..RolloutPolicy::default()
        };
        Self {
            policy,
            gate: GatePolicy::default(),
            seen: Seen::default(),
            rows: Vec::new(),
            table: (Stage::Collecting, Weight::ZERO, None, 0),
            now: Timestamp(1_000),
            said: String::new(),
        }
    }

    fn state(&self) -> State {
        fold(&self.rows)
    }

    /// One look; a Decision is taken at once. Returns its kind and reasons.
    fn tick(&mut self) -> String {
        let state = self.state();
        let plan = plan(&self.policy, &self.gate, &state, &self.seen, self.now);
        self.seen.intents.drain(..plan.answered);
        self.said = plan.sentence;
        let Some(draft) = plan.decision else { return "-".to_owned() };
        self.table = (draft.stage, draft.stage.weight(), draft.artifact.clone(), draft.attempt);
        let id = RequestId::from_parts(self.now, [self.rows.len() as u8; 10]);
        let route: RouteName = "support".parse().unwrap();
        let row = row(draft, &state, id, &route, self.now);
        // As the reconciler does: what was taken up is no candidate any more, and a training runs.
        if matches!(row.kind, DecisionKind::Candidate | DecisionKind::Challenge) {
            self.seen.candidate = None;
        }
        if row.kind == DecisionKind::Distill {
            self.seen.training = Training::Running;
        }
        let told = format!("{} {} {}", row.kind.as_str(), row.to.0, row.because.join(" "));
        self.rows.push(row);
        told.trim_end().to_owned()
    }

    fn after(&mut self, ms: i64) -> String {
        self.now.0 += ms;
        self.tick()
    }

    fn judged(&mut self, verdict: Verdict, step_units: u64) {
        self.seen.judged = Some(self.judgement(verdict, step_units, self.state().attempt));
    }

    fn judgement(&self, verdict: Verdict, step_units: u64, attempt: u32) -> Judged {
        Judged {
            verdict,
            k: KScore::default(),
            ceiling: None,
            n: Counts { requests: 212, units: 60, step_units, ..Counts::default() },
            axes: Vec::new(),
            alpha_ppb: 0,
            attempt,
            policy: self.gate.digest(),
            basis: Basis { wall_ms: 9 * 60 * MIN, ..Basis::default() },
            alarm: None,
            new_teacher: false,
            student_p95_us: 0,
            teacher_p95_us: 0,
        }
    }

    fn intent(&mut self, kind: IntentKind) -> String {
        let route = "support".parse().unwrap();
        self.seen.intents.push(Intent { route, kind, actor: "ada".to_owned(), reason: "why".to_owned() });
        self.tick()
    }

    /// A student in the shadow.
    fn shadow() -> Self {
        let mut drive = Self::new();
        drive.seen.candidate = Some(artifact('a'));
        assert_eq!(drive.tick(), "candidate 0 new_artifact");
        drive
    }

    /// A student at the first step.
    fn step() -> Self {
        let mut drive = Self::shadow();
        drive.judged(Verdict::Promote, 0);
        assert_eq!(drive.tick(), "promote 100 gate");
        drive
    }
}

fn hold(missing: &[Missing]) -> Verdict {
    Verdict::Hold { missing: missing.to_vec() }
}

fn reject(because: Breach) -> Verdict {
    Verdict::Reject { because }
}

#[test]
fn from_the_first_pair_to_the_whole_traffic() {
    let mut drive = Drive::new();
    drive.seen.pairs = 199;
    assert_eq!(drive.tick(), "-");
    assert_eq!(drive.said, "collecting, 199 of 200 pairs");
    drive.seen.pairs = 214;
    assert_eq!(drive.tick(), "distill 0 pairs:200");
    drive.seen.training = Training::Running;
    assert_eq!((drive.tick().as_str(), drive.said.as_str()), ("-", "distilling, a student is being trained"));
    drive.seen.candidate = Some(artifact('a'));
    assert_eq!(drive.tick(), "candidate 0 new_artifact");
    assert_eq!(drive.tick(), "hold 0 evidence");
    drive.judged(hold(&[Missing::Requests, Missing::A]), 0);
    assert_eq!(drive.tick(), "hold 0 n axis:A");
    assert_eq!(
        drive.said,
        "hold at 0 %, attempt 1, 212 of 300 requests, 60 of 50 units, 9 h of 24 h, missing: n, axis:A"
    );
    drive.judged(Verdict::Promote, 0);
    assert_eq!(drive.tick(), "promote 100 gate");
    for (to, done) in [(500, "advance"), (2_500, "advance"), (5_000, "advance"), (10_000, "done")] {
        drive.judged(Verdict::Promote, 99);
        assert!(drive.after(9 * MIN).starts_with("dwell"), "{to}");
        drive.judged(Verdict::Promote, 100);
        assert!(drive.tick().ends_with("dwell"), "{to}");
        assert_eq!(drive.after(MIN), format!("{done} {to} gate"));
    }
    assert_eq!((drive.tick().as_str(), drive.said.as_str()), ("-", "full, the student answers 100 %"));
    assert_eq!(drive.state().weight, Weight::FULL);
    assert_eq!(drive.state().promoted_at, Some(Timestamp(1_000)));
}

#[test]
fn holds_and_dwells_are_said_once_an_hour_or_when_they_change() {
    let mut drive = Drive::shadow();
    drive.judged(hold(&[Missing::A]), 0);
    let told = [drive.tick(), drive.after(59 * MIN), drive.after(MIN), drive.tick()];
    assert_eq!(told, ["hold 0 axis:A", "-", "hold 0 axis:A", "-"]);
    drive.judged(hold(&[Missing::A, Missing::Wall]), 0);
    assert_eq!(drive.tick(), "hold 0 axis:A wall");
    let mut drive = Drive::step();
    assert_eq!((drive.tick().as_str(), drive.tick().as_str()), ("dwell 100 units dwell", "-"));
    assert_eq!(drive.said, "dwell at 1 %, 0 of 100 units at this step, 0 s of 10 min, next 5 %");
    assert_eq!(drive.after(10 * MIN), "dwell 100 units");
}

#[test]
fn breaches_roll_back_or_reject_at_once() {
    for (hard, alarm, verdict, word) in [
        (Some(Breach::Breaker), None, Verdict::Promote, "breaker"),
        (None, Some(Breach::Detector("a")), Verdict::Promote, "detector:a"),
        (None, None, reject(Breach::Floor("V")), "floor:V"),
        (None, None, reject(Breach::Critical), "critical"),
        (Some(Breach::Golden), None, Verdict::Promote, "golden"),
    ] {
        let mut drive = Drive::step();
        drive.judged(verdict, 0);
        drive.seen.judged.as_mut().unwrap().alarm = alarm;
        drive.seen.hard = hard;
        drive.seen.intents.clear();
        assert_eq!(drive.intent(IntentKind::PromoteOneStep), format!("rollback 0 {word}"));
        assert_eq!(drive.state().stage, Stage::Cooldown);
        // The same reason in the same words from the moment of the decision on.
        let why = drive.said.strip_prefix("rolled back to 0 %, because ").expect(&drive.said).to_owned();
        assert_ne!(why, word, "a word of the table is no sentence");
        // The evidence of the old attempt decides nothing any more.
        (drive.seen.hard, drive.seen.intents) = (None, Vec::new());
        assert_eq!(drive.after(59 * MIN), "-");
        assert_eq!(drive.said, format!("cooldown at 0 %, 60 s to go, because {why}"));
        assert_eq!(drive.after(MIN), "candidate 0 cooldown_over");
        assert_eq!((drive.state().attempt, drive.state().stage), (2, Stage::Shadow));
        assert_eq!(drive.tick(), "hold 0 evidence");
    }
    for (hard, verdict, told) in [
        (Some(Breach::Artifact), Verdict::Promote, "reject 0 artifact"),
        (Some(Breach::StudentCrash), Verdict::Promote, "hold 0 student_crash"),
        (None, reject(Breach::Exhausted), "reject 0 exhausted"),
        (None, reject(Breach::K), "reject 0 k_below_gate"),
    ] {
        let mut drive = Drive::shadow();
        drive.judged(verdict, 0);
        drive.seen.hard = hard;
        assert_eq!(drive.tick(), told);
    }
    let mut drive = Drive::step();
    drive.judged(reject(Breach::Exhausted), 100);
    assert_eq!(drive.after(20 * MIN), "hold 100 exhausted", "promoted in time is not exhausted");
}

#[test]
fn failed_and_rejected_students_train_again_after_more_pairs() {
    let mut drive = Drive::new();
    drive.seen.pairs = 200;
    assert_eq!(drive.tick(), "distill 0 pairs:200");
    drive.seen.training = Training::Failed { why: "no labels".to_owned() };
    assert_eq!(drive.tick(), "hold 0 training:no labels");
    drive.seen.pairs = 299;
    assert_eq!(drive.tick(), "-");
    assert_eq!(drive.said, "collecting, 299 of 300 pairs, the last training failed: no labels");
    drive.seen.pairs = 300;
    assert_eq!(drive.tick(), "distill 0 pairs:300");
    drive.seen.candidate = Some(artifact('a'));
    assert_eq!(drive.tick(), "candidate 0 new_artifact");
    drive.judged(reject(Breach::K), 0);
    assert_eq!(drive.tick(), "reject 0 k_below_gate");
    assert_eq!(
        (drive.tick().as_str(), drive.said.as_str()),
        ("-", "rejected at 0 %, because its K-score cannot reach the gate")
    );
    drive.seen.pairs = 400;
    assert_eq!(drive.tick(), "distill 0 pairs:400");
    drive.seen.candidate = Some(artifact('b'));
    assert_eq!(drive.tick(), "candidate 0 new_artifact");
    assert_eq!(drive.state().attempt, 2);
    drive.policy.distill_min_pairs = 0;
    drive.rows.clear();
    drive.seen.candidate = None;
    assert_eq!(
        (drive.tick().as_str(), drive.said.as_str()),
        ("-", "collecting, 400 pairs, distillation is off")
    );
}

fn drifted() -> Finding {
    Finding { what: What::Label, was: Ppm(0), is: Ppm(80_000), units: 300 }
}

#[test]
fn drift_asks_for_a_training_and_never_for_a_weight() {
    let mut drive = Drive::shadow();
    drive.seen.pairs = 200;
    drive.judged(reject(Breach::K), 0);
    assert_eq!(drive.tick(), "reject 0 k_below_gate");
    assert_eq!(drive.tick(), "distill 0 pairs:200");
    drive.seen.candidate = Some(artifact('b'));
    assert_eq!(drive.tick(), "candidate 0 new_artifact");
    drive.judged(reject(Breach::K), 0);
    assert_eq!(drive.tick(), "reject 0 k_below_gate");
    drive.seen.drift = Some(drifted());
    drive.seen.pairs = 209;
    assert_eq!(drive.tick(), "-");
    assert_eq!(
        drive.said,
        "rejected at 0 %, because its K-score cannot reach the gate; answers that training never saw were 0.00 % \
         of the snapshot and are 8.00 % of the last 300 units"
    );
    drive.seen.pairs = 210;
    assert_eq!(drive.tick(), "distill 0 drift:label");
    for mut drive in [Drive::shadow(), Drive::step()] {
        let before = drive.state().stage;
        drive.seen.drift = Some(drifted());
        drive.judged(hold(&[Missing::A]), 0);
        assert!(drive.tick().starts_with("hold"));
        assert_eq!(drive.state().stage, before, "a student on trial or in service stays");
    }
}

#[test]
fn people_obey_the_floors_except_to_stop() {
    let mut drive = Drive::step();
    assert_eq!(drive.intent(IntentKind::Pause), "pause 0");
    assert_eq!(drive.intent(IntentKind::Pause), "-");
    assert_eq!(drive.said, "pause refused at paused: nothing to do");
    assert!(drive.seen.intents.is_empty());
    assert_eq!(drive.intent(IntentKind::Resume), "resume 0");
    assert_eq!(drive.state().attempt, 1);
    assert_eq!(drive.intent(IntentKind::Rollback), "-", "nothing to roll back in the shadow");
    drive.judged(hold(&[Missing::V]), 0);
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "hold 0 axis:V");
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "hold 0 axis:V", "a person always gets an answer");
    assert_eq!(drive.rows.last().map(|row| (row.actor.as_str(), row.reason.as_str())), Some(("ada", "why")));
    drive.judged(Verdict::Promote, 0);
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "promote 100 gate");
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "dwell 100 units");
    drive.judged(Verdict::Promote, 100);
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "advance 500 gate", "skips the dwell");
    assert_eq!(drive.intent(IntentKind::Rollback), "rollback 0 operator");
    drive.policy.enabled = false;
    drive.after(60 * MIN);
    drive.judged(Verdict::Promote, 0);
    assert_eq!(drive.tick(), "hold 0 shift_off");
    assert_eq!(drive.intent(IntentKind::PromoteOneStep), "promote 100 gate");
}

#[test]
fn changed_bars_begin_a_new_attempt_at_zero() {
    let mut drive = Drive::step();
    drive.gate.gate += 1;
    assert_eq!(drive.tick(), "candidate 0 policy_changed");
    assert_eq!((drive.state().stage, drive.state().attempt), (Stage::Shadow, 2));
    assert_eq!(drive.rows.last().map(|row| row.alpha_ppb), Some(7_599_088));
    let mut paused = Drive::step();
    paused.intent(IntentKind::Pause);
    paused.gate.gate += 1;
    assert_eq!(paused.tick(), "-");
    assert_eq!(paused.intent(IntentKind::Resume), "candidate 0 policy_changed");
}

#[test]
fn a_new_teacher_begins_a_new_attempt_once_it_has_settled() {
    for mut drive in [Drive::shadow(), Drive::step()] {
        let weight = drive.state().weight;
        drive.judged(hold(&[Missing::TeacherChanged]), 0);
        assert_eq!(drive.tick(), format!("hold {} teacher_changed", weight.0), "the weight stays meanwhile");
        drive.judged(hold(&[Missing::TeacherChanged]), 0);
        drive.seen.judged.as_mut().unwrap().new_teacher = true;
        assert_eq!(drive.tick(), "candidate 0 teacher_changed");
        assert_eq!((drive.state().stage, drive.state().attempt), (Stage::Shadow, 2));
    }
}

#[test]
fn evidence_of_another_attempt_or_policy_is_not_used() {
    for spoil in [(|j: &mut Judged| j.attempt += 1) as fn(&mut Judged), |j| j.policy.push('0')] {
        let mut drive = Drive::shadow();
        drive.judged(Verdict::Promote, 0);
        drive.seen.judged.as_mut().map(spoil);
        assert_eq!(drive.tick(), "hold 0 evidence");
    }
}

#[test]
fn the_digest_covers_every_field_but_itself() {
    let rows = Drive::step().rows;
    let row = rows[1].clone();
    assert_eq!(row.prev, rows[0].digest);
    assert_eq!(row.digest, digest(&row));
    assert_eq!(digest(&DecisionRow { digest: String::new(), ..row.clone() }), row.digest);
    assert_ne!(digest(&DecisionRow { to: Weight(101), ..row.clone() }), row.digest);
    assert_ne!(digest(&DecisionRow { reason: "x".to_owned(), ..row.clone() }), row.digest);
    assert_ne!(digest(&DecisionRow { prev: String::new(), ..row.clone() }), row.digest);
    let sample = Some(kolm_core::Sample { sample_root: "ab".repeat(32), sample_n: 7 });
    assert_ne!(digest(&DecisionRow { sample, ..row.clone() }), row.digest);
}

#[test]
fn rows_of_old_read_and_digest_as_they_did() {
    let row = Drive::step().rows.swap_remove(1);
    let old = serde_json::to_string(&row).unwrap();
    assert!(!old.contains("sample"), "{old}");
    assert_eq!(serde_json::from_str::<DecisionRow>(&old).unwrap(), row);
    let sample = Some(kolm_core::Sample { sample_root: "ab".repeat(32), sample_n: 7 });
    let new = serde_json::to_value(DecisionRow { sample: sample.clone(), ..row }).unwrap();
    assert_eq!((&new["sample_n"], new["sample_root"].as_str()), (&7.into(), Some(&*"ab".repeat(32))));
    assert_eq!(serde_json::from_value::<DecisionRow>(new).unwrap().sample, sample);
}
