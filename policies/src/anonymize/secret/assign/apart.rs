//! Values that stand apart from the name: some words behind it, or with nothing but space between.
//!
//! **Invariant:** looks at one bounded stretch of the line behind a name.

use std::ops::Range;

use super::{Kind, Value, bare_value, skip, starts};

/// `the api key we use for this is ...`, `delivery token for the next.js site: ...`: where the value begins.
pub(super) fn later(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..text.len().min(at + if purposed(text, at) { 72 } else { 40 })];
    let of_a_thing = |word: &[u8]| rest.windows(word.len()).any(|w| w == word);
    if [&b"fingerprint "[..], b"hash ", b"checksum ", b"id ", b"id:"].into_iter().any(of_a_thing) {
        return None;
    }
    let inside = |b: &&u8| b.is_ascii_lowercase() || matches!(b, b' ' | b'(' | b')');
    let named = |b: &&u8| b.is_ascii_alphanumeric() || b" ()._-/".contains(b);
    if let Some(mark) = purposed(text, at).then(|| rest.iter().take_while(named).count()) {
        let assigned = matches!(rest.get(mark), Some(b':' | b'=')) && rest.get(mark + 1) == Some(&b' ');
        return assigned.then_some(at + mark + 1).or_else(|| is_after(&rest[..mark]).map(|n| at + n));
    }
    let plain = rest.iter().take_while(inside).count();
    is_after(&rest[..plain])
        .map(|n| at + n)
        .or_else(|| (plain > 0 && rest.get(plain) == Some(&b':')).then_some(at + plain + 1))
}

/// What the secret is for follows: `token for the staging site`.
fn purposed(text: &[u8], at: usize) -> bool {
    [&b"for "[..], b"of ", b"from ", b"to ", b"on ", b"in ", b"with "]
        .into_iter()
        .any(|word| starts(text, at, word))
}

/// Behind ` is ` or `was `.
fn is_after(rest: &[u8]) -> Option<usize> {
    rest.windows(4).position(|w| w == b" is " || w == b"was ").map(|n| n + 4)
}

/// `my key q8Zr...`, `|key|q8Zr...|`: a value with nothing but space between must be long and hold digits.
pub(super) fn beside(text: &[u8], name: &Range<usize>, kind: Kind) -> Option<Value> {
    let at = skip(text, name.end, 4, b" \t|`'\"(");
    if kind == Kind::Password || at == name.end || at >= text.len() {
        return None;
    }
    let value = bare_value(text, at, true);
    let bytes = &text[value.range.clone()];
    // `app secret q8zr2k0vx1m`: what an application proves itself with.
    let least = if starts(text, name.start, b"secret") && led_by_owner(text, name.start) { 12 } else { 16 };
    let long = bytes.len() >= least && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 1;
    // `secret "pm84Pj+P...=";` of a name server.
    let framed = b"\"'".contains(&text[at - 1]) && text.get(value.range.end) == Some(&text[at - 1]);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"_-".contains(b) || framed && b"+/=".contains(b);
    (long && bytes.iter().all(plain)).then_some(value)
}

/// `<property name="db.password">q8Zr...</property>`, `<key>api_key</key><string>q8Zr...</string>`: where the value
/// begins that an element beside the name holds.
pub(super) fn element(text: &[u8], name: &Range<usize>) -> Option<usize> {
    let rest = &text[name.end..text.len().min(name.end + 64)];
    let quoted = || rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'"))?.strip_prefix(b">");
    let listed = || {
        let inner = rest.strip_prefix(b"</key>")?.trim_ascii_start();
        inner.strip_prefix(b"<string>").filter(|_| text[..name.start].ends_with(b"<key>"))
    };
    let inner = quoted().or_else(listed)?;
    Some(name.end + rest.len() - inner.len())
}

/// The longest passphrase.
const PHRASE: usize = 160;

/// `gpg_passphrase = four grey geese at dawn`: all words of the line, where the name's line is one of a file of settings.
pub(super) fn phrase(text: &[u8], name: &Range<usize>, value: &Range<usize>) -> Option<Range<usize>> {
    let between = text.get(name.end..value.start)?;
    let set = text[name.clone()].to_ascii_lowercase().ends_with(b"phrase")
        && text[..name.start].last().is_none_or(|b| *b == b'\n')
        && between.iter().all(|b| b" \t=".contains(b))
        && between.contains(&b'=');
    let rest = text.get(value.start..).filter(|_| set)?;
    let line =
        rest.iter().take(PHRASE).position(|b| *b == b'\n').or((rest.len() < PHRASE).then_some(rest.len()))?;
    let phrase = rest[..line].trim_ascii_end();
    let words = phrase.split(|b| *b == b' ');
    let plain = words.clone().all(|word| !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric));
    (plain && (3..=12).contains(&words.count())).then_some(value.start..value.start + phrase.len())
}

/// `app secret`, `consumer secret`.
fn led_by_owner(text: &[u8], start: usize) -> bool {
    let head = text[start.saturating_sub(12)..start].to_ascii_lowercase();
    const OWNERS: [&[u8]; 9] =
        [b"app", b"client", b"consumer", b"api", b"application", b"shared", b"signing", b"webhook", b"oauth"];
    OWNERS.iter().any(|owner| head.trim_ascii_end().ends_with(owner)) && head.ends_with(b" ")
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn what_the_secret_is_for_may_stand_between() {
        let mut wrong = missing(
            check,
            &[
                ("read token for the docs.v2 site: q8ZrT2vLk9XmW4bNc7Yd", "SECRET q8ZrT2vLk9XmW4bNc7Yd"),
                ("deploy token of the east cluster = q8zrt2vlk9xmw4bnc7yd", "SECRET q8zrt2vlk9xmw4bnc7yd"),
                ("the api key we use for this is q8ZrT2vLk9XmW4bNc7Yd", "SECRET q8ZrT2vLk9XmW4bNc7Yd"),
                ("app key abc and app secret q8zrt2vlk9xmw4, too", "SECRET q8zrt2vlk9xmw4"),
                (
                    "a = 1\ngpg_passphrase = four grey geese at dawn\nb = 2",
                    "PASSWORD four grey geese at dawn",
                ),
                ("<property name=\"db.password\">Ulme3Ginko</property>", "PASSWORD Ulme3Ginko"),
                ("<key>api_key</key>\n<string>q8ZrT2vLk9XmW4bNc7Yd</string>", "SECRET q8ZrT2vLk9XmW4bNc7Yd"),
                ("static const char kKey[] = \"q8ZrT2vLk9XmW4bNc7Yd\";", "SECRET q8ZrT2vLk9XmW4bNc7Yd"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "token for request id: q8ZrT2vLk9XmW4bNc7Yd",
                "the secret of good tea: time and patience",
                "the token for the checksum : q8ZrT2vLk9XmW4bNc7Yd",
                "a secret rendezvous12 somewhere",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
