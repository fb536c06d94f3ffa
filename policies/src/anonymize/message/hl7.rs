//! Segments of HL7 v2: `PID|1||6610294^^^MR||OYELARAN^FOLAKE||19910305|F`, each on its line or one behind the other.
//!
//! **Invariant:** a segment begins with its three letters and a bar, apart or behind another segment, and is written
//! as its kind is; nothing is found in a field that its row does not name.

use std::ops::Range;
use std::sync::LazyLock;

use super::{Read, Segment, day, name, number, parts, value};
use crate::anonymize::cue::is_common;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// How a field is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `FAMILY^GIVEN^MIDDLE`.
    Name,
    /// `ID^FAMILY^GIVEN`.
    Doctor,
    /// The same as one component: `ID&FAMILY&GIVEN`.
    Reader,
    Day,
    /// Days among other components.
    Days,
    /// `ID^^^AUTHORITY^KIND`.
    Record,
    Account,
    Plan,
    Licence,
    Ssn,
    Code,
    Device,
    Address,
    Phone,
    /// `UNIT^ROOM^BED^FACILITY`.
    Place,
    Facility,
    /// Of a facility or of its machine.
    Sender,
    Employer,
    Org,
    City,
    Text,
    /// As another field says.
    Value,
}

const KINDS: &[(&str, Kind)] = &[
    ("name", Kind::Name),
    ("doctor", Kind::Doctor),
    ("reader", Kind::Reader),
    ("day", Kind::Day),
    ("days", Kind::Days),
    ("record", Kind::Record),
    ("account", Kind::Account),
    ("plan", Kind::Plan),
    ("licence", Kind::Licence),
    ("ssn", Kind::Ssn),
    ("code", Kind::Code),
    ("device", Kind::Device),
    ("address", Kind::Address),
    ("phone", Kind::Phone),
    ("place", Kind::Place),
    ("facility", Kind::Facility),
    ("sender", Kind::Sender),
    ("employer", Kind::Employer),
    ("org", Kind::Org),
    ("city", Kind::City),
    ("text", Kind::Text),
    ("value", Kind::Value),
];

/// A segment by its letters, and its fields by their numbers.
struct Row {
    id: &'static str,
    fields: Vec<(usize, Kind)>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let lines = include_str!("../../../forms/hl7.txt").lines().filter(|line| !line.starts_with('#'));
    let field = |entry: &str| {
        let (number, kind) = entry.trim().split_once(' ')?;
        let (_, kind) = KINDS.iter().find(|(name, _)| *name == kind)?;
        Some((number.parse().ok()?, *kind))
    };
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(id, fields)| Row { id, fields: fields.split(',').filter_map(field).collect() })
        .collect()
});

/// Segments whose first field is a number in order, or empty.
const COUNTED: [&str; 18] = [
    "PID", "NK1", "PV1", "GT1", "IN1", "IN3", "DG1", "AL1", "IAM", "PR1", "OBR", "OBX", "NTE", "TXA", "SPM",
    "AIG", "AIL", "AIP",
];

/// Segments about people: two words side by side in any field of theirs may be a name out of place.
const PEOPLE: [&str; 6] = ["PID", "NK1", "PV1", "GT1", "IN1", "MRG"];

/// The segments of a text and their values.
pub(super) fn read(text: &str) -> Read {
    let mut read = Read::default();
    if !text.contains('|') {
        return read;
    }
    let heads = heads(text);
    for (i, (start, row)) in heads.iter().enumerate() {
        let next = heads.get(i + 1).map_or(text.len(), |next| next.0);
        let end = end(text, *start, next);
        segment(text, *start..end, row, &mut read);
    }
    read
}

/// Where segments begin.
fn heads(text: &str) -> Vec<(usize, &'static Row)> {
    let mut out: Vec<(usize, &Row)> = Vec::new();
    for (bar, _) in text.match_indices('|') {
        let Some(start) = bar.checked_sub(3) else { continue };
        let row = text.get(start..bar).and_then(|id| ROWS.iter().find(|row| row.id == id));
        let Some(row) = row else { continue };
        let before = text.get(..start).and_then(|head| head.chars().next_back());
        // Behind another segment, the end of a line may be lost.
        let apart = match before {
            None => true,
            Some(c) if out.is_empty() => !c.is_alphanumeric() && !"|^~&\\_-".contains(c),
            Some(c) => !"|^~&".contains(c),
        };
        if apart && fits(text.get(bar + 1..).unwrap_or_default(), row.id, !out.is_empty()) {
            out.push((start, row));
        }
    }
    out
}

/// Is what follows the first bar written as in such a segment?
fn fits(rest: &str, id: &str, known: bool) -> bool {
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    if id == "MSH" {
        return line.starts_with("^~") || line.starts_with('^');
    }
    let first = line.split('|').next().unwrap_or_default();
    let more = line.contains("||") || line.contains('^');
    if COUNTED.contains(&id) {
        let counted = first.len() <= 4 && first.bytes().all(|b| b.is_ascii_digit());
        return counted && (known || more && line.matches('|').count() >= 2);
    }
    let code = first.len() <= 40 && !first.contains(' ');
    code && line.contains('|') && (known || more && line.matches('|').count() >= 3)
}

