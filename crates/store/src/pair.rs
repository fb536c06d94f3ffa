//! A captured pair, as the gateway hands it over, as the spool keeps it and as pages see it.
//!
//! **Invariant:** a row is made from a [`Pair`] alone, and its bodies from an [`Anonymized`] alone.

use std::collections::BTreeMap;

use kolm_core::{
    Arm, ArtifactId, MicroUsd, Namespace, Outcome, RequestId, RouteName, Surface, Timestamp, hex,
};
use kolm_policies::anonymize::{Anonymized, Report};
use kolm_wire::surface;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The salts of a receipt's commitments; deleting them is the erasure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salts {
    /// Salt of the request's commitment.
    pub req: [u8; 32],
    /// Salt of the response's commitment.
    pub resp: [u8; 32],
}

impl std::fmt::Debug for Salts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salts")
    }
}

/// One exchange, anonymized, with all that is known about it.
#[derive(Debug)]
pub struct Pair {
    /// The request.
    pub id: RequestId,
    /// When it began.
    pub ts: Timestamp,
    /// The namespace.
    pub namespace: Namespace,
    /// The route, if one matched.
    pub route: Option<RouteName>,
    /// The upstream, by its name.
    pub upstream: String,
    /// The model asked for.
    pub requested_model: String,
    /// The model that answered.
    pub served_model: String,
    /// The part of the API.
    pub surface: Surface,
    /// `text`, `image`, `audio`...
    pub modality: String,
    /// Request and assembled reply.
    pub body: Anonymized,
    /// What the anonymizer did.
    pub report: Report,
    /// Tokens read, -1 = unknown.
    pub tokens_in: i64,
    /// Tokens written, -1 = unknown.
    pub tokens_out: i64,
    /// Tokens read from the teacher's cache, -1 = unknown.
    pub tokens_cached: i64,
    /// What it cost; `None` = no price known.
    pub cost: Option<MicroUsd>,
    /// From the first byte in to the last byte out.
    pub latency_ms: i64,
    /// From the first byte in to the first byte out, -1 = none.
    pub ttft_ms: i64,
    /// HTTP status, -1 = none.
    pub status: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// Class of the error, or empty.
    pub error_class: String,
    /// `finish_reason`, or empty.
    pub finish_reason: String,
    /// Who answered.
    pub arm: Arm,
    /// The artifact that answered.
    pub artifact: Option<ArtifactId>,
    /// Why it may not train (openai.md 13), `None` = it may.
    pub barred: Option<String>,
    /// Key of the conversation.
    pub conversation: String,
    /// The request this one repeats.
    pub retry_of: Option<RequestId>,
    /// An earlier try whose complete answer this one's takes the place of: it trains no longer.
    pub supersedes: Option<RequestId>,
    /// Salts of its receipt, `None` when they are not kept.
    pub salts: Option<Salts>,
}

/// The row of a pair, in columns.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) ts_ms: i64,
    pub(crate) namespace: String,
    pub(crate) route: String,
    pub(crate) upstream: String,
    pub(crate) requested_model: String,
    pub(crate) served_model: String,
    pub(crate) surface: String,
    pub(crate) modality: String,
    pub(crate) request_json: String,
    pub(crate) response_json: String,
    pub(crate) template_hash: String,
    pub(crate) input_sha: String,
    pub(crate) output_sha: String,
    pub(crate) tokens_in: i64,
    pub(crate) tokens_out: i64,
    pub(crate) tokens_cached: i64,
    pub(crate) cost_usd_micros: i64,
    pub(crate) latency_ms: i64,
    pub(crate) ttft_ms: i64,
    pub(crate) status: i64,
    pub(crate) outcome: String,
    pub(crate) error_class: String,
    pub(crate) finish_reason: String,
    pub(crate) arm: String,
    pub(crate) artifact: String,
    pub(crate) receipt_id: String,
    pub(crate) eligible: bool,
    pub(crate) reason: String,
    pub(crate) anonymizer_report: String,
    pub(crate) conversation_key: String,
    pub(crate) retry_of: String,
}

/// What lies in the spool.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// A pair, with the salts of its receipt in hex.
    Pair {
        /// The columns.
        row: Box<Row>,
        /// Salts of request and response.
        salts: Option<(String, String)>,
        /// The earlier try that trains no longer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supersedes: Option<String>,
    },
    /// The salts of a receipt whose bodies were not captured.
    Salts {
        /// The request.
        id: String,
        /// Salts of request and response.
        salts: (String, String),
    },
}

impl Record {
    /// The record of a pair; hashes and template are read off the anonymized bodies.
    pub(crate) fn pair(pair: Pair) -> Result<Self, serde_json::Error> {
        let (salts, supersedes) = (pair.salts.map(salt_text), pair.supersedes.map(String::from));
        Ok(Self::Pair { row: Box::new(row(pair)?), salts, supersedes })
    }

    /// The record of salts alone.
    pub(crate) fn salts(id: RequestId, salts: Salts) -> Self {
        Self::Salts { id: id.to_string(), salts: salt_text(salts) }
    }

    /// The request it belongs to.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Pair { row, .. } => &row.id,
            Self::Salts { id, .. } => id,
        }
    }
}

