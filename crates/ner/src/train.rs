//! Training: stochastic gradients on the likelihood of the chain, with a rate of its own for each weight.
//!
//! **Invariant:** one thread, one order, one seed: the same weights bit for bit.

use std::collections::BTreeMap;

use kolm_policies::ner::lattice::{B, E, I, K, Lattice, Links, O, OPEN, Row, TAGS, exp};
use kolm_policies::ner::{Features, Gazetteer, Model, Weights};

use crate::chance::Chance;
use crate::corpus::{Corpus, Tagged, tagged};

/// How much is learned, and how large the result may be.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Seed of everything.
    pub seed: u64,
    /// Samples drawn.
    pub samples: usize,
    /// Passes before and after the rows are thinned out.
    pub passes: [usize; 2],
    /// Most bytes of the model file.
    pub bytes: usize,
}

/// Rows seen less often are not learned.
const SEEN: u32 = 3;
/// First step of every weight.
const RATE: f32 = 0.12;
/// Pull towards zero.
const PULL: f32 = 0.000_1;
/// Percent of keys that are not looked at in a pass: no row may carry a name alone.
const DROPPED: usize = 30;
/// Percent of tokens whose lists are not looked at.
const UNLISTED: usize = 35;
/// Bytes of a row and of each of its weights in the file, deflated, a little less than they take.
const ROW: f32 = 4.66;
const VALUE: f32 = 0.622;
/// Step of the signed bytes.
const SCALE: f32 = 1.0 / 22.0;

/// A sequence: rows of each token, and its tags.
struct Sequence {
    rows: Vec<u32>,
    /// End of each token's rows.
    ends: Vec<u32>,
    tags: Vec<u8>,
}

/// Weights while they are learned.
struct Learner {
    keys: Vec<u32>,
    weights: Vec<[f32; TAGS]>,
    squares: Vec<[f32; TAGS]>,
    alive: Vec<bool>,
    links: Links,
    link_squares: Links,
}

/// Trains a model and returns its file.
pub fn train(corpus: &Corpus<'_>, lists: &Gazetteer, plan: Plan, say: &mut dyn FnMut(String)) -> Vec<u8> {
    let mut chance = Chance::new(plan.seed);
    let pieces = draw(corpus, lists, plan.samples, &mut chance);
    let (keys, sequences) = number(&pieces);
    drop(pieces);
    say(format!("{} sequences, {} features", sequences.len(), keys.len()));
    let count = keys.len();
    let mut learner = Learner {
        keys,
        weights: vec![[0.0; TAGS]; count],
        squares: vec![[1e-4; TAGS]; count],
        alive: vec![true; count],
        links: Links::zero(),
        link_squares: Links { outer: [[1e-2; OPEN]; OPEN], inner: [[1e-2; K]; 4] },
    };
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    for (round, passes) in plan.passes.into_iter().enumerate() {
        for pass in 0..passes {
            chance.shuffle(&mut order);
            let loss = learner.pass(&sequences, &order, &mut chance);
            say(format!("round {round} pass {pass}: loss {loss:.4} a token"));
        }
        learner.thin(plan.bytes);
    }
    learner.file()
}

fn draw(corpus: &Corpus<'_>, lists: &Gazetteer, samples: usize, chance: &mut Chance) -> Vec<Tagged> {
    let mut pieces: Vec<Tagged> = (0..samples).flat_map(|_| tagged(&corpus.sample(chance), lists)).collect();
    for token in pieces.iter_mut().flat_map(|tagged| &mut tagged.piece.tokens) {
        if chance.percent(UNLISTED) {
            token.lists = 0;
        }
    }
    pieces
}

