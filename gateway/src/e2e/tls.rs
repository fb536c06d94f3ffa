//! The relay over TLS: trust, names, reuse. The authority and its one certificate (for `localhost`, good for a
//! hundred years) exist only here.

use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----\nMIIBpDCCAUmgAwIBAgIUIo6AhkK/gLJlJBnCq41qTKbQJ4AwCgYIKoZIzj0EAwIw\nHjEcMBoGA1UEAwwTa29sbSB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjEwMzM0MjJa\nGA8yMTI2MTAyODAzMzQyMlowHjEcMBoGA1UEAwwTa29sbSB0ZXN0IGF1dGhvcml0\neTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBQQsm/Q9VW4Cabj0RCzGetN1id3\nt67AbtXPaORSO/QoJRHrhEXfiiRjJ1eiuQZdu2GV2BcBMy0io8XSCwcMP62jYzBh\nMB0GA1UdDgQWBBRri8xS3oftqA3pW0capeg1TpVd9zAfBgNVHSMEGDAWgBRri8xS\n3oftqA3pW0capeg1TpVd9zAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIC\nBDAKBggqhkjOPQQDAgNJADBGAiEAu8Vb/gWfp3QAAU9RyZgZfL0PY01Am0P2LwS0\nH7x6DVMCIQCe9Qo3tZgF8HRnHkBoLtxNtRT60Vjf+kwFZe+IurOAUQ==\n-----END CERTIFICATE-----\n";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIBrzCCAVSgAwIBAgIUEtlhwpt+vf4cphJZokcpTmFleLwwCgYIKoZIzj0EAwIw\nHjEcMBoGA1UEAwwTa29sbSB0ZXN0IGF1dGhvcml0eTAgFw0yNjExMjEwMzM0MjJa\nGA8yMTI2MTAyODAzMzQyMlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZI\nzj0CAQYIKoZIzj0DAQcDQgAE+X4yd0qeYsL5vK+dwgv68ENTBiFGIJMJtfIRoVj3\nYyNirgFArnko/K07zEOdvZKpD2UGj2lRtKjrv2rg9KvCBaN4MHYwFAYDVR0RBA0w\nC4IJbG9jYWxob3N0MAkGA1UdEwQCMAAwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYD\nVR0OBBYEFIogFIJ1UY2OnRtqt8vl9XsNomkTMB8GA1UdIwQYMBaAFGuLzFLeh+2o\nDelbRxql6DVOlV33MAoGCCqGSM49BAMCA0kAMEYCIQDurUpQIZjwdUCwu/dUtj8F\ncInVy7DtP8VY2XSHTytzjgIhAKuTAfDbG7oskbLfSHv28ErCMXJE6zVU0VkaRgzc\nkfpj\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNHvBC/KBcG0MZEDC\nwTqpEM+MF0pIvcDy0qofkOCQ/tqhRANCAAT5fjJ3Sp5iwvm8r53CC/rwQ1MGIUYg\nkwm18hGhWPdjI2KuAUCueSj8rTvMQ529kqkPZQaPaVG0qOu/auD0q8IF\n-----END PRIVATE KEY-----\n";

/// Answers each request with its body; counts connections.
fn peer() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap(),
        )
        .unwrap();
    let (config, counter) = (Arc::new(config), connections.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let tls = ServerConnection::new(config.clone()).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(tls, stream.unwrap()));
            std::thread::spawn(move || {
                while stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
                    let head = read_head(&mut stream).unwrap();
                    let (body, _) = read_body(&mut stream, &head, true).unwrap();
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    let answer = [head.as_bytes(), &body].concat();
                    stream.get_mut().write_all(&answer).unwrap();
                    stream.get_mut().flush().unwrap();
                }
            });
        }
    });
    (address, connections)
}

fn over_tls(address: SocketAddr, host: &str, authority: Option<&std::path::Path>) -> House {
    let house = House::over(address);
    let table = house.shared.table.load();
    let mut config = Config::clone(&table.config);
    for upstream in config.upstreams.values_mut() {
        upstream.base_url.tls = true;
        upstream.base_url.host = host.to_owned();
        upstream.extra_ca = authority.map(Into::into);
    }
    let routes = table.routes.clone();
    house.shared.table.store(Arc::new(Table { config: Arc::new(config), routes }));
    house
}

#[test]
fn an_upstream_with_a_further_authority_is_verified_and_its_connections_reused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("authority.pem");
    std::fs::write(&authority, AUTHORITY).unwrap();
    let (address, connections) = peer();
    let house = over_tls(address, "localhost", Some(&authority));
    let mut client = house.client();
    for length in [0, 10, 300_000] {
        let body = vec![b'x'; length];
        let reply = client.call(&post("/v1/chat/completions", "", &body));
        assert!(reply.status == 200 && reply.body == body, "{}", reply.head);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(client.call(&get("/v1/models")).status, 200, "the other door trusts it too");
}

#[test]
fn without_trust_or_under_another_name_there_is_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let authority = dir.path().join("authority.pem");
    std::fs::write(&authority, AUTHORITY).unwrap();
    let (address, _) = peer();
    for (host, authority) in [("localhost", None), ("127.0.0.1", Some(authority.as_path()))] {
        let house = over_tls(address, host, authority);
        for request in [post("/v1/chat/completions", "", CHAT), get("/v1/models")] {
            let reply = house.client().call(&request);
            assert_eq!((reply.status, reply.error_code().as_str()), (502, "upstream_unreachable"), "{host}");
        }
    }
}
