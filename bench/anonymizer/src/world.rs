//! Values for the slots of a grammar: people that stay the same through a text, dates, numbers, codes.
//!
//! **Invariant:** every value is drawn from the seed; a value that identifies is marked with its type.

use std::collections::BTreeMap;

use crate::draft::{Draft, Item, Manner, Mark};
use crate::grammar::{Grammar, Line, Part};
use crate::rng::Rng;
use crate::{codes, days};

/// Somebody of the text.
#[derive(Debug, Clone)]
struct Person {
    first: String,
    middle: char,
    last: String,
    female: bool,
}

pub(crate) struct World<'a> {
    grammar: &'a Grammar,
    rng: &'a mut Rng,
    draft: Draft,
    people: BTreeMap<String, Person>,
    mark: Mark,
}

/// Deepest nesting of rules; a grammar that refers to itself ends here.
const DEEPEST: usize = 24;

impl<'a> World<'a> {
    /// One text of a rule.
    pub(crate) fn item(
        grammar: &'a Grammar,
        rule: &str,
        group: &str,
        manner: Manner,
        rng: &'a mut Rng,
    ) -> Item {
        let mut world =
            Self { grammar, rng, draft: Draft::default(), people: BTreeMap::new(), mark: Mark::Plain };
        world.rule(rule, 0);
        let Self { mut draft, rng, .. } = world;
        manner.apply(&mut draft, rng);
        draft.finish(group)
    }

    fn rule(&mut self, name: &str, depth: usize) {
        let lines = self.grammar.lines(name);
        if depth > DEEPEST || lines.is_empty() {
            return;
        }
        if let Some(line) = lines.get(self.rng.below(lines.len())) {
            self.line(line, depth + 1);
        }
    }

    fn line(&mut self, line: &Line, depth: usize) {
        for part in line {
            match part {
                Part::Text(text) => self.put(text),
                Part::Slot(slot) => self.slot(slot, depth),
                Part::Rule(rule) => self.rule(rule, depth),
                Part::Choice(lines) => {
                    if let Some(line) = lines.get(self.rng.below(lines.len())) {
                        self.line(line, depth);
                    }
                }
                Part::Marked(mark, line) => {
                    let outer = std::mem::replace(&mut self.mark, mark.clone());
                    self.draft.cut();
                    self.line(line, depth);
                    self.draft.cut();
                    self.mark = outer;
                }
            }
        }
    }

    fn put(&mut self, text: &str) {
        let mark = self.mark.clone();
        self.draft.push(text, &mark);
    }

    /// An identifier, unless a mark around it says what it is.
    fn identifier(&mut self, ty: &str, text: &str) {
        if self.mark == Mark::Plain {
            self.draft.cut();
            self.draft.push(text, &Mark::True(ty.to_owned()));
            self.draft.cut();
        } else {
            self.put(text);
        }
    }

    fn slot(&mut self, slot: &str, depth: usize) {
        if let Some(spec) = slot.strip_prefix('#') {
            let (ty, spec) = spec.split_once(':').unwrap_or(("", spec));
            let value = codes::shape(spec, self.rng);
            return if ty.is_empty() { self.put(&value) } else { self.identifier(ty, &value) };
        }
        let (name, form) = slot.split_once(['.', ':']).unwrap_or((slot, ""));
        match name {
            "n" => self.number(form),
            "f" => self.fraction(form),
            "date" | "dob" => self.date(name, form),
            "old" => {
                let age = self.rng.within(90, 101).to_string();
                self.identifier("AGE", &age);
            }
            "code" => {
                if let Some((ty, value)) = codes::made(form, self.rng) {
                    self.identifier(ty, &value);
                }
            }
            _ if self.grammar.has(name) => self.rule(name, depth),
            _ => self.person(name, form),
        }
    }

    fn number(&mut self, form: &str) {
        let (low, high) = form.split_once('-').unwrap_or(("0", form));
        let value = self.rng.within(low.parse().unwrap_or(0), high.parse().unwrap_or(9));
        self.put(&value.to_string());
    }

    fn fraction(&mut self, form: &str) {
        let (low, high) = form.split_once('-').unwrap_or(("0", form));
        let tenth = |text: &str| (text.parse::<f64>().unwrap_or(0.0) * 10.0).round() as u64;
        let value = self.rng.within(tenth(low), tenth(high));
        self.put(&format!("{}.{}", value / 10, value % 10));
    }

