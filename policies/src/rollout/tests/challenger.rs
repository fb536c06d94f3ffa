//! A newer student beside the one that serves.

use kolm_core::Bounds;

use super::*;

/// What the gate says of the challenger, whose K is at least `lcb`, and what the champion's is meanwhile.
fn beside(drive: &mut Drive, verdict: Verdict, units: u64, lcb: u32, champion: Option<u32>) {
    let attempt = drive.state().challenger.map_or(0, |challenger| challenger.attempt);
    let mut own = drive.judgement(verdict, units, attempt);
    own.k.k = Some(Bounds { v: Ppm(lcb + 10_000), lcb: Ppm(lcb), ucb: Ppm::ONE });
    drive.seen.challenger = Rival { judged: Some(own), hard: None, champion: champion.map(Ppm) };
}

/// A champion at 25 % that lacks what it takes to climb further, and a challenger.
fn challenged() -> Drive {
    let mut drive = Drive::step();
    for _ in 0..2 {
        drive.judged(Verdict::Promote, 100);
        drive.after(10 * MIN);
    }
    drive.judged(hold(&[Missing::A]), 0);
    assert_eq!(drive.tick(), "hold 2500 axis:A");
    drive.seen.candidate = Some(artifact('b'));
    assert_eq!(drive.tick(), "challenge 2500 new_artifact");
    drive
}

fn last(drive: &Drive) -> (u16, u16, u32) {
    let challenge = drive.rows.last().and_then(|row| row.challenger.clone()).unwrap();
    (challenge.from.0, challenge.to.0, challenge.attempt)
}

#[test]
fn a_better_one_climbs_within_the_champions_weight_and_takes_its_place() {
    let mut drive = challenged();
    assert_eq!(last(&drive), (0, 0, 2));
    assert_eq!(drive.rows.last().map(|row| row.alpha_ppb), Some(7_599_088), "alpha is spent per route");
    assert_eq!(drive.tick(), "hold 2500 evidence");
    for (champion, told) in [(Some(960_000), "hold 2500 champion"), (None, "-")] {
        beside(&mut drive, Verdict::Promote, 0, 950_000, champion);
        assert_eq!(drive.tick(), told, "not proven better than {champion:?}");
    }
    for (to, kind) in [(100, "promote"), (500, "advance")] {
        beside(&mut drive, Verdict::Promote, 100, 950_000, Some(950_000));
        assert_eq!(drive.after(10 * MIN), format!("{kind} 2500 gate"));
        assert_eq!(last(&drive).1, to);
        let state = drive.state();
        assert_eq!((state.weight, state.artifact, state.attempt), (Weight(2_500), Some(artifact('a')), 1));
    }
    beside(&mut drive, Verdict::Promote, 99, 950_000, Some(950_000));
    assert_eq!(drive.after(10 * MIN), "dwell 2500 units", "a step of the challenger's takes its own units");
    let served = drive.state().challenger.unwrap();
    beside(&mut drive, Verdict::Promote, 100, 950_000, Some(950_000));
    assert_eq!(drive.tick(), "succeed 2500 gate");
    assert!(drive.said.ends_with("; the challenger takes over at 25 %"), "{}", drive.said);
    let state = drive.state();
    assert_eq!((state.weight, state.artifact, state.attempt), (Weight(2_500), Some(artifact('b')), 2));
    assert_eq!((state.promoted_at, state.since), (served.promoted_at, drive.now));
    assert_eq!(state.challenger, None);
}

#[test]
fn a_bad_one_is_dismissed_and_its_attempt_is_spent() {
    let hard = |drive: &mut Drive| drive.seen.challenger.hard = Some(Breach::StudentCrash);
    let alarm = |drive: &mut Drive| {
        drive.seen.challenger.judged.as_mut().unwrap().alarm = Some(Breach::Detector("a"));
    };
    let over = |drive: &mut Drive| {
        drive.seen.challenger.judged.as_mut().unwrap().verdict = reject(Breach::Exhausted);
    };
    for (spoil, word) in [
        (hard as fn(&mut Drive), "student_crash"),
        (alarm, "detector:a"),
        (over, "exhausted"),
        (|drive| drive.seen.challenger.judged.as_mut().unwrap().verdict = reject(Breach::K), "k_below_gate"),
    ] {
        for served in [false, true] {
            let mut drive = challenged();
            if served {
                beside(&mut drive, Verdict::Promote, 0, 950_000, Some(0));
                assert_eq!(drive.tick(), "promote 2500 gate");
            }
            beside(&mut drive, Verdict::Promote, 0, 950_000, Some(0));
            spoil(&mut drive);
            assert_eq!(drive.tick(), format!("dismiss 2500 {word}"));
            assert_eq!(last(&drive), (if served { 100 } else { 0 }, 0, 2));
            let state = drive.state();
            assert_eq!(
                (state.weight, state.artifact, state.challenger),
                (Weight(2_500), Some(artifact('a')), None)
            );
            drive.seen.candidate = Some(artifact('c'));
            assert_eq!(drive.tick(), "challenge 2500 new_artifact");
            assert_eq!(last(&drive).2, 3, "no attempt is used twice");
        }
    }
}

