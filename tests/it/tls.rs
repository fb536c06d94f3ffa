//! The client port over TLS, with an authority made by `kolm ca`: what a company does that lets its own DNS point
//! api.openai.com at the gateway.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Version};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::fake::FakeOpenAi;
use crate::world::{World, kolm, until};

/// An authority in a folder of its own.
struct Authority(TempDir);

impl Authority {
    fn init() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.kolm(&["init"]);
        authority
    }

    fn kolm(&self, args: &[&str]) -> String {
        let dir = self.0.path().to_str().unwrap();
        let output = kolm(&[&["ca"], args, &["--dir", dir]].concat());
        assert!(output.status.success(), "{args:?}: {}", crate::world::stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The paths of certificate and key for these hosts.
    fn issue(&self, hosts: &[&str]) -> (PathBuf, PathBuf) {
        let printed = self.kolm(&[&["issue", "--force"], hosts].concat());
        let cert = PathBuf::from(printed.trim_end());
        let key = cert.with_extension("key");
        (cert, key)
    }

    fn certificate(&self) -> PathBuf {
        self.0.path().join("ca.pem")
    }
}

/// `[listen.tls]` with these certificates.
fn listen_tls(more: &str, certificates: &[&(PathBuf, PathBuf)]) -> String {
    let pairs = certificates.iter().map(|(cert, key)| {
        format!("[[listen.tls.certificates]]\ncert = \"{}\"\nkey = \"{}\"\n", cert.display(), key.display())
    });
    format!("[listen.tls]\n{more}\n{}", pairs.collect::<String>())
}

async fn fake() -> FakeOpenAi {
    FakeOpenAi::start(Duration::ZERO, |text| format!("echo {text}")).await
}

/// A client that trusts the authority alone and finds every one of the names at the gateway.
fn client(
    authority: &Authority,
    at: SocketAddr,
    names: &[&str],
    identity: Option<&(PathBuf, PathBuf)>,
) -> Client {
    let anchor = Certificate::from_pem(&std::fs::read(authority.certificate()).unwrap()).unwrap();
    let mut builder =
        Client::builder().no_proxy().tls_built_in_root_certs(false).add_root_certificate(anchor);
    for name in names {
        builder = builder.resolve(name, at);
    }
    if let Some((cert, key)) = identity {
        let pem = [std::fs::read(cert).unwrap(), std::fs::read(key).unwrap()].concat();
        builder = builder.identity(Identity::from_pem(&pem).unwrap());
    }
    builder.build().unwrap()
}

async fn healthy(client: &Client, name: &str, at: SocketAddr) -> Result<reqwest::Response, reqwest::Error> {
    client.get(format!("https://{name}:{}/healthz", at.port())).send().await
}

/// TLS in front of a plain peer.
async fn behind_tls(to: SocketAddr, (cert, key): &(PathBuf, PathBuf)) -> SocketAddr {
    let chain = CertificateDer::pem_file_iter(cert).unwrap().map(Result::unwrap).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else { return };
                let mut plain = tokio::net::TcpStream::connect(to).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut tls, &mut plain).await);
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn internal_dns_points_api_openai_com_at_the_gateway() {
    let authority = Authority::init();
    let (front, back) = (authority.issue(&["api.openai.com"]), authority.issue(&["localhost"]));
    let fake = fake().await;
    let upstream = behind_tls(fake.address, &back).await;
    let extra = format!(
        "[upstreams.cloud]\nbase_url = \"https://localhost:{}/v1\"\nextra_ca = \"{}\"\n{}",
        upstream.port(),
        authority.certificate().display(),
        listen_tls("", &[&front]),
    );
    let world = World::start(fake, &extra).await;
    until("the address is said", || async { world.log().contains("https://127.0.0.1").then_some(()) }).await;
    let client = client(&authority, world.listen(), &["api.openai.com"], None);
    let body = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"parcel"}]}"#;
    for path in ["/v1/chat/completions", "/v1/capture/cloud/chat/completions", "/v1/capture/cloud/files"] {
        let url = format!("https://api.openai.com:{}{path}", world.listen().port());
        let reply = client.post(url).bearer_auth("sk-test").body(body).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.version()), (200, Version::HTTP_2), "{path}");
        assert_eq!(reply.headers().get_all("x-kolm-receipt").iter().count(), 1);
        assert!(reply.text().await.unwrap().contains("echo parcel"), "{path}");
    }
    let seen = world.fake.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.headers["authorization"] == "Bearer sk-test" && seen.body == body));
    // Who does not trust the authority is not served by surprise.
    let stranger = Client::builder().no_proxy().resolve("api.openai.com", world.listen()).build().unwrap();
    assert!(healthy(&stranger, "api.openai.com", world.listen()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_is_the_one_of_the_name() {
    let authority = Authority::init();
    let (first, wild) =
        (authority.issue(&["a.example", "127.0.0.1"]), authority.issue(&["*.b.example", "b.example"]));
    let world = World::start(fake().await, &listen_tls("", &[&first, &wild])).await;
    let names = ["a.example", "b.example", "x.b.example", "B.Example", "x.y.b.example", "c.example"];
    let client = client(&authority, world.listen(), &names, None);
    for name in ["a.example", "b.example", "x.b.example", "B.Example"] {
        assert_eq!(healthy(&client, name, world.listen()).await.unwrap().status(), 200, "{name}");
    }
    // Without a name: the first.
    assert_eq!(healthy(&client, "127.0.0.1", world.listen()).await.unwrap().status(), 200);
    for name in ["x.y.b.example", "c.example"] {
        assert!(healthy(&client, name, world.listen()).await.is_err(), "{name} has no certificate");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_files_are_taken_up_and_broken_ones_are_not() {
    let authority = Authority::init();
    let files = authority.issue(&["a.example"]);
    let world = World::start(fake().await, &listen_tls("", &[&files])).await;
    let is_for = |name: &'static str| {
        let client = client(&authority, world.listen(), &[name], None);
        let at = world.listen();
        async move { healthy(&client, name, at).await.is_ok().then_some(()) }
    };
    until("the first certificate", || is_for("a.example")).await;

    authority.issue(&["a.example", "b.example"]);
    until("the second certificate", || is_for("b.example")).await;

    // A key that does not fit: the connections never notice.
    let other = authority.issue(&["other.example"]);
    let sound = std::fs::read(&files.1).unwrap();
    std::fs::copy(&other.1, &files.1).unwrap();
    until("the broken pair is noticed", || async {
        (world.metric("kolm_certificate_load_total", "kept").await == 1).then_some(())
    })
    .await;
    assert!(is_for("b.example").await.is_some());
    assert_eq!(world.log().matches("certificates not reloaded").count(), 1, "{}", world.log());

    std::fs::write(&files.1, sound).unwrap();
    let loaded = world.metric("kolm_certificate_load_total", "loaded").await;
    until("the sound pair is back", || async {
        (world.metric("kolm_certificate_load_total", "loaded").await > loaded).then_some(())
    })
    .await;
    assert!(is_for("b.example").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_show_certificates_where_they_must() {
    let authority = Authority::init();
    let strangers = Authority::init();
    let front = authority.issue(&["a.example"]);
    let (ours, theirs) = (authority.issue(&["client"]), strangers.issue(&["client"]));
    for (mode, bare) in [("require", false), ("request", true), ("none", true)] {
        let more = format!("client_auth = \"{mode}\"\nclient_ca = \"{}\"", authority.certificate().display());
        let world = World::start(fake().await, &listen_tls(&more, &[&front])).await;
        for (who, identity, want) in
            [("ours", Some(&ours), true), ("theirs", Some(&theirs), mode == "none"), ("nobody", None, bare)]
        {
            let client = client(&authority, world.listen(), &["a.example"], identity);
            let served = healthy(&client, "a.example", world.listen()).await.is_ok();
            assert_eq!(served, want, "{mode}: {who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_takes_tls_from_no_port() {
    let authority = Authority::init();
    let front = authority.issue(&["a.example"]);
    let tls = listen_tls("", &[&front]);
    let world = World::start(fake().await, &tls).await;
    let file = world.dir.path().join("gateway.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&tls));
    std::fs::write(&file, text.replace(&tls, "")).unwrap();
    let post = world.http.post(world.admin_url("/admin/config/reload"));
    let refused = post.bearer_auth(world.token()).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problems = refused.text().await.unwrap();
    assert!(problems.contains("K0124") && problems.contains("listen.tls"), "{problems}");
    let client = client(&authority, world.listen(), &["a.example"], None);
    assert!(healthy(&client, "a.example", world.listen()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_speaks_tls_only_and_h2_only_if_asked() {
    let authority = Authority::init();
    let front = authority.issue(&["a.example"]);
    let tls = listen_tls("handshake_timeout = \"300ms\"", &[&front]);
    let world = World::start_with(fake().await, "h2 = false", &tls).await;
    let client = client(&authority, world.listen(), &["a.example"], None);
    let reply = healthy(&client, "a.example", world.listen()).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.version()), (200, Version::HTTP_11));
    for said in [&b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"[..], b""] {
        let mut stream = TcpStream::connect(world.listen()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(said).unwrap();
        let mut heard = Vec::new();
        drop(stream.read_to_end(&mut heard));
        assert!(!heard.windows(4).any(|four| four == b"HTTP"), "{heard:?}");
    }
    assert_eq!(world.metric("kolm_connection_cut_total", "\"handshake\"").await, 1);
    assert_eq!(world.metric("kolm_connection_cut_total", "handshake_timeout").await, 1);
}

/// `kolm config check` on a `[listen.tls]`: what it says.
fn checked(dir: &Path, tls: &str) -> String {
    let file = dir.join("gateway.toml");
    std::fs::write(&file, tls).unwrap();
    let output = kolm(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{tls}");
    crate::world::stderr(&output)
}

#[test]
fn broken_files_are_problems_of_the_configuration() {
    let authority = Authority::init();
    let (dir, good) = (authority.0.path(), authority.issue(&["a.example"]));
    let other = authority.issue(&["b.example"]);
    let junk = dir.join("junk.pem");
    std::fs::write(&junk, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (pair, code, says) in [
        ((junk.clone(), good.1.clone()), "K0110", "junk.pem"),
        ((good.0.clone(), junk.clone()), "K0110", "junk.pem"),
        ((good.0.clone(), other.1), "K0110", "does not fit"),
        ((dir.join("none.pem"), good.1.clone()), "K0110", "none.pem"),
    ] {
        let said = checked(dir, &listen_tls("", &[&pair]));
        assert!(said.contains(code) && said.contains(says) && said.contains("hint:"), "{said}");
    }
    let anchors = format!("client_auth = \"require\"\nclient_ca = \"{}\"", junk.display());
    let said = checked(dir, &listen_tls(&anchors, &[&good]));
    assert!(said.contains("K0111") && said.contains("junk.pem"), "{said}");
    let said = checked(dir, &listen_tls("client_auth = \"require\"", &[&good]));
    assert!(said.contains("K0104") && said.contains("client_ca"), "{said}");
    assert!(checked(dir, "[listen.tls]\n").contains("at least one certificate"));
}

#[test]
fn an_authority_overwrites_nothing_and_keeps_its_keys_to_itself() {
    let authority = Authority::init();
    let dir = authority.0.path().to_str().unwrap();
    let private = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777 == 0o600;
    let (cert, key) = authority.issue(&["*.corp.example", "10.0.0.5"]);
    assert_eq!(cert.file_name().unwrap(), "wildcard.corp.example.pem");
    assert!(private(&key) && private(&authority.0.path().join("ca.key")));
    let first = std::fs::read(authority.certificate()).unwrap();
    for (args, code) in [
        (&["ca", "init", "--dir", dir][..], "K0812"),
        (&["ca", "issue", "*.corp.example", "--dir", dir], "K0812"),
        (&["ca", "issue", "a.example", "--dir", "/nowhere/ca"], "K0813"),
        (&["ca", "issue", "no host", "--dir", dir], "K0814"),
        (&["ca", "issue", "a..example", "--dir", dir], "K0814"),
    ] {
        let output = kolm(args);
        let said = crate::world::stderr(&output);
        assert!(
            !output.status.success() && said.contains(code) && said.contains("hint:"),
            "{args:?}: {said}"
        );
    }
    assert_eq!(std::fs::read(authority.certificate()).unwrap(), first);
    let printed = authority.kolm(&["init", "--force", "--json"]);
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(printed["name"].as_str().unwrap().starts_with("kolm CA "), "{printed}");
    assert_ne!(std::fs::read(authority.certificate()).unwrap(), first);
    let printed = authority.kolm(&["issue", "a.example", "--json", "--days", "7"]);
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&printed["hosts"][0], &printed["days"]), (&"a.example".into(), &7.into()));
}
