//! A verdict as an in-toto Statement: what a Decision row says to somebody who has neither the store nor the ledger.
//!
//! **Invariant:** from the row alone, so that a statement that was lost is made again byte for byte.

use kolm_core::{DecisionKind, DecisionRow, rfc3339};
use kolm_wire::canonical_json;
use serde_json::{Value, json};

/// The type of a Statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The type of what it says of its subject.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/verification_summary/v1";
/// Who says it: the gate, by its rule.
const VERIFIER: &str = "kolm:gate/kolm-k/1";

/// What a statement says came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
}

/// Which rows are verdicts on a student, and how they came out.
fn result(kind: DecisionKind) -> Option<Outcome> {
    match kind {
        DecisionKind::Promote | DecisionKind::Done | DecisionKind::Succeed => Some(Outcome::Passed),
        DecisionKind::Reject | DecisionKind::Rollback | DecisionKind::Dismiss => Some(Outcome::Failed),
        DecisionKind::Distill
        | DecisionKind::Candidate
        | DecisionKind::Challenge
        | DecisionKind::Advance
        | DecisionKind::Dwell
        | DecisionKind::Hold
        | DecisionKind::Pause
        | DecisionKind::Resume => None,
    }
}

/// The statement about a row, in canonical JSON; `None` where the row is no verdict.
pub fn statement(row: &DecisionRow) -> Option<String> {
    Some(canonical_json(&value(row, result(row.kind)?)))
}

fn value(row: &DecisionRow, result: Outcome) -> Value {
    let (word, level) = match result {
        Outcome::Passed => ("PASSED", "KOLM_K1"),
        Outcome::Failed => ("FAILED", "FAILED"),
    };
    let (route, seq) = (&row.route, row.seq);
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [{ "name": format!("kolm:decision/{route}/{seq}"), "digest": { "sha256": row.digest } }],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": { "id": VERIFIER },
            "timeVerified": rfc3339(row.t),
            "resourceUri": format!("kolm:route/{route}"),
            "policy": { "uri": format!("kolm:policy/{route}"), "digest": { "sha256": row.policy } },
            "inputAttestations": inputs(row),
            "verificationResult": word,
            "verifiedLevels": [level],
        },
    })
}

/// The scores, by their root, and the artifact, whose identity is the digest of its manifest.
fn inputs(row: &DecisionRow) -> Vec<Value> {
    let scores = row.sample.as_ref().map(|sample| {
        let uri = format!("kolm:scores/{}/{}?n={}", row.route, row.judged_attempt(), sample.sample_n);
        json!({ "uri": uri, "digest": { "rfc6962-sha256": sample.sample_root } })
    });
    let manifest = row.judged_artifact().map(|artifact| {
        let digest = artifact.as_str().trim_start_matches("sha256:");
        json!({ "uri": format!("kolm:artifact/{artifact}"), "digest": { "sha256": digest } })
    });
    scores.into_iter().chain(manifest).collect()
}

