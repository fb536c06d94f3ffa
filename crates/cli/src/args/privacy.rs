//! The commands about personal data: taking it out of files, the way back, and looking for it on the disk.

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
    /// Where the way back of the policy's types in mode `vault` goes, sealed; must not exist
    #[arg(long, value_name = "FILE", requires = "vault_key")]
    pub(crate) vault: Option<PathBuf>,
    /// The key that it is sealed with, see `kolm vault key`
    #[arg(long, value_name = "FILE", requires = "vault")]
    pub(crate) vault_key: Option<PathBuf>,
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
pub(crate) enum VaultCommand {
    /// Make a key file that its owner alone may read; none is ever overwritten
    #[command(after_help = "Example:\n  kolm vault key --out /etc/kolm/vault.key")]
    Key {
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print what surrogates stand for, as JSON lines {"id","type","original","surrogate"}: personal data
    #[command(
        after_help = "Exit 0: all opened, 1: some records were not, or a capture has none.\n\nExamples:\n  kolm vault open --namespace support\n  kolm vault open --id 01a1fb67-1800-7000-8000-000000000001 --key old.key\n  kolm vault open --file clean.vault --key vault.key"
    )]
    Open(VaultOpen),
    /// Remove the way back of single captures for good; no key is needed, and the gateway may run
    #[command(after_help = "Example:\n  kolm vault forget --id 01a1fb67-1800-7000-8000-000000000001")]
    Forget {
        /// A capture, by the id of its receipt (repeatable)
        #[arg(long, value_name = "ID", required = true)]
        id: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VaultOpen {
    /// Of this capture alone, by the id of its receipt (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) id: Vec<String>,
    /// Of this namespace alone
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub(crate) namespace: Option<String>,
    /// The key file [default: vault.key_file of the configuration last in force]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Open a file that `kolm anonymize --vault` wrote, not the captures' vault
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) file: Option<PathBuf>,
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
