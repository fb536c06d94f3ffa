//! Two answers against each other: texts by words, JSON by paths, calls of tools by name and argument.
//!
//! **Invariant:** pure; what differs in white space or in the order of keys alone is the same.

use std::collections::BTreeMap;

use kolm_core::{Answer, ToolCall};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Words beyond which two texts are not compared: a page is for people.
const MOST_WORDS: usize = 20_000;

/// Whose a piece of the difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Both have it.
    Both,
    /// The teacher's alone.
    Gone,
    /// The student's alone.
    New,
}

impl Mark {
    /// Whether only the teacher has it.
    pub(crate) fn is_gone(&self) -> bool {
        *self == Self::Gone
    }

    /// Whether only the student has it.
    pub(crate) fn is_new(&self) -> bool {
        *self == Self::New
    }
}

/// A run of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) mark: Mark,
    pub(crate) text: String,
}

/// A place in JSON whose value differs; `None` where a side has nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) teacher: Option<String>,
    pub(crate) student: Option<String>,
}

/// What two answers differ in.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The verdict in words.
    pub(crate) summary: String,
    /// The text with what is gone and new in it; empty where the texts are the same or compared by path.
    pub(crate) pieces: Vec<Piece>,
    /// The places that differ, of JSON and of calls.
    pub(crate) places: Vec<Place>,
}

/// Compares two answers.
pub(crate) fn compare(teacher: &Answer, student: &Answer) -> Difference {
    let mut out = Difference::default();
    let mut words: Vec<String> = Vec::new();
    words.extend(texts(&teacher.text, &student.text, &mut out));
    if !teacher.calls.is_empty() || !student.calls.is_empty() {
        words.push(calls(&teacher.calls, &student.calls, &mut out));
    }
    out.summary = words.join("; ");
    out
}

fn texts(teacher: &str, student: &str, out: &mut Difference) -> Option<String> {
    if teacher.is_empty() && student.is_empty() {
        return None;
    }
    if teacher == student {
        return Some("the same text".to_owned());
    }
    if let (Some(a), Some(b)) = (structure(teacher), structure(student)) {
        let (a, b) = (places(&a), places(&b));
        let (same, before) =
            (a.iter().filter(|(path, value)| b.get(*path) == Some(value)).count(), out.places.len());
        out.places.extend(differing(&a, &b, ""));
        return Some(match out.places.len() - before {
            0 => "the same JSON; white space or the order of keys differs".to_owned(),
            n => format!("JSON: {} and {} alike", number(n, "place differs", "places differ"), same),
        });
    }
    if teacher.split_whitespace().eq(student.split_whitespace()) {
        return Some("the same words; white space differs".to_owned());
    }
    if teacher.split_whitespace().count().max(student.split_whitespace().count()) > MOST_WORDS {
        return Some("different texts, too long to compare by words".to_owned());
    }
    out.pieces = pieces(teacher, student);
    let of = |mark| {
        let texts = out.pieces.iter().filter(|piece| piece.mark == mark);
        texts.map(|piece| piece.text.split_whitespace().count()).sum::<usize>()
    };
    Some(format!("{} gone, {} new", number(of(Mark::Gone), "word", "words"), of(Mark::New)))
}

fn number(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The words of both, neighbours of one mark joined.
fn pieces(teacher: &str, student: &str) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for change in TextDiff::from_words(teacher, student).iter_all_changes() {
        let mark = match change.tag() {
            ChangeTag::Equal => Mark::Both,
            ChangeTag::Delete => Mark::Gone,
            ChangeTag::Insert => Mark::New,
        };
        match out.last_mut().filter(|last| last.mark == mark) {
            Some(last) => last.text.push_str(change.value()),
            None => out.push(Piece { mark, text: change.value().to_owned() }),
        }
    }
    out
}

/// The JSON of a text that is an object or a list: a lone number or word is text.
fn structure(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

/// Every leaf by its path.
fn places(value: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    walk("$", value, &mut out);
    out
}

fn walk(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().for_each(|(key, value)| walk(&format!("{path}.{key}"), value, out));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, value)| walk(&format!("{path}[{i}]"), value, out));
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            out.insert(path.to_owned(), value.to_string());
        }
    }
}

