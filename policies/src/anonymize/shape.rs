//! Identifiers with letters: shapes as regular expressions over short regions, each with its check.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::check::{self, Check};
use super::kind::{Evidence, Finding, Type};
use super::token::{Token, compact, stands_alone};

mod heads;

pub(crate) use heads::Heads;

/// What a shape needs beside its check to count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing: the check is strong.
    Check,
    /// Nothing: little else looks like it.
    Shape,
    /// A label near, or a text that is hardly more than the value.
    Label,
}

/// One identifier with letters.
pub(crate) struct Shape {
    pub(crate) ty: Type,
    pattern: &'static str,
    pub(crate) check: Check,
    family: &'static str,
    need: Need,
    /// How a surrogate is drawn, see `invent`.
    pub(crate) template: &'static str,
}

const fn row(
    ty: Type,
    pattern: &'static str,
    check: Check,
    family: &'static str,
    need: Need,
    template: &'static str,
) -> Shape {
    Shape { ty, pattern, check, family, need, template }
}

fn any(_: &[u8]) -> bool {
    true
}

/// The table of 5.2, part with letters. Patterns ignore case.
#[rustfmt::skip]
pub(crate) const SHAPES: &[Shape] = &[
    row(Type::VIN, r"[A-HJ-NPR-Z0-9]{17}", check::vin, "vehicle", Need::Check, "=================" ),
    row(Type::IT_FISCAL_CODE, r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", check::it_fiscal, "tax", Need::Check, "@@@@@@yMd@###@"),
    row(Type::IT_FISCAL_CODE, r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", any, "tax", Need::Shape, "@@@@@@yMd@###@"),
    row(Type::FI_PERSONAL_IDENTITY_CODE, r"\d{6}[+\-A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", check::fi_personal, "national", Need::Check, ""),
    row(Type::DE_HEALTH_INSURANCE, r"[A-Z]\d{9}", check::de_health, "health", Need::Check, "@#########"),
    row(Type::DE_SOCIAL_SECURITY, r"\d{8}[A-Z]\d{3}", check::de_social, "social", Need::Check, "##dmy@###"),
    row(Type::DE_VAT_ID, r"DE ?\d{9}", check::de_vat_id, "vat", Need::Check, "==#########"),
    row(Type::DE_VAT_ID, r"DE\d{9}", any, "vat", Need::Label, "==#########"),
    row(Type::DE_ID_CARD, r"[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}|T\d{8}", id_card, "id card", Need::Check, "=########"),
    row(Type::DE_PASSPORT, r"[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{8}", passport, "passport", Need::Check, "=########"),
    row(Type::MEDICAL_LICENSE, r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}", check::dea, "license", Need::Check, "=@#######"),
    row(Type::ES_NIE, r"[XYZ]\d{7}-?[A-Z]", check::es_nie, "national", Need::Check, "=#######@"),
    row(Type::ES_NIF, r"\d{7,8}-?[A-Z]", check::es_nif, "national", Need::Check, ""),
    row(Type::US_MBI, r"[1-9][AC-HJKMNP-RTV-Y][0-9AC-HJKMNP-RTV-Y]\d-?[AC-HJKMNP-RTV-Y][0-9AC-HJKMNP-RTV-Y]\d-?[AC-HJKMNP-RTV-Y]{2}\d\d", any, "medicare", Need::Shape, "#%##%##%%##"),
    row(Type::UK_NINO, r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", check::uk_nino, "nino", Need::Shape, "==######="),
    row(Type::IN_GSTIN, r"\d\d[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]", check::in_gstin, "tax", Need::Shape, "==@@@@@####@#=#"),
    row(Type::IN_PAN, r"[A-Z]{5}\d{4}[A-Z]", any, "tax", Need::Shape, "@@@@@####@"),
    row(Type::SG_NRIC_FIN, r"[A-Z]\d{7}[A-Z]", nric, "national", Need::Shape, "=#######@"),
    row(Type::SG_UEN, r"\d{8}[A-Z]|\d{9}[A-Z]|[TSR]\d\d[A-Z]{2}\d{4}[A-Z]", any, "uen", Need::Label, ""),
    row(Type::UK_DRIVING_LICENCE, r"[A-Z]{1,5}9{0,4}\d[0156]\d{4}[A-Z9]{2}\d[A-Z]{2}", any, "driver", Need::Shape, ""),
    row(Type::UK_POSTCODE, r"[A-PR-UWYZ](?:\d[A-HJKPSTUW\d]?|[A-HK-Y]\d[ABEHMNPRVWXY\d]?) ?\d[ABD-HJLNP-UW-Z]{2}|GIR ?0AA", any, "post", Need::Label, "=##@@"),
    row(Type::KR_PASSPORT, r"[MSRODG]\d{3}[A-Z]\d{4}", any, "passport", Need::Label, "=###@####"),
    row(Type::IN_VOTER, r"[A-Z]{3}\d{7}", any, "voter", Need::Shape, "@@@#######"),
    row(Type::UK_PASSPORT, r"[A-Z]{2}\d{7}", any, "passport", Need::Label, "@@#######"),
    row(Type::IT_IDENTITY_CARD, r"[A-Z]{2} ?\d{7}|\d{7}[A-Z]{2}|[A-Z]{2}\d{5}[A-Z]{2}", any, "id card", Need::Label, ""),
    row(Type::ES_PASSPORT, r"[A-Z]{3}\d{6}", any, "passport", Need::Label, "@@@######"),
    row(Type::US_PASSPORT, r"[A-Z]\d{8}", any, "passport", Need::Label, "@########"),
    row(Type::IN_PASSPORT, r"[A-Z][1-9]\d\d{4}[1-9]", any, "passport", Need::Label, "@#######"),
    row(Type::IT_DRIVER_LICENSE, r"[A-Z]{2}\d{7}[A-Z]|U1[0-9B-NP-RT-Z]{7}[A-Z]", any, "driver", Need::Label, ""),
    row(Type::DE_FUEHRERSCHEIN, r"[A-Z]{2}\d{8}[A-Z0-9]", any, "driver", Need::Shape, "==########="),
    row(Type::US_DRIVER_LICENSE, r"[A-Z]\d{7,8}|[A-Z]{1,2}\d{5,7}", any, "driver", Need::Label, ""),
    row(Type::DE_HANDELSREGISTER, r"HR[AB] ?\d{1,6}", any, "register", Need::Shape, ""),
    row(Type::IN_VEHICLE_REGISTRATION, r"[A-Z]{2}[ -]?\d{1,2}[ -]?[A-Z]{1,3}[ -]?\d{4}", any, "vehicle", Need::Label, ""),
    row(Type::UK_VEHICLE_REGISTRATION, r"[A-HJ-PR-Y][A-HJ-PR-Y]\d\d[ -]?[A-HJ-PR-Z]{3}|[A-HJ-NPR-TV-Y]\d{1,3}[ -]?[A-HJ-PR-Y]{3}|[A-HJ-PR-Y]{3}[ -]?\d{1,3}[A-HJ-NPR-TV-Y]", check::uk_plate, "vehicle", Need::Label, ""),
    row(Type::DE_KFZ, r"[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2}[ -]\d{1,4}[HE]?", any, "vehicle", Need::Label, ""),
    row(Type::TR_LICENSE_PLATE, r"(?:0[1-9]|[1-7]\d|8[01]) ?[A-Z]{1,3} ?\d{2,4}", any, "vehicle", Need::Label, ""),
    row(Type::NG_VEHICLE_REGISTRATION, r"[A-Z]{3}[ -]?\d{3}[A-Z]{2}", any, "vehicle", Need::Label, ""),
];

/// A German document number needs a digit among its letters, or words would pass.
fn id_card(v: &[u8]) -> bool {
    v.iter().filter(|b| b.is_ascii_digit()).count() >= 4 && check::de_id_card(v)
}

fn passport(v: &[u8]) -> bool {
    v.iter().filter(|b| b.is_ascii_digit()).count() >= 4 && check::de_passport(v)
}

fn nric(v: &[u8]) -> bool {
    matches!(v[0], b'S' | b'T' | b'F' | b'G' | b'M' | b'A' | b'B')
}

struct Engine {
    heads: Heads,
    each: Vec<Regex>,
}

/// The patterns are constants that the tests compile; one that does not is left out.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let plain = |row: &Shape| row.pattern.replace("ÄÖÜ", "");
    let sources: Vec<String> = SHAPES.iter().map(plain).collect();
    let anchored = |source: &String| Regex::new(&format!(r"(?i-u)\A(?:{source})")).ok();
    let each = sources.iter().filter_map(anchored).collect();
    Engine { heads: Heads::of(sources.iter().map(String::as_str)), each }
});

static IBAN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)\b[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]{1,4}){3,9}").ok());

