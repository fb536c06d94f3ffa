//! Why a training run ends without an artifact.

use std::io;
use std::path::PathBuf;

use kolm_core::{Code, Coded, Exit};
use kolm_policies::dataset;
use thiserror::Error;

/// Why a training run ends without an artifact.
#[derive(Debug, Error)]
pub enum Error {
    /// The rows cannot be trained on.
    #[error(transparent)]
    Data(#[from] dataset::Error),
    /// A number of the job makes no sense.
    #[error("the job asks for {what}")]
    Spec {
        /// What it asks for.
        what: String,
    },
    /// The loss is no longer a number.
    #[error("training diverged at step {step}: the loss is {loss}")]
    Diverged {
        /// At which step.
        step: u64,
        /// The loss.
        loss: f32,
    },
    /// The snapshot is not what its manifest says.
    #[error("the snapshot in {} does not hold: {why}", path.display())]
    Snapshot {
        /// The snapshot.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Stopped on request.
    #[error("training was cancelled at step {step}")]
    Cancelled {
        /// Steps of the transformer branch done.
        step: u64,
    },
    /// Another process works in the job folder.
    #[error("another run works in {}", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The job folder holds another job.
    #[error("{} holds another job", path.display())]
    OtherJob {
        /// The folder.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The tensor engine failed.
    #[error("the tensor engine failed")]
    Engine(#[from] candle_core::Error),
    /// The written artifact does not answer like the trained student.
    #[error(
        "the written artifact answers {right} of {n} held-out cases right, the trained student {expected}"
    )]
    Differs {
        /// Right answers of the artifact.
        right: u64,
        /// Right answers before it was written.
        expected: u64,
        /// Cases.
        n: u64,
    },
    /// The student cannot be packed or loaded.
    #[error(transparent)]
    Student(#[from] kolm_model::Error),
    /// The artifact cannot be written or read back.
    #[error(transparent)]
    Artifact(#[from] kolm_artifact::Error),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Data(source) => source.code(),
            Self::Spec { .. } => Code(605),
            Self::Diverged { .. } => Code(606),
            Self::Snapshot { .. } => Code(607),
            Self::Cancelled { .. } => Code(608),
            Self::Busy { .. } => Code(609),
            Self::OtherJob { .. } => Code(610),
            Self::Io { .. } => Code(611),
            Self::Engine(_) => Code(612),
            Self::Differs { .. } => Code(613),
            Self::Student(source) => source.code(),
            Self::Artifact(source) => source.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Data(source) => return source.hint(),
            Self::Spec { .. } => "correct the option; `kolm distill --help` lists the limits".to_owned(),
            Self::Diverged { .. } => "try another --seed, or --branches ngram".to_owned(),
            Self::Snapshot { .. } => {
                "freeze a new snapshot; this one was changed or is not complete".to_owned()
            }
            Self::Cancelled { .. } => "start the same job again: it goes on where it stopped".to_owned(),
            Self::Busy { .. } => "wait for it, or name another folder with --job".to_owned(),
            Self::OtherJob { .. } => "name another folder with --job, or remove this one".to_owned(),
            Self::Io { .. } => "check that the folder exists, is yours and has room".to_owned(),
            Self::Engine(_) | Self::Differs { .. } => "report this with the job folder".to_owned(),
            Self::Student(source) => return source.hint(),
            Self::Artifact(source) => return source.hint(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Data(source) => source.exit(),
            Self::Spec { .. } => Exit::Usage,
            Self::Cancelled { .. } => Exit::Cancelled,
            Self::Student(source) => source.exit(),
            Self::Artifact(source) => source.exit(),
            Self::Diverged { .. }
            | Self::Snapshot { .. }
            | Self::Busy { .. }
            | Self::OtherJob { .. }
            | Self::Io { .. }
            | Self::Engine(_)
            | Self::Differs { .. } => Exit::Failed,
        }
    }
}
