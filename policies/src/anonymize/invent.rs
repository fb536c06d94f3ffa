//! Surrogates: invented values of the form of the original.
//!
//! **Invariant:** a surrogate depends on salt, type, canonical original and attempt alone.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::check::{self, Check};
use super::kind::Type;
use super::number::NUMBERS;
use super::shape::SHAPES;
use super::{Dropped, Salt, dictated};

mod group;
mod inventor;
mod lists;
mod net;
mod person;
mod place;
mod when;
mod word;

pub(crate) use group::{is_fixed_title, is_kind, is_title, years};
pub(crate) use inventor::{Atom, Inventor};
pub(crate) use lists::{Script, is_common, is_honorific, is_name, is_particle, is_role};
pub(crate) use lists::{common_words, known_locale};
pub(crate) use person::{Part, Written};
pub(crate) use when::{Shift, is_weekday, moved, year_of};
pub(crate) use word::{alike, plain, redrawn};

/// A stream of choices that belongs to one original.
pub(crate) struct Choice {
    state: [u64; 4],
}

/// A salt that choices are drawn with: the part of the hash that all of them share is worked out once.
pub(crate) struct Draw(Option<Hmac<Sha256>>);

impl Draw {
    pub(crate) fn of(salt: &Salt) -> Self {
        // A key of 32 bytes is always accepted.
        Self(Hmac::new_from_slice(&salt.0).ok().map(|mac: Hmac<Sha256>| mac.chain_update(b"kolm-anon-1\x1f")))
    }

    /// `HMAC-SHA256(salt, "kolm-anon-1" 0x1F type 0x1F canonical 0x1F attempt)` seeds it.
    pub(crate) fn choice(&self, ty: &str, canonical: &str, attempt: u32) -> Choice {
        let mut state = [1; 4];
        if let Some(mut mac) = self.0.clone() {
            for part in [ty, canonical] {
                mac.update(part.as_bytes());
                mac.update(&[0x1f]);
            }
            mac.update(&attempt.to_be_bytes());
            let bytes = mac.finalize().into_bytes();
            for (word, chunk) in state.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = chunk.iter().fold(0, |n, b| n << 8 | u64::from(*b));
            }
        }
        Choice { state }
    }
}

impl Choice {
    /// One choice of a salt, see [`Draw::choice`].
    pub(crate) fn new(salt: &Salt, ty: &str, canonical: &str, attempt: u32) -> Self {
        Draw::of(salt).choice(ty, canonical, attempt)
    }

    /// xoshiro256++.
    fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    pub(crate) fn digit(&mut self) -> u8 {
        b'0' + self.below(10) as u8
    }

    pub(crate) fn letter(&mut self) -> u8 {
        b'A' + self.below(26) as u8
    }

    fn pick(&mut self, from: &[u8]) -> u8 {
        from[self.below(from.len() as u64) as usize]
    }
}

impl Inventor<'_> {
    /// The surrogate of a mention of a type that is made of words; names have their own.
    pub(crate) fn of_words(&mut self, ty: Type, mention: &str, capped: bool) -> Result<String, Dropped> {
        Ok(if ty == Type::CITY {
            self.city(mention)?
        } else if ty == Type::STATE {
            self.state(mention)?
        } else if ty == Type::COUNTRY {
            self.country(mention)?
        } else if ty == Type::GEO {
            self.geo(mention)?
        } else if ty == Type::ADDRESS {
            self.address(mention)?
        } else if ty == Type::NRP {
            self.people(mention)?
        } else if ty == Type::TITLE {
            self.title(mention)
        } else if ty == Type::AGE {
            self.age(mention, capped)
        } else {
            self.organisation(mention)?
        })
    }

    /// The surrogate of a handle that is no known person's, in lower case.
    pub(crate) fn stranger(&mut self, handle: &str) -> Result<String, Dropped> {
        let key = handle.to_lowercase();
        if let Some(known) = self.claimed(&key) {
            return Ok(known);
        }
        let mut choice = self.choice("USERNAME", &key);
        for _ in 0..64 {
            let new = net::handle(&key, &mut choice);
            if self.claims(&key, &new) {
                return Ok(new);
            }
        }
        Err(Dropped::AuditLeak)
    }

    /// The address of a person by the local part.
    pub(crate) fn address_of(&self, local: &str, canonical: &str, attempt: u32) -> String {
        let mut choice = self.draw.choice("EMAIL", canonical, attempt);
        let more =
            if attempt < 4 { String::new() } else { choice.below(u64::from(attempt) * 10).to_string() };
        format!("{local}{more}@{}", net::domain(&mut choice))
    }
}

