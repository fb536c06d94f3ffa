//! Budgets as a caller meets them.

use kolm_core::{MicroUsd, Surface, Timestamp};
use proptest::prelude::*;

use super::charge::{Charge, answer_tokens, charge, tokens_of};
use super::rate::Bucket;
use super::window::{Window, day, day_end, month, month_end};
use super::*;

/// 2026-11-21 11:38:17 UTC.
const NOW: Timestamp = Timestamp(1_795_261_097_000);

fn usd(limits: Limits, day: i64) -> Limits {
    Limits { usd_per_day: Some(MicroUsd(day)), ..limits }
}

proptest! {
    #[test]
    fn no_span_lets_more_through_than_its_share(
        limit in 1_u64..2_000,
        steps in prop::collection::vec((0_i64..20_000, 1_u64..50), 1..200),
    ) {
        let (mut bucket, mut now, start) = (Bucket::default(), NOW.0, NOW.0);
        let mut passed = 0;
        for (gap, units) in steps {
            now += gap;
            if let Ok(next) = bucket.take(now, limit, units) {
                bucket = next;
                // More than the limit at once passes on credit that is paid off before the next.
                passed += units.min(limit);
            }
            let most = u128::from(limit) * u128::from((now - start).unsigned_abs() + 60_000) / 60_000 + 1;
            prop_assert!(u128::from(passed) <= most, "{passed} of {most}");
        }
    }

    #[test]
    fn who_waits_as_told_is_let_through(limit in 1_u64..1_000_000, units in prop::collection::vec(1_u64..5_000, 1..60)) {
        let (mut bucket, mut now) = (Bucket::default(), NOW.0);
        for units in units {
            if let Err(wait) = bucket.take(now, limit, units) {
                prop_assert!(wait > 0);
                prop_assert!(bucket.take(now + wait - 1, limit, units).is_err(), "the wait is not longer than needed");
                now += wait;
            }
            let next = bucket.take(now, limit, units);
            prop_assert!(next.is_ok());
            bucket = next.unwrap_or_default();
        }
    }

    #[test]
    fn a_refusal_and_an_exact_guess_change_nothing(
        limit in 1_u64..10_000, tokens in 0_u64..10_000, cost in 0_i64..1_000, spent in 0_i64..2_000,
    ) {
        let limits = usd(Limits { tokens_per_minute: Some(limit), ..Limits::default() }, 1_500);
        let mut state = State::default();
        state.day = state.day.with(day(NOW), spent);
        let ask = Use { tokens: tokens.min(limit), cost: MicroUsd(cost) };
        let Ok(begun) = enter(&limits, state, NOW, Charge::Model) else { return Ok(()) };
        let Ok((held_state, held)) = reserve(&limits, begun, NOW, ask) else {
            prop_assert!(spent + cost > 1_500 || spent >= 1_500);
            return Ok(());
        };
        prop_assert_eq!(held_state.held, cost);
        let done = leave(settle(&limits, held_state, NOW, held, ask));
        prop_assert_eq!((done.held, done.open), (0, 0));
        prop_assert_eq!(done.day.spent_in(day(NOW)), spent + cost);
        prop_assert!(done.day.spent <= 1_500, "a budget whose guesses hold is never passed");
        let unused = leave(settle(&limits, held_state, NOW, held, Use::default()));
        prop_assert_eq!(unused.tokens.left(NOW.0, limit), limit, "what was not used is given back");
        prop_assert_eq!(unused.day, state.day);
    }

    #[test]
    fn every_moment_is_in_one_day_and_one_month(ms in -50_000_000_000_000_i64..250_000_000_000_000) {
        let at = Timestamp(ms);
        for (number, end) in [(day as fn(Timestamp) -> i64, day_end(at)), (month, month_end(at))] {
            prop_assert!(end > at);
            prop_assert_eq!(number(Timestamp(end.0 - 1)), number(at));
            prop_assert_eq!(number(end), number(at) + 1);
        }
        prop_assert_eq!(day(month_end(at)) * 86_400_000, month_end(at).0, "months begin at midnight");
    }
}

#[test]
fn months_are_those_of_the_calendar() {
    for (ms, year, from_january) in [
        (0, 1970, 0),
        (951_782_399_000, 2000, 1),
        (951_782_400_000, 2000, 1),
        (951_868_800_000, 2000, 2),
        (NOW.0, 2026, 10),
        (1_798_761_599_999, 2026, 11),
        (1_798_761_600_000, 2027, 0),
    ] {
        assert_eq!(month(Timestamp(ms)), year * 12 + from_january, "{ms}");
    }
}

#[test]
fn requests_at_a_time() {
    let limits = Limits { concurrent: Some(2), ..Limits::default() };
    let one = enter(&limits, State::default(), NOW, Charge::Model).unwrap();
    let two = enter(&limits, one, NOW, Charge::Model).unwrap();
    let refusal = enter(&limits, two, NOW, Charge::Model).unwrap_err();
    assert_eq!((refusal.kind, refusal.limit, refusal.retry_after_s()), (Kind::Concurrent, 2, 1));
    assert!(enter(&limits, leave(two), NOW, Charge::Model).is_ok());
    assert_eq!(leave(State::default()).open, 0);
}

