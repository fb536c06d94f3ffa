//! Rows as people read them.

use expect_test::{Expect, expect};
use kolm_core::{
    Basis, Bounds, Counts, DecisionKind, DecisionRow, KScore, Moments, Ppm, RequestId, Stage, Timestamp,
    Weight, Within,
};

use super::*;
use crate::gate::GatePolicy;

fn bounds(v: u32, lcb: u32, ucb: u32) -> Option<Bounds> {
    Some(Bounds { v: Ppm(v), lcb: Ppm(lcb), ucb: Ppm(ucb) })
}

fn moments(n: u64, mean: u32, var: u32) -> Moments {
    Moments { n, mean: Ppm(mean), var: Ppm(var) }
}

fn basis() -> Basis {
    Basis {
        bars: GatePolicy::default().bars(),
        wall_ms: 9 * 3_600_000,
        a: moments(301, 921_000, 72_759),
        b: moments(124, 968_000, 30_976),
        v: moments(312, 936_000, 59_904),
        latency: None,
        ttft: None,
        detectors: None,
    }
}

/// The row of the design's page.
fn hold() -> DecisionRow {
    DecisionRow {
        id: RequestId::from_parts(Timestamp(1), [0; 10]),
        route: "support-mini".parse().unwrap(),
        seq: 7,
        t: Timestamp(1),
        prev: String::new(),
        kind: DecisionKind::Hold,
        because: vec!["wall".to_owned(), "axis:A".to_owned()],
        from: Weight(0),
        to: Weight(0),
        stage: Stage::Shadow,
        artifact: None,
        policy: String::new(),
        attempt: 1,
        alpha_ppb: 30_396_355,
        n: Counts {
            requests: 640,
            units: 312,
            double_primary: 128,
            critical: 0,
            step_units: 0,
            completeness_ppm: 991_000,
            dropped: 6,
        },
        k: KScore {
            a: bounds(951_000, 893_000, 978_000),
            s: bounds(869_791, 869_791, 869_791),
            l: bounds(1_000_000, 1_000_000, 1_000_000),
            c: bounds(1_000_000, 1_000_000, 1_000_000),
            v: bounds(936_000, 901_000, 958_000),
            k: bounds(951_268, 922_818, 965_369),
        },
        ceiling: bounds(968_000, 941_000, 985_000),
        basis: Some(basis()),
        challenger: None,
        sample: None,
        actor: "reconciler".to_owned(),
        reason: String::new(),
        digest: String::new(),
    }
}

fn check(row: &DecisionRow, page: Expect) {
    page.assert_eq(&explain(row));
}

