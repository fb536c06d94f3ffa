//! Whether the value that a name of a secret or a password is given is one.
//!
//! **Invariant:** pure questions about one bounded value and a bounded stretch before it.

use super::{VALUE, Value};
use crate::anonymize::secret::told::looks_drawn;
use crate::anonymize::secret::value::{drawn, expression, interrupted, mixed, path, wordy};
use crate::anonymize::token::is_uuid;

/// A password may be a word, but not one of a sentence or of a program.
pub(super) fn chosen(name: &[u8], bytes: &[u8], value: &Value) -> bool {
    let letters =
        bytes.iter().all(|b| b.is_ascii_alphabetic() || !b.is_ascii() || matches!(b, b'_' | b'-' | b' '));
    let spaced = bytes.contains(&b' ');
    // `BORG_PASSPHRASE='owl at dusk 77'`: a shell asks nothing of whom it gives a password.
    const ASKS: [&[u8]; 8] =
        [b"pass ", b"op ", b"vault ", b"aws ", b"cat ", b"echo ", b"openssl ", b"gcloud "];
    let set = value.quoted
        && !ASKS.iter().any(|command| bytes.starts_with(command))
        && bytes.iter().any(u8::is_ascii_digit)
        && name.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    let prose = spaced
        && !set
        && (wordy(bytes) || bytes.ends_with(b".") || bytes.ends_with(b":") || bytes.ends_with(b"?"));
    let code = !value.quoted && (expression(bytes) || bytes.contains(&b'(') && bytes.contains(&b')'));
    // A word of a dictionary is more often said about a password than chosen as one.
    let drawn =
        bytes.windows(2).filter(|p| p[0].is_ascii_lowercase() && p[1].is_ascii_uppercase()).count() >= 2;
    let word = letters && wordy(bytes);
    let said = code || prose || word || value.in_prose && letters && !drawn;
    let path = path(bytes) && !(bytes.contains(&b'/') && bytes.contains(&b'\\'));
    (4..=160).contains(&bytes.len()) && !said && !path
}

/// A key was drawn: no word, no path, no count.
pub(super) fn given(text: &[u8], name: &[u8], bytes: &[u8], value: &Value) -> bool {
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let least = if value.quoted && digits > 0 { 8 } else { 10 };
    let bare = matches!(name.len(), 3..=4) && !name.eq_ignore_ascii_case(b"jwt");
    let vague = bare && (is_uuid(bytes) || bytes.len() < 16 || digits == 0);
    (least..=VALUE).contains(&bytes.len())
        && letters > 0
        && !(bytes.contains(&b' ') || bytes.contains(&b'\\'))
        && !expression(bytes)
        && (drawn(bytes) || (value.quoted || mixed(bytes)) && !value.in_prose && proves(name, bytes))
        && !path(bytes)
        && (!vague || told(text, value))
}

/// `"app_secret":"rsselo17hzydsuf"`, `JWT_SECRET=mein-geheimnis-1`: what the name of a secret is given may be as
/// near to words as a password is.
fn proves(name: &[u8], bytes: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let ends = |words: &[&[u8]]| words.iter().any(|word| name.ends_with(word));
    let holds = |words: &[&[u8]]| words.iter().any(|word| name.windows(word.len()).any(|w| w == *word));
    const OWNERS: [&[u8]; 14] = [
        b"jwt", b"session", b"cookie", b"hmac", b"signing", b"csrf", b"auth", b"webhook", b"app", b"encrypt",
        b"cipher", b"flask", b"django", b"crypt",
    ];
    let secret = ends(&[b"secret", b"secret_key", b"secretkey", b"signing_key", b"signingkey"]);
    let key =
        ends(&[b"api_key", b"apikey", b"api-key", b"access_token", b"auth_token", b"app_key", b"appkey"]);
    // `secret: "pistazie-eis-9"`.
    let alone = name == b"secret" && looks_drawn(bytes);
    alone || (secret || key) && interrupted(bytes) || secret && holds(&OWNERS) && looks_drawn(bytes)
}

/// `api key`: the word before says more than the name alone.
fn told(text: &[u8], value: &Value) -> bool {
    let head = text[value.range.start.saturating_sub(64)..value.range.start].to_ascii_lowercase();
    let words = [&b"api "[..], b"secret ", b"access ", b"private ", b"signing ", b"encryption ", b"license "];
    words.iter().any(|word| head.windows(word.len()).any(|w| w == *word))
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn what_is_near_to_words() {
        let mut wrong = missing(
            check,
            &[
                ("{\"app_secret\":\"lunoe4tavi9bor\"}", "SECRET lunoe4tavi9bor"),
                ("session({ secret: \"ulme-ginko-31\" })", "SECRET ulme-ginko-31"),
                ("BORG_PASSPHRASE='owl at dusk 77'", "PASSWORD owl at dusk 77"),
                ("JWT_SECRET=mein-kleiner-ginko-1", "SECRET mein-kleiner-ginko-1"),
                ("bind(user=u, password=\"Ul3/me\\Ginko\")", "PASSWORD Ul3/me\\Ginko"),
                (
                    "define( 'AUTH_KEY',         'c2Ch!EEb&bL94TBJtqYb-bgqX6' );",
                    "SECRET c2Ch!EEb&bL94TBJtqYb-bgqX6",
                ),
                ("#define WIFI_PASS \"Ulme3Ginko\"", "PASSWORD Ulme3Ginko"),
                ("psk: \"Ulme3Ginko\"", "PASSWORD Ulme3Ginko"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "PRIVATE_KEY_JWT = \"private_key_jwt\"",
                "auth: 'authorization_code_grant'",
                "gpg: key 3F9A61C2B07D45E8: imported",
                "using RSA key 3F9A61C2B07D45E83F9A61C2B07D45E83F9A61C2",
                "PASSWORD_HASHERS = [\"a.b.Argon2PasswordHasher\", \"a.b.PBKDF2PasswordHasher\"]",
                "CREATE USER x WITH PASSWORD :'pw1x'",
                "CREATE USER x IDENTIFIED BY '&pw1'",
                "password = var.db_password_v2",
                "the WPA2-PSK handshake",
                "if password1 != password2",
                "password_hint: \"at least 8 signs\"",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
