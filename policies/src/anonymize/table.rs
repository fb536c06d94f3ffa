//! Structure inside texts: delimited rows with a header, Markdown tables and `key: value` lines. What stands over
//! or before a cell is its label, as the key of a JSON value is.
//!
//! **Invariant:** cells are disjoint byte ranges of one line of the text, so whoever looks into them looks at every
//! byte at most once more; nothing is cut out or written anew.

use std::ops::Range;

use super::kind::{Evidence, Finding, Type};
use super::{date, field};

/// The longest key, and the longest value that a key vouches for.
const KEY: usize = 40;
const VALUE: usize = 200;
/// Columns of a table.
const COLUMNS: usize = 256;

/// What `look` finds in the cells of `text` on the word of their keys; everything else is found without them.
pub(crate) fn find(text: &str, look: impl Fn(&str, &str) -> Vec<Finding>, out: &mut Vec<Finding>) {
    if !text.contains('\n') {
        return;
    }
    cells(text, |key, range| {
        if key == "name" && field::of_settings(text, range.start) {
            return;
        }
        let cell = &text[range.clone()];
        let labelled = |f: &Finding| {
            let whole = f.ty == Type::DATE && f.start == 0 && f.end == cell.len();
            f.evidence >= Evidence::Label || whole && date::is_key(key)
        };
        let shifted = |f: Finding| Finding { start: f.start + range.start, end: f.end + range.start, ..f };
        out.extend(look(cell, key).into_iter().filter(labelled).map(shifted));
    });
}

/// Every cell of the text with its key.
fn cells(text: &str, mut each: impl FnMut(&str, Range<usize>)) {
    for block in blocks(text) {
        let lines = lines(text, block);
        let body = [0, 1].into_iter().find_map(|skip| table(text, lines.get(skip..)?));
        if let Some((header, rows)) = body {
            for row in rows {
                // `| Patient | Ana Ruiz |`: of two columns the first may hold the keys.
                if let (2, [key, value]) = (header.len(), row.as_slice()) {
                    give(text, key.clone(), value.clone(), &mut each);
                }
                for (name, cell) in header.iter().zip(row) {
                    give(text, name.clone(), cell, &mut each);
                }
            }
        } else {
            for line in lines {
                if let Some((key, value)) = pair(text, line) {
                    give(text, key, value, &mut each);
                }
            }
        }
    }
}

fn give(text: &str, key: Range<usize>, cell: Range<usize>, each: &mut impl FnMut(&str, Range<usize>)) {
    let (key, cell) = (bare(text, key), bare(text, cell));
    let fits = !key.is_empty() && (2..=VALUE).contains(&cell.len()) && !text[cell.clone()].contains('\n');
    if fits {
        each(&text[key], cell);
    }
}

/// A range without white space, quotes and emphasis around it.
fn bare(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let outer = |c: char| c.is_whitespace() || matches!(c, '"' | '*' | '`');
    let start = range.start + part.len() - part.trim_start_matches(outer).len();
    start..(start + part.trim_matches(outer).len())
}

/// Paragraphs: what blank lines and fences of code part.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let parts = line.trim().is_empty() || line.trim_start().starts_with("```");
        if parts {
            out.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    out.push(start..at);
    out.retain(|block| !block.is_empty());
    out
}

fn lines(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut at = block.start;
    text[block]
        .split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            start..start + line.trim_end().len()
        })
        .collect()
}

type Row = Vec<Range<usize>>;

/// A header and its rows, of a Markdown table or of delimited values.
fn table(text: &str, lines: &[Range<usize>]) -> Option<(Row, Vec<Row>)> {
    let [first, second, ..] = lines else { return None };
    let ruled = text[second.clone()].bytes().all(|b| b"|-: +=".contains(&b));
    if ruled && text[first.clone()].contains('|') && text[second.clone()].contains('-') {
        let header = piped(text, first.clone());
        let rows = lines[2..].iter().take_while(|line| text[(*line).clone()].contains('|'));
        return Some((header, rows.map(|line| piped(text, line.clone())).collect()));
    }
    let held = |delimiter: &u8| text.as_bytes()[first.clone()].contains(delimiter);
    let delimiters = [b'\t', b';', b',', b'|'].into_iter().filter(held);
    delimiters.into_iter().find_map(|delimiter| delimited(text, lines, delimiter))
}

/// The cells between the bars of a line.
fn piped(text: &str, line: Range<usize>) -> Row {
    let body = text[line.clone()].trim();
    let start = line.start + text[line.clone()].len() - text[line].trim_start().len();
    let inner = body.strip_prefix('|').unwrap_or(body);
    let mut at = start + body.len() - inner.len();
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut out = Vec::new();
    for cell in inner.split('|').take(COLUMNS) {
        out.push(at..at + cell.len());
        at += cell.len() + 1;
    }
    out
}

