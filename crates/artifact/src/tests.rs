//! Whole artifacts: written, read, and held against other tools.

use std::path::Path;
use std::process::Command;

use kolm_core::{ArtifactId, Coded, Timestamp};
use kolm_receipts::keys::SigningKey;

use crate::open::verify_loaded;
use crate::write::assemble;
use crate::*;

mod manifests;
mod signatures;
mod tamper;

const WEIGHTS: &str = "weights.safetensors";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&format!("kolm/test-{seed}"), &[seed; 32]).unwrap()
}

fn trust() -> Trust {
    Trust::keys(vec![key(1).verifying()], None)
}

fn draft() -> Draft {
    Draft {
        name: "support".to_owned(),
        created: Timestamp(1_795_219_200_850),
        model: Model { arch: "nano-label".to_owned(), quant: "int8".to_owned(), ..Model::default() },
        runtime: Runtime { kernel_profile: "none".to_owned(), ..Runtime::default() },
        eval: Eval {
            n: 300,
            axes: vec![AxisRow {
                axis: kolm_core::Axis::A,
                value_ppm: 950_000,
                lcb_ppm: 910_000,
                ucb_ppm: 980_000,
                n: 300,
            }],
            ..Eval::default()
        },
        ..Draft::default()
    }
}

/// Weights of a little more than two chunks and a half.
fn weights() -> Vec<u8> {
    let codes: Vec<u8> =
        (0..5 * 512 * 1024_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let scales: Vec<u8> = [1.0_f32, 0.5, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let view =
        |dtype, shape: Vec<usize>, bytes| safetensors::tensor::TensorView::new(dtype, shape, bytes).unwrap();
    let tensors = [
        ("codes", view(safetensors::Dtype::I8, vec![512, 5 * 1024], codes.as_slice())),
        ("scales", view(safetensors::Dtype::F32, vec![3], scales.as_slice())),
    ];
    safetensors::serialize(tensors, None).unwrap()
}

fn members() -> Vec<Member> {
    let member = |path: &str, text: &str| Member::new(path, text.as_bytes().to_vec()).unwrap();
    vec![
        Member::new(WEIGHTS, weights()).unwrap(),
        member("licenses/b.txt", "B"),
        member("licenses/a.txt", "A"),
        member("card.md", "# Support\n"),
        member("eval/report.json", "{\"worst\":[]}"),
        member("eval/cases.jsonl", "{\"text\":\"hi\"}\n"),
        member("scorers.json", "{\"label\":1}"),
        member("tokenizer.json", "{}"),
    ]
}

fn bytes() -> Vec<u8> {
    assemble(draft(), members(), &key(1)).unwrap().0
}

/// The check that fails, `""` when all hold.
fn stage(file: Vec<u8>, trust: &Trust) -> &'static str {
    verify_loaded(file, trust).result.err().map_or("", |error| error.stage())
}

#[test]
fn what_is_written_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("support.kolm");
    std::fs::write(&path, "an older file").unwrap();
    std::fs::write(dir.path().join("support.kolm.part"), "left by a crash").unwrap();
    let id = write(&path, draft(), members(), &key(1)).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

    let verdict = verify(&path, &trust().expecting(id.clone()));
    let names: Vec<&str> = verdict.checks.iter().map(|check| check.name).collect();
    let all = [
        "size",
        "zip_profile",
        "manifest_schema",
        "identity",
        "signature",
        "chunks_root",
        "member_digest",
        "weights_table",
    ];
    assert_eq!(names, all);
    assert!(verdict.checks.iter().all(|check| check.ok));
    let artifact = verdict.result.unwrap();
    assert_eq!(artifact.identity(), &id);
    assert_eq!(artifact.file_bytes(), std::fs::metadata(&path).unwrap().len());
    assert_eq!(artifact.manifest().created, "2026-11-21T00:00:00Z");
    assert_eq!(artifact.signatures()[0].trusted, Some(key(1).vkey()));
    for member in members() {
        assert_eq!(artifact.member(&member.path), Some(member.bytes.as_slice()), "{}", member.path);
    }
    assert_eq!(artifact.member("code.py"), None);
    assert_eq!(artifact.tensor_names().collect::<Vec<_>>(), ["codes", "scales"]);
    let scales = artifact.tensor("scales").unwrap();
    assert_eq!((scales.dtype, scales.shape, scales.bytes.len()), (Dtype::F32, &[3][..], 12));
    assert_eq!(artifact.tensor("other"), None);
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let mut turned = members();
    turned.reverse();
    let (again, id) = assemble(draft(), turned, &key(1)).unwrap();
    assert!(bytes() == again);
    let mut other = members();
    let last = other[0].bytes.len() - 1;
    other[0].bytes[last] ^= 1;
    assert_ne!(assemble(draft(), other, &key(1)).unwrap().1, id);
    assert_eq!(assemble(draft(), members(), &key(2)).unwrap().1, id, "the signer is no part of the identity");
}

