//! Keys: vectors, files and what `Debug` shows.

use std::os::unix::fs::PermissionsExt;

use kolm_core::{Coded, Timestamp};

use super::*;

#[test]
fn the_vkey_of_the_vector() {
    let key = SigningKey::from_seed("kolm.example/n1", &[0x2a; 32]).unwrap();
    let vkey = "kolm.example/n1+fd8b5983+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h";
    assert_eq!(key.vkey(), vkey);
    let public = VerifyingKey::parse(vkey).unwrap();
    assert_eq!(public, key.verifying());
    assert!(public.verify(b"m", &key.sign(b"m")));
    assert!(!public.verify(b"n", &key.sign(b"m")));
    assert!(!public.verify(b"m", &key.sign(b"m")[..63]));
}

#[test]
fn malformed_vkeys_are_refused() {
    for vkey in [
        "",
        "name",
        "name+00000000",
        "kolm.example/n1+fd8b5984+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h",
        "kolm.example/n2+fd8b5983+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h",
        "kolm.example/n1+fd8b5983+Ahl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h",
        "kolm.example/n1+fd8b5983+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb",
        "kolm example+fd8b5983+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h",
    ] {
        let error = VerifyingKey::parse(vkey).unwrap_err();
        assert_eq!(error.code().to_string(), "K0305", "{vkey}");
    }
}

#[test]
fn a_role_key_is_made_once_and_kept_private() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env::fixed(Timestamp(0), 1);
    let made = load_or_create(dir.path(), Role::Artifact, &env).unwrap();
    let again = load_or_create(dir.path(), Role::Artifact, &env).unwrap();
    assert_eq!(made.vkey(), again.vkey());
    assert!(made.vkey().starts_with("kolm/artifact+"));
    let path = dir.path().join("artifact.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = load_or_create(dir.path(), Role::Artifact, &env).unwrap_err();
    assert_eq!(error.code().to_string(), "K0302");
    assert!(error.to_string().contains("read by others"), "{error}");
}

#[test]
fn a_key_file_of_another_kind_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env::fixed(Timestamp(0), 1);
    LedgerKeys::create(dir.path(), "n1", &env).unwrap();
    fs::copy(dir.path().join("chain.key"), dir.path().join("header.key")).unwrap();
    assert_eq!(LedgerKeys::load(dir.path()).unwrap_err().code().to_string(), "K0302");
}

#[test]
fn debug_shows_no_secret() {
    let canary = [0xc5; 32];
    let shown = format!(
        "{:?} {:?} {:?}",
        HeaderKey::new("n1-a", &canary).unwrap(),
        ChainKey::new(0, &canary),
        SigningKey::from_seed("n", &canary).unwrap()
    );
    assert!(!shown.contains("c5c5") && !shown.contains("197"), "{shown}");
    assert!(shown.starts_with("HeaderKey(n1-a) ChainKey(epoch 0) SigningKey(n+"), "{shown}");
}

#[test]
fn key_ids_fit_their_grammar() {
    for (node, kid) in
        [("n1", "n1-a"), ("Node_One.example.com", "nodeoneexample-a"), ("--", "n-a"), ("", "n-a")]
    {
        assert_eq!(first_kid(node), kid);
        assert!(is_kid(&first_kid(node)));
    }
    for bad in ["", "-a", "A", "a_b", "abcdefghijklmnopq"] {
        assert!(!is_kid(bad), "{bad}");
    }
}
