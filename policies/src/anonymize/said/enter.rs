//! Names of users behind words of logging in: `cuenta mluisa_gz`, `Connexion refusée pour sbelanger`, and with their
//! passwords: `tessa_vdb / Stroopwafel99`.
//!
//! **Invariant:** a word of the language is no user, and a name of a program's variable neither.

use std::sync::LazyLock;

use memchr::memchr_iter;

use super::code::is_model;
use crate::anonymize::cue::is_common;
use crate::anonymize::keywords::Begins;
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::ner::{self, lists};
use crate::anonymize::quick::Set;
use crate::anonymize::sections::{Search, entries};
use crate::anonymize::suppress::is_nobody;
use crate::anonymize::token::{after, before, in_token};
use crate::anonymize::words::apart;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    User,
    Account,
    Refused,
    For,
    Both,
    Link,
    Glued,
}

const LEADS: &[(&str, Lead)] = &[
    ("user", Lead::User),
    ("account", Lead::Account),
    ("refused", Lead::Refused),
    ("for", Lead::For),
    ("both", Lead::Both),
    ("link", Lead::Link),
    ("glued link", Lead::Glued),
];

const WORDS: &str = include_str!("../../../words/enter.txt");

static SEARCH: LazyLock<Search<Lead>> = LazyLock::new(|| {
    let between = |lead| matches!(lead, Lead::For | Lead::Link | Lead::Glued);
    Search::of(entries(WORDS, LEADS).filter(move |(lead, _)| !between(*lead)))
});

/// What may stand between a word and the user.
struct Between {
    refused: Vec<&'static str>,
    link: Vec<&'static str>,
    glued: Vec<&'static str>,
}

static BETWEEN: LazyLock<Between> = LazyLock::new(|| {
    let of =
        |kind| entries(WORDS, LEADS).filter(move |(lead, _)| *lead == kind).map(|(_, word)| word).collect();
    Between { refused: of(Lead::For), link: of(Lead::Link), glued: of(Lead::Glued) }
});

/// Banks of payments' addresses.
static BANKS: LazyLock<Set<&'static str>> =
    LazyLock::new(|| entries(WORDS, &[("bank", ())]).map(|(_, word)| word).collect());

/// How far behind a word of logging in a pair of user and password may stand.
const REACH: usize = 90;
/// Small words between a word of logging in and the name.
const MOST: usize = 3;
/// The longest name of a user.
const LONGEST: usize = 40;

/// Users, and passwords that stand behind them; `low` is the text in small letters.
pub(super) fn find(text: &str, low: &str, begins: &Begins, out: &mut Vec<Finding>) {
    payments(text.as_bytes(), out);
    let cased = |c: char| c.is_lowercase() || c.is_uppercase() || c == '_';
    let mut paired = 0;
    for (hit, lead) in SEARCH.hits_of_words(low, begins) {
        let spaceless = low.get(..hit.end).is_some_and(|head| head.ends_with(is_spaceless));
        if !spaceless && !apart(text, hit.start, hit.end, cased) {
            continue;
        }
        match lead {
            Lead::User => user(text, low, hit.end, Sure::Named, out),
            Lead::Account => user(text, low, hit.end, Sure::Odd, out),
            Lead::Refused => refused(text, low, hit.end, out),
            Lead::Both if hit.end >= paired => paired = pair(text, hit.end, out),
            Lead::Both | Lead::For | Lead::Link | Lead::Glued => {}
        }
    }
}

/// How far before such an address may stand what it is.
const UPI: usize = 16;

/// `meenakshi.s@okaxis`: an address of payments, at a bank and not at a host.
fn payments(text: &[u8], out: &mut Vec<Finding>) {
    for at in memchr_iter(b'@', text) {
        let inside = |b: &&u8| in_token(**b) || matches!(b, b'.' | b'_' | b'-');
        let run = text[..at].iter().rev().take(LONGEST).take_while(inside).count();
        let bank = text[at + 1..].iter().take(LONGEST).take_while(|b| b.is_ascii_alphabetic()).count();
        let end = at + 1 + bank;
        let host = after(text, end) == b'.' && in_token(after(text, end + 1));
        let word = String::from_utf8_lossy(&text[at + 1..end]).to_ascii_lowercase();
        let near = text[(at - run).saturating_sub(UPI)..at - run].to_ascii_lowercase();
        let told = bank >= 3 && near.windows(3).any(|w| w == b"upi" || w == b"vpa");
        let closed = !host && !in_token(after(text, end));
        if run >= 3 && closed && (told || BANKS.contains(word.as_str())) {
            out.push(Finding::new(at - run, end, Type::ACCOUNT, Evidence::Label));
        }
    }
}

