//! From scores to shares, and from shares to a threshold: temperature, mixing weight, `tau`, choice.
//!
//! **Invariant:** everything here is chosen on the rows it is given, which are never held-out ones.

use kolm_core::Ppm;
use kolm_model::kernels::func;
use kolm_model::student::{confidence_of, top_two};
use kolm_policies::gate::bounds::{self, Histogram};
use serde::{Deserialize, Serialize};

use crate::job::Candidate;

/// Error probability of the threshold's promise: what is tried for it shares it.
const ALPHA_PPB: u64 = 50_000_000;
/// Quantiles of confidence that are tried: so many equal steps from none of the rows to all.
const STEPS: usize = 20;
/// The step from which a student answers enough: the gate's V floor of 0.80 and a margin to prove it by.
const ENOUGH: usize = 17;
/// The step where it stops if its target is just shown: traffic to come leaves fewer rows that it is sure of.
const AMPLE: usize = 18;
/// A smaller student ships when it scores within this of the best.
const NOT_WORSE: f64 = 0.005;

/// Scores of one branch on `valid`, a row each.
pub(crate) type Scores = Vec<Vec<f32>>;

/// Share of rows whose greatest score is at the right label.
pub(crate) fn accuracy(scores: &[Vec<f32>], labels: &[u32]) -> f64 {
    let right = scores.iter().zip(labels).filter(|(s, l)| top_two(s).0 == **l as usize).count();
    right as f64 / labels.len().max(1) as f64
}

/// Mean loss of `factor · scores`, the right label counting `1 - e` and all labels together `e`. The `e` of
/// one case in `n` keeps a student that makes no mistake on `valid` from claiming that it never will.
fn loss(scores: &[Vec<f32>], labels: &[u32], factor: f32) -> f64 {
    let e = 1.0 / (labels.len() as f64 + 2.0);
    let mut sum = 0.0;
    for (row, label) in scores.iter().zip(labels) {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = row.iter().map(|s| func::exp((s - top) * factor)).sum();
        let all: f32 = row.iter().map(|s| (top - s) * factor).sum();
        let right = f64::from((top - row[*label as usize]) * factor);
        sum += func::ln(f64::from(total)) + (1.0 - e) * right + e * f64::from(all) / row.len() as f64;
    }
    sum / labels.len().max(1) as f64
}

/// The factor (inverse temperature) with the least loss, between 1/50 and 100, and that loss.
pub(crate) fn temperature(scores: &[Vec<f32>], labels: &[u32]) -> (f64, f64) {
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let at = |ln: f64| loss(scores, labels, ln.exp() as f32);
    let (mut low, mut high) = (0.02_f64.ln(), 100.0_f64.ln());
    let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
    let (mut loss_a, mut loss_b) = (at(a), at(b));
    for _ in 0..28 {
        if loss_a <= loss_b {
            (high, b, loss_b) = (b, a, loss_a);
            a = high - golden * (high - low);
            loss_a = at(a);
        } else {
            (low, a, loss_a) = (a, b, loss_b);
            b = low + golden * (high - low);
            loss_b = at(b);
        }
    }
    let ln = if loss_a <= loss_b { a } else { b };
    (ln.exp(), loss_a.min(loss_b))
}

/// `x · scores + y · others`, row by row.
pub(crate) fn blend(scores: &[Vec<f32>], x: f64, others: &[Vec<f32>], y: f64) -> Scores {
    let (x, y) = (x as f32, y as f32);
    scores.iter().zip(others).map(|(a, b)| a.iter().zip(b).map(|(a, b)| x * a + y * b).collect()).collect()
}