/// Gives every feature that is seen often enough a row.
fn number(pieces: &[Tagged]) -> (Vec<u32>, Vec<Sequence>) {
    let tokens = || pieces.iter().flat_map(|t| (0..t.tags.len()).map(|i| Features::of(&t.piece, i)));
    let mut keys: Vec<u32> = tokens().flat_map(|f| f.keys().to_vec()).collect();
    keys.sort_unstable();
    let mut kept = Vec::new();
    for same in keys.chunk_by(|a, b| a == b) {
        if same.len() >= SEEN as usize {
            kept.extend(same.first());
        }
    }
    drop(keys);
    let index: BTreeMap<u32, u32> = kept.iter().zip(0..).map(|(key, row)| (*key, row)).collect();
    let sequence = |t: &Tagged| {
        let mut sequence = Sequence { rows: Vec::new(), ends: Vec::new(), tags: t.tags.clone() };
        for i in 0..t.tags.len() {
            let features = Features::of(&t.piece, i);
            sequence.rows.extend(features.keys().iter().filter_map(|key| index.get(key)));
            sequence.ends.push(sequence.rows.len() as u32);
        }
        sequence
    };
    let sequences = pieces.iter().map(sequence).collect();
    (kept, sequences)
}

impl Learner {
    fn pass(&mut self, sequences: &[Sequence], order: &[usize], chance: &mut Chance) -> f64 {
        let mut lattice = Lattice::default();
        let (mut loss, mut tokens) = (0.0, 0);
        let mut looked: Vec<Vec<u32>> = Vec::new();
        for at in order {
            let sequence = &sequences[*at];
            let count = sequence.tags.len();
            tokens += count;
            self.look(sequence, &mut looked, chance);
            lattice.resize(count);
            for (t, rows) in looked.iter().enumerate().take(count) {
                lattice.factors[t] = self.factors(rows);
            }
            let factors = self.links.factors();
            lattice.run(&factors);
            for (t, rows) in looked.iter().enumerate().take(count) {
                let mut error = lattice.marginals(t);
                let gold = usize::from(sequence.tags[t]);
                loss -= f64::from(error[gold].max(1e-9)).ln();
                error[gold] -= 1.0;
                if error.iter().any(|e| e.abs() > 0.003) {
                    self.correct(rows, &error);
                }
            }
            self.relink(&lattice, &factors, &sequence.tags);
        }
        loss / f64::from(u32::try_from(tokens.max(1)).unwrap_or(u32::MAX))
    }

    /// The rows that this pass looks at.
    fn look(&self, sequence: &Sequence, looked: &mut Vec<Vec<u32>>, chance: &mut Chance) {
        looked.resize_with(looked.len().max(sequence.tags.len()), Vec::new);
        let mut from = 0;
        for (rows, end) in looked.iter_mut().zip(&sequence.ends) {
            rows.clear();
            let own = &sequence.rows[from..*end as usize];
            rows.extend(own.iter().filter(|row| self.alive[**row as usize] && !chance.percent(DROPPED)));
            from = *end as usize;
        }
    }

    fn factors(&self, rows: &[u32]) -> Row {
        let mut sums = [0.0; TAGS];
        for row in rows {
            sums.iter_mut().zip(&self.weights[*row as usize]).for_each(|(sum, weight)| *sum += weight);
        }
        let mut factors = [1.0; TAGS + 1];
        factors.iter_mut().zip(sums).for_each(|(factor, sum)| *factor = exp(sum));
        factors
    }

    fn correct(&mut self, rows: &[u32], error: &Row) {
        for row in rows {
            let weights = &mut self.weights[*row as usize];
            let squares = &mut self.squares[*row as usize];
            for ((weight, square), e) in weights.iter_mut().zip(squares).zip(error) {
                let slope = e + PULL * *weight;
                *square += slope * slope;
                *weight -= RATE * slope / (square.sqrt() + 0.1);
            }
        }
    }

