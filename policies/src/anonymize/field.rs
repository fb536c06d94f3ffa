//! Fields: `Patient: Doe, John`, `"city": "Tulsa"`, and cells under a header; the label says what the value is.
//!
//! **Invariant:** a label speaks only across its colon, its cell border or its key, never across a line.

use super::cue::{Cue, Reading, Role, key_role};
use super::kind::{Evidence, Finding, Type};
use super::words::{Caps, Word};
use super::{age, label, place, who};

mod table;

/// The type of the values of a label.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other roles are no labels")]
fn type_of(role: Role) -> Option<Type> {
    Some(match role {
        Role::FieldName => Type::NAME,
        Role::FieldTitle => Type::TITLE,
        Role::FieldUser => Type::USERNAME,
        Role::FieldAddress => Type::ADDRESS,
        Role::FieldCity => Type::CITY,
        Role::FieldState => Type::STATE,
        Role::FieldCountry => Type::COUNTRY,
        Role::FieldPostcode => Type::POSTCODE,
        Role::FieldGeo => Type::GEO,
        Role::FieldOrg => Type::ORG,
        Role::FieldEmployer => Type::EMPLOYER,
        Role::FieldFacility => Type::FACILITY,
        Role::FieldAge => Type::AGE,
        Role::FieldNrp => Type::NRP,
        _ => return None,
    })
}

/// The values that labels, the key and table headers point at.
pub(crate) fn find(r: &Reading<'_>, key: &str, out: &mut Vec<Finding>) {
    for cue in &r.cues {
        if let Some(ty) = type_of(cue.role) {
            labelled(r, cue, ty, out);
        }
    }
    let words = label::plain_key(key);
    let plain = !r.text.chars().any(char::is_uppercase) && r.text.is_ascii();
    let role = |ty: &Type| !(*ty == Type::NAME && plain && !NAMING.iter().any(|part| words.contains(part)));
    if let Some(ty) = type_of_key(&words).filter(role) {
        let to = if ty == Type::NAME { name_ends(r.text) } else { r.text.len() };
        whole(r, ty, (0, to), out);
    }
    table::find(r, out);
}

/// Where the name that a cell begins with ends: before a gap, a bracket or a stroke, and what stands behind it.
fn name_ends(cell: &str) -> usize {
    const BEHIND: [&str; 5] = ["  ", "\t", " (", " / ", " | "];
    let lead = cell.len() - cell.trim_start().len();
    let ends = BEHIND.iter().filter_map(|sign| cell[lead..].find(sign));
    ends.min().map_or(cell.len(), |end| lead + end)
}

/// Does a key of these words say what words its value is?
pub(crate) fn says(words: &str) -> bool {
    type_of_key(words).is_some()
}

/// The type of the values of a key, by its words; there may be two of it.
fn type_of_key(words: &str) -> Option<Type> {
    let stem = words.strip_suffix(" 1").or_else(|| words.strip_suffix(" 2")).unwrap_or(words);
    key_role(stem).and_then(type_of)
}

/// A label and its value on one line.
fn labelled(r: &Reading<'_>, cue: &Cue, ty: Type, out: &mut Vec<Finding>) {
    let last = plural(r, cue.last);
    let gap = r.gap(last);
    let post = ty == Type::POSTCODE && gap == " ";
    let mark = gap.trim_matches([' ', '*', '"', '\'', ')', '.', '_', '(', '[', '<', '#']);
    let marked = matches!(mark, ":" | "=" | "：" | "\t" | "::" | "=>" | ":-" | ":**" | "->");
    if gap.contains('\n') || gap.len() > 12 || !(marked || post) || mark == "->" && ty == Type::NAME {
        return;
    }
    // `reply to: ...`: a label is not the end of a longer one, and small ones begin their line.
    let small = r.word(cue.last).is_some_and(|w| w.chars <= 4) && cue.first == cue.last;
    if small
        && !post
        && !r.begins(cue.first)
        && r.word(cue.first).is_some_and(|w| w.caps == Caps::Lower)
        && r.gap_before(cue.first) != ", "
    {
        return;
    }
    if ty == Type::NAME {
        let label = r.words[cue.first..=cue.last]
            .iter()
            .map(|word| word.of(r.text).to_lowercase())
            .collect::<String>();
        let says_name = NAMING.iter().any(|part| label.contains(part));
        // `CC: knee pain`: a chief complaint.
        if label == "cc" && (!r.proper(last + 1) || r.has(last + 1, Role::Common)) {
            return;
        }
        if r.str(cue.first) == "name" && label == "name" && of_settings(r.text, r.words[cue.first].start) {
            return;
        }
        return names(r, last + 1, says_name, out);
    }
    value(r, last + 1, ty, out);
}

