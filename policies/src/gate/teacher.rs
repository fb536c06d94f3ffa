//! Which model answers behind the teacher's name, and whether it changed during the attempt.
//!
//! **Invariant:** evidence about two models never promotes.

/// The teacher of an attempt.
#[derive(Debug, Default)]
pub(super) struct Teacher {
    model: String,
    /// Counts the changes.
    pub(super) no: u32,
    /// Double-primary units that began and ended with the present model.
    fresh: u64,
}

impl Teacher {
    /// Takes note of the model that answered; an empty name says nothing.
    pub(super) fn heard(&mut self, model: &str) {
        if model.is_empty() || model == self.model {
            return;
        }
        if !self.model.is_empty() {
            self.no += 1;
            self.fresh = 0;
        }
        model.clone_into(&mut self.model);
    }

    /// A unit with the teacher's agreement with itself was closed, and began under the teacher `no`.
    pub(super) fn agreed(&mut self, no: u32) {
        self.fresh += u64::from(no == self.no);
    }

    /// Whether the attempt's evidence is about more than one model.
    pub(super) fn changed(&self) -> bool {
        self.no > 0
    }

    /// Whether it changed, and the new one has stayed for so many units.
    pub(super) fn settled(&self, units: u64) -> bool {
        self.changed() && self.fresh >= units
    }
}
