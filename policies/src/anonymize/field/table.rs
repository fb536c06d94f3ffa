//! Tables in text: lines of cells under a header whose cells are labels.

use super::{type_of, whole};
use crate::anonymize::cue::{Reading, key_role};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::label;
use crate::anonymize::said;

/// What a column holds.
#[derive(Clone, Copy)]
enum Column {
    Words(Type),
    Code(Type),
    Told(said::Head),
    Other,
}

const SEPARATORS: &[char] = &['|', '\t', ';', ','];
/// What stands around a cell and is no part of it.
const OUTER: [char; 6] = [' ', '"', '\'', '\r', '*', '`'];
/// Bytes of the longest cell of a header.
const HEADER: usize = 40;

/// Values of the columns whose header is a label.
pub(super) fn find(r: &Reading<'_>, out: &mut Vec<Finding>) {
    if !r.text.contains('\n') {
        return;
    }
    let mut header: Option<(char, Vec<Column>)> = None;
    let (mut at, mut above) = (0, "");
    for line in r.text.split('\n') {
        let start = at;
        at += line.len() + 1;
        let body = line.trim();
        let ruled = !body.is_empty() && body.chars().all(|c| "|-:+= \t".contains(c));
        let before = std::mem::replace(&mut above, line);
        if ruled && before.contains('|') {
            header = Some(('|', columns(before, '|')));
        }
        if ruled && header.is_some() {
            continue;
        }
        match &header {
            Some((sep, columns)) if cells(line, *sep).len() == columns.len() => {
                row(r, start, line, *sep, columns, out)
            }
            _ => header = head(line),
        }
    }
}

/// The columns of a line of two cells or more, two of which are labels, or one of two.
fn head(line: &str) -> Option<(char, Vec<Column>)> {
    if line.len() > 1_000 {
        return None;
    }
    let sep = SEPARATORS.iter().copied().find(|sep| line.contains(*sep))?;
    // A quoted cell is no shorter than any of its parts.
    if line.split(sep).any(|part| part.trim_matches(OUTER).len() > HEADER) {
        return None;
    }
    let cells = cells(line, sep);
    let real = cells.iter().filter(|(_, cell)| !cell.is_empty()).count();
    if real < 2 || cells.iter().any(|(_, cell)| cell.len() > HEADER) {
        return None;
    }
    let columns = columns(line, sep);
    let named = columns.iter().filter(|column| !matches!(column, Column::Other)).count();
    (named >= 1 && named * 3 >= real).then_some((sep, columns))
}

fn columns(line: &str, sep: char) -> Vec<Column> {
    cells(line, sep).iter().map(|(_, cell)| column(cell)).collect()
}

fn column(cell: &str) -> Column {
    let words = label::plain_key(cell);
    if let Some(ty) = key_role(&words).and_then(type_of) {
        return Column::Words(ty);
    }
    let told = || said::head(&cell.to_lowercase()).map_or(Column::Other, Column::Told);
    label::identifies(&words).map_or_else(told, Column::Code)
}

/// The cells of a line with where each begins, without quotes and spaces around them.
fn cells(line: &str, sep: char) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    for (at, c) in line.char_indices().chain([(line.len(), sep)]) {
        quoted ^= c == '"';
        if c == sep && (!quoted || at == line.len()) {
            let cell = line.get(start..at).unwrap_or_default();
            let bare = cell.trim_matches(OUTER);
            let lead = cell.len() - cell.trim_start_matches(OUTER).len();
            out.push((start + lead.min(cell.len()), bare));
            start = at + c.len_utf8();
        }
    }
    out
}

fn row(r: &Reading<'_>, start: usize, line: &str, sep: char, columns: &[Column], out: &mut Vec<Finding>) {
    let cells = cells(line, sep);
    // `| Patient | Ana Ruiz |` below `| Field | Value |`: the first of two cells is the key.
    let real: Vec<_> = cells.iter().filter(|(_, cell)| !cell.is_empty()).collect();
    if let [(_, key), (at, value)] = real.as_slice()
        && columns.iter().all(|column| matches!(column, Column::Other))
    {
        return told(r, column(key), (start + at, value), out);
    }
    for ((at, cell), column) in cells.into_iter().zip(columns) {
        told(r, *column, (start + at, cell), out);
    }
}

/// The cell that begins at byte `from`, of what its header says.
fn told(r: &Reading<'_>, column: Column, (from, cell): (usize, &str), out: &mut Vec<Finding>) {
    let to = from + cell.len();
    match column {
        Column::Words(ty) => whole(r, ty, (from, to), out),
        Column::Code(ty) if cell.bytes().filter(u8::is_ascii_digit).count() >= 3 && cell.len() <= 30 => {
            out.push(Finding::new(from, to, ty, Evidence::Label));
        }
        Column::Told(head) => {
            out.extend(head.of(r.text, from, to).map(|ty| Finding::new(from, to, ty, Evidence::Label)));
        }
        Column::Code(_) | Column::Other => {}
    }
}
