//! How long answers take and what they use: histograms by route, arm and status class, and those that OpenTelemetry's
//! conventions for generative AI name.
//!
//! **Invariant:** no caller can make series without end: a model is a label once an answer of it succeeded, and the
//! first [`MODELS`] of them alone.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use kolm_core::{Arm, Outcome, RouteName};
use prometheus::{HistogramOpts, HistogramVec, Registry};

use super::{Events, arm_name};

/// Models that are told apart.
const MODELS: usize = 256;
/// What others are called, as the conventions call a value that is not told apart.
const OTHER: &str = "_OTHER";

/// Bounds in seconds; the conventions' for `gen_ai.client.operation.duration`, and a few below for a local student.
const DURATION: [f64; 17] = [
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96,
    81.92,
];
/// Bounds in seconds, the conventions' for `gen_ai.server.time_to_first_token`.
const FIRST: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bounds in tokens, the conventions' for `gen_ai.client.token.usage`.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

macro_rules! histograms {
    ($($field:ident $name:literal [$($label:literal),*] $bounds:ident $help:literal;)*) => {
        /// Every histogram's name.
        #[cfg(test)]
        const HISTOGRAMS: &[&str] = &[$($name),*];

        pub(super) struct Histograms {
            $($field: HistogramVec,)*
            models: RwLock<HashSet<String>>,
        }

        impl Histograms {
            pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
                Ok(Self { $($field: {
                    let options = HistogramOpts::new($name, $help).buckets($bounds.to_vec());
                    let histogram = HistogramVec::new(options, &[$($label),*])?;
                    registry.register(Box::new(histogram.clone()))?;
                    histogram
                },)* models: RwLock::default() })
            }
        }
    };
}

histograms! {
    duration "kolm_request_duration_seconds" ["route", "arm", "class"] DURATION "From a request's admission to the last byte of its answer.";
    first "kolm_request_first_token_seconds" ["route", "arm", "class"] FIRST "From a request's admission to the first byte of its stream.";
    operation "gen_ai_client_operation_duration_seconds" ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"] DURATION "Duration of inference requests.";
    tokens "gen_ai_client_token_usage" ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"] TOKENS "Tokens of inference requests, where the answer says them.";
    server_first "gen_ai_server_time_to_first_token_seconds" ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"] FIRST "Time to the first token of streams that succeeded.";
}

/// A request that has been answered.
pub(crate) struct Ended<'a> {
    /// The route that matched.
    pub(crate) route: Option<&'a RouteName>,
    /// Who answered.
    pub(crate) arm: Arm,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Status of the answer, 0 if there was none.
    pub(crate) status: u16,
    /// From admission to the last byte.
    pub(crate) latency_us: u64,
    /// From admission to the first byte, of a stream.
    pub(crate) first_us: Option<u64>,
    /// `gen_ai.operation.name`, where the request is one.
    pub(crate) operation: Option<&'static str>,
    /// The model asked for.
    pub(crate) model: &'a str,
    /// Tokens read and written; negative where nobody said.
    pub(crate) tokens: (i64, i64),
}

impl Events {
    /// An answer has ended: how long it took, and what it used.
    pub(crate) fn request_measured(&self, ended: &Ended<'_>) {
        let histograms = &self.histograms;
        let route = ended.route.map_or("", |route| route.as_str());
        let labels = [route, arm_name(ended.arm), class(ended.status)];
        let took = seconds(ended.latency_us);
        histograms.duration.with_label_values(&labels).observe(took);
        if let Some(first) = ended.first_us {
            histograms.first.with_label_values(&labels).observe(seconds(first));
        }
        let Some(operation) = ended.operation else { return };
        let provider = provider(ended.arm);
        let error = error_type(ended.outcome, ended.status);
        let known = |model: &str| {
            let labels = [operation, provider, model, error.as_deref().unwrap_or_default()];
            histograms.operation.with_label_values(&labels).observe(took);
            for (kind, tokens) in [("input", ended.tokens.0), ("output", ended.tokens.1)] {
                if tokens >= 0 {
                    let labels = [operation, provider, model, kind];
                    histograms.tokens.with_label_values(&labels).observe(tokens as f64);
                }
            }
            if let Some(first) = ended.first_us.filter(|_| error.is_none()) {
                let labels = [operation, provider, model];
                histograms.server_first.with_label_values(&labels).observe(seconds(first));
            }
        };
        histograms.named(ended.model, error.is_none(), known);
        tracing::trace!(route, latency_us = ended.latency_us, "request measured");
    }
}

