//! Alarms on traffic that is as it was, and on traffic that is not.

use super::*;

/// A made-up unit: template, words and label by chance.
struct Unit {
    template: String,
    text: String,
    label: String,
    model: &'static str,
}

impl Unit {
    fn sight(&self) -> Sight<'_> {
        Sight {
            template: &self.template,
            text: &self.text,
            label: &self.label,
            model: self.model,
            fingerprint: "fp_1",
        }
    }
}

/// Scattered without a generator: SplitMix64 of a counter.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn unit(&mut self, words: u64) -> Unit {
        let template = ["support", "billing", "sales"][(self.below(10) as usize).min(2)].to_owned();
        let long = 3 + self.below(20);
        let text =
            (0..long).map(|_| format!("w{} ", self.below(words) * self.below(words) / words)).collect();
        Unit { template, text, label: format!("l{}", self.below(30)), model: "gpt-a" }
    }
}

fn profile(chance: &mut Chance, n: usize) -> Profile {
    let units: Vec<Unit> = (0..n).map(|_| chance.unit(400)).collect();
    Profile::of(units.iter().map(Unit::sight))
}

/// The finding after so many units that are changed so, looking every hundred.
fn found(seed: u64, units: u64, change: impl Fn(&mut Chance, Unit) -> Unit) -> Option<Finding> {
    let mut chance = Chance(seed);
    let mut watch = Watch::new(profile(&mut chance, 1_500)).unwrap();
    for n in 1..=units {
        let unit = chance.unit(400);
        watch.observe(&change(&mut chance, unit).sight());
        if n % 100 == 0 && watch.look().is_some() {
            break;
        }
    }
    watch.look()
}

#[test]
fn traffic_as_it_was_raises_no_alarm_in_a_hundred_runs_of_six_thousand_units() {
    let alarms = (0..100).filter(|run| found(run << 32, 6_000, |_, unit| unit).is_some()).count();
    assert!(alarms <= 1, "{alarms} of 100");
}

#[test]
fn each_kind_of_change_is_found_and_named() {
    type Change = fn(&mut Chance, Unit) -> Unit;
    let changes: [(&str, u64, Change); 5] = [
        ("drift:template", 1_000, |c, unit| match c.below(2) {
            0 => Unit { template: "legal".to_owned(), ..unit },
            _ => unit,
        }),
        ("drift:length", 1_000, |_, unit| Unit { text: unit.text.repeat(20), ..unit }),
        ("drift:words", 1_000, |_, unit| Unit { text: unit.text.replace('w', "x"), ..unit }),
        ("drift:label", 2_000, |c, unit| match c.below(10) {
            0 => Unit { label: "new".to_owned(), ..unit },
            _ => unit,
        }),
        ("drift:model", 1_000, |_, unit| Unit { model: "gpt-b", ..unit }),
    ];
    for (word, units, change) in changes {
        let finding = found(9, units, change);
        assert_eq!(finding.as_ref().map(Finding::word), Some(word), "{finding:?}");
    }
}

#[test]
fn a_finding_says_what_and_how_much_and_stays() {
    let mut chance = Chance(3);
    let mut watch = Watch::new(profile(&mut chance, 1_500)).unwrap();
    for _ in 0..300 {
        watch.observe(&Unit { model: "gpt-b", ..chance.unit(400) }.sight());
    }
    let finding = watch.look().unwrap();
    assert_eq!(
        finding.sentence(),
        "answers of a model that training never saw were 0.00 % of the snapshot and are 100.00 % of the last 300 units"
    );
    for _ in 0..5_000 {
        watch.observe(&chance.unit(400).sight());
    }
    assert_eq!(watch.look(), Some(finding));
}

#[test]
fn names_that_are_not_sent_are_no_change_and_a_foreign_profile_is_refused() {
    let quiet = |_: &mut Chance, unit: Unit| Unit { label: String::new(), model: "", ..unit };
    assert_eq!(found(5, 2_000, quiet), None);
    assert!(Watch::new(Profile::default()).is_none());
    let mut chance = Chance(1);
    let written = serde_json::to_string(&profile(&mut chance, 50)).unwrap();
    assert!(!written.contains("support") && !written.contains("gpt"), "names are hashes: {written}");
    assert_eq!(serde_json::from_str::<Profile>(&written).unwrap(), profile(&mut Chance(1), 50));
}
