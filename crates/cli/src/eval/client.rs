//! The calls to a baseline: what fails for the moment is asked again, as OpenAI's own clients do.
//!
//! **Invariant:** what is measured is the call that was answered, without the failed ones and the pauses before it.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use kolm_core::Env;
use kolm_wire::chat;

use crate::report::note;

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(120);
/// The longest `retry-after` that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of chat completions, and the key for it.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// What a whole reply says, and the time until it was whole, in µs.
pub(super) struct Reply {
    pub(super) facts: chat::Facts,
    pub(super) micros: u64,
}

/// Why a call has no reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// There was no whole answer.
    #[error("{}", innermost(.0))]
    Broken(#[from] reqwest::Error),
    /// There was an answer, and it is none of this interface.
    #[error("its answer is no chat completion")]
    Foreign,
    /// There was an answer, and it is an error.
    #[error("it answered {status}{}{class}", if class.is_empty() { "" } else { ", " })]
    Refused { status: u16, class: String, after: Option<Duration> },
}

impl Fault {
    /// Whether the same call may be answered a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Foreign => false,
            Self::Broken(error) => !error.is_connect() && !error.is_builder(),
            // A quota that is used up says 429 too.
            Self::Refused { class, .. } if class.contains("insufficient_quota") => false,
            Self::Refused { status, after, .. } => {
                after.is_none_or(|after| after <= PATIENCE)
                    && (matches!(status, 408 | 409 | 429) || *status >= 500)
            }
        }
    }

    /// The pause before the next try: what the server asks for, else `planned`.
    fn pause(&self, planned: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Refused { after: Some(after), .. } => planned.map(|planned| planned.max(*after)),
            Self::Refused { .. } | Self::Broken(_) | Self::Foreign => planned,
        }
    }
}

/// What lies under an error of reqwest, which by itself only says that there was one.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl Client {
    /// A client of the server under `base_url`.
    ///
    /// # Errors
    /// The trust store of this machine cannot be read.
    pub(super) fn new(base_url: &str, key: String) -> Result<Self, Fault> {
        let http = reqwest::Client::builder().timeout(LIMIT).build()?;
        Ok(Self { http, url: format!("{}/chat/completions", base_url.trim_end_matches('/')), key })
    }

    /// The reply to `body`, which may be asked for five times.
    ///
    /// # Errors
    /// What the last try came to.
    pub(super) async fn ask(&self, body: &[u8], env: &Env) -> Result<Reply, Fault> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(4)
            .with_jitter();
        (|| self.once(body, env))
            .retry(pauses)
            .when(Fault::may_pass)
            .adjust(Fault::pause)
            .notify(|fault, pause| {
                note(&format!("the baseline is asked again in {:.1} s: {fault}", pause.as_secs_f64()));
            })
            .await
    }

    async fn once(&self, body: &[u8], env: &Env) -> Result<Reply, Fault> {
        let request = self.http.post(&self.url).bearer_auth(&self.key);
        let request = request.header("content-type", "application/json").body(body.to_vec());
        let from = env.clock.micros();
        let reply = request.send().await?;
        let (status, after) = (reply.status(), after(reply.headers()));
        let body = reply.bytes().await?.to_vec();
        let micros = env.clock.micros().saturating_sub(from);
        if status.is_success() {
            let facts = chat::facts(&body);
            let said = facts.text.is_some() || facts.refusal || facts.tool_calls;
            return if said { Ok(Reply { facts, micros }) } else { Err(Fault::Foreign) };
        }
        Err(Fault::Refused { status: status.as_u16(), class: kolm_wire::error_class(&body), after })
    }
}

/// The pause that a reply asks for: `retry-after-ms`, else `retry-after` in seconds.
fn after(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, class: &str, after: Option<u64>) -> Fault {
        Fault::Refused { status, class: class.to_owned(), after: after.map(Duration::from_secs) }
    }

    #[test]
    fn what_may_pass_is_asked_again_after_the_pause_that_the_server_wants() {
        for (fault, again) in [
            (refused(429, "requests/rate_limit_exceeded", None), true),
            (refused(429, "requests/rate_limit_exceeded", Some(60)), true),
            (refused(429, "requests/rate_limit_exceeded", Some(61)), false),
            (refused(429, "insufficient_quota/insufficient_quota", None), false),
            (refused(408, "", None), true),
            (refused(503, "", None), true),
            (refused(400, "", None), false),
            (refused(401, "", Some(1)), false),
        ] {
            assert_eq!(fault.may_pass(), again, "{fault}");
        }
        let planned = Some(Duration::from_secs(2));
        assert_eq!(refused(429, "", None).pause(planned), planned);
        assert_eq!(refused(429, "", Some(1)).pause(planned), planned);
        assert_eq!(refused(429, "", Some(9)).pause(planned), Some(Duration::from_secs(9)));
        assert_eq!(refused(429, "", Some(9)).pause(None), None, "enough");
        assert_eq!(refused(429, "a/b", None).to_string(), "it answered 429, a/b");
        assert_eq!(refused(500, "", None).to_string(), "it answered 500");
    }

    #[test]
    fn the_pause_is_read_in_either_unit() {
        for (headers, seconds) in [
            (vec![("retry-after", "7")], Some(7.0)),
            (vec![("retry-after-ms", "250"), ("retry-after", "7")], Some(0.25)),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ] {
            let headers = headers.into_iter().map(|(name, value)| {
                (reqwest::header::HeaderName::from_static(name), value.parse().unwrap())
            });
            assert_eq!(after(&headers.collect()).map(|pause| pause.as_secs_f64()), seconds);
        }
    }
}
