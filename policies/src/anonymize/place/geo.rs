//! Coordinates: pairs of degrees, decimal or with minutes and seconds.

use crate::anonymize::cue::Reading;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// Degrees at the start of `text`: their length, value and how exactly they are given.
fn degrees(text: &str) -> Option<(usize, f64, usize)> {
    let sign = usize::from(text.starts_with(['-', '+']));
    let body = text.get(sign..)?;
    let whole = body.bytes().take_while(u8::is_ascii_digit).count();
    let fraction =
        body.get(whole..)?.strip_prefix('.').map_or(0, |f| f.bytes().take_while(u8::is_ascii_digit).count());
    if !(1..=3).contains(&whole) {
        return None;
    }
    let mut len = sign + whole + if fraction > 0 { fraction + 1 } else { 0 };
    let value: f64 = text.get(..len)?.parse().ok()?;
    let mut exact = fraction;
    let rest = text.get(len..)?;
    if let Some(after) = rest.strip_prefix('°') {
        len += '°'.len_utf8();
        exact = exact.max(3);
        let minutes = after.bytes().take_while(|b| b.is_ascii_digit() || b" .'\"".contains(b)).count();
        len += after.get(..minutes).map_or(0, |m| m.trim_end().len());
    }
    let side = text.get(len..)?.trim_start_matches(' ');
    if side.starts_with(['N', 'S', 'E', 'W'])
        && !side.get(1..).is_some_and(|s| s.starts_with(char::is_alphanumeric))
    {
        len = text.len() - side.len() + 1;
        exact += 1;
    }
    Some((len, value, exact))
}

/// One coordinate at byte `at`: where it ends.
pub(crate) fn coordinate(text: &str, at: usize) -> Option<usize> {
    let (len, value, exact) = degrees(text.get(at..)?)?;
    (value.abs() <= 180.0 && exact >= 2).then_some(at + len)
}

/// `40.7128, -74.0060` at word `i`.
pub(super) fn pair(r: &Reading<'_>, i: usize, out: &mut Vec<Finding>) {
    let Some(word) = r.word(i).filter(|w| w.digits <= 3) else { return };
    if !r.gap(i).starts_with(['.', '°']) {
        return;
    }
    let head = r.text.as_bytes();
    // `場所は35.36`: in scripts without spaces the digits may be the end of a word.
    let digits = r.text.get(..word.end).map_or(0, |h| h.bytes().rev().take_while(u8::is_ascii_digit).count());
    let mut start = word.start.max(word.end - digits);
    if start > word.start && head[start - 1].is_ascii() {
        return;
    }
    if start > 0 && matches!(head[start - 1], b'-' | b'+') {
        start -= 1;
    }
    if start > 0 && (head[start - 1].is_ascii_alphanumeric() || matches!(head[start - 1], b'.' | b'$' | b'/'))
    {
        return;
    }
    let Some((len, latitude, exact)) = r.text.get(start..).and_then(degrees) else { return };
    let rest = r.text.get(start + len..).unwrap_or_default();
    let gap = rest.len() - rest.trim_start_matches([',', ' ', ';', '/']).len();
    let Some((second, longitude, other)) = rest.get(gap..).and_then(degrees) else { return };
    if (1..=3).contains(&gap)
        && exact >= 3
        && other >= 3
        && latitude.abs() <= 90.0
        && longitude.abs() <= 180.0
    {
        out.push(Finding::new(start, start + len + gap + second, Type::GEO, Evidence::Shape));
    }
}
