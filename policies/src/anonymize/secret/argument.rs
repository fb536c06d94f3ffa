//! Calls of which one argument is a secret: `username_pw_set("gw-7", "Linde7Buche")`, `createHmac('sha256', '...')`.
//!
//! **Invariant:** a call is read once, within a bounded reach behind its name.

use std::ops::Range;

use super::rules::{Argument, Assign};
use super::told::{is_method, looks_chosen};
use super::value::{drawn, expression, path, placeholder, wordy};
use crate::anonymize::kind::{Evidence, Finding, Type};
use crate::anonymize::token::before;

/// How long the arguments of a call may be.
const REACH: usize = 512;
/// How far before a call the field that it fills may be named.
const FIELD: usize = 80;

/// The secret among the arguments of the call whose name stands at `at`.
pub(super) fn find(
    argument: &Argument,
    text: &[u8],
    at: &Range<usize>,
    words: &Assign,
    out: &mut Vec<Finding>,
) {
    let prev = before(text, at.start);
    let part = text[at.start].is_ascii_alphabetic() && (prev.is_ascii_alphanumeric() || prev == b'_');
    if part || argument.of_a_field && !names_a_password(text, at.start) {
        return;
    }
    let Some(open) = text[at.clone()].iter().position(|b| *b == b'(') else { return };
    let Some(value) = literal(text, at.start + open + 1, argument) else { return };
    if opens(&text[value.clone()], words) {
        out.push(Finding::new(value.start, value.end, Type::PASSWORD, Evidence::Secret));
    }
}

/// `find_element(By.ID, "password").send_keys(`: the field before the call is one for passwords.
fn names_a_password(text: &[u8], at: usize) -> bool {
    let head = text[at.saturating_sub(FIELD)..at].to_ascii_lowercase();
    let line = head.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    [&b"pass"[..], b"pwd", b"pin", b"otp", b"secret"]
        .iter()
        .any(|word| line.windows(word.len()).any(|w| w == *word))
}

/// The string in the argument that counts: `b"..."`, `[]byte("...")` and `"...".getBytes()` are one too.
fn literal(text: &[u8], from: usize, argument: &Argument) -> Option<Range<usize>> {
    let limit = text.len().min(from + REACH);
    let (mut at, mut depth, mut index) = (from, 0_usize, 1);
    while at < limit {
        match text[at] {
            b'"' | b'\'' | b'`' => {
                let end = closing(text, at, limit)?;
                if index == argument.at || argument.or_later && index > argument.at {
                    return Some(at + 1..end);
                }
                at = end;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => index += 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that opens at `at` closes on its line.
fn closing(text: &[u8], at: usize, limit: usize) -> Option<usize> {
    let mut end = at + 1;
    while end < limit && text[end] != b'\n' {
        match text[end] {
            b'\\' => end += 2,
            b if b == text[at] => return Some(end),
            _ => end += 1,
        }
    }
    None
}

/// A string that somebody chose or drew: no word, no name of a method, nothing that stands for another.
fn opens(value: &[u8], words: &Assign) -> bool {
    let lower = value.to_ascii_lowercase();
    let letters = value.iter().all(u8::is_ascii_alphabetic);
    let many = value.split(|b| *b == b' ').filter(|word| word.len() >= 2).count() >= 3;
    let chosen = looks_chosen(value) || many || letters && !wordy(value) || drawn(value);
    let inserted = value.contains(&b'{') || value.starts_with(b"$") || value.starts_with(b"%");
    // `SECRET_KEY`, `auth.password`: a name, not what it is for.
    let name = value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_') || expression(value);
    (4..=160).contains(&value.len())
        && chosen
        && !inserted
        && !name
        && !is_method(&lower)
        && !words.is_word(&lower)
        && !placeholder(value, words)
        && !(path(value) && value.contains(&b'.'))
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn one_argument_is_the_secret() {
        let mut wrong = missing(
            check,
            &[
                ("c.username_pw_set(\"edge\", \"Ulme3Ginko!\")", "PASSWORD Ulme3Ginko!"),
                ("crypto.createHmac('sha256', 'ingwer_tee_31').update(b)", "PASSWORD ingwer_tee_31"),
                ("hmac.new(b'ingwer_tee_31', msg, hashlib.sha1)", "PASSWORD ingwer_tee_31"),
                ("hmac.New(sha256.New, []byte(\"ingwer_tee_31\"))", "PASSWORD ingwer_tee_31"),
                ("hash_hmac('sha256', $body, 'ingwer_tee_31')", "PASSWORD ingwer_tee_31"),
                ("new SecretKeySpec(\"ingwer_tee_31\".getBytes(), \"HmacSHA1\")", "PASSWORD ingwer_tee_31"),
                ("WiFi.begin(\"Loft\", \"Ulme3Ginko\");", "PASSWORD Ulme3Ginko"),
                ("find(By.ID, \"password\").send_keys(\"Ulme3Ginko\")", "PASSWORD Ulme3Ginko"),
                ("SELECT pgp_sym_encrypt(ssn, 'Ulme3Ginko') FROM t", "PASSWORD Ulme3Ginko"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "c.username_pw_set(\"edge\", os.environ[\"PW\"])",
                "createHmac('sha256', secret).digest('hex')",
                "createHmac('sha256', 'secret')",
                "jwt::decode($token, $key, 'RS256')",
                "find(By.ID, \"street\").send_keys(\"Lane22x\")",
                "new SecretKeySpec(raw, \"AES\")",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