#[test]
fn the_page_of_the_design() {
    check(
        &hold(),
        expect![[r#"
            support-mini: hold at 0 bp, attempt 1, 312 of 50 units, 640 requests, 9 h of 24 h          missing: wall, axis:A
            axis  value    lcb..ucb          need     margin      K 951,268 (922,818..965,369), gate 850,000
            A     951,000  893,000..978,000  900,000  -7,000      ceiling b 968,000 (941,000..985,000), n 128
            V     936,000  901,000..958,000  800,000  +101,000    completeness 991,000, dropped 6, critical 0 of 640
            beside: S 869,791 (869,791..869,791), L 1,000,000 (1,000,000..1,000,000), C 1,000,000 (1,000,000..1,000,000)
            to go: A about 1,003 units
        "#]],
    );
}

#[test]
fn a_step_with_streams_and_detectors() {
    let within = |v, lcb| Within { share: bounds(v, lcb, 999_000).unwrap(), units: moments(1_312, v, 4_000) };
    let row = DecisionRow {
        kind: DecisionKind::Advance,
        because: vec!["gate".to_owned()],
        from: Weight(500),
        to: Weight(2_500),
        stage: Stage::Step(Weight(2_500)),
        basis: Some(Basis {
            wall_ms: 40 * 3_600_000,
            v: moments(1_312, 790_000, 165_900),
            latency: Some(within(996_000, 981_000)),
            ttft: Some(within(960_000, 949_000)),
            detectors: Some([1_250, 1_000, 3_900]),
            ..basis()
        }),
        k: KScore { v: bounds(790_000, 760_000, 820_000), ..hold().k },
        ..hold()
    };
    check(
        &row,
        expect![[r#"
            support-mini: advance from 500 to 2500 bp, attempt 1, 312 of 50 units, 640 requests, 40 h of 24 h          because: gate
            axis  value    lcb..ucb          need     margin      K 951,268 (922,818..965,369), gate 850,000
            A     951,000  893,000..978,000  900,000  -7,000      ceiling b 968,000 (941,000..985,000), n 128
            V     790,000  760,000..820,000  800,000  -40,000     completeness 991,000, dropped 6, critical 0 of 640
            lat   996,000  981,000..999,000  950,000  +31,000
            ttft  960,000  949,000..999,000  950,000  -1,000
            beside: S 869,791 (869,791..869,791), L 1,000,000 (1,000,000..1,000,000), C 1,000,000 (1,000,000..1,000,000)
            to go: A about 1,003 units, V never at this mean, ttft about 7 units
            detectors: a 1.2, v 1.0, latency 3.9; alarm at 10,000, 100,000, 100,000
        "#]],
    );
}

#[test]
fn rows_without_evidence_and_rows_of_old() {
    let candidate = DecisionRow {
        kind: DecisionKind::Candidate,
        because: vec!["new_artifact".to_owned()],
        k: KScore::default(),
        ceiling: None,
        basis: None,
        challenger: None,
        ..hold()
    };
    check(
        &candidate,
        expect![[r#"
        support-mini: candidate at 0 bp, attempt 1          because: new_artifact
    "#]],
    );
    let rollback = DecisionRow {
        kind: DecisionKind::Rollback,
        because: vec!["detector:a".to_owned()],
        from: Weight(10_000),
        to: Weight(0),
        stage: Stage::Cooldown,
        basis: None,
        challenger: None,
        ..hold()
    };
    check(
        &rollback,
        expect![[r#"
            support-mini: rollback from 10000 to 0 bp, attempt 1, 312 units, 640 requests          because: detector:a
            axis  value    lcb..ucb          need     margin      K 951,268 (922,818..965,369)
            A     951,000  893,000..978,000  -        -           ceiling b 968,000 (941,000..985,000), n 128
            V     936,000  901,000..958,000  -        -           completeness 991,000, dropped 6, critical 0 of 640
            beside: S 869,791 (869,791..869,791), L 1,000,000 (1,000,000..1,000,000), C 1,000,000 (1,000,000..1,000,000)
        "#]],
    );
    // A row that was written before rows named their bars reads as it was, and so does its digest.
    let json = serde_json::to_string(&rollback).unwrap();
    assert!(!json.contains("basis"));
    assert_eq!(serde_json::from_str::<DecisionRow>(&json).unwrap(), rollback);
}

#[test]
fn an_axis_without_evidence_is_a_dash() {
    let row = DecisionRow { k: KScore { a: None, k: None, ..hold().k }, ceiling: None, ..hold() };
    check(
        &row,
        expect![[r#"
            support-mini: hold at 0 bp, attempt 1, 312 of 50 units, 640 requests, 9 h of 24 h          missing: wall, axis:A
            axis  value    lcb..ucb          need     margin      K unknown, gate 850,000
            A     -        -                 900,000  -           ceiling b unknown, n 128
            V     936,000  901,000..958,000  800,000  +101,000    completeness 991,000, dropped 6, critical 0 of 640
            beside: S 869,791 (869,791..869,791), L 1,000,000 (1,000,000..1,000,000), C 1,000,000 (1,000,000..1,000,000)
        "#]],
    );
}

#[test]
fn numbers_are_grouped() {
    for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
        assert_eq!(count(n), text);
    }
}
