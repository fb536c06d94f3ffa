//! Check digits and the other tests that tell an identifier from a number of the same length.
//!
//! **Invariant:** every function takes the compact form (upper-case ASCII letters and digits only) and never
//! panics, whatever the bytes.

mod coins;
mod letters;

pub(crate) use coins::{crypto, crypto_key};
pub(crate) use letters::*;

/// A test on the compact form of a value.
pub(crate) type Check = fn(&[u8]) -> bool;

fn d(value: &[u8], at: usize) -> u32 {
    value.get(at).map_or(0, |byte| u32::from(byte.wrapping_sub(b'0')))
}

fn digits(value: &[u8], n: usize) -> bool {
    value.len() == n && value.iter().all(u8::is_ascii_digit)
}

fn varied(value: &[u8]) -> bool {
    value.windows(2).any(|pair| pair[0] != pair[1])
}

fn number(value: &[u8]) -> u64 {
    value.iter().fold(0, |n, byte| n.wrapping_mul(10).wrapping_add(u64::from(byte.wrapping_sub(b'0'))))
}

fn weigh(value: &[u8], weights: &[u32]) -> u32 {
    value.iter().zip(weights).map(|(byte, w)| u32::from(byte.wrapping_sub(b'0')) * w).sum()
}

/// Day and month of any year; February has 29 days.
fn day_of_month(day: u64, month: u64) -> bool {
    let last = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// `YYMMDD`.
fn yymmdd(value: &[u8]) -> bool {
    value.len() >= 6 && day_of_month(number(&value[4..6]), number(&value[2..4]))
}

fn luhn_sum(value: &[u8]) -> u32 {
    let double = |x: u32| if x > 4 { 2 * x - 9 } else { 2 * x };
    value
        .iter()
        .rev()
        .enumerate()
        .map(|(i, byte)| {
            let x = u32::from(byte.wrapping_sub(b'0')) % 10;
            if i % 2 == 1 { double(x) } else { x }
        })
        .sum()
}

/// Luhn over digits that are not all the same.
fn luhn(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_digit) && varied(value) && luhn_sum(value).is_multiple_of(10)
}

pub(crate) fn credit_card(value: &[u8]) -> bool {
    if !(12..=19).contains(&value.len()) || !luhn(value) {
        return false;
    }
    let (two, four) = (number(&value[..2]), number(&value[..4]));
    let len = value.len();
    match value[0] {
        b'4' => matches!(len, 13 | 16 | 19),
        b'3' if matches!(two, 34 | 37) => len == 15,
        b'3' if two == 35 => (16..=19).contains(&len),
        b'3' => (matches!(two, 30 | 38 | 39) || (two == 36 && len == 14)) && (14..=19).contains(&len),
        b'5' => (51..=55).contains(&two) && len == 16 || matches!(two, 50 | 56..=58) && len >= 12,
        b'6' => len >= 12,
        b'2' => (2221..=2720).contains(&four) && len == 16 || (2200..=2204).contains(&four) && len >= 16,
        b'1' => two == 12 && len == 15,
        _ => false,
    }
}

pub(crate) fn ca_sin(value: &[u8]) -> bool {
    digits(value, 9) && !matches!(value[0], b'0' | b'8') && luhn(value)
}

pub(crate) fn us_npi(value: &[u8]) -> bool {
    // `80840` put before adds 24 to the sum; its length is odd, so the parity of the rest is unchanged.
    digits(value, 10)
        && matches!(value[0], b'1' | b'2')
        && varied(&value[..9])
        && (luhn_sum(value) + 24).is_multiple_of(10)
}

pub(crate) fn imei(value: &[u8]) -> bool {
    digits(value, 15) && luhn(value)
}