    /// A date in the form that is named, else in one of the rule `date_formats`.
    fn date(&mut self, name: &str, form: &str) {
        let year = if name == "dob" { self.rng.within(1936, 2004) } else { self.rng.within(2017, 2026) };
        let day = days::Day::draw(year, self.rng);
        let format = match form {
            "" => {
                let lines = self.grammar.lines("date_formats");
                self.grammar.word_at("date_formats", self.rng.below(lines.len()))
            }
            "iso" => "%Y-%m-%d".to_owned(),
            "md" => ["%n/%e", "%m/%d", "%b %e"][self.rng.below(3)].to_owned(),
            "my" => ["%B %Y", "%b %Y", "%m/%Y", "%B of %Y"][self.rng.below(4)].to_owned(),
            other => other.to_owned(),
        };
        let format = if format.is_empty() { "%Y-%m-%d".to_owned() } else { format };
        let text = day.written(&format, self.grammar);
        self.identifier("DATE", &text);
    }

    fn person(&mut self, name: &str, form: &str) {
        if self.people.len() > 40 {
            return;
        }
        if !self.people.contains_key(name) {
            let made = self.somebody(name);
            self.people.insert(name.to_owned(), made);
        }
        let Some(person) = self.people.get(name).cloned() else { return };
        let word = |female: &str, male: &str| if person.female { female.to_owned() } else { male.to_owned() };
        let plain = match form {
            "he" => word("she", "he"),
            "He" => word("She", "He"),
            "his" => word("her", "his"),
            "His" => word("Her", "His"),
            "him" => word("her", "him"),
            "sex" => word("female", "male"),
            "man" => word("woman", "man"),
            "f" => word("F", "M"),
            "mr" => word("Ms.", "Mr."),
            _ => String::new(),
        };
        if plain.is_empty() {
            self.named(&person, form);
        } else {
            self.put(&plain);
        }
    }

    fn named(&mut self, person: &Person, form: &str) {
        let Person { first, middle, last, .. } = person;
        let initial = first.chars().next().unwrap_or('A');
        let ascii = |name: &str| codes::ascii(name);
        let (ty, text) = match form {
            "first" => ("NAME", first.clone()),
            "last" => ("NAME", last.clone()),
            "mid" => ("NAME", format!("{first} {middle}. {last}")),
            "rev" => ("NAME", format!("{last}, {first}")),
            "revm" => ("NAME", format!("{last}, {first} {middle}")),
            "ini" => ("NAME", format!("{initial}. {last}")),
            "inis" => ("NAME", format!("{initial}.{}.", last.chars().next().unwrap_or('B'))),
            "upper" => ("NAME", format!("{first} {last}").to_uppercase()),
            "LAST" => ("NAME", last.to_uppercase()),
            "user" => (
                "USERNAME",
                format!("{}{}{}", ascii(first), ["_", ".", ""][self.rng.below(3)], self.rng.below(99)),
            ),
            "login" => ("USERNAME", format!("{initial}{}", ascii(last)).to_lowercase()),
            "email" => {
                let host = self.grammar.word("hosts", self.rng);
                let local = match self.rng.below(4) {
                    0 => format!("{}.{}", ascii(first), ascii(last)),
                    1 => format!("{}{}", ascii(&initial.to_string()), ascii(last)),
                    2 => format!("{}_{}{}", ascii(last), ascii(first), self.rng.below(99)),
                    _ => format!("{}{}", ascii(first), self.rng.within(60, 2009)),
                };
                ("EMAIL", format!("{local}@{host}"))
            }
            "any" => {
                let forms = ["", "", "", "mid", "rev", "ini", "LAST"];
                let form = forms[self.rng.below(forms.len())];
                return self.named(person, form);
            }
            _ => ("NAME", self.full(first, last)),
        };
        self.identifier(ty, &text);
    }

    /// First and last name in the order of the locale.
    fn full(&self, first: &str, last: &str) -> String {
        match self.grammar.word_at("order", 0).as_str() {
            "LF" => format!("{last}{first}"),
            "L F" => format!("{last} {first}"),
            _ => format!("{first} {last}"),
        }
    }

    fn somebody(&mut self, role: &str) -> Person {
        let female = self.rng.chance(50);
        let first = self.grammar.word(if female { "first_f" } else { "first_m" }, self.rng);
        let lasts = if female && self.grammar.has("last_f") { "last_f" } else { "last" };
        let kin = self.people.get("pt").filter(|_| role.starts_with("rel") && self.rng.chance(55));
        let last = kin.map(|pt| pt.last.clone()).unwrap_or_else(|| self.grammar.word(lasts, self.rng));
        Person { first, middle: self.rng.of("ABCDEFGHJKLMNPRSTW"), last, female }
    }
}
