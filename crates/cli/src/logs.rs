//! Log lines on stderr: filtered by `KOLM_LOG`, as JSON where asked for.

use tracing_subscriber::EnvFilter;

/// Starts logging; `json` gives one object a line.
pub(crate) fn init(json: bool) {
    let filter = EnvFilter::try_from_env("KOLM_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,pingora=warn,pingora_core=warn,pingora_proxy=warn"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    if started.is_err() {
        crate::report::note("a logger is already installed");
    }
}
