//! The manifest as a value. Integers, strings and booleans only: rates in ppm, `-1` and `""` for what is
//! not known.

use std::collections::BTreeMap;
use std::fmt;

use kolm_core::Axis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Claims;

/// The one value of `spec`.
pub(crate) const SPEC: &str = "kolm-manifest/1";

/// What an artifact says about itself: `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `kolm-manifest/1`.
    pub spec: String,
    /// Name, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// Kind of task.
    pub task: Task,
    /// Whole model or adapter.
    pub kind: Kind,
    /// When the snapshot was frozen, RFC 3339 in seconds with `Z`.
    pub created: String,
    /// The members in file order, all but the first three.
    pub members: Vec<MemberEntry>,
    /// The base it stands on.
    pub base: Base,
    /// Shape of the model.
    pub model: Model,
    /// What runs it.
    pub runtime: Runtime,
    /// What it was trained on.
    pub data: Data,
    /// How it was trained.
    pub train: Train,
    /// Who it was trained to answer like.
    pub teacher: Teacher,
    /// The report on held-out cases.
    pub eval: Eval,
    /// The score.
    pub k: K,
    /// When it says no.
    pub cascade: Cascade,
    /// What of the API it answers.
    pub compat: Compat,
    /// For task `embed` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<Embedding>,
    /// Whose data and where.
    pub residency: Residency,
    /// Identities it was trained or merged from.
    pub parents: Vec<String>,
    /// How each field is backed.
    pub claims: Claims,
    /// Members whose names start with `x-`: without meaning here, covered by the identity.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

/// Kind of task.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of a closed set of answers.
    #[default]
    Label,
    /// Fields out of a text.
    Extract,
    /// Calls of tools.
    Tool,
    /// Free text.
    Chat,
    /// Vectors.
    Embed,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Label => "label",
            Self::Extract => "extract",
            Self::Tool => "tool",
            Self::Chat => "chat",
            Self::Embed => "embed",
        })
    }
}

/// Whole model or adapter.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All weights are in the artifact.
    #[default]
    Full,
    /// A base is needed.
    Adapter,
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// Names of the fields, for the claims.
            pub(crate) const FIELDS: &[&str] = &[$(stringify!($field)),*];
        }
    };
}

/// A member, pinned.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberEntry {
    /// Path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Root of its chunk tree, empty up to 1 MiB.
    pub chunk_root: String,
    /// What it is for.
    pub role: String,
    /// Media type.
    pub media_type: String,
}

record! {
    /// The model that an adapter stands on; empty for `full`.
    Base {
        /// Name.
        id: String,
        /// Revision.
        revision: String,
        /// SHA-256 of its weights: a base is found by this alone.
        sha256: String,
        /// Disk bytes of an external base, 0 for `full`.
        bytes: u64,
        /// Licence.
        license: String,
    }
}

record! {
    /// Shape of the model.
    Model {
        /// Architecture.
        arch: String,
        /// Sizes.
        dims: Dims,
        /// Number format of the weights.
        quant: String,
        /// Longest input in tokens.
        context: u64,
        /// SHA-256 of the vocabulary or label list, empty without.
        vocab_sha256: String,
        /// Texts that end an answer.
        stop: Vec<String>,
    }
}

/// Sizes of a model, 0 where the architecture has none.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dims {
    /// Layers.
    pub layers: u64,
    /// Width.
    pub width: u64,
    /// Attention heads.
    pub heads: u64,
    /// Key-value heads.
    pub kv_heads: u64,
    /// Width of the feed-forward part.
    pub ff: u64,
    /// Vocabulary or labels.
    pub vocab: u64,
}

record! {
    /// What runs it.
    Runtime {
        /// Interface of the runtime.
        abi: String,
        /// Oldest version that runs it.
        min_version: String,
        /// `det-int8/1` or `none`.
        kernel_profile: String,
        /// Pinned runtimes.
        binaries: Vec<Binary>,
    }
}

/// A pinned runtime.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    /// Target triple.
    pub platform: String,
    /// SHA-256 of the binary.
    pub sha256: String,
}

