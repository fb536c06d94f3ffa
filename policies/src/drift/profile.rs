//! What the snapshot looks like: counts that the trainer takes once and that live traffic is held against.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::features::{BACKEND_AT, LABEL_AT, MODEL_AT, QUESTIONS, Sight, TEMPLATES, hash, of_text};

/// The snapshot in counts. Names are kept as hashes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Units.
    pub(super) n: u64,
    /// Yes by question.
    pub(super) yes: Vec<u64>,
    templates: Vec<u64>,
    labels: BTreeSet<u64>,
    models: BTreeSet<u64>,
    fingerprints: BTreeSet<u64>,
}

impl Profile {
    /// The profile of the rows that a student is trained on, one sight a unit.
    pub fn of<'a>(sights: impl Iterator<Item = Sight<'a>> + Clone) -> Self {
        let known = |of: fn(&Sight<'a>) -> &'a str| -> BTreeSet<u64> {
            sights.clone().map(|sight| of(&sight)).filter(|name| !name.is_empty()).map(hash).collect()
        };
        let mut out = Self {
            n: 0,
            yes: vec![0; QUESTIONS],
            templates: frequent(sights.clone()),
            labels: known(|sight| sight.label),
            models: known(|sight| sight.model),
            fingerprints: known(|sight| sight.fingerprint),
        };
        for sight in sights {
            out.n += 1;
            for question in out.questions(&sight) {
                out.yes[question] += 1;
            }
        }
        out
    }

    /// The questions that this unit answers with yes.
    pub(super) fn questions(&self, sight: &Sight<'_>) -> Vec<usize> {
        let template = hash(sight.template);
        let place = self.templates.iter().position(|known| *known == template).unwrap_or(TEMPLATES);
        let new = |name: &str, known: &BTreeSet<u64>| {
            !name.is_empty() && !known.is_empty() && !known.contains(&hash(name))
        };
        let unseen = [
            (new(sight.label, &self.labels), LABEL_AT),
            (new(sight.model, &self.models), MODEL_AT),
            (new(sight.fingerprint, &self.fingerprints), BACKEND_AT),
        ];
        std::iter::once(place)
            .chain(of_text(sight.text))
            .chain(unseen.into_iter().filter_map(|(new, question)| new.then_some(question)))
            .collect()
    }

    /// Whether it can be read: made by this version's questions, of one unit or more.
    pub(super) fn readable(&self) -> bool {
        self.n > 0 && self.yes.len() == QUESTIONS
    }
}

/// The most frequent templates; equals in the order of their hashes.
fn frequent<'a>(sights: impl Iterator<Item = Sight<'a>>) -> Vec<u64> {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for sight in sights {
        *counts.entry(hash(sight.template)).or_default() += 1;
    }
    let mut out: Vec<(u64, u64)> = counts.into_iter().collect();
    out.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    out.truncate(TEMPLATES);
    out.into_iter().map(|(template, _)| template).collect()
}