/// The last word of a label: that in `Forename(s)`, `Empfänger(in)`.
fn plural(r: &Reading<'_>, last: usize) -> usize {
    let ending =
        r.gap(last) == "(" && r.word(last + 1).is_some_and(|w| w.caps == Caps::Lower && w.chars <= 4);
    if ending && r.gap(last + 1).starts_with(')') { last + 1 } else { last }
}

/// Bytes around a `name:` in which settings show themselves.
const AROUND: usize = 240;

/// Is the `name` at byte `at` a line of settings: of a job, a service, a package?
pub(crate) fn of_settings(text: &str, at: usize) -> bool {
    const KEYS: [&[u8]; 13] = [
        b"apiVersion:",
        b"kind:",
        b"runs-on:",
        b"steps:",
        b"jobs:",
        b"uses:",
        b"image:",
        b"version:",
        b"services:",
        b"namespace:",
        b"replicas:",
        b"dependencies:",
        b"run:",
    ];
    let bytes = text.as_bytes();
    let near = &bytes[at.saturating_sub(AROUND)..(at + AROUND).min(bytes.len())];
    let mut lines = near.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_start);
    let key = |line: &[u8]| KEYS.iter().any(|key| line.strip_prefix(b"- ").unwrap_or(line).starts_with(key));
    lines.any(key)
}

/// Parts of labels that say `name` in many languages.
const NAMING: &[&str] = &[
    "nam",
    "nom",
    "imię",
    "nazwisko",
    "navn",
    "nimi",
    "jmén",
    "név",
    "nume",
    "apellido",
    "surname",
    "cardholder",
    "имя",
    "фамилия",
    "фио",
];

fn push(r: &Reading<'_>, (first, last): (usize, usize), ty: Type, out: &mut Vec<Finding>) {
    r.mark((first, last), ty, Evidence::Label, out);
}

/// The value of the type that begins at word `first`.
fn value(r: &Reading<'_>, first: usize, ty: Type, out: &mut Vec<Finding>) {
    let text = r.text;
    if r.word(first).is_none() {
        return;
    }
    if ty == Type::AGE {
        age::value(r, first, out);
    } else if ty == Type::POSTCODE {
        if let Some(last) = place::postcode(r, first) {
            push(r, (first, last), ty, out);
        }
    } else if ty == Type::GEO {
        let start = r.word(first).map_or(0, |w| w.start);
        let signed = start - usize::from(text.get(..start).is_some_and(|head| head.ends_with(['-', '+'])));
        if let Some(end) = place::coordinate(text, signed) {
            out.push(Finding::new(signed, end, ty, Evidence::Label));
        }
    } else if ty == Type::ADDRESS {
        if let Some(span) = place::address_value(r, first) {
            push(r, span, ty, out);
        }
    } else if ty == Type::USERNAME {
        // Handles have their own reader, for what may stand in them.
    } else if ty == Type::TITLE {
        if r.has(first, Role::Honorific) {
            push(r, (first, first), ty, out);
        }
    } else {
        let code = ty == Type::STATE
            && r.word(first).is_some_and(|w| w.caps == Caps::Upper && r.has(first, Role::StateCode));
        let known =
            [Role::City, Role::State, Role::Country, Role::Nrp].iter().any(|role| r.has(first, *role));
        let named = code
            || known
            || r.proper(first)
            || r.word(first).is_some_and(|w| w.caps == Caps::None && w.digits == 0)
            || [Type::EMPLOYER, Type::ORG, Type::FACILITY].contains(&ty)
                && r.word(first).is_some_and(Word::capital)
                && !common(r, first);
        if let Some(span) = place::value(r, first).filter(|_| named) {
            push(r, span, ty, out);
        }
    }
}

