//! What takes the place of each original: chosen once per group, dressed like each mention.
//!
//! **Invariant:** everything is chosen in order of first mention, so a longer history keeps what it had.

use std::collections::{HashMap, HashSet};

use super::MOVED;
use super::alias::{Group, Groups};
use super::spread::{Hit, Search};
use crate::anonymize::invent::{Choice, Draw, Inventor, Shift, Written, alike, dress, redrawn, surrogate};
use crate::anonymize::kind::{Mode, Type};
use crate::anonymize::policy::Policy;
use crate::anonymize::{Dropped, Salt};

/// Attempts at a surrogate that nothing else has.
const ATTEMPTS: u32 = 64;

/// The most characters of a value of which there are few.
const FEW: usize = 3;

/// Types whose values are too few for each original to have its own.
const SHARED: [Type; 5] = [Type::CVV, Type::DATE, Type::EXPIRY, Type::PASSWORD, Type::TIME];

/// One mention of an original.
#[derive(Clone, Copy)]
pub(crate) struct Mention<'a> {
    pub(crate) group: usize,
    pub(crate) text: &'a str,
}

/// The replacement of one group.
struct Name {
    ty: Type,
    mode: Mode,
    /// Of words: empty, for every mention has its own.
    surrogate: String,
    /// From 1, by first mention within the type.
    index: usize,
}

/// The replacements of an exchange.
pub(crate) struct Names<'a> {
    draw: Draw,
    search: Option<&'a Search>,
    all: Vec<Name>,
    /// What mentions made of words become.
    worded: HashMap<(usize, String), String>,
    shift: Shift,
    general: Mode,
}

impl<'a> Names<'a> {
    pub(crate) fn new(
        groups: &Groups,
        mentions: &[Mention<'_>],
        policy: &Policy,
        salt: &Salt,
        search: Option<&'a Search>,
        shift: Shift,
    ) -> Result<Self, Dropped> {
        let originals: HashSet<String> = originals(mentions);
        let betrays = |new: &str| originals.contains(new) || search.is_some_and(|search| search.betrays(new));
        let kept = policy.mode_of(Type::STATE) == Mode::Keep;
        let draw = Draw::of(salt);
        let inventor = Inventor::new(&draw, &policy.locales, &betrays, kept, policy.age_cap);
        let mut making = Making { inventor, draw: &draw, betrays: &betrays, groups, taken: HashSet::new() };
        let mut worded = HashMap::new();
        let mut all: Vec<Option<String>> = groups.all.iter().map(|_| None).collect();
        for mention in mentions {
            let group = &groups.all[mention.group];
            let mode = policy.mode_of(group.ty);
            if group.ty.of_words() {
                let key = (mention.group, mention.text.to_owned());
                if matches!(mode, Mode::Surrogate | Mode::Vault) && !worded.contains_key(&key)
                    || mode == Mode::Cap && policy.mode == Mode::Surrogate
                {
                    let new = making.worded(group, mention.text, mode)?;
                    worded.insert(key, new);
                }
            } else if all[mention.group].is_none() {
                all[mention.group] = Some(making.fresh(group, mention.text)?);
            }
        }
        let mut index: HashMap<Type, usize> = HashMap::new();
        let names = groups.all.iter().zip(all).map(|(group, surrogate)| {
            let count = index.entry(group.ty).or_default();
            *count += 1;
            let mode = match policy.mode_of(group.ty) {
                Mode::Cap => policy.mode,
                mode @ (Mode::Surrogate
                | Mode::Vault
                | Mode::Tag
                | Mode::Redact
                | Mode::Keep
                | Mode::Block) => mode,
            };
            Name { ty: group.ty, mode, surrogate: surrogate.unwrap_or_default(), index: *count }
        });
        let all = names.collect();
        Ok(Self { draw, search, all, worded, shift, general: policy.mode })
    }

    fn of(&self, group: usize) -> Result<&Name, Dropped> {
        self.all.get(group).ok_or(Dropped::AuditLeak)
    }

    /// The type that a group goes by.
    pub(crate) fn ty(&self, group: usize) -> Option<Type> {
        self.all.get(group).map(|name| name.ty)
    }

    /// What a mention in text becomes.
    pub(crate) fn text(&self, mention: Mention<'_>) -> Result<String, Dropped> {
        let name = self.of(mention.group)?;
        match name.mode {
            Mode::Surrogate | Mode::Vault => self.surrogate(name, mention).map(|new| self.apart(name, new)),
            Mode::Tag => Ok(format!("<{}_{}>", name.ty, name.index)),
            Mode::Redact => Ok(format!("[{}]", name.ty)),
            // None gets here: kept values are no spans, and a blocked one ends the record.
            Mode::Keep | Mode::Cap | Mode::Block => Err(Dropped::AuditLeak),
        }
    }

    fn surrogate(&self, name: &Name, mention: Mention<'_>) -> Result<String, Dropped> {
        if name.ty == Type::DATE {
            return Ok(self.shift.date(mention.text));
        }
        if name.ty == Type::TIME {
            return Ok(self.shift.time(mention.text));
        }
        if name.ty.of_words() {
            let new = self.worded.get(&(mention.group, mention.text.to_owned()));
            return new.cloned().ok_or(Dropped::AuditLeak);
        }
        Ok(dress(name.ty, &name.surrogate, mention.text))
    }

    /// A surrogate with other digits or letters where it happens to hold an original: `ext. 23` behind a number,
    /// `2851` before a street, `Unit` behind one.
    fn apart(&self, name: &Name, new: String) -> String {
        let leaks = |new: &str| self.search.map_or(Vec::new(), |search| search.leaks(new).collect());
        let hits: Vec<Hit> = if MOVED.contains(&name.ty) { Vec::new() } else { leaks(&new) };
        if hits.is_empty() {
            return new;
        }
        let mut choice = self.draw.choice("APART", &new, 0);
        let other = |_| {
            hits.iter().rev().fold(new.clone(), |new, hit| redrawn(&new, hit.start..hit.end, &mut choice))
        };
        (0..ATTEMPTS).map(other).find(|other| leaks(other).is_empty()).unwrap_or(new)
    }

    /// What a JSON number becomes: a number of as many digits, in every mode.
    pub(crate) fn number(&self, mention: Mention<'_>) -> Result<String, Dropped> {
        let name = self.of(mention.group)?;
        let new = dress(name.ty, &name.surrogate, mention.text);
        let fits = new.len() == mention.text.len()
            && new.bytes().all(|b| b.is_ascii_digit())
            && !new.starts_with('0');
        let changed = new != mention.text || self.general == Mode::Keep;
        Ok(if fits && changed { new } else { "9".repeat(mention.text.len()) })
    }
}

/// What no invented word may be: every value, and every word of a value that is made of words.
fn originals(mentions: &[Mention<'_>]) -> HashSet<String> {
    let mut out = HashSet::new();
    for mention in mentions {
        let small = mention.text.to_lowercase();
        let words = small.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 1);
        out.extend(words.map(str::to_owned));
        out.insert(small);
    }
    out
}

/// The making of replacements.
struct Making<'a> {
    inventor: Inventor<'a>,
    draw: &'a Draw,
    betrays: &'a dyn Fn(&str) -> bool,
    groups: &'a Groups,
    taken: HashSet<String>,
}

