//! Numbers in code: lines of a dump, counts behind their word, versions, outlines of pictures.
//!
//! **Invariant:** looks at the line of a number and a few words before it.

use super::line::{self, Lines};
use super::version::{self, Versions};
use super::{Verdict, opaque};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::number::unit_follows;
use crate::anonymize::token::{after, before, in_token};

/// What a number behind one of these words says of a machine.
const COUNTED: [&str; 71] = [
    "size",
    "length",
    "len",
    "bytes",
    "byte",
    "offset",
    "pos",
    "position",
    "trx",
    "lsn",
    "txid",
    "xid",
    "thread",
    "tid",
    "pid",
    "ppid",
    "inode",
    "oid",
    "seq",
    "sequence",
    "epoch",
    "ts",
    "timestamp",
    "time",
    "duration",
    "elapsed",
    "ms",
    "ns",
    "port",
    "line",
    "col",
    "build",
    "block",
    "height",
    "slot",
    "count",
    "total",
    "rows",
    "seed",
    "addr",
    "undo",
    "mem",
    "rss",
    "heap",
    "max",
    "min",
    "limit",
    "iat",
    "exp",
    "nbf",
    "mtime",
    "ctime",
    "cfbundleversion",
    "revision",
    "resume",
    "of",
    "at",
    "nonce",
    "gas",
    "wei",
    "step",
    "ino",
    "modified",
    "updated",
    "created",
    "expires",
    "lastmodified",
    "versioncode",
    "createdat",
    "updatedat",
    "expiresat",
];

/// What a number is joined to that a pipeline gives its things: `drop_114273449`.
const JOINED: [&str; 10] =
    ["drop", "build", "artifact", "release", "run", "job", "pipeline", "image", "snapshot", "chunk"];
/// Of those the ones that prose has as well: only on a line of code.
const PLAIN: [&str; 14] = [
    "time", "line", "of", "at", "total", "count", "max", "min", "limit", "step", "port", "position", "block",
    "height",
];

/// What a finding with digits is worth.
pub(super) fn judge(text: &[u8], lines: &Lines, versions: &Versions, f: &Finding) -> Verdict {
    let code = lines.code(f.start);
    if is_dump(text, f.start) || is_resource(text, f) || code && f.ty != Type::TIME && is_outline(text, f) {
        return Verdict::Goes;
    }
    if f.ty == Type::DATE || f.ty == Type::IP_ADDRESS || f.ty == Type::ID {
        if version::is_one(text, f, code) || versions.holds(&text[f.start..f.end], f.ty) {
            return Verdict::Doubtful;
        }
        if f.ty == Type::ID && opaque::is_nobodys(text, f, lines) {
            return Verdict::Doubtful;
        }
    }
    if f.ty == Type::AGE {
        return age(text, f, code);
    }
    let process = f.ty == Type::MRN && code && text[..f.start].ends_with(b"pid=");
    if process || f.evidence != Evidence::Label && is_counted(text, f, code) {
        return Verdict::Doubtful;
    }
    if f.ty == Type::PHONE && (is_mode(text, f) || is_joined(text, f)) {
        return Verdict::Goes;
    }
    Verdict::Stays
}

/// `rtb-0fbd1565232d084e1`, `auth-api-7d9c5b6f4-x2kqv`: what a cloud or an orchestrator calls its things.
fn is_resource(text: &[u8], f: &Finding) -> bool {
    let value = &text[f.start..f.end];
    let small = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let hex = |part: &[u8]| part.iter().all(|b| small(b) && b.is_ascii_hexdigit());
    let kind = text[..f.start].strip_suffix(b"-").is_some_and(|head| {
        let letters = head.iter().rev().take(9).take_while(|b| b.is_ascii_lowercase()).count();
        (1..=8).contains(&letters) && !in_token(before(head, head.len() - letters))
    });
    if kind && matches!(value.len(), 8 | 17) && hex(value) {
        return true;
    }
    let mut parts = value.rsplit(|b| *b == b'-');
    let [Some(replica), Some(set), Some(_)] = [parts.next(), parts.next(), parts.next()] else {
        return false;
    };
    replica.len() == 5 && (8..=10).contains(&set.len()) && replica.iter().all(small) && hex(set)
}

/// The longest line of a dump.
const DUMP: usize = 128;

/// `00000010: 0300 3e00 0100 0000  ..>.`, `00000000  41 4e 44 52`: a line of a dump of bytes.
fn is_dump(text: &[u8], at: usize) -> bool {
    let (before, whole) = line::head(text, at, DUMP);
    if !whole {
        return false;
    }
    let line = &text[at - before.len()..];
    let hex = |bytes: &[u8]| bytes.iter().take(16).take_while(|b| b.is_ascii_hexdigit()).count();
    let indent = line.iter().take(8).take_while(|b| **b == b' ').count();
    let address = hex(&line[indent..]);
    let mut rest = &line[indent + address..];
    if !(6..=16).contains(&address) {
        return false;
    }
    rest = rest.strip_prefix(b":").unwrap_or(rest);
    let mut groups = 0;
    while groups < 4 {
        let spaces = rest.iter().take(3).take_while(|b| **b == b' ').count();
        let group = hex(&rest[spaces..]);
        if spaces == 0 || !matches!(group, 2 | 4 | 8) || after(rest, spaces + group) != b' ' {
            break;
        }
        rest = &rest[spaces + group..];
        groups += 1;
    }
    groups == 4
}

