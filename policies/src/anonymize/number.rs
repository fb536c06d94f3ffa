//! Identifiers made of digits: which groupings each has and which check it must pass.

use super::check::{self, Check};
use super::kind::{Evidence, Finding, Type};
use super::token::{Token, after, before};

/// One digit-only identifier.
pub(crate) struct Number {
    pub(crate) ty: Type,
    /// Sizes of the groups of digits, as people write it.
    groups: &'static [&'static [u8]],
    pub(crate) check: Check,
    /// The family of labels that vouches for it.
    pub(crate) family: &'static str,
    /// Strong enough to name the type without a label.
    strong: bool,
}

const fn row(
    ty: Type,
    groups: &'static [&'static [u8]],
    check: Check,
    family: &'static str,
    strong: bool,
) -> Number {
    Number { ty, groups, check, family, strong }
}

/// The table of 5.2, digit-only part; the first that fits names the type.
#[rustfmt::skip]
pub(crate) const NUMBERS: &[Number] = &[
    row(Type::CREDIT_CARD, &[&[4, 4, 4, 4], &[4, 6, 5], &[16], &[15], &[4, 6, 4], &[14], &[13], &[4, 4, 4, 1], &[12], &[17], &[18], &[19], &[4, 4, 4, 4, 3]], check::credit_card, "card", true),
    row(Type::US_SSN, &[&[3, 2, 4], &[5, 4], &[3, 6]], check::us_ssn, "ssn", true),
    row(Type::US_SSN, &[&[9]], check::us_ssn, "ssn", false),
    row(Type::US_ITIN, &[&[3, 2, 4], &[5, 4], &[3, 6], &[9]], check::us_itin, "ssn", true),
    row(Type::ABA_ROUTING_NUMBER, &[&[9], &[4, 4, 1]], check::aba, "aba", true),
    row(Type::CA_SIN, &[&[3, 3, 3], &[9]], check::ca_sin, "sin", true),
    row(Type::AU_TFN, &[&[3, 3, 3], &[9]], check::au_tfn, "tfn", true),
    row(Type::AU_ACN, &[&[3, 3, 3], &[9]], check::au_acn, "acn", true),
    row(Type::PH_TIN, &[&[3, 3, 3], &[3, 3, 3, 3], &[9], &[12]], check::ph_tin, "tin", false),
    row(Type::DE_LANR, &[&[9]], check::de_lanr, "lanr", true),
    row(Type::DE_BSNR, &[&[9]], check::de_bsnr, "bsnr", false),
    row(Type::UK_NHS, &[&[3, 3, 4], &[10]], check::uk_nhs, "nhs", true),
    row(Type::US_NPI, &[&[10], &[4, 3, 3]], check::us_npi, "npi", true),
    row(Type::KR_BRN, &[&[3, 2, 5], &[10]], check::kr_brn, "brn", true),
    row(Type::SE_PERSONNUMMER, &[&[6, 4], &[8, 4], &[10], &[12]], check::se_personnummer, "se", true),
    row(Type::SE_ORGANISATIONSNUMMER, &[&[6, 4], &[10]], check::se_organisationsnummer, "se", true),
    row(Type::AU_MEDICARE, &[&[4, 5, 1], &[10]], check::au_medicare, "medicare", true),
    row(Type::TR_NATIONAL_ID, &[&[11]], check::tr_national_id, "national", true),
    row(Type::PL_PESEL, &[&[11]], check::pl_pesel, "pesel", true),
    row(Type::DE_TAX_ID, &[&[11], &[2, 3, 3, 3]], check::de_tax_id, "tax", true),
    row(Type::IT_VAT_CODE, &[&[11]], check::it_vat, "vat", true),
    row(Type::AU_ABN, &[&[2, 3, 3, 3], &[11]], check::au_abn, "abn", true),
    row(Type::NG_NIN, &[&[11]], check::ng_nin, "nin", true),
    row(Type::IN_AADHAAR, &[&[4, 4, 4], &[12]], check::in_aadhaar, "aadhaar", true),
    row(Type::ZA_ID_NUMBER, &[&[13], &[6, 4, 2, 1]], check::za_id, "national", true),
    row(Type::KR_RRN, &[&[6, 7], &[13]], check::kr_rrn, "rrn", true),
    row(Type::KR_FRN, &[&[6, 7], &[13]], check::kr_frn, "rrn", true),
    row(Type::TH_TNIN, &[&[13], &[1, 4, 5, 2, 1]], check::th_tnin, "national", true),
    row(Type::DEVICE_ID, &[&[15], &[2, 6, 6, 1]], check::imei, "imei", false),
    row(Type::KR_DRIVER_LICENSE, &[&[2, 2, 6, 2]], |v| matches!((v[0] - b'0') * 10 + v[1] - b'0', 11..=28), "driver", true),
    row(Type::DE_TAX_NUMBER, &[&[3, 3, 5], &[2, 3, 4], &[2, 3, 5], &[2, 4, 4], &[3, 4, 4], &[13]], check::de_tax_number, "tax", true),
    row(Type::US_BANK_NUMBER, &[&[12]], |_| true, "account", false),
];

