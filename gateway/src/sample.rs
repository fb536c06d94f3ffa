//! The scores that a Decision rests on, as one root: RFC 6962 over the scores of its attempt in the order in which they
//! came and are stored. A leaf is the canonical bytes of a score, as digests are taken of.
//!
//! **Invariant:** a root costs a few hashes, however many scores there are; scores that come later leave it as it is.

use kolm_core::{Sample, hex};
use kolm_policies::gate::Score;
use kolm_receipts::merkle::Growing;
use kolm_wire::canonical_json;

/// The scores of an attempt so far.
#[derive(Default)]
pub struct Sampled(Growing);

impl Sampled {
    /// These scores, in their order.
    pub fn of(scores: &[Score]) -> Self {
        let mut sampled = Self::default();
        scores.iter().for_each(|score| sampled.push(score));
        sampled
    }

    /// One score more.
    pub fn push(&mut self, score: &Score) {
        // A score holds strings, integers and truth values: it always becomes a JSON value.
        let value = serde_json::to_value(score).unwrap_or_default();
        self.0.push(canonical_json(&value).as_bytes());
    }

    /// Root and number; `None` where there are no scores.
    pub fn sample(&self) -> Option<Sample> {
        (self.0.n() > 0).then(|| Sample { sample_root: hex(&self.0.root()), sample_n: self.0.n() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(t: i64, a: u32) -> Score {
        let score = serde_json::json!({
            "t": t, "unit": "c-1", "kind": "shadow", "a": a, "b": null, "served": true, "student_us": 1,
            "teacher_us": 2, "student_ttft_us": 1, "teacher_ttft_us": 2, "streamed": false,
            "student_cost": 3, "teacher_cost": 4, "critical": false, "up_model": "gpt-4o-mini",
        });
        serde_json::from_value(score).unwrap()
    }

    #[test]
    fn a_root_stands_for_these_scores_in_this_order() {
        let scores: Vec<Score> = (0..5).map(|t| score(t, 1_000_000)).collect();
        let sample = Sampled::of(&scores).sample().unwrap();
        assert_eq!(sample.sample_n, 5);
        // Whoever has the rows of the store computes the same: sorted names, no spaces.
        assert_eq!(sample.sample_root, "3549f86799f3361f1c6d4cdb665cdd34e68ba79667a7fb986c4e7d886c56f7f8");
        let mut later = Sampled::of(&scores);
        later.push(&score(5, 0));
        assert_ne!(later.sample(), Some(sample.clone()));
        assert_eq!(Sampled::of(&scores[..5]).sample(), Some(sample.clone()));
        let changed: Vec<Score> = (0..5).map(|t| score(t, 1_000_000 - u32::from(t == 3))).collect();
        assert_ne!(Sampled::of(&changed).sample(), Some(sample.clone()));
        let turned: Vec<Score> = scores.iter().rev().cloned().collect();
        assert_ne!(Sampled::of(&turned).sample(), Some(sample));
        assert_eq!(Sampled::default().sample(), None);
    }
}
