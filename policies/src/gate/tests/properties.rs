//! What holds of every set of scores, and what a look costs.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_axis_moves_k_its_own_way(base in prop::array::uniform5(0u32..900_000), axis in 0usize..5, more in 1u32..100_000) {
        let k = |axes: [u32; 5]| {
            let [a, s, l, c, v] = axes.map(|ppm| Some(Bounds::exact(Ppm(ppm))));
            weighted(&KScore { a, s, l, c, v, k: None }).unwrap()
        };
        let mut better = base;
        better[axis] += more;
        prop_assert!(k(better).v >= k(base).v && k(better).ucb > k(base).lcb);
    }

    #[test]
    fn the_order_of_scores_does_not_change_the_bounds(scores in Just(good()).prop_shuffle()) {
        let policy = small();
        // Budgets given: frozen ones depend on which units came first.
        let policy = GatePolicy { latency_budget_us: Some(500_000), ttft_budget_us: Some(500_000), cost_cap_musd: Some(40), ..policy };
        let (one, other) = (judge(&gather(&policy, &good()), Timestamp(HOUR)), judge(&gather(&policy, &scores), Timestamp(HOUR)));
        prop_assert_eq!(one.k, other.k);
        prop_assert_eq!(one.ceiling, other.ceiling);
    }
}

/// Cost of a look over 10,000 requests of continuous latency and cost, and of judging without news.
#[test]
fn judging_without_news_is_cheap() {
    // Scattered without chance: the multiples of a great odd number.
    let scattered = |i: u64, within: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % within;
    let mut evidence = Evidence::new(&GatePolicy::default(), 1, 1 << 20);
    for i in 0..10_000 {
        let student_us = 500 + scattered(i, 20_000);
        let teacher_us = 200_000 + scattered(i + 1_000_000, 900_000);
        let teacher_cost = MicroUsd((5 + scattered(i + 2_000_000, 400)) as i64);
        evidence.observe(&Score { student_us, teacher_us, teacher_cost, b: Some(Ppm::ONE), ..score(i) });
    }
    evidence.close_idle(Timestamp(10 * HOUR));
    let before = judge(&evidence, Timestamp(10 * HOUR));
    // Judging reads bounds and a window of 500: a thousand looks must not take a thousand computations.
    for _ in 0..1_000 {
        evidence.close_idle(Timestamp(10 * HOUR));
        assert_eq!(judge(&evidence, Timestamp(10 * HOUR)).verdict, before.verdict);
    }
}