record! {
    /// What it was trained on.
    Data {
        /// Time of the oldest pair in milliseconds.
        t_from: i64,
        /// Time of the newest pair in milliseconds.
        t_to: i64,
        /// Rows trained on.
        n_train: u64,
        /// Rows held out.
        n_eval: u64,
        /// Root over the pair commitments, or the snapshot's SHA-256.
        pairs_root: String,
        /// Anonymizer policy of the pairs.
        anon_policy: String,
        /// Seed of the split.
        split_seed: u64,
        /// Rows on both sides: must be 0.
        overlap: u64,
    }
}

record! {
    /// How it was trained.
    Train {
        /// Student.
        recipe: String,
        /// Algorithm.
        algorithm: String,
        /// Seed.
        seed: u64,
        /// SHA-256 of the job.
        run_sha256: String,
    }
}

record! {
    /// Who it was trained to answer like.
    Teacher {
        /// Provider.
        provider: String,
        /// Model asked for.
        model: String,
        /// Models that answered, with counts.
        seen: Vec<(String, u64)>,
        /// Class of the provider's terms on training.
        terms: String,
    }
}

record! {
    /// The report on held-out cases.
    Eval {
        /// Root over the cases.
        cases_root: String,
        /// SHA-256 of `scorers.json`, empty without; filled in by `write`.
        scorers_sha256: String,
        /// Cases.
        n: u64,
        /// Measured axes.
        axes: Vec<AxisRow>,
    }
}

/// One measured axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisRow {
    /// Which.
    pub axis: Axis,
    /// Value.
    pub value_ppm: u32,
    /// Lower bound.
    pub lcb_ppm: u32,
    /// Upper bound.
    pub ucb_ppm: u32,
    /// Cases it rests on.
    pub n: u64,
}

/// The score; `-1` where evidence is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct K {
    /// `kolm-k/1`.
    pub version: String,
    /// Weights of A, S, L, C, V in percent.
    pub weights_pct: [u32; 5],
    /// A, S, L, C, V.
    pub axes_ppm: [i64; 5],
    /// The weighted sum.
    pub k_ppm: i64,
    /// Its lower bound.
    pub k_lcb_ppm: i64,
    /// The gate it is to pass.
    pub gate_ppm: i64,
    /// Floors of A, S, L, C, V, 0 without one.
    pub floors_ppm: [i64; 5],
    /// Alpha in parts per billion.
    pub alpha_ppb: u64,
}

impl K {
    pub(crate) const FIELDS: &[&str] =
        &["version", "weights_pct", "axes_ppm", "k_ppm", "k_lcb_ppm", "gate_ppm", "floors_ppm", "alpha_ppb"];
}

impl Default for K {
    fn default() -> Self {
        Self {
            version: "kolm-k/1".to_owned(),
            weights_pct: kolm_core::AXIS_WEIGHTS.map(|(_, percent)| percent),
            axes_ppm: [-1; 5],
            k_ppm: -1,
            k_lcb_ppm: -1,
            gate_ppm: -1,
            floors_ppm: [0; 5],
            alpha_ppb: 0,
        }
    }
}

record! {
    /// When it says no.
    Cascade {
        /// Rule: `margin`, `logprob` or `none`.
        kind: String,
        /// Threshold of confidence.
        tau_ppm: u32,
        /// Tokens read before deciding.
        decide_tokens: u32,
    }
}

record! {
    /// What of the API it answers.
    Compat {
        /// Endpoints.
        endpoints: Vec<String>,
        /// Calls tools.
        tools: bool,
        /// Keeps to a JSON schema.
        json_schema: bool,
        /// Gives log-probabilities.
        logprobs: bool,
        /// Streams.
        stream: bool,
    }
}

record! {
    /// Shape of its vectors.
    Embedding {
        /// Width.
        dim: u64,
        /// Widths that may be asked for.
        dims: Vec<u64>,
        /// How tokens become one vector.
        pooling: String,
        /// Whether vectors have length 1.
        normalize: bool,
        /// Longest input.
        max_tokens: u64,
    }
}

record! {
    /// Whose data and where.
    Residency {
        /// Tenant.
        tenant: String,
        /// Region.
        region: String,
    }
}
