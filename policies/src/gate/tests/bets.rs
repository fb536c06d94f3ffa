//! The e-values that people see say what the bounds say.

use kolm_core::{BetStatus, Claim};

use super::*;

fn bet(bets: &[BetStatus], name: &str, against: Claim) -> (u64, u64) {
    let found = bets.iter().find(|bet| bet.name == name && bet.against == against);
    found.map(|bet| (bet.milli, bet.at)).unwrap()
}

#[test]
fn without_evidence_nothing_is_won_and_nothing_rings() {
    let bets = bets(&Evidence::new(&small(), 1, 1));
    let names: Vec<(&str, Claim, u64)> =
        bets.iter().map(|bet| (bet.name.as_str(), bet.against, bet.milli)).collect();
    assert_eq!(names, [("A", Claim::Below, 1_000), ("V", Claim::Below, 1_000)]);
    // An attempt's alpha is 30,396,355 ppb, of which A has a quarter and V a sixth.
    assert_eq!(bets.iter().map(|bet| bet.at).collect::<Vec<_>>(), [131_595, 197_393]);
}

#[test]
fn a_floor_has_lost_where_its_bound_stands() {
    for every in [2, 3, 4, 5, 6, 8, 12, 40] {
        let scores = edited(|i, score| score.served = !i.is_multiple_of(every));
        let evidence = gather(&small(), &scores);
        let (won, at) = bet(&bets(&evidence), "V", Claim::Below);
        let lcb = judge(&evidence, Timestamp(HOUR)).k.v.unwrap().lcb;
        assert_eq!(won >= at, lcb.0 >= small().v_floor, "one of {every}: {won} of {at}, {lcb}");
    }
    let evidence = gather(&small(), &good());
    for name in ["A", "V", "latency"] {
        let (won, at) = bet(&bets(&evidence), name, Claim::Below);
        assert!(won >= at, "{name} {won} of {at}");
    }
}

#[test]
fn a_promoted_student_is_watched_and_an_alarm_is_seen_to_ring() {
    let mut evidence = gather(&small(), &good());
    evidence.arm();
    let armed = bets(&evidence);
    for (name, alarm) in [("A", 10_000_000), ("V", 100_000_000), ("latency", 100_000_000)] {
        assert_eq!(bet(&armed, name, Claim::Holds), (1_000, alarm));
    }
    for i in 0..60 {
        evidence.observe(&Score { t: Timestamp(HOUR + i), a: Some(Ppm(0)), ..score(3_000 + i as u64) });
    }
    evidence.close_idle(Timestamp(2 * HOUR));
    let (won, at) = bet(&bets(&evidence), "A", Claim::Holds);
    assert!(won >= at && evidence.alarm() == Some(Breach::Detector("a")), "{won} of {at}");
    evidence.disarm();
    assert!(bets(&evidence).iter().all(|bet| bet.against == Claim::Below));
}