/// Factors of the two branches in their sum: each is brought to its own temperature, mixed with the weight
/// that has the least loss, and the mixture is brought to its temperature.
pub(crate) fn mixture(ngram: &[Vec<f32>], transformer: &[Vec<f32>], labels: &[u32]) -> (f64, f64) {
    let (kn, kt) = (temperature(ngram, labels).0, temperature(transformer, labels).0);
    let mut best = (f64::INFINITY, kn, 0.0);
    for tenth in 1..10 {
        let m = f64::from(tenth) / 10.0;
        let (k, loss) = temperature(&blend(ngram, kn * (1.0 - m), transformer, kt * m), labels);
        if loss < best.0 {
            best = (loss, k * kn * (1.0 - m), k * kt * m);
        }
    }
    (best.1, best.2)
}

/// The candidate that ships: the smallest that is not worse than the best by more than half a point, or by
/// more than two of the `n` rows they were measured on, which is noise.
pub(crate) fn choose(candidates: &[Candidate], n: usize) -> Option<Candidate> {
    let best = candidates.iter().map(|c| c.valid).fold(0.0, f64::max);
    let margin = NOT_WORSE.max(2.0 / n.max(1) as f64);
    candidates.iter().filter(|c| c.valid >= best - margin - 1e-12).min_by_key(|c| c.bytes).copied()
}

/// An abstention threshold and what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Least confidence; 1,000,000 = always abstain.
    pub tau_ppm: u32,
    /// Accuracy that the given answers are shown to have.
    pub target_ppm: u32,
    /// Share of the rows that is answered.
    pub coverage: f64,
    /// Share of these that is right.
    pub selective: f64,
    /// Rows that this rests on.
    pub n: u64,
    /// Whether these are folds of all training rows (with too few rows in `valid`) instead of `valid`.
    pub crossfit: bool,
}

/// Whether so many rows show an accuracy of `target` when a fifth of the errors that it allows are among them.
fn provable(n: usize, target: Ppm, alpha_ppb: u64) -> bool {
    let allowed = (Ppm::ONE.0 - target.0) as usize / 5;
    let wrong = (n * allowed).div_ceil(Ppm::ONE.0 as usize);
    let mut seen = Histogram::default();
    seen.add_many(Ppm::ONE, (n - wrong) as u64);
    seen.add_many(Ppm(0), wrong as u64);
    bounds::lcb(&seen, alpha_ppb) >= target
}

/// The accuracy to show: the greatest of these that `n` rows can show with a few errors among half of them. Decided by
/// count alone, so the error probability stays what it is.
fn reachable(n: usize, target: Ppm, floor: Ppm) -> Ppm {
    [target, middle(target, floor)]
        .into_iter()
        .find(|target| provable(n / 2, *target, ALPHA_PPB / 4))
        .unwrap_or(floor)
}

fn middle(a: Ppm, b: Ppm) -> Ppm {
    Ppm(u32::midpoint(a.0, b.0))
}

/// `tau` for `target` (docs/adr/0013): as many rows as show that only half the errors are made which it allows, if these
/// are ample; else up to [`AMPLE`] rows that show the target, or the middle between it and the floor, or the floor itself.
/// Of those the first that answers enough is taken, else the widest.
pub(crate) fn threshold(answers: &[(f32, bool)], target: Ppm, floor: Ppm) -> Threshold {
    let target = reachable(answers.len(), target.max(floor), floor);
    let mut lower = vec![target, middle(target, floor), floor];
    lower.dedup();
    let alpha_ppb = ALPHA_PPB / (1 + lower.len() as u64);
    let mut widest = sequence(answers, middle(target, Ppm::ONE), STEPS, alpha_ppb);
    let mut enough = AMPLE;
    for target in lower {
        if widest.coverage >= enough as f64 / STEPS as f64 {
            break;
        }
        let tried = sequence(answers, target, AMPLE, alpha_ppb);
        if tried.coverage > widest.coverage {
            widest = tried;
        }
        enough = ENOUGH;
    }
    widest
}

