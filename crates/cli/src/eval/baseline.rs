//! A cloud model on the same held-out cases: what the student is measured beside.
//!
//! **Invariant:** it is asked what traffic asks; a teacher whose captured answers are known is not asked again.

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use kolm_config::{BaseUrl, Outside, RawConfig};
use kolm_core::{Code, Env, Exit, MicroUsd};
use kolm_policies::dataset::Row;
use kolm_policies::price::{self, Price};

use super::cases::Asked;
use super::client::{Client, Fault, Reply};
use crate::admin::Admin;
use crate::args::Eval;
use crate::report::Failure;
use crate::versions;

/// Calls at a time.
const CONCURRENCY: usize = 8;

/// A cloud model and what it answered, case by case.
pub(crate) struct Baseline {
    /// The model.
    pub(crate) model: String,
    /// The held-out answers are its own.
    pub(crate) is_teacher: bool,
    /// Cases of which its captured answer was taken.
    pub(crate) reused: u64,
    /// Cases that it was asked under a system prompt or with tools.
    pub(crate) prompted: u64,
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

/// Asks `provider:model` every case whose answer of its own is not known; `teachers` are the models whose answers the
/// cases hold. The key is `OPENAI_API_KEY`.
pub(super) fn ask(
    named: &str,
    args: &Eval,
    (rows, asked, teachers): (&[Row], &[Asked], &[&str]),
    env: &Env,
    data_dir: &Path,
) -> Result<Baseline, Failure> {
    let model = named.strip_prefix("openai:").filter(|model| !model.is_empty()).ok_or_else(|| {
        Failure::new(
            Code(5),
            Exit::Usage,
            format_args!("`{named}` is no baseline"),
            "write it as openai:MODEL",
        )
    })?;
    let is_teacher = teachers.iter().any(|teacher| is_model(model, teacher));
    // Which of several teachers a case is from is not known.
    let alone = is_teacher && teachers.iter().all(|teacher| is_model(model, teacher));
    let own = |row: &Row| if alone && !args.ask_again { captured(row) } else { None };
    let mut answers: Vec<Option<Answer>> = rows.iter().map(own).collect();
    let open: Vec<usize> = (0..rows.len()).filter(|at| answers[*at].is_none()).collect();
    let reused = (rows.len() - open.len()) as u64;
    let prompted = open.iter().filter(|at| asked[**at].prompted).count() as u64;
    if !open.is_empty() {
        stays_inside(&args.base_url, data_dir)?;
        let bodies = open.iter().map(|at| asked[*at].of(model));
        let given = call(bodies, &args.base_url, price::list(model), env)?;
        for (at, answer) in open.into_iter().zip(given) {
            answers[at] = Some(answer);
        }
    }
    let answers = answers.into_iter().flatten().collect();
    Ok(Baseline { model: model.to_owned(), is_teacher, reused, prompted, answers })
}

/// Where the gateway of this data directory runs, or last ran, with `airgap`, nobody outside the host is asked; nor where
/// it does not say.
fn stays_inside(base_url: &str, data_dir: &Path) -> Result<(), Failure> {
    let inside = base_url.parse::<BaseUrl>().is_ok_and(|url| url.is_loopback());
    if inside || !airgapped(data_dir)? {
        return Ok(());
    }
    let sentence =
        format_args!("the baseline cannot be asked: {base_url} is outside this host and `airgap` is on");
    Err(Failure::new(Code(10), Exit::Usage, sentence, "name a server on this host with --base-url"))
}

fn airgapped(data_dir: &Path) -> Result<bool, Failure> {
    let raw = match Admin::find(data_dir) {
        Ok(admin) => crate::runtime()?.block_on(admin.config())?.raw(),
        Err(_) => match versions::newest(data_dir)? {
            Some(text) => RawConfig::parse("(last in force)", &text),
            None => return Ok(false),
        },
    };
    // Keys of the gateway's environment need not be in this one.
    let outside = Outside { env: Arc::new(|_| Some("unused".to_owned())), ..crate::env::outside(data_dir) };
    Ok(raw.check(&outside)?.airgap)
}

/// Whether answers of `teacher` are the model's: the name itself, or a dated version of it, `MODEL-2024-07-18`.
fn is_model(model: &str, teacher: &str) -> bool {
    let dated = |rest: &str| {
        let form: String = rest.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        form.is_empty() || form == "-0000-00-00"
    };
    teacher.strip_prefix(model).is_some_and(dated)
}

/// The answer that a case holds, where it is known what it took.
fn captured(row: &Row) -> Option<Answer> {
    let took = row.took?;
    Some(Answer { text: row.answer.clone(), micros: took.ms.saturating_mul(1_000), cost: took.cost })
}

/// Sends each body, and returns the answers in their order; the first that fails ends it.
fn call(
    bodies: impl Iterator<Item = Vec<u8>>,
    base_url: &str,
    price: Option<Price>,
    env: &Env,
) -> Result<Vec<Answer>, Failure> {
    let key = crate::env::variable("OPENAI_API_KEY").ok_or_else(|| {
        Failure::new(Code(10), Exit::Usage, "the baseline needs a key", "set OPENAI_API_KEY")
    })?;
    let failed = |fault: Fault| {
        let sentence = format_args!("the baseline cannot be asked: {fault}");
        Failure::new(Code(10), Exit::Usage, sentence, "check --base-url and the key")
    };
    let client = Client::new(base_url, key).map_err(failed)?;
    crate::runtime()?.block_on(async {
        let calls = bodies.map(async |body| client.ask(&body, env).await);
        let mut calls = futures_util::stream::iter(calls).buffered(CONCURRENCY);
        let mut answers = Vec::new();
        while let Some(reply) = calls.next().await {
            answers.push(answer(reply.map_err(failed)?, price));
        }
        Ok(answers)
    })
}

fn answer(reply: Reply, price: Option<Price>) -> Answer {
    let facts = reply.facts;
    let cost = price.map(|price| price::cost(&price, facts.tokens_in, facts.tokens_cached, facts.tokens_out));
    Answer { text: facts.text.unwrap_or_default(), micros: reply.micros, cost: cost.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_version_is_the_model_and_another_model_is_not() {
        for (model, teacher, same) in [
            ("gpt-4o-mini", "gpt-4o-mini", true),
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", true),
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", false),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o", "gpt-4o-mini-2024-07-18", false),
            ("gpt-4", "gpt-4-0613", false),
        ] {
            assert_eq!(is_model(model, teacher), same, "{model} {teacher}");
        }
    }
}
