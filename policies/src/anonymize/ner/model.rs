//! The model: weights of features as signed bytes, and weights between tags.
//!
//! **Invariant:** a look-up is one probe sequence.

use pulp::{Arch, NullaryFnOnce};

use super::desk::{Desk, Sums};
use super::features::{Features, MOST};
use super::index::Index;
use super::lattice::{K, Links, O, OPEN, TAGS, exp};

/// One weight for each tag but `O`, in steps of the model's scale.
pub type Weights = [i8; TAGS];

/// A row, so that it lies in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Row(Weights);

/// A trained model.
#[derive(Debug)]
pub struct Model {
    /// As factors.
    links: Links,
    /// One step of a weight.
    scale: f32,
    rows: Vec<Row>,
    index: Index,
}

impl Model {
    /// A model of rows with their keys; `None` where there are more than the index takes.
    pub(super) fn of(links: &Links, scale: f32, rows: &[(u32, Weights)]) -> Option<Self> {
        let keys: Vec<u32> = rows.iter().map(|(key, _)| *key).collect();
        let (index, order) = Index::of(&keys)?;
        let rows = order.into_iter().map(|number| Row(rows[number].1)).collect();
        Some(Self { links: links.factors(), scale, rows, index })
    }

    /// Count of features.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no feature at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Calls `each` with the row of every feature that has one. The first look at all of them comes before the second
    /// at any: each waits for memory, but not for those of other features.
    #[inline(always)]
    pub(super) fn rows(&self, features: &Features, mut each: impl FnMut(usize)) {
        let (mut likely, mut count) = ([0; MOST], 0);
        for key in features.keys() {
            likely[count] = *key;
            count += usize::from(self.index.may_have(*key));
        }
        likely[..count].iter().filter_map(|key| self.index.row(*key)).for_each(&mut each);
    }

    /// The sums with the weights of a row.
    #[inline(always)]
    pub(super) fn with_row(&self, row: usize, mut sums: Sums) -> Sums {
        let Row(weights) = &self.rows[row];
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum = sum.wrapping_add(i16::from(*weight)));
        sums
    }

    /// The weights of the features that have any, added up.
    #[inline(always)]
    pub(super) fn sums(&self, features: &Features) -> Sums {
        let (mut rows, mut count) = ([0; MOST], 0);
        self.rows(features, |row| {
            rows[count] = row;
            count += 1;
        });
        rows[..count].iter().fold([0; TAGS], |sums, row| self.with_row(*row, sums))
    }

    /// The sums over the piece that lies on the desk, in its lattice: by the widest registers that the machine has.
    /// Wide or narrow, each number is made in the same steps.
    pub(super) fn run(&self, desk: &mut Desk) {
        Arch::new().dispatch(Run(self, desk));
    }

    /// The same, by the registers that every machine has where it is called as it stands.
    #[inline(always)]
    pub(super) fn run_here(&self, desk: &mut Desk) {
        desk.add_up(self);
        desk.lattice.resize(desk.sums.len());
        for (factors, sums) in desk.lattice.factors.iter_mut().zip(&desk.sums) {
            for (factor, sum) in factors.iter_mut().zip(sums) {
                *factor = exp(f32::from(*sum) * self.scale);
            }
            factors[O] = 1.0;
        }
        desk.lattice.run(&self.links);
    }
}

/// [`Model::run_here`], as what is put into the function that may use wide registers: a closure would be called from it.
struct Run<'a>(&'a Model, &'a mut Desk);

impl NullaryFnOnce for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.run_here(self.1);
    }
}

const _: () = assert!(TAGS == 4 * K && OPEN == 2 * K + 1 && TAGS <= 32);