/// Output of a tool, `None` (and a line that says so) when this machine has it not.
fn tool(name: &str, args: &[&str]) -> Option<String> {
    match Command::new(name).args(args).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
            Some(text)
        }
        Err(error) => {
            println!("skipped: {name}: {error}");
            None
        }
    }
}

#[test]
fn other_tools_read_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("support.kolm");
    write(&path, draft(), members(), &key(1)).unwrap();
    let path_text = path.to_str().unwrap();
    if let Some(said) = tool("unzip", &["-t", path_text]) {
        assert!(said.contains("No errors detected"), "{said}");
    }
    let script = "import hashlib, sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        for i in z.infolist(): print(i.filename, i.file_size, hashlib.sha256(z.read(i)).hexdigest())";
    if let Some(said) = tool("python3", &["-c", script, path_text]) {
        let artifact = Artifact::open(&path, &trust()).unwrap();
        let ours: String = artifact
            .paths()
            .map(|path| {
                let bytes = artifact.member(path).unwrap();
                let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
                format!("{path} {} {}\n", bytes.len(), kolm_core::hex(&digest))
            })
            .collect();
        assert_eq!(said, ours);
    }
}

#[test]
fn bad_parts_do_not_make_an_artifact() {
    let with = |path: &str, bytes: Vec<u8>| {
        let mut parts = members();
        parts.retain(|member| member.path != path);
        parts.push(Member { path: path.to_owned(), role: String::new(), media_type: String::new(), bytes });
        parts
    };
    let without: Vec<Member> = members().into_iter().filter(|member| member.path != WEIGHTS).collect();
    let twice: Vec<Member> = members().into_iter().chain([members().remove(3)]).collect();
    let mut diverged = weights();
    let one = diverged.windows(4).position(|word| word == 1.0_f32.to_le_bytes()).unwrap();
    diverged[one..one + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.kolm");
    for (parts, want) in [
        (without, "build"),
        (twice, "build"),
        (with("code.py", vec![1]), "build"),
        (with("manifest.json", vec![1]), "build"),
        (with("chunks.bin", vec![1]), "build"),
        (with("card.md", vec![b'x'; 256 * 1024 + 1]), "build"),
        (with("card.md", vec![b'x'; 256 * 1024]), ""),
        (with(WEIGHTS, vec![0; 4]), "weights_table"),
        (with(WEIGHTS, diverged), "weights_table"),
    ] {
        let result = write(&path, draft(), parts, &key(1));
        assert_eq!(result.as_ref().err().map_or("", |error| error.stage()), want, "{result:?}");
        assert_eq!(path.exists(), want.is_empty());
        drop(std::fs::remove_file(&path));
    }
    assert!(Member::new("code.py", vec![]).is_err());
    let bad_name = Draft { name: "Support".to_owned(), ..draft() };
    assert_eq!(write(&path, bad_name, members(), &key(1)).unwrap_err().stage(), "manifest_schema");
    let nowhere = write(&dir.path().join("no/x.kolm"), draft(), members(), &key(1)).unwrap_err();
    assert_eq!(nowhere.code().to_string(), "K0400");
}

#[test]
fn every_error_has_its_page_and_hint() {
    let id: ArtifactId = identity(b"x").unwrap();
    let io = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let member = || "card.md".to_owned();
    let errors = [
        ("K0400", 2, Error::Io { what: "open", path: "x".into(), source: io() }),
        ("K0401", 1, Error::Size { bytes: 0, why: "it is empty" }),
        ("K0402", 1, Error::zip(0, "x")),
        ("K0403", 1, Error::schema("name", "x")),
        ("K0404", 1, Error::Identity { expected: id.clone(), found: id }),
        ("K0405", 1, Error::Signature { why: member() }),
        ("K0406", 2, Error::NoTrustedKey),
        ("K0407", 1, Error::ChunksRoot { member: member(), why: "x" }),
        ("K0408", 1, Error::MemberDigest { member: member() }),
        ("K0409", 1, Error::WeightsTable { why: member() }),
        ("K0410", 1, Error::build("x")),
    ];
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    for (code, exit, error) in errors {
        assert_eq!((error.code().to_string().as_str(), error.exit() as u8), (code, exit));
        assert!(error.hint().is_some());
        let page = std::fs::read_to_string(pages.join(format!("{code}.md"))).unwrap();
        assert!(page.starts_with(&format!("# {code} ")), "{code}");
    }
}
