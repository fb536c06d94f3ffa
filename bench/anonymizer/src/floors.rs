//! The floors of the rates on a small sample of each set: they may only rise.
//!
//! **Invariant:** every floor stands here and nowhere else, in basis points.

/// A rate that a set must reach, or for `touched` must not pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor {
    pub(crate) set: &'static str,
    pub(crate) full: u32,
    pub(crate) recall: u32,
    pub(crate) precision: u32,
    pub(crate) touched: u32,
}

const NONE: u32 = 10_000;

/// Measured on the samples of the tests, less a little.
#[rustfmt::skip]
pub(crate) const FLOORS: [Floor; 5] = [
    Floor { set: "clinical",                full: 2_500, recall: 2_600, precision: 9_500, touched: NONE },
    Floor { set: "clinical, no identifiers", full: 0,    recall: 0,     precision: 0,     touched: 1_500 },
    Floor { set: "mixed-locale",            full: 2_100, recall: 2_800, precision: 9_000, touched: NONE },
    Floor { set: "secrets",                 full: 8_000, recall: 9_000, precision: 0,     touched: NONE },
    Floor { set: "look-alikes",             full: 0,     recall: 0,     precision: 0,     touched: 2_000 },
];
