//! The served artifacts by id and alias, and the mind behind each.

use kolm_artifact::Artifact;
use kolm_core::ArtifactId;
use kolm_model::Student;
use kolm_wire::reply;

use crate::{Error, golden, ids};

/// One served artifact.
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) identity: ArtifactId,
    pub(crate) fingerprint: String,
    /// Whether every answer it can give is a JSON object.
    pub(crate) json: bool,
    pub(crate) mind: Mind,
}

/// What answers.
pub(crate) enum Mind {
    /// A student of task `label`.
    Student(Box<Student>),
    /// A rule, in this crate's own tests.
    #[cfg(test)]
    Rule(fn(&str) -> Said),
}

/// An answer with its standing.
#[derive(Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) confidence: f32,
    /// Why it would rather not answer.
    pub(crate) abstain: Option<&'static str>,
}

impl Mind {
    /// Answers a text under the key of its template. CPU work of about a millisecond.
    pub(crate) fn answer(&self, template: &str, text: &str) -> Said {
        match self {
            Self::Student(student) => {
                let answer = student.answer(template, text);
                Said {
                    text: answer.label.to_owned(),
                    confidence: answer.confidence,
                    abstain: answer.abstain.map(kolm_model::Abstain::as_str),
                }
            }
            #[cfg(test)]
            Self::Rule(rule) => rule(text),
        }
    }
}

/// Loads one artifact as a student.
pub(crate) fn load(id: String, artifact: &Artifact) -> Result<Model, Error> {
    let student = match Student::load(artifact) {
        Ok(student) => student,
        Err(source) => return Err(Error::Load { id, source }),
    };
    golden::replay(&id, artifact.member(golden::CASES).unwrap_or_default(), &student)?;
    let identity = artifact.identity().clone();
    Ok(Model {
        id,
        created: seconds(&artifact.manifest().created),
        fingerprint: ids::fingerprint(&identity),
        identity,
        json: all_json(student.labels()),
        mind: Mind::Student(Box::new(student)),
    })
}

/// Whether every label is one JSON object.
fn all_json<S: AsRef<str>>(labels: &[S]) -> bool {
    !labels.is_empty()
        && labels.iter().all(|label| {
            serde_json::from_str::<serde_json::Value>(label.as_ref()).is_ok_and(|value| value.is_object())
        })
}

/// Unix seconds of the manifest's `2026-01-02T03:04:05Z`, whose form the artifact's reader has checked.
fn seconds(rfc3339: &str) -> i64 {
    let part =
        |from: usize, to: usize| rfc3339.get(from..to).and_then(|p| p.parse::<i64>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0, 4), part(5, 7).max(1), part(8, 10));
    let shifted = year - i64::from(month <= 2);
    let (era, yoe) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468;
    days * 86_400 + part(11, 13) * 3_600 + part(14, 16) * 60 + part(17, 19)
}

/// All of them.
pub(crate) struct Models {
    all: Vec<Model>,
    aliases: Vec<(String, String)>,
}

impl Models {
    /// Checks that there is one, that ids are unique and that aliases lead somewhere.
    pub(crate) fn new(mut all: Vec<Model>, aliases: Vec<(String, String)>) -> Result<Self, Error> {
        all.sort_by(|a, b| a.id.cmp(&b.id));
        if all.is_empty() {
            return Err(Error::NoModels);
        }
        if let Some(pair) = all.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(Error::Twice { id: pair[0].id.clone() });
        }
        let lost = aliases.iter().find(|(_, artifact)| !all.iter().any(|model| model.id == *artifact));
        if let Some((glob, artifact)) = lost {
            return Err(Error::Alias { glob: glob.clone(), artifact: artifact.clone() });
        }
        Ok(Self { all, aliases })
    }

    /// The position of the model that answers for `asked`: its id, else the first alias that matches.
    pub(crate) fn find(&self, asked: &str) -> Option<usize> {
        let by_id = |id: &str| self.all.iter().position(|model| model.id == id);
        by_id(asked).or_else(|| {
            let alias = self.aliases.iter().find(|(glob, _)| matches(glob, asked));
            alias.and_then(|(_, artifact)| by_id(artifact))
        })
    }

    /// The model at a position that `find` gave.
    pub(crate) fn at(&self, position: usize) -> Option<&Model> {
        self.all.get(position)
    }

    /// The list, sorted by id.
    pub(crate) fn list(&self) -> Vec<reply::Model> {
        self.all.iter().map(|model| entry(model, &model.id)).collect()
    }

    /// The entry for `asked`, under the name it was asked by.
    pub(crate) fn entry(&self, asked: &str) -> Option<reply::Model> {
        self.find(asked).and_then(|at| self.at(at)).map(|model| entry(model, asked))
    }
}

fn entry(model: &Model, id: &str) -> reply::Model {
    reply::Model { id: id.to_owned(), created: model.created, owned_by: String::from("kolm") }
}

/// Whether a glob, in which `*` stands for any run of characters, matches all of `text`.
fn matches(glob: &str, text: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else { return glob == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts = tail.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, text, wanted) in [
            ("*", "", true),
            ("gpt-4o*", "gpt-4o-mini", true),
            ("gpt-4o*", "gpt-4", false),
            ("*mini", "gpt-4o-mini", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
            ("gpt", "gpt", true),
            ("gpt", "gpt-4", false),
        ] {
            assert_eq!(matches(glob, text), wanted, "{glob} {text}");
        }
    }

    #[test]
    fn times_of_manifests_are_read() {
        for (text, wanted) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2026-11-21T00:00:00Z", 1_795_219_200),
            ("2026-11-21T02:39:37Z", 1_795_228_777),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }

    #[test]
    fn json_students_are_known_by_all_their_labels() {
        assert!(all_json(&["{\"a\":1}", "{}"]));
        assert!(!all_json(&["{}", "billing"]) && !all_json(&["1"]) && !all_json::<&str>(&[]));
    }
}
