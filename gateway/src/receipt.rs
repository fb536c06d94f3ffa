//! The receipt of one request: opened before each try, closed once.
//!
//! **Invariant:** the header names the arm that answers; a request whose record is not written in time says so.

use std::time::Duration;

use kolm_core::{ArtifactId, RouteName};
use kolm_receipts::header::Rt;
use kolm_receipts::{Close, Kind, Open, Opened, Try};
use tokio::time::timeout;

use crate::admit::Admitted;
use crate::table::Shared;
use crate::telemetry::Step;

const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// An open receipt.
pub(crate) struct Receipt {
    opened: Opened,
    under_way: UnderWay,
    earlier: Vec<Try>,
    /// The tries that ended, where a trace is gathered.
    steps: Vec<Step>,
}

/// The try under way.
struct UnderWay {
    no: u8,
    rt: Rt,
    artifact: Option<ArtifactId>,
    route: Option<RouteName>,
    model: String,
    began_us: u64,
}

/// Who is to answer a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// The cloud.
    Cloud,
    /// A student.
    Student(ArtifactId),
    /// The gateway itself: an error.
    Gateway,
}

impl By {
    fn parts(self) -> (Rt, Option<ArtifactId>) {
        match self {
            Self::Cloud => (Rt::Cloud, None),
            Self::Student(artifact) => (Rt::Local, Some(artifact)),
            Self::Gateway => (Rt::Local, None),
        }
    }
}

impl Receipt {
    /// Opens try 1.
    pub(crate) fn open(
        shared: &Shared,
        admitted: &Admitted,
        by: By,
        route: Option<&RouteName>,
        model: &str,
    ) -> Self {
        let (rt, artifact) = by.parts();
        let (route, model) = (route.cloned(), model.to_owned());
        let began_us = began_us(shared, admitted);
        let under_way = UnderWay { no: 1, rt, artifact, route, model, began_us };
        let (earlier, steps) = (Vec::new(), Vec::new());
        Self { opened: under_way.open(shared, admitted), under_way, earlier, steps }
    }

    /// The try under way ended with `code` before its first byte; the next one is `by`'s.
    pub(crate) fn again(&mut self, shared: &Shared, admitted: &Admitted, by: By, code: &str) {
        let (now, ended) = (shared.env.clock.now(), &mut self.under_way);
        self.earlier.push(Try::new(ended.no, ended.rt, ended.artifact.as_ref(), code, now));
        if admitted.trace.is_some() {
            let now_us = began_us(shared, admitted);
            self.steps.push(ended.step(now_us, Some(code)));
            ended.began_us = now_us;
        }
        (ended.rt, ended.artifact) = by.parts();
        ended.no += 1;
        self.opened = ended.open(shared, admitted);
    }

    /// The header's value, once the record is written; `st=none` when that takes too long.
    pub(crate) async fn header(&mut self, shared: &Shared, admitted: &Admitted) -> String {
        match timeout(WRITTEN_WITHIN, self.opened.written()).await {
            Ok(true) => self.opened.header().to_owned(),
            Ok(false) | Err(_) => {
                shared.events.receipt_degraded();
                shared.ledger.none_header(admitted.id, self.under_way.rt, self.under_way.artifact.as_ref())
            }
        }
    }

    /// All tries, the one under way included.
    pub(crate) fn steps(&self, now_us: u64) -> Vec<Step> {
        let last = self.under_way.step(now_us, None);
        self.steps.iter().cloned().chain([last]).collect()
    }

    /// Closes it.
    pub(crate) fn close(self, shared: &Shared, close: Close) {
        shared.ledger.close(&self.opened, Close { tries: self.earlier, ..close });
    }
}

/// The moment, where somebody wants to know it.
fn began_us(shared: &Shared, admitted: &Admitted) -> u64 {
    admitted.trace.map_or(0, |_| shared.env.clock.micros())
}

impl UnderWay {
    fn step(&self, ended_us: u64, code: Option<&str>) -> Step {
        let (artifact, code) = (self.artifact.clone(), code.map(str::to_owned));
        Step { rt: self.rt, artifact, began_us: self.began_us, ended_us, code }
    }

    fn open(&self, shared: &Shared, admitted: &Admitted) -> Opened {
        shared.ledger.open(Open {
            id: admitted.id,
            try_no: self.no,
            kind: Kind::Answer,
            ns: admitted.namespace.clone(),
            region: admitted.table.config.region_of(&admitted.namespace).to_owned(),
            route: self.route.clone(),
            rt: self.rt,
            art: self.artifact.clone(),
            ep: admitted.endpoint(),
            model: self.model.clone(),
        })
    }
}
