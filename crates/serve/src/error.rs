//! Why a port does not open.

use kolm_core::{Code, Coded, Exit};
use thiserror::Error;

/// A port that could not be made, or broke.
#[derive(Debug, Error)]
pub enum Error {
    /// There is nothing to serve.
    #[error("there is no artifact to serve")]
    NoModels,
    /// Two artifacts have one id.
    #[error("two artifacts are called `{id}`")]
    Twice {
        /// The id.
        id: String,
    },
    /// An artifact that is sound but no student.
    #[error("artifact `{id}` cannot be loaded as a student")]
    Load {
        /// The id.
        id: String,
        /// What the model said.
        #[source]
        source: kolm_model::Error,
    },
    /// A student answers otherwise than when it was packed.
    #[error("`{id}` answers {wrong} of its {of} golden cases otherwise than when it was packed")]
    Golden {
        /// The id.
        id: String,
        /// Cases that it answers otherwise.
        wrong: usize,
        /// Golden cases.
        of: usize,
    },
    /// An alias leads nowhere.
    #[error("alias `{glob}` names `{artifact}`, which is not served")]
    Alias {
        /// The name clients ask for.
        glob: String,
        /// The artifact that is to answer.
        artifact: String,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code(match self {
            Self::NoModels => 701,
            Self::Twice { .. } => 702,
            Self::Load { .. } => 703,
            Self::Alias { .. } => 704,
            Self::Golden { .. } => 706,
        })
    }

    fn hint(&self) -> Option<String> {
        Some(String::from(match self {
            Self::NoModels => "name a .kolm file or a directory that holds one",
            Self::Twice { .. } => "ids are file names: rename one of the files",
            Self::Load { .. } => {
                "see what it is with `kolm inspect`; only students of task label are served so far"
            }
            Self::Golden { .. } => {
                "this machine or build computes otherwise than the one that made it: serve it where `kolm eval` passes"
            }
            Self::Alias { .. } => {
                "an alias is written GLOB=FILE.kolm, and the file must be among those served"
            }
        }))
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoModels => Exit::Missing,
            Self::Twice { .. } | Self::Alias { .. } => Exit::Usage,
            Self::Load { .. } | Self::Golden { .. } => Exit::Failed,
        }
    }
}
