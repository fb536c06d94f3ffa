//! The rules of `policies/secrets.toml`, read and compiled once.
//!
//! **Invariant:** an engine that exists knows all rules; a regex is compiled when its keyword is first met.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;
use serde::Deserialize;

use crate::anonymize::keywords::Keywords;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    token: Vec<Token>,
    near: Vec<Near>,
    argument: Vec<Argument>,
    command: Vec<Command>,
    assign: RawAssign,
    rule: Vec<RawRule>,
}

/// A key that says whose it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) heads: Vec<String>,
    pub(super) class: Class,
    pub(super) min: usize,
}

/// A key that only the service's name beside it tells.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Near {
    pub(super) name: String,
    pub(super) words: Vec<String>,
    pub(super) class: Class,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// Calls of which one argument is a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Argument {
    calls: Vec<String>,
    /// Which one, counted from 1.
    pub(super) at: usize,
    /// Or the first string behind it.
    #[serde(default)]
    pub(super) or_later: bool,
    /// Only where a field for passwords is named before.
    #[serde(default)]
    pub(super) of_a_field: bool,
}

/// Commands of a shell that are given a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    names: Vec<String>,
    /// Options before a secret.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// Words that are one, options not counted, from 1.
    #[serde(default)]
    pub(super) nth: Vec<usize>,
    /// The secret may follow a short option without a space.
    #[serde(default)]
    pub(super) glued: bool,
}

/// What a key is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    Hex,
    HexLow,
    HexDash,
    Upper,
    UpDash,
    Alnum,
    Word,
    Dot,
    B64,
    Pct,
    Salesforce,
    Rancher,
}

impl Class {
    pub(super) fn has(self, b: u8) -> bool {
        match self {
            Self::Hex => b.is_ascii_hexdigit(),
            Self::HexLow => b.is_ascii_digit() || matches!(b, b'a'..=b'f'),
            Self::HexDash => b.is_ascii_hexdigit() || b == b'-',
            Self::Upper => b.is_ascii_digit() || b.is_ascii_uppercase(),
            Self::UpDash => b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-',
            Self::Alnum => b.is_ascii_alphanumeric(),
            Self::Word => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Self::Dot => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
            Self::B64 => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'='),
            Self::Pct => b.is_ascii_alphanumeric() || b == b'%',
            Self::Salesforce => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'!'),
            Self::Rancher => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'),
        }
    }

    /// Only classes with letters of both kinds can spell words by chance or by a writer's choice.
    pub(super) fn spells(self) -> bool {
        !matches!(self, Self::Hex | Self::HexLow | Self::HexDash | Self::Upper | Self::UpDash)
    }
}

/// See the head of `secrets.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) name: String,
    keywords: Vec<String>,
    regex: String,
    #[serde(default)]
    pub(super) head: bool,
    #[serde(default)]
    pub(super) alone: bool,
    #[serde(default)]
    pub(super) group: usize,
    #[serde(default)]
    pub(super) entropy: f64,
    #[serde(default)]
    pub(super) generic: bool,
    #[serde(default)]
    pub(super) mixed: bool,
    #[serde(default)]
    pub(super) password: bool,
    #[serde(default)]
    pub(super) long: bool,
}

pub(super) struct Rule {
    pub(super) raw: RawRule,
    compiled: OnceLock<Option<Regex>>,
}

impl Rule {
    /// The regex; a rule that does not compile finds nothing, and a test holds that all do.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let pattern = || {
            let anchor = if self.raw.head { r"\A" } else { "" };
            Regex::new(&format!("(?-u){anchor}(?:{})", self.raw.regex)).ok()
        };
        self.compiled.get_or_init(pattern).as_ref()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAssign {
    secret: Vec<String>,
    glued: Vec<String>,
    password: Vec<String>,
    codes: Vec<String>,
    call: Vec<String>,
    script: Vec<String>,
    renewed: Vec<String>,
    named_after: Vec<String>,
    login: Vec<String>,
    benign_last: Vec<String>,
    benign_any: Vec<String>,
    placeholder: Vec<String>,
    word: Vec<String>,
}

/// The words of assignments, sorted for search.
pub(super) struct Assign {
    pub(super) benign_last: Vec<String>,
    pub(super) benign_any: Vec<String>,
    word: Vec<String>,
    placeholder: AhoCorasick,
}

impl Assign {
    /// Is the value a word about a secret?
    pub(super) fn is_word(&self, lower: &[u8]) -> bool {
        self.word.binary_search_by(|word| word.as_bytes().cmp(lower)).is_ok()
    }

    /// Does the value hold a placeholder's word?
    pub(super) fn holds_placeholder(&self, lower: &[u8]) -> bool {
        self.placeholder.is_match(lower)
    }
}

