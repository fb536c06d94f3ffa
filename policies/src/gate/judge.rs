//! The verdict: axes, K, floors and minimum evidence, read off the bounds.
//!
//! **Invariant:** `Promote` needs every axis, every floor and every count; nothing here has a memory.

use kolm_core::{AXIS_WEIGHTS, AxisStatus, Basis, Bounds, Counts, KScore, Ppm, Timestamp, Within};

use super::bounds::Histogram;
use super::stream::Band;
use super::{Breach, Evidence, Missing, Verdict};

const ONE: u64 = 1_000_000;
/// A student of this size scores S = 0: 3 GiB.
const FULL_SIZE: u64 = 3_221_225_472;
/// Below this upper bound of the teacher's self-agreement nothing can be judged.
const CEILING_LOW: u64 = 500_000;

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Axes and K with bounds.
    pub k: KScore,
    /// The noise ceiling `b`.
    pub ceiling: Option<Bounds>,
    /// The counts.
    pub n: Counts,
    /// Need and have, line by line.
    pub axes: Vec<AxisStatus>,
    /// Alpha of the attempt.
    pub alpha_ppb: u64,
    /// The attempt judged.
    pub attempt: u32,
    /// Digest of the policy it was judged by.
    pub policy: String,
    /// The bars, and what was measured against them.
    pub basis: Basis,
    /// The first alarm of a detector.
    pub alarm: Option<Breach>,
    /// The model behind the teacher's name changed, and the new one has settled.
    pub new_teacher: bool,
    /// Student's p95 in µs, 0 without evidence.
    pub student_p95_us: u64,
    /// Teacher's p95 in µs, 0 without evidence.
    pub teacher_p95_us: u64,
}

/// Judges the evidence of one attempt.
pub fn judge(evidence: &Evidence, now: Timestamp) -> Judged {
    let k = axes(evidence);
    let ceiling = evidence.b.mean().map(|b| evidence.best.b.around(b));
    let shares = shares(evidence);
    let n = evidence.counts();
    let wall_ms = evidence.first.map_or(0, |first| now.since(first).max(0));
    let breach = breach(evidence, &k, &shares, &n, wall_ms);
    let mut missing = lacking(evidence, &k, &shares);
    missing.extend(too_few(evidence, &n, wall_ms));
    missing.extend(&evidence.blocked);
    missing.extend(evidence.teacher_model.changed().then_some(Missing::TeacherChanged));
    missing.sort_unstable();
    missing.dedup();
    let promotes = missing.is_empty();
    let verdict = match breach {
        Some(Breach::Exhausted) | None if promotes => Verdict::Promote,
        Some(because) => Verdict::Reject { because },
        None => Verdict::Hold { missing },
    };
    let (student_p95_us, teacher_p95_us) = evidence.values;
    Judged {
        verdict,
        axes: lines(evidence, &k, &shares),
        k,
        ceiling,
        n,
        alpha_ppb: evidence.alpha_ppb,
        attempt: evidence.attempt,
        policy: evidence.digest.clone(),
        basis: basis(evidence, &shares, wall_ms),
        alarm: evidence.alarm(),
        new_teacher: evidence.teacher_model.settled(evidence.policy.min_double),
        student_p95_us: if evidence.student.n() > 0 { student_p95_us } else { 0 },
        teacher_p95_us: if evidence.teacher.n() > 0 { teacher_p95_us } else { 0 },
    }
}

fn basis(evidence: &Evidence, shares: &Shares, wall_ms: i64) -> Basis {
    Basis {
        bars: evidence.policy.bars(),
        wall_ms,
        a: evidence.a.moments(),
        b: evidence.b.moments(),
        v: evidence.v.moments(),
        latency: shares.latency,
        ttft: shares.ttft,
        detectors: evidence.detectors.as_ref().map(super::Detectors::milli),
    }
}

/// S of a student of so many bytes.
pub fn size_axis(bytes: u64) -> Ppm {
    let spent = (u128::from(bytes) * u128::from(ONE)).div_ceil(u128::from(FULL_SIZE));
    Ppm(ONE.saturating_sub(spent.min(u128::from(ONE)) as u64) as u32)
}

fn axes(evidence: &Evidence) -> KScore {
    let best = &evidence.best;
    let a = evidence.a.mean().zip(evidence.b.mean()).map(|(a, b)| Bounds {
        v: Ppm(down(a.0.into(), b.0.into()).min(ONE) as u32),
        lcb: Ppm(down(best.a.low, best.b.high).min(ONE) as u32),
        ucb: Ppm(up(best.a.high, best.b.low).min(ONE) as u32),
    });
    let (student, teacher) = evidence.values;
    let l = (evidence.student.n() > 0).then(|| less(best.p95_s, best.p95_t, student, teacher));
    let c = evidence.costs.student.mean().zip(evidence.costs.teacher.mean());
    let c = c.map(|(s, t)| less(best.cost_s, best.cost_t, s.0.into(), t.0.into()));
    let v = evidence.v.mean().map(|v| best.v.around(v));
    let s = Some(Bounds::exact(size_axis(evidence.artifact_bytes)));
    let mut k = KScore { a, s, l, c, v, k: None };
    k.k = weighted(&k);
    k
}

/// `K = 0.40 A + 0.15 (S + L + C + V)`, lower bounds down, upper bounds up.
pub fn weighted(k: &KScore) -> Option<Bounds> {
    let (mut v, mut lcb, mut ucb) = (0u32, 0u32, 0u32);
    for (axis, weight) in AXIS_WEIGHTS {
        let bounds = k.axis(axis)?;
        v += weight * bounds.v.0;
        lcb += weight * bounds.lcb.0;
        ucb += weight * bounds.ucb.0;
    }
    Some(Bounds { v: Ppm(v / 100), lcb: Ppm(lcb / 100), ucb: Ppm(ucb.div_ceil(100)) })
}

