//! What can be wrong with a student.

use kolm_core::{Code, Coded, Exit};
use thiserror::Error;

/// Why a student cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// The artifact holds something else than a `nano-label` student.
    #[error("the artifact holds {found}, not a nano-label student")]
    Foreign {
        /// What it says it holds.
        found: String,
    },
    /// A member or tensor is missing.
    #[error("`{what}` is missing in the student")]
    Missing {
        /// Path or name.
        what: String,
    },
    /// A tensor does not have the shape or number format it should have.
    #[error("`{what}` does not fit the shape of the student")]
    Shape {
        /// Name.
        what: String,
    },
    /// A member cannot be read.
    #[error("`{what}` of the student cannot be read")]
    Json {
        /// Path of the member.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The weights cannot be written.
    #[error("the weights cannot be packed")]
    Pack(#[source] safetensors::SafeTensorError),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Foreign { .. } => Code(620),
            Self::Missing { .. } => Code(621),
            Self::Shape { .. } => Code(622),
            Self::Json { .. } => Code(623),
            Self::Pack(_) => Code(624),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Foreign { .. } => {
                "give an artifact that `kolm distill` made for a closed set of answers".to_owned()
            }
            Self::Missing { .. } | Self::Shape { .. } | Self::Json { .. } => {
                "check the file with `kolm verify`, and distill it again if it was made by another version"
                    .to_owned()
            }
            Self::Pack(_) => "report this: training gave weights that no file can hold".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Failed
    }
}
