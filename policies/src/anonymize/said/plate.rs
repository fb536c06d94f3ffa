//! Plates of vehicles.
//!
//! **Invariant:** up to four groups of capitals and digits of one line.

use super::code::is_model;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// `ZQ60 ARX`, `47R W44`, `13-ZT-UD`, `277소2040`: up to four groups of capitals and digits, at `start` or, where
/// nothing but what was skipped stands there, at `from`.
pub(super) fn plate(text: &str, start: usize, from: usize) -> Option<(usize, usize)> {
    let start = start.min(text.len());
    let rest = text.get(start..).filter(|_| start > from).or_else(|| text.get(from..))?;
    let start = text.len() - rest.len();
    let end = groups(rest, |c| c.is_uppercase() || c.is_alphabetic() && !c.is_lowercase())?;
    let value = rest.get(..end)?;
    let all = value.chars().filter(|c| c.is_alphanumeric()).count();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    ((3..=16).contains(&all) && digits >= 1).then_some((start, start + end))
}

/// Characters of the longest group.
const LONGEST: usize = 16;

/// Where the groups at the head of `rest` end.
fn groups(rest: &str, letter: impl Fn(char) -> bool) -> Option<usize> {
    let (mut end, mut groups) = (0, 0);
    while groups < 4 {
        let body = rest.get(end..)?;
        let gap = if groups == 0 { 0 } else { separator(body) };
        let group: usize = body
            .get(gap..)?
            .chars()
            .take(LONGEST)
            .take_while(|c| c.is_ascii_digit() || letter(*c))
            .map(char::len_utf8)
            .sum();
        let next = body.get(gap + group..)?.chars().next();
        if group == 0 || groups > 0 && gap == 0 || next.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            break;
        }
        end += gap + group;
        groups += 1;
    }
    Some(end)
}

/// Bytes of what stands between two groups: `51F-448.17` too, before digits.
fn separator(body: &str) -> usize {
    let mut chars = body.chars();
    match (chars.next(), chars.next()) {
        (Some(sign @ (' ' | '-' | '·')), _) => sign.len_utf8(),
        (Some('.'), Some(next)) if next.is_ascii_digit() => 1,
        _ => 0,
    }
}

/// How sure the word before is that a plate follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// `plate`, `Kennzeichen`.
    Plate,
    /// `car`, `Fahrzeug`.
    Vehicle,
}

/// The plate at `start`, which looks like one all over: letters and digits, and no model, year or time.
pub(super) fn strict(text: &str, start: usize, told: Told) -> Option<(usize, usize)> {
    let rest = text.get(start..)?;
    // Of `44가8172` the letter in the middle has no small form.
    let caseless = |c: char| told == Told::Plate && c.is_alphabetic() && !c.is_lowercase();
    let mut end = groups(rest, |c| c.is_uppercase() || caseless(c))?;
    // `GE 735 KB E la`: a word of one letter or of many capitals is none of it.
    loop {
        let value = rest.get(..end)?;
        if shaped(value, told) && !goes_on(rest, end) {
            return Some((start, start + end));
        }
        end = value.rfind([' ', '-', '·', '.'])?;
    }
}

/// The most bytes of a plate before its word.
const AHEAD: usize = 16;

/// The plate that ends right before `end`: `KLMN-208 rendszámú`, `34 KL 7715 plakalı`.
pub(super) fn ahead(text: &str, end: usize) -> Option<(usize, usize)> {
    let head = text.get(..end)?.trim_end_matches([' ', '-', '\'', '"']);
    let inside = |c: char| c.is_ascii_digit() || c.is_uppercase() || " -".contains(c);
    let run = head.char_indices().rev().take(AHEAD).take_while(|(_, c)| inside(*c)).last()?.0;
    // The first word of the sentence may be in capitals: the longest rest that looks like a plate.
    let begins = |at: &usize| {
        let prev = head.get(..*at).and_then(|h| h.chars().next_back());
        head.get(*at..).is_some_and(|h| h.starts_with(char::is_alphanumeric))
            && !prev.is_some_and(char::is_alphanumeric)
    };
    (run..head.len()).filter(|at| head.is_char_boundary(*at)).filter(begins).find_map(|at| {
        let value = head.get(at..)?;
        let lettered = value.chars().any(char::is_uppercase);
        (lettered && shaped(value, Told::Plate)).then_some((at, head.len()))
    })
}

/// The first signs of the plates of China.
const PROVINCES: &str =
    "京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵川青藏琼瓊宁寧";

