//! Dashboard and admin interface, on a runtime of their own.
//!
//! **Invariant:** the port is taken before anything runs in the background, and announced once clients may come.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kolm_config::{Live, LogFormat};
use kolm_core::{Code, Exit};
use kolm_gateway::reconcile::Board;
use kolm_gateway::table::Shared;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::admin::RunFile;
use crate::doors;
use crate::report::{Failure, note, print_json};
use crate::source::Source;

/// The port, taken before anything else runs.
pub(crate) struct Port {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Takes the port; 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let runtime = crate::runtime()?;
        let cannot = |error: std::io::Error| {
            let sentence = format!("cannot listen on {address}: {error}");
            let hint = "another kolm may run: set another `address` in [admin] of gateway.toml";
            Failure::new(Code(6), Exit::Usage, sentence, hint)
        };
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Self { runtime, listener, address })
    }
}

/// The pages, being served.
pub(crate) struct Pages {
    runtime: Runtime,
    admin: SocketAddr,
    token: String,
    listen: Arc<OnceLock<SocketAddr>>,
}

impl Pages {
    /// Serves them, and watches the configuration.
    pub(crate) fn start(
        port: Port,
        (shared, store): (&Arc<Shared>, &kolm_store::Handle),
        board: &Arc<Board>,
        live: &Arc<Live>,
        source: &Source,
    ) -> Self {
        let Port { runtime, listener, address: admin } = port;
        let (token, listen) = (kolm_core::hex(&shared.env.bytes32()), Arc::new(OnceLock::new()));
        let status = doors::status_door(shared, store, board, live, (admin, &listen));
        let doors = doors::doors(status, shared, store, board, (live, source));
        let settings = kolm_dashboards::Settings { token: token.clone(), address: admin };
        let router = kolm_dashboards::router(doors, settings);
        runtime.spawn(kolm_serve::listen(listener, router, std::future::pending()));
        runtime.spawn(source.clone().watch());
        Self { runtime, admin, token, listen }
    }

    /// Says, in `run/up.json` and to whoever looks, that clients may come.
    pub(crate) fn announce(
        &self,
        (scheme, address): (&str, SocketAddr),
        data_dir: &Path,
        (json, format): (bool, LogFormat),
    ) {
        self.listen.get_or_init(|| address);
        let run = RunFile {
            pid: std::process::id(),
            listen: address.to_string(),
            admin: self.admin.to_string(),
            token: self.token.clone(),
        };
        if let Err(failure) = write_private(&RunFile::path(data_dir), &run) {
            failure.print(false);
        }
        if json {
            print_json(
                &serde_json::json!({ "listening": run.listen, "dashboard": run.admin, "pid": run.pid }),
            );
        } else if format == LogFormat::Json {
            tracing::info!(listening = run.listen, dashboard = run.admin, scheme, "kolm listens");
        } else {
            note(&format!("kolm listens on {scheme}://{}/v1 (set OPENAI_BASE_URL to it)", run.listen));
            note(&format!("dashboard on http://{}", run.admin));
        }
    }

    pub(crate) fn stop(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, run: &RunFile) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let temporary = path.with_extension("new");
    let write = || {
        let mut file =
            std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&serde_json::to_vec(run)?)?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|error| Failure::io(path, &error))
}
