//! Decision rows: one a number, in their order.

use super::*;

fn decision(seq: u64, because: &str) -> DecisionRow {
    DecisionRow {
        id: RequestId::from_parts(Timestamp(5), [seq as u8; 10]),
        route: "default".parse().unwrap(),
        seq,
        t: Timestamp(5),
        prev: String::new(),
        kind: DecisionKind::Hold,
        because: vec![because.to_owned()],
        from: Weight::ZERO,
        to: Weight(100),
        stage: Stage::Step(Weight(100)),
        artifact: None,
        policy: "p".into(),
        attempt: 1,
        alpha_ppb: u64::from(u32::MAX),
        n: Counts::default(),
        k: KScore::default(),
        ceiling: None,
        basis: None,
        challenger: None,
        sample: None,
        actor: "reconciler".into(),
        reason: String::new(),
        digest: format!("d{because}"),
    }
}

#[test]
fn decisions_are_one_a_number() {
    let world = world();
    let (service, handle) = world.open();
    for seq in [1, 0] {
        run(handle.put_decision(decision(seq, "samples"))).unwrap();
    }
    run(handle.put_decision(decision(1, "samples"))).unwrap();
    let error = run(handle.put_decision(decision(1, "latency"))).unwrap_err();
    assert_eq!(error.code().to_string(), "K0203");
    let other = DecisionRow { route: "a-route".parse().unwrap(), ..decision(0, "x") };
    run(handle.put_decision(other.clone())).unwrap();
    service.shutdown();
    let (_service, handle) = world.open();
    let want = vec![decision(0, "samples"), decision(1, "samples")];
    assert_eq!(run(handle.decisions(Some("default".parse().unwrap()))).unwrap(), want);
    assert_eq!(run(handle.decisions(None)).unwrap(), [vec![other], want].concat());
}
