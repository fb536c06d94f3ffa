//! Log lines on stderr: their form from the configuration, their filter from `KOLM_LOG` or the configuration.
//!
//! **Invariant:** a level changes with the configuration in force, a form at the next start; no filter lets crates speak
//! that write whole requests into their lines.

use std::sync::Arc;

use kolm_config::{Log, LogFormat, LogLevel};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
            let all = builder.finish().with(filter_fn(is_discreet));
            (all.try_init(), Arc::new(move |level| drop(handle.reload(filter(level)))))
        }
        LogFormat::Json => {
            let builder = builder.json().with_env_filter(filter_now).with_filter_reloading();
            let handle = builder.reload_handle();
            let all = builder.finish().with(filter_fn(is_discreet));
            (all.try_init(), Arc::new(move |level| drop(handle.reload(filter(level)))))
        }
    };
    if started.is_err() {
        crate::report::note("a logger is already installed");
    }
    if is_fixed { Arc::new(|_| ()) } else { relevel }
}

/// Whether a line may be written at all. Below these levels other crates write headers and addresses as they are, keys
/// and cookies among them; Pingora speaks of every connection that breaks off.
fn is_discreet(line: &Metadata<'_>) -> bool {
    let most = match line.target() {
        ours if ours.starts_with("kolm") => Level::TRACE,
        proxy if proxy.starts_with("pingora") => Level::WARN,
        _ => Level::INFO,
    };
    *line.level() <= most
}

fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(level.as_str())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_filter_makes_other_crates_tell_what_they_carry() {
        let lines = Lines::default();
        let writer = lines.clone();
        let builder = tracing_subscriber::fmt().with_writer(move || writer.clone());
        let all = builder.with_env_filter("trace,pingora_proxy=trace").finish().with(filter_fn(is_discreet));
        tracing::subscriber::with_default(all, || {
            tracing::trace!(target: "pingora_proxy::proxy_h1", "authorization: one");
            tracing::info!(target: "pingora_core", "two");
            tracing::debug!(target: "hyper::proto", "three");
            tracing::warn!(target: "pingora_core", "four");
            tracing::info!(target: "axum", "five");
            tracing::trace!(target: "kolm_gateway::relay", "six");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let told = ["one", "two", "three", "four", "five", "six"].map(|word| written.contains(word));
        assert_eq!(told, [false, false, false, true, true, true], "{written}");
    }
}
