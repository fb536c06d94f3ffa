//! What a caller over its limit is told: OpenAI's words, so that its client waits as it would there.
//!
//! **Invariant:** names the caller's own limit and nobody else's use.

use http::HeaderName;
use http::header::RETRY_AFTER;
use kolm_policies::limit::{Kind, Refusal};
use kolm_wire::error::ApiError;

use crate::answer::Answer;
use crate::table::Shared;

/// 429 with what to wait for.
pub(super) fn answer(shared: &Shared, whose: &str, no: &Refusal) -> Answer {
    shared.events.limit_refused(no.kind.as_str());
    let (limit, seconds) = (no.limit, no.retry_after_s());
    let usd = |musd: u64| format!("${}.{:06}", musd / 1_000_000, musd % 1_000_000);
    let again = format!("Please try again in {}.", span(no.wait_ms));
    let reached = |of, counted| {
        ApiError::rate_limited_by(of, format!("Rate limit reached for {whose}: {limit} {counted}. {again}"))
    };
    let error = match no.kind {
        Kind::Requests => reached("requests", "requests per minute"),
        Kind::Tokens => reached("tokens", "tokens per minute"),
        Kind::Concurrent => reached("requests", "requests at a time"),
        Kind::Day => spent(whose, "day", &usd(limit), &again),
        Kind::Month => spent(whose, "month", &usd(limit), &again),
    };
    let answer = Answer::from(error).with(RETRY_AFTER, &seconds.to_string());
    match no.kind {
        Kind::Requests => rates(answer, "requests", no),
        Kind::Tokens => rates(answer, "tokens", no),
        Kind::Concurrent => answer,
        // OpenAI's clients try a 429 again at once; before the window ends that is in vain.
        Kind::Day | Kind::Month if no.wait_ms >= no.reset_ms => {
            answer.with(HeaderName::from_static("x-should-retry"), "false")
        }
        Kind::Day | Kind::Month => answer,
    }
}

/// 400 for what has no known price where money is limited.
pub(super) fn unpriced(shared: &Shared, model: Option<&str>) -> Answer {
    shared.events.limit_refused("unknown_price");
    ApiError::unpriced(model).into()
}

fn spent(whose: &str, window: &str, limit: &str, again: &str) -> ApiError {
    ApiError::insufficient_quota(format!(
        "The budget of {whose} is {limit} a {window}, and it is used up. {again}"
    ))
}

fn rates(answer: Answer, of: &str, no: &Refusal) -> Answer {
    let values =
        [("limit", no.limit.to_string()), ("remaining", no.left.to_string()), ("reset", span(no.reset_ms))];
    values.into_iter().fold(answer, |answer, (what, value)| {
        match HeaderName::try_from(format!("x-ratelimit-{what}-{of}")) {
            Ok(name) => answer.with(name, &value),
            Err(_) => answer,
        }
    })
}

/// A time as OpenAI writes it: `250ms`, `1s`, `6m0s`, `3h0m0s`.
fn span(ms: i64) -> String {
    let s = ms.saturating_add(999) / 1_000;
    match s {
        _ if ms < 1_000 => format!("{}ms", ms.max(1)),
        0..60 => format!("{s}s"),
        60..3_600 => format!("{}m{}s", s / 60, s % 60),
        _ => format!("{}h{}m{}s", s / 3_600, s / 60 % 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_clients_read_them() {
        for (ms, want) in [
            (0, "1ms"),
            (250, "250ms"),
            (1_000, "1s"),
            (1_001, "2s"),
            (360_000, "6m0s"),
            (10_800_000, "3h0m0s"),
        ] {
            assert_eq!(span(ms), want);
        }
    }
}
