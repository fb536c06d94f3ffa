//! The floors of the rates on a small sample of each set, and on those by hand: they may only rise (and `touched` only fall).
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
pub(crate) const FLOORS: [Floor; 9] = [
    Floor { set: "clinical",                 full: 9_800, recall: 9_850, precision: 9_700, touched: NONE },
    Floor { set: "clinical, no identifiers", full: 0,     recall: 0,     precision: 0,     touched: 1_100 },
    Floor { set: "mixed-locale",             full: 9_600, recall: 9_800, precision: 9_400, touched: NONE },
    Floor { set: "secrets",                  full: 9_900, recall: 9_900, precision: 0,     touched: NONE },
    Floor { set: "look-alikes",              full: 0,     recall: 0,     precision: 0,     touched: 450 },
    Floor { set: "prompts by hand, kept aside",     full: 9_130, recall: 9_320, precision: 9_290, touched: 2_000 },
    Floor { set: "prompts by hand, used to mend",   full: 9_490, recall: 9_630, precision: 9_390, touched: 1_430 },
    Floor { set: "sentences by hand, kept aside",   full: 9_050, recall: 9_390, precision: 9_600, touched: 2_120 },
    Floor { set: "sentences by hand, used to mend", full: 9_110, recall: 9_420, precision: 9_420, touched: 4_120 },
];