const LONGEST: usize = 6;

/// Numbers of the text: typed where a check passes, `ID` where only the shape fits.
pub(crate) struct Numbers<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) tokens: &'a [Token],
    /// The whole text is hardly more than one value.
    pub(crate) alone: bool,
    /// Does a label of the family stand near this range?
    pub(crate) labelled: &'a dyn Fn(usize, usize, &str) -> bool,
}

impl Numbers<'_> {
    pub(crate) fn find(&self, out: &mut Vec<Finding>) {
        for (i, token) in self.tokens.iter().enumerate() {
            if token.digits == 0 {
                continue;
            }
            if token.is_number() {
                self.from(i, out);
            }
        }
    }

    /// Every grouping that begins at token `i`.
    fn from(&self, i: usize, out: &mut Vec<Finding>) {
        let first = self.tokens[i];
        let mut sizes = [0_u8; LONGEST];
        let mut sep = None;
        let mut total = 0;
        let mut last = first;
        for n in 0..LONGEST {
            let Some(token) = self.tokens.get(i + n).filter(|t| t.is_number() && t.len() <= 19) else {
                break;
            };
            if n > 0 {
                let gap = &self.text[last.end..token.start];
                if gap.len() != 1 || !b" .-/_:".contains(&gap[0]) || sep.is_some_and(|s| s != gap[0]) {
                    break;
                }
                sep = Some(gap[0]);
            }
            sizes[n] = token.len() as u8;
            total += token.len();
            last = *token;
            if total > 19 {
                break;
            }
            if total >= 9 && self.clean_edges(first.start, last.end, sep) {
                self.judge(first.start, last.end, &sizes[..=n], out);
            }
        }
        if first.len() >= 9 && !self.counted(first.start, first.end) {
            out.push(Finding::new(first.start, first.end, Type::ID, Evidence::Failed));
        } else if first.len() == 1 && sep.is_some() {
            self.spelled(i, out);
        }
    }

    /// Digits written one by one: `4 1 1 1 1 1 ...`.
    fn spelled(&self, i: usize, out: &mut Vec<Finding>) {
        if i > 0 && self.tokens[i - 1].is_number() && self.tokens[i - 1].len() == 1 {
            return;
        }
        let run = self.tokens[i..]
            .windows(2)
            .take_while(|pair| pair[0].len() == 1 && pair[1].len() == 1 && pair[1].is_number())
            .take_while(|pair| pair[1].start - pair[0].end == 1)
            .count();
        if run >= 8 {
            let end = self.tokens[i + run].end;
            out.push(Finding::new(self.tokens[i].start, end, Type::ID, Evidence::Failed));
        }
    }

    fn judge(&self, start: usize, end: usize, sizes: &[u8], out: &mut Vec<Finding>) {
        let fitting = || NUMBERS.iter().filter(|row| row.groups.contains(&sizes));
        if fitting().next().is_none() || self.counted(start, end) {
            return;
        }
        let compact: Vec<u8> = self.text[start..end].iter().copied().filter(u8::is_ascii_digit).collect();
        let mut passing: Option<&Number> = None;
        for row in fitting().filter(|row| (row.check)(&compact)) {
            if (self.labelled)(start, end, row.family) {
                out.push(Finding::new(start, end, row.ty, Evidence::Validated));
                return;
            }
            if passing.is_none() && (row.strong || self.alone) {
                passing = Some(row);
            }
        }
        let years =
            sizes.iter().all(|n| *n == 4) && compact.chunks(4).all(|y| matches!(&y[..2], b"19" | b"20"));
        match passing {
            // A weighted sum is no proof that four years in a row are a card.
            _ if years => {}
            Some(row) => {
                let evidence = if row.strong { Evidence::Validated } else { Evidence::ValueOnly };
                out.push(Finding::new(start, end, row.ty, evidence));
            }
            None => out.push(Finding::new(start, end, Type::ID, Evidence::Failed)),
        }
    }

    /// The value is the whole of what its separators join, and no decimal.
    fn clean_edges(&self, start: usize, end: usize, sep: Option<u8>) -> bool {
        let joins = |byte: u8| match sep {
            Some(b' ') | None => matches!(byte, b'-' | b'.' | b'/' | b'_'),
            Some(sep) => byte == sep,
        };
        let (prev, next) = (before(self.text, start), after(self.text, end));
        let left = joins(prev) && start >= 2 && self.text[start - 2].is_ascii_digit();
        let right = joins(next) && self.text.get(end + 1).is_some_and(u8::is_ascii_digit);
        !left && !right
    }

    /// An amount, a quantity or a decimal fraction: no identifier.
    fn counted(&self, start: usize, end: usize) -> bool {
        let text = self.text;
        let head = &text[..start];
        if before(text, start) == b'$'
            || head.ends_with("€".as_bytes())
            || head.ends_with("£".as_bytes())
            || head.ends_with("¥".as_bytes())
            || head.ends_with("₹".as_bytes())
        {
            return true;
        }
        if matches!(before(text, start), b'.' | b',') && start >= 2 && text[start - 2].is_ascii_digit() {
            return true;
        }
        let rest = &text[end..];
        let fraction = rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit);
        if rest.first() == Some(&b'%') || fraction && !text[start..end].contains(&b'.') {
            return true;
        }
        unit_follows(text, end)
    }
}