/// The secret-free part of the alphabet of keys: what shapes are looked for in.
pub(crate) struct Shapes<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) tokens: &'a [Token],
    pub(crate) alone: bool,
    pub(crate) labelled: &'a dyn Fn(usize, usize, &str) -> bool,
}

impl Shapes<'_> {
    pub(crate) fn find(&self, out: &mut Vec<Finding>) {
        let mut i = 0;
        while i < self.tokens.len() {
            let from = i;
            let mut digits = self.tokens[i].digits;
            let mut letters = self.tokens[i].digits < self.tokens[i].len();
            i += 1;
            if !self.part(from) {
                continue;
            }
            while i < self.tokens.len() && self.part(i) && self.near(i) {
                digits += self.tokens[i].digits;
                letters |= self.tokens[i].digits < self.tokens[i].len();
                i += 1;
            }
            if digits >= 1 && letters {
                self.region(&self.tokens[from..i], out);
            }
        }
    }

    /// Could the token be a part of an identifier?
    fn part(&self, i: usize) -> bool {
        let token = self.tokens[i];
        token.digits > 0 || token.len() <= 4
    }

    /// One separator stands between this token and the one before.
    fn near(&self, i: usize) -> bool {
        let gap = &self.text[self.tokens[i - 1].end..self.tokens[i].start];
        gap.len() == 1 && b" .-/_:+".contains(&gap[0])
    }

    fn region(&self, part: &[Token], out: &mut Vec<Finding>) {
        let (start, end) = (part[0].start, part[part.len() - 1].end);
        if end - start < 5 {
            return;
        }
        let region = &self.text[start..end];
        if region.len() >= 15 {
            if part.iter().any(|token| may_be_iban(token.of(self.text))) {
                self.iban(start, end, out);
            }
            self.coins(part, out);
        }
        let mut may: Vec<(u64, usize)> = Vec::with_capacity(part.len());
        let mut any = 0;
        // An identifier begins with a word.
        for token in part {
            let heads = ENGINE.heads.may_be(&self.text[token.start..end]);
            any |= heads;
            may.extend((heads != 0).then_some((heads, token.start)));
        }
        while any != 0 {
            let i = any.trailing_zeros() as usize;
            any &= any - 1;
            self.shape(i, may.iter().filter(|(heads, _)| heads >> i & 1 == 1).map(|(_, at)| *at), end, out);
        }
    }

    /// One shape at every place where it may begin, but for those inside the last one.
    fn shape(&self, i: usize, starts: impl Iterator<Item = usize>, end: usize, out: &mut Vec<Finding>) {
        let mut last = 0;
        for start in starts {
            if start < last {
                continue;
            }
            let Some(hit) = ENGINE.each[i].find(&self.text[start..end]) else { continue };
            let to = start + hit.end();
            if stands_alone(self.text, start, to) {
                self.judge(&SHAPES[i], start, to, out);
                last = to;
            }
        }
    }

    fn judge(&self, row: &Shape, start: usize, end: usize, out: &mut Vec<Finding>) {
        let raw = &self.text[start..end];
        if !(row.check)(&compact(raw)) {
            return;
        }
        let evidence = if (self.labelled)(start, end, row.family) {
            if row.need == Need::Check { Evidence::Validated } else { Evidence::Label }
        } else {
            match row.need {
                Need::Check => Evidence::Validated,
                // An upper-case word of this form is no word; a lower-case one may be a name in code.
                Need::Shape if self.alone || !raw.iter().any(u8::is_ascii_lowercase) => Evidence::Shape,
                Need::Label if self.alone && raw.iter().filter(|b| b.is_ascii_digit()).count() >= 2 => {
                    Evidence::ValueOnly
                }
                Need::Shape | Need::Label => return,
            }
        };
        out.push(Finding::new(start, end, row.ty, evidence));
    }

    /// An IBAN is cut at the length of its country, for the pattern runs on into what follows.
    fn iban(&self, start: usize, end: usize, out: &mut Vec<Finding>) {
        let Some(regex) = IBAN.as_ref() else { return };
        for hit in regex.find_iter(&self.text[start..end]) {
            let from = start + hit.start();
            let raw = hit.as_bytes();
            let Some(len) = check::iban_len(&compact(&raw[..2])) else { continue };
            let mut seen = 0;
            let cut = raw.iter().position(|b| {
                seen += usize::from(b.is_ascii_alphanumeric());
                seen == len
            });
            let Some(to) = cut.map(|cut| from + cut + 1) else { continue };
            if stands_alone(self.text, from, to) {
                let valid = check::iban(&compact(&self.text[from..to]));
                let (ty, evidence) =
                    if valid { (Type::IBAN_CODE, Evidence::Validated) } else { (Type::ID, Evidence::Failed) };
                out.push(Finding::new(from, to, ty, evidence));
            }
        }
    }

    fn coins(&self, part: &[Token], out: &mut Vec<Finding>) {
        for token in part.iter().filter(|t| (25..=120).contains(&t.len())) {
            let named = || {
                let head = self.text[token.start.saturating_sub(64)..token.start].to_ascii_lowercase();
                [&b"solana"[..], b"phantom", b"sol ", b"sol:", b"spl"]
                    .iter()
                    .any(|w| head.windows(w.len()).any(|h| h == *w))
            };
            let value = token.of(self.text);
            if check::crypto(value) || check::crypto_key(value) && named() {
                out.push(Finding::new(token.start, token.end, Type::CRYPTO, Evidence::Validated));
            }
        }
    }
}

