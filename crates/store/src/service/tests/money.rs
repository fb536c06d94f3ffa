//! What a route's answers and its proof cost, as a later process finds it.

use super::*;
use crate::Money;

#[test]
fn money_is_summed_by_arm_and_kind_up_to_a_moment() {
    let world = world();
    let (service, handle) = world.open();
    let route: RouteName = "default".parse().unwrap();
    let artifact: ArtifactId = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    let (teacher, mut student, mut unpriced) =
        (world.pair("a", "b"), world.pair("c", "d"), world.pair("e", "f"));
    (student.arm, student.artifact, student.cost) = (Arm::Student, Some(artifact.clone()), Some(MicroUsd(7)));
    unpriced.cost = None;
    for pair in [teacher, student, unpriced] {
        handle.append(pair).unwrap();
    }
    while run(handle.counts(&namespace())).unwrap().total < 3 {}
    let now = world.env.clock.now();
    let score = |kind, t: i64| ScoreRow {
        kind,
        student_cost: MicroUsd(3),
        teacher_cost: MicroUsd(20),
        ..super::score(t)
    };
    let (today, yesterday) = (now.0 - 1, now.0 - 86_400_000);
    let scores = Gathered::from(vec![
        score(ScoreKind::Shadow, today),
        score(ScoreKind::Double, today),
        score(ScoreKind::Reverse, yesterday),
        score(ScoreKind::Reverse, now.0 + 9),
    ]);
    run(handle.put_scores(route.clone(), artifact, 1, scores)).unwrap();
    let after = Timestamp(now.0 + 1);
    let want = Money {
        avoided: MicroUsd(7),
        paid: MicroUsd(5),
        student_n: 1,
        student_ms: 300,
        shadow: MicroUsd(43),
        asked_today: MicroUsd(20),
    };
    assert_eq!(run(handle.money(&namespace(), route.clone(), after)).unwrap(), want);
    let before = Timestamp(yesterday);
    assert_eq!(run(handle.money(&namespace(), route, before)).unwrap(), Money::default());
    service.shutdown();
}