impl Histograms {
    /// Calls `then` with the label of a model.
    fn named(&self, model: &str, succeeded: bool, then: impl FnOnce(&str)) {
        let known = self.models.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(model) {
            return then(model);
        }
        let room = known.len() < MODELS && succeeded && !model.is_empty();
        drop(known);
        if !room {
            return then(OTHER);
        }
        let mut known = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let label = if known.len() < MODELS && known.insert(model.to_owned()) { model } else { OTHER };
        then(label);
    }
}

/// `gen_ai.provider.name`.
pub(crate) fn provider(arm: Arm) -> &'static str {
    match arm {
        Arm::Teacher => "openai",
        Arm::Student => "kolm",
    }
}

/// `error.type`: why it was no success.
pub(crate) fn error_type(outcome: Outcome, status: u16) -> Option<String> {
    if outcome != Outcome::Complete {
        return Some(outcome.as_str().to_owned());
    }
    (status >= 400).then(|| status.to_string())
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "none",
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(model: &str, status: u16) -> Ended<'_> {
        Ended {
            route: None,
            arm: Arm::Teacher,
            outcome: Outcome::Complete,
            status,
            latency_us: 30_000,
            first_us: Some(9_000),
            operation: Some("chat"),
            model,
            tokens: (12, -1),
        }
    }

    #[test]
    fn an_answer_falls_into_its_bins_by_route_arm_and_class() {
        let events = Events::new();
        let route: RouteName = "support".parse().unwrap();
        events.request_measured(&Ended { route: Some(&route), ..ended("m", 200) });
        events.request_measured(&ended("m", 503));
        let page = events.render();
        for line in [
            "kolm_request_duration_seconds_bucket{arm=\"teacher\",class=\"2xx\",route=\"support\",le=\"0.02\"} 0",
            "kolm_request_duration_seconds_bucket{arm=\"teacher\",class=\"2xx\",route=\"support\",le=\"0.04\"} 1",
            "kolm_request_duration_seconds_sum{arm=\"teacher\",class=\"5xx\",route=\"\"} 0.03",
            "kolm_request_first_token_seconds_bucket{arm=\"teacher\",class=\"2xx\",route=\"support\",le=\"0.01\"} 1",
            "gen_ai_client_operation_duration_seconds_count{error_type=\"503\",gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"m\"} 1",
            "gen_ai_client_token_usage_sum{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"m\",gen_ai_token_type=\"input\"} 24",
            "gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"m\"} 1",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        assert!(!page.contains("gen_ai_token_type=\"output\""), "nobody said how many were written");
        for name in HISTOGRAMS {
            assert!(page.contains(&format!("\n{name}_bucket{{")), "{name}");
        }
    }

    #[test]
    fn what_is_no_inference_has_its_duration_alone() {
        let events = Events::new();
        events.request_measured(&Ended { operation: None, first_us: None, ..ended("", 0) });
        let page = events.render();
        assert!(
            page.contains("class=\"none\"") && !page.contains("gen_ai_") && !page.contains("first_token")
        );
    }

    #[test]
    fn a_model_is_a_label_once_it_has_answered_and_the_first_of_them_alone() {
        let events = Events::new();
        events.request_measured(&ended("junk", 404));
        for n in 0..MODELS + 9 {
            events.request_measured(&ended(&format!("model-{n}"), 200));
        }
        let page = events.render();
        assert!(!page.contains("\"junk\"") && page.contains("\"model-0\""));
        assert!(!page.contains(&format!("\"model-{MODELS}\"")));
        let others = "gen_ai_server_time_to_first_token_seconds_count{gen_ai_operation_name=\"chat\",\
                      gen_ai_provider_name=\"openai\",gen_ai_request_model=\"_OTHER\"} 9";
        assert!(page.contains(others), "{page}");
    }
}
