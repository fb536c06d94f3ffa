//! Names, places and houses in code: parts of identifiers, options, calls and keys are none.
//!
//! **Invariant:** a word beyond ASCII, and one with a capital that the lists have for a name, stays one.

use super::Verdict;
use super::line::{self, Lines};
use super::sign::is_camel;
use crate::anonymize::cue::{Role, key_role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};
use crate::anonymize::token::{after, before};
use crate::anonymize::who::is_in_paper;

/// Types of values, and words that stand for one.
const TYPES: [&str; 26] = [
    "string",
    "str",
    "text",
    "varchar",
    "nvarchar",
    "char",
    "character",
    "number",
    "int",
    "integer",
    "bigint",
    "boolean",
    "bool",
    "float",
    "object",
    "null",
    "none",
    "nil",
    "undefined",
    "any",
    "true",
    "false",
    "required",
    "token",
    "apikey",
    "oauth2",
];

/// Words of labels that say that a person is named, whatever stands around.
const PERSONAL: [&str; 27] = [
    "first",
    "last",
    "full",
    "given",
    "family",
    "sur",
    "surname",
    "middle",
    "maiden",
    "nick",
    "display",
    "patient",
    "customer",
    "user",
    "author",
    "committer",
    "contact",
    "member",
    "employee",
    "person",
    "doctor",
    "physician",
    "holder",
    "cardholder",
    "recipient",
    "signed",
    "reviewer",
];

/// What a worded finding is worth on its line.
pub(super) fn judge(text: &str, lines: &Lines, f: &Finding) -> Verdict {
    let said = text.get(f.start..f.end).unwrap_or_default();
    if !said.is_ascii() || said.is_empty() {
        return Verdict::Stays;
    }
    if f.ty == Type::USERNAME {
        return username(said);
    }
    if is_in_paper(&text[f.end..]) {
        return Verdict::Stays;
    }
    if f.evidence < Evidence::Label && (is_sequence(said) || is_octet(text.as_bytes(), f))
        || f.evidence <= Evidence::Model && is_numbered(text, f)
        || f.evidence <= Evidence::Label && is_member(said)
    {
        return Verdict::Goes;
    }
    let code = lines.code(f.start);
    // Numbers of houses, and what is taken for them, go on in many ways.
    let lettered = said.starts_with(|c: char| c.is_ascii_alphabetic());
    if code && lettered && is_part(text.as_bytes(), f, said) {
        return Verdict::Goes;
    }
    if code && (f.evidence <= Evidence::Model || f.evidence == Evidence::Label) {
        return known(text, f, said);
    }
    // Beside code also prose names programs: `dotenv-linter`, `mxtoolbox`.
    let of_tools = f.evidence < Evidence::Label && lines.any() && is_small(said) && listed(said, NAMED) == 0;
    if of_tools { Verdict::Doubtful } else { Verdict::Stays }
}

/// How sure the model must be of a name with a capital that no list has.
const SURE: u8 = 98;
const NAMED: u8 = lists::GIVEN | lists::SURNAME;
const PLACED: u8 = lists::CITY | lists::STATE | lists::COUNTRY;

fn is_small(said: &str) -> bool {
    !said.bytes().any(|b| b.is_ascii_uppercase())
}

/// `string`, `__token__`: what stands where the name of a user would.
fn username(said: &str) -> Verdict {
    let word = said.trim_matches(['_', ';', ',']).to_ascii_lowercase();
    // `login.username=Identifiant`: a label, as a form shows it.
    let label = key_role(&word) == Some(Role::FieldUser);
    if TYPES.contains(&word.as_str()) || label { Verdict::Goes } else { Verdict::Stays }
}

/// A part of `us-west-2`, `sunny-otter-412`, `ip-10-0-9-4`: small words and numbers joined by dashes.
fn is_numbered(text: &str, f: &Finding) -> bool {
    let bytes = text.as_bytes();
    let inside = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
    let left = bytes[..f.start].iter().rev().take(40).take_while(inside).count();
    let right = bytes[f.end..].iter().take(40).take_while(inside).count();
    let run = &bytes[f.start - left..f.end + right];
    let parts = run.split(|b| *b == b'-').count();
    // Longer numbers may be somebody's.
    let short = run.split(|b| !b.is_ascii_digit()).all(|number| number.len() <= 3);
    let apart = |b: u8| !b.is_ascii_alphanumeric();
    parts >= 3
        && short
        && run.iter().all(|b| inside(&b))
        && run.first().is_some_and(u8::is_ascii_lowercase)
        && run.last().is_some_and(u8::is_ascii_digit)
        && apart(before(bytes, f.start - left))
        && apart(after(bytes, f.end + right))
}

/// `apiKey`, `secretKeyRef`: a small letter first, capitals within, and no name among its parts.
fn is_member(said: &str) -> bool {
    let word = said.bytes().all(|b| b.is_ascii_alphanumeric()) && is_camel(said.as_bytes());
    let mut rest = said;
    let parts = std::iter::from_fn(|| {
        let next = rest.find(|c: char| c.is_ascii_uppercase()).filter(|at| *at > 0);
        let next = next.or_else(|| rest.get(1..)?.find(|c: char| c.is_ascii_uppercase()).map(|at| at + 1));
        let (part, more) = rest.split_at(next.unwrap_or(rest.len()));
        rest = more;
        (!part.is_empty()).then_some(part)
    });
    word && said.starts_with(|c: char| c.is_ascii_lowercase())
        && parts.map(|part| listed(part, NAMED)).sum::<usize>() == 0
}