/// Plates that need no word: `粤B·9F28K`, `品川 300 あ 12-34`, `182허 4797`, `(NF-BK 715)`.
pub(super) fn shapes(text: &str, out: &mut Vec<Finding>) {
    for (at, _) in text.match_indices('(') {
        out.extend(of_germany(text, at + 1).map(|end| Finding::new(at + 1, end, Type::ID, Evidence::Shape)));
    }
    if text.is_ascii() {
        return;
    }
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, '가'..='힣')) {
        let Some((from, to)) = of_korea(text, at, c) else { continue };
        out.push(Finding::new(from, to, Type::ID, Evidence::Shape));
    }
    for (at, c) in text.char_indices().filter(|(_, c)| PROVINCES.contains(*c)) {
        let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
        let Some(body) = rest.strip_prefix(|c: char| c.is_ascii_uppercase()) else { continue };
        let gap: usize = body.chars().take_while(|c| "·・•. ".contains(*c)).take(1).map(char::len_utf8).sum();
        let tail = body.get(gap..).unwrap_or_default();
        let len = tail.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit()).count();
        let digits = tail.bytes().take(len).filter(u8::is_ascii_digit).count();
        if matches!(len, 5 | 6) && digits >= 2 {
            let end = text.len() - tail.len() + len;
            out.push(Finding::new(at, end, Type::ID, Evidence::Shape));
        }
    }
    for (at, c) in text.char_indices().filter(|(_, c)| matches!(c, 'あ'..='ん')) {
        let Some((from, to)) = of_japan(text, at, c) else { continue };
        out.push(Finding::new(from, to, Type::ID, Evidence::Shape));
    }
}

/// Bytes of the longest plate of Germany and of the bracket behind it.
const BRACKETED: usize = 15;

