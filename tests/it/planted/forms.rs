//! How an identifier may be written so that a plain search does not see it, and how it is found all the same.
//!
//! What is here is written anew and not taken from the product: what hides a value from both would hide it for good.

use super::identifiers::Identifier;

/// A way to write a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// A sign without width behind every letter.
    ZeroWidth,
    SoftHyphen,
    FullWidth,
    /// In a sentence that is encoded as a whole.
    Base64,
    Base64Url,
    Percent,
    /// As JSON may write any letter: the body does it, not the text.
    Escaped,
}

/// Half of all are plain.
pub(super) const FORMS: [Form; 14] = [
    Form::Plain,
    Form::Plain,
    Form::Plain,
    Form::Plain,
    Form::Plain,
    Form::Plain,
    Form::Plain,
    Form::ZeroWidth,
    Form::SoftHyphen,
    Form::FullWidth,
    Form::Base64,
    Form::Base64Url,
    Form::Percent,
    Form::Escaped,
];

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value as a text shows it.
pub(super) fn written(of: &Identifier, form: Form) -> String {
    let value = of.value.as_str();
    let sentence = || format!("please note {} {value} for later", of.word);
    match form {
        Form::Plain | Form::Escaped => value.to_owned(),
        Form::ZeroWidth => value.chars().flat_map(|c| [c, '\u{200b}']).collect(),
        Form::SoftHyphen => value.chars().flat_map(|c| [c, '\u{ad}']).collect(),
        Form::FullWidth => full_width(value),
        Form::Base64 => base64(sentence().as_bytes(), STANDARD, '='),
        Form::Base64Url => base64(sentence().as_bytes(), URL, '='),
        Form::Percent => format!("{}%3A%20{}", of.word.replace(' ', "%20"), percent(value)),
    }
}

/// A JSON body in which the value is written in escapes.
pub(super) fn escaped(body: &str, value: &str) -> String {
    let escapes: String = value.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    body.replace(value, &escapes)
}

/// What a file would hold if the value stood in it as it is: to be found in any case of letters.
pub(super) fn bare(value: &str) -> Vec<String> {
    let compact: String = value.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let mut all = vec![value.to_owned()];
    // Without its separators a number is still one; an address or a URL is not.
    if compact != value && compact.len() >= 9 && !value.contains(['@', '.', '/']) {
        all.push(compact);
    }
    all
}

/// What a file would hold if the value stood in it in another form.
pub(super) fn coded(value: &str) -> Vec<Vec<u8>> {
    let between = |sign: char| value.chars().map(String::from).collect::<Vec<_>>().join(&sign.to_string());
    let escapes: String = value.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let mut all = vec![between('\u{200b}'), between('\u{ad}'), full_width(value), percent(value), escapes];
    for signs in [STANDARD, URL] {
        all.extend((0..3).map(|before| aligned(value.as_bytes(), before, signs)));
    }
    all.sort_unstable();
    all.dedup();
    all.into_iter().map(String::into_bytes).collect()
}

/// The base64 of a value that stands behind `before` bytes (modulo 3), without the signs that its neighbours share.
fn aligned(value: &[u8], before: usize, signs: &[u8; 64]) -> String {
    let padded = [vec![0; before], value.to_vec()].concat();
    let text = base64(&padded, signs, '=');
    let own = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
    text[own].to_owned()
}

fn full_width(value: &str) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        c => c,
    };
    value.chars().map(wide).collect()
}

fn percent(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn base64(bytes: &[u8], signs: &[u8; 64], pad: char) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(signs[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    while !out.len().is_multiple_of(4) {
        out.push(pad);
    }
    out
}

/// A text as a reader sees it who undoes every disguise: escapes, wide letters, signs without width.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let hex = rest.strip_prefix("\\u").and_then(|hex| hex.get(..4));
        let escape = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        rest = &rest[if escape.is_some() { 6 } else { c.len_utf8() }..];
        match escape.unwrap_or(c) {
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
            wide @ '\u{ff01}'..='\u{ff5e}' => out.extend(char::from_u32(u32::from(wide) - 0xfee0)),
            c => out.push(c),
        }
    }
    out
}
