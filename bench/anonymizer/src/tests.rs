//! The sets hold what they promise, and the anonymizer holds the floors on a sample of them.

use std::collections::BTreeSet;

use crate::draft::Item;
use crate::floors::FLOORS;
use crate::score::Score;
use crate::{hand, masked, sets};

const SAMPLE: usize = 20;
/// Texts of a long exchange.
const LONG: usize = 600;

#[test]
fn floors_hold() {
    for set in sets::all(11, SAMPLE).into_iter().chain(hand::all()) {
        let policy = masked::policy(set.preset).unwrap();
        let mut score = Score::default();
        set.items.iter().for_each(|item| score.add(item, &masked::masked(&item.text, &policy)));
        let floor = FLOORS.iter().find(|floor| floor.set == set.name).unwrap();
        let points = |rate: f64| (rate * 10_000.0) as u32;
        let rates = [
            ("full cover", points(score.full()), floor.full),
            ("character recall", points(score.recall()), floor.recall),
            ("character precision", points(score.precision()), floor.precision),
        ];
        for (what, measured, least) in rates {
            assert!(measured >= least, "{}: {what} is {measured}, the floor is {least}", set.name);
        }
        let touched = points(score.touched());
        assert!(score.free == 0 || touched <= floor.touched, "{}: {touched} touched", set.name);
        assert_eq!(score.dropped, 0, "{}: texts were dropped", set.name);
    }
}

#[test]
fn of_long_exchanges_none_is_dropped() {
    for set in sets::all(11, 1) {
        let policy = masked::policy(set.preset).unwrap();
        let texts: Vec<&str> = set.items.iter().map(|item| item.text.as_str()).collect();
        for texts in texts.chunks(LONG) {
            let dropped = masked::masked(&texts.join("\n"), &policy).err();
            assert_eq!(dropped, None, "{}", set.name);
        }
    }
}

#[test]
fn sets_are_as_large_as_promised_and_the_same_each_time() {
    let once = sets::all(11, 1);
    let again = sets::all(11, 1);
    let distinct = |items: &[Item]| items.iter().map(|item| item.text.clone()).collect::<BTreeSet<_>>().len();
    let least = [
        ("clinical", 1_950),
        ("clinical, no identifiers", 500),
        ("mixed-locale", 3_000),
        ("secrets", 500),
        ("look-alikes", 500),
    ];
    for ((set, same), (name, least)) in once.iter().zip(&again).zip(least) {
        assert_eq!(set.name, name);
        assert!(distinct(&set.items) >= least, "{name}: {} texts", distinct(&set.items));
        assert!(set.items.iter().zip(&same.items).all(|(a, b)| a.text == b.text), "{name} differs");
    }
    let groups: BTreeSet<_> = once[2].items.iter().map(|item| item.group.as_str()).collect();
    assert!(groups.len() >= 21, "{groups:?}");
}

#[test]
fn spans_are_in_order_and_texts_hold_no_traces_of_the_grammar() {
    for set in sets::all(3, 4) {
        for item in &set.items {
            let length = item.text.chars().count();
            let mut at = 0;
            for span in &item.spans {
                assert!(at <= span.start && span.start < span.end && span.end <= length, "{item:?}");
                at = span.end;
            }
            let identifiers = !item.spans.is_empty();
            match set.name {
                "clinical" | "secrets" => assert!(identifiers, "{item:?}"),
                "clinical, no identifiers" | "look-alikes" => assert!(!identifiers, "{item:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn grammars_lack_no_rule() {
    for (name, grammar) in sets::grammars() {
        assert!(grammar.missing().is_empty(), "{name}: {:?}", grammar.missing());
    }
}
