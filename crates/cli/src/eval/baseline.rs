//! A cloud model on the same held-out cases: what the student is measured beside.

use futures_util::StreamExt as _;
use kolm_core::{Code, Exit};
use kolm_policies::dataset::Row;
use kolm_policies::score;
use kolm_wire::chat;
use serde::Serialize;

use crate::report::Failure;

/// Calls at a time.
const CONCURRENCY: usize = 8;
/// How long one call may take.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(120);

/// A model's agreement with the held-out answers.
#[derive(Debug, Serialize)]
pub(crate) struct Baseline {
    /// The model.
    pub(crate) model: String,
    /// Share of cases it answers as the teacher did, in [0, 1].
    pub(crate) accuracy: f64,
    /// Cases asked.
    pub(crate) n: usize,
}

/// Asks `provider:model` every case. The key is `OPENAI_API_KEY`.
pub(crate) fn score(named: &str, base_url: &str, rows: &[Row]) -> Result<Baseline, Failure> {
    let model = named.strip_prefix("openai:").ok_or_else(|| {
        Failure::new(
            Code(5),
            Exit::Usage,
            format_args!("`{named}` is no baseline"),
            "write it as openai:MODEL",
        )
    })?;
    let key = crate::env::variable("OPENAI_API_KEY").ok_or_else(|| {
        Failure::new(Code(10), Exit::Usage, "the baseline needs a key", "set OPENAI_API_KEY")
    })?;
    let unreachable = |error: reqwest::Error| {
        Failure::new(
            Code(10),
            Exit::Usage,
            format_args!("the baseline cannot be asked: {error}"),
            "check --base-url and the key",
        )
    };
    let http = reqwest::Client::builder().timeout(LIMIT).build().map_err(unreachable)?;
    let url = format!("{}/chat/completions", base_url.trim_end_matches('/'));
    let right = crate::runtime()?.block_on(async {
        let mut answers = futures_util::stream::iter(rows)
            .map(|row| {
                let request = http.post(&url).bearer_auth(&key).header("content-type", "application/json");
                let request = request.body(chat::request_of(&row.text, model));
                async move {
                    let reply = request.send().await?.error_for_status()?.bytes().await?;
                    Ok(chat::facts(&reply).text.is_some_and(|text| score::label(&text, &row.answer).0 > 0))
                }
            })
            .buffer_unordered(CONCURRENCY);
        let mut right = 0_usize;
        while let Some(answer) = answers.next().await {
            right += usize::from(answer.map_err(unreachable)?);
        }
        Ok::<_, Failure>(right)
    })?;
    Ok(Baseline { model: model.to_owned(), accuracy: right as f64 / rows.len().max(1) as f64, n: rows.len() })
}
