//! Writing artifacts: the manifest is made here, and the file appears whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use kolm_core::{ArtifactId, Timestamp, hex};
use kolm_receipts::keys::SigningKey;
use kolm_receipts::kj1;
use sha2::{Digest, Sha256};

use crate::dsse::Envelope;
use crate::manifest::SPEC;
use crate::members::{CHUNKS, ENVELOPE, MANIFEST, MEDIA_TYPE, MIMETYPE, SCORERS, WEIGHTS, misfit, place_of};
use crate::weights::Table;
use crate::{
    Artifact, Base, Cascade, Claims, Compat, Data, Embedding, Error, Eval, K, Kind, Manifest, Member,
    MemberEntry, Model, Residency, Runtime, SIZE_LIMIT, Task, Teacher, Train, Trust, chunks, identity,
    rfc3339, schema, zip,
};

/// What the maker of an artifact says; members, digests and claims are added when it is written.
#[derive(Debug, Default, Clone)]
pub struct Draft {
    /// Name, `[a-z0-9-]{1,63}`.
    pub name: String,
    /// Kind of task.
    pub task: Task,
    /// Whole model or adapter.
    pub kind: Kind,
    /// When the snapshot was frozen: not wall time, so that equal inputs give equal bytes.
    pub created: Timestamp,
    /// The base it stands on.
    pub base: Base,
    /// Shape of the model.
    pub model: Model,
    /// What runs it.
    pub runtime: Runtime,
    /// What it was trained on.
    pub data: Data,
    /// How it was trained.
    pub train: Train,
    /// Who it was trained to answer like.
    pub teacher: Teacher,
    /// The report on held-out cases; `scorers_sha256` is filled in.
    pub eval: Eval,
    /// The score.
    pub k: K,
    /// When it says no.
    pub cascade: Cascade,
    /// What of the API it answers.
    pub compat: Compat,
    /// For task `embed` only.
    pub embedding: Option<Embedding>,
    /// Whose data and where.
    pub residency: Residency,
    /// Artifacts it was trained or merged from.
    pub parents: Vec<ArtifactId>,
}

/// Writes an artifact signed by `key`. The file is built beside `path`, synced and renamed; its members may
/// come in any order.
pub fn write(path: &Path, draft: Draft, members: Vec<Member>, key: &SigningKey) -> Result<ArtifactId, Error> {
    check_weights(&members)?;
    let (bytes, id) = assemble(draft, members, key)?;
    replace(path, &bytes)?;
    Ok(id)
}

/// Adds a signature to an artifact; its identity stays.
pub fn countersign(path: &Path, key: &SigningKey) -> Result<ArtifactId, Error> {
    let artifact = Artifact::open(path, &Trust::integrity())?;
    let member = |path: &str| artifact.member(path).unwrap_or_default();
    let manifest = member(MANIFEST);
    let mut envelope = Envelope::parse(member(ENVELOPE), manifest)?;
    envelope.sign(manifest, key)?;
    let signed = envelope.to_bytes()?;
    let members: Vec<(&str, &[u8])> =
        artifact.paths().map(|path| (path, if path == ENVELOPE { &signed } else { member(path) })).collect();
    replace(path, &pack(&members)?)?;
    Ok(artifact.identity().clone())
}

