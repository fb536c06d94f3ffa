//! Secrets that a sentence tells without naming them right before: `the wifi was changed. New one is Ulme-Ginko-3`,
//! `log in as edge with Ulme3Ginko!`, `I typed Ulme3Ginko! as the password`.
//!
//! **Invariant:** looks at a bounded stretch around the words that lead to a secret.

use std::ops::Range;

use super::rules::Assign;
use super::told::{is_method, looks_drawn};
use super::value::{checksum, path, placeholder};
use crate::anonymize::kind::{Evidence, Finding, Type};

/// How far before `the new one is` the secret may be named, and how long one may be.
const HEAD: usize = 200;
const VALUE: usize = 80;
/// How far behind `log in` its secret may stand.
const REACH: usize = 96;
/// The most words between `log in` and its secret.
const MOST: usize = 9;

/// Words of what has a secret that people share.
const SHARED: [&str; 40] = [
    "wifi",
    "wi-fi",
    "wlan",
    "password",
    "passcode",
    "passphrase",
    " pw",
    "passwor",
    "kennwort",
    "zugang",
    "schlüssel",
    "netzwerk",
    "network",
    "alarm",
    " code",
    " pin",
    " key",
    "login",
    "router",
    " vpn",
    " safe",
    "tresor",
    "mot de passe",
    "mdp",
    "réseau",
    "contraseña",
    "clave",
    "red ",
    "senha",
    "rede ",
    "rete ",
    "wachtwoord",
    "netwerk",
    "lösenord",
    "passord",
    "adgangskode",
    "hasło",
    "haslo",
    "парол",
    "heslo",
];
/// Between the name of the user and the password.
const WITH: [&[u8]; 12] =
    [b"with", b"using", b"mit", b"avec", b"con", b"com", b"met", b"med", b"pw", b"and", b"und", b"/"];

/// The value behind `the new one is` at `at`, where something that has a secret was named before.
pub(super) fn renewed(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let head = String::from_utf8_lossy(&text[at.start.saturating_sub(HEAD)..at.start]).to_lowercase();
    if !SHARED.iter().any(|word| head.contains(word)) {
        return;
    }
    let from = at.end + text[at.end..].iter().take(3).take_while(|b| b" :".contains(b)).count();
    let value = word(text, from);
    let bytes = &text[value.clone()];
    let coded = ["code", " pin", "alarm", "safe", "tresor", "clave"].iter().any(|word| head.contains(word));
    let digits = coded && (4..=8).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    if digits || opens(bytes, words) {
        push(value, out);
    }
}

/// The value before `as the password` at `at`.
pub(super) fn named_after(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let head = &text[at.start.saturating_sub(VALUE)..at.start];
    let quotes = head.iter().rev().take_while(|b| b"\"'`".contains(b)).count();
    let end = at.start - quotes;
    let head = &head[..head.len() - quotes];
    let run = head.iter().rev().take_while(|b| !b.is_ascii_whitespace() && !b"\"'`(".contains(b)).count();
    let value = end - run..end;
    if run < VALUE && opens(&text[value.clone()], words) {
        push(value, out);
    }
}

/// The password behind `log in` at `at`: behind the user and a stroke, or behind `with`.
pub(super) fn login(text: &[u8], at: &Range<usize>, words: &Assign, out: &mut Vec<Finding>) {
    let limit = text.len().min(at.end + REACH);
    let line = text[at.end..limit].iter().position(|b| *b == b'\n').map_or(limit, |n| at.end + n);
    let (mut from, mut led) = (at.end, false);
    for _ in 0..MOST {
        let rest = text.get(from..line).unwrap_or_default();
        from += rest.iter().take_while(|b| b.is_ascii_whitespace() || b":,".contains(b)).count();
        if from >= line {
            return;
        }
        let value = word(text, from);
        let whole = text[from..line].iter().take_while(|b| !b.is_ascii_whitespace()).count();
        let bytes = &text[value.clone()];
        if led && opens(bytes, words) && text[value.end..].first() != Some(&b'/') {
            push(value, out);
            return;
        }
        led = WITH.iter().any(|with| bytes.eq_ignore_ascii_case(with));
        from += whole.max(1);
    }
}

/// The run at `at` without quotes around it and what closes its sentence.
fn word(text: &[u8], at: usize) -> Range<usize> {
    let open = at + text[at..].iter().take(2).take_while(|b| b"\"'`(*".contains(b)).count();
    let stop = |b: &u8| b.is_ascii_whitespace() || b"\"'`<>".contains(b);
    let rest = &text[open..text.len().min(open + VALUE)];
    let len = rest.iter().position(stop).unwrap_or(rest.len());
    let kept = rest[..len].iter().rposition(|b| !b".,;:)]}?*".contains(b)).map_or(0, |last| last + 1);
    open..open + kept
}

/// No word of a sentence, no address, no version and no method.
fn opens(value: &[u8], words: &Assign) -> bool {
    let lower = value.to_ascii_lowercase();
    let address =
        value.contains(&b'@') && value.rsplit(|b| *b == b'@').next().is_some_and(|host| host.contains(&b'.'));
    let version = value.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == b'.' && w[2].is_ascii_digit());
    let written = address || version || path(value) || value.windows(3).any(|w| w == b"://");
    let other = written || is_method(&lower) || checksum(value) || placeholder(value, words);
    looks_drawn(value) && !other
}

fn push(value: Range<usize>, out: &mut Vec<Finding>) {
    out.push(Finding::new(value.start, value.end, Type::PASSWORD, Evidence::Secret));
}

#[cfg(test)]
mod tests {
    use crate::anonymize::secret::tests::check;
    use crate::anonymize::tests::tables::{missing, unasked};

    #[test]
    fn secrets_told_without_their_name() {
        let mut wrong = missing(
            check,
            &[
                ("the wifi was changed. New one is Ulme-Ginko-38, ok?", "PASSWORD Ulme-Ginko-38"),
                ("Das WLAN ist anders, das neue lautet Ulme3Ginko!.", "PASSWORD Ulme3Ginko!"),
                ("le wifi a changé, le nouveau est Orme_Gris7", "PASSWORD Orme_Gris7"),
                ("log in as edge with Ulme3Ginko! and wait", "PASSWORD Ulme3Ginko!"),
                ("Melde dich mit edge / Ulme3Ginko an", "PASSWORD Ulme3Ginko"),
                ("Identifiants : edge / Orme_Gris7", "PASSWORD Orme_Gris7"),
                ("I typed Ulme3Ginko! as the password", "PASSWORD Ulme3Ginko!"),
                ("is \"Ulme3Ginko!\" a strong password?", "PASSWORD Ulme3Ginko!"),
            ],
        );
        wrong.extend(unasked(
            check,
            &[
                "we got a printer, the new one is HP-M404dn",
                "wifi driver: the new one is v2.31.1",
                "log in with SAML or OAuth2",
                "log in as edge@host.example.org",
                "sign in with the app and wait",
                "use bcrypt as the password hash",
                "is this a strong password?",
            ],
        ));
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