/// How much the word before says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sure {
    /// A user's name follows, or a word.
    Named,
    /// Only what no word is.
    Odd,
}

/// The name of a user right behind `from`.
fn user(text: &str, low: &str, from: usize, sure: Sure, out: &mut Vec<Finding>) {
    let Some(start) = value(low, from) else { return };
    let Some(end) = handle(text.as_bytes(), start) else { return };
    let name = text.get(start..end).unwrap_or_default();
    if is_odd(name) || sure == Sure::Named && (is_of_person(name) || is_initialled(name)) {
        out.push(Finding::new(start, end, Type::USERNAME, Evidence::Label));
    }
}

/// `pour sbelanger`: who was refused.
fn refused(text: &str, low: &str, from: usize, out: &mut Vec<Finding>) {
    let rest = low.get(from..).unwrap_or_default();
    let spaces = rest.len() - rest.trim_start_matches([' ', ':', '(']).len();
    let body = rest.get(spaces..).unwrap_or_default();
    let link = BETWEEN
        .refused
        .iter()
        .filter(|word| body.strip_prefix(**word).is_some_and(|rest| rest.starts_with(' ')));
    let Some(word) = link.max_by_key(|word| word.len()) else { return };
    let Some(start) = value(low, from + spaces + word.len()) else { return };
    let Some(end) = handle(text.as_bytes(), start) else { return };
    let name = text.get(start..end).unwrap_or_default();
    // `pour sbelanger depuis 24.201.88.130`.
    let tail = text.as_bytes().get(end..text.len().min(end + 16)).unwrap_or_default();
    let place = tail.iter().position(u8::is_ascii_digit);
    let led = |n: usize| {
        let between = &tail[..n];
        let spaces = between.iter().filter(|b| **b == b' ').count();
        spaces == 2 && between.iter().all(|b| *b == b' ' || b.is_ascii_lowercase() || *b >= 0x80)
    };
    let small = !name.bytes().any(|b| b.is_ascii_uppercase());
    let from_host = small && place.is_some_and(led) && !is_word(name);
    if is_odd(name) || is_of_person(name) || is_initialled(name) || from_host {
        out.push(Finding::new(start, end, Type::USERNAME, Evidence::Label));
    }
}

/// Where the value behind a word begins: after a space, a colon, a quote, `is`.
fn value(low: &str, from: usize) -> Option<usize> {
    let rest = low.get(from..)?;
    let mut at = rest.len() - rest.trim_start_matches([' ', ':', '=', '"', '\'', '@', '`']).len();
    let glued = rest.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_lowercase());
    // `nick của em là ...`, `아이디는 ...`.
    for _ in 0..=MOST {
        let body = rest.get(at..)?;
        let spaced = |link: &&str| body.strip_prefix(*link).is_some_and(|rest| rest.starts_with(' '));
        let link = BETWEEN.link.iter().find(|link| spaced(link)).map(|link| link.len() + 1);
        let joined = || BETWEEN.glued.iter().find(|link| body.starts_with(**link)).map(|link| link.len());
        let Some(len) = link.or_else(joined).filter(|_| at > 0 || glued) else { break };
        at += len;
    }
    // `账号xiaoyu_05`: scripts without spaces.
    if at == 0
        && rest.starts_with(|c: char| c.is_ascii_lowercase())
        && low.get(..from)?.ends_with(is_spaceless)
    {
        return Some(from);
    }
    let quoted = rest.get(at..)?.starts_with(['"', '\'', '`', '@', ':']);
    let end = from + at + usize::from(quoted);
    (at > 0 && at <= 32 && !rest.get(..at)?.contains('\n')).then_some(end)
}

/// A sign of Chinese or Japanese.
fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

/// Where the name at `start` ends, if it may be one: letters, digits, `_`, `.` and `-`.
fn handle(text: &[u8], start: usize) -> Option<usize> {
    let inside = |b: u8| in_token(b) || matches!(b, b'_' | b'.' | b'-');
    let len = text.get(start..)?.iter().take(LONGEST).take_while(|b| inside(**b)).count();
    let mut end = start + len;
    while end > start && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    let first = after(text, start);
    let next = after(text, end);
    let goes_on =
        matches!(next, b'@' | b'(' | b'[' | b'=' | b'\\') || next == b'/' && after(text, end + 1) != b' ';
    let word = first.is_ascii_alphabetic() && !(next >= 0x80 && first.is_ascii_lowercase() && next < 0xe0);
    ((3..LONGEST).contains(&(end - start)) && word && !goes_on).then_some(end)
}

/// Parts of a name that are letters.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphabetic()).filter(|part| !part.is_empty())
}

