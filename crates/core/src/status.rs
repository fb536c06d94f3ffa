//! What a person is shown: the state of the whole, as `kolm status --json`, `/api/v1/status` and the pages print it.

use serde::{Deserialize, Serialize};

use crate::{
    ArtifactId, Bounds, Counts, KScore, MicroUsd, Namespace, Ppm, RouteName, Stage, Timestamp, Weight,
};

/// The state of one `kolm up`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the binary.
    pub version: String,
    /// When the process started.
    pub since: Timestamp,
    /// Version of the configuration in force, from 1.
    pub config_version: u64,
    /// Client address.
    pub listen: String,
    /// Address of the dashboard and the admin interface.
    pub admin: String,
    /// The routes.
    pub routes: Vec<RouteStatus>,
    /// The upstreams.
    #[serde(default)]
    pub upstreams: Vec<UpstreamStatus>,
    /// The capture path.
    pub capture: CaptureStatus,
    /// The ledger.
    pub ledger: LedgerStatus,
}

/// The state of one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Its breaker: `closed`, `open` or `half_open`.
    pub breaker: String,
    /// What its health checks say.
    pub health: HealthStatus,
    /// When it was last checked.
    pub checked: Option<Timestamp>,
    /// Who is asked in its place, in this order.
    pub failover: Vec<String>,
}

/// The state of one server of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// Where it is.
    pub address: String,
    /// Whether it is asked.
    pub ready: bool,
    /// Requests under way.
    pub under_way: u64,
}

/// What health checks say of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// There are none.
    Unchecked,
    /// There was none yet.
    Unknown,
    /// It is asked.
    Healthy,
    /// It is asked only if nobody else can be.
    Unhealthy,
}

impl HealthStatus {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// The state of a student that is tried beside the one that serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChallengerStatus {
    /// Its artifact.
    pub artifact: ArtifactId,
    /// Its attempt.
    pub attempt: u32,
    /// Its share of the buckets, within the champion's.
    pub weight: Weight,
    /// Whether its process answers.
    pub up: bool,
    /// What its evidence counts.
    pub n: Counts,
    /// Axes and K.
    pub k: KScore,
    /// Need, have and margin of each axis and of K.
    pub axes: Vec<AxisStatus>,
    /// E-values against the floors, and of its detectors once it answers clients.
    #[serde(default)]
    pub bets: Vec<BetStatus>,
    /// The champion's K on the requests that were put to both.
    pub champion: Option<Ppm>,
}

/// The state of one route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteStatus {
    /// Its name.
    pub route: RouteName,
    /// Its namespace.
    pub namespace: Namespace,
    /// Where it stands.
    pub stage: Stage,
    /// One sentence for people: stage, what is missing or next.
    pub sentence: String,
    /// The weight served: less than the stage's while a rise waits for its ledger leaf.
    pub weight: Weight,
    /// The ladder of weights.
    pub ladder: Vec<Weight>,
    /// Share of the last 1,000 requests that the student answered.
    pub actual: Ppm,
    /// The artifact on trial or in service.
    pub artifact: Option<ArtifactId>,
    /// Whether the student process answers.
    pub student_up: bool,
    /// The servers of its pool, where it is one.
    #[serde(default)]
    pub engines: Vec<EngineStatus>,
    /// Attempt number.
    pub attempt: u32,
    /// What the present evidence counts.
    pub n: Counts,
    /// Axes and K.
    pub k: KScore,
    /// Need, have and margin of each axis and of K.
    pub axes: Vec<AxisStatus>,
    /// `k-score-1` of the same evidence, for comparison alone.
    #[serde(default)]
    pub k_score_1: Option<f64>,
    /// The noise ceiling.
    pub ceiling: Option<Bounds>,
    /// E-values against the floors, and of the detectors once a student is promoted.
    #[serde(default)]
    pub bets: Vec<BetStatus>,
    /// The same evidence by template, as of the last seconds; the gate is put to the whole alone.
    #[serde(default)]
    pub templates: Vec<TemplateStatus>,
    /// The newer student that is tried beside the one that serves.
    #[serde(default)]
    pub challenger: Option<ChallengerStatus>,
    /// Requests answered by the student since the start.
    pub served_local: u64,
    /// Requests answered by the teacher since the start.
    pub served_cloud: u64,
    /// Of these, requests that fell back from the student.
    pub fallbacks: u64,
    /// Exchanges that the shadow drew and did not score since the start, by reason.
    #[serde(default)]
    pub shadow_dropped: Vec<(String, u64)>,
    /// Eligible pairs captured.
    pub pairs: u64,
    /// Pairs at which the next training starts, 0 = never.
    pub pairs_wanted: u64,
    /// The training under way.
    pub train: Option<TrainStatus>,
    /// Teacher's p95 latency in microseconds, 0 = unknown.
    pub teacher_p95_us: u64,
    /// Student's p95 latency in microseconds, 0 = unknown.
    pub student_p95_us: u64,
    /// Money.
    pub savings: Savings,
    /// When, at the mean pace since the student's first answer, the route will have paid for its own proof; a past
    /// time where it has, `None` before it saves anything.
    #[serde(default)]
    pub break_even: Option<Timestamp>,
}

