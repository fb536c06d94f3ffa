//! Records by day: written before their pair, taken back, cleared, and read after a crash.

use kolm_core::{Env, SeededEntropy};
use kolm_policies::anonymize::vault::{Key, NamespaceKey};
use kolm_policies::anonymize::{Policy, Salt, anonymize_text};

use super::*;

/// 2026-11-21 at midnight.
const MIDNIGHT: i64 = 1_795_219_200_000;

fn namespace() -> Namespace {
    "support".parse().unwrap()
}

fn key() -> NamespaceKey {
    Key::new([7; 32].into()).of(&namespace())
}

fn id(at: i64) -> RequestId {
    RequestId::mint(Timestamp(at), &SeededEntropy::new(at as u64))
}

fn sealed(id: RequestId, text: &str) -> Vec<Sealed> {
    let policy = "schema = 1\nname = \"x\"\nextends = \"default\"\ntypes = { NAME = \"vault\" }";
    let out = anonymize_text(text, &Policy::parse(policy).unwrap(), &Salt([3; 32])).unwrap();
    let env = Env::fixed(Timestamp(0), id.timestamp().0 as u64);
    out.originals.seal(&key(), &id.to_string(), || env.bytes()).unwrap()
}

fn vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let vault = Vault::of(dir.path());
    (dir, vault)
}

fn put(vault: &Vault, at: i64, text: &str) {
    vault.append(&namespace(), id(at), &sealed(id(at), text), || Ok(())).unwrap();
}

/// The originals that can be opened, and how many lines are no records.
fn open(dir: &Path, ids: &[RequestId]) -> (Vec<String>, usize) {
    let (mut out, mut torn) = (Vec::new(), 0);
    let vaults = Vaults::of(dir).unwrap();
    let each = |record: Option<Sealed>| match record {
        Some(record) => out.push(record.open(&key()).unwrap().original.as_str().to_owned()),
        None => torn += 1,
    };
    vaults.each(&namespace(), &ids.iter().copied().collect(), each).unwrap();
    (out, torn)
}

fn files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("vault/support")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn records_lie_by_day_and_only_their_owner_may_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, vault) = vault();
    assert_eq!(Vaults::of(dir.path()).unwrap().namespaces().unwrap().len(), 0);
    put(&vault, MIDNIGHT - 1, "Patient: John Doe");
    put(&vault, MIDNIGHT, "Patient: Ann Lee");
    put(&vault, MIDNIGHT + 5, "Patient: Eve Adams");
    assert_eq!(files(dir.path()), ["2026-11-20.jsonl", "2026-11-21.jsonl"]);
    assert_eq!(open(dir.path(), &[]), (vec!["John Doe".into(), "Ann Lee".into(), "Eve Adams".into()], 0));
    assert_eq!(open(dir.path(), &[id(MIDNIGHT)]).0, ["Ann Lee"]);
    assert_eq!(open(dir.path(), &[id(MIDNIGHT + 9)]).0, [""; 0]);
    let known = Vaults::of(dir.path()).unwrap().namespaces().unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [namespace()]);
    let mode = |path: &str| dir.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("vault/support"), mode("vault/support/2026-11-20.jsonl")), (0o700, 0o600));
    for name in files(dir.path()) {
        let text = fs::read_to_string(dir.path().join("vault/support").join(name)).unwrap();
        assert!(["John", "Doe", "Ann", "Lee", "Eve"].iter().all(|word| !text.contains(word)), "{text}");
    }
}

#[test]
fn what_the_spool_refuses_is_taken_back() {
    let (dir, vault) = vault();
    put(&vault, MIDNIGHT, "Patient: John Doe");
    let (second, held) = (id(MIDNIGHT + 1), Path::new("there before the pair"));
    let refused = vault.append(&namespace(), second, &sealed(second, "Patient: Ann Lee"), || {
        assert_eq!(open(dir.path(), &[]).0, ["John Doe", "Ann Lee"], "{}", held.display());
        Err(Error::SpoolFull { quota: 1 })
    });
    assert!(matches!(refused, Err(Error::SpoolFull { quota: 1 })));
    assert_eq!(open(dir.path(), &[]).0, ["John Doe"]);
}

