//! What a call costs. List prices are data of the day; `[upstreams.NAME.prices]` overrides them.

use kolm_core::{MicroUsd, Savings, Timestamp};
use serde::{Deserialize, Serialize};

use crate::gate::{Score, ScoreKind};

/// Prices in µUSD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Input tokens.
    pub input: u64,
    /// Input tokens read from the provider's prompt cache.
    pub cached: u64,
    /// Output tokens.
    pub output: u64,
}

/// List prices by model family, from the vendor's public pricing page as generally known in 2025
/// (platform.openai.com/docs/pricing, standard tier, text tokens).
pub const LIST: [(&str, Price); 20] = [
    ("gpt-3.5-turbo", Price { input: 500_000, cached: 500_000, output: 1_500_000 }),
    ("gpt-3.5-turbo-instruct", Price { input: 1_500_000, cached: 1_500_000, output: 2_000_000 }),
    ("gpt-4-turbo", Price { input: 10_000_000, cached: 10_000_000, output: 30_000_000 }),
    ("gpt-4.1", Price { input: 2_000_000, cached: 500_000, output: 8_000_000 }),
    ("gpt-4.1-mini", Price { input: 400_000, cached: 100_000, output: 1_600_000 }),
    ("gpt-4.1-nano", Price { input: 100_000, cached: 25_000, output: 400_000 }),
    ("gpt-4o", Price { input: 2_500_000, cached: 1_250_000, output: 10_000_000 }),
    ("gpt-4o-mini", Price { input: 150_000, cached: 75_000, output: 600_000 }),
    ("gpt-5", Price { input: 1_250_000, cached: 125_000, output: 10_000_000 }),
    ("gpt-5-mini", Price { input: 250_000, cached: 25_000, output: 2_000_000 }),
    ("gpt-5-nano", Price { input: 50_000, cached: 5_000, output: 400_000 }),
    ("text-embedding-3-large", Price { input: 130_000, cached: 130_000, output: 0 }),
    ("text-embedding-3-small", Price { input: 20_000, cached: 20_000, output: 0 }),
    ("text-embedding-ada-002", Price { input: 100_000, cached: 100_000, output: 0 }),
    ("omni-moderation", Price { input: 0, cached: 0, output: 0 }),
    ("omni-moderation-latest", Price { input: 0, cached: 0, output: 0 }),
    ("text-moderation-latest", Price { input: 0, cached: 0, output: 0 }),
    ("o3", Price { input: 2_000_000, cached: 500_000, output: 8_000_000 }),
    ("o3-mini", Price { input: 1_100_000, cached: 550_000, output: 4_400_000 }),
    ("o4-mini", Price { input: 1_100_000, cached: 275_000, output: 4_400_000 }),
];

/// The list price of a model; a dated name (`gpt-4o-mini-2024-07-18`) has its family's price.
pub fn list(model: &str) -> Option<Price> {
    let family = undated(model);
    LIST.iter().find(|(name, _)| *name == family).map(|(_, price)| *price)
}

