//! The rules of the manifest beyond its types.

use kolm_core::ArtifactId;

use crate::manifest::SPEC;
use crate::time::is_rfc3339;
use crate::{Error, Kind, Manifest, MemberEntry, Task};

const MILLION: i64 = 1_000_000;

/// Checks a manifest. `listed` are the members that `members` must name: all of the file but the first
/// three, with their sizes.
pub(crate) fn check(manifest: &Manifest, listed: &[(&str, u64)]) -> Result<(), Error> {
    let rules = rules(manifest);
    if let Some((path, _, why)) = rules.into_iter().find(|(_, holds, _)| !holds) {
        return Err(Error::schema(path, why));
    }
    members(manifest, listed)?;
    for row in &manifest.eval.axes {
        let ordered = row.lcb_ppm <= row.value_ppm && row.value_ppm <= row.ucb_ppm;
        if !ordered || i64::from(row.ucb_ppm) > MILLION {
            return Err(Error::schema("eval.axes", "must be lcb <= value <= ucb <= 1000000"));
        }
    }
    if let Some(name) = manifest.extra.keys().find(|name| !name.starts_with("x-")) {
        return Err(Error::schema(name, "is not known"));
    }
    match manifest.claims.misfit(manifest) {
        Some(why) => Err(Error::schema("claims", why)),
        None => Ok(()),
    }
}

type Rule = (&'static str, bool, &'static str);

fn rules(m: &Manifest) -> Vec<Rule> {
    let share = |ppm: i64| (-1..=MILLION).contains(&ppm);
    let axes = m.k.axes_ppm.iter().chain(&m.k.floors_ppm).chain([&m.k.k_ppm, &m.k.k_lcb_ppm, &m.k.gate_ppm]);
    let digest = "must be 64 hex digits or empty";
    let full = m.kind == Kind::Full;
    vec![
        ("spec", m.spec == SPEC, "must be `kolm-manifest/1`"),
        ("name", is_name(&m.name), "must match [a-z0-9-]{1,63}"),
        ("created", is_rfc3339(&m.created), "must be a time as 2026-01-02T03:04:05Z"),
        ("base.sha256", is_digest_or_empty(&m.base.sha256), digest),
        ("base.sha256", full || !m.base.sha256.is_empty(), "must name the base of an adapter"),
        ("base.bytes", full == (m.base.bytes == 0), "must be 0 for `full` and the base's size for `adapter`"),
        ("model.arch", !m.model.arch.is_empty(), "must not be empty"),
        ("model.vocab_sha256", is_digest_or_empty(&m.model.vocab_sha256), digest),
        (
            "runtime.kernel_profile",
            matches!(m.runtime.kernel_profile.as_str(), "det-int8/1" | "none"),
            "must be `det-int8/1` or `none`",
        ),
        (
            "runtime.binaries",
            m.runtime.binaries.iter().all(|b| is_digest(&b.sha256)),
            "must name SHA-256 digests",
        ),
        ("data.overlap", m.data.overlap == 0, "must be 0: a held-out row was trained on"),
        ("data.pairs_root", is_digest_or_empty(&m.data.pairs_root), digest),
        ("train.run_sha256", is_digest_or_empty(&m.train.run_sha256), digest),
        ("eval.cases_root", is_digest_or_empty(&m.eval.cases_root), digest),
        ("eval.scorers_sha256", is_digest_or_empty(&m.eval.scorers_sha256), digest),
        ("k.version", m.k.version == "kolm-k/1", "must be `kolm-k/1`"),
        ("k.weights_pct", m.k.weights_pct == [40, 15, 15, 15, 15], "must be [40,15,15,15,15]"),
        ("k", axes.copied().all(share), "must hold shares of -1 to 1000000"),
        ("cascade.tau_ppm", i64::from(m.cascade.tau_ppm) <= MILLION, "must be at most 1000000"),
        ("embedding", m.embedding.is_some() == (m.task == Task::Embed), "belongs to task `embed` alone"),
        (
            "parents",
            m.parents.iter().all(|id| id.parse::<ArtifactId>().is_ok()),
            "must be artifact identities",
        ),
    ]
}

fn members(manifest: &Manifest, listed: &[(&str, u64)]) -> Result<(), Error> {
    let named = manifest.members.iter().map(|member| (member.path.as_str(), member.size));
    if !named.clone().eq(listed.iter().copied()) {
        let first = named.zip(listed).find(|(a, b)| a != *b).map_or("count", |((path, _), _)| path);
        return Err(Error::schema(
            format!("members.{first}"),
            "does not match the members of the file, their order or their sizes",
        ));
    }
    match manifest.members.iter().find(|member| !is_entry(member)) {
        Some(member) => Err(Error::schema(
            format!("members.{}", member.path),
            "has no digest, or a chunk root where none belongs",
        )),
        None => Ok(()),
    }
}

fn is_entry(member: &MemberEntry) -> bool {
    let chunked = member.size > crate::chunks::CHUNK as u64;
    is_digest(&member.sha256)
        && if chunked { is_digest(&member.chunk_root) } else { member.chunk_root.is_empty() }
}

fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_digest_or_empty(text: &str) -> bool {
    text.is_empty() || is_digest(text)
}
