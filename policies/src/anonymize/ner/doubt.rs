//! What the model takes for a mention and cannot be one, by its look alone: pieces of hashes and of names of code,
//! units, abbreviations, counts of things.
//!
//! **Invariant:** judges a span by its own letters and its neighbours on the line; scripts without capitals pass.

use super::lists;
use super::price::{self, Amount};
use crate::anonymize::date::{is_month, is_weekday};
use crate::anonymize::kind::Type;

/// Words behind or before a number that make it an age.
#[rustfmt::skip]
const YEARS: [&str; 30] = [
    "year", "years", "yr", "yrs", "yo", "old", "aged", "age", "months", "month", "jahre", "jahr", "ans", "años", "anni",
    "anos", "jaar", "år", "let", "lat", "lata", "vuotias", "ετών", "лет", "год", "ani", "éves", "yaşında", "tahun", "tuổi",
];
/// Short forms that stand before numbers, and words that open a message.
const NEVER: [&str; 41] = [
    "st",
    "tel",
    "fax",
    "mob",
    "mobil",
    "nr",
    "no",
    "str",
    "ref",
    "ext",
    "re",
    "fwd",
    "cc",
    "ci",
    "ps",
    "fyi",
    "hi",
    "hello",
    "hey",
    "dear",
    "hallo",
    "hei",
    "hej",
    "hola",
    "ciao",
    "olá",
    "bonjour",
    "merhaba",
    "chào",
    "szia",
    "cześć",
    "ahoj",
    "moi",
    "salut",
    "kérem",
    "sunați-mă",
    "selam",
    "privet",
    "thanks",
    "regards",
    "sbar",
];
/// Parts of compounds that no name has: `anti-CCP`, `Eliquis-resistant`, `aws-sm`.
const JOINED: [&str; 27] = [
    "year",
    "years",
    "pack",
    "anti",
    "non",
    "pre",
    "post",
    "resistant",
    "positive",
    "negative",
    "induced",
    "associated",
    "like",
    "type",
    "free",
    "sensitive",
    "related",
    "based",
    "aws",
    "chunk",
    "dependent",
    "tls",
    "gcp",
    "svc",
    "prod",
    "staging",
    "api",
];
/// How sure the model must be of a word in small letters that no list has; what it is less sure of, from `MAYBE` on,
/// scores `FAINT`, which only a policy with a low threshold masks.
const PLAIN: u8 = 90;
const MAYBE: u8 = 55;
const FAINT: u8 = 30;
/// What is added to the share of a name, place or firm that neither begins nor ends with a small word: learned with a
/// third of its features dropped, the model is modest. Of what it gives 28 to 40 of a hundred, 54 of a hundred are
/// right (texts of `bench/anonymizer/data/hand` used to mend).
const MODEST: u8 = 12;
/// The longest word that is an abbreviation, when the words around it are in small letters.
const SHORT: usize = 5;
/// Letters before a capital inside a name: `McDonald`, `DeVries`, `O'Brien`, `LaTanya`.
const HEADS: [&str; 14] =
    ["Mc", "Mac", "De", "Di", "Du", "La", "Le", "Van", "Von", "Fitz", "St", "Ja", "Da", "Al"];

/// Words on either side of a span that tell how its line is written.
const NEAR: usize = 8;
/// Bytes in which they stand.
const LINE: usize = 400;
/// How far around a span is looked.
const REACH: usize = 80;

/// A span of the model, as it stands in its text.
pub(super) struct Doubtful<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) ty: Type,
    /// Lists that all its words stand in.
    pub(super) lists: u8,
    /// How sure the model is, in percent.
    pub(super) score: u8,
}