pub(crate) fn se_personnummer(value: &[u8]) -> bool {
    let last = match value.len() {
        10 => value,
        12 if matches!(&value[..2], b"18" | b"19" | b"20") => &value[2..],
        _ => return false,
    };
    let day = number(&last[4..6]);
    let day = if day > 60 { day - 60 } else { day };
    digits(last, 10) && day_of_month(day, number(&last[2..4])) && luhn(last)
}

pub(crate) fn se_organisationsnummer(value: &[u8]) -> bool {
    digits(value, 10) && d(value, 2) >= 2 && luhn(value)
}

pub(crate) fn it_vat(value: &[u8]) -> bool {
    digits(value, 11) && luhn(value)
}

pub(crate) fn za_id(value: &[u8]) -> bool {
    digits(value, 13) && yymmdd(value) && d(value, 10) <= 2 && luhn(value)
}

fn mod_11_10(value: &[u8]) -> bool {
    let Some((last, head)) = value.split_last() else { return false };
    let mut p = 10;
    for byte in head {
        let s = match (u32::from(byte.wrapping_sub(b'0')) + p) % 10 {
            0 => 10,
            s => s,
        };
        p = 2 * s % 11;
    }
    (11 - p) % 10 == u32::from(last.wrapping_sub(b'0'))
}

pub(crate) fn de_tax_id(value: &[u8]) -> bool {
    let often = |digit: u8| value[..10].iter().filter(|byte| **byte == digit).count() > 3;
    digits(value, 11) && value[0] != b'0' && !(b'0'..=b'9').any(often) && mod_11_10(value)
}

pub(crate) fn de_vat_id(value: &[u8]) -> bool {
    value.strip_prefix(b"DE").is_some_and(|rest| digits(rest, 9) && rest[0] != b'0' && mod_11_10(rest))
}

fn mod_97(value: impl Iterator<Item = u8>) -> Option<u32> {
    let mut rest = 0;
    for byte in value {
        rest = match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
            _ => return None,
        };
    }
    Some(rest)
}

