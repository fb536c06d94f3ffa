//! How each field of a manifest is backed: checked by a digest, measured by the eval, or text only.
//!
//! **Invariant:** the three lists cover every field exactly once, and a field counts as proved only where
//! reading an artifact checks it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Manifest;
use crate::manifest::{
    Base, Cascade, Compat, Data, Embedding, Eval, K, Model, Residency, Runtime, Teacher, Train,
};

/// Field paths by what backs them.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Checked by a digest or a rule whenever the artifact is read.
    pub proved: Vec<String>,
    /// Backed by the eval in the artifact.
    pub measured: Vec<String>,
    /// Text only.
    pub declared: Vec<String>,
}

const PROVED: [&str; 3] = ["eval.scorers_sha256", "members", "spec"];
const MEASURED: [&str; 5] = ["eval.axes", "eval.n", "k.axes_ppm", "k.k_lcb_ppm", "k.k_ppm"];

impl Claims {
    /// The lists for a manifest, each sorted.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let mut claims = Self::default();
        for path in paths(manifest) {
            let list = if PROVED.contains(&path.as_str()) {
                &mut claims.proved
            } else if MEASURED.contains(&path.as_str()) {
                &mut claims.measured
            } else {
                &mut claims.declared
            };
            list.push(path);
        }
        claims
    }

    /// The first path that is missing, unknown or listed twice.
    pub(crate) fn misfit(&self, manifest: &Manifest) -> Option<String> {
        let mut open = paths(manifest);
        for path in self.proved.iter().chain(&self.measured).chain(&self.declared) {
            if !open.remove(path) {
                return Some(format!("names `{path}`, which is unknown or named before"));
            }
        }
        open.first().map(|path| format!("does not name `{path}`"))
    }
}

/// Every field path: a name, or `object.name` for the fields of an object.
fn paths(manifest: &Manifest) -> BTreeSet<String> {
    let objects: [(&str, &[&str]); 11] = [
        ("base", Base::FIELDS),
        ("cascade", Cascade::FIELDS),
        ("compat", Compat::FIELDS),
        ("data", Data::FIELDS),
        ("eval", Eval::FIELDS),
        ("k", K::FIELDS),
        ("model", Model::FIELDS),
        ("residency", Residency::FIELDS),
        ("runtime", Runtime::FIELDS),
        ("teacher", Teacher::FIELDS),
        ("train", Train::FIELDS),
    ];
    let embedding = manifest.embedding.iter().map(|_| ("embedding", Embedding::FIELDS));
    let plain = ["created", "kind", "members", "name", "parents", "spec", "task"];
    objects
        .into_iter()
        .chain(embedding)
        .flat_map(|(object, fields)| fields.iter().map(move |field| format!("{object}.{field}")))
        .chain(plain.map(str::to_owned))
        .collect()
}