/// A word of the language, in whatever case.
fn is_word(part: &str) -> bool {
    let low = part.to_ascii_lowercase();
    let found = ner::lists_of(&low);
    is_common(&low) || is_nobody(&low) || found & lists::COMMON != 0
}

/// Small letters with digits, `_` or `.`: `rohit_gaming07`, `elbeto.gdl`; no `max_tokens`, `utf8`, `example.com`.
fn is_odd(name: &str) -> bool {
    let small = name.bytes().filter(u8::is_ascii_lowercase).count();
    let mixed = name.bytes().any(|b| b.is_ascii_digit() || b == b'_') || dotted(name);
    let long = parts(name).map(str::len).max().unwrap_or(0) >= 3;
    let words =
        parts(name).all(|part| part.len() <= 2 || is_word(part) || is_model(&part.to_ascii_lowercase()));
    small >= 3 && mixed && long && !words && !is_file(name)
}

/// `m.wiesner`: one point between letters, that begins no ending of a host.
fn dotted(name: &str) -> bool {
    let Some((head, tail)) = name.rsplit_once('.') else { return false };
    // `aino.m`: one letter is an initial, but not those of files in a language of programs.
    let initial =
        matches!(tail.as_bytes(), [b] if b.is_ascii_lowercase() && !b"chrsdo".contains(b)) && head.len() >= 4;
    let short = matches!(tail.as_bytes(), [a, b] if !b"aeiouy".contains(a) && !b"aeiouy".contains(b))
        && !ENDINGS.contains(&tail)
        && head.len() >= 4;
    !head.is_empty() && (tail.len() >= 3 || initial || short) && !head.contains("www")
}

/// Endings of files and hosts.
const ENDINGS: [&str; 44] = [
    "com", "net", "org", "info", "app", "dev", "shop", "cloud", "html", "php", "json", "yaml", "yml", "xml",
    "csv", "txt", "pdf", "doc", "docx", "xls", "xlsx", "png", "jpg", "zip", "exe", "sql", "log", "cfg",
    "ini", "conf", "js", "ts", "rs", "md", "sh", "kt", "cs", "fr", "gr", "br", "ch", "pl", "pt", "nl",
];

/// The name of a file or a host.
fn is_file(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, tail)| ENDINGS.contains(&tail.to_ascii_lowercase().as_str()))
}

/// `hmourao`: two consonants with which no word of these languages begins.
fn is_initialled(name: &str) -> bool {
    const CLASHES: [(u8, &[u8]); 6] = [
        (b'h', b"bcdfgkmnpstw"),
        (b'j', b"bcfghklnprtvw"),
        (b'l', b"bcdfgkmnprstvw"),
        (b'm', b"cdfghkptvw"),
        (b'n', b"bcdflmprstvw"),
        (b'r', b"bcdfgjklmnpsw"),
    ];
    let [first, second, rest @ ..] = name.as_bytes() else { return false };
    let vowels = rest.iter().filter(|b| b"aeiouy".contains(b)).count();
    let small = name.bytes().all(|b| b.is_ascii_lowercase());
    let clash = CLASHES.iter().any(|(head, tails)| head == first && tails.contains(second));
    small && name.len() >= 6 && vowels >= 2 && clash && !is_word(name)
}

/// `sbelanger`, `annaberg`: an initial or a given name, and a surname that is no word; the whole is neither.
fn is_of_person(name: &str) -> bool {
    if name.len() < 6 || !name.bytes().all(|b| b.is_ascii_lowercase()) || is_word(name) {
        return false;
    }
    let whole = ner::lists_of(name);
    let surname = |at: usize| {
        name.get(at..).is_some_and(|tail| {
            tail.len() >= 5 && !is_word(tail) && ner::lists_of(tail) & lists::SURNAME != 0
        })
    };
    let given = |at: usize| name.get(..at).is_some_and(|head| ner::lists_of(head) & lists::GIVEN != 0);
    whole & (lists::GIVEN | lists::SURNAME) == 0
        && (surname(1) || (3..name.len().saturating_sub(4)).any(|at| given(at) && surname(at)))
}

