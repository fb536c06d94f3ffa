//! Log lines on stderr: their form from the configuration, their filter from `KOLM_LOG` or the configuration.
//!
//! **Invariant:** a level changes with the configuration in force, a form at the next start.

use std::sync::Arc;

use kolm_config::{Log, LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;

/// Pingora speaks of every connection that breaks off.
const QUIET: &str = "pingora=warn,pingora_core=warn,pingora_proxy=warn";

/// Changes the level of what is written from now on.
pub(crate) type Relevel = Arc<dyn Fn(LogLevel) + Send + Sync>;

/// Starts logging; under `--json` in JSON whatever the file says. `KOLM_LOG` is stronger than the level and stays.
pub(crate) fn init(log: &Log, json: bool) -> Relevel {
    let format = if json { LogFormat::Json } else { log.format };
    let fixed = crate::env::variable("KOLM_LOG").and_then(|filter| EnvFilter::try_new(filter).ok());
    let is_fixed = fixed.is_some();
    let filter_now = fixed.unwrap_or_else(|| filter(log.level));
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).with_ansi(false);
    let (started, relevel): (_, Relevel) = match format {
        LogFormat::Text => {
            let builder = builder.with_env_filter(filter_now).with_filter_reloading();
            let handle = builder.reload_handle();
            (builder.try_init(), Arc::new(move |level| drop(handle.reload(filter(level)))))
        }
        LogFormat::Json => {
            let builder = builder.json().with_env_filter(filter_now).with_filter_reloading();
            let handle = builder.reload_handle();
            (builder.try_init(), Arc::new(move |level| drop(handle.reload(filter(level)))))
        }
    };
    if started.is_err() {
        crate::report::note("a logger is already installed");
    }
    if is_fixed { Arc::new(|_| ()) } else { relevel }
}

fn filter(level: LogLevel) -> EnvFilter {
    let others = match level {
        // What other crates say of every byte is of no use here.
        LogLevel::Debug | LogLevel::Trace => ",h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info",
        LogLevel::Error | LogLevel::Warn | LogLevel::Info => "",
    };
    EnvFilter::new(format!("{},{QUIET}{others}", level.as_str()))
}