/// What is known of one template of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateStatus {
    /// Key of system prompt and tools.
    pub template: String,
    /// Its counts; of samples that were not scored the template is not known.
    pub n: Counts,
    /// Axes and K.
    pub k: KScore,
}

/// One line of the gate: need against have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisStatus {
    /// `A`, `S`, `L`, `C`, `V`, `K` or the name of another floor.
    pub name: String,
    /// The floor or gate, `None` where the axis has none.
    pub need: Option<Ppm>,
    /// Value and bounds, `None` without evidence.
    pub have: Option<Bounds>,
}

/// One bet of the gate as it stands: a claim loses when the e-value against it reaches `at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BetStatus {
    /// `A`, `V`, `latency` or `ttft`.
    pub name: String,
    /// The claim.
    pub against: Claim,
    /// The e-value, in thousandths.
    pub milli: u64,
    /// Where the claim has lost, in thousandths.
    pub at: u64,
}

/// What is bet against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The mean is below its floor: the gate wants this one refuted.
    Below,
    /// The mean is still at its floor: refuted, it rolls a promoted student back.
    Holds,
}

/// A training run under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainStatus {
    /// The phase in words.
    pub phase: String,
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Latest loss.
    pub loss: f64,
    /// Latest validation score in [0, 1].
    pub valid: f64,
}

/// Money of a route, over all of its history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Savings {
    /// List price of the answers the student gave.
    pub avoided: MicroUsd,
    /// List price paid to the teacher.
    pub paid: MicroUsd,
    /// Measured cost of the local answers.
    pub local: MicroUsd,
    /// What training and proof cost: the machine's time, and the teacher asked by ourselves.
    #[serde(default)]
    pub invested: MicroUsd,
}

impl Savings {
    /// What is left of what was avoided, after the cost of answering; the investment is not taken off.
    pub fn kept(&self) -> MicroUsd {
        MicroUsd(self.avoided.0.saturating_sub(self.local.0))
    }

    /// What is left after all costs; below 0 while the proof has not paid for itself.
    pub fn net(&self) -> MicroUsd {
        MicroUsd(self.kept().0.saturating_sub(self.invested.0))
    }

    /// Both together.
    pub fn plus(&self, other: &Self) -> Self {
        let add = |a: MicroUsd, b: MicroUsd| MicroUsd(a.0.saturating_add(b.0));
        Self {
            avoided: add(self.avoided, other.avoided),
            paid: add(self.paid, other.paid),
            local: add(self.local, other.local),
            invested: add(self.invested, other.invested),
        }
    }
}

/// The capture path in numbers: accepted = stored + spooled + dropped + in flight.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureStatus {
    /// Exchanges handed to the tap queue.
    pub accepted: u64,
    /// Rows in the database.
    pub stored: u64,
    /// Rows in the spool, not yet in the database.
    pub spooled: u64,
    /// Drops by reason, sorted by reason.
    pub dropped: Vec<(String, u64)>,
}

/// The ledger in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// Receipts opened since the start.
    pub opens: u64,
    /// Receipts closed since the start.
    pub closes: u64,
    /// Receipts of an earlier run closed as lost at this start.
    pub lost: u64,
    /// Answers sent with `st=none`.
    pub none: u64,
}
