//! One text through the same stages as an exchange, for the command line.
//!
//! **Invariant:** spans are half-open ranges of code points of the input, sorted and disjoint.

use super::super::body::place::{unwrapped, wrapped};
use super::{Leaves, Tree, Work};
use crate::anonymize::kind::Type;
use crate::anonymize::policy::Policy;
use crate::anonymize::vault::Originals;
use crate::anonymize::{Dropped, Report, Salt, secret};

/// Something that was found in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The first code point.
    pub start: usize,
    /// Behind the last code point.
    pub end: usize,
    /// What it is.
    pub ty: Type,
    /// How sure that is, from 0 to 1.
    pub score: f32,
}

/// A text without identifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What may be kept.
    pub text: String,
    /// What was found, in the text as it came.
    pub spans: Vec<Span>,
    /// What was done.
    pub report: Report,
    /// What the policy's types in mode `vault` were.
    pub originals: Originals,
}

/// Turns one text into one without identifiers: a conversation of its own. JSON inside it stays JSON.
pub fn anonymize_text(text: &str, policy: &Policy, salt: &Salt) -> Result<Text, Dropped> {
    if !secret::ready() {
        return Err(Dropped::PolicyMissing);
    }
    let body = wrapped(text);
    let mut leaves = Leaves::default();
    let tree = Tree::body(&body, &mut leaves)?;
    let mut work = Work::new(&leaves.all, policy);
    let new = work.all(salt)?;
    let found = work.found();
    let rendered = tree.render(&new, &leaves, found);
    let out = match rendered {
        Some(bytes) if super::same_form(&body, &bytes) => unwrapped(&bytes).ok_or(Dropped::AuditLeak)?,
        Some(_) => return Err(Dropped::AuditLeak),
        None => text.to_owned(),
    };
    let mut spans = spans(text, &work, tree.places(&leaves));
    if spans.is_empty() && out != text {
        spans.push((0, text.len(), Type::ENCODED, 100));
    }
    let report = Report::of(policy, work.counts, work.quarantined, [text.len(), out.len()]);
    Ok(Text { text: out, spans: in_code_points(text, spans), report, originals: work.originals })
}

type Bytes = (usize, usize, Type, u8);

/// The spans of all leaves as byte ranges of the input.
fn spans(text: &str, work: &Work<'_>, places: Vec<(usize, Vec<usize>)>) -> Vec<Bytes> {
    let mut out = Vec::new();
    let mut maps: Vec<Option<Vec<usize>>> = vec![None; work.leaves.len()];
    for (i, map) in places {
        if let Some(slot) = maps.get_mut(i) {
            *slot = Some(map);
        }
    }
    let mut cursor = 0;
    for (i, found) in work.spans.iter().enumerate().filter(|(_, found)| !found.is_empty()) {
        let leaf = &work.leaves[i];
        let map = maps[i].take().or_else(|| {
            // A cell of a table stands in the text as it is.
            let at = cursor + text.get(cursor..)?.find(&leaf.text)?;
            Some((at..=at + leaf.text.len()).collect())
        });
        for (number, span) in found.iter().enumerate() {
            let source = work.folded[i].source(span.start..span.end);
            let at = |byte: usize| map.as_ref().and_then(|map| map.get(byte)).copied();
            let (start, end) = (at(source.start).unwrap_or(0), at(source.end).unwrap_or(text.len()));
            cursor = cursor.max(end);
            out.push((start, end, work.ty(i, number), span.score));
        }
    }
    out.sort_unstable_by_key(|span| (span.0, span.1));
    out
}

fn in_code_points(text: &str, spans: Vec<Bytes>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    let (mut byte, mut point) = (0, 0);
    let mut point_of = |at: usize| {
        point += text.get(byte..at).map_or(0, |part| part.chars().count());
        byte = at.max(byte);
        point
    };
    let mut last = 0;
    for (start, end, ty, score) in spans {
        let start = start.max(last);
        if start < end {
            let (start, end) = (point_of(start), point_of(end));
            out.push(Span { start, end, ty, score: f32::from(score.min(100)) / 100.0 });
        }
        last = last.max(end);
    }
    out
}
