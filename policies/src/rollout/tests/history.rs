//! Random histories: the rows are a chain, and rebuild the route.

use kolm_core::Bounds;
use proptest::prelude::*;

use super::*;

/// What may happen between two looks.
fn happening() -> impl Strategy<Value = (u8, i64, u64)> {
    (0u8..26, 0i64..90 * MIN, 0u64..200)
}

/// What is seen of the challenger, sometimes better and sometimes worse than the champion.
fn rival(drive: &mut Drive, verdict: Verdict, units: u64) {
    let attempt = drive.state().challenger.map_or(0, |challenger| challenger.attempt);
    let mut own = drive.judgement(verdict, units, attempt);
    own.k.k = Some(Bounds::exact(Ppm(900_000)));
    let champion = [None, Some(Ppm(910_000)), Some(Ppm(890_000)), Some(Ppm(890_000))][units as usize % 4];
    drive.seen.challenger = Rival { judged: Some(own), hard: None, champion };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn history_is_a_chain_that_rebuilds_the_route(events in prop::collection::vec(happening(), 1..90)) {
        let mut drive = Drive::new();
        for (what, ms, units) in events {
            drive.seen.hard = None;
            match what {
                0 => drive.seen.pairs += units,
                1 => drive.seen.candidate = Some(artifact('a')),
                2 => drive.seen.candidate = Some(artifact('b')),
                3..=6 => drive.judged(Verdict::Promote, units),
                7 => drive.judged(hold(&[Missing::A]), units),
                8 => drive.judged(reject(Breach::K), units),
                9 => drive.seen.hard = Some(Breach::Breaker),
                10 => drop(drive.intent(IntentKind::Pause)),
                11 => drop(drive.intent(IntentKind::Resume)),
                12 => drop(drive.intent(IntentKind::Rollback)),
                13 => drive.gate.min_units += 1,
                14 => drive.seen.training = Training::Failed { why: "x".to_owned() },
                15 => drive.seen.training = Training::Idle,
                16 => drive.seen.drift = Some(drifted()),
                17 => {
                    drive.judged(hold(&[Missing::TeacherChanged]), units);
                    drive.seen.judged.as_mut().unwrap().new_teacher = units > 100;
                }
                18 => {
                    drive.judged(Verdict::Promote, units);
                    drive.seen.judged.as_mut().unwrap().alarm = Some(Breach::Detector("v"));
                }
                19 => drop(drive.intent(IntentKind::Dismiss)),
                20..=23 => rival(&mut drive, Verdict::Promote, units),
                24 => rival(&mut drive, reject(Breach::K), units),
                _ => drop(drive.intent(IntentKind::PromoteOneStep)),
            }
            let before = drive.state();
            drive.after(ms);
            let after = drive.state();
            if after.weight > before.weight {
                let promoted = drive.seen.judged.as_ref().is_some_and(|j| j.verdict == Verdict::Promote);
                prop_assert!(promoted, "only a passed gate raises a weight");
                let step = drive.policy.steps.iter().position(|s| *s == after.weight);
                let from = drive.policy.steps.iter().position(|s| *s == before.weight);
                prop_assert_eq!(step, Some(from.map_or(0, |at| at + 1)), "one step at a time");
            }
            prop_assert_eq!(after.weight, after.stage.weight());
            let share = |state: &State| state.challenger.as_ref().map_or(Weight::ZERO, |own| own.weight);
            prop_assert!(share(&after) == Weight::ZERO || share(&after) < after.weight, "within the champion's");
            let succeeded = drive.rows.last().is_some_and(|row| row.kind == DecisionKind::Succeed && row.seq == before.seq);
            if share(&after) > share(&before) || succeeded {
                let seen = &drive.seen.challenger;
                let judged = seen.judged.as_ref().unwrap();
                prop_assert!(judged.verdict == Verdict::Promote && judged.k.k.map(|k| k.lcb) >= seen.champion);
            }
            if after.artifact != before.artifact && after.weight > Weight::ZERO {
                prop_assert!(succeeded && after.weight == before.weight, "clients meet another student by one row alone");
            }
            let (stage, weight, artifact, attempt) = drive.table.clone();
            prop_assert_eq!((after.stage, after.weight, after.artifact, after.attempt), (stage, weight, artifact, attempt));
        }
        let mut state = State::default();
        for (seq, row) in drive.rows.iter().enumerate() {
            prop_assert_eq!((row.seq, &row.prev, row.from), (seq as u64, &state.prev, state.weight));
            prop_assert_eq!(&digest(row), &row.digest);
            state.apply(row);
        }
        prop_assert_eq!(state, drive.state());
        let begun = |row: &DecisionRow| match (row.kind, &row.challenger) {
            (DecisionKind::Candidate, _) => Some(row.attempt),
            (DecisionKind::Challenge, Some(own)) => Some(own.attempt),
            _ => None,
        };
        let attempts: Vec<_> = drive.rows.iter().filter_map(begun).collect();
        prop_assert_eq!(attempts.clone(), (1..=attempts.len() as u32).collect::<Vec<_>>());
    }
}