impl Making<'_> {
    fn worded(&mut self, group: &Group, mention: &str, mode: Mode) -> Result<String, Dropped> {
        let woman = group.person.and_then(|at| self.groups.people.get(at)).and_then(|person| person.woman);
        if group.ty == Type::NAME {
            return self.inventor.name(&Written::of(mention), woman);
        }
        if group.ty != Type::USERNAME {
            return self.inventor.of_words(group.ty, mention, mode == Mode::Cap);
        }
        let bare = mention.trim_start_matches('@');
        let new = match group.atoms.as_slice() {
            [] => self.inventor.stranger(bare)?,
            atoms => self.inventor.handle(atoms, &group.canonical, woman)?,
        };
        Ok(format!("{}{new}", &mention[..mention.len() - bare.len()]))
    }

    /// Is there an original in a surrogate, by itself or as the mention will have it: `150` as `x150`?
    fn gives_away(&self, ty: Type, new: &str, mention: &str) -> bool {
        (self.betrays)(new) || (self.betrays)(&dress(ty, new, mention).to_lowercase())
    }

    /// A surrogate that no original equals or is part of, and that no other group has.
    fn fresh(&mut self, group: &Group, mention: &str) -> Result<String, Dropped> {
        if group.ty == Type::ENCODED && group.canonical.len() > 255 {
            return Ok(format!("kolm-redacted:base64;bytes={}", group.canonical.len()));
        }
        let local = if group.ty == Type::EMAIL { Some(self.local_part(group)?) } else { None };
        let mut choice = self.draw.choice(group.ty.as_str(), &group.canonical, 0);
        for attempt in 0..ATTEMPTS {
            let new = match &local {
                Some(local) => self.inventor.address_of(local, &group.canonical, attempt),
                None => surrogate(group.ty, &group.canonical, &mut choice, attempt),
            };
            if SHARED.contains(&group.ty)
                || !self.gives_away(group.ty, &new, mention) && self.taken.insert(new.clone())
            {
                return Ok(new);
            }
        }
        // The reserved range is used up: a value that merely looks like it.
        for _ in 0..ATTEMPTS {
            let new = alike(&group.canonical, &mut choice);
            if !self.gives_away(group.ty, &new, mention) && self.taken.insert(new.clone()) {
                return Ok(new);
            }
        }
        self.shared(group, mention, &mut choice).ok_or(Dropped::AuditLeak)
    }

    /// What stands for a value that is too short for each original of a long exchange to have its own.
    fn shared(&self, group: &Group, mention: &str, choice: &mut Choice) -> Option<String> {
        if group.canonical.chars().count() > FEW {
            return None;
        }
        let drawn = (0..ATTEMPTS).map(|_| alike(&group.canonical, choice));
        let others: Vec<String> = drawn.filter(|new| *new != group.canonical).collect();
        let good = others.iter().find(|new| !self.gives_away(group.ty, new, mention));
        good.or(others.first()).cloned()
    }

    fn local_part(&mut self, group: &Group) -> Result<String, Dropped> {
        let woman = group.person.and_then(|at| self.groups.people.get(at)).and_then(|person| person.woman);
        match group.atoms.as_slice() {
            [] => self.inventor.stranger(group.canonical.split('@').next().unwrap_or_default()),
            atoms => {
                let new = self.inventor.handle(atoms, &group.canonical, woman)?;
                Ok(if new.is_ascii() && !new.is_empty() {
                    new
                } else {
                    self.inventor.stranger(&group.canonical)?
                })
            }
        }
    }
}
