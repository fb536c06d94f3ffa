//! The gateway itself, in its configurations.
//!
//! **Invariant:** what is not set here is the default that users get.

use std::process::Command;

use super::{Contestant, Stage, Who, free};
use crate::fault::Result;
use crate::process::Process;
use crate::tools;

/// Receipts cannot be turned off, nor can captures be kept unanonymized: these two are what there is to choose.
pub(super) fn start(who: Who, stage: &Stage<'_>) -> Result<Contestant> {
    let (capture, what) = if matches!(who, Who::KolmProxy) {
        ("false", "capture = false; every answer has its receipt")
    } else {
        ("true", "the defaults: capture, anonymizer, receipts")
    };
    configured(who, stage, &format!("[namespaces.default]\ncapture = {capture}\n"), what)
}

/// A gateway in front of the mock with further settings, told as `what`.
pub(crate) fn configured(who: Who, stage: &Stage<'_>, settings: &str, what: &str) -> Result<Contestant> {
    let binary = stage.tools.kolm.as_ref().ok_or("not built")?;
    let (listen, admin) = (free()?, free()?);
    let config = format!(
        "[listen]\naddress = \"{listen}\"\n[admin]\naddress = \"{admin}\"\n\
         [upstreams.openai]\nbase_url = \"http://{}/v1\"\n{settings}",
        stage.upstream
    );
    let file = stage.dir.join("gateway.toml");
    std::fs::write(&file, config)?;
    let mut command = Command::new(binary);
    command.arg("up").arg("--config").arg(&file).arg("--data-dir").arg(stage.dir.join("data"));
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let version = tools::says(binary, &["--version"]);
    let mut contestant = Contestant::new(who, format!("{version}; {what}"), listen, Some(process));
    contestant.metrics = Some(admin);
    Ok(contestant)
}