/// The surrogate of `canonical`, itself in canonical form; [`dress`] gives it the look of a mention.
pub(crate) fn surrogate(ty: Type, canonical: &str, choice: &mut Choice, attempt: u32) -> String {
    let ascii = canonical.is_ascii();
    if ty == Type::EMAIL {
        net::email(canonical, choice)
    } else if ty == Type::URL {
        net::url(canonical, choice)
    } else if ty == Type::IP_ADDRESS {
        net::ip(canonical, choice, attempt)
    } else if ty == Type::MAC_ADDRESS {
        net::mac(choice, attempt)
    } else if ty == Type::SECRET {
        word::secret(canonical, choice)
    } else if ty == Type::ENCODED {
        word::encoded(canonical, choice)
    } else if ty == Type::ID && dictated::is_one(canonical) {
        dictated::anew(canonical, choice)
    } else if ty == Type::CRYPTO || !ascii {
        word::alike(canonical, choice)
    } else if ty == Type::PHONE || ty == Type::FAX {
        net::phone(canonical, choice, attempt)
    } else if ty == Type::US_SSN {
        ssn(choice)
    } else if ty == Type::CREDIT_CARD {
        card(canonical.as_bytes(), choice)
    } else if ty == Type::IBAN_CODE {
        iban(canonical.as_bytes(), choice)
    } else if ty == Type::EXPIRY {
        expiry(canonical, choice)
    } else {
        checked(ty, canonical, choice)
    }
}

fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

/// Area 900 to 999 with group 01 to 49: never issued, and no ITIN.
fn ssn(choice: &mut Choice) -> String {
    format!("9{:02}{:02}{:04}", choice.below(100), 1 + choice.below(49), 1 + choice.below(9999))
}

/// Brand and length stay; the prefix is one that gateways know as a test.
fn card(original: &[u8], choice: &mut Choice) -> String {
    let prefix: &[u8] = match (original[0], original.len()) {
        (b'4', 16..) => b"411111",
        (b'5', 16) if original[1] < b'6' && original[1] > b'0' => b"555555",
        (b'3', 15) => b"378282",
        (b'6', 16) if original.starts_with(b"6011") => b"601111",
        _ => &original[..4],
    };
    let mut out = prefix.to_vec();
    while out.len() < original.len() {
        out.push(choice.digit());
    }
    seal(out, check::credit_card)
}

/// Finds the last digit that passes the check.
fn seal(mut value: Vec<u8>, check: Check) -> String {
    if let Some(last) = value.len().checked_sub(1) {
        for digit in b'0'..=b'9' {
            value[last] = digit;
            if check(&value) {
                break;
            }
        }
    }
    text(value)
}

/// A month and a year that may stand on a card; the width of the year stays.
fn expiry(original: &str, choice: &mut Choice) -> String {
    let century = if original.len() >= 6 { "20" } else { "" };
    format!("{:02}{century}{}", 1 + choice.below(12), 26 + choice.below(10))
}

/// Country and structure stay; the bank is null.
fn iban(original: &[u8], choice: &mut Choice) -> String {
    let mut out = original[..4].to_vec();
    for (i, byte) in original.iter().enumerate().skip(4) {
        out.push(match byte {
            b'0'..=b'9' if i < 8 => b'0',
            b'0'..=b'9' => choice.digit(),
            _ => choice.letter(),
        });
    }
    check::iban_seal(&mut out);
    text(out)
}

/// Same shape, and where the type has a check, a value that passes it.
fn checked(ty: Type, canonical: &str, choice: &mut Choice) -> String {
    let original = canonical.as_bytes();
    let shape = SHAPES.iter().find(|row| row.ty == ty && (row.check)(original));
    let number = NUMBERS.iter().find(|row| row.ty == ty && (row.check)(original));
    let rule = shape.map(|row| (row.check, row.template)).or(number.map(|row| (row.check, "")));
    let Some((check, template)) = rule else { return word::alike(canonical, choice) };
    let template = template_of(ty, template, original);
    let mut out = Vec::new();
    for _ in 0..TRIES {
        out = draw(&template, original, choice);
        if check(&out) {
            break;
        }
    }
    // Without luck it is the shape alone: an invented value all the same.
    text(out)
}

/// A check of one in 97 and a date together are met in far fewer.
const TRIES: u32 = 6_000;

/// How each character is drawn: `#` digit, `@` letter, `%` letter without S L O I B Z, `=` as it was,
/// `y` `m` `d` two digits of a date, `M` the month letter of Italy, `g` a digit of the same half of ten.
fn template_of(ty: Type, given: &str, original: &[u8]) -> Vec<u8> {
    if ty == Type::VIN {
        return original
            .iter()
            .enumerate()
            .map(|(i, b)| {
                if i >= 11 && b.is_ascii_digit() {
                    b'#'
                } else if i == 8 {
                    b'V'
                } else {
                    b'='
                }
            })
            .collect();
    }
    let dated = [Type::KR_RRN, Type::KR_FRN, Type::ZA_ID_NUMBER, Type::PL_PESEL];
    if dated.contains(&ty) || ty == Type::SE_PERSONNUMMER && original.len() == 10 {
        let tail = original.len() - 6;
        let mut out = b"ymd".to_vec();
        out.extend(if ty == Type::KR_RRN || ty == Type::KR_FRN { vec![b'g'; 1] } else { vec![b'#'; 1] });
        out.resize(3 + tail, b'#');
        return out;
    }
    if ty == Type::SE_PERSONNUMMER {
        return b"==ymd####".to_vec();
    }
    if ty == Type::FI_PERSONAL_IDENTITY_CODE {
        let middle: &[u8] = if original.len() == 11 { b"=" } else { b"" };
        return [b"dmy", middle, b"###*"].concat();
    }
    if given.len() > 1 {
        return given.as_bytes().to_vec();
    }
    let tricky = [Type::UK_DRIVING_LICENCE, Type::UK_VEHICLE_REGISTRATION, Type::UK_POSTCODE];
    let keep_digits = tricky.contains(&ty);
    original
        .iter()
        .map(|b| match b {
            b'0'..=b'9' if !keep_digits => b'#',
            b'0'..=b'9' => b'n',
            _ if keep_digits || ty == Type::DE_HANDELSREGISTER => b'=',
            _ => b'@',
        })
        .collect()
}

