//! Manifests that were signed and are still wrong.

use serde_json::{Value, json};

use super::*;
use crate::dsse::Envelope;
use crate::zip;

/// The file with its manifest changed and signed again.
fn resigned(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let file = bytes();
    let entries = zip::read(&file).unwrap();
    let mut manifest: Value = serde_json::from_slice(&file[entries[1].range.clone()]).unwrap();
    change(&mut manifest);
    let manifest = kolm_receipts::kj1::to_bytes(&manifest).unwrap();
    let mut envelope = Envelope::new(&manifest);
    envelope.sign(&manifest, &key(1)).unwrap();
    let envelope = envelope.to_bytes().unwrap();
    let members: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|entry| match entry.name.as_str() {
            "manifest.json" => (entry.name.as_str(), &manifest[..]),
            "manifest.dsse.json" => (entry.name.as_str(), &envelope[..]),
            name => (name, &file[entry.range.clone()]),
        })
        .collect();
    zip::write(&members).unwrap()
}

fn manifest() -> Value {
    let file = bytes();
    serde_json::from_slice(&file[zip::read(&file).unwrap()[1].range.clone()]).unwrap()
}

/// Pointers to all fields of the manifest and of its objects.
fn pointers() -> Vec<String> {
    let manifest = manifest();
    let mut out = Vec::new();
    for (name, value) in manifest.as_object().unwrap() {
        out.push(format!("/{name}"));
        for field in value.as_object().into_iter().flat_map(|object| object.keys()) {
            out.push(format!("/{name}/{field}"));
        }
    }
    out.extend(["size", "sha256", "chunk_root", "role"].map(|field| format!("/members/0/{field}")));
    out.extend(["axis", "lcb_ppm"].map(|field| format!("/eval/axes/0/{field}")));
    out.extend(["layers", "vocab"].map(|field| format!("/model/dims/{field}")));
    out
}

fn parent<'a>(
    manifest: &'a mut Value,
    pointer: &'a str,
) -> (&'a mut serde_json::Map<String, Value>, &'a str) {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    (manifest.pointer_mut(above).unwrap().as_object_mut().unwrap(), name)
}

#[test]
fn each_field_missing_or_of_another_type_is_refused() {
    let pointers = pointers();
    assert!(pointers.len() > 80, "{}", pointers.len());
    for pointer in &pointers {
        let missing = resigned(|manifest| {
            let (object, name) = parent(manifest, pointer);
            object.remove(name).unwrap();
        });
        assert_eq!(stage(missing, &trust()), "manifest_schema", "without {pointer}");
        let other = resigned(|manifest| {
            let (object, name) = parent(manifest, pointer);
            let value = &mut object[name];
            *value = if value.is_i64() || value.is_u64() { json!("7") } else { json!(7) };
        });
        assert_eq!(stage(other, &trust()), "manifest_schema", "another type of {pointer}");
    }
}

#[test]
fn unknown_fields_are_refused_but_for_those_of_others() {
    for above in ["", "/base", "/k", "/model", "/model/dims", "/members/0", "/claims", "/residency"] {
        let file = resigned(|manifest| {
            manifest.pointer_mut(above).unwrap()["extra"] = json!(1);
        });
        assert_eq!(stage(file, &trust()), "manifest_schema", "in {above}");
    }
    let file = resigned(|manifest| manifest["x-note"] = json!({"by": "us"}));
    let artifact = verify_loaded(file, &trust()).result.unwrap();
    assert_eq!(artifact.manifest().extra["x-note"], json!({"by": "us"}));
    let original = verify_loaded(bytes(), &trust()).result.unwrap();
    assert_ne!(artifact.identity(), original.identity());
    let nested = resigned(|manifest| manifest["base"]["x-note"] = json!(1));
    assert_eq!(stage(nested, &trust()), "manifest_schema");
}

