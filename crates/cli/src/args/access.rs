//! The commands about who may come in: authorities and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Make an authority: ca.pem for the clients, ca.key for nobody
    #[command(after_help = "Example:\n  kolm ca init\n  export SSL_CERT_FILE=~/.kolm/ca/ca.pem")]
    Init(CaInit),
    /// Issue a certificate for names and addresses
    #[command(after_help = "Example:\n  kolm ca issue api.openai.com --days 90")]
    Issue(CaIssue),
}

#[derive(Debug, Args)]
pub(crate) struct CaInit {
    /// Folder of the authority [default: DATA_DIR/ca]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Replace the one that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CaIssue {
    /// Host names, `*.` names and addresses; the first names the files
    #[arg(required = true, value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// Folder of the authority [default: DATA_DIR/ca]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// How long it is good; clients of Apple refuse more than 825
    #[arg(long, default_value_t = 397, value_parser = clap::value_parser!(u64).range(1..=825))]
    pub(crate) days: u64,
    /// Folder for the two files [default: `issued` beside the authority]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the files that are there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it, once
    #[command(
        after_help = "Examples:\n  kolm keys issue --namespace support --expires 90d\n  kolm keys issue --namespace support --also billing --requests-per-minute 60 --json"
    )]
    Issue(IssueKey),
    /// Take a key out of use, for good
    #[command(after_help = "Example:\n  kolm keys revoke 3f9a0c1b2d4e")]
    Revoke {
        /// The key's id, the 12 digits after `kolm-sk-`
        id: String,
    },
    /// List the keys: ids, namespaces, states and limits, no secrets
    #[command(after_help = "Example:\n  kolm keys ls --json")]
    Ls,
    /// Print the public halves of this installation's signing keys, by role; nothing prints a private one
    #[command(after_help = "Example:\n  kolm keys export --public")]
    Export {
        /// The public halves
        #[arg(long, required = true)]
        public: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IssueKey {
    /// Namespace that its requests belong to
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: String,
    /// What the key is called in lists
    #[arg(long, value_name = "LABEL")]
    pub(crate) name: Option<String>,
    /// Other namespaces that it may name with `x-kolm-namespace`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) also: Vec<String>,
    /// Time to live, such as 12h or 90d [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Requests a minute
    #[arg(long, value_name = "N")]
    pub(crate) requests_per_minute: Option<u64>,
    /// Tokens a minute, read and written
    #[arg(long, value_name = "N")]
    pub(crate) tokens_per_minute: Option<u64>,
    /// Requests at a time
    #[arg(long, value_name = "N")]
    pub(crate) concurrent: Option<u64>,
    /// US dollars a UTC day
    #[arg(long, value_name = "USD")]
    pub(crate) usd_per_day: Option<f64>,
    /// US dollars a UTC month
    #[arg(long, value_name = "USD")]
    pub(crate) usd_per_month: Option<f64>,
}