impl Doubtful<'_> {
    /// Whether it may be what the model says.
    pub(super) fn may_be(&self) -> bool {
        if self.is_piece() {
            return false;
        }
        let said = self.text.get(self.start..self.end).unwrap_or_default();
        if NEVER.contains(&said.to_lowercase().as_str()) {
            return false;
        }
        let amount = match self.ty {
            Type::AGE | Type::DATE => price::amount(self.text, self.start, self.end).is_some(),
            // `Długa 5 m 3` is no measure.
            Type::ADDRESS => match price::amount(self.text, self.start, self.end) {
                Some(Amount::Money) => true,
                // `80 g di basilico`.
                Some(Amount::Measure) => {
                    said.starts_with(|c: char| c.is_ascii_digit()) && !said.chars().any(char::is_uppercase)
                }
                None => false,
            },
            _ => false,
        };
        if amount {
            return false;
        }
        match self.ty {
            Type::AGE => self.is_age(said),
            Type::DATE => is_date(said),
            Type::NAME | Type::CITY | Type::STATE | Type::COUNTRY | Type::NRP | Type::TITLE => {
                !said.bytes().any(|b| b.is_ascii_digit() || b == b'_') && self.is_named(said)
            }
            Type::ADDRESS => is_address(said),
            _ => !said.contains('_') && self.is_named(said),
        }
    }

    /// The score that it deserves.
    pub(super) fn worth(&self) -> u8 {
        let said = self.text.get(self.start..self.end).unwrap_or_default();
        let worded = [Type::NAME, Type::CITY, Type::FACILITY, Type::ORG].contains(&self.ty);
        let last = said.rsplit(' ').next().unwrap_or_default();
        let small = [said, last].iter().any(|word| word.starts_with(char::is_lowercase));
        if worded && self.is_plain(said) && self.score < PLAIN {
            FAINT.min(self.score)
        } else if small || [Type::DATE, Type::AGE].contains(&self.ty) {
            self.score
        } else {
            (self.score + MODEST).min(99)
        }
    }

    /// In small letters, and unknown or among words with capitals: a word of the language, as a rule.
    fn is_plain(&self, said: &str) -> bool {
        let known = lists::GIVEN | lists::SURNAME | lists::CITY | lists::COUNTRY | lists::STATE;
        let small = said.chars().any(char::is_lowercase) && !said.chars().any(char::is_uppercase);
        small && (self.lists & known == 0 || self.is_among_capitals())
    }

    /// Whoever wrote the line gives words their capitals: one near begins with one.
    fn is_among_capitals(&self) -> bool {
        let from = self.text.floor_char_boundary(self.start.saturating_sub(LINE));
        let to = self.text.floor_char_boundary(self.end + LINE);
        let before = self.text[from..self.start].rsplit('\n').next().unwrap_or_default();
        let after = self.text[self.end..to].split('\n').next().unwrap_or_default();
        let near = before.split_whitespace().rev().take(NEAR).chain(after.split_whitespace().take(NEAR));
        near.into_iter().any(|word| {
            let mut letters = word.chars().skip_while(|c| !c.is_alphabetic());
            letters.next().is_some_and(char::is_uppercase) && letters.next().is_some_and(char::is_lowercase)
        })
    }

    /// Its ends lie inside a word, or it is part of a long run of letters and digits without a space.
    fn is_piece(&self) -> bool {
        let bytes = self.text.as_bytes();
        let glued = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        };
        let ascii = |at: usize| bytes.get(at).is_some_and(u8::is_ascii);
        let before = ascii(self.start) && glued(self.start.checked_sub(1));
        before || ascii(self.end - 1) && glued(Some(self.end)) || self.is_in_code(bytes)
    }

    /// `AAAAB3NzaC1yc2E`, `sha512-ab+/cd==`, `vendor/lib-1.2.3.tgz`.
    fn is_in_code(&self, bytes: &[u8]) -> bool {
        let solid = |b: &u8| b.is_ascii_alphanumeric() || b"+/=_-.".contains(b);
        let left = bytes[..self.start].iter().rev().take(REACH).take_while(|b| solid(b)).count();
        let right = bytes[self.end..].iter().take(REACH).take_while(|b| solid(b)).count();
        if left + right == 0 {
            return false;
        }
        let run = &bytes[self.start - left..self.end + right];
        let digits = run.iter().filter(|b| b.is_ascii_digit()).count();
        run.len() >= 20 && digits >= 2 && !run.contains(&b' ')
    }

    fn is_age(&self, said: &str) -> bool {
        let year = |word: &str| YEARS.contains(&word.to_lowercase().as_str());
        let words =
            |text: &str| text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).any(year);
        let after = self.text.get(self.end..).unwrap_or_default();
        let reach = after.char_indices().nth(REACH).map_or(after.len(), |(at, _)| at);
        let near = after[..reach].split(['\n', ';', ',']).next().unwrap_or_default();
        let near = near.split_whitespace().next().unwrap_or_default();
        words(said) || words(near) || !said.is_ascii() || self.is_between(said)
    }

    /// `, 47, ` and `(47)`: a number that stands for itself between a person's other facts.
    fn is_between(&self, said: &str) -> bool {
        let bytes = self.text.as_bytes();
        let before = self.start.checked_sub(2).and_then(|at| bytes.get(at..self.start)).unwrap_or_default();
        let call = before.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let apart = before.ends_with(b"(") && !call || before.ends_with(b" ") && before[0] != b':';
        let after = bytes.get(self.end).is_some_and(|b| b",)".contains(b));
        apart && after && said.len() <= 3 && said.parse::<u8>().is_ok_and(|age| (1..=110).contains(&age))
    }

    /// Has a word that somebody or some place could be called by.
    fn is_named(&self, said: &str) -> bool {
        let low = self.has_small_letters();
        let joined = |part: &str| JOINED.contains(&part.to_lowercase().as_str());
        if low && is_abbreviation(said) || said.contains('-') && said.split(['-', ' ']).any(joined) {
            return false;
        }
        if self.lists & (lists::GIVEN | lists::SURNAME | lists::CITY | lists::COUNTRY | lists::STATE) != 0 {
            return true;
        }
        let mut words =
            said.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| word.len() > 1).peekable();
        if words.peek().is_none() {
            return false;
        }
        if self.is_plain(said) && self.score < MAYBE {
            return false;
        }
        words.any(|word| !(is_code(word) || low && is_abbreviation(word)))
    }

    /// The line is written in small and capital letters, so that a word of capitals means something.
    fn has_small_letters(&self) -> bool {
        const REACH: usize = 40;
        let bytes = self.text.as_bytes();
        let around = bytes[self.start.saturating_sub(REACH)..self.start]
            .iter()
            .chain(bytes[self.end..].iter().take(REACH));
        around.filter(|b| b.is_ascii_lowercase()).count() >= SHORT
    }
}

