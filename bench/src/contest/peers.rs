//! The LLM gateways that a package registry has: LiteLLM, Portkey, TensorZero.
//!
//! **Invariant:** nothing of theirs is switched off that their users have, but stores and telemetry that need a
//! network; they rewrite bodies, so lengths are not compared.

use std::process::Command;

use super::{Contestant, Stage, Who, free};
use crate::cases::MODELS;
use crate::fault::Result;
use crate::process::Process;
use crate::tools;

const TENSORZERO: &str = include_str!("tensorzero.py");

/// From PyPI, `litellm[proxy]`: the proxy with as many workers as the others have threads.
pub(super) fn litellm(stage: &Stage<'_>) -> Result<Contestant> {
    let home = stage.tools.peer("litellm").ok_or("not installed")?;
    let listen = free()?;
    let config = format!(
        "model_list:\n- model_name: \"*\"\n  litellm_params:\n    model: \"openai/*\"\n    \
         api_base: \"http://{}/v1\"\n    api_key: sk-bench\n",
        stage.upstream
    );
    let file = stage.dir.join("litellm.yaml");
    std::fs::write(&file, config)?;
    let mut command = Command::new(home.join("bin/litellm"));
    command.arg("--config").arg(&file).args(["--host", "127.0.0.1", "--port", &listen.port().to_string()]);
    command.args(["--num_workers", &stage.threads.to_string(), "--telemetry", "False"]);
    command
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_MODE", "PRODUCTION")
        .env("LITELLM_LOG", "ERROR");
    // It listens on loopback alone, and asks for no key, as the others here do not.
    command.env("LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true");
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let what = format!("{} (PyPI); {} workers", installed(stage, "litellm"), stage.threads);
    Ok(Contestant { verbatim: false, ..Contestant::new(Who::LiteLlm, what, listen, Some(process)) })
}

/// From npm, `@portkey-ai/gateway`.
pub(super) fn portkey(stage: &Stage<'_>) -> Result<Contestant> {
    let home = stage.tools.peer("portkey").ok_or("not installed")?;
    let node = tools::find("node").ok_or("not installed: node is missing")?;
    let listen = free()?;
    let mut command = Command::new(node);
    command.arg(home.join("node_modules/@portkey-ai/gateway/build/start-server.js"));
    command.arg(format!("--port={}", listen.port())).arg("--headless");
    let process = Process::start(&mut command, &stage.dir.join("log"))?;
    let what = format!("{} (npm); one process", installed(stage, "portkey"));
    let contestant = Contestant::new(Who::Portkey, what, listen, Some(process));
    let headers = vec![
        "x-portkey-provider: openai".to_owned(),
        format!("x-portkey-custom-host: http://{}/v1", stage.upstream),
    ];
    Ok(Contestant { headers, verbatim: false, ..contestant })
}

/// From PyPI, `tensorzero`: its Python client holds the whole gateway and serves it in its own process.
pub(super) fn tensorzero(stage: &Stage<'_>) -> Result<Contestant> {
    let home = stage.tools.peer("tensorzero").ok_or("not installed")?;
    let mut config = "[gateway]\nobservability.enabled = false\n".to_owned();
    for model in MODELS {
        config += &format!(
            "[models.\"{model}\"]\nrouting = [\"mock\"]\n[models.\"{model}\".providers.mock]\ntype = \"openai\"\n\
             model_name = \"{model}\"\napi_base = \"http://{}/v1/\"\napi_key_location = \"none\"\n",
            stage.upstream
        );
    }
    let (file, script) = (stage.dir.join("tensorzero.toml"), stage.dir.join("start.py"));
    std::fs::write(&file, config)?;
    std::fs::write(&script, TENSORZERO)?;
    let mut command = Command::new(home.join("bin/python"));
    command.arg(&script).arg(&file).stderr(std::fs::File::create(stage.dir.join("log"))?);
    let (process, url) = Process::start_and_hear(&mut command)?;
    let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("not served: no address")?;
    let port: u16 = host.rsplit(':').next().unwrap_or_default().parse()?;
    let what =
        format!("{} (PyPI); its gateway in the client's process, no store", installed(stage, "tensorzero"));
    let contestant = Contestant::new(Who::TensorZero, what, ([127, 0, 0, 1], port).into(), Some(process));
    Ok(Contestant {
        path: format!("/{}/chat/completions", path.trim_end_matches('/')),
        prefix: "tensorzero::model_name::".to_owned(),
        verbatim: false,
        ..contestant
    })
}

/// The package that `scripts/setup peers` installed.
fn installed(stage: &Stage<'_>, name: &str) -> String {
    let noted = std::fs::read_to_string(stage.tools.peers.join(format!("{name}.installed")));
    noted.unwrap_or_default().split_whitespace().next().unwrap_or("of unknown version").to_owned()
}
