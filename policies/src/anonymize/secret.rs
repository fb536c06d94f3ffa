//! Secrets: the rules of `policies/secrets.toml`, run behind one pass over all their keywords.
//!
//! **Invariant:** every hit of a keyword is looked at within a bounded reach, and overlapping reaches of one rule
//! are read once: linear in the text.

use std::ops::Range;
use std::sync::LazyLock;

use super::keywords::Hit;
use super::kind::{Evidence, Finding, Type};
use super::token::{after, before};

mod argument;
mod assign;
mod block;
mod command;
mod listed;
mod prose;
mod rules;
mod script;
mod thing;
mod told;
mod value;

use rules::{Class, Engine, Owner, RawRule, build};
pub(crate) use thing::is_of_a_public_key;
pub(crate) use value::sealed as is_sealed;

const RULES: &str = include_str!("../../secrets.toml");

/// How far around a keyword its regex looks.
const REACH: usize = 256;
/// How far a rule looks whose matches are long.
const LONG: usize = 16 * 1024;
/// The longest key with a head.
const LONGEST_TOKEN: usize = 2048;
/// How far after a service's name its key may begin.
const NEAR: usize = 64;

static ENGINE: LazyLock<Option<Engine>> = LazyLock::new(|| build(RULES).ok());

/// Are the rules there? Without them nothing may be minted.
pub(crate) fn ready() -> bool {
    ENGINE.is_some()
}

/// Secrets and passwords of a text that stands under `key`.
pub(crate) fn find(text: &[u8], key: &str, out: &mut Vec<Finding>) {
    let Some(engine) = ENGINE.as_ref() else { return };
    let mut seen = Seen::default();
    for hit in engine.keywords.hits(text) {
        let id = hit.word;
        let at = hit.start..hit.end;
        match engine.owner[id] {
            Owner::Token(i) => token(engine, i, text, &at, id, &mut seen.token_end, out),
            Owner::Near(i) => near(engine, i, text, &at, out),
            Owner::Rule(i) if engine.rules[i].raw.alone && continues(text, at.start) => {}
            Owner::Rule(i) => seen.windows.push(window(engine, i, text, &at)),
            Owner::Secret { glued } => {
                assign::find(engine, text, &at, assign::Kind::Secret { glued }, out);
            }
            Owner::Password => {
                if !assign::find(engine, text, &at, assign::Kind::Password, out) {
                    told::find(engine, text, &at, out);
                }
            }
            Owner::Pem => block::pem(text, at.start, out),
            Owner::Kube if at.start < seen.kube_end => {}
            Owner::Kube => seen.kube_end = block::kube(text, &at, &engine.assign, out),
            Owner::Cookie if at.start < seen.cookie_end => {}
            Owner::Codes if at.start < seen.codes_end => {}
            Owner::Codes => seen.codes_end = listed::codes(text, at.end, out),
            Owner::Call => listed::call(text, &at, &engine.assign, out),
            Owner::Argument(i) => argument::find(&engine.arguments[i], text, &at, &engine.assign, out),
            Owner::Command(i) => command::find(&engine.commands[i], text, &at, &engine.assign, out),
            Owner::Script => script::ftp(text, &at, &engine.assign, out),
            Owner::Renewed => prose::renewed(text, &at, &engine.assign, out),
            Owner::NamedAfter => prose::named_after(text, &at, &engine.assign, out),
            Owner::Login => prose::login(text, &at, &engine.assign, out),
            Owner::Cookie => seen.cookie_end = block::cookie(text, at.end, &engine.assign, out),
        }
    }
    seen.merge(engine);
    for (id, from, to) in seen.windows {
        run(engine, id, text, from, to, out);
    }
    if !key.is_empty() {
        assign::keyed(engine, text, key, out);
    }
    out.iter_mut().for_each(|f| f.start -= radix(text, f));
}

/// Holds a key a word for secrets or passwords?
pub(crate) fn is_key(key: &str) -> bool {
    let told =
        |hit: &Hit, engine: &Engine| matches!(engine.owner[hit.word], Owner::Secret { .. } | Owner::Password);
    ENGINE
        .as_ref()
        .is_some_and(|engine| engine.keywords.hits(key.as_bytes()).iter().any(|hit| told(hit, engine)))
}

/// Bytes of the `0x` that a key in hexadecimal digits is written behind.
fn radix(text: &[u8], f: &Finding) -> usize {
    let hex = f.evidence == Evidence::Secret && text[f.start..f.end].iter().all(u8::is_ascii_hexdigit);
    let led = hex && text[..f.start].ends_with(b"0x") && !before(text, f.start - 2).is_ascii_alphanumeric();
    if led { 2 } else { 0 }
}

