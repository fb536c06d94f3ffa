//! The gate `kolm-k/1`: from scores to a verdict, at every look, without peeking errors.
//!
//! **Invariant:** missing evidence never promotes; the same scores give the same verdict on any machine.

mod bets;
pub mod bounds;
pub(crate) mod canonical;
mod detect;
mod evidence;
mod forecast;
mod judge;
mod policy;
mod published;
mod stream;
mod tail;
mod teacher;
mod templates;

#[cfg(test)]
mod tests;

use kolm_core::{MicroUsd, Ppm, Timestamp};
use serde::{Deserialize, Serialize};

pub use bets::bets;
pub use detect::{Detector, Detectors};
pub use evidence::{Evidence, Gathered, Replay};
pub use forecast::{Ahead, forecast};
pub use judge::{Judged, judge, size_axis, weighted};
pub use policy::{GatePolicy, PRESETS};
pub use published::Published;
pub use templates::TemplateScore;

/// How a request came to be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// The teacher answered the client, the student was asked beside it.
    Shadow,
    /// The teacher was asked twice; carries `b` alone.
    Double,
    /// The student answered the client, the teacher was asked as a control.
    Reverse,
}

/// One scored request. A request that is both shadow and double primary is two scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// When the scoring ended.
    pub t: Timestamp,
    /// The conversation.
    pub unit: String,
    /// How it was sampled.
    pub kind: ScoreKind,
    /// Agreement of student and teacher; 0 for a timeout, a crash or an invalid answer, `None` if the
    /// student abstained.
    pub a: Option<Ppm>,
    /// Agreement of the teacher with itself.
    pub b: Option<Ppm>,
    /// Whether the student answered validly in the deadline.
    pub served: bool,
    /// The student's time until its answer, refusal or failure.
    pub student_us: u64,
    /// The teacher's time.
    pub teacher_us: u64,
    /// The student's time to the first byte.
    pub student_ttft_us: u64,
    /// The teacher's time to the first byte.
    pub teacher_ttft_us: u64,
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// Measured cost of the student alone (busy time; without the price of a fallback call).
    pub student_cost: MicroUsd,
    /// List price of the teacher's answer.
    pub teacher_cost: MicroUsd,
    /// A critical violation in the student's answer.
    pub critical: bool,
    /// The model that the teacher says it is, empty if it does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub up_model: String,
    /// `chat::template_key` of the request, empty if it is not told apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub template: String,
}

/// What a hold waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Missing {
    /// Scored requests.
    Requests,
    /// Closed units.
    Units,
    /// Wall time.
    Wall,
    /// Accuracy: no evidence or below its floor.
    A,
    /// Size.
    S,
    /// Latency axis.
    L,
    /// Cost: also when the teacher's price is unknown.
    C,
    /// Coverage.
    V,
    /// K below the gate.
    K,
    /// Share within the latency budget.
    Latency,
    /// Share within the first-token budget.
    Ttft,
    /// Double-primary pairs, or a teacher that hardly agrees with itself.
    Ceiling,
    /// Too many samples were dropped.
    Completeness,
    /// Recent means below a floor.
    Window,
    /// The ledger does not accept.
    Ledger,
    /// The cloud model behind the name changed.
    TeacherChanged,
    /// The day's budget for our own teacher calls is spent.
    Budget,
}

impl Missing {
    /// The word in rows and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "n",
            Self::Units => "units",
            Self::Wall => "wall",
            Self::A => "axis:A",
            Self::S => "axis:S",
            Self::L => "axis:L",
            Self::C => "axis:C",
            Self::V => "axis:V",
            Self::K => "axis:K",
            Self::Latency => "axis:latency",
            Self::Ttft => "axis:ttft",
            Self::Ceiling => "ceiling",
            Self::Completeness => "completeness",
            Self::Window => "window",
            Self::Ledger => "ledger",
            Self::TeacherChanged => "teacher_changed",
            Self::Budget => "budget",
        }
    }
}

/// Why a student is turned down or rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// K cannot reach the gate.
    K,
    /// A floored quantity cannot reach its floor: `A`, `V`, `latency`, `ttft`.
    Floor(&'static str),
    /// A critical violation.
    Critical,
    /// Too many units or days without a promotion.
    Exhausted,
    /// An e-CUSUM alarm on `a`, `v` or `latency`.
    Detector(&'static str),
    /// The artifact is not what it was.
    Artifact,
    /// The student process crashes again and again.
    StudentCrash,
    /// The student no longer answers its golden cases.
    Golden,
    /// Too many failures in a row or of late.
    Breaker,
    /// A person.
    Operator,
}

impl Breach {
    /// The word in rows and sentences.
    pub fn word(self) -> String {
        match self {
            Self::K => "k_below_gate".to_owned(),
            Self::Floor(name) => format!("floor:{name}"),
            Self::Critical => "critical".to_owned(),
            Self::Exhausted => "exhausted".to_owned(),
            Self::Detector(name) => format!("detector:{name}"),
            Self::Artifact => "artifact".to_owned(),
            Self::StudentCrash => "student_crash".to_owned(),
            Self::Golden => "golden".to_owned(),
            Self::Breaker => "breaker".to_owned(),
            Self::Operator => "operator".to_owned(),
        }
    }
}

/// What the gate says of a student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is shown.
    Promote,
    /// Something is lacking.
    Hold {
        /// What, in the order of the table; never empty.
        missing: Vec<Missing>,
    },
    /// It cannot pass any more.
    Reject {
        /// Why.
        because: Breach,
    },
}