/// Where a statement differs from what its row says, as JSON pointers; a later version may say more.
pub fn differs(statement: &Value, row: &DecisionRow) -> Vec<&'static str> {
    const SAID: [&str; 9] = [
        "/_type",
        "/subject",
        "/predicateType",
        "/predicate/timeVerified",
        "/predicate/resourceUri",
        "/predicate/policy/digest",
        "/predicate/inputAttestations",
        "/predicate/verificationResult",
        "/predicate/verifiedLevels",
    ];
    let want = result(row.kind).map_or(Value::Null, |result| value(row, result));
    SAID.into_iter()
        .filter(|at| statement.pointer(at).is_none() || statement.pointer(at) != want.pointer(at))
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use kolm_core::{Counts, KScore, RequestId, Sample, Stage, Timestamp, Weight};

    use super::*;

    fn row(kind: DecisionKind) -> DecisionRow {
        let t = Timestamp(1_795_219_200_850);
        DecisionRow {
            id: RequestId::from_parts(t, [1; 10]),
            route: "support".parse().unwrap(),
            seq: 4,
            t,
            prev: String::new(),
            kind,
            because: Vec::new(),
            from: Weight(0),
            to: Weight(100),
            stage: Stage::Step(Weight(100)),
            artifact: Some(format!("sha256:{}", "ab".repeat(32)).parse().unwrap()),
            policy: "cd".repeat(32),
            attempt: 2,
            alpha_ppb: 7_599_088,
            n: Counts::default(),
            k: KScore::default(),
            ceiling: None,
            basis: None,
            challenger: None,
            sample: Some(Sample { sample_root: "ef".repeat(32), sample_n: 640 }),
            actor: "reconciler".to_owned(),
            reason: String::new(),
            digest: "01".repeat(32),
        }
    }

    #[test]
    fn a_promotion_in_full() {
        expect![[r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"inputAttestations":[{"digest":{"rfc6962-sha256":"efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"},"uri":"kolm:scores/support/2?n=640"},{"digest":{"sha256":"abababababababababababababababababababababababababababababababab"},"uri":"kolm:artifact/sha256:abababababababababababababababababababababababababababababababab"}],"policy":{"digest":{"sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},"uri":"kolm:policy/support"},"resourceUri":"kolm:route/support","timeVerified":"2026-11-21T00:00:00Z","verificationResult":"PASSED","verifiedLevels":["KOLM_K1"],"verifier":{"id":"kolm:gate/kolm-k/1"}},"predicateType":"https://slsa.dev/verification_summary/v1","subject":[{"digest":{"sha256":"0101010101010101010101010101010101010101010101010101010101010101"},"name":"kolm:decision/support/4"}]}"#]].assert_eq(&statement(&row(DecisionKind::Promote)).unwrap());
    }

    #[test]
    fn verdicts_are_stated_and_nothing_else() {
        use DecisionKind::{
            Advance, Challenge, Dismiss, Done, Dwell, Hold, Pause, Promote, Reject, Resume, Rollback, Succeed,
        };
        for (kind, want) in [
            (Promote, Some(("PASSED", "KOLM_K1"))),
            (Done, Some(("PASSED", "KOLM_K1"))),
            (Succeed, Some(("PASSED", "KOLM_K1"))),
            (Dismiss, Some(("FAILED", "FAILED"))),
            (Challenge, None),
            (Reject, Some(("FAILED", "FAILED"))),
            (Rollback, Some(("FAILED", "FAILED"))),
            (Advance, None),
            (Dwell, None),
            (Hold, None),
            (Pause, None),
            (Resume, None),
        ] {
            let stated = statement(&row(kind)).map(|text| serde_json::from_str::<Value>(&text).unwrap());
            assert_eq!(stated.is_some(), want.is_some(), "{kind:?}");
            if let Some((stated, (result, level))) = stated.zip(want) {
                assert_eq!(stated["predicate"]["verificationResult"], result, "{kind:?}");
                assert_eq!(stated["predicate"]["verifiedLevels"], json!([level]), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_verdict_on_a_challenger_names_its_scores_and_its_artifact() {
        let artifact: kolm_core::ArtifactId = format!("sha256:{}", "77".repeat(32)).parse().unwrap();
        let challenger = Some(kolm_core::Challenge {
            artifact: artifact.clone(),
            attempt: 3,
            from: Weight(0),
            to: Weight(100),
            champion: None,
        });
        let about = DecisionRow { challenger, ..row(DecisionKind::Promote) };
        let stated: Value = serde_json::from_str(&statement(&about).unwrap()).unwrap();
        let inputs = &stated["predicate"]["inputAttestations"];
        assert_eq!(inputs[0]["uri"], "kolm:scores/support/3?n=640");
        assert_eq!(inputs[1]["uri"], format!("kolm:artifact/{artifact}"));
    }

    #[test]
    fn without_scores_or_artifact_they_are_left_out() {
        let bare = DecisionRow { sample: None, artifact: None, ..row(DecisionKind::Rollback) };
        let stated: Value = serde_json::from_str(&statement(&bare).unwrap()).unwrap();
        assert_eq!(stated["predicate"]["inputAttestations"], json!([]));
    }

    #[test]
    fn a_statement_about_another_row_differs() {
        let own = row(DecisionKind::Promote);
        let stated: Value = serde_json::from_str(&statement(&own).unwrap()).unwrap();
        assert_eq!(differs(&stated, &own), Vec::<&str>::new());
        let other = DecisionRow { digest: "02".repeat(32), t: Timestamp(0), ..own.clone() };
        assert_eq!(differs(&stated, &other), ["/subject", "/predicate/timeVerified"]);
        let failed = DecisionRow { kind: DecisionKind::Rollback, ..own.clone() };
        assert_eq!(differs(&stated, &failed), ["/predicate/verificationResult", "/predicate/verifiedLevels"]);
        let hold = DecisionRow { kind: DecisionKind::Hold, ..own };
        assert_eq!(differs(&stated, &hold).len(), 9, "a hold states nothing");
    }
}