/// `tau` by fixed-sequence testing (gate.md 8): quantiles of confidence from the strictest down to `most`, as long
/// as the bound on the accuracy of what is answered holds the target. Quantiles with too few rows to show it
/// with a few errors are passed over: that depends on their count alone, so no alpha is lost.
fn sequence(answers: &[(f32, bool)], target: Ppm, most: usize, alpha_ppb: u64) -> Threshold {
    let mut sorted: Vec<(u32, bool)> =
        answers.iter().map(|(c, right)| (Ppm::floor(f64::from(*c)).0, *right)).collect();
    sorted.sort_by_key(|(c, _)| std::cmp::Reverse(*c));
    let n = sorted.len();
    let mut out = Threshold {
        tau_ppm: Ppm::ONE.0,
        target_ppm: target.0,
        coverage: 0.0,
        selective: 0.0,
        n: n as u64,
        crossfit: false,
    };
    for step in 1..=most {
        let Some((tau, _)) = (n * step).div_ceil(STEPS).checked_sub(1).and_then(|at| sorted.get(at)) else {
            continue;
        };
        let above = sorted.iter().take_while(|(c, _)| c >= tau);
        let (count, right) = above.fold((0, 0_usize), |(n, r), (_, ok)| (n + 1, r + usize::from(*ok)));
        if !provable(count, target, alpha_ppb) {
            continue;
        }
        let mut seen = Histogram::default();
        seen.add_many(Ppm::ONE, right as u64);
        seen.add_many(Ppm(0), (count - right) as u64);
        if bounds::lcb(&seen, alpha_ppb) < target {
            break;
        }
        out = Threshold {
            tau_ppm: *tau,
            coverage: count as f64 / n as f64,
            selective: right as f64 / count as f64,
            ..out
        };
    }
    out
}

