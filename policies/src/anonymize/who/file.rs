//! Names and days in the names of files: `YukiTanaka_heel_20240302.jpg`, `LAB_Okereke_2024-11-08_final.pdf`.
//!
//! **Invariant:** only pictures, sounds and papers are looked at, and a name is one that the lists have.

use super::push;
use crate::anonymize::cue::{Reading, Role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};

const ENDINGS: [&str; 25] = [
    "jpg", "jpeg", "png", "heic", "gif", "tif", "tiff", "bmp", "webp", "pdf", "doc", "docx", "odt", "rtf",
    "xls", "xlsx", "ppt", "pptx", "dcm", "mp4", "mov", "m4a", "mp3", "wav", "eml",
];

/// Words of a file's name that are looked at.
const REACH: usize = 10;

/// Bytes of the longest name of a file.
const LONGEST: usize = 255;

/// Whether the text goes on with the rest of such a file's name: `_heel_20240302.jpg`.
pub(crate) fn is_in_paper(rest: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = rest[..rest.floor_char_boundary(LONGEST)]
        .split(|c| !inside(c))
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// What the file's name holds whose ending is word `i`.
pub(super) fn find(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    if r.gap_before(i) != "." || !ENDINGS.contains(&r.low(i)) {
        return;
    }
    let joined = |at: usize| matches!(r.gap(at), "_" | "-" | "." | "__");
    let first = (i.saturating_sub(REACH)..i).rev().take_while(|at| joined(*at)).last().unwrap_or(i);
    let found = out.len();
    for at in first..i {
        if is_name(r, at) {
            push(r, at, at, Evidence::Shape, out);
        }
        out.extend(day(r, at, i));
    }
    // `CT_CHEST_1077312_PETROVIC_20230817.dcm`: of a picture of somebody the whole name is theirs.
    let number = |at: usize| r.word(at).is_some_and(|w| w.digits >= 4);
    let picture = ["dcm", "heic", "jpg", "jpeg", "png", "tif", "tiff"].contains(&r.low(i));
    if picture && out.len() > found && (first..i).any(number) {
        r.mark((first, i), Type::ID, Evidence::Shape, out);
    }
}

fn is_name(r: &Reading<'_>, at: usize) -> bool {
    let written = r.str(at);
    let named = |low: &str| {
        let found = ner::lists_of(low);
        low.len() >= 3 && found & (lists::GIVEN | lists::SURNAME) != 0 && found & lists::COMMON == 0
    };
    let digits = written.bytes().any(|b| b.is_ascii_digit());
    !digits
        && !r.has(at, Role::Common)
        && (named(r.low(at)) || humps(written).any(|part| named(&part.to_lowercase())))
}

/// `Yuki` and `Tanaka` of `YukiTanaka`; nothing of a word without a capital inside.
fn humps(word: &str) -> impl Iterator<Item = &str> {
    let inner = word.char_indices().skip(1).find(|(_, c)| c.is_uppercase()).map(|(at, _)| at);
    let lower = inner.filter(|at| word[..*at].ends_with(char::is_lowercase));
    lower.into_iter().flat_map(|at| [&word[..at], &word[at..]])
}

/// `20240302`, `2024-11-08`, from word `at` on.
fn day(r: &Reading<'_>, at: usize, end: usize) -> Option<Finding> {
    let number = |at: usize, len: usize| {
        let word = r.word(at).filter(|w| at < end && w.is_number() && w.chars == len)?;
        word.of(r.text).parse::<u32>().ok()
    };
    let valid = |year: u32, month: u32, day: u32| {
        (1900..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
    };
    let whole = number(at, 8).filter(|n| valid(n / 10_000, n / 100 % 100, n % 100)).map(|_| at);
    let parts = || {
        let joint = r.gap(at) == r.gap(at + 1) && matches!(r.gap(at), "-" | "_" | ".");
        let fits = valid(number(at, 4)?, number(at + 1, 2)?, number(at + 2, 2)?);
        (joint && fits).then_some(at + 2)
    };
    let last = whole.or_else(parts)?;
    let (first, last) = (r.word(at)?, r.word(last)?);
    Some(Finding::new(first.start, last.end, Type::DATE, Evidence::Shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| (0..r.words.len()).for_each(|i| find(r, i, out)))
    }

    #[test]
    fn whose_files_they_are() {
        assert_eq!(
            check("see HanakoSuzuki_knee_20230411.jpg, please"),
            ["HanakoSuzuki", "20230411", "HanakoSuzuki_knee_20230411.jpg"]
        );
        assert_eq!(check("RPT_Petrovic_2023-04-11_v2.pdf"), ["Petrovic", "2023-04-11"]);
        for text in ["figure_2_final.png", "report-2023.pdf", "petrovic_utils.py", "scan_99999999.jpg"] {
            assert!(check(text).is_empty(), "{text}");
        }
    }
}
