//! A student and a baseline on the same cases: axis by axis, and case by case.

use kolm_core::{AxisStatus, Bounds, KScore, Ppm};
use kolm_policies::dataset::Row;
use kolm_policies::gate::weighted;
use kolm_policies::paired::Paired;
use kolm_policies::score;
use kolm_trainer::Case;
use serde::Serialize;

use super::baseline::Baseline;

/// The baseline on the same cases.
#[derive(Debug, Serialize)]
pub(crate) struct Beside {
    /// The model.
    pub(crate) model: String,
    /// Whether the held-out answers are its own.
    pub(crate) is_teacher: bool,
    /// Cases of which its captured answer was taken.
    pub(crate) reused: u64,
    /// Cases that it was asked under a system prompt or with tools.
    pub(crate) prompted: u64,
    /// Its agreement with the held-out answers, in [0, 1].
    pub(crate) accuracy: f64,
    /// Its K-score, with S = 0: what the student's lower bound must reach too.
    pub(crate) k: Ppm,
    /// Both by axis.
    pub(crate) axes: Vec<SideBySide>,
    /// Cases by who was right, the student first.
    pub(crate) right: [u64; 4],
    /// The student's accuracy less the baseline's, on all cases.
    pub(crate) difference: f64,
    /// 95 % interval of the difference (bootstrap).
    pub(crate) interval: (f64, f64),
    /// McNemar's exact two-sided p.
    pub(crate) p: f64,
}

/// One axis of both.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SideBySide {
    /// `A`, `S`, `L`, `C`, `V` or `K`.
    pub(crate) name: String,
    /// The student's value, `None` where it was not measured.
    pub(crate) student: Option<Ppm>,
    /// The baseline's.
    pub(crate) baseline: Ppm,
    /// The student's less the baseline's, in ppm.
    pub(crate) difference_ppm: Option<i64>,
}

/// Both of them; `axes` are the student's.
pub(super) fn beside(rows: &[Row], cases: &[Case], baseline: &Baseline, axes: &[AxisStatus]) -> Beside {
    let right: Vec<bool> = rows
        .iter()
        .zip(&baseline.answers)
        .map(|(row, cloud)| score::label(&cloud.text, &row.answer) == Ppm::ONE)
        .collect();
    let paired = Paired::of(cases.iter().map(|case| case.right).zip(right.iter().copied()));
    let share = right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64;
    let k = k_of(baseline, share);
    Beside {
        model: baseline.model.clone(),
        is_teacher: baseline.is_teacher,
        reused: baseline.reused,
        prompted: baseline.prompted,
        accuracy: share,
        k: k.k.map_or(Ppm::ONE, |k| k.v),
        axes: side_by_side(axes, &k),
        right: [paired.both, paired.first, paired.second, paired.neither],
        difference: paired.difference(),
        interval: paired.bootstrap(7),
        p: paired.mcnemar(),
    }
}

/// The baseline's axes: it is the one who would answer instead, so L and C are 1, and so is a teacher's A.
fn k_of(baseline: &Baseline, share: f64) -> KScore {
    let answered = baseline.answers.iter().filter(|answer| !answer.text.is_empty()).count() as f64;
    let exact = |share: f64| Some(Bounds::exact(Ppm::floor(share)));
    let mut k = KScore {
        a: exact(if baseline.is_teacher { 1.0 } else { share }),
        s: Some(Bounds::exact(Ppm(0))),
        l: exact(1.0),
        c: exact(1.0),
        v: exact(answered / baseline.answers.len().max(1) as f64),
        k: None,
    };
    k.k = weighted(&k);
    k
}

fn side_by_side(axes: &[AxisStatus], k: &KScore) -> Vec<SideBySide> {
    let of = |name: &str, baseline: Option<Bounds>| {
        let have = axes.iter().find(|line| line.name == name).and_then(|line| line.have);
        let (student, baseline) = (have.map(|have| have.v), baseline?.v);
        let difference_ppm = student.map(|student| i64::from(student.0) - i64::from(baseline.0));
        Some(SideBySide { name: name.to_owned(), student, baseline, difference_ppm })
    };
    let six = [("A", k.a), ("S", k.s), ("L", k.l), ("C", k.c), ("V", k.v), ("K", k.k)];
    six.into_iter().filter_map(|(name, baseline)| of(name, baseline)).collect()
}
