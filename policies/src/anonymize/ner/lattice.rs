//! The chain: forward and backward sums over the tags of a piece, and the share of each tag at each token.
//!
//! **Invariant:** only arithmetic that is the same on every machine, its own exponential included; a piece that
//! no path explains gives `O` everywhere.

/// Classes of the model, in the order of the tags.
pub const CLASSES: [&str; 8] = ["PER", "LOC", "FAC", "ORG", "DATE", "AGE", "NRP", "TITLE"];
/// Place of the persons.
pub const PER: usize = 0;
/// Place of the places.
pub const LOC: usize = 1;
/// Count of classes.
pub const K: usize = CLASSES.len();
/// Tags with weights: begin, inside, end and single of each class. `O` weighs nothing and comes after them.
pub const TAGS: usize = 4 * K;
/// `O`.
pub const O: usize = TAGS;
/// First tag of a begin, an inside, an end, a single.
pub const B: usize = 0;
/// See [`B`].
pub const I: usize = K;
/// See [`B`].
pub const E: usize = 2 * K;
/// See [`B`].
pub const S: usize = 3 * K;
/// Tags after which a new mention may begin: end, single, `O`.
pub const OPEN: usize = 2 * K + 1;

/// Weights between neighbouring tags.
#[derive(Debug, Clone)]
pub struct Links {
    /// From end, single or `O` (as [`OPEN`]) to begin, single or `O`.
    pub outer: [[f32; OPEN]; OPEN],
    /// From begin to inside, begin to end, inside to inside, inside to end, by class.
    pub inner: [[f32; K]; 4],
}

impl Links {
    /// No preference.
    pub fn zero() -> Self {
        Self { outer: [[0.0; OPEN]; OPEN], inner: [[0.0; K]; 4] }
    }

    /// The same as factors.
    pub fn factors(&self) -> Self {
        Self { outer: self.outer.map(|row| row.map(exp)), inner: self.inner.map(|row| row.map(exp)) }
    }
}

/// `e^x` by a polynomial: the same bits everywhere.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Added to it, a number loses all but its whole part, which stands in the lowest bits of the sum.
    const WHOLE: f32 = 12_582_912.0;
    let y = x.clamp(-40.0, 40.0) * std::f32::consts::LOG2_E;
    let whole = (y + WHOLE) - WHOLE;
    let f = (y - whole) * std::f32::consts::LN_2;
    let series = 1.0 + f * (1.0 + f * (0.5 + f * (0.166_666_67 + f * (0.041_666_67 + f * 0.008_333_334))));
    let power = (y + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()).wrapping_add(127);
    f32::from_bits(power << 23) * series
}

/// One value for each tag, `O` last.
pub type Row = [f32; TAGS + 1];

/// Sums over a piece; kept between pieces for its memory.
#[derive(Debug, Default)]
pub struct Lattice {
    /// Factor of each tag at each token.
    pub factors: Vec<Row>,
    /// Share of all paths up to each token that end in each tag.
    pub forward: Vec<Row>,
    /// Likewise backward, the token itself left out.
    pub backward: Vec<Row>,
    /// What the forward rows were divided by.
    pub scales: Vec<f32>,
}

impl Lattice {
    /// Makes room for `count` tokens.
    pub fn resize(&mut self, count: usize) {
        for rows in [&mut self.factors, &mut self.forward, &mut self.backward] {
            rows.resize(count, [0.0; TAGS + 1]);
        }
        self.scales.resize(count, 0.0);
    }

    /// Forward and backward sums under the factors in place.
    #[inline(always)]
    pub fn run(&mut self, links: &Links) {
        let count = self.factors.len();
        let turned = turned(&links.outer);
        let mut last = [0.0; TAGS + 1];
        last[O] = 1.0;
        let mut next = [0.0; TAGS + 1];
        next[E..].fill(1.0);
        // From both ends at once: while one sum waits for its numbers, the other has its own.
        for t in 0..count {
            let back = count - 1 - t;
            self.backward[back] = next;
            let row = times(forward(&last, links), &self.factors[t]);
            next = backward(&times(next, &self.factors[back]), links, &turned);
            let [sum, back_sum] = sums(&row, &next);
            (last, next) = (scaled(row, sum), scaled(next, back_sum));
            self.scales[t] = sum;
            self.forward[t] = last;
        }
    }

    /// The share of each tag at token `t`.
    pub fn marginals(&self, t: usize) -> Row {
        let mut row = self.forward[t];
        row.iter_mut().zip(&self.backward[t]).for_each(|(value, back)| *value *= back);
        let sum: f32 = row.iter().sum();
        if sum < 1e-30 {
            row = [0.0; TAGS + 1];
            row[O] = 1.0;
            return row;
        }
        let share = 1.0 / sum;
        row.iter_mut().for_each(|value| *value *= share);
        row
    }
}

#[inline(always)]
fn times(mut row: Row, factors: &Row) -> Row {
    row.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
    row
}

/// The sums of two rows, each in order.
#[inline(always)]
fn sums(one: &Row, other: &Row) -> [f32; 2] {
    let (mut first, mut second) = (0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        first += one;
        second += other;
    }
    [first, second]
}

#[inline(always)]
fn scaled(mut row: Row, sum: f32) -> Row {
    let share = 1.0 / sum.max(1e-30);
    row.iter_mut().for_each(|value| *value *= share);
    row
}

#[inline(always)]
fn forward(last: &Row, links: &Links) -> Row {
    let mut open = [0.0; OPEN];
    for (i, factors) in links.outer.iter().enumerate() {
        step(&mut open, last[E + i], factors);
    }
    let mut row = [0.0; TAGS + 1];
    row[B..I].copy_from_slice(&open[..K]);
    row[S..].copy_from_slice(&open[K..]);
    let [bi, be, ii, ie] = &links.inner;
    for k in 0..K {
        row[I + k] = last[B + k] * bi[k] + last[I + k] * ii[k];
        row[E + k] = last[B + k] * be[k] + last[I + k] * ie[k];
    }
    row
}

/// Adds a share of each factor.
#[inline(always)]
fn step(sums: &mut [f32; OPEN], share: f32, factors: &[f32; OPEN]) {
    sums.iter_mut().zip(factors).for_each(|(sum, factor)| *sum += share * factor);
}

type Outer = [[f32; OPEN]; OPEN];

/// Rows as columns.
fn turned(outer: &Outer) -> Outer {
    let mut out = [[0.0; OPEN]; OPEN];
    for (from, row) in outer.iter().enumerate() {
        row.iter().zip(&mut out).for_each(|(factor, column)| column[from] = *factor);
    }
    out
}

#[inline(always)]
fn backward(next: &Row, links: &Links, turned: &Outer) -> Row {
    let mut open = [0.0; OPEN];
    open[..K].copy_from_slice(&next[B..I]);
    open[K..].copy_from_slice(&next[S..]);
    let mut row = [0.0; TAGS + 1];
    let mut sums = [0.0; OPEN];
    for (i, column) in turned.iter().enumerate() {
        step(&mut sums, open[i], column);
    }
    row[E..].copy_from_slice(&sums);
    let [bi, be, ii, ie] = &links.inner;
    for k in 0..K {
        row[B + k] = next[I + k] * bi[k] + next[E + k] * be[k];
        row[I + k] = next[I + k] * ii[k] + next[E + k] * ie[k];
    }
    row
}