#[test]
fn a_rate_says_when_it_is_free_again() {
    let limits = Limits { requests_per_minute: Some(60), ..Limits::default() };
    let mut state = State::default();
    for _ in 0..60 {
        state = enter(&limits, state, NOW, Charge::Model).unwrap();
    }
    let refusal = enter(&limits, state, NOW, Charge::Model).unwrap_err();
    assert_eq!((refusal.kind, refusal.left, refusal.retry_after_s()), (Kind::Requests, 0, 1));
    assert_eq!(refusal.reset_ms, 60_000);
    assert!(enter(&limits, state, Timestamp(NOW.0 + 1_000), Charge::Model).is_ok());
    assert!(
        enter(&limits, state, Timestamp(NOW.0 - 1_000), Charge::Model).is_err(),
        "a clock that steps back lends nothing"
    );
}

#[test]
fn a_request_above_the_whole_limit_passes_when_nothing_is_used_and_is_paid_off() {
    let limits = Limits { tokens_per_minute: Some(100), ..Limits::default() };
    let big = Use { tokens: 1_000, cost: MicroUsd(0) };
    let (state, held) = reserve(&limits, State::default(), NOW, big).unwrap();
    assert!(reserve(&limits, state, NOW, big).is_err());
    let paid = settle(&limits, state, NOW, held, big);
    assert_eq!(enter(&limits, paid, NOW, Charge::Model).unwrap_err().kind, Kind::Tokens);
    let later = Timestamp(NOW.0 + 9 * 60_000);
    assert!(
        enter(&limits, paid, later, Charge::Model).is_err(),
        "a thousand tokens at a hundred a minute take ten minutes"
    );
    assert!(enter(&limits, paid, Timestamp(NOW.0 + 10 * 60_000), Charge::Model).is_ok());
}

#[test]
fn money_is_refused_until_its_window_ends_and_what_is_held_for_a_moment() {
    let limits = usd(Limits { usd_per_month: Some(MicroUsd(5_000)), ..Limits::default() }, 1_000);
    let ask = |cost| Use { tokens: 0, cost: MicroUsd(cost) };
    let (state, held) = reserve(&limits, State::default(), NOW, ask(700)).unwrap();
    let refusal = reserve(&limits, state, NOW, ask(400)).unwrap_err();
    assert_eq!((refusal.kind, refusal.retry_after_s(), refusal.left), (Kind::Day, 1, 1_000));
    let state = settle(&limits, state, NOW, held, ask(1_000));
    let refusal = enter(&limits, state, NOW, Charge::Model).unwrap_err();
    assert_eq!((refusal.kind, refusal.left), (Kind::Day, 0));
    assert!(enter(&limits, state, NOW, Charge::Free).is_ok(), "what costs nothing passes");
    let tomorrow = Timestamp(NOW.0 + refusal.wait_ms);
    assert_eq!(tomorrow, day_end(NOW));
    assert!(enter(&limits, state, tomorrow, Charge::Model).is_ok());
    let state = settle(&limits, state, tomorrow, Held::default(), ask(4_000));
    let refusal = enter(&limits, state, Timestamp(day_end(tomorrow).0), Charge::Model).unwrap_err();
    assert_eq!((refusal.kind, NOW.0 < month_end(NOW).0), (Kind::Month, true));
    assert!(enter(&limits, state, month_end(NOW), Charge::Model).is_ok());
}

#[test]
fn spending_that_comes_late_counts_in_the_present_window() {
    let window = Window::default().with(5, 10).with(4, 1);
    assert_eq!((window.spent_in(5), window.spent_in(4), window.spent_in(6)), (11, 0, 0));
}

#[test]
fn limits_of_a_key_win_over_the_default() {
    let default = Limits { requests_per_minute: Some(1), concurrent: Some(2), ..Limits::default() };
    let own = Limits { requests_per_minute: Some(9), ..Limits::default() };
    let both = own.or(default);
    assert_eq!((both.requests_per_minute, both.concurrent), (Some(9), Some(2)));
    assert!(!both.counts_use() && !both.is_empty() && Limits::default().is_empty());
    assert!(usd(both, 1).counts_use());
}

#[test]
fn what_is_free_what_has_a_price_and_what_nobody_knows() {
    use Surface::{Chat, Other};
    for (method, path, surface, read, want) in [
        ("POST", "/v1/chat/completions", Chat, true, Charge::Model),
        ("POST", "/v1/chat/completions", Chat, false, Charge::Unknown),
        ("GET", "/v1/models", Other, false, Charge::Free),
        ("DELETE", "/v1/files/f", Other, false, Charge::Free),
        ("POST", "/v1/files", Other, false, Charge::Free),
        ("POST", "/v1/filesystem", Other, false, Charge::Unknown),
        ("POST", "/v1/moderations", Other, false, Charge::Free),
        ("POST", "/v1/images/generations", Other, false, Charge::Unknown),
        ("POST", "/v1/batches", Other, false, Charge::Unknown),
        ("GET", "/v1/realtime", Other, false, Charge::Unknown),
        ("PUT", "/v1/new/thing", Other, false, Charge::Unknown),
        ("POST", "/v1/files/../chat/completions", Other, false, Charge::Unknown),
        ("GET", "/v1/files/%2e%2e/realtime", Other, false, Charge::Unknown),
    ] {
        assert_eq!(charge(method, path, surface, read), want, "{method} {path}");
    }
    assert_eq!(
        (tokens_of(9), answer_tokens(Chat, Some(10), 3), answer_tokens(Chat, None, 0)),
        (3, 30, 1_024)
    );
    assert_eq!(answer_tokens(Surface::Embeddings, Some(10), 3), 0);
}
