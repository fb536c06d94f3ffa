//! The contestants: who they are, how each is started in front of the mock, and whether it serves at all.
//!
//! **Invariant:** a contestant that is not there or does not answer is told so; it gets no figure.

pub(crate) mod kolm;
mod peers;
mod proxies;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Result;
use crate::load::Once;
use crate::process::Process;
use crate::tools::Tools;

/// How long a contestant may take until it answers, in steps of `STEP`.
const PATIENCE: u32 = 1_800;
const STEP: Duration = Duration::from_millis(100);

/// Everyone who may take part, in the order of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Who {
    Direct,
    Nginx,
    Bare,
    Envoy,
    KolmProxy,
    Kolm,
    #[value(name = "litellm")]
    #[serde(rename = "litellm")]
    LiteLlm,
    Portkey,
    #[value(name = "tensorzero")]
    #[serde(rename = "tensorzero")]
    TensorZero,
}

impl Who {
    /// As it stands in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Bare => "bare Pingora",
            Self::Envoy => "Envoy",
            Self::KolmProxy => "kolm, proxy and receipt",
            Self::Kolm => "kolm, everything on",
            Self::LiteLlm => "LiteLLM",
            Self::Portkey => "Portkey",
            Self::TensorZero => "TensorZero",
        }
    }
}

/// What the starters need.
pub(crate) struct Stage<'a> {
    pub(crate) tools: &'a Tools,
    /// The mock.
    pub(crate) upstream: SocketAddr,
    /// Worker threads of each contestant that can be told.
    pub(crate) threads: usize,
    /// A directory of its own, empty.
    pub(crate) dir: PathBuf,
}

/// A contestant that serves.
pub(crate) struct Contestant {
    pub(crate) who: Who,
    /// Version and what was set.
    pub(crate) what: String,
    pub(crate) address: SocketAddr,
    /// Where streams go, if not to `address`.
    pub(crate) streams: SocketAddr,
    pub(crate) path: String,
    pub(crate) headers: Vec<String>,
    /// Before a model's name.
    pub(crate) prefix: String,
    /// Whether replies are to be the mock's, to the byte.
    pub(crate) verbatim: bool,
    pub(crate) process: Option<Process>,
    /// Where its own counters can be read.
    pub(crate) metrics: Option<SocketAddr>,
}

impl Contestant {
    fn new(who: Who, what: String, address: SocketAddr, process: Option<Process>) -> Self {
        Self {
            who,
            what,
            address,
            streams: address,
            path: "/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            prefix: String::new(),
            verbatim: true,
            process,
            metrics: None,
        }
    }
}

/// Starts a contestant and waits until it has answered once.
pub(crate) fn start(who: Who, stage: &Stage<'_>) -> Result<Contestant> {
    std::fs::create_dir_all(&stage.dir)?;
    let mut contestant = match who {
        Who::Direct => Contestant::new(who, "the mock itself".to_owned(), stage.upstream, None),
        Who::Nginx => proxies::nginx(stage)?,
        Who::Bare => proxies::bare(stage)?,
        Who::Envoy => proxies::envoy(stage)?,
        Who::KolmProxy | Who::Kolm => kolm::start(who, stage)?,
        Who::LiteLlm => peers::litellm(stage)?,
        Who::Portkey => peers::portkey(stage)?,
        Who::TensorZero => peers::tensorzero(stage)?,
    };
    until_it_serves(&mut contestant, stage)?;
    Ok(contestant)
}

/// Waits until a contestant has answered once.
pub(crate) fn until_it_serves(contestant: &mut Contestant, stage: &Stage<'_>) -> Result<()> {
    let mut last = String::new();
    for _ in 0..PATIENCE {
        if contestant.process.as_mut().is_some_and(Process::has_ended) {
            return Err(format!("not served: it ended at once; {}", tail(&stage.dir.join("log"))).into());
        }
        let Once { status, broke, .. } = stage.tools.once(contestant, "mock-reply-1024")?;
        match (status, broke) {
            (200, None) => return Ok(()),
            (0, broke) => last = broke.unwrap_or_default(),
            // It listens, and this is its answer: one more try, for those that warm up.
            (status, _) if last == format!("status {status}") => break,
            (status, _) => last = format!("status {status}"),
        }
        std::thread::sleep(STEP);
    }
    Err(format!("not served: {last}").into())
}

/// The last line of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing in its log").to_owned()
}

/// A free address on loopback.
fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
