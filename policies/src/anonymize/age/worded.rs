//! Ages in words of many languages: `de noventa y un años`, `ma siedemdziesiąt dwa lata`, `umur dua puluh tiga`, `九十五歲`.
//!
//! **Invariant:** a word for years stands behind the number, or one for an age before it; a number below ten needs the
//! latter, for so many years pass of much.

use std::sync::LazyLock;

use super::{Finding, loosely};
use crate::anonymize::cue::{Cue, Reading};
use crate::anonymize::kind::{Evidence, Type};
use crate::anonymize::quick::Map;
use crate::anonymize::sections::entries;

/// What a word of a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Tens,
    Ones,
    Between,
}

const PARTS: &[(&str, Part)] = &[("tens", Part::Tens), ("ones", Part::Ones), ("between", Part::Between)];

static WORDS: LazyLock<Map<&'static str, Part>> = LazyLock::new(|| {
    let mut all = Map::default();
    for (part, word) in entries(include_str!("../../../words/numbers.txt"), PARTS) {
        all.entry(word).or_insert(part);
    }
    all
});

/// Words of the longest number.
const MOST: usize = 5;
/// The longest word of one, in bytes.
const LONGEST: usize = 48;

fn part(r: &Reading<'_>, i: usize) -> Option<Part> {
    let low = r.low(i);
    (low.len() <= LONGEST).then(|| WORDS.get(low).copied()).flatten()
}

fn joined(r: &Reading<'_>, i: usize) -> bool {
    matches!(r.gap(i), " " | "-")
}

/// The words `from..=to` are a number: ends that count, one of which is ten or more.
fn counts(r: &Reading<'_>, from: usize, to: usize) -> Option<Part> {
    let ends = [from, to].iter().all(|i| matches!(part(r, *i), Some(Part::Tens | Part::Ones)));
    let tens = (from..=to).any(|i| part(r, i) == Some(Part::Tens));
    ends.then_some(if tens { Part::Tens } else { Part::Ones })
}

/// `noventa y un` before `años`: of the words of a number that end at word `last` the first.
fn before(r: &Reading<'_>, last: usize) -> Option<(usize, Part)> {
    let mut first = last;
    part(r, last)?;
    while let Some(b) =
        first.checked_sub(1).filter(|b| joined(r, *b) && last - *b < MOST && part(r, *b).is_some())
    {
        first = b;
    }
    (first..=last).find_map(|from| counts(r, from, last).map(|part| (from, part)))
}

/// The same from word `first` on: the last.
fn behind(r: &Reading<'_>, first: usize) -> Option<usize> {
    part(r, first)?;
    let more = |k: &usize| joined(r, *k - 1) && part(r, *k).is_some();
    let last = (first + 1..first + MOST).take_while(more).last().unwrap_or(first);
    (first..=last).rev().find(|to| counts(r, first, *to).is_some())
}

/// The number before a word for years.
pub(super) fn unit(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let Some(last) = cue.first.checked_sub(1).filter(|b| joined(r, *b)) else { return };
    let Some((first, part)) = before(r, last) else { return };
    if part == Part::Tens && loosely(r, cue, first, true) {
        r.mark((first, last), Type::AGE, Evidence::Shape, out);
    }
}

/// The number behind a word for an age, which ends before word `first`.
pub(super) fn lead(r: &Reading<'_>, first: usize, out: &mut Vec<Finding>) {
    if let Some(last) = behind(r, first) {
        r.mark((first, last), Type::AGE, Evidence::Label, out);
    }
}

/// `九十五歲`: numbers of Chinese and Japanese before their word for years.
pub(super) fn signs(text: &str, out: &mut Vec<Finding>) {
    let signs: &[&str] = if text.is_ascii() { &[] } else { &["歳", "岁", "歲"] };
    for sign in signs {
        for (at, _) in text.match_indices(sign) {
            let head = text.get(..at).unwrap_or_default();
            let number = |c: &char| "一二三四五六七八九十百".contains(*c);
            let len: usize = head.chars().rev().take_while(number).take(MOST).map(char::len_utf8).sum();
            if len > 0 {
                out.push(Finding::new(at - len, at + sign.len(), Type::AGE, Evidence::Shape));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::anonymize::age::find;
    use crate::anonymize::tests::tables::spans;

    #[test]
    fn ages_in_words_of_many_languages() {
        for (text, want) in [
            ("Mi abuela, de noventa y dos años, ingresó", "noventa y dos"),
            ("a filha de quinze anos veio", "quinze"),
            ("pan Kos ma siedemdziesiąt trzy lata i", "siedemdziesiąt trzy"),
            ("în vârstă de treisprezece ani", "treisprezece"),
            ("saya Yohana, umur dua puluh empat, asal", "dua puluh empat"),
            ("ο γέροντας, ενενήντα τριών ετών, έπεσε", "ενενήντα τριών"),
            ("ему восемьдесят два года, и", "восемьдесят два"),
            ("йому вісімдесят два роки", "вісімдесят два"),
            ("आयु सत्रह वर्ष", "सत्रह"),
            ("저는 서른일곱 살 입니다", "서른일곱"),
            ("母（九十三歳）の荷物", "九十三歳"),
            ("annesi altmış yedi yaşındaki kadın", "altmış yedi"),
            ("ông ấy bốn mươi hai tuổi", "bốn mươi hai"),
            ("גיל ארבעים ושמונה", "ארבעים ושמונה"),
            ("age: eighty-two", "eighty-two"),
        ] {
            assert!(spans(text, find).contains(&want), "{text}: {:?}", spans(text, find));
        }
        for text in [
            "hace noventa años que existe",
            "depuis vingt ans",
            "una garantía de dos años",
            "przez dwadzieścia lat pracy",
            "in twintig jaar tijd",
        ] {
            assert!(spans(text, find).is_empty(), "{text}: {:?}", spans(text, find));
        }
    }
}
