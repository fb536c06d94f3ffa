//! Drift: alarms on traffic that is what the snapshot was, and how soon a change is found.

use kolm_policies::drift::{Profile, Sight, Watch};

use crate::chance::{Chance, Ends, runs};
use crate::page::Table;

/// Units of the snapshot.
const SNAPSHOT: usize = 1_500;
/// Units of live traffic, at most.
const CAP: u64 = 20_000;
/// Units between two looks.
const LOOK: u64 = 100;

/// A unit by chance: a template of three, a length, words, a label.
pub(crate) struct Unit {
    template: &'static str,
    text: String,
    label: String,
    model: &'static str,
}

impl Unit {
    fn by(chance: &mut Chance) -> Self {
        let template = ["support", "billing", "sales"][(chance.below(10) as usize).min(2)];
        let words = 3 + chance.below(20);
        let text = (0..words).map(|_| format!("w{} ", chance.below(400) * chance.below(400) / 400)).collect();
        Self { template, text, label: format!("l{}", chance.below(30)), model: "gpt-a" }
    }

    fn sight(&self) -> Sight<'_> {
        let Self { template, text, label, model } = self;
        Sight { template, text, label, model, fingerprint: "fp" }
    }
}

/// What happens to a unit of live traffic.
pub(crate) type Change = fn(&mut Chance, Unit) -> Unit;

/// The changes: what, and how it is made. The shares of the fourth move by less than the margin.
pub(crate) const CHANGES: [(&str, Change); 7] = [
    ("none", |_, unit| unit),
    ("a new template in 10 % of the units", |chance, unit| match chance.hits(100_000) {
        true => Unit { template: "legal", ..unit },
        false => unit,
    }),
    ("requests twice as long", |_, unit| Unit { text: unit.text.repeat(2), ..unit }),
    ("other words in 20 % of the units", |chance, unit| match chance.hits(200_000) {
        true => Unit { text: unit.text.replace('w', "x"), ..unit },
        false => unit,
    }),
    ("other words in every unit", |_, unit| Unit { text: unit.text.replace('w', "x"), ..unit }),
    ("a new label in 5 % of the units", |chance, unit| match chance.hits(50_000) {
        true => Unit { label: "new".to_owned(), ..unit },
        false => unit,
    }),
    ("another model", |_, unit| Unit { model: "gpt-b", ..unit }),
];

/// Units until a finding, on traffic that is changed so from the first unit on.
pub(crate) fn found(change: Change, cap: u64, count: usize, seed: u64) -> Ends {
    let found = runs(count, |number| {
        let mut chance = Chance::of(seed, "drift", number);
        let snapshot: Vec<Unit> = (0..SNAPSHOT).map(|_| Unit::by(&mut chance)).collect();
        let mut watch = Watch::new(Profile::of(snapshot.iter().map(Unit::sight)))?;
        (1..=cap).find(|n| {
            let unit = Unit::by(&mut chance);
            watch.observe(&change(&mut chance, unit).sight());
            n % LOOK == 0 && watch.look().is_some()
        })
    });
    Ends::of(count, found.into_iter().flatten())
}

/// The table of drift.
pub(crate) fn table(count: usize, seed: u64) -> Table {
    let mut requests = 0;
    let mut rows = Vec::new();
    for (what, change) in CHANGES {
        let ends = found(change, CAP, count, seed);
        requests += ends.ended as u64 * ends.median + (ends.runs - ends.ended) as u64 * CAP;
        rows.push(vec![what.to_owned(), ends.told()]);
    }
    Table {
        name: "drift",
        title: "Drift",
        note: format!(
            "A snapshot of {SNAPSHOT} units, then live traffic with a look every {LOOK} units, cap {CAP}, {count} runs: share \
             that found a drift, median and 90th percentile of units. Promised: 1 % of false alarms at most, over all looks \
             ever."
        ),
        head: vec!["change", "measured"],
        rows,
        medians: Vec::new(),
        requests,
    }
}