/// What a keyword is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    Token(usize),
    Near(usize),
    Rule(usize),
    /// A word of a name, alone in it or its end.
    Secret {
        glued: bool,
    },
    Password,
    Pem,
    Kube,
    Cookie,
    /// A list of codes that each open once.
    Codes,
    /// A call that takes keys.
    Call,
    /// A call of which one argument is a secret.
    Argument(usize),
    /// A command of a shell.
    Command(usize),
    /// The head of a script of a file transfer.
    Script,
    /// `the new one is`.
    Renewed,
    /// `as the password`.
    NamedAfter,
    /// `log in`.
    Login,
}

pub(super) struct Engine {
    pub(super) tokens: Vec<Token>,
    pub(super) nears: Vec<Near>,
    pub(super) arguments: Vec<Argument>,
    pub(super) commands: Vec<Command>,
    pub(super) rules: Vec<Rule>,
    pub(super) assign: Assign,
    pub(super) keywords: Keywords,
    pub(super) words: Vec<Box<[u8]>>,
    /// What every keyword is for.
    pub(super) owner: Vec<Owner>,
}

/// Fails where the file does not parse or names two rules alike.
pub(super) fn build(source: &str) -> Result<Engine, String> {
    let file: File = toml::from_str(source).map_err(|e| e.to_string())?;
    named_once(file.token.iter().map(|token| &token.name))?;
    named_once(file.near.iter().map(|near| &near.name))?;
    named_once(file.rule.iter().map(|rule| &rule.name))?;
    let mut all: Vec<(String, Owner)> = Vec::new();
    for (i, token) in file.token.iter().enumerate() {
        all.extend(token.heads.iter().map(|head| (head.clone(), Owner::Token(i))));
    }
    for (i, near) in file.near.iter().enumerate() {
        all.extend(near.words.iter().map(|word| (word.clone(), Owner::Near(i))));
    }
    for (i, rule) in file.rule.iter().enumerate() {
        all.extend(rule.keywords.iter().map(|word| (word.clone(), Owner::Rule(i))));
    }
    for (i, argument) in file.argument.iter().enumerate() {
        all.extend(argument.calls.iter().map(|word| (word.clone(), Owner::Argument(i))));
    }
    for (i, command) in file.command.iter().enumerate() {
        all.extend(command.names.iter().map(|word| (word.clone(), Owner::Command(i))));
    }
    let mut raw = file.assign;
    all.extend(raw.secret.drain(..).map(|word| (word, Owner::Secret { glued: false })));
    all.extend(raw.glued.drain(..).map(|word| (word, Owner::Secret { glued: true })));
    // Keywords are found in either case of ASCII letters alone.
    let capital = |word: &String| {
        let mut rest = word.chars();
        let first = rest.next().filter(|c| !c.is_ascii())?;
        Some(first.to_uppercase().chain(rest).collect::<String>()).filter(|other| other != word)
    };
    let capitals: Vec<String> = raw.password.iter().filter_map(capital).collect();
    all.extend(raw.password.drain(..).chain(capitals).map(|word| (word, Owner::Password)));
    all.push(("-----begin ".to_owned(), Owner::Pem));
    all.extend(
        ["kind: secret", "\"kind\": \"secret\"", "kind: \"secret\""].map(|w| (w.to_owned(), Owner::Kube)),
    );
    all.extend(raw.codes.drain(..).map(|word| (word, Owner::Codes)));
    all.extend(raw.call.drain(..).map(|word| (word, Owner::Call)));
    all.extend(raw.script.drain(..).map(|word| (word, Owner::Script)));
    all.extend(raw.renewed.drain(..).map(|word| (word, Owner::Renewed)));
    all.extend(raw.named_after.drain(..).map(|word| (word, Owner::NamedAfter)));
    all.extend(raw.login.drain(..).map(|word| (word, Owner::Login)));
    all.extend(["cookie: ", "cookie\": \"", "cookie:"].map(|w| (w.to_owned(), Owner::Cookie)));
    let keywords = Keywords::of(all.iter().map(|(word, _)| word.as_str()));
    let (words, owner): (Vec<String>, Vec<Owner>) = all.into_iter().unzip();
    let rules = file.rule.into_iter().map(|raw| Rule { raw, compiled: OnceLock::new() }).collect();
    let words = words.into_iter().map(|word| word.into_bytes().into_boxed_slice()).collect();
    Ok(Engine {
        tokens: file.token,
        nears: file.near,
        arguments: file.argument,
        commands: file.command,
        rules,
        assign: assign(raw)?,
        keywords,
        words,
        owner,
    })
}

fn named_once<'a>(mut names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    names.try_for_each(
        |name| if seen.insert(name) { Ok(()) } else { Err(format!("two rules are called {name}")) },
    )
}

fn assign(mut raw: RawAssign) -> Result<Assign, String> {
    raw.benign_last.sort_unstable();
    raw.benign_any.sort_unstable();
    raw.word.sort_unstable();
    let placeholder = AhoCorasick::new(&raw.placeholder).map_err(|e| e.to_string())?;
    Ok(Assign { benign_last: raw.benign_last, benign_any: raw.benign_any, word: raw.word, placeholder })
}
