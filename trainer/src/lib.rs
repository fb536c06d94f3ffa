//! The trainer: a frozen snapshot in, a signed student out.
//!
//! A job is a folder; [`run`] works in it, says what it does in events, and can be stopped at any time: the
//! same job goes on where it stopped and ends with the same bytes. The losses live here, the differentiable
//! blocks and the packed students in `kolm-model`, every rule about data and gates in `kolm-policies`.
//!
//! **Invariant:** no socket, no clock and no randomness but what comes in by the door.

mod calibrate;
mod chance;
mod choice;
mod crossfit;
mod error;
mod folder;
mod heldout;
mod job;
mod learn;
mod loss;
mod ngram;
mod publish;
mod report;
mod run;
mod source;
mod svm;
mod transformer;

pub use calibrate::Threshold;
pub use error::Error;
pub use heldout::HeldOut;
pub use job::{Branch, Branches, Candidate, Done, Event, Job, Spec};
pub use report::{Case, Evaluated, HoldoutReport, evaluate, wilson};
pub use run::run;

#[cfg(test)]
mod tests;
