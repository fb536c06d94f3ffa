//! Reading artifacts: every check in its order, the first failure ends it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use kolm_core::{ArtifactId, hex};
use kolm_receipts::keys::VerifyingKey;
use kolm_receipts::kj1;
use sha2::{Digest, Sha256};

use crate::dsse::{Envelope, Signature};
use crate::members::{CHUNKS, ENVELOPE, MANIFEST, MEDIA_TYPE, MIMETYPE, SCORERS, WEIGHTS, misfit};
use crate::weights::{Table, Tensor};
use crate::zip::Entry;
use crate::{Error, Manifest, SIZE_LIMIT, chunks, identity, schema, zip};

/// Whom to believe and what to expect.
#[derive(Debug, Default, Clone)]
pub struct Trust {
    /// Keys whose signatures count.
    pub keys: Vec<VerifyingKey>,
    /// How many of them must have signed. 0: the signature says nothing, only damage is found.
    pub threshold: usize,
    /// The identity that the file must have.
    pub expect: Option<ArtifactId>,
}

impl Trust {
    /// One of these keys must have signed.
    pub fn keys(keys: Vec<VerifyingKey>, expect: Option<ArtifactId>) -> Self {
        Self { keys, threshold: 1, expect }
    }

    /// No key is trusted: the file is checked against itself alone.
    pub fn integrity() -> Self {
        Self::default()
    }

    /// The same trust, for this artifact only.
    pub fn expecting(self, identity: ArtifactId) -> Self {
        Self { expect: Some(identity), ..self }
    }
}

/// A verified artifact, in memory.
#[derive(Debug)]
pub struct Artifact {
    file: Vec<u8>,
    entries: Vec<Entry>,
    manifest: Manifest,
    identity: ArtifactId,
    signatures: Vec<Signature>,
    tensors: Table,
}

impl Artifact {
    /// Reads and verifies all of a file.
    pub fn open(path: &Path, trust: &Trust) -> Result<Self, Error> {
        verify(path, trust).result
    }

    /// Its identity.
    pub fn identity(&self) -> &ArtifactId {
        &self.identity
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The content of a member.
    pub fn member(&self, path: &str) -> Option<&[u8]> {
        self.entries.iter().find(|entry| entry.name == path).map(|entry| &self.file[entry.range.clone()])
    }

    /// The paths of the members in file order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// A tensor of the weights.
    pub fn tensor(&self, name: &str) -> Option<Tensor<'_>> {
        self.tensors.tensor(self.member(WEIGHTS)?, name)
    }

    /// The names of the tensors, sorted.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.names()
    }

    /// Size of the file: what axis S counts.
    pub fn file_bytes(&self) -> u64 {
        self.file.len() as u64
    }

    /// Its signatures, in file order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

/// One check of `kolm verify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

/// What verification found: the checks made, in order, up to the first that failed.
#[derive(Debug)]
pub struct Verdict {
    /// The checks.
    pub checks: Vec<Check>,
    /// The artifact, or the failure.
    pub result: Result<Artifact, Error>,
}

/// Checks a file and tells of each check.
pub fn verify(path: &Path, trust: &Trust) -> Verdict {
    match read(path) {
        Ok(file) => verify_loaded(file, trust),
        Err(error) => Verdict { checks: vec![failed(&error)], result: Err(error) },
    }
}

/// Checks the bytes of a file.
pub(crate) fn verify_loaded(file: Vec<u8>, trust: &Trust) -> Verdict {
    let mut checks = Checks(Vec::new());
    let result = verify_bytes(file, trust, &mut checks);
    let mut checks = checks.0;
    if let Err(error) = &result {
        // A checksum can fail late, after the rest of its check has passed.
        checks.retain(|check| check.name != error.stage());
        checks.push(failed(error));
    }
    Verdict { checks, result }
}

fn failed(error: &Error) -> Check {
    Check { name: error.stage(), ok: false, detail: error.to_string() }
}

struct Checks(Vec<Check>);

impl Checks {
    fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.0.push(Check { name, ok: true, detail: detail.into() });
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let bytes = file.metadata().map_err(Error::io("read", path))?.len();
    check_size(bytes)?;
    // One byte more than a file may have: it may have grown since.
    let mut out = Vec::with_capacity(bytes as usize);
    file.take(SIZE_LIMIT).read_to_end(&mut out).map_err(Error::io("read", path))?;
    check_size(out.len() as u64)?;
    Ok(out)
}

