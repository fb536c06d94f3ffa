//! Segments of X12 claims: `NM1*IL*1*SMITH*JOHN****MI*W1234~`.
//!
//! **Invariant:** a segment begins with its letters and a star, at the head of a line or behind the end of another; a
//! lone one must end as segments do, or be written in full.

use super::{Read, Segment, day, name, number, parts, value};
use crate::anonymize::cue::is_common;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// Letters that segments begin with, and the elements that a lone one must have where no sign ends it.
const HEADS: [(&str, usize); 47] = [
    ("NM1", 3),
    ("REF", 2),
    ("PER", 3),
    ("DMG", 2),
    ("DTP", 3),
    ("DTM", 2),
    ("CLM", 4),
    ("CLP", 4),
    ("SBR", 5),
    ("BHT", 4),
    ("TRN", 3),
    ("INS", 4),
    ("ISA", 9),
    ("BPR", 6),
    ("HD", LONE),
    ("N1", LONE),
    ("N2", LONE),
    ("N3", LONE),
    ("N4", LONE),
    ("GS", LONE),
    ("ST", LONE),
    ("SE", LONE),
    ("GE", LONE),
    ("HI", LONE),
    ("HL", LONE),
    ("LX", LONE),
    ("OI", LONE),
    ("LQ", LONE),
    ("SV1", LONE),
    ("SV2", LONE),
    ("SV3", LONE),
    ("SVC", LONE),
    ("SVD", LONE),
    ("PRV", LONE),
    ("PAT", LONE),
    ("AMT", LONE),
    ("CAS", LONE),
    ("QTY", LONE),
    ("STC", LONE),
    ("MOA", LONE),
    ("MIA", LONE),
    ("CL1", LONE),
    ("PWK", LONE),
    ("NTE", LONE),
    ("EQ", LONE),
    ("EB", LONE),
    ("IEA", LONE),
];

/// Never without its sign.
const LONE: usize = usize::MAX;

/// The segments of a text and their values.
pub(super) fn read(text: &str) -> Read {
    let mut read = Read::default();
    if !text.contains('*') {
        return read;
    }
    let mut at = 0;
    for line in text.split_inclusive(['~', '\n', '\r']) {
        let start = at;
        at += line.len();
        let body = line.trim_end_matches(['~', '\n', '\r']);
        let closed = line.ends_with('~');
        let Some(from) = head(body, closed, !read.segments.is_empty()) else { continue };
        // Behind a lone one a sentence may go on, and it may be quoted.
        let body = body.get(from..).unwrap_or_default();
        let body = body.split(['`', '"']).next().unwrap_or_default();
        segment(body, start + from, &mut read);
    }
    read
}

/// Where in the line the segment begins.
fn head(line: &str, closed: bool, known: bool) -> Option<usize> {
    let stars = line.match_indices('*').map(|(at, _)| at);
    let mut begins = stars.filter_map(|star| {
        let from = line.get(..star)?.rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let (_, least) = HEADS.iter().find(|(id, _)| line.get(from..star) == Some(*id))?;
        let before = line.get(..from)?.chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || "\"'`(:".contains(c));
        let rest = line.get(star..)?;
        let full = rest.matches('*').count() >= *least && !rest.starts_with("* ") && !rest.starts_with("**");
        (apart && (closed || known && from == 0 || full)).then_some(from)
    });
    begins.next()
}