/// The end of the segment at `start`, before that of the next: its line's, or where a sentence goes on behind it.
fn end(text: &str, start: usize, next: usize) -> usize {
    let body = text.get(start..next).unwrap_or_default();
    let line = body.split(['\n', '\r']).next().unwrap_or_default();
    let quoted = line.match_indices(['`', '"']).find(|(at, sign)| {
        let doubled = line.get(at + 1..).is_some_and(|rest| rest.starts_with('"'))
            || line.get(..*at).is_some_and(|head| head.ends_with('"'));
        *sign == "`" || !doubled
    });
    let line = quoted.map_or(line, |(at, _)| line.get(..at).unwrap_or_default());
    start + line.len()
}

/// Reads one segment.
fn segment(text: &str, range: Range<usize>, row: &Row, read: &mut Read) {
    let body = text.get(range.clone()).unwrap_or_default();
    let count = body.matches('|').count();
    // The first bar of a header is a field of its own.
    let shift = usize::from(row.id == "MSH");
    // Where the last bar is not the last sign, nothing of the segment stands behind a space.
    let body = body
        .rfind("| ")
        .filter(|at| body.get(at + 1..).is_some_and(|rest| !rest.contains('|')))
        .map_or(body, |at| body.get(..=at).unwrap_or_default());
    let range = range.start..range.start + body.len();
    let fields: Vec<(usize, &str)> = parts(body, range.start, '|').collect();
    let value_kind = fields.get(2).map_or("", |(_, text)| text);
    let mut segment = Segment { range, free: Vec::new() };
    for (at, (start, text)) in fields.iter().copied().enumerate().skip(1) {
        let kind = row.fields.iter().find(|(number, _)| *number == at + shift).map(|(_, kind)| *kind);
        let kind = if kind == Some(Kind::Value) { of_value(value_kind, text) } else { kind };
        let Some(kind) = kind.filter(|kind| *kind != Kind::Text) else {
            let prose = kind.is_some() || PEOPLE.contains(&row.id) && two_words(text);
            // Behind the last bar a sentence may go on.
            let from = if prose { 0 } else { text.find(' ').filter(|_| at == count).unwrap_or(text.len()) };
            if !prose && at == count && from < text.len() {
                segment.range.end = start + from;
            } else if prose {
                segment.free.push(start..start + text.len());
            }
            continue;
        };
        let text = if at == count { closed(text) } else { text };
        for (start, repeat) in parts(text, start, '~') {
            field(kind, start, repeat, &mut read.found);
        }
    }
    read.segments.push(segment);
}

/// The last field of a line without the sentence that goes on behind it: `04240 and so on`.
fn closed(text: &str) -> &str {
    let small = |at: &usize| text.get(at + 1..).is_some_and(|rest| rest.starts_with(char::is_lowercase));
    let cut = text.match_indices(' ').map(|(at, _)| at).find(small);
    text.get(..cut.unwrap_or(text.len())).unwrap_or_default()
}

/// How the value of an observation is written, by its type.
fn of_value(kind: &str, text: &str) -> Option<Kind> {
    match kind {
        "DT" | "TS" | "DTM" => Some(Kind::Day),
        "PN" | "XPN" => Some(Kind::Name),
        "CN" | "XCN" => Some(Kind::Doctor),
        "AD" | "XAD" => Some(Kind::Address),
        "TN" | "XTN" => Some(Kind::Phone),
        "TX" | "FT" => Some(Kind::Text),
        "ST" | "" if text.contains(' ') => Some(Kind::Text),
        _ => None,
    }
}

/// `DOE^JANE`.
fn two_words(text: &str) -> bool {
    let word = |part: &str| {
        part.chars().count() >= 2 && part.chars().all(|c| c.is_alphabetic() || " '-.".contains(c))
    };
    let mut parts = text.split('^');
    parts.next().is_some_and(word) && parts.next().is_some_and(word)
}