fn salt_text(salts: Salts) -> (String, String) {
    (hex(&salts.req), hex(&salts.resp))
}

fn row(pair: Pair) -> Result<Row, serde_json::Error> {
    let (request, reply) = (pair.body.request(), pair.body.reply());
    let template = surface::template(pair.surface, pair.body.typed().as_bytes());
    let digest = |text: &str| hex(&Sha256::digest(text.as_bytes()));
    let text = |name: Option<String>| name.unwrap_or_default();
    Ok(Row {
        id: pair.id.to_string(),
        ts_ms: pair.ts.0,
        namespace: pair.namespace.into(),
        route: text(pair.route.map(String::from)),
        upstream: pair.upstream,
        requested_model: pair.requested_model,
        served_model: pair.served_model,
        surface: pair.surface.as_str().to_owned(),
        modality: pair.modality,
        template_hash: template,
        input_sha: digest(request),
        output_sha: digest(reply),
        request_json: request.to_owned(),
        response_json: reply.to_owned(),
        tokens_in: pair.tokens_in,
        tokens_out: pair.tokens_out,
        tokens_cached: pair.tokens_cached,
        cost_usd_micros: pair.cost.map_or(-1, |cost| cost.0),
        latency_ms: pair.latency_ms,
        ttft_ms: pair.ttft_ms,
        status: pair.status,
        outcome: pair.outcome.as_str().to_owned(),
        error_class: pair.error_class,
        finish_reason: pair.finish_reason,
        arm: match pair.arm {
            Arm::Teacher => "teacher".to_owned(),
            Arm::Student => "student".to_owned(),
        },
        artifact: text(pair.artifact.map(String::from)),
        receipt_id: pair.id.to_string(),
        eligible: pair.barred.is_none(),
        reason: text(pair.barred),
        anonymizer_report: serde_json::to_string(&pair.report)?,
        conversation_key: pair.conversation,
        retry_of: text(pair.retry_of.map(String::from)),
    })
}

/// How many pairs a namespace has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// All rows.
    pub total: u64,
    /// Those that may train.
    pub eligible: u64,
}

/// A pair as a page shows it: anonymized text and numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairView {
    /// The request.
    pub id: String,
    /// When it began.
    pub ts: Timestamp,
    /// The route, or empty.
    pub route: String,
    /// The model that answered.
    pub model: String,
    /// The part of the API.
    pub surface: String,
    /// `teacher` or `student`.
    pub arm: String,
    /// HTTP status.
    pub status: i64,
    /// How it ended.
    pub outcome: String,
    /// Whether it may train.
    pub eligible: bool,
    /// Why not, or empty.
    pub reason: String,
    /// Tokens read, or -1.
    pub tokens_in: i64,
    /// Tokens written, or -1.
    pub tokens_out: i64,
    /// What it cost in millionths of a dollar, or -1.
    pub cost_usd_micros: i64,
    /// From first byte in to last byte out.
    pub latency_ms: i64,
    /// The beginning of the question.
    pub text: String,
    /// The beginning of the answer.
    pub answer: String,
    /// What the anonymizer found, by type: never a value.
    pub findings: BTreeMap<String, u64>,
    /// Something was nearly sure enough to be masked.
    pub quarantined: bool,
}

/// What the captures of all namespaces amount to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captures {
    /// Pairs by namespace and by what keeps them from training; an empty reason: nothing does.
    pub reasons: Vec<Reason>,
    /// The newest pairs that were looked into for what follows.
    pub looked_at: u64,
    /// Of these, the ones in which something was found.
    pub touched: u64,
    /// Of these, the ones that wait for a person.
    pub quarantined: u64,
    /// Mentions by type in these.
    pub findings: BTreeMap<String, u64>,
    /// The templates with the most pairs.
    pub templates: Vec<Template>,
    /// The newest pairs.
    pub recent: Vec<PairView>,
}

/// A number of pairs with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The namespace.
    pub namespace: String,
    /// Why they do not train, or empty.
    pub reason: String,
    /// How many.
    pub pairs: u64,
}

/// One pair in full, as an operator asks for it: anonymized like everything here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairDetail {
    /// The pair as a list shows it.
    #[serde(flatten)]
    pub view: PairView,
    /// The namespace.
    pub namespace: String,
    /// The model asked for.
    pub requested_model: String,
    /// Key of the task: system prompt and tools.
    pub template_hash: String,
    /// Tokens read from the teacher's cache, or -1.
    pub tokens_cached: i64,
    /// From first byte in to first byte out.
    pub ttft_ms: i64,
    /// Class of the error, or empty.
    pub error_class: String,
    /// Finish reason, or empty.
    pub finish_reason: String,
    /// The request this one repeats, or empty.
    pub retry_of: String,
    /// The request body.
    pub request: String,
    /// The reply body; empty when there was none.
    pub response: String,
}

/// Pairs with the same system prompt and tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The namespace.
    pub namespace: String,
    /// The part of the API.
    pub surface: String,
    /// Its key.
    pub template_hash: String,
    /// Pairs.
    pub pairs: u64,
    /// Those that may train.
    pub eligible: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
}