/// What the hits of one text leave to do.
#[derive(Default)]
struct Seen {
    /// Where the last key with a head ended: heads inside it are part of it.
    token_end: usize,
    /// Where the last block of each kind that was read ended.
    kube_end: usize,
    cookie_end: usize,
    codes_end: usize,
    /// Rule and range.
    windows: Vec<(usize, usize, usize)>,
}

impl Seen {
    /// Joins the surroundings of keywords where they overlap; matches at a keyword stay apart.
    fn merge(&mut self, engine: &Engine) {
        self.windows.sort_unstable();
        self.windows.dedup_by(|next, last| {
            let joined = next.0 == last.0 && next.1 <= last.2 && !engine.rules[next.0].raw.head;
            if joined {
                last.2 = last.2.max(next.2);
            }
            joined
        });
    }
}

/// Is what begins at `at` the rest of a word?
fn continues(text: &[u8], at: usize) -> bool {
    let prev = before(text, at);
    // `pk.eyJ...`: what a map shows to everybody.
    (prev.is_ascii_alphanumeric() || matches!(prev, b'_' | b'-') || text[..at].ends_with(b"pk."))
        && !escaped(text, at)
}

/// Where a triggered rule looks.
fn window(engine: &Engine, id: usize, text: &[u8], at: &Range<usize>) -> (usize, usize, usize) {
    let raw = &engine.rules[id].raw;
    let reach = if raw.long { LONG } else { 2 * REACH };
    let from = if raw.head { at.start } else { at.start.saturating_sub(REACH) };
    (id, from, (at.end + reach).min(text.len()))
}

fn run(engine: &Engine, id: usize, text: &[u8], from: usize, to: usize, out: &mut Vec<Finding>) {
    let rule = &engine.rules[id];
    let Some(regex) = rule.regex() else { return };
    if !regex.is_match(&text[from..to]) {
        return;
    }
    for captures in regex.captures_iter(&text[from..to]) {
        let first = || (1..captures.len()).find_map(|i| captures.get(i));
        let group = if rule.raw.group == ANY { first() } else { captures.get(rule.raw.group) };
        let Some(group) = group else { continue };
        let range = from + group.start()..from + group.end();
        let public = rule.raw.generic && thing::is_of_a_public_key(text, range.start);
        if !public && !harmless(engine, &text[range.clone()], &rule.raw) {
            let ty = if rule.raw.password { Type::PASSWORD } else { Type::SECRET };
            out.push(Finding::new(range.start, range.end, ty, Evidence::Secret));
        }
    }
}

/// The group that stands for the first one that takes part.
const ANY: usize = 9;

/// Placeholders, references and words: nothing that opens a door.
fn harmless(engine: &Engine, value: &[u8], raw: &RawRule) -> bool {
    let about = || engine.assign.is_word(&value.to_ascii_lowercase());
    let word = || raw.generic && !(raw.password || value::drawn(value)) || raw.generic && value::path(value);
    let phrase = raw.group == 0 || value.contains(&b' ');
    value::entropy(value) < raw.entropy
        || raw.mixed && !value::mixed(value)
        || value::sentence(value)
        || value.windows(8).any(|w| w == b"XXXXXXXX")
        || !phrase && value::placeholder(value, &engine.assign)
        || (raw.password || raw.generic) && about()
        || word()
}

/// A key with a head: the run of its characters that follows.
fn token(
    engine: &Engine,
    i: usize,
    text: &[u8],
    at: &Range<usize>,
    id: usize,
    last: &mut usize,
    out: &mut Vec<Finding>,
) {
    let rule = &engine.tokens[i];
    let written = text[at.clone()] == *engine.words[id];
    let prev = before(text, at.start);
    // `pat` in `github_pat_`.
    let inner = prev == b'_' && (at.len() <= 3 || published(text, at.start));
    let joined = (prev.is_ascii_alphanumeric() || inner) && !escaped(text, at.start);
    if at.start < *last || !written || joined {
        return;
    }
    let most = text.len().min(at.end + LONGEST_TOKEN);
    let run = text[at.end..most].iter().take_while(|b| rule.class.has(**b)).count();
    let body = trimmed(&text[at.end..at.end + run]);
    let end = at.end + body.len();
    if body.len() < rule.min || after(text, end).is_ascii_alphanumeric() {
        return;
    }
    // A head that little else has vouches for all but plain words; a short one does before an unbroken run, which
    // hardly a name is.
    let head = &text[at.clone()];
    let plain = |b: &u8| !b.is_ascii_digit() && !b.is_ascii_uppercase();
    let rare = head.len() >= if rule.class == Class::Alnum { 3 } else { 4 };
    let told = rare && head.ends_with(b"-") | head.ends_with(b"_") | head.ends_with(b".");
    let spelled = rule.class.spells() && value::wordy(body) && (!told || body.iter().all(plain));
    let few = value::entropy(body) < 2.2_f64.min(value::floor(body));
    let harmless = spelled || few || value::sequential(body) || value::placeholder(body, &engine.assign);
    if !harmless {
        *last = end;
        out.push(Finding::new(at.start, end, Type::SECRET, Evidence::Secret));
    }
}

