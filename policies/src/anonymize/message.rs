//! Messages between the machines of hospitals and of insurers, HL7 v2 and X12, in a text: what stands in a segment is
//! told by the number of its field.
//!
//! **Invariant:** inside a segment only what its fields name is found, but for free text, values out of place and
//! what a check vouches for; linear in the text.

use std::ops::Range;

use super::invent::year_of;
use super::kind::{Evidence, Finding, Type};

mod hl7;
mod x12;

/// A segment as other detectors are to see it.
struct Segment {
    range: Range<usize>,
    /// Where it holds prose or what its field is not for: there they are listened to.
    free: Vec<Range<usize>>,
}

/// What was read of a text.
#[derive(Default)]
struct Read {
    segments: Vec<Segment>,
    found: Vec<Finding>,
}

/// Digits of a number that is somebody's wherever it stands.
const LONG: usize = 7;

/// The values of the segments of a text; what others found in their codes is taken away.
pub(crate) fn find(text: &str, out: &mut Vec<Finding>) {
    for read in [hl7::read(text), x12::read(text)] {
        let (segments, found) = (&read.segments, &read.found);
        out.retain(|f| {
            let next = segments.partition_point(|segment| segment.range.end <= f.start);
            let own = found.get(found.partition_point(|own| own.end <= f.start));
            let told = own.is_some_and(|own| own.start <= f.start && f.end <= own.end);
            segments.get(next).is_none_or(|segment| {
                segment.range.start >= f.end
                    || f.evidence == Evidence::Secret
                    || !told && stays(text, segment, f)
            })
        });
        out.extend(read.found);
    }
}

/// Does a finding of others that touches the segment count?
fn stays(text: &str, segment: &Segment, f: &Finding) -> bool {
    let inside = segment.range.start <= f.start && f.end <= segment.range.end;
    if f.evidence >= Evidence::Propagated || !inside && f.evidence > Evidence::Model {
        return true;
    }
    let free = segment.free.iter().any(|free| free.start <= f.start && f.end <= free.end);
    let mention = text.get(f.start..f.end).unwrap_or_default();
    let digits = mention.bytes().filter(u8::is_ascii_digit).count();
    let long = digits >= LONG || [Type::EMAIL, Type::URL].contains(&f.ty);
    let one = !mention.contains(['|', '*', '^']);
    free || long && one && f.evidence > Evidence::Model && !f.ty.of_words()
}

/// The parts of `text`, which begins at byte `start` of the whole, between the signs, without spaces around them.
fn parts(text: &str, start: usize, sign: char) -> impl Iterator<Item = (usize, &str)> {
    let mut at = start;
    text.split(sign).map(move |part| {
        let begin = at + part.len() - part.trim_start().len();
        at += part.len() + sign.len_utf8();
        (begin, part.trim())
    })
}

/// One value of a type, on the word of its field.
fn value((start, text): (usize, &str), ty: Type, out: &mut Vec<Finding>) {
    if text.chars().any(char::is_alphanumeric) {
        out.push(Finding::new(start, start + text.len(), ty, Evidence::Label));
    }
}

/// A value that holds digits: a number of somebody or something, or a day where one should stand.
fn number((start, text): (usize, &str), ty: Type, out: &mut Vec<Finding>) {
    let stamp = text.len() >= 8 && text.bytes().all(|b| b.is_ascii_digit()) && year_of(text).is_some();
    if ty == Type::ID && stamp {
        return day((start, text), out);
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    if digits >= 3 || digits > 0 && letters + digits >= 6 {
        let ssn = ty == Type::US_SSN && (digits != 9 || letters > 0);
        value((start, text), if ssn { Type::ID } else { ty }, out);
    }
}

/// The name whose first part is the first of the parts, and what stands before the first part of another kind.
fn name(parts: &[(usize, &str)], out: &mut Vec<Finding>) {
    let named = |part: &&(usize, &str)| part.1.chars().any(char::is_alphabetic);
    let (Some(first), Some(last)) = (parts.iter().find(named), parts.iter().rfind(named)) else { return };
    let (start, end) = (first.0, last.0 + last.1.len());
    if end - start > 1 {
        out.push(Finding::new(start, end, Type::NAME, Evidence::Label));
    }
}

/// `19910305`, `20240718103000-0500`, `240718`: digits that begin with a day.
fn day((start, text): (usize, &str), out: &mut Vec<Finding>) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.get(digits..).unwrap_or_default();
    let zone = rest.bytes().take_while(|b| b.is_ascii_digit() || b"+-.".contains(b)).count();
    if matches!(digits, 6 | 8 | 10 | 12 | 14) {
        let zone = if digits >= 10 { zone } else { 0 };
        out.push(Finding::new(start, start + digits + zone, Type::DATE, Evidence::Label));
    }
}

#[cfg(test)]
mod tests;