fn check_size(bytes: u64) -> Result<(), Error> {
    match bytes {
        0 => Err(Error::Size { bytes, why: "it is empty" }),
        1..SIZE_LIMIT => Ok(()),
        SIZE_LIMIT.. => Err(Error::Size { bytes, why: "an artifact must stay below 3 GiB" }),
    }
}

fn verify_bytes(file: Vec<u8>, trust: &Trust, checks: &mut Checks) -> Result<Artifact, Error> {
    checks.pass("size", format!("{} bytes", file.len()));
    let entries = container(&file)?;
    checks.pass("zip_profile", format!("{} members", entries.len()));
    let member = |path: &str| member(&file, &entries, path);

    let manifest_bytes = member(MANIFEST);
    let manifest = manifest(manifest_bytes, &entries)?;
    checks.pass("manifest_schema", manifest.spec.clone());
    let identity = identity(manifest_bytes)?;
    if let Some(expected) = &trust.expect {
        if *expected != identity {
            return Err(Error::Identity { expected: expected.clone(), found: identity });
        }
        checks.pass("identity", identity.as_str());
    }
    if trust.keys.len() < trust.threshold {
        return Err(Error::NoTrustedKey);
    }
    let signatures = Envelope::parse(member(ENVELOPE), manifest_bytes)?.verify(manifest_bytes, trust)?;
    checks.pass("signature", signers(&signatures));

    let trees = chunks::table(member(CHUNKS), &manifest.members)?;
    checks.pass("chunks_root", format!("{} chunks", trees.iter().map(Vec::len).sum::<usize>()));
    for (pinned, leaves) in manifest.members.iter().zip(&trees) {
        let bytes = member(&pinned.path);
        if hex(&Sha256::digest(bytes)) != pinned.sha256 || chunks::leaves(bytes) != *leaves {
            return Err(Error::MemberDigest { member: pinned.path.clone() });
        }
    }
    let scorers = manifest.members.iter().find(|pinned| pinned.path == SCORERS);
    if scorers.map_or("", |pinned| pinned.sha256.as_str()) != manifest.eval.scorers_sha256 {
        return Err(Error::MemberDigest { member: SCORERS.to_owned() });
    }
    checks.pass("member_digest", format!("{} members", manifest.members.len()));
    // Contents are right by now: a checksum that differs is a lie of the container.
    if let Some(entry) = entries.iter().find(|entry| crc32fast::hash(&file[entry.range.clone()]) != entry.crc)
    {
        return Err(Error::zip(entry.range.start, format!("the checksum of `{}` is wrong", entry.name)));
    }
    let tensors = Table::read(member(WEIGHTS))?;
    checks.pass("weights_table", format!("{} tensors", tensors.names().count()));
    Ok(Artifact { file, entries, manifest, identity, signatures, tensors })
}

fn container(file: &[u8]) -> Result<Vec<Entry>, Error> {
    let entries = zip::read(file)?;
    if let Some(why) = misfit(entries.iter().map(|entry| (entry.name.as_str(), entry.range.len() as u64))) {
        return Err(Error::zip(0, why));
    }
    if member(file, &entries, MIMETYPE) != MEDIA_TYPE {
        return Err(Error::zip(0, "`mimetype` names something else"));
    }
    Ok(entries)
}

fn manifest(bytes: &[u8], entries: &[Entry]) -> Result<Manifest, Error> {
    let manifest: Manifest = kj1::from_slice(bytes).map_err(|e| {
        let cause = std::error::Error::source(&e).map(ToString::to_string);
        Error::schema("manifest.json", cause.map_or_else(|| e.to_string(), |cause| format!("{e}: {cause}")))
    })?;
    let listed: Vec<(&str, u64)> =
        entries.iter().skip(3).map(|entry| (entry.name.as_str(), entry.range.len() as u64)).collect();
    schema::check(&manifest, &listed)?;
    Ok(manifest)
}

/// The content of a member; empty for one that is not there, which no required member is by then.
fn member<'a>(file: &'a [u8], entries: &[Entry], path: &str) -> &'a [u8] {
    entries.iter().find(|entry| entry.name == path).map_or(&[], |entry| &file[entry.range.clone()])
}

fn signers(signatures: &[Signature]) -> String {
    let trusted: Vec<&str> = signatures.iter().filter_map(|signature| signature.trusted.as_deref()).collect();
    if trusted.is_empty() {
        format!("{} signatures, none by a trusted key (none was asked for)", signatures.len())
    } else {
        format!("by {}", trusted.join(", "))
    }
}
