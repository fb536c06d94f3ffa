//! Checks of identifiers that carry letters.

use super::{d, day_of_month, digits, number, varied, weigh};

fn icao(value: &[u8]) -> bool {
    let Some((last, head)) = value.split_last() else { return false };
    let sum: u32 = head
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(byte, w)| match byte {
            b'A'..=b'Z' => w * (u32::from(byte - b'A') + 10),
            _ => w * u32::from(byte.wrapping_sub(b'0')),
        })
        .sum();
    last.is_ascii_digit() && sum % 10 == u32::from(last - b'0')
}

pub(crate) fn de_passport(value: &[u8]) -> bool {
    value.len() == 9 && value[0].is_ascii_uppercase() && icao(value)
}

pub(crate) fn de_id_card(value: &[u8]) -> bool {
    value.len() == 9 && (value[0] == b'T' && digits(&value[1..], 8) || de_passport(value))
}

const DNI: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni(number: u64, letter: u8) -> bool {
    DNI[(number % 23) as usize] == letter
}

pub(crate) fn es_nif(value: &[u8]) -> bool {
    let Some((last, head)) = value.split_last() else { return false };
    (7..=8).contains(&head.len()) && head.iter().all(u8::is_ascii_digit) && dni(number(head), *last)
}

pub(crate) fn es_nie(value: &[u8]) -> bool {
    value.len() == 9
        && (b'X'..=b'Z').contains(&value[0])
        && digits(&value[1..8], 7)
        && dni(u64::from(value[0] - b'X') * 10_000_000 + number(&value[1..8]), value[8])
}

pub(crate) fn fi_personal(value: &[u8]) -> bool {
    if !(10..=11).contains(&value.len()) || !value[..6].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let tail = &value[value.len() - 4..];
    let n = number(&value[..6]) * 1000 + number(&tail[..3]);
    digits(&tail[..3], 3)
        && number(&tail[..3]) >= 2
        && day_of_month(number(&value[..2]), number(&value[2..4]))
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(n % 31) as usize] == tail[3]
}

pub(crate) fn it_fiscal(value: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    if value.len() != 16 || !value.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let at =
        |byte: u8| usize::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') });
    let sum: u32 = value[..15]
        .iter()
        .enumerate()
        .map(|(i, byte)| if i % 2 == 0 { ODD[at(*byte) % 26] } else { at(*byte) as u32 })
        .sum();
    u32::from(value[15].wrapping_sub(b'A')) == sum % 26
}

fn digit_sum(n: u32) -> u32 {
    n / 10 + n % 10
}

/// The value with its one letter written as two digits, `A` = 01.
fn letter_as_digits(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 1);
    for byte in value {
        if byte.is_ascii_uppercase() {
            let n = byte - b'A' + 1;
            out.extend([b'0' + n / 10, b'0' + n % 10]);
        } else {
            out.push(*byte);
        }
    }
    out
}

fn digit_sums(value: &[u8], weights: &[u32]) -> u32 {
    value.iter().zip(weights).map(|(b, w)| digit_sum(u32::from(b.wrapping_sub(b'0')) * w)).sum()
}

pub(crate) fn de_health(value: &[u8]) -> bool {
    if value.len() != 10 || !value[0].is_ascii_uppercase() || !digits(&value[1..], 9) {
        return false;
    }
    let all = letter_as_digits(value);
    digit_sums(&all[..10], &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 == d(&all, 10)
}

pub(crate) fn de_social(value: &[u8]) -> bool {
    if value.len() != 12
        || !value[8].is_ascii_uppercase()
        || !digits(&value[..8], 8)
        || !digits(&value[9..], 3)
    {
        return false;
    }
    let (day, month) = (number(&value[2..4]), number(&value[4..6]));
    let all = letter_as_digits(value);
    day_of_month(if day > 50 { day - 50 } else { day }, month)
        && digit_sums(&all[..12], &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10 == d(&all, 12)
}

pub(crate) fn dea(value: &[u8]) -> bool {
    value.len() == 9
        && value[0].is_ascii_uppercase()
        && (value[1].is_ascii_uppercase() || value[1] == b'9')
        && digits(&value[2..], 7)
        && (weigh(&value[2..], &[1, 2, 1, 2, 1, 2]) % 10) == d(value, 8)
}

pub(crate) fn vin(value: &[u8]) -> bool {
    const LETTERS: [u32; 26] =
        [1, 2, 3, 4, 5, 6, 7, 8, 99, 1, 2, 3, 4, 5, 99, 7, 99, 9, 2, 3, 4, 5, 6, 7, 8, 9];
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if value.len() != 17 || !varied(value) {
        return false;
    }
    let mut sum = 0;
    for (byte, weight) in value.iter().zip(WEIGHTS) {
        sum += weight
            * match byte {
                b'0'..=b'9' => u32::from(byte - b'0'),
                b'A'..=b'Z' if LETTERS[usize::from(byte - b'A')] < 99 => LETTERS[usize::from(byte - b'A')],
                _ => return false,
            };
    }
    let want = if sum % 11 == 10 { b'X' } else { b'0' + (sum % 11) as u8 };
    value[8] == want
}

pub(crate) fn uk_nino(value: &[u8]) -> bool {
    value.len() == 9 && !matches!(&value[..2], b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ")
}

pub(crate) fn in_gstin(value: &[u8]) -> bool {
    value.len() == 15 && (1..=37).contains(&number(&value[..2])) && value[13] == b'Z'
}

pub(crate) fn uk_plate(value: &[u8]) -> bool {
    let modern = value.len() == 7 && value[1].is_ascii_uppercase() && value[2].is_ascii_digit();
    !modern || matches!(number(&value[2..4]), 2..=29 | 51..=79)
}