/// The bytes of an artifact and its identity; values of weights are not looked at.
pub(crate) fn assemble(
    draft: Draft,
    mut members: Vec<Member>,
    key: &SigningKey,
) -> Result<(Vec<u8>, ArtifactId), Error> {
    let made_here = [MIMETYPE, MANIFEST, ENVELOPE, CHUNKS];
    if let Some(member) = members.iter().find(|member| made_here.contains(&member.path.as_str())) {
        return Err(Error::build(format!("`{}` is made by the writer", member.path)));
    }
    members.sort_by_key(|member| (place_of(&member.path).map_or(0, |place| place.rank), member.path.clone()));
    let trees: Vec<_> = members.iter().map(|member| chunks::leaves(&member.bytes)).collect();
    let roots = trees.iter().map(|leaves| chunks::root_text(leaves));
    let mut entries: Vec<MemberEntry> =
        members.iter().zip(roots).map(|(member, root)| entry(member, root)).collect();
    let leaves = Member::new(CHUNKS, trees.concat().concat())?;
    entries.insert(0, entry(&leaves, String::new()));
    members.insert(0, leaves);

    let manifest = manifest_of(draft, entries, &members);
    let listed: Vec<(&str, u64)> = members.iter().map(|m| (m.path.as_str(), m.bytes.len() as u64)).collect();
    schema::check(&manifest, &listed)?;
    let manifest = kj1::to_bytes(&manifest).map_err(|e| Error::build(e.to_string()))?;
    let mut envelope = Envelope::new(&manifest);
    envelope.sign(&manifest, key)?;
    let envelope = envelope.to_bytes()?;

    let head = [(MIMETYPE, MEDIA_TYPE), (MANIFEST, &manifest), (ENVELOPE, &envelope)];
    let rest = members.iter().map(|member| (member.path.as_str(), member.bytes.as_slice()));
    let all: Vec<(&str, &[u8])> = head.into_iter().chain(rest).collect();
    Ok((pack(&all)?, identity(&manifest)?))
}

fn pack(members: &[(&str, &[u8])]) -> Result<Vec<u8>, Error> {
    if let Some(why) = misfit(members.iter().map(|(path, bytes)| (*path, bytes.len() as u64))) {
        return Err(Error::build(why));
    }
    let bytes = zip::write(members)?;
    if bytes.len() as u64 >= SIZE_LIMIT {
        return Err(Error::Size { bytes: bytes.len() as u64, why: "an artifact must stay below 3 GiB" });
    }
    Ok(bytes)
}

fn entry(member: &Member, chunk_root: String) -> MemberEntry {
    MemberEntry {
        path: member.path.clone(),
        size: member.bytes.len() as u64,
        sha256: hex(&Sha256::digest(&member.bytes)),
        chunk_root,
        role: member.role.clone(),
        media_type: member.media_type.clone(),
    }
}

fn manifest_of(draft: Draft, entries: Vec<MemberEntry>, members: &[Member]) -> Manifest {
    let scorers = members.iter().find(|member| member.path == SCORERS);
    let scorers_sha256 = scorers.map(|member| hex(&Sha256::digest(&member.bytes))).unwrap_or_default();
    let mut manifest = Manifest {
        spec: SPEC.to_owned(),
        name: draft.name,
        task: draft.task,
        kind: draft.kind,
        created: rfc3339(draft.created),
        members: entries,
        base: draft.base,
        model: draft.model,
        runtime: draft.runtime,
        data: draft.data,
        train: draft.train,
        teacher: draft.teacher,
        eval: Eval { scorers_sha256, ..draft.eval },
        k: draft.k,
        cascade: draft.cascade,
        compat: draft.compat,
        embedding: draft.embedding,
        residency: draft.residency,
        parents: draft.parents.into_iter().map(String::from).collect(),
        claims: Claims::default(),
        extra: BTreeMap::new(),
    };
    manifest.claims = Claims::of(&manifest);
    manifest
}

fn check_weights(members: &[Member]) -> Result<(), Error> {
    let Some(weights) = members.iter().find(|member| member.path == WEIGHTS) else {
        return Err(Error::build(format!("`{WEIGHTS}` is missing")));
    };
    let table = Table::read(&weights.bytes)?;
    match table.not_finite(&weights.bytes) {
        Some(name) => Err(Error::WeightsTable { why: format!("`{name}` holds what is not a finite number") }),
        None => Ok(()),
    }
}

/// Puts `bytes` at `path`: a reader sees the old file or the new one, whole.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let result = fill(&part, bytes).and_then(|()| fs::rename(&part, path).map_err(Error::io("write", path)));
    if result.is_err() {
        // Best effort: the first error is the one worth telling.
        drop(fs::remove_file(&part));
        return result;
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", dir))
}

fn fill(part: &Path, bytes: &[u8]) -> Result<(), Error> {
    // Left over by a crash: nobody else writes under this name.
    drop(fs::remove_file(part));
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(part).map_err(Error::io("create", part))?;
    file.write_all(bytes).map_err(Error::io("write", part))?;
    file.sync_all().map_err(Error::io("sync", part))
}
