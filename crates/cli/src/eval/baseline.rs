//! A cloud model on the same held-out cases: what the student is measured beside.

use std::time::Duration;

use futures_util::StreamExt as _;
use kolm_core::{Code, Env, Exit, MicroUsd};
use kolm_policies::dataset::Row;
use kolm_policies::price::{self, Price};
use kolm_wire::chat;

use crate::report::Failure;

/// Calls at a time.
const CONCURRENCY: usize = 8;
/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A cloud model and what it answered, case by case.
pub(crate) struct Baseline {
    /// The model.
    pub(crate) model: String,
    /// The held-out answers are its own.
    pub(crate) is_teacher: bool,
    /// Its answers, in the order of the cases.
    pub(crate) answers: Vec<Answer>,
}

/// An answer of the baseline.
pub(crate) struct Answer {
    /// Its text, empty where it refused.
    pub(crate) text: String,
    /// Time until it was whole, in µs.
    pub(crate) micros: u64,
    /// List price, 0 where none is known.
    pub(crate) cost: MicroUsd,
}

/// Asks `provider:model` every case; `teachers` are the models whose answers the cases hold. The key is
/// `OPENAI_API_KEY`.
pub(crate) fn ask(
    named: &str,
    base_url: &str,
    (rows, teachers): (&[Row], &[&str]),
    env: &Env,
) -> Result<Baseline, Failure> {
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
    let price = price::list(model);
    let answers = crate::runtime()?.block_on(async {
        let calls = rows.iter().map(|row| {
            let request = http.post(&url).bearer_auth(&key).header("content-type", "application/json");
            let request = request.body(chat::request_of(&row.text, model));
            async {
                let from = env.clock.micros();
                let reply = request.send().await?.error_for_status()?.bytes().await?;
                let micros = env.clock.micros().saturating_sub(from);
                Ok(answer(&reply, micros, price))
            }
        });
        let mut calls = futures_util::stream::iter(calls).buffered(CONCURRENCY);
        let mut answers = Vec::with_capacity(rows.len());
        while let Some(answer) = calls.next().await {
            answers.push(answer.map_err(unreachable)?);
        }
        Ok::<_, Failure>(answers)
    })?;
    Ok(Baseline { model: model.to_owned(), is_teacher: teachers.contains(&model), answers })
}

fn answer(reply: &[u8], micros: u64, price: Option<Price>) -> Answer {
    let facts = chat::facts(reply);
    let cost = price.map(|price| price::cost(&price, facts.tokens_in, facts.tokens_cached, facts.tokens_out));
    Answer { text: facts.text.unwrap_or_default(), micros, cost: cost.unwrap_or_default() }
}