    /// Expected less observed transitions.
    fn relink(&mut self, lattice: &Lattice, factors: &Links, tags: &[u8]) {
        let mut slope = Links::zero();
        let mut last = [0.0; TAGS + 1];
        last[O] = 1.0;
        let mut before = O;
        for (t, tag) in tags.iter().enumerate() {
            let mut after = lattice.backward[t];
            let all: f32 = lattice.forward[t].iter().zip(&after).map(|(a, b)| a * b).sum();
            let share = 1.0 / (all * lattice.scales[t]).max(1e-30);
            after.iter_mut().zip(&lattice.factors[t]).for_each(|(a, f)| *a *= f * share);
            expect(&mut slope, factors, &last, &after);
            observe(&mut slope, before, usize::from(*tag));
            last = lattice.forward[t];
            before = usize::from(*tag);
        }
        let weights = self.links.outer.iter_mut().flatten().chain(self.links.inner.iter_mut().flatten());
        let squares =
            self.link_squares.outer.iter_mut().flatten().chain(self.link_squares.inner.iter_mut().flatten());
        let slopes = slope.outer.iter().flatten().chain(slope.inner.iter().flatten());
        for ((weight, square), slope) in weights.zip(squares).zip(slopes) {
            *square += slope * slope;
            *weight -= RATE * (slope + PULL * *weight) / square.sqrt();
        }
    }

    /// Keeps the rows that weigh most, as many as the file may hold.
    fn thin(&mut self, bytes: usize) {
        let mut heavy: Vec<(u32, usize)> = Vec::new();
        for (row, weights) in self.weights.iter().enumerate().filter(|(row, _)| self.alive[*row]) {
            let size: f32 = weights.iter().map(|w| w * w).sum();
            heavy.push((size.to_bits(), row));
        }
        heavy.sort_unstable_by(|a, b| b.cmp(a));
        self.alive.fill(false);
        let mut room = bytes.saturating_sub(2_000) as f32;
        for (_, row) in heavy {
            let weights = quantized(&self.weights[row]);
            let some = weights.iter().filter(|w| **w != 0).count();
            if some == 0 {
                continue;
            }
            let size = ROW + VALUE * some as f32;
            if size > room {
                break;
            }
            room -= size;
            self.alive[row] = true;
        }
    }

    fn file(&self) -> Vec<u8> {
        let alive = self.keys.iter().zip(&self.weights).zip(&self.alive).filter(|(_, alive)| **alive);
        let rows: Vec<(u32, Weights)> = alive.map(|((key, weights), _)| (*key, quantized(weights))).collect();
        Model::to_bytes(&self.links, SCALE, &rows)
    }
}

/// Small weights are none: most of a row is.
fn quantized(weights: &[f32; TAGS]) -> Weights {
    weights.map(|w| {
        let steps = (w / SCALE).round().clamp(-127.0, 127.0) as i8;
        if steps.unsigned_abs() < 2 { 0 } else { steps }
    })
}

fn expect(slope: &mut Links, factors: &Links, last: &Row, after: &Row) {
    let mut open = [0.0; OPEN];
    open[..K].copy_from_slice(&after[B..I]);
    open[K..].copy_from_slice(&after[3 * K..]);
    for ((row, factors), from) in slope.outer.iter_mut().zip(&factors.outer).zip(&last[E..]) {
        for ((sum, factor), to) in row.iter_mut().zip(factors).zip(&open) {
            *sum += from * factor * to;
        }
    }
    for k in 0..K {
        let steps = [(B, I), (B, E), (I, I), (I, E)];
        for (n, (from, to)) in steps.into_iter().enumerate() {
            slope.inner[n][k] += last[from + k] * factors.inner[n][k] * after[to + k];
        }
    }
}

fn observe(slope: &mut Links, before: usize, tag: usize) {
    let kind = |tag: usize| tag / K * K;
    match (kind(before), kind(tag)) {
        (B, I) => slope.inner[0][tag % K] -= 1.0,
        (B, E) => slope.inner[1][tag % K] -= 1.0,
        (I, I) => slope.inner[2][tag % K] -= 1.0,
        (I, E) => slope.inner[3][tag % K] -= 1.0,
        (_, to) => {
            let to = if to == B { tag } else { tag - 2 * K };
            slope.outer[before - E][to] -= 1.0;
        }
    }
}