/// `tessa_vdb / Stroopwafel99` within reach of `from`; where the next may begin.
fn pair(text: &str, from: usize, out: &mut Vec<Finding>) -> usize {
    let bytes = text.as_bytes();
    let limit = bytes.len().min(from + REACH);
    let line =
        bytes.get(from..limit).unwrap_or_default().iter().position(|b| *b == b'\n').unwrap_or(limit - from);
    let mut at = from;
    while let Some(stroke) =
        bytes.get(at..from + line).and_then(|rest| rest.iter().position(|b| *b == b'/')).map(|n| at + n)
    {
        at = stroke + 1;
        let spaced = stroke > from && bytes[stroke - 1] == b' ' && bytes.get(at) == Some(&b' ');
        let end = if spaced { stroke - 1 } else { stroke };
        let inside = |b: &&u8| in_token(**b) || b"._-@".contains(b);
        let run = bytes[from..end].iter().rev().take_while(inside).count();
        let start = end - run;
        let open = at + usize::from(spaced);
        let secret = bytes[open..].iter().take(LONGEST).take_while(|b| b.is_ascii_graphic()).count();
        let trimmed =
            bytes[open..open + secret].iter().rposition(|b| !b".,;:)\"'".contains(b)).map_or(0, |n| n + 1);
        let (name, value) =
            (text.get(start..end).unwrap_or_default(), text.get(open..open + trimmed).unwrap_or_default());
        let named =
            (is_odd(name) || is_of_person(name) || name.contains('@')) && before(bytes, start) == b' ';
        if spaced && named && is_chosen(value) {
            out.push(Finding::new(start, end, Type::USERNAME, Evidence::Label));
            out.push(Finding::new(open, open + trimmed, Type::PASSWORD, Evidence::Secret));
            return open + trimmed;
        }
    }
    from
}

/// Letters with digits or signs: no word, no path, no number.
fn is_chosen(value: &str) -> bool {
    let has = |what: fn(&u8) -> bool| value.bytes().any(|b| what(&b));
    let sign = |b: &u8| b"!@#$%^&*?_".contains(b);
    (6..LONGEST).contains(&value.len())
        && has(u8::is_ascii_alphabetic)
        && (has(u8::is_ascii_digit) || has(sign))
        && !value.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::tables::{missing, typed, unasked};
    use crate::anonymize::words::small;

    fn check(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        find(text, &small(text), &Begins::of(text.as_bytes()), &mut out);
        typed(text, &out)
    }

    #[test]
    fn users_and_what_are_none() {
        let mut wrong = missing(
            check,
            &[
                ("to my UPI meenakshi.s@okaxis.", "ACCOUNT meenakshi.s@okaxis"),
                ("my id is rohit_gaming07 and pwd", "USERNAME rohit_gaming07"),
                ("My UPI is arjun.k22@okbharat and", "ACCOUNT arjun.k22@okbharat"),
                ("sesión en su cuenta mluisa_gz desde", "USERNAME mluisa_gz"),
                ("com o utilizador hmourao e a", "USERNAME hmourao"),
                ("Connexion refusée pour sbelanger depuis 24.201.88.130", "USERNAME sbelanger"),
                ("Login failed for kwxyz from 10.0.0.1", "USERNAME kwxyz"),
                ("Anmeldung fehlgeschlagen für tkrueger von 10.0.0.1", "USERNAME tkrueger"),
                ("Anmeldung fehlgeschlagen für Benutzer mschmitt von 10.2.3.4", "USERNAME mschmitt"),
                ("Inloggen met tessa_vdb / Stroopwafel99, klant", "PASSWORD Stroopwafel99"),
                ("Inloggen lukt niet met tessa_vdb / Stroopwafel99", "USERNAME tessa_vdb"),
                ("Użytkownik zosia_k92 zgłosił", "USERNAME zosia_k92"),
                ("логин petrov_84", "USERNAME petrov_84"),
                ("kullanıcı adı: mehmet.yilmaz", "USERNAME mehmet.yilmaz"),
                ("账号lixiao_88的密码", "USERNAME lixiao_88"),
                ("카톡 아이디는 jisu_dal이에요", "USERNAME jisu_dal"),
                ("mi Benutzer isch urs.keller", "USERNAME urs.keller"),
                ("Käyttäjätunnus on aino.m ja", "USERNAME aino.m"),
                ("Nick của em là linhmeo_99, pass", "USERNAME linhmeo_99"),
                ("Login for kfitzroy_rd is locked", "USERNAME kfitzroy_rd"),
                ("chart accessed by tlopez.rn from", "USERNAME tlopez.rn"),
                ("Můj účet pavel_n77 nefunguje", "USERNAME pavel_n77"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "the user interface is slow",
                "user experience and user research",
                "opened by main.rs and read by users",
                "login for everyone is broken",
                "the user standard rights",
                "account max_tokens",
                "set user user_id in the table",
                "login page at example.com",
                "the account manager called",
                "utilizador registado no sistema",
                "usuario bloqueado",
                "der Benutzer gesperrt wurde",
                "login and/or password",
                "access read/write",
                "login via HTTP/2 only",
                "log in / Sign2up",
                "login failed for unknown reasons",
                "access denied for security reasons",
                "profile utf8 mode",
                "image@sha256 and x@axis.example",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
