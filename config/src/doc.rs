//! What the built-in file says of its keys: the comment above a key and the one behind it.
//!
//! **Invariant:** keys that stand there as comments are found as well.

use std::collections::BTreeMap;

use crate::shape::{Shape, parts};

/// Comments by the path of the shape.
pub(crate) type Docs = BTreeMap<String, String>;

/// A line of the file.
enum Line<'t> {
    List(&'t str, &'t str),
    Table(&'t str, &'t str),
    Key(&'t str, &'t str),
    Words(&'t str),
    Break,
}

/// Reads the comments of `text`.
pub(crate) fn read(text: &str, shape: &Shape) -> Docs {
    let mut docs = Docs::new();
    let (mut list, mut table, mut above) = (String::new(), String::new(), Vec::new());
    let mut note = |path: &str, above: &[&str], behind: &str| {
        let words: Vec<&str> =
            above.iter().copied().chain([behind]).filter(|words| !words.is_empty()).collect();
        if let (Some((at, _)), false) = (shape.locate(path), words.is_empty()) {
            docs.entry(at).or_insert_with(|| words.join(" "));
        }
    };
    for line in text.lines().map(line) {
        match line {
            Line::List(path, behind) => {
                note(path, &above, behind);
                (list, table) = (format!("{path}."), format!("{path}[0]"));
                above.clear();
            }
            Line::Table(path, behind) => {
                // `[list.part]` is a part of the item last begun.
                let part = path.strip_prefix(&list).filter(|_| !list.is_empty());
                table = part.map_or_else(
                    || path.to_owned(),
                    |part| format!("{}[0].{part}", list.trim_end_matches('.')),
                );
                note(&table, &above, behind);
                above.clear();
            }
            Line::Key(key, behind) => {
                let path = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
                note(&path, &above, behind);
                above.clear();
            }
            Line::Words(words) => above.push(words),
            Line::Break => above.clear(),
        }
    }
    docs
}

fn line(line: &str) -> Line<'_> {
    let comment = line.strip_prefix("# ");
    let live = comment.unwrap_or(line);
    let (code, behind) = behind(live);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.\"".contains(c);
    let between = |open: &str, close: &str| {
        let path = code.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        path.filter(|path| path.chars().all(is_name))
    };
    if let Some(path) = between("[[", "]]") {
        return Line::List(path, behind);
    }
    if let Some(path) = between("[", "]") {
        return Line::Table(path, behind);
    }
    if let Some((key, _)) =
        code.split_once(" = ").filter(|(key, _)| parts(key).len() == 1 && key.chars().all(is_name))
    {
        return Line::Key(key, behind);
    }
    match comment {
        Some(words) if !words.starts_with("---") => Line::Words(words.trim()),
        Some(_) | None => Line::Break,
    }
}

/// What stands before and behind the `#` of a line that has one outside of quotes.
fn behind(line: &str) -> (&str, &str) {
    let mut quoted = false;
    let at = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '#' && !quoted
    });
    at.map_or((line.trim(), ""), |(at, _)| (line[..at].trim(), line[at + 1..].trim()))
}