/// Reads one repeat of a field.
fn field(kind: Kind, start: usize, text: &str, out: &mut Vec<Finding>) {
    let sign = if kind == Kind::Reader { '&' } else { '^' };
    let text = if kind == Kind::Reader { text.split('^').next().unwrap_or_default() } else { text };
    let all: Vec<(usize, &str)> = parts(text, start, sign).filter(|_| text != "\"\"").collect();
    let Some(first) = all.first().copied() else { return };
    let part = |n: usize| all.get(n).copied().unwrap_or((start, ""));
    match kind {
        Kind::Name => name(all.get(..all.len().min(3)).unwrap_or_default(), out),
        Kind::Doctor | Kind::Reader => doctor(&all, out),
        Kind::Day => all.iter().for_each(|part| day(*part, out)),
        Kind::Days => all.iter().filter(|part| part.1.len() >= 8).for_each(|part| day(*part, out)),
        Kind::Record => {
            number(first, record(part(4).1), out);
            called(part(3), Type::FACILITY, out);
        }
        Kind::Account => number(first, Type::ACCOUNT, out),
        Kind::Plan => number(first, Type::HEALTH_PLAN, out),
        Kind::Licence => {
            number(first, Type::LICENSE_ID, out);
            day(part(2), out);
        }
        Kind::Ssn => number(first, Type::US_SSN, out),
        Kind::Code => number(first, Type::ID, out),
        Kind::Device => number(first, Type::DEVICE_ID, out),
        Kind::Address => address(&all, out),
        Kind::Phone => phone(&all, out),
        Kind::Place => {
            called((part(3).0, part(3).1.split('&').next().unwrap_or_default()), Type::FACILITY, out)
        }
        Kind::Facility => {
            value((first.0, first.1.split('&').next().unwrap_or_default()), Type::FACILITY, out);
            number(part(2), Type::ID, out);
        }
        Kind::Sender => called(first, Type::FACILITY, out),
        Kind::Employer => value(first, Type::EMPLOYER, out),
        Kind::Org => value(first, Type::ORG, out),
        Kind::City => value(first, Type::CITY, out),
        Kind::Text | Kind::Value => {}
    }
}

/// `1234567890^SMITH^JOHN^A`, or the name alone.
fn doctor(all: &[(usize, &str)], out: &mut Vec<Finding>) {
    let Some(first) = all.first().copied() else { return };
    let coded = first.1.is_empty() || first.1.bytes().any(|b| b.is_ascii_digit());
    if coded || all.len() >= 4 {
        let npi = first.1.len() == 10 && first.1.bytes().all(|b| b.is_ascii_digit());
        number(first, if npi { Type::US_NPI } else { Type::ID }, out);
        name(all.get(1..all.len().min(4)).unwrap_or_default(), out);
    } else {
        name(all, out);
    }
}

/// What a number of a person is, by its code.
fn record(code: &str) -> Type {
    match code {
        "SS" => Type::US_SSN,
        "DL" | "LN" | "MD" | "DEA" => Type::LICENSE_ID,
        "AN" | "VN" | "PNT" => Type::ACCOUNT,
        "HC" | "MA" | "MB" | "MC" | "MCD" | "MCR" | "SN" => Type::HEALTH_PLAN,
        "PPN" | "NI" | "NH" | "NPI" | "EI" | "EN" => Type::ID,
        _ => Type::MRN,
    }
}

/// `PINE RIDGE HOSP`; a code such as `HOSP` or `LABSYS` is nobody's.
fn called((start, text): (usize, &str), ty: Type, out: &mut Vec<Finding>) {
    const CODES: [&str; 3] = ["HOSP", "GENHOSP", "MAINHOSP"];
    let words = || text.split([' ', '_', '-']).filter(|word| !word.is_empty());
    let short = text.len() <= 6 && words().count() == 1;
    let system = ["LAB", "SYS", "EHR", "EMR", "HIS", "RIS", "ADT", "PACS", "REG", "APP"]
        .iter()
        .any(|part| text.to_ascii_uppercase().contains(part) && words().count() == 1);
    let plain = words().count() == 1 && is_common(&text.to_lowercase());
    if !(short || system || plain || CODES.contains(&text)) {
        value((start, text), ty, out);
    }
}

/// `17 Elm St^Apt 4^Tulsa^OK^74103^USA^^^TULSA`.
fn address(all: &[(usize, &str)], out: &mut Vec<Finding>) {
    const PARTS: [Option<Type>; 9] = [
        Some(Type::ADDRESS),
        Some(Type::ADDRESS),
        Some(Type::CITY),
        Some(Type::STATE),
        Some(Type::POSTCODE),
        Some(Type::COUNTRY),
        None,
        None,
        Some(Type::CITY),
    ];
    for (part, ty) in all.iter().zip(PARTS) {
        if let Some(ty) = ty.filter(|_| part.1.len() >= 2) {
            value(*part, ty, out);
        }
    }
}

/// `(207)555-0101^PRN^PH^^^207^5550101`.
fn phone(all: &[(usize, &str)], out: &mut Vec<Finding>) {
    let kind = all.get(2).map_or("", |part| part.1);
    let ty = if kind == "FX" { Type::FAX } else { Type::PHONE };
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    if let Some(first) = all.first().filter(|part| digits(part.1) >= 5) {
        value(*first, ty, out);
    }
    if let Some(mail) = all.get(3).filter(|part| part.1.contains('@')) {
        value(*mail, Type::EMAIL, out);
    }
    if let (Some(area), Some(local)) = (all.get(5), all.get(6).filter(|part| digits(part.1) >= 5)) {
        let start = if area.1.is_empty() { local.0 } else { area.0 };
        out.push(Finding::new(start, local.0 + local.1.len(), ty, Evidence::Label));
    }
}
