//! Certificates in use: chosen by the name a client asks for, replaced when their files or the configuration change.
//!
//! **Invariant:** whatever happens to a file, connections are accepted with the last certificates that were whole.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kolm_config::certificate::{self, BadCertificate, Certified};
use kolm_config::{ClientAuth, Listen, Tls};
use pingora::listeners::tls::Acceptor;
use rustls::ServerConfig;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use tokio::time::{MissedTickBehavior, interval};

use super::Port;
use crate::error::Error;
use crate::table::Shared;

const LOOK: Duration = Duration::from_secs(1);
/// From here on an end is worth a warning.
const SOON_S: i64 = 14 * DAY_S;
const DAY_S: i64 = 24 * 3600;

/// What accepts connections under these settings; `None` for plain HTTP.
pub(super) fn acceptor(shared: &Shared, listen: &Listen) -> Result<Option<Arc<Acceptor>>, Error> {
    let Some(tls) = &listen.tls else { return Ok(None) };
    let bad = |cause: BadCertificate| Error::Tls { cause: cause.to_string() };
    let loaded: Result<Vec<Certified>, _> = tls.certificates.iter().map(Certified::load).collect();
    let loaded = loaded.map_err(bad)?;
    let clients = clients(tls).map_err(|cause| Error::Tls { cause })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::Tls { cause: cause.to_string() })?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(ByName::new(&loaded)));
    let protocols: &[&[u8]] = if listen.h2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    for certified in &loaded {
        let left_s = certified.not_after - shared.env.clock.now().0 / 1000;
        if left_s < SOON_S {
            shared.events.certificate_ends(&certified.names.join(", "), left_s.div_euclid(DAY_S));
        }
    }
    shared.events.certificates_loaded(loaded.len());
    Ok(Some(Arc::new(Acceptor::from_server_config(Arc::new(config)))))
}

/// How clients are asked for certificates of their own.
fn clients(tls: &Tls) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let (Some(path), true) = (&tls.client_ca, tls.client_auth != ClientAuth::None) else {
        return Ok(Arc::new(NoClientAuth));
    };
    let anchors = certificate::anchors(path).map_err(|cause| cause.to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let asking = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider);
    let asking = match tls.client_auth {
        ClientAuth::Require => asking,
        ClientAuth::Request | ClientAuth::None => asking.allow_unauthenticated(),
    };
    asking.build().map_err(|cause| cause.to_string())
}

/// The certificates by the names they are for.
#[derive(Debug)]
struct ByName {
    names: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl ByName {
    fn new(loaded: &[Certified]) -> Self {
        let mut names = HashMap::new();
        for certified in loaded {
            for name in &certified.names {
                names.entry(name.clone()).or_insert_with(|| Arc::clone(&certified.key));
            }
        }
        Self { names, first: loaded.first().map(|certified| Arc::clone(&certified.key)) }
    }

    /// The certificate for a name: its own, one for `*.` and the rest of it, else the first.
    fn find(&self, name: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        let name = name.map(str::to_ascii_lowercase);
        let own = name.as_ref().and_then(|name| {
            let wildcard = || self.names.get(&format!("*.{}", name.split_once('.')?.1));
            self.names.get(name).or_else(wildcard)
        });
        own.or(self.first.as_ref())
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name()).cloned()
    }
}

/// Looks after the files until aborted. A change is taken once it has rested for one look, so that a certificate is
/// not read before its key is there.
pub(super) async fn watch(port: Arc<Port>) {
    let mut tick = interval(LOOK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = look(&port).await;
    let mut moved = false;
    loop {
        tick.tick().await;
        let now = look(&port).await;
        if now != seen {
            (seen, moved) = (now, true);
        } else if std::mem::take(&mut moved) {
            replace(&port);
        }
    }
}

fn replace(port: &Port) {
    let config = Arc::clone(&port.shared.table.load().config);
    match acceptor(&port.shared, &config.listen) {
        Ok(acceptor) => port.tls.store(acceptor),
        Err(cause) => port.shared.events.certificates_kept(&cause),
    }
}

/// What a file's replacement changes: which file it is, when it was written, how long it is.
type Stamp = Option<(u64, i64, i64, u64)>;

/// Everything whose change calls for other certificates.
async fn look(port: &Port) -> (u64, Vec<Stamp>) {
    let config = Arc::clone(&port.shared.table.load().config);
    let Some(paths) = config.listen.tls.as_ref().map(files) else { return (config.version, Vec::new()) };
    let stamps = tokio::task::spawn_blocking(move || paths.iter().map(|path| stamp(path)).collect());
    (config.version, stamps.await.unwrap_or_default())
}

fn files(tls: &Tls) -> Vec<PathBuf> {
    let pairs = tls.certificates.iter().flat_map(|files| [files.cert.clone(), files.key.clone()]);
    pairs.chain(tls.client_ca.clone()).collect()
}

fn stamp(path: &Path) -> Stamp {
    let meta = path.metadata().ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()))
}
