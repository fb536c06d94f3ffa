//! The commands about routes: why the gate decided, who moves a route, what it costs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum GateCommand {
    /// Say in sentences and a table why a route stands where it stands, from its last Decision
    #[command(
        after_help = "Examples:\n  kolm gate explain support-mini\n  kolm gate explain support-mini --json"
    )]
    Explain {
        /// The route
        route: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RolloutCommand {
    /// Weight 0 until resumed
    Pause(Intend),
    /// Back to the shadow, with the evidence of the attempt
    Resume(Intend),
    /// One step up if the gate says promote: skips the dwell time, no floor
    Promote(Intend),
    /// Weight 0 at once, then the cooldown
    Rollback(Intend),
    /// Ends the trial of the challenger; the student in service stays
    Dismiss(Intend),
    /// The Decisions, oldest first
    #[command(
        after_help = "Examples:\n  kolm rollout history\n  kolm rollout history support-mini --last 20 --json\n  kolm rollout history support-mini --statements > verdicts.jsonl"
    )]
    History {
        /// The route [default: all]
        route: Option<String>,
        /// Only so many, the newest
        #[arg(long, value_name = "N")]
        last: Option<usize>,
        /// The signed statements about verdicts instead: one DSSE envelope a line, for `kolm verify decision`
        #[arg(long)]
        statements: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Intend {
    /// The route
    pub(crate) route: String,
    /// Why: it is written into the Decision
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Prices {
    /// Only models whose name begins so
    pub(crate) model: Option<String>,
    /// Prices of the upstreams of this file stand before the list's
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
