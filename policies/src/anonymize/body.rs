//! An exchange as a tree of texts: bodies, JSON inside their strings, and the leaves that are searched.
//!
//! **Invariant:** rendering without new leaves is the identity; with them, only the literals of changed leaves
//! and of what must never be stored have other bytes.

use std::ops::Range;

use kolm_wire::slots::{Edit, Role, Slot, SlotError, slots, splice, values};

use super::Dropped;
use super::detect::Place;

pub(crate) mod place;
mod thing;

/// JSON inside strings is walked this deep.
const MAX_NESTING: usize = 4;
/// Text of one exchange, after media are gone.
const MAX_TEXT: usize = 4 << 20;

/// A text to search.
pub(crate) struct Leaf {
    pub(crate) text: String,
    pub(crate) key: String,
    pub(crate) place: Place,
    /// A JSON number: its surrogate must be one too.
    pub(crate) number: bool,
}

/// What stands in one range of a body.
enum Part {
    Leaf(usize),
    Tree(Tree),
    Fixed(Edit),
    /// An embedding: it says what its input says.
    Vector,
}

/// A JSON text and its parts.
pub(crate) struct Tree {
    source: Vec<u8>,
    parts: Vec<(Range<usize>, Part)>,
}

/// The leaves of an exchange, in reading order.
#[derive(Default)]
pub(crate) struct Leaves {
    pub(crate) all: Vec<Leaf>,
    bytes: usize,
}

fn dropped(error: SlotError) -> Dropped {
    match error {
        SlotError::NotJson { .. } => Dropped::NotJson,
        SlotError::BadUtf8 { .. } => Dropped::BadUtf8,
        SlotError::TooDeep => Dropped::TooDeep,
        SlotError::TooMany => Dropped::Oversize,
    }
}

impl Tree {
    /// Reads a body; an empty one is an empty tree.
    pub(crate) fn body(source: &[u8], leaves: &mut Leaves) -> Result<Self, Dropped> {
        let found = if source.is_empty() { Vec::new() } else { slots(source).map_err(dropped)? };
        Self::of(source.to_vec(), found, 0, leaves)
    }

    fn of(source: Vec<u8>, found: Vec<Slot>, depth: usize, leaves: &mut Leaves) -> Result<Self, Dropped> {
        let mut parts = Vec::with_capacity(found.len());
        let things = thing::names(&found);
        for (i, mut slot) in found.into_iter().enumerate() {
            if things.contains(&i) {
                slot.key.clear();
            }
            let range = slot.range.clone();
            if let Some(part) = part(slot, depth, leaves)? {
                parts.push((range, part));
            }
        }
        Ok(Self { source, parts })
    }

    /// The bytes with every changed leaf in place; `None` when nothing changed. Where something was found
    /// (`found`), no vector stays.
    pub(crate) fn render(&self, new: &[Option<String>], leaves: &Leaves, found: bool) -> Option<Vec<u8>> {
        let mut edits = Vec::new();
        for (range, part) in &self.parts {
            let edit = match part {
                Part::Fixed(edit) => Some(edit.clone()),
                Part::Vector => found.then_some(Edit::Null),
                Part::Leaf(i) if leaves.all[*i].number => new[*i].clone().map(Edit::Number),
                Part::Leaf(i) => new[*i].clone().map(Edit::Text),
                Part::Tree(tree) => tree
                    .render(new, leaves, found)
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .map(Edit::Text),
            };
            edits.extend(edit.map(|edit| (range.clone(), edit)));
        }
        (!edits.is_empty()).then(|| splice(&self.source, &edits))
    }

    /// The bytes as they came.
    pub(crate) fn source(&self) -> &[u8] {
        &self.source
    }
}

fn part(slot: Slot, depth: usize, leaves: &mut Leaves) -> Result<Option<Part>, Dropped> {
    Ok(match slot.role {
        Role::Empty => (!slot.text.is_empty()).then(|| Part::Fixed(Edit::Text(String::new()))),
        Role::Null => Some(Part::Fixed(Edit::Null)),
        Role::Vector => Some(Part::Vector),
        Role::Media(_) => slot.redaction().map(|text| Part::Fixed(Edit::Text(text))),
        Role::TokenIds => return Err(Dropped::TokenIds),
        Role::Key => {
            leaves.push(slot.text, String::new(), Place::Key, false)?;
            None
        }
        Role::Number => Some(Part::Leaf(leaves.push(slot.text, slot.key, Place::Text, true)?)),
        Role::Text => match nested(&slot.text)? {
            Some(_) if depth >= MAX_NESTING => return Err(Dropped::TooDeep),
            Some(found) => Some(Part::Tree(Tree::of(slot.text.into_bytes(), found, depth + 1, leaves)?)),
            None => {
                let place =
                    if matches!(slot.key.as_str(), "enum" | "const") { Place::Choice } else { Place::Text };
                Some(Part::Leaf(leaves.push(slot.text, slot.key, place, false)?))
            }
        },
    })
}

/// The slots of a text that is JSON, or JSON lines.
fn nested(text: &str) -> Result<Option<Vec<Slot>>, Dropped> {
    let trimmed = text.trim();
    let framed = trimmed.starts_with('{') && trimmed.ends_with('}')
        || trimmed.starts_with('[') && trimmed.ends_with(']');
    if !framed || trimmed.len() < 4 {
        return Ok(None);
    }
    match values(text.as_bytes()) {
        Ok(found) => Ok(Some(found)),
        Err(SlotError::NotJson { .. }) => lines(text),
        Err(error @ (SlotError::BadUtf8 { .. } | SlotError::TooDeep | SlotError::TooMany)) => {
            Err(dropped(error))
        }
    }
}

fn lines(text: &str) -> Result<Option<Vec<Slot>>, Dropped> {
    let mut all = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            if !line.trim_start().starts_with(['{', '[']) {
                return Ok(None);
            }
            match values(line.as_bytes()) {
                Ok(found) => all.extend(
                    found
                        .into_iter()
                        .map(|slot| Slot { range: slot.range.start + from..slot.range.end + from, ..slot }),
                ),
                Err(SlotError::NotJson { .. }) => return Ok(None),
                Err(error @ (SlotError::BadUtf8 { .. } | SlotError::TooDeep | SlotError::TooMany)) => {
                    return Err(dropped(error));
                }
            }
        }
        from += line.len();
    }
    Ok(Some(all))
}

impl Leaves {
    fn push(&mut self, text: String, key: String, place: Place, number: bool) -> Result<usize, Dropped> {
        self.bytes += text.len();
        if self.bytes > MAX_TEXT {
            return Err(Dropped::Oversize);
        }
        self.all.push(Leaf { text, key, place, number });
        Ok(self.all.len() - 1)
    }
}

/// Same keys in the same order, same kinds of values, at every place that is not media or emptied.
pub(crate) fn same_form(before: &[u8], after: &[u8]) -> bool {
    if before.is_empty() || after.is_empty() {
        return before.is_empty() == after.is_empty();
    }
    let form = |bytes: &[u8]| {
        let found = slots(bytes).ok()?;
        let keys: Vec<(String, bool)> = found
            .into_iter()
            .filter(|slot| matches!(slot.role, Role::Text | Role::Number | Role::Key))
            .map(|slot| (slot.path, slot.role == Role::Number))
            .collect();
        Some(keys)
    };
    // Media become text, and log-probabilities vanish: what else there was must still be there, in order.
    let (Some(before), Some(after)) = (form(before), form(after)) else { return false };
    let mut rest = after.iter();
    before.iter().all(|slot| rest.any(|other| other == slot))
}