#[test]
fn without_a_place_for_the_records_there_is_no_pair() {
    let (dir, vault) = vault();
    fs::write(dir.path().join("vault"), "no folder").unwrap();
    let id = id(MIDNIGHT);
    let refused = vault.append(&namespace(), id, &sealed(id, "Patient: John Doe"), || panic!("a pair"));
    let Err(error @ Error::Vault { .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(kolm_core::Coded::code(&error), kolm_core::Code(207));
}

#[test]
fn a_torn_end_is_passed_over_and_cut_by_the_next_record() {
    let (dir, vault) = vault();
    put(&vault, MIDNIGHT, "Patient: John Doe");
    let path = dir.path().join("vault/support/2026-11-21.jsonl");
    let whole = fs::read(&path).unwrap();
    for cut in [1, 20, whole.len() - 1] {
        fs::write(&path, [&whole[..], &whole[..cut]].concat()).unwrap();
        assert_eq!(open(dir.path(), &[]), (vec!["John Doe".into()], 0), "{cut}");
        put(&vault, MIDNIGHT + 1, "Patient: Ann Lee");
        assert_eq!(open(dir.path(), &[]), (vec!["John Doe".into(), "Ann Lee".into()], 0), "{cut}");
    }
    fs::write(&path, [b"{\"v\":1}\n", &whole[..]].concat()).unwrap();
    assert_eq!(open(dir.path(), &[]), (vec!["John Doe".into()], 1), "a line that is no record is told");
}

#[test]
fn what_is_older_goes_and_nothing_else() {
    let (dir, vault) = vault();
    for (at, text) in [
        (MIDNIGHT - DAY_MS, "Patient: John Doe"),
        (MIDNIGHT + 10, "Patient: Ann Lee"),
        (MIDNIGHT + 20, "Patient: Eve Adams"),
        (MIDNIGHT + DAY_MS, "Patient: Tom Baker"),
    ] {
        put(&vault, at, text);
    }
    fs::write(dir.path().join("vault/support/2026-11-20.new"), "left by a crash").unwrap();
    vault.forget_before(&"other".parse().unwrap(), Timestamp(i64::MAX)).unwrap();
    assert_eq!(open(dir.path(), &[]).0.len(), 4);
    vault.forget_before(&namespace(), Timestamp(MIDNIGHT + 20)).unwrap();
    assert_eq!(open(dir.path(), &[]).0, ["Eve Adams", "Tom Baker"]);
    assert_eq!(files(dir.path()), ["2026-11-21.jsonl", "2026-11-22.jsonl"]);
    put(&vault, MIDNIGHT + 30, "Patient: Ann Lee");
    assert_eq!(open(dir.path(), &[]).0.len(), 3, "it is written to as before");
    vault.forget_before(&namespace(), Timestamp(i64::MAX)).unwrap();
    assert_eq!(files(dir.path()), [""; 0]);
}

#[test]
fn single_captures_are_forgotten() {
    let (dir, vault) = vault();
    put(&vault, MIDNIGHT, "Patient: John Doe");
    put(&vault, MIDNIGHT + 1, "Patient: Ann Lee, husband: Tom Baker");
    let vaults = Vaults::of(dir.path()).unwrap();
    let gone = |at| vaults.forget(&namespace(), &BTreeSet::from([id(at)])).unwrap();
    assert_eq!((gone(MIDNIGHT + 1), gone(MIDNIGHT + 1), gone(MIDNIGHT + 2)), (2, 0, 0));
    assert_eq!(open(dir.path(), &[]).0, ["John Doe"]);
}