/// `clamp01(2 - student / teacher)` with bounds.
fn less(student: Band, teacher: Band, s: u64, t: u64) -> Bounds {
    let rest = |ratio: u64| Ppm((2 * ONE).saturating_sub(ratio).min(ONE) as u32);
    Bounds {
        v: rest(up(s, t)),
        lcb: rest(up(student.high, teacher.low)),
        ucb: rest(down(student.low, teacher.high)),
    }
}

fn down(part: u64, whole: u64) -> u64 {
    let ratio = (u128::from(part) * u128::from(ONE)).checked_div(u128::from(whole));
    ratio.map_or(u64::MAX, |ratio| ratio.min(u128::from(u64::MAX)) as u64)
}

fn up(part: u64, whole: u64) -> u64 {
    match whole {
        0 => u64::MAX,
        whole => {
            let ratio = (u128::from(part) * u128::from(ONE)).div_ceil(u128::from(whole));
            ratio.min(u128::from(u64::MAX)) as u64
        }
    }
}

/// Share within the latency budget and, where there are streams, within the first-token budget.
struct Shares {
    latency: Option<Within>,
    ttft: Option<Within>,
}

fn shares(evidence: &Evidence) -> Shares {
    let Some(frozen) = evidence.frozen else { return Shares { latency: None, ttft: None } };
    let within = |values: &Histogram, band: Band| {
        values.mean().map(|mean| Within { share: band.around(mean), units: values.moments() })
    };
    Shares {
        latency: within(&evidence.student.within(frozen.latency), evidence.best.latency),
        ttft: within(&evidence.ttft.within(frozen.ttft), evidence.best.ttft).filter(|_| evidence.streams),
    }
}

fn share(within: Option<Within>) -> Option<Bounds> {
    within.map(|within| within.share)
}

fn breach(evidence: &Evidence, k: &KScore, shares: &Shares, n: &Counts, wall_ms: i64) -> Option<Breach> {
    let policy = &evidence.policy;
    if n.critical > 0 {
        return Some(Breach::Critical);
    }
    let below = |bounds: Option<Bounds>, floor: u32| bounds.is_some_and(|bounds| bounds.ucb.0 < floor);
    let floors = [
        (k.a, policy.a_floor, Breach::Floor("A")),
        (k.v, policy.v_floor, Breach::Floor("V")),
        (share(shares.latency), policy.latency_floor, Breach::Floor("latency")),
        (share(shares.ttft), policy.latency_floor, Breach::Floor("ttft")),
        (k.k, policy.gate, Breach::K),
    ];
    let exhausted = n.units >= policy.max_units || wall_ms >= policy.max_wall_ms;
    floors
        .into_iter()
        .find(|(bounds, floor, _)| below(*bounds, *floor))
        .map(|(_, _, breach)| breach)
        .or(exhausted.then_some(Breach::Exhausted))
}

fn lacking(evidence: &Evidence, k: &KScore, shares: &Shares) -> Vec<Missing> {
    let policy = &evidence.policy;
    let short = |bounds: Option<Bounds>, floor: u32| bounds.is_none_or(|bounds| bounds.lcb.0 < floor);
    [
        (short(k.a, policy.a_floor), Missing::A),
        (k.s.is_none(), Missing::S),
        (k.l.is_none(), Missing::L),
        (k.c.is_none(), Missing::C),
        (short(k.v, policy.v_floor), Missing::V),
        (k.k.is_some_and(|bounds| bounds.lcb.0 < policy.gate), Missing::K),
        (short(share(shares.latency), policy.latency_floor), Missing::Latency),
        (evidence.streams && short(share(shares.ttft), policy.latency_floor), Missing::Ttft),
    ]
    .into_iter()
    .filter_map(|(lacks, word)| lacks.then_some(word))
    .collect()
}

fn too_few(evidence: &Evidence, n: &Counts, wall_ms: i64) -> Vec<Missing> {
    let policy = &evidence.policy;
    [
        (n.requests < policy.requests_needed(), Missing::Requests),
        (n.units < policy.min_units, Missing::Units),
        (wall_ms < policy.min_wall_ms, Missing::Wall),
        (n.double_primary < policy.min_double || evidence.best.b.high < CEILING_LOW, Missing::Ceiling),
        (n.completeness_ppm < u64::from(policy.completeness), Missing::Completeness),
        (!evidence.window_holds(), Missing::Window),
    ]
    .into_iter()
    .filter_map(|(lacks, word)| lacks.then_some(word))
    .collect()
}

fn lines(evidence: &Evidence, k: &KScore, shares: &Shares) -> Vec<AxisStatus> {
    let policy = &evidence.policy;
    let line = |name: &str, need: Option<u32>, have: Option<Bounds>| AxisStatus {
        name: name.to_owned(),
        need: need.map(Ppm),
        have,
    };
    let mut out = vec![
        line("A", Some(policy.a_floor), k.a),
        line("S", None, k.s),
        line("L", None, k.l),
        line("C", None, k.c),
        line("V", Some(policy.v_floor), k.v),
        line("K", Some(policy.gate), k.k),
        line("latency", Some(policy.latency_floor), share(shares.latency)),
    ];
    if evidence.streams {
        out.push(line("ttft", Some(policy.latency_floor), share(shares.ttft)));
    }
    out
}
