//! The command line: what `kolm --help` prints.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod access;
mod privacy;
mod route;

pub(crate) use self::access::{CaCommand, CaInit, CaIssue, IssueKey, KeysCommand};
pub(crate) use self::privacy::{
    Anonymize, AuditCommand, AuditDisk, FormatArg, ModeArg, VaultCommand, VaultOpen,
};
pub(crate) use self::route::{GateCommand, Intend, Prices, RolloutCommand};

const EXITS: &str = "Exit status: 0 done, 1 failed or not verified, 2 usage or not decided, 3 too few pairs, \
4 something needed is missing, 130 cancelled.";

/// Put kolm between your apps and OpenAI: it captures, distills, proves, and moves routes to a model you own.
#[derive(Debug, Parser)]
#[command(name = "kolm", version, after_help = EXITS, max_term_width = 110)]
pub(crate) struct Cli {
    /// Print machine-readable JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Directory for captures, keys, ledger and artifacts [default: $KOLM_HOME or ~/.kolm]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway: proxy, capture, shadow, rollout and dashboard
    #[command(
        alias = "gateway",
        after_help = "Example:\n  kolm up --config gateway.toml\n  OPENAI_BASE_URL=http://127.0.0.1:8765/v1 python app.py\n  kolm up --config gateway.toml --upgrade    # a new binary takes over from the one that runs"
    )]
    Up(Up),
    /// Run the proxy in capture-only mode, no file needed
    #[command(
        after_help = "Example:\n  kolm capture --provider openai --as support\n  OPENAI_BASE_URL=http://127.0.0.1:8765/v1 python app.py"
    )]
    Capture(Capture),
    /// Train a student on captured pairs or on a file and pack it into a signed .kolm
    #[command(
        after_help = "Examples:\n  kolm distill --namespace support --out support.kolm\n  kolm distill --pairs pairs.jsonl --eval eval.jsonl --out support.kolm"
    )]
    Distill(Distill),
    /// Serve one or many .kolm files on an OpenAI-compatible port
    #[command(after_help = "Example:\n  kolm serve --http support.kolm --port 8765")]
    Serve(Serve),
    /// Score a .kolm on its held-out cases or on a file, beside a cloud model if asked, and put it to the gate
    #[command(
        after_help = "Exit 0: it passes, 1: it does not, 2: too few cases to say, or the baseline cannot be asked. Without a baseline only\nagreement (A) and coverage (V) are put to their floors.\n\nExamples:\n  kolm eval support.kolm\n  kolm eval support.kolm --baseline openai:gpt-4o-mini --html report.html\n  kolm eval support.kolm --pairs eval.jsonl"
    )]
    Eval(Eval),
    /// Verify an artifact, a receipt, a ledger or the statements about verdicts
    #[command(
        after_help = "Examples:\n  kolm verify support.kolm\n  kolm verify receipt 01a1fb67-1800-7000-8000-000000000001\n  kolm verify ledger ~/.kolm/ledger\n  kolm verify decision verdicts.jsonl --rows rows.jsonl"
    )]
    Verify(Verify),
    /// Show what is inside a .kolm
    #[command(after_help = "Example:\n  kolm inspect support.kolm --json")]
    Inspect {
        /// The artifact
        artifact: PathBuf,
    },
    /// Check, compare and change the configuration, and see who changed it
    #[command(
        after_help = "Examples:\n  kolm config check gateway.toml\n  kolm config diff gateway.toml\n  kolm config apply gateway.toml\n  kolm config history"
    )]
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make an authority of your own, and certificates for the names that internal DNS points at the gateway
    #[command(
        after_help = "Examples:\n  kolm ca init\n  kolm ca issue api.openai.com\n  kolm ca issue gateway.corp.example '*.ai.corp.example' 10.0.0.5 --days 90 --out /etc/kolm"
    )]
    Ca {
        #[command(subcommand)]
        command: CaCommand,
    },
    /// Issue, list and revoke virtual keys; a running gateway follows within a second. Show the public signing keys
    #[command(
        after_help = "Examples:\n  kolm keys issue --namespace support --name ci --expires 90d --usd-per-day 20\n  kolm keys ls\n  kolm keys revoke 3f9a0c1b2d4e\n  kolm keys export --public"
    )]
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Take personal data and secrets out of standard input, as captures are before they are stored
    #[command(
        after_help = "Examples:\n  kolm anonymize --policy hipaa --mode redact < note.txt\n  kolm anonymize --format jsonl --report < rows.jsonl > clean.jsonl\n  kolm anonymize --format chat --seed 7 < finetune.jsonl"
    )]
    Anonymize(Anonymize),
    /// Open the way back that a policy's mode `vault` keeps: from surrogates to what was there
    #[command(
        after_help = "Examples:\n  kolm vault key --out vault.key\n  kolm vault open --id 01a1fb67-1800-7000-8000-000000000001\n  kolm vault forget --id 01a1fb67-1800-7000-8000-000000000001"
    )]
    Vault {
        #[command(subcommand)]
        command: VaultCommand,
    },
    /// Look over what kolm has written
    #[command(after_help = "Example:\n  kolm audit disk --values patients.txt")]
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say why a route stands where it stands
    #[command(after_help = "Example:\n  kolm gate explain support-mini")]
    Gate {
        #[command(subcommand)]
        command: GateCommand,
    },
    /// Pause, resume, promote or roll back a route, and see what was decided
    #[command(
        after_help = "Examples:\n  kolm rollout pause support-mini -m 'labels change on Monday'\n  kolm rollout promote support-mini -m 'seen and agreed'\n  kolm rollout history support-mini"
    )]
    Rollout {
        #[command(subcommand)]
        command: RolloutCommand,
    },
    /// Show the prices of models that costs and savings are counted with
    #[command(after_help = "Examples:\n  kolm prices gpt-4o\n  kolm prices --config gateway.toml --json")]
    Prices(Prices),
    /// Show what each route saved, what its proof cost, and when that is paid for
    #[command(after_help = "Example:\n  kolm savings --json")]
    Savings,
    /// Show the state of the running gateway
    #[command(after_help = "Example:\n  kolm status --json")]
    Status,
    /// Run the whole loop on this machine, offline, with a sample cloud
    #[command(after_help = "Examples:\n  kolm demo\n  kolm demo --pairs train.jsonl --eval val.jsonl --json")]
    Demo(Demo),
    /// A sample cloud on loopback, for the demo; reads its answers from stdin
    #[command(hide = true)]
    SampleCloud(SampleCloud),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Configuration; without it the embedded default
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Take over from the gateway that runs on this directory, under load, without a lost request
    #[arg(long)]
    pub(crate) upgrade: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// The provider whose API is proxied
    #[arg(long, default_value = "openai", value_parser = ["openai"])]
    pub(crate) provider: String,
    /// Namespace that captures go to
    #[arg(long = "as", value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
    /// Port to listen on, on 127.0.0.1
    #[arg(long, default_value_t = 8765)]
    pub(crate) port: u16,
    /// Another base URL than the provider's
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Distill {
    /// Train on the captured pairs of this namespace
    #[arg(long, value_name = "NAME", required_unless_present_any = ["pairs", "snapshot"], conflicts_with_all = ["pairs", "snapshot"])]
    pub(crate) namespace: Option<String>,
    /// Train on a file: JSON lines {"text","label"} or {"messages":[...]}
    #[arg(long, value_name = "FILE", conflicts_with = "snapshot")]
    pub(crate) pairs: Option<PathBuf>,
    /// Held-out rows: the report is made on these
    #[arg(long, value_name = "FILE")]
    pub(crate) eval: Option<PathBuf>,
    /// Train on a frozen snapshot
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) snapshot: Option<PathBuf>,
    /// Where the artifact goes
    #[arg(long, value_name = "FILE.kolm")]
    pub(crate) out: PathBuf,
    /// Job folder: a run that was killed resumes from it [default: a folder under the data directory; with --pairs named by content]
    #[arg(long, value_name = "DIR")]
    pub(crate) job: Option<PathBuf>,
    /// Name in the manifest [default: the file name of --out]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Anonymizer policy for --pairs
    #[arg(long, default_value = "default", value_name = "POLICY")]
    pub(crate) policy: String,
    /// Seed of everything random
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Threads to train on, 0 = all; the result does not depend on it
    #[arg(long, default_value_t = 0)]
    pub(crate) threads: usize,
    /// Which branches of the nano-label student to train
    #[arg(long, value_enum, default_value_t = BranchesArg::Both)]
    pub(crate) branches: BranchesArg,
    /// Accuracy promised on what the student answers itself, in [0.5, 0.999]; the rest goes to the teacher
    #[arg(long, default_value_t = 0.97, value_name = "SHARE")]
    pub(crate) target: f64,
    /// A child of `kolm up`: gives way to everything else, and ends with its parent
    #[arg(long, hide = true)]
    pub(crate) behind_gateway: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BranchesArg {
    /// n-gram and transformer; the smaller that is not worse ships, or their sum
    Both,
    /// n-gram alone: seconds instead of minutes
    Ngram,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// .kolm files or directories of them
    #[arg(long = "http", value_name = "X.kolm", required = true, num_args = 1..)]
    pub(crate) artifacts: Vec<PathBuf>,
    /// Port; 0 picks a free one
    #[arg(long, default_value_t = 8765)]
    pub(crate) port: u16,
    /// Address to bind
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,
    /// Answer requests for models that match GLOB with ARTIFACT
    #[arg(long, value_name = "GLOB=ARTIFACT")]
    pub(crate) alias: Vec<String>,
    /// Answer without receipts: a gateway stands in front and mints them
    #[arg(long, hide = true)]
    pub(crate) behind_gateway: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// The artifact
    pub(crate) artifact: PathBuf,
    /// Score on this file instead of the held-out cases inside
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
    /// A model that is asked the same, under the system prompt and with the tools that the cases came with:
    /// `openai:MODEL`. Of the teacher itself, the captured answers are taken
    #[arg(long, value_name = "PROVIDER:MODEL")]
    pub(crate) baseline: Option<String>,
    /// Ask the teacher again: tells how well it agrees with itself
    #[arg(long, requires = "baseline")]
    pub(crate) ask_again: bool,
    /// Base URL of the baseline's API
    #[arg(long, value_name = "URL", default_value = "https://api.openai.com/v1")]
    pub(crate) base_url: String,
    /// Write the evaluation as a page that stands alone
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// The label that means "out of scope"
    #[arg(long, default_value = "oos", value_name = "LABEL")]
    pub(crate) oos_label: String,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Verify {
    /// An artifact
    pub(crate) artifact: Option<PathBuf>,
    /// Trust this signing key (repeatable) [default: this installation's artifact key]
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Vec<String>,
    /// The identity that is expected
    #[arg(long, value_name = "sha256:...")]
    pub(crate) expect: Option<String>,
    #[command(subcommand)]
    pub(crate) what: Option<VerifyWhat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VerifyWhat {
    /// Verify one receipt: an id, a header value, or a file that holds one
    Receipt {
        /// Id, header value or file
        receipt: String,
        /// The ledger [default: DATA_DIR/ledger]
        #[arg(long, value_name = "DIR")]
        ledger: Option<PathBuf>,
    },
    /// Verify signed statements about verdicts: their signatures and, with --rows, that the Decisions say the same
    #[command(
        after_help = "Examples:\n  kolm rollout history support-mini --statements > verdicts.jsonl\n  kolm rollout history support-mini --json > rows.jsonl\n  kolm verify decision verdicts.jsonl --rows rows.jsonl --key 'kolm/decision+...'"
    )]
    Decision {
        /// DSSE envelopes, one a line
        file: PathBuf,
        /// The Decisions, one a line: digests and chain are checked, and each statement against its row
        #[arg(long, value_name = "FILE")]
        rows: Option<PathBuf>,
        /// Trust this signing key (repeatable) [default: this installation's decision key]
        #[arg(long, value_name = "VKEY")]
        key: Vec<String>,
    },
    /// Verify a whole ledger
    Ledger {
        /// The ledger [default: DATA_DIR/ledger]
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read and check a configuration; lists every problem
    Check {
        /// The file [default: the embedded one]
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema (draft 2020-12) of gateway.toml, for editors
    #[command(after_help = "Example:\n  kolm config schema > gateway.schema.json")]
    Schema,
    /// Show what two configurations differ in, setting by setting; exit 0 equal, 1 different
    #[command(
        after_help = "Examples:\n  kolm config diff gateway.toml\n  kolm config diff old.toml new.toml --json"
    )]
    Diff {
        /// A file
        #[arg(value_name = "A")]
        old: PathBuf,
        /// Another [default: what the running gateway has in force, else the embedded one]
        #[arg(value_name = "B")]
        new: Option<PathBuf>,
    },
    /// Show every configuration that came into force: version, time, author, digest, changes
    #[command(after_help = "Examples:\n  kolm config history\n  kolm config history --json | tail -1")]
    History,
    /// Print the text of a configuration
    #[command(after_help = "Examples:\n  kolm config show\n  kolm config show 3 > gateway.toml")]
    Show {
        /// A version of the history [default: the one in force]
        version: Option<u64>,
    },
    /// Have the running gateway read its file again
    #[command(after_help = "Example:\n  kolm config reload")]
    Reload,
    /// Put a file's text in force, and in place of the running gateway's own file
    #[command(after_help = "Example:\n  kolm config apply new.toml")]
    Apply {
        /// The file
        file: PathBuf,
        /// Only if the text in force has this digest [default: the one in force now]
        #[arg(long, value_name = "DIGEST")]
        if_match: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Traffic to learn from: JSON lines {"text","label"} or {"messages":[...]}; without it support tickets are generated
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
    /// Traffic to prove the student on; without it an eighth of the pairs
    #[arg(long, value_name = "FILE", requires = "pairs")]
    pub(crate) eval: Option<PathBuf>,
    /// Keep the scratch directory here; without it only the artifact stays, in the temporary folder
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Fewer pairs, n-gram branch only
    #[arg(long)]
    pub(crate) fast: bool,
    /// Milliseconds until the sample cloud sends its first token
    #[arg(long, default_value_t = 150, value_name = "MS")]
    pub(crate) cloud_delay: u64,
    /// Seed of the generated traffic
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct SampleCloud {
    /// Address to bind
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) address: SocketAddr,
    /// Milliseconds to the first token
    #[arg(long, default_value_t = 150)]
    pub(crate) first_token_ms: u64,
}
