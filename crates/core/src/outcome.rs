//! How a request went: which arm answered, over which surface, and how it ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The cloud model.
    Teacher,
    /// The local artifact.
    Student,
}

/// How a request ended, as the receipts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer was sent.
    Complete,
    /// The client left before the end.
    ClientAbort,
    /// The upstream failed or broke off.
    UpstreamError,
    /// A deadline passed.
    Timeout,
    /// The gateway itself refused.
    Refused,
    /// The process died before the end was known.
    Lost,
}

impl Outcome {
    /// The name in receipts, rows and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ClientAbort => "client_abort",
            Self::UpstreamError => "upstream_error",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of the OpenAI API that a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/embeddings`.
    Embeddings,
    /// `POST /v1/moderations`.
    Moderations,
    /// `POST /v1/audio/transcriptions`.
    Transcriptions,
    /// `POST /v1/audio/translations`.
    Translations,
    /// Everything else: passed as bytes.
    Other,
}

impl Surface {
    /// The surface of a method and a path under `/v1` (query string excluded).
    pub fn of(method: &str, path: &str) -> Self {
        match (method, path) {
            ("POST", "/v1/chat/completions") => Self::Chat,
            ("POST", "/v1/completions") => Self::Completions,
            ("POST", "/v1/responses") => Self::Responses,
            ("POST", "/v1/embeddings") => Self::Embeddings,
            ("POST", "/v1/moderations") => Self::Moderations,
            ("POST", "/v1/audio/transcriptions") => Self::Transcriptions,
            ("POST", "/v1/audio/translations") => Self::Translations,
            _ => Self::Other,
        }
    }

    /// The surface of this name, as [`Surface::as_str`] has it.
    pub fn named(name: &str) -> Self {
        let all = [
            Self::Chat,
            Self::Completions,
            Self::Responses,
            Self::Embeddings,
            Self::Moderations,
            Self::Transcriptions,
            Self::Translations,
        ];
        all.into_iter().find(|surface| surface.as_str() == name).unwrap_or(Self::Other)
    }

    /// How its requests are read.
    pub fn body(self) -> Body {
        match self {
            Self::Chat | Self::Completions | Self::Responses | Self::Embeddings | Self::Moderations => {
                Body::Json
            }
            Self::Transcriptions | Self::Translations => Body::Form,
            Self::Other => Body::Opaque,
        }
    }

    /// The name in rows and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Moderations => "moderations",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations",
            Self::Other => "other",
        }
    }
}

/// How the requests of a surface are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// One JSON value: read whole before it goes up.
    Json,
    /// A form with a file in it: its fields are read as they pass.
    Form,
    /// Not read.
    Opaque,
}
