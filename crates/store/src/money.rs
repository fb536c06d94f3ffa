//! The money that a store knows of.

use kolm_core::{MicroUsd, Namespace, RouteName, Timestamp};

use crate::{Error, Handle};

/// What a route's answers and its proof cost; a price that nobody knew counts as 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Money {
    /// List price of what the student answered.
    pub avoided: MicroUsd,
    /// List price of what the teacher answered.
    pub paid: MicroUsd,
    /// How often the student answered.
    pub student_n: u64,
    /// How long the student took over its answers, in ms.
    pub student_ms: u64,
    /// What scoring cost: the student's time in the shadow, and the teacher asked by ourselves.
    pub shadow: MicroUsd,
    /// What of it the teacher got on the UTC day that is asked about.
    pub asked_today: MicroUsd,
}

impl Handle {
    /// The money of a route, as far as the store has it from before `until`, and of that moment's day.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn money(
        &self,
        namespace: &Namespace,
        route: RouteName,
        until: Timestamp,
    ) -> Result<Money, Error> {
        let name = route.clone();
        let answered = self.of(namespace).ask(move |db| db.answered(&name, until)).await?;
        let (shadow, asked_today) = self.ask(move |db| db.proof(&route, until)).await?;
        Ok(Money { shadow, asked_today, ..answered })
    }
}
