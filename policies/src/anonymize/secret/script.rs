//! Scripts of file transfers, in which the password is a line or a word of its own.
//!
//! **Invariant:** looks at the next few lines, each bounded.

use std::ops::Range;

use super::rules::Assign;
use super::value::placeholder;
use crate::anonymize::kind::{Evidence, Finding, Type};

/// The longest line of a script.
const LINE: usize = 160;
/// How many lines behind the host the user may be named.
const LINES: usize = 4;
/// What clients of FTP and SFTP are told to do.
const VERBS: [&[u8]; 27] = [
    b"ascii", b"bin", b"binary", b"bye", b"cd", b"close", b"delete", b"dir", b"get", b"hash", b"lcd", b"ls",
    b"mdelete", b"mget", b"mkdir", b"mput", b"passive", b"pasv", b"prompt", b"put", b"pwd", b"quit",
    b"quote", b"rename", b"verbose", b"type", b"recv",
];

/// The password in a script that `open host` or `ftp -n host` at `at` begins.
pub(super) fn ftp(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let opens = text[at.clone()].eq_ignore_ascii_case(b"open ");
    let head = &text[at.start.saturating_sub(8)..at.start];
    let start = head.rsplit(|b| *b == b'\n').next().unwrap_or_default().trim_ascii();
    if opens && !(start.is_empty() || start.ends_with(b"ftp>")) {
        return;
    }
    let Some(mut from) = next_line(text, at.end) else { return };
    let (first, second) = (line(text, from), next_line(text, from));
    if opens && let Some(second) = second {
        let password = line(text, second);
        let third = next_line(text, second).map(|at| line(text, at));
        let verb = third.is_some_and(|line| is_verb(&text[line]));
        if verb && is_word(&text[first]) && is_word(&text[password.clone()]) {
            push(text, password, words, out);
            return;
        }
    }
    for _ in 0..LINES {
        let line = line(text, from);
        if let Some(password) = of_user(text, line) {
            push(text, password, words, out);
            return;
        }
        let Some(next) = next_line(text, from) else { return };
        from = next;
    }
}

/// `user edge Ulme3Ginko`: the third word.
fn of_user(text: &[u8], line: Range<usize>) -> Option<Range<usize>> {
    let bytes = &text[line.clone()];
    let bytes = bytes.strip_prefix(b"ftp> ").unwrap_or(bytes);
    let mut words = bytes.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let [Some(verb), Some(_), Some(password), None] =
        [words.next(), words.next(), words.next(), words.next()]
    else {
        return None;
    };
    let end = line.start + text[line.clone()].trim_ascii_end().len();
    verb.eq_ignore_ascii_case(b"user").then_some(end - password.len()..end)
}

fn push(text: &[u8], password: Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let bytes = &text[password.clone()];
    if bytes.len() >= 4 && !bytes.starts_with(b"$") && !placeholder(bytes, words) {
        out.push(Finding::new(password.start, password.end, Type::PASSWORD, Evidence::Secret));
    }
}

/// The line that begins at `at`, without the space around it.
fn line(text: &[u8], at: usize) -> Range<usize> {
    let rest = &text[at..text.len().min(at + LINE)];
    let len = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let start = at + (len - rest[..len].trim_ascii_start().len());
    start..at + rest[..len].trim_ascii_end().len().max(start - at)
}

/// Where the line behind the one at `at` begins.
fn next_line(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + LINE)];
    rest.iter().position(|b| *b == b'\n').map(|n| at + n + 1).filter(|next| *next < text.len())
}

fn is_word(line: &[u8]) -> bool {
    (3..=64).contains(&line.len()) && !line.iter().any(u8::is_ascii_whitespace) && !is_verb(line)
}

fn is_verb(line: &[u8]) -> bool {
    let verb = line.split(|b| *b == b' ').next().unwrap_or_default().to_ascii_lowercase();
    VERBS.contains(&verb.as_slice())
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn passwords_of_transfers() {
        let mut wrong = missing(
            check,
            &[
                ("open ftp.host.net\nupl_7\nUlme+Ginko3\nbinary\nput a.csv\nbye", "PASSWORD Ulme+Ginko3"),
                ("get.txt\nopen ftp.host.net 2121\n  user edge Ulme3Ginko\n  cd in", "PASSWORD Ulme3Ginko"),
                ("ftp -inv ftp.host.net <<END\nuser edge Ulme3Ginko\nbye\nEND", "PASSWORD Ulme3Ginko"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "open the\nfile\nand\nread it",
                "open ftp.host.net\nanonymous\n",
                "ftp -n host <<END\nuser $U $P\nbye",
                "ftp -h\nusage of the user manual",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