#[test]
fn a_champion_that_falls_leaves_the_challenger_as_the_next_candidate() {
    let mut drive = challenged();
    beside(&mut drive, Verdict::Promote, 0, 950_000, Some(0));
    assert_eq!(drive.tick(), "promote 2500 gate");
    drive.seen.hard = Some(Breach::Breaker);
    assert_eq!(drive.tick(), "rollback 0 breaker");
    drive.seen.hard = None;
    let state = drive.state();
    assert_eq!(state.challenger.map(|challenger| challenger.weight), Some(Weight::ZERO), "it falls too");
    assert_eq!(drive.after(60 * MIN), "candidate 0 cooldown_over");
    let state = drive.state();
    assert_eq!((state.artifact, state.attempt, state.challenger), (Some(artifact('b')), 3, None));
    let mut paused = challenged();
    assert_eq!(paused.intent(IntentKind::Pause), "pause 0");
    assert_eq!(paused.intent(IntentKind::Resume), "resume 0");
    assert_eq!(paused.tick(), "candidate 0 new_artifact");
    assert_eq!(paused.state().artifact, Some(artifact('b')));
}

#[test]
fn a_student_in_service_is_trained_anew_and_a_failed_training_is_said_once() {
    let mut drive = Drive::new();
    drive.seen.pairs = 200;
    assert_eq!(drive.tick(), "distill 0 pairs:200");
    drive.seen.candidate = Some(artifact('a'));
    assert_eq!(drive.tick(), "candidate 0 new_artifact");
    drive.judged(Verdict::Promote, 0);
    assert_eq!(drive.tick(), "promote 100 gate");
    drive.judged(hold(&[Missing::A]), 0);
    drive.seen.pairs = 300;
    assert_eq!([drive.tick(), drive.tick()], ["hold 100 axis:A", "distill 100 pairs:300"]);
    assert_eq!([drive.tick(), drive.tick()], ["hold 100 axis:A", "-"], "one training at a time");
    assert!(drive.said.ends_with("; a newer student is being trained"), "{}", drive.said);
    drive.seen.training = Training::Failed { why: "no labels".to_owned() };
    assert_eq!(drive.tick(), "hold 100 training:no labels");
    assert_eq!([drive.tick(), drive.tick()], ["hold 100 axis:A", "-"]);
    drive.seen.drift = Some(drifted());
    drive.seen.pairs = 310;
    assert_eq!(drive.tick(), "distill 100 drift:label");
    drive.seen.candidate = Some(artifact('b'));
    assert_eq!([drive.tick(), drive.tick()], ["hold 100 axis:A", "challenge 100 new_artifact"]);
    assert_eq!((drive.state().stage, drive.state().training), (Stage::Step(Weight(100)), None));
}

#[test]
fn people_may_end_the_trial_or_skip_its_dwell_and_no_floor() {
    let mut drive = challenged();
    assert_eq!(drive.intent(IntentKind::Dismiss), "dismiss 2500 operator");
    assert_eq!(drive.intent(IntentKind::Dismiss), "-");
    assert_eq!(drive.said, "dismiss refused at step 25 %: nothing to do");
    let mut full = challenged();
    for _ in 0..2 {
        full.judged(Verdict::Promote, 100);
        full.after(10 * MIN);
    }
    assert_eq!(full.state().stage, Stage::Full);
    full.policy.enabled = false;
    beside(&mut full, Verdict::Promote, 0, 950_000, Some(950_001));
    assert_eq!(full.intent(IntentKind::PromoteOneStep), "hold 10000 champion");
    beside(&mut full, Verdict::Promote, 0, 950_000, Some(950_000));
    assert_eq!(full.tick(), "hold 10000 shift_off");
    assert_eq!(full.intent(IntentKind::PromoteOneStep), "promote 10000 gate");
    assert_eq!(last(&full), (0, 100, 2));
}