/// `eGFR`, `secretKeyRef`, `mL`: a capital behind a small letter, which no name has unless behind a known head.
fn is_code(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    let inner = chars.windows(2).position(|pair| pair[0].is_lowercase() && pair[1].is_uppercase());
    inner.is_some_and(|at| {
        let head: String = chars[..=at].iter().collect();
        !HEADS.contains(&head.as_str())
    })
}

fn is_abbreviation(word: &str) -> bool {
    word.chars().count() <= SHORT
        && word.is_ascii()
        && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'\'')
}

/// A month or a weekday, digits between signs, or words of another script.
fn is_date(said: &str) -> bool {
    let mut words = said.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let named = words.any(|word| {
        let word = word.to_lowercase();
        is_month(&word) || is_weekday(&word)
    });
    let bytes = said.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let between = |signs: &[u8]| {
        let sign = |w: &&[u8]| w[0].is_ascii_digit() && signs.contains(&w[1]) && w[2].is_ascii_digit();
        bytes.windows(3).filter(sign).count()
    };
    // Of two short numbers, and of many, other rules know more: `20/25`, `7.28/60/55/28`.
    let signs = between(b"-/.");
    let numeric =
        letters == 0 && (signs == 2 && digits >= 4 || signs == 1 && digits >= 5 && between(b".") == 0);
    named || said.chars().any(is_foreign) && !is_count(said) || numeric
}