/// Rows of as many fields as the header has, which reads like one.
fn delimited(text: &str, lines: &[Range<usize>], delimiter: u8) -> Option<(Row, Vec<Row>)> {
    let (first, rest) = lines.split_first()?;
    let header = fields(text.as_bytes(), first.clone(), delimiter)?;
    let named = |field: &Range<usize>| {
        let name = text[field.clone()].trim().trim_matches('"');
        let words = name.split_whitespace().count();
        let letters = name.chars().filter(|c| c.is_alphabetic()).count();
        (1..=4).contains(&words)
            && name.len() <= KEY
            && letters * 2 >= name.chars().count()
            && !name.ends_with('.')
    };
    if header.len() < 2 || !header.iter().all(named) {
        return None;
    }
    let rows: Vec<Row> =
        rest.iter().filter_map(|line| fields(text.as_bytes(), line.clone(), delimiter)).collect();
    let even = rows.iter().filter(|row| row.len() == header.len()).count();
    let whole = even == rest.len() || even * 10 >= rest.len() * 9 && even >= 3;
    whole.then(|| (header.clone(), rows.into_iter().filter(|row| row.len() == header.len()).collect()))
}

/// The fields of one line; `None` where a quote stays open or there are too many.
fn fields(text: &[u8], line: Range<usize>, delimiter: u8) -> Option<Row> {
    let mut out = Vec::new();
    let (mut start, mut quoted) = (line.start, false);
    for at in line.clone() {
        match text[at] {
            b'"' if quoted || text[start..at].trim_ascii().is_empty() => quoted = !quoted,
            b'"' if at > start && text[at - 1] == b'"' => quoted = true,
            b if b == delimiter && !quoted => {
                out.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    out.push(start..line.end);
    (!quoted && out.len() <= COLUMNS).then_some(out)
}

/// `key: value`, `key = value`, `- key: value`, `**key:** value`.
fn pair(text: &str, line: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let body = &text[line.clone()];
    let indent = body.len() - body.trim_start_matches([' ', '\t', '-', '*', '>', '\u{2022}', '#']).len();
    let rest = &body[indent..];
    let head = &rest[..rest.floor_char_boundary(KEY + 4)];
    let mark = head.find([':', '=', '\t'])?;
    let key = head[..mark].trim_matches(['*', '"', '`', ' ', '\'']);
    let named = key.chars().any(char::is_alphabetic) && key.split_whitespace().count() <= 5;
    let apart = rest.as_bytes().get(mark + 1).is_none_or(|b| !matches!(b, b'/' | b':' | b'='));
    let start = line.start + indent;
    (named && apart).then(|| (start..start + mark, start + mark + 1..line.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[(&str, &str)]) {
        let mut got = Vec::new();
        cells(text, |key, range| got.push((key.to_owned(), text[range].to_owned())));
        let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn delimited_rows_have_the_header_as_their_key() {
        check(
            "name,mrn\nDoe,8847\n\"Roe, J\",9921",
            &[
                ("Doe", "8847"),
                ("name", "Doe"),
                ("mrn", "8847"),
                ("Roe, J", "9921"),
                ("name", "Roe, J"),
                ("mrn", "9921"),
            ],
        );
        check("Rows:\nname;mrn;x\nDoe;8847;yy\n", &[("name", "Doe"), ("mrn", "8847"), ("x", "yy")]);
        check(
            "a b\tmrn\tc\n\"x \"\"y\"\", z\"\t8847\tuu",
            &[("a b", "x \"\"y\"\", z"), ("mrn", "8847"), ("c", "uu")],
        );
        check("Dear all, hello\nI am here, or there, or not", &[]);
        check("one line, alone", &[]);
    }

    #[test]
    fn tables_of_markdown() {
        check(
            "See:\n| Name | MRN |\n|------|:---:|\n| Doe | 8847 |\n| Roe | **9921** |\n\nbye",
            &[
                ("Doe", "8847"),
                ("Name", "Doe"),
                ("MRN", "8847"),
                ("Roe", "9921"),
                ("Name", "Roe"),
                ("MRN", "9921"),
            ],
        );
        check("a | b | c\n--- | --- | ---\nxy | zz | uu", &[("a", "xy"), ("b", "zz"), ("c", "uu")]);
        check(
            "| Field | Value |\n|---|---|\n| MRN | 8847 |",
            &[("MRN", "8847"), ("Field", "MRN"), ("Value", "8847")],
        );
    }

    #[test]
    fn lines_of_keys_and_values() {
        check(
            "Name: John Doe\n- **MRN:** 8847\ndb_password = \"x y\"\nhttps://a.b",
            &[("Name", "John Doe"), ("MRN", "8847"), ("db_password", "x y")],
        );
        check("Grüße: Ä\u{301}rzte\r\nÜ: ß\u{1f600}", &[("Grüße", "Ä\u{301}rzte"), ("Ü", "ß\u{1f600}")]);
    }
}