/// Two letters and two digits.
fn may_be_iban(word: &[u8]) -> bool {
    matches!(word, [a, b, c, d, ..] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;
    use crate::anonymize::token::tokens;

    fn check(text: &str, alone: bool) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let tokens = tokens(bytes);
        Shapes { text: bytes, tokens: &tokens, alone, labelled: &|_, _, _| false }.find(&mut out);
        typed(text, &out)
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(ENGINE.each.len(), SHAPES.len());
        assert!(SHAPES.len() <= 64, "a bit each");
        assert!(IBAN.is_some());
    }

    #[test]
    fn shapes_with_letters() {
        for (text, want) in [
            ("iban DE89 3704 0044 0532 0130 00 thanks", "IBAN_CODE DE89 3704 0044 0532 0130 00"),
            ("pay GB82WEST12345698765432.", "IBAN_CODE GB82WEST12345698765432"),
            ("DE89 3704 0044 0532 0130 01", "ID DE89 3704 0044 0532 0130 01"),
            ("vin 1M8GDM9AXKP042788", "VIN 1M8GDM9AXKP042788"),
            ("X9613851N", "ES_NIE X9613851N"),
            ("the 131052-308T here", "FI_PERSONAL_IDENTITY_CODE 131052-308T"),
            ("16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ", "CRYPTO 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ"),
            (
                "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
                "CRYPTO bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            ),
        ] {
            assert!(check(text, false).iter().any(|f| f == want), "{text}: {:?}", check(text, false));
        }
        for text in ["my 401k and w2 form", "flight abc123", "in 2014 odyssey", "use s3 and ec2 with 16 gb"] {
            assert_eq!(check(text, false), Vec::<String>::new(), "{text}");
        }
    }
}
