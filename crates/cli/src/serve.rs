//! `kolm serve`: an OpenAI-compatible port over one or many artifacts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kolm_artifact::{Artifact, Trust};
use kolm_config::{Log, LogFormat, LogLevel};
use kolm_core::{Code, Env, Exit, Namespace};
use kolm_serve::{Receipts, Service, Settings};

use crate::args::Serve;
use crate::report::{Done, Failure, print_json, say};

/// The namespace that a port without a gateway writes into its receipts.
const NAMESPACE: &str = "serve";

/// Serves until SIGTERM or SIGINT, or, behind a gateway, until standard input ends.
pub(crate) fn run(args: &Serve, env: &Env, data_dir: &Path, json: bool) -> Done {
    drop(crate::logs::init(&Log { format: LogFormat::Text, level: LogLevel::Info }, false));
    let mut models = Vec::new();
    for path in artifact_files(&args.artifacts)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        models.push((name, Artifact::open(&path, &Trust::integrity())?));
    }
    let identities: Vec<_> = models.iter().map(|(_, artifact)| artifact.identity().to_string()).collect();
    let (listener, address) = listen(SocketAddr::new(args.host, args.port))?;
    // One ledger a port: a ledger has one writer, and several ports may be served side by side.
    if args.behind_gateway {
        crate::machine::huge_pages(true);
    }
    let ledger = match args.behind_gateway {
        true => None,
        false => {
            let dir = data_dir.join("serve").join(address.port().to_string());
            Some(kolm_receipts::Ledger::open(&dir, "serve", env)?)
        }
    };
    let namespace: Namespace = NAMESPACE.parse().map_err(|error: kolm_core::BadName| {
        Failure::new(Code(5), Exit::Usage, error, "this is a defect: please report it")
    })?;
    let receipts = ledger.as_ref().map(|(_, handle, _)| Receipts { ledger: handle.clone(), namespace });
    let settings = Settings { aliases: aliases(&args.alias)?, ..Settings::default() };
    let service = Service::new(models, settings, receipts, env.clone())?;
    let done = crate::runtime()?.block_on(async {
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(|error| in_use(address, &error))?;
        if json {
            print_json(&serde_json::json!({ "listening": address, "artifacts": identities }));
        } else {
            say(format_args!("serving {} on http://{address}/v1", identities.join(", ")));
        }
        let behind_gateway = args.behind_gateway;
        let stop =
            async move { if behind_gateway { stdin_ended().await } else { crate::up::signalled().await } };
        service.run(listener, stop).await;
        Ok::<_, Failure>(())
    });
    if let Some((ledger, _, _)) = ledger {
        ledger.shutdown();
    }
    done.map(|()| Exit::Ok)
}

/// Binds `address`; port 0 takes a free one.
fn listen(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), Failure> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|error| in_use(address, &error))
}

/// A gateway that dies closes our standard input.
async fn stdin_ended() {
    use tokio::io::AsyncReadExt as _;
    let mut sink = [0; 64];
    let mut stdin = tokio::io::stdin();
    while stdin.read(&mut sink).await.is_ok_and(|n| n > 0) {}
}

fn in_use(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(
        Code(6),
        Exit::Usage,
        format_args!("cannot listen on {address}: {error}"),
        "another process may hold the port: choose one with --port, or 0 for a free one",
    )
}

/// The files named, and those in the directories named, sorted.
fn artifact_files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| Failure::io(path, &error))?;
        let found = entries.flatten().map(|entry| entry.path());
        files.extend(found.filter(|path| path.extension().is_some_and(|extension| extension == "kolm")));
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::new(
            Code(7),
            Exit::Missing,
            "no .kolm file there",
            "name a .kolm file, or make one with `kolm distill`",
        ));
    }
    Ok(files)
}

fn aliases(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    given
        .iter()
        .map(|alias| {
            alias.split_once('=').map(|(glob, artifact)| (glob.to_owned(), artifact.to_owned())).ok_or_else(
                || {
                    Failure::new(
                        Code(5),
                        Exit::Usage,
                        format_args!("`{alias}` is no alias"),
                        "write it as GLOB=FILE.kolm",
                    )
                },
            )
        })
        .collect()
}