/// `NF-BK 715)`: the end of the plate that begins at `from` and closes its bracket.
fn of_germany(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let plate = rest.get(..rest.bytes().take(BRACKETED).position(|b| b == b')')?)?;
    let (town, tail) = plate.split_once('-')?;
    let (letters, number) = tail.split_once(' ')?;
    let capitals = |part: &str, most: usize| {
        (1..=most).contains(&part.chars().count()) && part.chars().all(char::is_uppercase)
    };
    let number = number.strip_suffix(['E', 'H']).unwrap_or(number);
    let counted = (1..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (capitals(town, 3) && capitals(letters, 2) && counted).then_some(from + plate.len())
}

/// Two or three digits, the sign at `at`, and four digits.
fn of_korea(text: &str, at: usize, sign: char) -> Option<(usize, usize)> {
    let head = text.get(..at)?;
    let before = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    let rest = text.get(at + sign.len_utf8()..)?;
    let tail = rest.strip_prefix(' ').unwrap_or(rest);
    let behind = tail.bytes().take_while(u8::is_ascii_digit).count();
    ((2..=3).contains(&before) && behind == 4).then(|| (at - before, text.len() - tail.len() + behind))
}

/// A place, three digits, the sign at `at`, and four digits in pairs.
fn of_japan(text: &str, at: usize, sign: char) -> Option<(usize, usize)> {
    let head = text.get(..at)?.trim_end_matches(' ');
    let digits = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    let named = head.get(..head.len().checked_sub(digits)?)?.trim_end_matches(' ');
    let place: usize = named
        .chars()
        .rev()
        .take(4)
        .take_while(|c| matches!(c, '\u{4e00}'..='\u{9fff}'))
        .map(char::len_utf8)
        .sum();
    let rest = text.get(at + sign.len_utf8()..)?;
    let tail = rest.trim_start_matches(' ');
    let len = tail.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
    let four = matches!(tail.as_bytes().get(..len), Some([a, b, b'-', c, d]) if [a, b, c, d].iter().all(|x| x.is_ascii_digit()));
    (digits == 3 && place > 0 && four).then(|| (named.len() - place, text.len() - tail.len() + len))
}

/// A unit or a time behind the last digits.
fn goes_on(rest: &str, end: usize) -> bool {
    let tail = rest.get(end..).unwrap_or_default();
    let mut next = tail.chars();
    let joined = next.next();
    let timed =
        matches!(joined, Some(':' | ',' | '.' | '/')) && next.next().is_some_and(|c| c.is_ascii_digit());
    timed || matches!(joined, Some('%' | '@' | '_')) || joined.is_some_and(char::is_alphanumeric)
}

fn shaped(value: &str, told: Told) -> bool {
    let parts = || value.split([' ', '-', '·', '.']).filter(|part| !part.is_empty());
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let head: String = value.chars().take_while(|c| c.is_uppercase()).flat_map(char::to_lowercase).collect();
    let tail = parts().next_back().unwrap_or_default().to_lowercase();
    let longest = parts().map(|part| part.chars().filter(|c| c.is_uppercase()).count()).max().unwrap_or(0);
    let year = |part: &str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    let dated = parts().any(year) && digits < 6;
    // `CV 61 407` behind a word for plates has too many digits for a model.
    let model = (is_model(&head) || is_model(&tail)) && (told == Told::Vehicle || digits < 5);
    let all = letters + digits;
    // Of Mexico and Brazil, of Britain and the Netherlands: three letters at most together, but for old ones.
    // `367-47-466`, as Israel writes it.
    let groups: Vec<usize> = parts().map(str::len).collect();
    let israel = letters == 0 && value.contains('-') && matches!(groups.as_slice(), [3, 2, 3] | [2, 3, 2]);
    let fits = israel
        || match told {
            Told::Plate => {
                (4..=10).contains(&all) && digits >= 1 && (letters >= 1 || digits >= 5) && all - digits <= 7
            }
            Told::Vehicle => (6..=10).contains(&all) && digits >= 2 && letters >= 2,
        };
    // A word of a script without capitals may only stand first: `서울 12가 3456`, no `44가8172 주차`.
    let written = parts().skip(1).all(|part| part.chars().any(|c| c.is_ascii_digit() || c.is_uppercase()));
    fits && written && longest <= 4 && !dated && !model
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, told: Told) -> &str {
        strict(text, 0, told).map_or("", |(_, end)| &text[..end])
    }

    #[test]
    fn plates_before_their_word_and_without_one() {
        for (text, want) in [
            ("sofőr KLMN-208 rendszámú", "KLMN-208"),
            ("park eden 34 KL 7715 rendszámú", "34 KL 7715"),
            ("A 27 rendszámú", ""),
        ] {
            let end = text.find("rendszámú").unwrap();
            assert_eq!(ahead(text, end).map_or("", |(from, to)| &text[from..to]), want, "{text}");
        }
        for (text, want) in [
            ("车牌粤B·9F28K的车主", "粤B·9F28K"),
            ("沪A12345停在", "沪A12345"),
            ("ナンバー品川 300 あ 12-34の車", "品川 300 あ 12-34"),
            ("新A股上市", ""),
            ("3つあ 12-34", ""),
        ] {
            let mut out = Vec::new();
            shapes(text, &mut out);
            assert_eq!(out.first().map_or("", |f| &text[f.start..f.end]), want, "{text}");
        }
    }

    #[test]
    fn plates_and_what_are_none() {
        for (text, want) in [
            ("QTR X19, by 9 a.m.", "QTR X19"),
            ("YK19 VBD at 17:52", "YK19 VBD"),
            ("GE 735 KB è stata", "GE 735 KB"),
            ("ZH 657 094, Lenkerin", "ZH 657 094"),
            ("KA 03 MJ 7059 is", "KA 03 MJ 7059"),
            ("JMR-635-A fue", "JMR-635-A"),
            ("М123АВ77", "М123АВ77"),
            ("418-52-330 מוכן", "418-52-330"),
            ("BMW 320", ""),
            ("GLA 250 4MATIC", ""),
            ("ISO 9001", ""),
            ("CX-30", ""),
            ("A4 2.0", ""),
            ("Q3 2024", ""),
            ("HTML5", ""),
            ("208 GTI", ""),
        ] {
            assert_eq!(check(text, Told::Vehicle), want, "{text}");
        }
        for (text, want) in [
            ("W-70536 K, F", "W-70536 K"),
            ("RTB6J35, condutor", "RTB6J35"),
            ("NF-HK 318 springt", "NF-HK 318"),
            ("7396 KJR, conductora", "7396 KJR"),
            ("4A2 3000 je", "4A2 3000"),
            ("CV 61 407 holdt", "CV 61 407"),
            ("44가8172 주차", "44가8172"),
            ("51F-448.17 màu", "51F-448.17"),
            ("京A·12345。", "京A·12345"),
            ("2024 is open", ""),
            ("A. 5 of them", ""),
            ("12 items", ""),
        ] {
            assert_eq!(check(text, Told::Plate), want, "{text}");
        }
    }
}
