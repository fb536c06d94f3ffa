//! Commands of a shell to which a secret is given: `mosquitto_pub -P Ulme3Ginko`, `wpa_passphrase Loft Ulme3Ginko`.
//!
//! **Invariant:** a command is read to the end of its line, and no further than a bounded reach.

use std::ops::Range;

use super::rules::{Assign, Command};
use super::value::{path, placeholder};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::before;

/// How long a command may be.
const REACH: usize = 400;
/// How long a secret on a line may be.
const VALUE: usize = 300;

/// The secrets of the command whose name stands at `at`.
pub(super) fn find(
    command: &Command,
    text: &[u8],
    at: &Range<usize>,
    words: &Assign,
    out: &mut Vec<Finding>,
) {
    let prev = before(text, at.start);
    if prev.is_ascii_alphanumeric() || b"_-.".contains(&prev) {
        return;
    }
    let limit = text.len().min(at.end + REACH);
    let (mut from, mut plain, mut awaited) = (at.end, 0, false);
    while let Some(word) = word(text, from, limit) {
        from = word.end + usize::from(b"\"'".contains(&text[word.end.min(text.len() - 1)]));
        let bytes = &text[word.clone()];
        let option = bytes.first() == Some(&b'-') && bytes.len() > 1;
        plain += usize::from(!option);
        let value = if awaited || !option && command.nth.contains(&plain) {
            Some(word.clone())
        } else {
            behind(command, bytes).map(|skip| word.start + skip..word.end)
        };
        // `--secret-string 'x'`, `--secret-string='x'`.
        let name = bytes.strip_suffix(b"=").unwrap_or(bytes);
        awaited = command.options.iter().any(|option| option.as_bytes() == name);
        if let Some(value) = value.filter(|value| opens(&text[value.clone()], words)) {
            out.push(Finding::new(value.start, value.end, Type::PASSWORD, Evidence::Secret));
        }
    }
}

/// Where the value begins in `--secret-string=...`, and in `-Ulme3Ginko` of a command that takes it so.
fn behind(command: &Command, word: &[u8]) -> Option<usize> {
    command.options.iter().find_map(|name| {
        let rest = word.strip_prefix(name.as_bytes()).filter(|rest| !rest.is_empty())?;
        let assigned = rest.starts_with(b"=");
        (assigned || command.glued && name.len() == 2).then_some(name.len() + usize::from(assigned))
    })
}

/// The next word of a command, without its quotes; a line goes on behind a backslash at its end.
fn word(text: &[u8], from: usize, limit: usize) -> Option<Range<usize>> {
    let mut at = from;
    while at < limit && (b" \t".contains(&text[at]) || text[at..].starts_with(b"\\\n")) {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    let first = *text.get(at).filter(|b| at < limit && !b"\n\r|;&<>)`".contains(b))?;
    let rest = &text[at..limit];
    if first == b'"' || first == b'\'' {
        let len = rest[1..].iter().position(|b| *b == first || *b == b'\n')?;
        return Some(at + 1..at + 1 + len);
    }
    let stop = |b: &u8| b.is_ascii_whitespace() || b"|;<>`\"'".contains(b);
    Some(at..at + rest.iter().position(stop).unwrap_or(rest.len()))
}

/// No reference, no option, no file, no word about a secret.
fn opens(value: &[u8], words: &Assign) -> bool {
    let refers = value.first().is_none_or(|b| b"$-<{@%".contains(b)) || value.starts_with(b"file:");
    (4..=VALUE).contains(&value.len())
        && !refers
        && !words.is_word(&value.to_ascii_lowercase())
        && !placeholder(value, words)
        && !path(value)
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn secrets_on_a_command_line() {
        let mut wrong = missing(
            check,
            &[
                ("mosquitto_pub -h b -u edge -P Ulme3Ginko -t a/b", "PASSWORD Ulme3Ginko"),
                ("wpa_passphrase Loft Ulme3Ginko | tee x", "PASSWORD Ulme3Ginko"),
                ("gh secret set PW --body \"Ulme3Ginko!\"", "PASSWORD Ulme3Ginko!"),
                ("aws secretsmanager create-secret \\\n --secret-string='Ulme3!'", "PASSWORD Ulme3!"),
                ("plink -ssh bob@h -pw Ulme3Ginko uptime", "PASSWORD Ulme3Ginko"),
                ("qpdf --encrypt Ulme3Ginko Tanne5Eibe 256 -- a b", "PASSWORD Tanne5Eibe"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "mosquitto_pub -h b -u edge -P \"$PW\" -t a/b",
                "gh secret set PW < pw.txt",
                "openssl enc -d -k $KEY -in a.enc",
                "vault operator unseal",
                "az keyvault secret set --name db --file ./pw.txt",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