/// A model's name without the date at its end.
pub fn undated(model: &str) -> &str {
    let date = |tail: &str| {
        tail.len() == 11
            && tail.bytes().enumerate().all(|(i, byte)| match i {
                0 | 5 | 8 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    match model.len().checked_sub(11).and_then(|at| model.split_at_checked(at)) {
        Some((family, tail)) if date(tail) => family,
        Some(_) | None => model,
    }
}

/// The cost of one call, rounded up. `tokens_cached` is part of `tokens_in`; a negative count is unknown
/// and costs nothing.
pub fn cost(price: &Price, tokens_in: i64, tokens_cached: i64, tokens_out: i64) -> MicroUsd {
    let count = |tokens: i64| u128::from(tokens.max(0).unsigned_abs());
    let cached = count(tokens_cached).min(count(tokens_in));
    let sum = (count(tokens_in) - cached) * u128::from(price.input)
        + cached * u128::from(price.cached)
        + count(tokens_out) * u128::from(price.output);
    MicroUsd(i64::try_from(sum.div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

/// Price of so much of our own machine's time, rounded up: local is not free.
pub fn busy(micros: u64, musd_per_s: u64) -> MicroUsd {
    MicroUsd(i64::try_from(micros.saturating_mul(musd_per_s).div_ceil(1_000_000)).unwrap_or(i64::MAX))
}

/// What so many answers of a student cost, in 10^-12 USD: of each every begun millisecond counts; `ms` are the whole ones
/// of all.
pub fn answers(n: u64, ms: u64, musd_per_s: u64) -> u64 {
    ms.saturating_add(n).saturating_mul(1_000).saturating_mul(musd_per_s)
}

/// What a score cost: the student's time beside the teacher, or a call to the teacher of our own. The student's answer
/// to a client is no cost of the proof.
pub fn of_score(score: &Score) -> MicroUsd {
    match score.kind {
        ScoreKind::Shadow => score.student_cost,
        ScoreKind::Double | ScoreKind::Reverse => score.teacher_cost,
    }
}

/// When the route will have paid for its proof, at the mean pace from `since` until `now`: a past time where it has,
/// `None` while it saves nothing.
pub fn break_even(savings: &Savings, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let (kept, spent) = (i128::from(savings.kept().0), i128::from(savings.invested.0));
    let served = i128::from(now.since(since));
    if kept <= 0 || served <= 0 {
        return None;
    }
    let needed = (spent * served + kept - 1) / kept;
    i64::try_from(needed).ok().and_then(|needed| since.0.checked_add(needed)).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_paid_for_when_as_much_was_kept() {
        let money = |avoided, local, invested| Savings {
            avoided: MicroUsd(avoided),
            local: MicroUsd(local),
            invested: MicroUsd(invested),
            ..Savings::default()
        };
        for (savings, now, want) in [
            (money(300, 100, 100), 1_100, Some(1_050)),
            (money(300, 100, 400), 1_100, Some(1_200)),
            (money(300, 100, 0), 1_100, Some(1_000)),
            (money(100, 100, 5), 1_100, None),
            (money(100, 200, 5), 1_100, None),
            (money(300, 100, 100), 1_000, None),
        ] {
            let at = break_even(&savings, Timestamp(1_000), Timestamp(now));
            assert_eq!(at, want.map(Timestamp), "{savings:?}");
        }
    }

    #[test]
    fn a_busy_second_costs_what_the_machine_costs() {
        assert_eq!(busy(1_000_000, 28), MicroUsd(28));
        assert_eq!(busy(1, 28), MicroUsd(1));
        assert_eq!(busy(0, 28), MicroUsd(0));
    }

    #[test]
    fn a_million_quick_answers_cost_their_milliseconds() {
        assert_eq!(answers(1, 0, 28), 28_000);
        assert_eq!(
            answers(1_000_000, 3_000_000, 28),
            112_000 * 1_000_000,
            "0.112 USD of a machine for 28 µUSD/s"
        );
        assert_eq!(answers(u64::MAX, 1, u64::MAX), u64::MAX);
    }

    #[test]
    fn dated_names_have_their_family_price() {
        assert_eq!(list("gpt-4o-mini-2024-07-18"), list("gpt-4o-mini"));
        assert!(list("gpt-4o").is_some_and(|price| price.input == 2_500_000));
        for unknown in ["gpt-4o-mini-2024", "gpt-99", "", "-2024-07-18", "gpt-4o-ééééé-18"] {
            assert_eq!(list(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn cost_by_tokens() {
        let price = list("gpt-4o-mini").unwrap();
        for (tokens, musd) in [
            ((1_000_000, 0, 1_000_000), 750_000),
            ((1_000_000, 1_000_000, 0), 75_000),
            ((1, 0, 0), 1),
            ((-1, -1, -1), 0),
            ((10, 50, 0), 1),
        ] {
            assert_eq!(cost(&price, tokens.0, tokens.1, tokens.2), MicroUsd(musd), "{tokens:?}");
        }
    }
}
