//! The commands about personal data: taking it out of files, and looking for it on the disk.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Anonymize {
    /// A preset (default, hipaa, pci, gdpr, open-domain) or the path of a policy file
    #[arg(long, default_value = "default", value_name = "POLICY")]
    pub(crate) policy: String,
    /// What becomes of a finding, where the policy has no other rule for its type
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
    /// What standard input is
    #[arg(long, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
    /// Same input, same seed: same output. Without it surrogates differ from run to run
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Write counts by type to standard error
    #[arg(long)]
    pub(crate) report: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// An invented value of the same form
    Surrogate,
    /// <NAME_1>: one index per person or value
    Tag,
    /// [NAME]
    Redact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// The whole input is one conversation
    Text,
    /// Lines {"id":..., "text":...}; each its own conversation, spans come with it
    Jsonl,
    /// Lines that are request bodies, {"request":..., "response":...} or {"messages":[...]}
    Chat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Search everything that kolm has written for identifiers: exit 0 none found, 1 some found
    #[command(
        after_help = "Examples:\n  kolm audit disk\n  kolm audit disk --values patients.txt\n  kolm audit disk --json --data-dir /srv/kolm-copy"
    )]
    Disk(AuditDisk),
}

#[derive(Debug, Args)]
pub(crate) struct AuditDisk {
    /// A file of values to search for, one a line; `-` reads standard input. They are never printed
    #[arg(long, value_name = "FILE")]
    pub(crate) values: Option<PathBuf>,
}
