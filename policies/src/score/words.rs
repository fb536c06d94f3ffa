//! Prose compared word by word.

use std::collections::BTreeMap;

use kolm_core::Ppm;

/// F1 over the words of two texts as multisets, case folded; 0 if one is more than twice as long as the other. A
/// character of a script without spaces is a word of its own.
pub(super) fn f1(a: &str, b: &str) -> Ppm {
    let (a, b) = (words(a), words(b));
    let (have, want): (u64, u64) = (a.values().sum(), b.values().sum());
    if have > 2 * want || want > 2 * have {
        return Ppm(0);
    }
    let common: u64 = b.iter().map(|(word, n)| a.get(word).map_or(0, |have| *have.min(n))).sum();
    Ppm((2 * common * 1_000_000).checked_div(have + want).unwrap_or(1_000_000) as u32)
}

fn words(text: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase).chain(Some(' ')) {
        if c.is_alphanumeric() && !stands_alone(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            *counts.entry(std::mem::take(&mut word)).or_default() += 1;
        }
        if stands_alone(c) {
            *counts.entry(c.to_string()).or_default() += 1;
        }
    }
    counts
}

/// Thai, Lao, Khmer, Burmese, kana and Han are written without spaces.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}')
        || matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}
