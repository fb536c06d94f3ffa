//! The task: notes out of which facts are to be written as JSON, word for word.
//!
//! **Invariant:** people and houses that are asked about stand in no note that is learned from.

use kolm_policies::anonymize::{Policy, Salt, anonymize};
use kolm_wire::Exchange;
use serde_json::{Map, Value, json};

use crate::draft::Manner;
use crate::grammar::Grammar;
use crate::rng::Rng;
use crate::world::World;

const NOTES: &str = include_str!("../../data/copying/notes.txt");
const SOME: &str = include_str!("../../data/copying/some.txt");
const OTHERS: &str = include_str!("../../data/copying/others.txt");

/// What may be asked for, as the reply's keys have it.
pub(crate) const FIELDS: [&str; 5] = ["patient", "mrn", "phone", "visit", "clinic"];

/// A prompt and its completion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) prompt: String,
    /// The value of each of [`FIELDS`] that the prompt holds.
    pub(crate) facts: [Option<String>; FIELDS.len()],
}

/// What students learn from.
pub(crate) fn some(seed: u64, count: usize) -> Vec<Pair> {
    pairs(SOME, seed, count)
}

/// What they are asked about.
pub(crate) fn others(seed: u64, count: usize) -> Vec<Pair> {
    pairs(OTHERS, seed ^ 0x0714, count)
}

fn pairs(names: &str, seed: u64, count: usize) -> Vec<Pair> {
    let grammar = Grammar::read(&[NOTES, names]);
    let mut rng = Rng::new(seed);
    (0..count).map(|_| pair(&grammar, &mut rng)).collect()
}

fn pair(grammar: &Grammar, rng: &mut Rng) -> Pair {
    let item = World::item(grammar, "note", "copying", Manner::AsWritten, rng);
    let fact = |field: &str| {
        let span = item.spans.iter().find(|span| span.ty.eq_ignore_ascii_case(field))?;
        Some(item.text.chars().skip(span.start).take(span.end - span.start).collect())
    };
    Pair { facts: FIELDS.map(fact), prompt: item.text }
}

impl Pair {
    /// The pair as the gateway would have stored it; `None` where it would have stored nothing.
    pub(crate) fn stored(&self, policy: &Policy, salt: &Salt) -> Option<Self> {
        let reply: Map<String, Value> = FIELDS
            .iter()
            .zip(&self.facts)
            .filter_map(|(field, fact)| Some(((*field).to_owned(), Value::from(fact.clone()?))))
            .collect();
        let content = Value::Object(reply).to_string();
        let request = json!({"model": "m", "messages": [{"role": "user", "content": self.prompt}]});
        let reply = json!({"choices": [{"message": {"role": "assistant", "content": content}}]});
        let exchange =
            Exchange { request: request.to_string().into_bytes(), reply: reply.to_string().into_bytes() };
        let (kept, _) = anonymize(&exchange, policy, salt).ok()?;
        let request: Value = serde_json::from_str(kept.request()).ok()?;
        let reply: Value = serde_json::from_str(kept.reply()).ok()?;
        let facts: Value = serde_json::from_str(reply["choices"][0]["message"]["content"].as_str()?).ok()?;
        let prompt = request["messages"][0]["content"].as_str()?.to_owned();
        Some(Self { prompt, facts: FIELDS.map(|field| facts[field].as_str().map(str::to_owned)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masked;

    #[test]
    fn every_fact_stands_in_its_prompt_and_stays_there() {
        let policy = masked::policy("hipaa").unwrap();
        let mut seen = [0; FIELDS.len()];
        for (at, pair) in some(3, 60).iter().chain(&others(3, 60)).enumerate() {
            let kept = pair.stored(&policy, &Salt([at as u8; 32])).unwrap();
            for (f, (fact, new)) in pair.facts.iter().zip(&kept.facts).enumerate() {
                assert_eq!(fact.is_some(), new.is_some(), "{pair:?} {kept:?}");
                let (Some(fact), Some(new)) = (fact, new) else { continue };
                assert!(pair.prompt.contains(fact.as_str()), "{pair:?}");
                assert!(kept.prompt.contains(new.as_str()), "{pair:?} {kept:?}");
                assert_ne!(fact, new, "{pair:?}");
                seen[f] += 1;
            }
        }
        assert!(seen.iter().all(|n| *n > 20), "{seen:?}");
    }

    #[test]
    fn nobody_that_is_asked_about_was_learned() {
        let words = |source: &str| {
            let lines = source.lines().filter(|line| !line.starts_with(['%', '=']));
            lines.flat_map(|line| line.split(", ").map(str::to_owned)).collect::<Vec<_>>()
        };
        let some = words(SOME);
        assert!(words(OTHERS).iter().all(|word| !some.contains(word)));
    }
}