/// Reads one segment.
fn segment(body: &str, start: usize, read: &mut Read) {
    let all: Vec<(usize, &str)> = parts(body, start, '*').collect();
    let part = |n: usize| all.get(n).copied().unwrap_or((start, ""));
    let out = &mut read.found;
    let mut free = Vec::new();
    match part(0).1 {
        "NM1" => entity(&all, out),
        "N1" => {
            value(part(2), of_entity(part(1).1), out);
            identified(part(3).1, part(4), out);
        }
        "N3" => [part(1), part(2)].into_iter().for_each(|part| value(part, Type::ADDRESS, out)),
        "N4" => {
            for (n, ty) in [(1, Type::CITY), (2, Type::STATE), (3, Type::POSTCODE), (4, Type::COUNTRY)] {
                value(part(n), ty, out);
            }
        }
        "DMG" => day(part(2), out),
        "DTP" => days(part(3), out),
        "DTM" => days(part(2), out),
        "REF" => referred(part(1).1, part(2), out),
        "PER" => contact(&all, out),
        "CLM" | "CLP" => {
            number(part(1), Type::ACCOUNT, out);
            if part(0).1 == "CLP" {
                number(part(7), Type::ID, out);
            }
        }
        "SBR" => {
            number(part(3), Type::HEALTH_PLAN, out);
            value(part(4), Type::ORG, out);
        }
        "BHT" => {
            number(part(3), Type::ID, out);
            day(part(4), out);
        }
        "TRN" => {
            number(part(2), Type::ID, out);
            number(part(3), Type::ID, out);
        }
        "ISA" => {
            [part(6), part(8), part(13)].into_iter().for_each(|part| number(part, Type::ID, out));
            day(part(9), out);
        }
        "GS" => {
            [part(2), part(3)].into_iter().for_each(|part| number(part, Type::ID, out));
            day(part(4), out);
        }
        "BPR" => {
            [part(9), part(15)].into_iter().for_each(|part| number(part, Type::ACCOUNT, out));
            day(part(16), out);
        }
        "NTE" => free.push(part(2).0..start + body.len()),
        _ => {}
    }
    read.segments.push(Segment { range: start..start + body.len(), free });
}

/// `NM1*IL*1*SMITH*JOHN*A**JR*MI*W1234`.
fn entity(all: &[(usize, &str)], out: &mut Vec<Finding>) {
    let part = |n: usize| all.get(n).copied().unwrap_or((0, ""));
    if part(2).1 == "1" {
        name(all.get(3..all.len().min(6)).unwrap_or_default(), out);
    } else {
        value(part(3), of_entity(part(1).1), out);
    }
    identified(part(8).1, part(9), out);
}

/// What an organisation is, by its part in the claim.
fn of_entity(code: &str) -> Type {
    match code {
        "PR" | "40" | "41" | "IN" | "TT" => Type::ORG,
        "36" | "ES" => Type::EMPLOYER,
        "IL" | "QC" | "74" | "QD" | "GD" | "P3" => Type::NAME,
        _ => Type::FACILITY,
    }
}

/// A number by the code before it.
fn identified(code: &str, part: (usize, &str), out: &mut Vec<Finding>) {
    match code {
        "MI" | "II" | "ZZ" => number(part, Type::HEALTH_PLAN, out),
        "34" | "SY" => number(part, Type::US_SSN, out),
        "XX" if part.1.len() == 10 => number(part, Type::US_NPI, out),
        _ => number(part, Type::ID, out),
    }
}

/// `REF*SY*418630925`; of versions and kinds nothing is told.
fn referred(code: &str, part: (usize, &str), out: &mut Vec<Finding>) {
    match code {
        "87" | "ZZ" | "CE" | "T4" => {}
        "SY" => number(part, Type::US_SSN, out),
        "EA" => number(part, Type::MRN, out),
        "1L" | "IG" | "0F" | "1W" | "23" | "3H" | "6P" | "18" => number(part, Type::HEALTH_PLAN, out),
        "0B" => number(part, Type::LICENSE_ID, out),
        _ => number(part, Type::ID, out),
    }
}

/// `20240110`, `20240110-20240112`.
fn days(part: (usize, &str), out: &mut Vec<Finding>) {
    parts(part.1, part.0, '-').for_each(|part| day(part, out));
}

/// `PER*IC*ANNA BERG*TE*5555550101*EM*a@b.org`.
fn contact(all: &[(usize, &str)], out: &mut Vec<Finding>) {
    let Some(who) = all.get(2).copied() else { return };
    let office = who.1.split(' ').all(|word| is_common(&word.to_lowercase()));
    if !office {
        name(&[who], out);
    }
    for pair in all.get(3..).unwrap_or_default().chunks_exact(2) {
        let digits = pair[1].1.bytes().filter(u8::is_ascii_digit).count();
        let ty = match pair[0].1 {
            "TE" | "CP" | "HP" | "WP" | "AP" if digits >= 5 => Type::PHONE,
            "FX" if digits >= 5 => Type::FAX,
            "EM" => Type::EMAIL,
            _ => continue,
        };
        out.push(Finding::new(pair[1].0, pair[1].0 + pair[1].1.len(), ty, Evidence::Label));
    }
}
