//! Texts as grammars in plain files.
//!
//! `== name` opens a rule, each line below is an alternative (`== name ,` splits lines at commas instead).
//! In an alternative `[a|b]` is a choice, `<rule>` another rule, `{slot}` a made value, `@TYPE(...)` an
//! identifier, `@?(...)` text that may be masked or not, `\n` a line break, `\` escapes; `% ` begins a remark.
//!
//! **Invariant:** a grammar that was read refers to no rule that it lacks.

use std::collections::BTreeMap;

use crate::draft::Mark;
use crate::rng::Rng;

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    Slot(String),
    Rule(String),
    Choice(Vec<Vec<Part>>),
    Marked(Mark, Vec<Part>),
}

pub(crate) type Line = Vec<Part>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Grammar {
    rules: BTreeMap<String, Vec<Line>>,
}

impl Grammar {
    /// Reads files, later ones adding to the rules of earlier ones.
    pub(crate) fn read(sources: &[&str]) -> Self {
        let mut grammar = Self::default();
        for source in sources {
            let (mut rule, mut commas) = (String::new(), false);
            for line in source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("% ")) {
                if let Some(head) = line.strip_prefix("== ") {
                    commas = head.trim_end().ends_with(" ,");
                    rule = head.trim_end().trim_end_matches(" ,").to_owned();
                    continue;
                }
                let lines = grammar.rules.entry(rule.clone()).or_default();
                if commas {
                    lines.extend(line.split(',').map(str::trim).filter(|word| !word.is_empty()).map(parse));
                } else {
                    lines.push(parse(line));
                }
            }
        }
        grammar
    }

    pub(crate) fn has(&self, rule: &str) -> bool {
        self.rules.contains_key(rule)
    }

    /// The alternatives of a rule.
    pub(crate) fn lines(&self, rule: &str) -> &[Line] {
        self.rules.get(rule).map_or(&[], Vec::as_slice)
    }

    /// An alternative that is plain text.
    pub(crate) fn word(&self, rule: &str, rng: &mut Rng) -> String {
        self.word_at(rule, rng.below(self.lines(rule).len()))
    }

    pub(crate) fn word_at(&self, rule: &str, at: usize) -> String {
        match self.lines(rule).get(at).map(Vec::as_slice) {
            Some([Part::Text(text)]) => text.clone(),
            _ => String::new(),
        }
    }

    /// Rules that are named and missing.
    #[cfg(test)]
    pub(crate) fn missing(&self) -> Vec<String> {
        fn walk(line: &[Part], grammar: &Grammar, out: &mut Vec<String>) {
            for part in line {
                match part {
                    Part::Rule(rule) if !grammar.has(rule) => out.push(rule.clone()),
                    Part::Choice(lines) => lines.iter().for_each(|line| walk(line, grammar, out)),
                    Part::Marked(_, line) => walk(line, grammar, out),
                    Part::Text(_) | Part::Slot(_) | Part::Rule(_) => {}
                }
            }
        }
        let mut out = Vec::new();
        for line in self.rules.values().flatten() {
            walk(line, self, &mut out);
        }
        out
    }
}

fn parse(line: &str) -> Line {
    let mut chars = line.chars().collect::<Vec<_>>().into_iter().peekable();
    sequence(&mut chars, &[]).0
}

type Chars = std::iter::Peekable<std::vec::IntoIter<char>>;

/// Parts up to one of `ends`, and which one it was.
fn sequence(chars: &mut Chars, ends: &[char]) -> (Line, Option<char>) {
    let (mut line, mut text) = (Vec::new(), String::new());
    let flush = |line: &mut Line, text: &mut String| {
        if !text.is_empty() {
            line.push(Part::Text(std::mem::take(text)));
        }
    };
    while let Some(c) = chars.next() {
        if ends.contains(&c) {
            flush(&mut line, &mut text);
            return (line, Some(c));
        }
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            '[' => {
                flush(&mut line, &mut text);
                line.push(choice(chars));
            }
            '<' => {
                flush(&mut line, &mut text);
                line.push(Part::Rule(until(chars, '>')));
            }
            '{' => {
                flush(&mut line, &mut text);
                line.push(Part::Slot(until(chars, '}')));
            }
            '@' if chars.peek().is_some_and(|next| next.is_ascii_uppercase() || *next == '?') => {
                flush(&mut line, &mut text);
                let name = until(chars, '(');
                let mark = if name == "?" { Mark::Either } else { Mark::True(name) };
                line.push(Part::Marked(mark, sequence(chars, &[')']).0));
            }
            _ => text.push(c),
        }
    }
    flush(&mut line, &mut text);
    (line, None)
}

fn choice(chars: &mut Chars) -> Part {
    let mut lines = Vec::new();
    loop {
        let (line, end) = sequence(chars, &['|', ']']);
        lines.push(line);
        if end != Some('|') {
            return Part::Choice(lines);
        }
    }
}

fn until(chars: &mut Chars, end: char) -> String {
    chars.by_ref().take_while(|c| *c != end).collect()
}
