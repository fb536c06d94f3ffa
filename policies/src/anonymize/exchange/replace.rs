//! What takes the place of each original: chosen once per group, dressed like each mention.

use std::collections::{HashMap, HashSet};

use aho_corasick::AhoCorasick;

use super::{Group, dated};
use crate::anonymize::date::{Field, shift, shift_clock};
use crate::anonymize::invent::{Choice, canonical, dress, surrogate};
use crate::anonymize::kind::{Finding, Mode, Type};
use crate::anonymize::policy::Policy;
use crate::anonymize::{Dropped, Salt};

/// Attempts at a surrogate that nothing else has.
const ATTEMPTS: u32 = 64;

/// The replacement of one group.
struct Name {
    ty: Type,
    mode: Mode,
    surrogate: String,
    /// From 1, by first mention within the type.
    index: usize,
}

/// The replacements of an exchange.
pub(crate) struct Names<'a> {
    by_canonical: HashMap<&'a str, Name>,
    offset: i64,
    minutes: i64,
    years_only: bool,
    general: Mode,
}

impl<'a> Names<'a> {
    pub(crate) fn new(
        groups: &'a [Group],
        policy: &Policy,
        salt: &Salt,
        originals: Option<&AhoCorasick>,
        offset: i64,
    ) -> Result<Self, Dropped> {
        let mut taken: HashSet<String> = HashSet::new();
        let mut index: HashMap<Type, usize> = HashMap::new();
        let all: HashSet<&str> = groups.iter().map(|group| group.canonical.as_str()).collect();
        let mut by_canonical = HashMap::with_capacity(groups.len());
        for group in groups {
            let count = index.entry(group.ty).or_default();
            *count += 1;
            let surrogate = fresh(group, salt, &all, &mut taken, originals)?;
            let name = Name { ty: group.ty, mode: policy.mode_of(group.ty), surrogate, index: *count };
            by_canonical.insert(group.canonical.as_str(), name);
        }
        let minutes = 11 + Choice::new(salt, "TIME", "offset", 0).below(109) as i64;
        Ok(Self { by_canonical, offset, minutes, years_only: policy.years_only, general: policy.mode })
    }

    /// The type that a group goes by.
    pub(crate) fn ty(&self, canonical: &str) -> Option<Type> {
        self.by_canonical.get(canonical).map(|name| name.ty)
    }

    fn of(&self, span: &Finding, mention: &str) -> Result<&Name, Dropped> {
        self.by_canonical.get(canonical(span.ty, mention).as_str()).ok_or(Dropped::AuditLeak)
    }

    /// What a mention in text becomes.
    pub(crate) fn text(&self, span: &Finding, mention: &str) -> Result<String, Dropped> {
        let name = self.of(span, mention)?;
        Ok(match name.mode {
            Mode::Surrogate => self.surrogate(name, mention),
            Mode::Tag => format!("<{}_{}>", name.ty, name.index),
            Mode::Redact => format!("[{}]", name.ty),
            // Neither gets here: kept values are no spans, and a blocked one ends the record.
            Mode::Keep | Mode::Block => return Err(Dropped::AuditLeak),
        })
    }

    fn surrogate(&self, name: &Name, mention: &str) -> String {
        if name.ty == Type::DATE {
            return self.date(mention);
        }
        if name.ty == Type::TIME {
            return shift_clock(mention, self.minutes);
        }
        dress(name.ty, &name.surrogate, mention)
    }

    fn date(&self, mention: &str) -> String {
        let year = |date: &super::date::Written| {
            let piece = date.pieces.iter().find(|piece| piece.0 == Field::Year)?;
            mention.get(piece.1..piece.2).map(str::to_owned)
        };
        if self.years_only {
            return dated(mention).and_then(|date| year(&date)).unwrap_or_else(|| "[DATE]".to_owned());
        }
        shifted(mention, self.offset).unwrap_or_else(|| "[DATE]".to_owned())
    }

    /// What a JSON number becomes: a number of as many digits, in every mode.
    pub(crate) fn number(&self, span: &Finding, mention: &str) -> Result<String, Dropped> {
        let name = self.of(span, mention)?;
        let new = dress(name.ty, &name.surrogate, mention);
        let fits =
            new.len() == mention.len() && new.bytes().all(|b| b.is_ascii_digit()) && !new.starts_with('0');
        Ok(if fits || self.general == Mode::Keep { new } else { "9".repeat(mention.len()) })
    }
}

/// A mention of a date, moved by `offset` days.
pub(crate) fn shifted(mention: &str, offset: i64) -> Option<String> {
    dated(mention).map(|date| shift(mention, &date, offset))
}

/// A surrogate that no original equals or is part of, and that no other group has.
fn fresh(
    group: &Group,
    salt: &Salt,
    all: &HashSet<&str>,
    taken: &mut HashSet<String>,
    originals: Option<&AhoCorasick>,
) -> Result<String, Dropped> {
    let shared = [Type::DATE, Type::TIME, Type::CVV, Type::EXPIRY, Type::PASSWORD];
    if group.ty == Type::ENCODED && group.canonical.len() > 255 {
        return Ok(format!("kolm-redacted:base64;bytes={}", group.canonical.len()));
    }
    for attempt in 0..ATTEMPTS {
        let mut choice = Choice::new(salt, group.ty.as_str(), &group.canonical, attempt);
        let new = surrogate(group.ty, &group.canonical, &mut choice, attempt);
        if shared.contains(&group.ty) {
            return Ok(new);
        }
        let clash = all.contains(new.as_str()) || originals.is_some_and(|engine| engine.is_match(&new));
        if !clash && taken.insert(new.clone()) {
            return Ok(new);
        }
    }
    Err(Dropped::AuditLeak)
}
