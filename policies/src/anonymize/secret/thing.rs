//! Names and heads that say of what follows that it opens nothing: ids, public keys, digests.
//!
//! **Invariant:** looks at one name and a bounded stretch before it.

use super::rules::Engine;

/// `token_count`, `key_id`, `public_key`: the name of something else.
pub(super) fn benign(engine: &Engine, name: &[u8], keyword: &[u8]) -> bool {
    // What both ends of a socket draw to tell each other's answers.
    if name.get(..13).is_some_and(|head| head.eq_ignore_ascii_case(b"sec-websocket")) {
        return true;
    }
    let words = words(name);
    let lists = &engine.assign;
    let listed = |list: &[String], word: &[u8]| list.binary_search_by(|w| w.as_bytes().cmp(word)).is_ok();
    // The id of a private key stands beside it in the file of a service's account.
    let private = words.first().is_some_and(|word| word == b"private");
    let last = !private && words.last().is_some_and(|word| listed(&lists.benign_last, word));
    let counted = keyword.eq_ignore_ascii_case(b"tokens") && words.len() > 1;
    last || counted || words.iter().any(|word| listed(&lists.benign_any, word))
}

/// `public key ...`, `idempotency key ...`, `arn:aws:...:secret:...`: what stands before says that nothing opens.
pub(super) fn said_of_a_thing(text: &[u8], start: usize) -> bool {
    const WORDS: [&[u8]; 15] = [
        b"public ",
        b"publishable ",
        b"idempotency ",
        b"partition ",
        b"primary ",
        b"foreign ",
        b"gpg: ",
        b"checksum ",
        b"fingerprint ",
        // Annotations of what was deployed: `checksum/secret: ...`.
        b"checksum/",
        b"hash/",
        b"cache ",
        b"site ",
        b"file ",
        b"verification ",
    ];
    let head = text[start.saturating_sub(24)..start].to_ascii_lowercase();
    let bare = text[start..]
        .get(..5)
        .is_some_and(|w| w[..3].eq_ignore_ascii_case(b"key") && b": =s".contains(&w[3]));
    // `cache restored from key: ...`.
    let cached = bare && head.windows(5).any(|w| w == b"cache");
    // `${NAME:?must be set}`.
    let reference = head.ends_with(b"${") && !text[start..].starts_with(b"{");
    let line =
        text[start.saturating_sub(96)..start].rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let resource = line.windows(4).any(|w| w == b"arn:");
    cached || reference || resource || WORDS.iter().any(|word| head.ends_with(word))
}

/// `key 3F9A61C2B07D45E8`: the id or the fingerprint of a key of PGP, which everybody may see.
pub(super) fn key_id(name: &[u8], value: &[u8]) -> bool {
    let hex = value.strip_prefix(b"0x").unwrap_or(value);
    let upper = hex.iter().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b));
    let bare = name.eq_ignore_ascii_case(b"key") || name.eq_ignore_ascii_case(b"keys");
    bare && upper && matches!(hex.len(), 8 | 16 | 40)
}

/// `"n": "sXch..."`, `x5c: ["MIIC..."]`: what a member of a public key holds begins at `at`.
pub(crate) fn is_of_a_public_key(text: &[u8], at: usize) -> bool {
    let head = &text[at.saturating_sub(16)..at];
    let end = head.iter().rposition(|b| !b"\"'`:= [".contains(b)).map_or(0, |last| last + 1);
    let run = head[..end].iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
    let assigned = head[end..].iter().any(|b| b":=".contains(b));
    assigned && matches!(&head[end - run..end], b"n" | b"x" | b"y" | b"x5c" | b"x5t")
}

/// The words of a name in lower case: `dbPassword_2` is `db`, `password`, `2`.
fn words(name: &[u8]) -> Vec<Vec<u8>> {
    let mut out: Vec<Vec<u8>> = vec![Vec::new()];
    let mut lower = false;
    for byte in name {
        let separator = matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/');
        if separator || lower && byte.is_ascii_uppercase() {
            out.push(Vec::new());
        }
        if let Some(word) = out.last_mut().filter(|_| !separator) {
            word.push(byte.to_ascii_lowercase());
        }
        lower = byte.is_ascii_lowercase();
    }
    out.retain(|word| !word.is_empty());
    out
}

/// `SHA256:` or `h1:` right before, `CHECKSUMS:` on a line above.
pub(super) fn digested(text: &[u8], start: usize) -> bool {
    let head = text[start.saturating_sub(96)..start].to_ascii_lowercase();
    let listed = || head.windows(9).any(|w| w == b"checksums");
    [&b"sha256:"[..], b"sha512:", b"md5:", b"h1:"].iter().any(|mark| head.ends_with(mark)) || listed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_say_that_nothing_opens() {
        for (text, name) in [
            ("the public key abc", "key"),
            ("idempotency key abc", "key"),
            ("arn:aws:secretsmanager:x:1:secret:db", "secret"),
            ("${DB_PASSWORD:?must be set}", "DB_PASSWORD"),
        ] {
            assert!(said_of_a_thing(text.as_bytes(), text.find(name).unwrap()), "{text}");
        }
        assert!(said_of_a_thing(b"annotations.checksum/secret: abc", 21));
        assert!(!said_of_a_thing(b"my api key abc", 7));
        assert!(said_of_a_thing(b"cache restored from key: linux-3f9a", 20));
        assert!(key_id(b"key", b"3F9A61C2B07D45E8") && !key_id(b"api_key", b"3F9A61C2B07D45E8"));
        assert!(is_of_a_public_key(b"jwks has n: \"sXchDaQ", 13) && !is_of_a_public_key(b"token: \"sXch", 8));
        assert!(digested(b"fingerprint SHA256:abc", 19));
        assert!(!digested(b"key: abc", 5));
        assert_eq!(words(b"dbPassword_2"), [b"db".to_vec(), b"password".to_vec(), b"2".to_vec()]);
    }
}