/// `:AA` of a fingerprint: two hexadecimal digits behind a colon and two others.
fn is_octet(text: &[u8], f: &Finding) -> bool {
    let pair = |bytes: &[u8]| bytes.len() == 2 && bytes.iter().all(u8::is_ascii_hexdigit);
    let head = f.start.checked_sub(3).map(|from| &text[from..f.start]);
    pair(&text[f.start..f.end]) && matches!(head, Some([a, b, b':']) if pair(&[*a, *b]))
}

/// `CACCGCAGCATGTCAAGATCACAG`, `BSYNRYMUTXBXSQ-UHFFFAOYSA-N`: letters that no name has so many of.
fn is_sequence(said: &str) -> bool {
    said.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let capitals = word.bytes().all(|b| b.is_ascii_uppercase());
        let bases = word.len() >= 12 && word.bytes().all(|b| b"ACGTUN".contains(&b));
        let masked = word.len() >= 4 && word.bytes().all(|b| b"xX".contains(&b));
        bases || masked || word.len() >= 20 && capitals || word.len() == 14 && capitals && said.contains("-")
    })
}

/// A part of an identifier, an option, a call, a name that goes on in code.
fn is_part(text: &[u8], f: &Finding, said: &str) -> bool {
    let (prev, next) = (before(text, f.start), after(text, f.end));
    let beyond = after(text, f.end + 1);
    let head = f.start.checked_sub(2).map_or(b' ', |at| text[at]);
    // `thank you. -Rosalind`, the end of a message.
    let signed = said.starts_with(|c: char| c.is_ascii_uppercase())
        && text[f.end..].iter().take(2).all(|b| b" .\r\n".contains(b));
    let option = prev == b'-'
        && (head == b'-' || matches!(head, b' ' | b'\n') && listed(said, NAMED) == 0 && !signed)
        || [" --", " -"].iter().any(|mark| {
            said.match_indices(mark)
                .any(|(at, _)| said[at + mark.len()..].starts_with(|c: char| c.is_ascii_alphabetic()))
        });
    let led = match prev {
        b'_' | b'\\' | b'$' | b'~' | b'%' => true,
        b'-' | b'.' | b'/' | b':' => head.is_ascii_alphanumeric() && f.evidence < Evidence::Label,
        _ => false,
    };
    let goes_on = match next {
        b'_' | b'\\' | b'(' | b'[' | b'$' => true,
        b'=' | b'/' | b'-' => beyond.is_ascii_alphanumeric() || beyond == b'"',
        b'.' => beyond.is_ascii_alphanumeric() && f.end - f.start > 1,
        b':' => beyond == b':' || beyond.is_ascii_alphanumeric(),
        _ => false,
    };
    let camel = said.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| is_camel(word.as_bytes()));
    let dotted = said.bytes().zip(said.bytes().skip(1)).any(|(a, b)| a == b'.' && b.is_ascii_alphabetic())
        && !said.contains(". ");
    let odd = f.evidence <= Evidence::Model && (camel || dotted || said.contains('_'));
    option || led || goes_on || odd
}

/// On the word of a label or of the model alone: names that the lists have.
fn known(text: &str, f: &Finding, said: &str) -> Verdict {
    let personal = f.evidence == Evidence::Label && {
        let label = label_before(text, f.start);
        label.is_empty() || label.split(' ').any(|word| PERSONAL.contains(&word))
    };
    let spaced = said.contains(' ');
    let title = said.split(' ').filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())).count();
    let sure = f.evidence == Evidence::Model && f.score >= SURE && title > 0;
    let stays = match f.ty {
        Type::NAME => {
            personal
                || sure
                || listed(said, NAMED) > 0 && (title > 0 || f.evidence == Evidence::Label)
                || spaced && title >= 2 && f.evidence == Evidence::Label
        }
        Type::CITY | Type::STATE | Type::COUNTRY => {
            title > 0 && listed(said, PLACED) > 0 || f.evidence == Evidence::Label
        }
        Type::ADDRESS => spaced && title > 0 && !said.contains(['=', '&']),
        _ => spaced && title >= 2 || personal,
    };
    let verdict = if f.evidence == Evidence::Label && !spaced { Verdict::Goes } else { Verdict::Doubtful };
    if stays { Verdict::Stays } else { verdict }
}

/// Words of the finding that stand in one of the lists, and are no words of the language.
fn listed(said: &str, of: u8) -> usize {
    said.split(|c: char| !c.is_ascii_alphabetic() && c != '\'')
        .filter(|word| word.len() > 1)
        .filter(|word| {
            let found = ner::lists_of(&word.to_ascii_lowercase());
            found & of != 0 && found & lists::COMMON == 0
        })
        .count()
}

/// How far before a value its label begins.
const LABEL: usize = 64;

/// The words of the label right before a value, in lower case: `patient_name: "`.
fn label_before(text: &str, at: usize) -> String {
    let (line, _) = line::head(text.as_bytes(), at, LABEL);
    let line = text.get(at - line.len()..at).unwrap_or_default();
    let name = line.trim_end_matches([' ', '"', '\'', ':', '=', '>', '<', '\t', '(', '[', '{']);
    let start =
        name.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))).map_or(0, |at| at + 1);
    crate::anonymize::label::plain_key(name.get(start..).unwrap_or_default())
}
