//! Drift: do requests, labels and the teacher still look as they did in the snapshot that the student learned from?
//!
//! Every unit is looked at as a row of yes and no: which template, which length, which hashed words, a label, a model or a
//! backend that training never saw. The share of each yes is bounded in the snapshot and in live traffic by the gate's own
//! engine, valid at every look; drift is where the two intervals lie apart by more than a margin.
//!
//! **Invariant:** a finding asks for a new training, never for a weight. Shares alone are kept: no text, no word.

mod features;
mod profile;
mod watch;

#[cfg(test)]
mod tests;

use kolm_core::Ppm;

pub use features::Sight;
pub use profile::Profile;
pub use watch::Watch;

/// What about the traffic changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The share of a template, or of those that training did not know.
    Template,
    /// The lengths of requests.
    Length,
    /// The words of requests.
    Words,
    /// Answers that are none of the labels of training.
    Label,
    /// The model that the teacher says it is.
    Model,
    /// The teacher's `system_fingerprint`.
    Backend,
}

/// A share that is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Of what.
    pub what: What,
    /// Its share in the snapshot.
    pub was: Ppm,
    /// Its share of late.
    pub is: Ppm,
    /// Units that were looked at.
    pub units: u64,
}

impl Finding {
    /// The word in rows.
    pub fn word(&self) -> &'static str {
        match self.what {
            What::Template => "drift:template",
            What::Length => "drift:length",
            What::Words => "drift:words",
            What::Label => "drift:label",
            What::Model => "drift:model",
            What::Backend => "drift:backend",
        }
    }

    /// The finding for people.
    pub fn sentence(&self) -> String {
        let what = match self.what {
            What::Template => "requests of one template",
            What::Length => "requests of one length",
            What::Words => "requests with some of the words",
            What::Label => "answers that training never saw",
            What::Model => "answers of a model that training never saw",
            What::Backend => "answers of a backend that training never saw",
        };
        format!(
            "{what} were {} of the snapshot and are {} of the last {} units",
            self.was, self.is, self.units
        )
    }
}
