//! A gateway frozen at one moment: three routes on three stages, and doors that remember.

use std::sync::{Arc, Mutex};

use kolm_core::{
    Answered, ArtifactId, AxisStatus, BetStatus, Bounds, CaptureStatus, ChallengerStatus, Claim, Counts,
    DecisionKind, DecisionRow, DiffQuery, FixedClock, Intent, KScore, LedgerStatus, MicroUsd, Ppm, RequestId,
    Review, RouteStatus, Savings, Stage, Status, Timestamp, TrainStatus, Weight,
};

use crate::{Doors, Frozen, Look};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn b(v: u32, lcb: u32, ucb: u32) -> Option<Bounds> {
    Some(Bounds { v: Ppm(v), lcb: Ppm(lcb), ucb: Ppm(ucb) })
}

pub(crate) fn artifact() -> ArtifactId {
    format!("sha256:{}", "3f9c27d1".repeat(8)).parse().unwrap()
}

/// What the store tells of its captures.
fn captures() -> serde_json::Value {
    serde_json::json!({
        "reasons": [
            { "namespace": "support", "reason": "", "pairs": 2_118 },
            { "namespace": "support", "reason": "quarantined", "pairs": 3 },
        ],
        "looked_at": 2_121, "touched": 402, "quarantined": 3,
        "findings": { "EMAIL": 12, "NAME": 390 },
        "templates": [{
            "namespace": "support", "surface": "chat", "template_hash": "0011223344556677",
            "pairs": 2_121, "eligible": 2_118, "first": 1, "last": 2,
        }],
        "recent": [{
            "id": rows()[0].id, "ts": NOW.0 - 61_000, "route": "support", "model": "gpt-4o-mini",
            "surface": "chat", "arm": "teacher", "status": 200, "outcome": "complete", "eligible": false,
            "reason": "quarantined", "tokens_in": 9, "tokens_out": 4, "cost_usd_micros": 5, "latency_ms": 300,
            "text": "Where is <b>my</b> parcel? Peter Lang", "answer": "delivery",
            "findings": { "NAME": 1 }, "quarantined": true,
        }],
    })
}

pub(crate) fn k() -> KScore {
    KScore {
        a: b(951_000, 893_000, 978_000),
        s: b(999_110, 999_110, 999_110),
        l: b(1_000_000, 996_000, 1_000_000),
        c: b(998_000, 991_000, 1_000_000),
        v: b(936_000, 901_000, 958_000),
        k: b(970_366, 940_017, 985_067),
    }
}

fn axes(k: &KScore) -> Vec<AxisStatus> {
    let line =
        |name: &str, need: Option<u32>, have| AxisStatus { name: name.into(), need: need.map(Ppm), have };
    vec![
        line("A", Some(900_000), k.a),
        line("S", None, k.s),
        line("L", None, k.l),
        line("C", None, k.c),
        line("V", Some(800_000), k.v),
        line("latency budget", Some(950_000), None),
        line("K", Some(850_000), k.k),
    ]
}

pub(crate) fn row(
    seq: u64,
    kind: DecisionKind,
    from: u16,
    to: u16,
    stage: Stage,
    because: &[&str],
) -> DecisionRow {
    let t = Timestamp(NOW.0 - 90_000_000 + seq as i64 * 9_000_000);
    DecisionRow {
        id: RequestId::from_parts(t, [seq as u8; 10]),
        route: "support".parse().unwrap(),
        seq,
        t,
        prev: String::new(),
        kind,
        because: because.iter().map(ToString::to_string).collect(),
        from: Weight(from),
        to: Weight(to),
        stage,
        artifact: Some(artifact()),
        policy: "9a8b7c6d5e4f".into(),
        attempt: 1,
        alpha_ppb: 30_396_355,
        n: Counts { requests: 640 + seq * 100, units: 312, ..Counts::default() },
        k: if seq > 2 { k() } else { KScore::default() },
        ceiling: None,
        basis: None,
        challenger: None,
        sample: None,
        actor: if kind == DecisionKind::Pause { "alice".into() } else { "reconciler".into() },
        reason: if kind == DecisionKind::Pause { "release day <b>freeze</b>".into() } else { String::new() },
        digest: format!("{seq:02}").repeat(32),
    }
}