/// The whole value is small words: `Hospital: see below`.
fn common(r: &Reading<'_>, first: usize) -> bool {
    place::value(r, first).is_none_or(|(a, b)| (a..=b).all(|i| r.has(i, Role::Common)))
}

/// One name after a label, or several between commas, semicolons and addresses.
fn names(r: &Reading<'_>, first: usize, says_name: bool, out: &mut Vec<Finding>) {
    let mut at = first;
    for _ in 0..20 {
        let Some((from, last)) = who::value(r, at, says_name) else { return };
        // `Surname: Berg; Forename(s): Anna`: the next label.
        if at > first && r.gap(plural(r, last)).trim_start_matches(')').starts_with(':') {
            return;
        }
        if from > at {
            push(r, (at, from - 1), Type::TITLE, out);
        }
        push(r, (from, last), Type::NAME, out);
        let gap = r.gap(last);
        at = if gap.contains('<') && !gap.contains('\n') {
            // Past the address in brackets.
            let close =
                r.words.get(last + 1).and_then(|w| r.text.get(w.start..)?.find('>').map(|n| w.start + n));
            let Some(close) = close else { return };
            r.words.partition_point(|w| w.start < close)
        } else {
            last + 1
        };
        let sep = at.checked_sub(1).map_or("", |i| r.gap(i));
        if !matches!(sep.trim_start_matches('>'), "; " | ", " | " & " | " / " | ";") || !r.proper(at) {
            return;
        }
    }
}

/// A text that is nothing but the value of its key or cell.
fn whole(r: &Reading<'_>, ty: Type, (from, to): (usize, usize), out: &mut Vec<Finding>) {
    let first = r.words.partition_point(|w| w.start < from);
    let end = r.words.partition_point(|w| w.end <= to);
    let (Some(a), Some(b)) =
        (r.word(first), end.checked_sub(1).filter(|last| *last >= first).and_then(|last| r.word(last)))
    else {
        return;
    };
    let text = r.text.get(a.start..b.end).unwrap_or_default();
    let count = end - first;
    let lettered = text.chars().any(char::is_alphabetic);
    // `get_weather`, `us-east-1`: a name of something in code.
    let coded = text.contains('_') || !text.contains(' ') && text.bytes().any(|b| b.is_ascii_digit());
    let fits = if ty == Type::NAME {
        let capital = (first..end).any(|i| r.word(i).is_some_and(|w| w.caps != Caps::Lower));
        let small = (first..end).filter(|i| r.has(*i, Role::Common)).count();
        count <= 6
            && lettered
            && !coded
            && !text.contains(['\n', '=', '{'])
            && (small == 0 || capital && small < count)
            || count <= 3 && capital && small == count && lettered && count >= 2
    } else if ty == Type::ADDRESS {
        text.len() <= 160 && count >= 2 && (text.bytes().any(|b| b.is_ascii_digit()) || r.proper(first))
    } else if ty == Type::USERNAME {
        count <= 4 && !text.contains(' ') && text.len() >= 3 && lettered
    } else if ty == Type::AGE {
        return age::value(r, first, out);
    } else if ty == Type::POSTCODE {
        text.len() <= 10 && text.bytes().filter(u8::is_ascii_digit).count() >= 2
    } else if ty == Type::GEO {
        return value(r, first, ty, out);
    } else {
        let small = (first..end).all(|i| r.has(i, Role::Common));
        let code = ty == Type::STATE && r.has(first, Role::StateCode) && text.len() == 2;
        count <= 8 && lettered && !text.contains('\n') && (!small || code) && !coded
    };
    if !fits {
        return;
    }
    // `Gunderson, Arlo T Acct`: the next label.
    let label = ty == Type::NAME && count > 2 && r.has(end - 1, Role::Label);
    let end = if label { end - 1 } else { end };
    let title = (first..end)
        .take_while(|i| {
            ty == Type::NAME && r.has(*i, Role::Honorific) && r.word(*i).is_some_and(|w| w.chars <= 4)
        })
        .count();
    let title = if first + title < end { title } else { 0 };
    if title > 0 {
        push(r, (first, first + title - 1), Type::TITLE, out);
    }
    push(r, (first + title, end - 1), ty, out);
}

#[cfg(test)]
mod tests;