/// `4.5-2.67V7z`: points of a path of a picture around the number.
fn is_outline(text: &[u8], f: &Finding) -> bool {
    const REACH: usize = 20;
    let inside = |b: &u8| b.is_ascii_digit() || b".-, MmLlHhVvCcSsQqTtAaZz".contains(b);
    let left = text[..f.start].iter().rev().take(REACH).take_while(|b| inside(b)).count();
    let right = text[f.end..].iter().take(REACH).take_while(|b| inside(b)).count();
    let around = [&text[f.start - left..f.start], &text[f.end..f.end + right]].concat();
    left + right >= REACH && around.iter().any(u8::is_ascii_alphabetic) && around.contains(&b'.')
}

/// `sha256-034F/FD30...`, `curl: (67)`: no age is part of a hash, and none stands behind the name of a program.
fn age(text: &[u8], f: &Finding, code: bool) -> Verdict {
    let solid = |b: &u8| b.is_ascii_alphanumeric() || b"+/=_-.".contains(b);
    let left = text[..f.start].iter().rev().take(40).take_while(|b| solid(b)).count();
    let right = text[f.end..].iter().take(40).take_while(|b| solid(b)).count();
    let (head, whole) = line::head(text, f.start, 32);
    let program = head.strip_suffix(b": (").unwrap_or_default();
    let named = whole
        && (2..=24).contains(&program.len())
        && program.iter().all(|b| b.is_ascii_lowercase() || b"-_.".contains(b));
    let bare = f.evidence == Evidence::Model && text[f.start..f.end].iter().all(u8::is_ascii_digit);
    if left + right >= 20 || named || bare && code { Verdict::Goes } else { Verdict::Stays }
}

/// `size 438291120`, `"time":1718002291883`, `pid=288120`.
fn is_counted(text: &[u8], f: &Finding, code: bool) -> bool {
    let value = &text[f.start..f.end];
    if !value.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let head = &text[f.start.saturating_sub(40)..f.start];
    let signs = head.iter().rev().take(5).take_while(|b| b" =:\"'#".contains(b)).count();
    let name = &head[..head.len() - signs];
    let run = name.iter().rev().take_while(|b| in_token(**b) || b"_-".contains(b)).count();
    let name = &name[name.len() - run..];
    let word = std::str::from_utf8(name).unwrap_or_default();
    let whole = word.to_ascii_lowercase();
    let words = crate::anonymize::label::plain_key(word);
    let last = words.rsplit(' ').next().unwrap_or_default();
    let says = |word: &str| COUNTED.contains(&word) && (code || !PLAIN.contains(&word));
    let joined = || {
        let thing = whole.strip_suffix(['_', '-']).unwrap_or_default();
        JOINED.contains(&thing.rsplit(['_', '-']).next().unwrap_or_default())
    };
    let assigned = head[head.len() - signs..].iter().any(|b| b"=:".contains(b)) && !word.is_empty();
    let clock = || assigned && f.ty == Type::ID && is_clock(value) && !of_somebody(&words);
    signs > 0 && (says(&whole) || says(last))
        || clock()
        || signs == 0 && joined()
        || unit_follows(text, f.end)
}

/// `1730785428`, `1730785428123`: seconds or milliseconds of a clock between 2014 and 2033.
fn is_clock(value: &[u8]) -> bool {
    matches!(value.len(), 10 | 13) && value[0] == b'1' && (b'4'..=b'9').contains(&value[1])
}

/// `account_no`, `phone`: a name of numbers that people have.
fn of_somebody(words: &str) -> bool {
    const NUMBERS: [&str; 12] =
        ["id", "no", "nr", "number", "phone", "tel", "mobile", "fax", "code", "sku", "ref", "nummer"];
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    crate::anonymize::machine::of_people(&words) || words.iter().any(|word| NUMBERS.contains(&word.as_str()))
}

/// `:040000 040000 fa8e55c9`: the modes of two trees.
fn is_mode(text: &[u8], f: &Finding) -> bool {
    let digits = text[f.start..f.end].iter().filter(|b| b.is_ascii_digit());
    let set = digits.clone().filter(|b| **b != b'0').count();
    let hash = text[f.end..].strip_prefix(b" ").unwrap_or_default();
    let hash = hash.iter().take(40).take_while(|b| b.is_ascii_hexdigit()).count();
    digits.count() >= 10 && set <= 4 && hash >= 7
}

/// `0612-081244-x7k2m1p9`: goes on in letters.
fn is_joined(text: &[u8], f: &Finding) -> bool {
    let tail = text[f.end..].strip_prefix(b"-").unwrap_or_default();
    let run = tail.iter().take(24).take_while(|b| in_token(**b)).count();
    let lettered =
        tail.first().is_some_and(u8::is_ascii_lowercase) && tail[..run].iter().any(u8::is_ascii_digit);
    run >= 4 && lettered
        || before(text, f.start) == b'-' && f.start > 1 && text[f.start - 2].is_ascii_lowercase()
}