pub(crate) fn rows() -> Vec<DecisionRow> {
    use DecisionKind::{Advance, Candidate, Distill, Dwell, Hold, Pause, Promote, Resume, Rollback};
    let steps = [
        (Distill, 0, 0, Stage::Distilling, vec!["2000 pairs"]),
        (Candidate, 0, 0, Stage::Shadow, vec![]),
        (Hold, 0, 0, Stage::Shadow, vec!["n", "units", "wall", "axis:A"]),
        (Promote, 0, 100, Stage::Step(Weight(100)), vec![]),
        (Advance, 100, 500, Stage::Step(Weight(500)), vec![]),
        (Rollback, 500, 0, Stage::Cooldown, vec!["student_crash"]),
        (Pause, 0, 0, Stage::Paused, vec![]),
        (Resume, 0, 0, Stage::Shadow, vec![]),
        (Promote, 0, 100, Stage::Step(Weight(100)), vec![]),
        (Dwell, 100, 100, Stage::Step(Weight(100)), vec!["38 units", "22 min"]),
    ];
    steps
        .iter()
        .zip(0..)
        .map(|((kind, from, to, stage, why), seq)| row(seq, *kind, *from, *to, *stage, why))
        .collect()
}

fn support() -> RouteStatus {
    RouteStatus {
        route: "support".parse().unwrap(),
        namespace: "support".parse().unwrap(),
        stage: Stage::Step(Weight(100)),
        sentence: "dwells at 1 %, 62 of 100 units at this step, 22 min to go".into(),
        weight: Weight(100),
        ladder: [100, 500, 2_500, 5_000, 10_000].map(Weight).to_vec(),
        actual: Ppm(9_700),
        artifact: Some(artifact()),
        student_up: true,
        engines: Vec::new(),
        attempt: 2,
        n: Counts {
            requests: 1_640,
            units: 812,
            double_primary: 128,
            critical: 0,
            step_units: 62,
            completeness_ppm: 991_000,
            dropped: 6,
        },
        k: k(),
        axes: axes(&k()),
        k_score_1: Some(0.771_34),
        ceiling: b(968_000, 941_000, 985_000),
        bets: [
            ("A", Claim::Below, 41_200, 526_400),
            ("V", Claim::Below, 9_204_000, 789_600),
            ("A", Claim::Holds, 3_900, 10_000_000),
            ("V", Claim::Holds, 1_000, 100_000_000),
        ]
        .map(|(name, against, milli, at)| BetStatus { name: name.into(), against, milli, at })
        .to_vec(),
        served_local: 1_912,
        served_cloud: 188_400,
        fallbacks: 14,
        shadow_dropped: vec![("cpu".into(), 2), ("load".into(), 4)],
        pairs: 24_310,
        pairs_wanted: 0,
        train: None,
        teacher_p95_us: 1_310_000,
        student_p95_us: 3_240,
        templates: Vec::new(),
        challenger: Some(ChallengerStatus {
            artifact: format!("sha256:{}", "c".repeat(64)).parse().unwrap(),
            attempt: 3,
            weight: Weight::ZERO,
            up: true,
            n: Counts { requests: 214, units: 88, ..Counts::default() },
            k: k(),
            axes: axes(&k()),
            bets: vec![BetStatus { name: "A".into(), against: Claim::Below, milli: 6_100, at: 789_600 }],
            champion: Some(Ppm(951_268)),
        }),
        break_even: None,
        savings: Savings {
            avoided: MicroUsd(12_410_000),
            paid: MicroUsd(1_204_000_000),
            local: MicroUsd(38_000),
            invested: MicroUsd(96_000),
        },
    }
}

fn young(name: &str, stage: Stage, sentence: &str) -> RouteStatus {
    let empty = KScore::default();
    RouteStatus {
        route: name.parse().unwrap(),
        stage,
        sentence: sentence.into(),
        weight: Weight::ZERO,
        actual: Ppm(0),
        artifact: None,
        student_up: false,
        engines: Vec::new(),
        attempt: 0,
        n: Counts::default(),
        k: empty,
        axes: axes(&empty),
        k_score_1: None,
        ceiling: None,
        bets: Vec::new(),
        served_local: 0,
        served_cloud: 4_120,
        fallbacks: 0,
        shadow_dropped: Vec::new(),
        pairs: 1_312,
        pairs_wanted: 2_000,
        student_p95_us: 0,
        templates: Vec::new(),
        challenger: None,
        break_even: None,
        savings: Savings { paid: MicroUsd(310_400), ..Savings::default() },
        ..support()
    }
}