/// `live_` in `pk_live_`: the half of a pair that everybody may see.
fn published(text: &[u8], at: usize) -> bool {
    [&b"pk_"[..], b"pub_", b"public_", b"publishable_"].iter().any(|head| text[..at].ends_with(head))
}

/// `\nAKIA...` in a text that escapes its line ends.
fn escaped(text: &[u8], at: usize) -> bool {
    at >= 2 && text[at - 2] == b'\\' && matches!(text[at - 1], b'n' | b't' | b'r')
}

/// A full stop or a dash at the end belongs to the sentence.
fn trimmed(run: &[u8]) -> &[u8] {
    let end = run.iter().rposition(|b| !matches!(b, b'.' | b':' | b'!')).map_or(0, |n| n + 1);
    &run[..end]
}

/// A key of a service that is named before it on the same line.
fn near(engine: &Engine, i: usize, text: &[u8], at: &Range<usize>, out: &mut Vec<Finding>) {
    let rule = &engine.nears[i];
    if before(text, at.start).is_ascii_alphabetic() {
        return;
    }
    let reach = &text[at.end..text.len().min(at.end + NEAR)];
    let line = reach.iter().position(|b| *b == b'\n').unwrap_or(reach.len());
    let line_text = &text[at.end..at.end + line];
    let named =
        || [&b" key "[..], b"token ", b"secret "].iter().any(|w| line_text.windows(w.len()).any(|l| l == *w));
    let mark = line_text.iter().position(|b| b"=:,>'\"(`|".contains(b)).or_else(|| named().then_some(0));
    // `auth0|65f1...`: whom the service knows by that id.
    let Some(mark) = mark.filter(|_| after(text, at.end) != b'|') else { return };
    let (mut from, limit) = (at.end + mark, at.end + line);
    while from < limit {
        if !rule.class.has(text[from]) {
            from += 1;
            continue;
        }
        let most = text.len().min(from + rule.max + 2);
        let run = text[from..most].iter().take_while(|b| rule.class.has(**b)).count();
        let end = from + run;
        let whole = !before(text, from).is_ascii_alphanumeric() && !after(text, end).is_ascii_alphanumeric();
        let value = &text[from..end];
        if whole
            && (rule.min..=rule.max).contains(&run)
            && secret_of_a_service(engine, text, at.end..from, value)
        {
            out.push(Finding::new(from, end, Type::SECRET, Evidence::Secret));
            return;
        }
        from = end.max(from + 1);
    }
}

fn secret_of_a_service(engine: &Engine, text: &[u8], between: Range<usize>, value: &[u8]) -> bool {
    let name = text[between].to_ascii_lowercase();
    let harmless =
        [&b"id"[..], b"sha", b"md5", b"commit", b"://", b"hash", b"digest", b"version", b"path", b"etag"]
            .iter()
            .any(|word| name.windows(word.len()).any(|w| w == *word));
    let digits = value.iter().any(u8::is_ascii_digit);
    digits && !harmless && value::drawn(value) && !value::placeholder(value, &engine.assign)
}

/// Characters at the head of a secret that only name its vendor.
pub(crate) fn prefix_len(secret: &[u8]) -> usize {
    let Some(engine) = ENGINE.as_ref() else { return 0 };
    let heads = engine.tokens.iter().flat_map(|token| &token.heads);
    let fits = |head: &&String| secret.len() > head.len() && secret.starts_with(head.as_bytes());
    let jwt = if secret.starts_with(b"eyJ") { 3 } else { 0 };
    heads.filter(fits).map(String::len).max().unwrap_or(jwt)
}

#[cfg(test)]
mod tests;