/// Length of an IBAN by country.
#[rustfmt::skip]
const IBAN: &[(&[u8; 2], usize)] = &[
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22),
    (b"BH", 22), (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24),
    (b"DE", 22), (b"DJ", 27), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18),
    (b"FK", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27),
    (b"GT", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27),
    (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20),
    (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22), (b"MK", 19), (b"MN", 20), (b"MR", 27),
    (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23), (b"PK", 24), (b"PL", 28),
    (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24), (b"SC", 31),
    (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28),
    (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

/// The length that an IBAN of this country has.
pub(crate) fn iban_len(country: &[u8]) -> Option<usize> {
    IBAN.iter().find(|(code, _)| code.as_slice() == country).map(|(_, len)| *len)
}

pub(crate) fn iban(value: &[u8]) -> bool {
    value.len() >= 15
        && iban_len(&value[..2]) == Some(value.len())
        && mod_97(value[4..].iter().chain(&value[..4]).copied()) == Some(1)
}

/// Writes the two check digits of an IBAN in place.
pub(crate) fn iban_seal(value: &mut [u8]) {
    value[2..4].copy_from_slice(b"00");
    if let Some(rest) = mod_97(value[4..].iter().chain(&value[..4]).copied()) {
        let check = 98 - rest;
        value[2] = b'0' + (check / 10) as u8;
        value[3] = b'0' + (check % 10) as u8;
    }
}

pub(crate) fn aba(value: &[u8]) -> bool {
    digits(value, 9)
        && matches!(number(&value[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
        && varied(value)
        && weigh(value, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

pub(crate) fn au_abn(value: &[u8]) -> bool {
    digits(value, 11)
        && value[0] != b'0'
        && (weigh(value, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10).is_multiple_of(89)
}

pub(crate) fn au_acn(value: &[u8]) -> bool {
    digits(value, 9)
        && varied(value)
        && (10 - weigh(value, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == d(value, 8)
}

pub(crate) fn au_medicare(value: &[u8]) -> bool {
    (digits(value, 10) || digits(value, 11))
        && (b'2'..=b'6').contains(&value[0])
        && weigh(value, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == d(value, 8)
}

pub(crate) fn au_tfn(value: &[u8]) -> bool {
    digits(value, 9) && varied(value) && weigh(value, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

pub(crate) fn uk_nhs(value: &[u8]) -> bool {
    digits(value, 10)
        && varied(value)
        && (11 - weigh(value, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d(value, 9)
}

pub(crate) fn pl_pesel(value: &[u8]) -> bool {
    digits(value, 11)
        && day_of_month(number(&value[4..6]), number(&value[2..4]) % 20)
        && weigh(value, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

pub(crate) fn th_tnin(value: &[u8]) -> bool {
    digits(value, 13)
        && value[0] != b'0'
        && (10..=96).contains(&number(&value[1..3]))
        && (11 - weigh(value, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == d(value, 12)
}

pub(crate) fn kr_brn(value: &[u8]) -> bool {
    digits(value, 10)
        && varied(value)
        && (10 - (weigh(value, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + 5 * d(value, 8) / 10) % 10) % 10 == d(value, 9)
}

pub(crate) fn ph_tin(value: &[u8]) -> bool {
    (digits(value, 9) || digits(value, 12))
        && varied(&value[..9])
        && weigh(value, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == d(value, 8)
}

pub(crate) fn de_lanr(value: &[u8]) -> bool {
    digits(value, 9) && varied(value) && (10 - weigh(value, &[4, 9, 4, 9, 4, 9]) % 10) % 10 == d(value, 6)
}

pub(crate) fn de_bsnr(value: &[u8]) -> bool {
    digits(value, 9) && varied(value)
}

pub(crate) fn tr_national_id(value: &[u8]) -> bool {
    if !digits(value, 11) || value[0] == b'0' {
        return false;
    }
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|i| d(value, *i)).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|i| d(value, *i)).sum();
    let ten = (7 * odd + 100 - even) % 10;
    ten == d(value, 9) && (odd + even + ten) % 10 == d(value, 10)
}

fn verhoeff(value: &[u8]) -> bool {
    const MUL: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const STEP: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut c = 0;
    for (i, byte) in value.iter().rev().enumerate() {
        let mut x = usize::from(byte.wrapping_sub(b'0')) % 10;
        for _ in 0..i % 8 {
            x = STEP[x];
        }
        c = usize::from(MUL[c][x]);
    }
    c == 0
}

pub(crate) fn in_aadhaar(value: &[u8]) -> bool {
    digits(value, 12) && value[0] >= b'2' && varied(value) && verhoeff(value)
}

pub(crate) fn ng_nin(value: &[u8]) -> bool {
    digits(value, 11) && varied(value) && verhoeff(value)
}

pub(crate) fn us_ssn(value: &[u8]) -> bool {
    let samples: [&[u8]; 4] = [b"078051120", b"123456789", b"219099999", b"457555462"];
    digits(value, 9)
        && !matches!(&value[..3], b"000" | b"666")
        && value[0] != b'9'
        && &value[3..5] != b"00"
        && &value[5..] != b"0000"
        && varied(value)
        && !samples.contains(&value)
}

pub(crate) fn us_itin(value: &[u8]) -> bool {
    digits(value, 9)
        && value[0] == b'9'
        && matches!(number(&value[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

pub(crate) fn kr_rrn(value: &[u8]) -> bool {
    digits(value, 13) && yymmdd(value) && (b'1'..=b'4').contains(&value[6])
}

pub(crate) fn kr_frn(value: &[u8]) -> bool {
    digits(value, 13) && yymmdd(value) && (b'5'..=b'8').contains(&value[6])
}

pub(crate) fn de_tax_number(value: &[u8]) -> bool {
    (10..=13).contains(&value.len()) && (value.len() != 13 || matches!(number(&value[..2]), 1..=16))
}