fn draw(template: &[u8], original: &[u8], choice: &mut Choice) -> Vec<u8> {
    let mut out = Vec::with_capacity(original.len());
    for class in template {
        let was = original.get(out.len()).copied().unwrap_or(b'0');
        match class {
            b'#' if out.is_empty() && was != b'0' => out.push(b'1' + choice.below(9) as u8),
            b'#' | b'n' => out.push(choice.digit()),
            b'@' => out.push(choice.letter()),
            b'%' => out.push(choice.pick(b"ACDEFGHJKMNPQRTUVWXY")),
            b'*' => out.push(choice.pick(b"0123456789ABCDEFHJKLMNPRSTUVWXY")),
            b'V' => out.push(choice.pick(b"0123456789X")),
            b'M' => out.push(choice.pick(b"ABCDEHLMPRST")),
            b'g' => out.push(if was > b'4' { b'5' } else { b'1' } + choice.below(4) as u8),
            b'y' => two(&mut out, choice.below(100)),
            b'm' => two(&mut out, 1 + choice.below(12)),
            b'd' => two(&mut out, 1 + choice.below(28)),
            _ => out.push(was),
        }
    }
    out.truncate(original.len());
    out
}

fn two(out: &mut Vec<u8>, n: u64) {
    out.push(b'0' + (n / 10) as u8);
    out.push(b'0' + (n % 10) as u8);
}

/// The canonical form by which two mentions are the same value.
pub(crate) fn canonical(ty: Type, mention: &str) -> String {
    let exact =
        [Type::URL, Type::SECRET, Type::PASSWORD, Type::CRYPTO, Type::ENCODED, Type::DATE, Type::TIME];
    if exact.contains(&ty) {
        mention.to_owned()
    } else if [Type::EMAIL, Type::IP_ADDRESS].contains(&ty)
        || !mention.is_ascii()
        || dictated::is_one(mention)
    {
        mention.to_lowercase()
    } else if ty == Type::PHONE || ty == Type::FAX {
        let digits: String = mention.chars().filter(char::is_ascii_digit).collect();
        // An extension may be all zeros.
        let bare = digits.strip_prefix("00").filter(|rest| rest.len() > 4).unwrap_or(&digits);
        bare.strip_prefix('1').filter(|rest| rest.len() == 10).unwrap_or(bare).to_owned()
    } else {
        let compact: String = mention.chars().filter(char::is_ascii_alphanumeric).collect();
        compact.to_ascii_uppercase()
    }
}

/// Gives a surrogate the separators and the case of a mention.
pub(crate) fn dress(ty: Type, surrogate: &str, mention: &str) -> String {
    let free =
        [Type::URL, Type::EMAIL, Type::SECRET, Type::PASSWORD, Type::CRYPTO, Type::IP_ADDRESS, Type::ENCODED];
    if free.contains(&ty) || !mention.is_ascii() || dictated::is_one(mention) {
        return surrogate.to_owned();
    }
    let slots = mention.bytes().filter(u8::is_ascii_alphanumeric).count();
    let source: Vec<u8> = surrogate.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let phone = ty == Type::PHONE || ty == Type::FAX;
    let fill = if phone { mention.bytes().filter(u8::is_ascii_digit).count() } else { slots };
    // A mention may carry a country code that the canonical form is without: it stays.
    let mut skip = fill.saturating_sub(source.len());
    let mut next = source.iter().skip(source.len().saturating_sub(fill));
    let small = is_lower(mention);
    let mut out = String::with_capacity(mention.len());
    for byte in mention.bytes() {
        let filled = if phone { byte.is_ascii_digit() } else { byte.is_ascii_alphanumeric() };
        if !filled {
            out.push(char::from(byte));
        } else if skip > 0 {
            skip -= 1;
            out.push(char::from(byte));
        } else {
            let new = next.next().copied().unwrap_or(byte);
            let lower = byte.is_ascii_lowercase() || small && !byte.is_ascii_uppercase();
            out.push(char::from(if lower { new.to_ascii_lowercase() } else { new }));
        }
    }
    out
}

fn is_lower(mention: &str) -> bool {
    mention.bytes().any(|b| b.is_ascii_lowercase()) && !mention.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests;
