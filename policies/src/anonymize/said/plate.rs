//! Plates of vehicles.
//!
//! **Invariant:** up to four groups of capitals and digits of one line.

use super::code::is_model;

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
    let model = is_model(&head) || is_model(&tail);
    let all = letters + digits;
    // Of Mexico and Brazil, of Britain and the Netherlands: three letters at most together, but for old ones.
    let fits = match told {
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
    fn plates_and_what_are_none() {
        for (text, want) in [
            ("QTR X19, by 9 a.m.", "QTR X19"),
            ("YK19 VBD at 17:52", "YK19 VBD"),
            ("GE 735 KB è stata", "GE 735 KB"),
            ("ZH 657 094, Lenkerin", "ZH 657 094"),
            ("KA 03 MJ 7059 is", "KA 03 MJ 7059"),
            ("JMR-635-A fue", "JMR-635-A"),
            ("М123АВ77", "М123АВ77"),
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