/// A unit or a currency stands after `end`.
pub(crate) fn unit_follows(text: &[u8], end: usize) -> bool {
    let rest = &text[end..];
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let word: Vec<u8> =
        rest.iter().take(8).take_while(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    UNITS.contains(&word.as_slice())
}

const UNITS: &[&[u8]] = &[
    b"usd", b"eur", b"gbp", b"jpy", b"krw", b"inr", b"dollars", b"euros", b"pounds", b"yen", b"won",
    b"bytes", b"byte", b"kb", b"mb", b"gb", b"ms", b"ns", b"us", b"sec", b"seconds", b"km", b"miles",
    b"people", b"years", b"percent", b"hz", b"rows", b"tokens", b"mg", b"ml", b"kg",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::typed;
    use crate::anonymize::token::tokens;

    fn check(text: &str) -> Vec<String> {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let tokens = tokens(bytes);
        Numbers { text: bytes, tokens: &tokens, alone: false, labelled: &|_, _, _| false }.find(&mut out);
        typed(text, &out)
    }

    #[test]
    fn numbers_by_grouping_and_check() {
        for (text, want) in [
            ("4012-8888-8888-1881 ok", "CREDIT_CARD 4012-8888-8888-1881"),
            ("4012-8888-8888-1882", "ID 4012-8888-8888-1882"),
            ("12 4012 8888 8888 1881", "CREDIT_CARD 4012 8888 8888 1881"),
            ("078-05-1123", "US_SSN 078-05-1123"),
            ("123-45-6789", "ID 123-45-6789"),
            ("130 692 544", "CA_SIN 130 692 544"),
            ("401-023-2137", "UK_NHS 401-023-2137"),
            ("1 2 3 4 5 6 7 8 9 0", "ID 1 2 3 4 5 6 7 8 9 0"),
        ] {
            assert!(check(text).iter().any(|f| f == want), "{text}: {:?}", check(text));
        }
        for text in [
            "$123456789",
            "3.141592653589",
            "2019 2020 2021 2022",
            "123456789 bytes",
            "80980 + 098098",
            "20000",
        ] {
            assert_eq!(check(text), Vec::<String>::new(), "{text}");
        }
    }
}