/// Confidence and rightness of each row under the final scores.
pub(crate) fn answers(scores: &[Vec<f32>], labels: &[u32]) -> Vec<(f32, bool)> {
    let answer = |(row, label): (&Vec<f32>, &u32)| {
        let mut shares = row.clone();
        func::softmax(&mut shares);
        let (best, p1, p2) = top_two(&shares);
        (confidence_of(p1 - p2), best == *label as usize)
    };
    scores.iter().zip(labels).map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{Purpose, Stream};
    use crate::job::Branch;

    /// Cases where the answer of confidence `c` is right with probability `c`.
    fn cases(n: usize, seed: u64, least: f32) -> Vec<(f32, bool)> {
        let mut s = Stream::new(seed, Purpose::Init, 0, 0);
        (0..n)
            .map(|_| {
                let c = least + (1.0 - least) * s.unit();
                (c, s.unit() < c)
            })
            .collect()
    }

    #[test]
    fn temperature_finds_the_factor_that_scores_were_divided_by() {
        let mut s = Stream::new(7, Purpose::Init, 0, 0);
        let (mut scores, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..4000 {
            let row: Vec<f32> = (0..4).map(|_| s.normal() * 2.0).collect();
            let mut p = row.clone();
            func::softmax(&mut p);
            let u = s.unit();
            let mut sum = 0.0;
            labels.push(
                p.iter()
                    .position(|p| {
                        sum += p;
                        u < sum
                    })
                    .unwrap_or(3) as u32,
            );
            scores.push(row.iter().map(|x| x / 5.0).collect::<Vec<f32>>());
        }
        let (factor, _) = temperature(&scores, &labels);
        assert!((factor - 5.0).abs() < 0.5, "{factor}");
    }

    #[test]
    fn a_student_without_an_error_is_not_made_infinitely_sure() {
        let scores = vec![vec![1.0, 0.0]; 100];
        let (factor, _) = temperature(&scores, &[0; 100]);
        let answer = answers(&blend(&scores, factor, &scores, 0.0), &[0; 100])[0];
        assert!(answer.1 && answer.0 > 0.9 && answer.0 < 0.999, "{}", answer.0);
    }

    #[test]
    fn tau_rises_with_the_target_and_coverage_with_quality() {
        let tau =
            |least: f32, target: u32| threshold(&cases(2000, 3, least), Ppm(target), Ppm(900_000)).tau_ppm;
        let by_target: Vec<u32> = [900_000, 930_000, 960_000].map(|t| tau(0.5, t)).to_vec();
        assert!(by_target.is_sorted() && by_target[0] > 0, "{by_target:?}");
        let coverage = |least: f32| threshold(&cases(2000, 3, least), Ppm(950_000), Ppm(900_000)).coverage;
        assert!(coverage(0.97) > coverage(0.5));
        let sure = threshold(&cases(2000, 3, 0.999), Ppm(950_000), Ppm(900_000));
        assert_eq!(sure.coverage, 1.0, "a student that is always right answers all it has seen");
        assert!(sure.tau_ppm >= 999_000, "and nothing that it is less sure of");
    }

    #[test]
    fn a_target_that_leaves_too_much_unanswered_gives_way_down_to_the_floor() {
        let good = threshold(&cases(3000, 3, 0.95), Ppm(950_000), Ppm(900_000));
        assert_eq!(
            (good.target_ppm, good.coverage),
            (950_000, 0.9),
            "no more than ample where it is just shown"
        );
        let fair = threshold(&cases(3000, 3, 0.82), Ppm(950_000), Ppm(900_000));
        assert!(fair.target_ppm < 950_000 && fair.target_ppm >= 900_000, "{fair:?}");
        assert!(
            fair.coverage > sequence(&cases(3000, 3, 0.82), Ppm(950_000), STEPS, ALPHA_PPB).coverage,
            "{fair:?}"
        );
    }

    #[test]
    fn width_beyond_ample_is_for_those_who_make_half_the_errors() {
        let ample = AMPLE as f64 / STEPS as f64;
        for (least, wide) in [(0.95, false), (0.999, true)] {
            let t = threshold(&cases(3000, 3, least), Ppm(950_000), Ppm(900_000));
            assert_eq!((t.coverage > ample, t.target_ppm == 975_000), (wide, wide), "{least}: {t:?}");
        }
    }

    #[test]
    fn without_evidence_a_student_always_abstains() {
        for cases in [vec![], vec![(0.99, true); 30], vec![(0.9, false); 500]] {
            let t = threshold(&cases, Ppm(950_000), Ppm(900_000));
            assert_eq!((t.tau_ppm, t.coverage), (1_000_000, 0.0));
        }
        let small = threshold(&vec![(0.99, true); 131], Ppm(950_000), Ppm(900_000));
        assert_eq!(
            (small.target_ppm, small.tau_ppm),
            (900_000, 990_000),
            "131 rows can show the floor, not the target"
        );
    }

    #[test]
    fn the_promise_breaks_in_at_most_alpha_of_calibrations() {
        let (mut broken, mut passed) = (0, 0);
        for seed in 0..200 {
            let t = threshold(&cases(2000, 100 + seed, 0.7), Ppm(920_000), Ppm(900_000));
            let fresh = cases(4000, 10_000 + seed, 0.7);
            let given: Vec<_> =
                fresh.iter().filter(|(c, _)| Ppm::floor(f64::from(*c)).0 >= t.tau_ppm).collect();
            if t.coverage > 0.0 {
                passed += 1;
                let right = given.iter().filter(|(_, ok)| *ok).count() as f64 / given.len() as f64;
                broken += usize::from(right < f64::from(t.target_ppm) / 1e6 - 0.01);
            }
        }
        assert!(passed > 100 && broken <= 10, "{broken} of {passed}");
    }

    #[test]
    fn the_smallest_that_is_not_worse_ships() {
        let of = |branch, valid, bytes| Candidate { branch, valid, bytes };
        for (sum, chosen) in [(0.934, Branch::Ngram), (0.936, Branch::Sum)] {
            let all =
                [of(Branch::Ngram, 0.93, 100), of(Branch::Transformer, 0.91, 10), of(Branch::Sum, sum, 110)];
            assert_eq!(choose(&all, 1000).map(|c| c.branch), Some(chosen));
            assert_eq!(choose(&all, 200).map(|c| c.branch), Some(Branch::Ngram), "one row more is noise");
        }
        assert_eq!(choose(&[], 0), None);
    }
}