#[test]
fn values_outside_their_rules_are_refused() {
    let digest = "ab".repeat(32);
    let cases = [
        ("/spec", json!("kolm-manifest/2")),
        ("/name", json!("Support")),
        ("/name", json!("")),
        ("/name", json!("a".repeat(64))),
        ("/task", json!("everything")),
        ("/task", json!("embed")),
        ("/kind", json!("adapter")),
        ("/created", json!("yesterday")),
        ("/data/overlap", json!(1)),
        ("/data/n_train", json!(-1)),
        ("/data/pairs_root", json!("AB".repeat(32))),
        ("/base/sha256", json!("1234")),
        ("/base/bytes", json!(1)),
        ("/model/arch", json!("")),
        ("/runtime/kernel_profile", json!("det-int8/2")),
        ("/runtime/binaries", json!([{"platform": "x", "sha256": ""}])),
        ("/eval/axes/0/lcb_ppm", json!(960_000)),
        ("/eval/axes/0/ucb_ppm", json!(1_000_001)),
        ("/eval/axes/0/axis", json!("B")),
        ("/k/version", json!("k-score-1")),
        ("/k/weights_pct", json!([20, 20, 20, 20, 20])),
        ("/k/weights_pct", json!([40, 15, 15, 15])),
        ("/k/k_ppm", json!(1_000_001)),
        ("/k/k_ppm", json!(-2)),
        ("/cascade/tau_ppm", json!(1_000_001)),
        ("/parents", json!(["sha256:12"])),
        ("/members/0/size", json!(1)),
        ("/members/0/path", json!("card.md")),
        ("/members/0/sha256", json!("")),
        ("/members/0/chunk_root", json!(&digest)),
        ("/members", json!([])),
        ("/claims/proved", json!([])),
        ("/claims/proved", json!(["eval.scorers_sha256", "members", "spec", "spec"])),
        ("/claims/proved", json!(["eval.scorers_sha256", "members", "name", "spec"])),
        ("/claims/proved", json!(["eval.scorers_sha256", "members", "spec", "nothing"])),
    ];
    for (pointer, value) in cases {
        let file = resigned(|manifest| *manifest.pointer_mut(pointer).unwrap() = value.clone());
        assert_eq!(stage(file, &trust()), "manifest_schema", "{pointer} = {value}");
    }
}

#[test]
fn digests_that_belong_to_nothing_are_refused() {
    let digest = "ab".repeat(32);
    let scorers = resigned(|manifest| manifest["eval"]["scorers_sha256"] = json!(&digest));
    assert_eq!(stage(scorers, &trust()), "member_digest");
    let root = resigned(|manifest| {
        let last = manifest["members"].as_array_mut().unwrap().last_mut().unwrap();
        last["chunk_root"] = json!(&digest);
    });
    assert_eq!(stage(root, &trust()), "chunks_root");
}

#[test]
fn claims_name_every_field_once() {
    let manifest = manifest();
    let mut named: Vec<&str> = ["proved", "measured", "declared"]
        .iter()
        .flat_map(|list| manifest["claims"][list].as_array().unwrap())
        .map(|path| path.as_str().unwrap())
        .collect();
    let count = named.len();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), count);
    let mut fields: Vec<String> = Vec::new();
    for (name, value) in manifest.as_object().unwrap() {
        match value.as_object() {
            Some(_) if name == "claims" => (),
            Some(object) => fields.extend(object.keys().map(|field| format!("{name}.{field}"))),
            None => fields.push(name.clone()),
        }
    }
    fields.sort_unstable();
    assert_eq!(named, fields);
}

#[test]
fn an_embedding_names_its_shape() {
    let shape = Embedding {
        dim: 256,
        dims: vec![64, 256],
        pooling: "mean".to_owned(),
        normalize: true,
        max_tokens: 512,
    };
    let draft = Draft { task: Task::Embed, embedding: Some(shape.clone()), ..draft() };
    let (file, _) = assemble(draft, members(), &key(1)).unwrap();
    let artifact = verify_loaded(file, &trust()).result.unwrap();
    assert_eq!(artifact.manifest().embedding, Some(shape));
}
