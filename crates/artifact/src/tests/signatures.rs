//! Who signed, who is trusted, and what an independent implementation says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::zip;

fn part(file: &[u8], path: &str) -> Vec<u8> {
    let entry = zip::read(file).unwrap().into_iter().find(|entry| entry.name == path).unwrap();
    file[entry.range].to_vec()
}

/// The file with its envelope changed.
fn with_envelope(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let file = bytes();
    let mut envelope: Value = serde_json::from_slice(&part(&file, "manifest.dsse.json")).unwrap();
    change(&mut envelope);
    let envelope = envelope.to_string().into_bytes();
    let entries = zip::read(&file).unwrap();
    let members: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|entry| {
            let own = entry.name == "manifest.dsse.json";
            (entry.name.as_str(), if own { &envelope[..] } else { &file[entry.range.clone()] })
        })
        .collect();
    zip::write(&members).unwrap()
}

fn signature(signer: u8, named: u8) -> Value {
    let message = pae(MANIFEST_TYPE, &part(&bytes(), "manifest.json"));
    json!({"keyid": key(named).vkey(), "sig": STANDARD.encode(key(signer).sign(&message))})
}

fn signed_by(signatures: &[Value]) -> Vec<u8> {
    with_envelope(|envelope| envelope["signatures"] = Value::Array(signatures.to_vec()))
}

fn trusting(seeds: &[u8], threshold: usize) -> Trust {
    Trust { keys: seeds.iter().map(|seed| key(*seed).verifying()).collect(), threshold, expect: None }
}

#[test]
fn encoding_vector() {
    let body = br#"{"spec":"kolm-manifest/1"}"#;
    let want = br#"DSSEv1 37 application/vnd.kolm.manifest.v1+json 26 {"spec":"kolm-manifest/1"}"#;
    assert_eq!(pae(MANIFEST_TYPE, body), want);
}

#[test]
fn trust_counts_distinct_trusted_keys() {
    let two = signed_by(&[signature(1, 1), signature(2, 2)]);
    let twice = signed_by(&[signature(1, 1), signature(1, 9)]);
    let cases = [
        (&two, trusting(&[1], 1), ""),
        (&two, trusting(&[2], 1), ""),
        (&two, trusting(&[1, 2, 3], 2), ""),
        (&two, trusting(&[1, 2, 3], 3), "signature"),
        (&two, trusting(&[3], 1), "signature"),
        (&two, trusting(&[], 0), ""),
        (&twice, trusting(&[1, 2], 1), ""),
        (&twice, trusting(&[1, 2], 2), "signature"),
    ];
    for (file, trust, want) in cases {
        assert_eq!(stage(file.clone(), &trust), want, "{trust:?}");
    }
    let nobody = verify_loaded(two, &trusting(&[], 1)).result.unwrap_err();
    assert_eq!((nobody.code().to_string().as_str(), nobody.exit()), ("K0406", kolm_core::Exit::Usage));
}

#[test]
fn forged_and_foreign_envelopes() {
    let forged = json!({"keyid": key(1).vkey(), "sig": STANDARD.encode([7; 64])});
    let unknown = json!({"keyid": "somebody", "sig": "???"});
    let nameless = json!({"sig": signature(1, 1)["sig"]});
    let many = vec![signature(1, 1); 17];
    let cases = [
        (signed_by(std::slice::from_ref(&forged)), "signature"),
        // A forgery in the name of a trusted key fails even beside a good signature of it.
        (signed_by(&[signature(1, 1), forged]), "signature"),
        (signed_by(&[signature(2, 1)]), "signature"),
        (signed_by(std::slice::from_ref(&unknown)), "signature"),
        (signed_by(&[unknown, signature(1, 1)]), ""),
        (signed_by(&[nameless]), ""),
        (signed_by(&[]), "signature"),
        (signed_by(&many[..16]), ""),
        (signed_by(&many), "signature"),
        (with_envelope(|e| e["payload"] = json!(STANDARD.encode("{}"))), "signature"),
        (with_envelope(|e| e["payload"] = json!("no base64")), "signature"),
        (with_envelope(|e| e["payloadType"] = json!("application/vnd.in-toto+json")), "signature"),
        (with_envelope(|e| *e = json!([])), "signature"),
    ];
    for (i, (file, want)) in cases.into_iter().enumerate() {
        assert_eq!(stage(file, &trust()), want, "case {i}");
    }
}

#[test]
fn a_second_signature_keeps_the_identity() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("support.kolm");
    let id = write(&path, draft(), members(), &key(1)).unwrap();
    let both = trusting(&[1, 2], 2);
    assert_eq!(Artifact::open(&path, &both).unwrap_err().stage(), "signature");
    assert_eq!(countersign(&path, &key(2)).unwrap(), id);
    assert_eq!(countersign(&path, &key(2)).unwrap(), id);
    let artifact = Artifact::open(&path, &both.expecting(id)).unwrap();
    assert_eq!(artifact.signatures().len(), 2);
    for seed in 3..=16 {
        countersign(&path, &key(seed)).unwrap();
    }
    assert_eq!(countersign(&path, &key(17)).unwrap_err().code().to_string(), "K0410");
}

#[test]
fn openssl_verifies_the_signature() {
    let file = bytes();
    let envelope: Value = serde_json::from_slice(&part(&file, "manifest.dsse.json")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let message = put("message", &pae(MANIFEST_TYPE, &part(&file, "manifest.json")));
    let sig = put("sig", &STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap());
    // SubjectPublicKeyInfo of Ed25519 (RFC 8410).
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let der = put("key", &[&prefix[..], key(1).verifying().as_bytes()].concat());
    let args = [
        "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", &der, "-rawin", "-in", &message,
        "-sigfile", &sig,
    ];
    if let Some(said) = tool("openssl", &args) {
        assert!(said.contains("Signature Verified Successfully"), "{said}");
    }
}
