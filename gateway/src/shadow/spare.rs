//! What the shadow leaves undone, and why: this host's time and its load are asked here, the answer is `policies`'.
//!
//! **Invariant:** nothing here waits, and nothing here has a say in what is drawn.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kolm_core::RouteName;
use kolm_policies::spare::Busy;

use super::{Drawn, Shadow};

/// Why a drawn exchange has no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    /// Too many wait already.
    QueueFull,
    /// Too many requests of clients are under way.
    Load,
    /// The route's students have used their time on this host.
    Cpu,
    /// The student is down.
    StudentDown,
    /// The teacher gave no answer, or the day's money is spent.
    Teacher,
    /// A panic of our own.
    Panic,
}

impl Undone {
    /// The word in metrics and on pages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Load => "load",
            Self::Cpu => "cpu",
            Self::StudentDown => "student_down",
            Self::Teacher => "teacher",
            Self::Panic => "panic",
        }
    }
}

/// The busy time of the students on this host, by route.
#[derive(Default)]
pub(super) struct Times(Mutex<HashMap<RouteName, Busy>>);

impl Times {
    fn of<T>(&self, route: &RouteName, act: impl FnOnce(&mut Busy) -> T) -> T {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(times.entry(route.clone()).or_default())
    }
}

impl Shadow {
    /// Whether clients have this host to themselves now.
    pub(super) fn sheds(&self, drawn: &Drawn) -> bool {
        drawn.route.shadow.caps.shed(self.shared.in_flight.count() as u64)
    }

    /// Whether the route's students may be asked on this host.
    pub(super) fn has_time(&self, drawn: &Drawn) -> bool {
        let (now, caps) = (self.shared.env.clock.now(), &drawn.route.shadow.caps);
        self.times.of(&drawn.route.name, |busy| busy.has_time(caps, now))
    }

    /// Takes the time of a question out of what its route has.
    pub(super) fn spend(&self, drawn: &Drawn, micros: u64) {
        let (now, caps) = (self.shared.env.clock.now(), &drawn.route.shadow.caps);
        self.times.of(&drawn.route.name, |busy| *busy = busy.spend(caps, now, micros));
    }
}