fn differing(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>, lead: &str) -> Vec<Place> {
    let mut paths: Vec<&String> = a.keys().chain(b.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let place = |path: &String| Place {
        path: format!("{lead}{path}"),
        teacher: a.get(path).cloned(),
        student: b.get(path).cloned(),
    };
    paths.into_iter().filter(|path| a.get(*path) != b.get(*path)).map(place).collect()
}

/// The n-th call of a tool is compared with the other side's n-th call of it.
fn calls(teacher: &[ToolCall], student: &[ToolCall], out: &mut Difference) -> String {
    let before = out.places.len();
    let (teacher, student) = (by_name(teacher), by_name(student));
    let mut names: Vec<&(String, usize)> = teacher.keys().chain(student.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for key in names {
        let lead = if key.1 == 0 { format!("{} ", key.0) } else { format!("{} #{} ", key.0, key.1 + 1) };
        match (teacher.get(key), student.get(key)) {
            (Some(a), Some(b)) => out.places.extend(differing(&arguments(a), &arguments(b), &lead)),
            (a, b) => out.places.push(Place {
                path: format!("{}call", lead),
                teacher: a.map(|call| (*call).to_owned()),
                student: b.map(|call| (*call).to_owned()),
            }),
        }
    }
    match out.places.len() - before {
        0 => "the same calls".to_owned(),
        n => format!("calls: {}", number(n, "difference", "differences")),
    }
}

fn by_name(calls: &[ToolCall]) -> BTreeMap<(String, usize), &str> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let numbered = calls.iter().map(|call| {
        let n = seen.entry(&call.name).or_default();
        *n += 1;
        ((call.name.clone(), *n - 1), call.arguments.as_str())
    });
    numbered.collect()
}

fn arguments(text: &str) -> BTreeMap<String, String> {
    match serde_json::from_str(text) {
        Ok(value) => places(&value),
        Err(_) => BTreeMap::from([("$".to_owned(), text.to_owned())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, calls: &[(&str, &str)]) -> Answer {
        let call = |(name, arguments): &(&str, &str)| ToolCall {
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        };
        Answer { text: text.to_owned(), calls: calls.iter().map(call).collect() }
    }

    /// The difference on one line: `−gone−`, `+new+`, `path: teacher → student`.
    fn line(teacher: &Answer, student: &Answer) -> String {
        let found = compare(teacher, student);
        let piece = |piece: &Piece| match piece.mark {
            Mark::Both => piece.text.clone(),
            Mark::Gone => format!("−{}−", piece.text),
            Mark::New => format!("+{}+", piece.text),
        };
        let mut out = vec![found.summary.clone()];
        out.extend(Some(found.pieces.iter().map(piece).collect::<String>()).filter(|text| !text.is_empty()));
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "∅".to_owned());
        let places = found.places.iter();
        out.extend(
            places
                .map(|place| format!("{}: {} → {}", place.path, side(&place.teacher), side(&place.student))),
        );
        out.join(" | ")
    }

    #[test]
    fn texts_are_compared_by_words_and_json_by_paths() {
        for (teacher, student, wanted) in [
            ("refund", "refund", "the same text"),
            ("a  b\n", "a b", "the same words; white space differs"),
            ("please refund it", "please track it", "1 word gone, 1 new | please −refund−+track+ it"),
            ("", "hello", "0 words gone, 1 new | +hello+"),
            (
                r#"{"a":1,"b":[true]}"#,
                "{ \"b\": [true],\n \"a\": 1 }",
                "the same JSON; white space or the order of keys differs",
            ),
            (
                r#"{"a":1,"b":{"c":"x"},"d":[]}"#,
                r#"{"a":2,"b":{"c":"x"},"e":null}"#,
                "JSON: 3 places differ and 1 alike | $.a: 1 → 2 | $.d: [] → ∅ | $.e: ∅ → null",
            ),
            ("[1,2]", "[1]", "JSON: 1 place differs and 1 alike | $[1]: 2 → ∅"),
            ("7", "8", "1 word gone, 1 new | −7−+8+"),
        ] {
            assert_eq!(line(&said(teacher, &[]), &said(student, &[])), wanted, "{teacher} / {student}");
        }
    }

    #[test]
    fn calls_are_compared_by_name_and_argument() {
        let find = ("find", r#"{"city":"Bern","days":2}"#);
        for (teacher, student, wanted) in [
            (vec![find], vec![("find", r#"{"days":2,"city":"Bern"}"#)], "the same calls"),
            (
                vec![find],
                vec![("find", r#"{"city":"Basel","days":2}"#)],
                r#"calls: 1 difference | find $.city: "Bern" → "Basel""#,
            ),
            (
                vec![find, ("end", "{}")],
                vec![find, find],
                r#"calls: 2 differences | end call: {} → ∅ | find #2 call: ∅ → {"city":"Bern","days":2}"#,
            ),
            (vec![("f", "x")], vec![("f", "y")], "calls: 1 difference | f $: x → y"),
        ] {
            assert_eq!(line(&said("", &teacher), &said("", &student)), wanted);
        }
        let mixed = line(&said("ok", &[find]), &said("ok", &[find]));
        assert_eq!(mixed, "the same text; the same calls");
    }
}
