//! The words and numbers of kolm: identifiers, units, axes, stages, Decisions and the doors through
//! which time and chance come in. Everything above speaks this vocabulary; nothing here does I/O.
//!
//! **Invariant:** no tokio, no serde_json, no clock and no randomness of its own.

mod axis;
mod clock;
mod decision;
mod error;
mod id;
mod outcome;
mod review;
mod status;
mod time;
mod unit;

pub use axis::{AXIS_WEIGHTS, Axis, Bounds, KScore};
pub use clock::{Clock, Entropy, Env, FixedClock, SeededEntropy};
pub use decision::{
    Answered, Bars, Basis, Challenge, Counts, DecisionKind, DecisionRow, Intent, IntentKind, Moments, Sample,
    Stage, Within,
};
pub use error::{Code, Coded, Exit};
pub use id::{ArtifactId, BadName, Namespace, RequestId, RouteName, hex};
pub use outcome::{Arm, Body, Outcome, Surface};
pub use review::{
    Answer, DiffAxis, DiffCounts, DiffDetail, DiffFilter, DiffKind, DiffPage, DiffQuery, DiffRow, Review,
    Spent, ToolCall, Turn, Verdict,
};
pub use status::{
    AxisStatus, BetStatus, CaptureStatus, ChallengerStatus, Claim, EngineStatus, HealthStatus, LedgerStatus,
    RouteStatus, Savings, Status, TemplateStatus, TrainStatus, UpstreamStatus,
};
pub use time::{civil_of, days_of, rfc3339};
pub use unit::{MicroUsd, Ppm, Timestamp, Weight};

#[cfg(test)]
mod tests;