/// A letter of no Latin alphabet, Vietnamese's among them.
fn is_foreign(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// `12 минут`, `6 εκατοστά`: a short number and a long word of Cyrillic or Greek letters, which is no month.
fn is_count(said: &str) -> bool {
    let number = said.split(' ').next().unwrap_or_default();
    let rest = said.get(number.len()..).unwrap_or_default();
    let cased = |c: char| matches!(c, 'α'..='ώ' | 'а'..='џ' | 'ґ' | ' ');
    (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
        && rest.chars().count() > 5
        && rest.chars().all(cased)
}

/// A number and a word of it that is no unit and no abbreviation.
fn is_address(said: &str) -> bool {
    let word = |word: &str| {
        word.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !is_code(word) && !is_abbreviation(word)
    };
    let unit = said.contains('/') && said.is_ascii();
    // `Plt 94`, `alt 50`: a value behind its name.
    let measured = said.split_once(' ').is_some_and(|(name, value)| {
        name.len() <= 4 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.') && name.is_ascii()
    });
    // `oauth2`, `utf8`: a name of code with a number at its end.
    let glued = said.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    !(unit || glued || measured) && (said.split_whitespace().any(word) || !said.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be(text: &str, part: &str, ty: Type) -> bool {
        let start = text.find(part).unwrap();
        Doubtful { text, start, end: start + part.len(), ty, lists: 0, score: 70 }.may_be()
    }

    #[test]
    fn pieces_of_hashes_code_units_and_counts_are_nobody() {
        for (text, part, ty) in [
            ("commit c1075fe0036c9b6f458f9e2b", "1075fe0036", Type::AGE),
            (
                "integrity sha512-bo1uoKhWl2yM8Gdej05y54nMMnYj7oN/LPHPdDErMBZQ730M4Oafh==",
                "LPHPdDErMBZQ",
                Type::NAME,
            ),
            ("secretKeyRef: name: cron", "secretKeyRef", Type::NAME),
            ("Labs: Plt 94, INR 2", "Plt 94", Type::ADDRESS),
            ("labs: eGFR 41 and some more of it", "eGFR", Type::CITY),
            ("syndrome suspected; send ANA and RF", "ANA", Type::NAME),
            ("started with 12 workers, secret store", "12 workers", Type::AGE),
            ("over 4 h, check interactions", "4 h", Type::DATE),
            ("ferritin 2103 ng/mL, more", "2103 ng/mL", Type::ADDRESS),
            ("PMH Conn's, HTN, DM2, with pain", "DM2", Type::ADDRESS),
            ("5/5 strength, dtrs 2+", "5/5 strength", Type::DATE),
            ("vision 20/25 OS", "20/25", Type::DATE),
            ("ABG 7.28/60/55/28", "7.28/60/55/28", Type::DATE),
        ] {
            assert!(!may_be(text, part, ty), "{text}: {part}");
        }
    }

    #[test]
    fn names_places_ages_and_dates_may_be() {
        for (text, part, ty) in [
            ("saw Ronald McDonald there", "Ronald McDonald", Type::NAME),
            ("PATIENT: LEE, ANN SEEN TODAY", "LEE, ANN", Type::NAME),
            ("an 82 year old man", "82", Type::AGE),
            ("on Thursday he came", "Thursday", Type::DATE),
            ("lives at 12 Rosenweg in Bonn", "12 Rosenweg", Type::ADDRESS),
            ("田中さんは東京に住む", "田中", Type::NAME),
        ] {
            assert!(may_be(text, part, ty), "{text}: {part}");
        }
    }
}