pub(crate) fn status() -> Status {
    let mut distilling = young("invoices", Stage::Distilling, "distilling: 4 200 pairs, epoch 7 of 20");
    distilling.train =
        Some(TrainStatus { phase: "fit".into(), step: 700, steps: 2_000, loss: 0.2134, valid: 0.931 });
    Status {
        version: "kolm 0.1.0".into(),
        since: Timestamp(NOW.0 - 93_784_000),
        config_version: 3,
        listen: "127.0.0.1:8765".into(),
        admin: "127.0.0.1:8766".into(),
        routes: vec![
            support(),
            distilling,
            young("triage", Stage::Collecting, "collecting: 1 312 of 2 000 pairs"),
        ],
        upstreams: Vec::new(),
        capture: CaptureStatus {
            accepted: 192_546,
            stored: 192_410,
            spooled: 120,
            dropped: vec![("oversize".into(), 3), ("queue_full".into(), 9)],
        },
        ledger: LedgerStatus { opens: 194_432, closes: 194_430, lost: 1, none: 0 },
    }
}

/// What went through the doors.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) intents: Arc<Mutex<Vec<Intent>>>,
    pub(crate) reviews: Arc<Mutex<Vec<Review>>>,
    pub(crate) queries: Arc<Mutex<Vec<DiffQuery>>>,
}

pub(crate) fn doors(seen: &Seen) -> Doors {
    let intents = seen.intents.clone();
    Doors {
        status: Arc::new(status),
        metrics: Arc::new(|| "kolm_up 1\n".into()),
        ready: Arc::new(|| true),
        intent: Arc::new(move |intent| {
            if intent.reason.contains("refuse") {
                return Err("the route is in cooldown".into());
            }
            intents.lock().unwrap().push(intent.clone());
            let decision = rows().pop().filter(|_| !intent.reason.contains("in vain"));
            let answered = Answered { sentence: "paused at 0 %".to_owned(), decision };
            Ok(Box::pin(async move { Some(answered) }))
        }),
        config: Arc::new(|| crate::InForce {
            version: 4,
            digest: "d4".into(),
            file: Some("/etc/kolm/gateway.toml".into()),
            text: "airgap = true\n".into(),
        }),
        edit: Arc::new(|edit| match (edit.text.as_deref(), edit.if_match.as_deref()) {
            (Some("airgap = false"), Some("d4")) => {
                Ok(serde_json::json!({ "config_version": 5, "by": edit.by }))
            }
            (Some(_), Some("old")) => Err(crate::EditRefused::Stale("d4".into())),
            (Some(_), Some("d4")) | (None, None) => Err(crate::EditRefused::Problems(vec![
                serde_json::json!({ "path": "routes.support.rollout.steps[2]", "message": "40 % follows 50 %" }),
            ])),
            other => Err(crate::EditRefused::Conflict(format!("{other:?}"))),
        }),
        decisions: Arc::new(|route| {
            Box::pin(async move {
                Ok(rows().into_iter().filter(|r| route.as_ref().is_none_or(|n| *n == r.route)).collect())
            })
        }),
        look: Arc::new(|look| {
            Box::pin(async move {
                match look {
                    Look::Templates(limit) => Ok(Some(serde_json::json!([{ "limit": limit }]))),
                    Look::Captures => Ok(Some(captures())),
                    Look::Pair(id) if id == rows()[0].id => Ok(Some(serde_json::json!({ "id": id }))),
                    Look::Pair(_) => Ok(None),
                    Look::Statements(route) => Ok(Some(serde_json::json!([{ "payload": route }]))),
                    Look::Sample(row) => Ok(Some(serde_json::json!(row.sample))),
                }
            })
        }),
        shadow: super::shadow::doors(seen),
        spent: Arc::new(|| Box::pin(async { Ok(super::shadow::spent()) })),
        freeze: Arc::new(|order| {
            Box::pin(async move {
                Ok(Frozen {
                    id: "snap-0011223344556677".into(),
                    namespace: order.namespace.to_string(),
                    rows: 12,
                    sha256: "ab".repeat(32),
                    policy: "default".into(),
                    frozen_at: NOW,
                })
            })
        }),
        clock: Arc::new(FixedClock::at(NOW)),
    }
}
