//! Secrets: the rules of `policies/secrets.toml`, run behind one pass over all their keywords.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use regex::bytes::Regex;
use serde::Deserialize;

use super::kind::{Evidence, Finding, Type};

const RULES: &str = include_str!("../../secrets.toml");

/// How far around a keyword its regex looks.
const REACH: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    /// What the rule is for; unique.
    name: String,
    /// Lower case; one of them is in every match.
    keywords: Vec<String>,
    regex: String,
    /// The capture group that is the secret.
    #[serde(default)]
    group: usize,
    /// Least bits per character of the group.
    #[serde(default)]
    entropy: f64,
    /// `PASSWORD` for what people choose, else `SECRET`.
    #[serde(default)]
    password: bool,
    /// The match may be longer than the reach.
    #[serde(default)]
    long: bool,
    /// Characters of the group that tell the vendor and stay.
    #[serde(default)]
    prefix: usize,
}

struct Rule {
    raw: RawRule,
    regex: Regex,
}

struct Engine {
    rules: Vec<Rule>,
    keywords: AhoCorasick,
    /// Rule of every keyword.
    owner: Vec<usize>,
}

static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(|| build(RULES).ok());

/// Fails where a rule does not parse: a test holds that the shipped rules do.
fn build(source: &str) -> Result<Engine, String> {
    let file: File = toml::from_str(source).map_err(|e| e.to_string())?;
    let mut rules = Vec::new();
    let mut words = Vec::new();
    let mut owner = Vec::new();
    for raw in file.rule {
        let regex = Regex::new(&format!("(?-u){}", raw.regex)).map_err(|e| format!("{}: {e}", raw.name))?;
        owner.extend(raw.keywords.iter().map(|_| rules.len()));
        words.extend(raw.keywords.clone());
        rules.push(Rule { raw, regex });
    }
    let keywords = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .build(&words)
        .map_err(|e| e.to_string())?;
    Ok(Engine { rules, keywords, owner })
}

/// Are the rules there? Without them nothing may be minted.
pub(crate) fn ready() -> bool {
    ENGINE.is_some()
}

/// Secrets and passwords of the text.
pub(crate) fn find(text: &[u8], out: &mut Vec<Finding>) {
    let Some(engine) = ENGINE.as_ref() else { return };
    for (id, from, to) in windows(engine, text) {
        let rule = &engine.rules[id];
        for captures in rule.regex.captures_iter(&text[from..to]) {
            let Some(group) = captures.get(rule.raw.group) else { continue };
            let range = from + group.start()..from + group.end();
            if entropy(&text[range.clone()]) >= rule.raw.entropy && !harmless(text, &range, &rule.raw) {
                let ty = if rule.raw.password { Type::PASSWORD } else { Type::SECRET };
                out.push(Finding::new(range.start, range.end, ty, Evidence::Secret));
            }
        }
    }
}

/// Where each triggered rule looks: the surroundings of its keywords, merged where they overlap.
fn windows(engine: &Engine, text: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut all: Vec<(usize, usize, usize)> = Vec::new();
    for hit in engine.keywords.find_overlapping_iter(text) {
        let id = engine.owner[hit.pattern().as_usize()];
        let reach = if engine.rules[id].raw.long { 16 * 1024 } else { REACH };
        all.push((id, hit.start().saturating_sub(REACH), (hit.end() + reach).min(text.len())));
    }
    all.sort_unstable();
    all.dedup_by(|next, last| {
        let joined = next.0 == last.0 && next.1 <= last.2;
        if joined {
            last.2 = last.2.max(next.2);
        }
        joined
    });
    all
}

/// Characters at the head of a secret that only name its vendor.
pub(crate) fn prefix_len(secret: &[u8]) -> usize {
    let Some(engine) = ENGINE.as_ref() else { return 0 };
    let fits = |rule: &&Rule| {
        let len = rule.raw.prefix;
        len > 0 && secret.len() > len && rule.raw.keywords.iter().any(|w| starts_with(secret, w.as_bytes()))
    };
    engine.rules.iter().filter(fits).map(|rule| rule.raw.prefix).max().unwrap_or(0)
}

fn starts_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// Shannon entropy in bits per byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let n = text.len().max(1) as f64;
    counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / n).map(|p| -p * p.log2()).sum()
}

/// Placeholders, references and words: nothing that opens a door.
fn harmless(text: &[u8], range: &Range<usize>, rule: &RawRule) -> bool {
    let value = &text[range.clone()];
    let lower = value.to_ascii_lowercase();
    let has = |word: &[u8]| lower.windows(word.len()).any(|w| w == word);
    let placeholder = matches!(value.first(), Some(b'$' | b'<' | b'{' | b'%' | b'['))
        || has(b"xxxx")
        || has(b"****")
        || has(b"....")
        || has(b"your-")
        || has(b"your_")
        || has(b"process.env")
        || has(b"os.environ")
        || has(b"getenv");
    let words = [
        &b"required"[..],
        b"null",
        b"none",
        b"true",
        b"false",
        b"string",
        b"optional",
        b"undefined",
        b"password",
        b"secret",
        b"token",
        b"changeme",
        b"redacted",
        b"[redacted]",
        b"object",
        b"hidden",
        b"empty",
        b"bearer",
        b"missing",
    ];
    let plain = words.contains(&lower.as_slice());
    let generic = rule.entropy > 0.0 || rule.password;
    let path = value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~/");
    let spelled = lower.iter().all(|b| b.is_ascii_lowercase() || b"_-.".contains(b));
    placeholder || generic && (plain || path || spelled && rule.entropy > 0.0)
}

#[cfg(test)]
mod tests;
