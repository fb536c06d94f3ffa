//! What is left in text that should hold invented values alone: for looking over what is stored.
//!
//! **Invariant:** only types whose surrogates lie in ranges that no real value has are judged, so that an invented
//! value is never taken for a real one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use super::detect::{Place, patterns};
use super::fold::Folded;
use super::kind::{Evidence, Type};
use super::policy::Policy;
use super::resolve::resolve;

static POLICY: LazyLock<Option<Policy>> = LazyLock::new(|| Policy::preset("default").ok());

/// Identifiers by type that no surrogate would be: e-mail addresses outside `example.*`, addresses outside the ranges
/// of documentation, cards without a test prefix, and so on. Values are counted, never returned.
pub fn residue(text: &str) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    each_real(text, |ty, _| *counts.entry(ty.as_str()).or_default() += 1);
    counts
}

/// Whether `answer` tells a card, an account, a social security number or a secret that stands in none of the texts it
/// was made from: it can only have been learned by heart.
pub fn leaks(answer: &str, known: &[&str]) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let mut told = Vec::new();
    each_real(answer, |ty, value| {
        if matches!(ty, Type::CREDIT_CARD | Type::IBAN_CODE | Type::US_SSN | Type::SECRET) {
            told.push(plain(value));
        }
    });
    let stands = |value: &String| known.iter().any(|text| plain(Folded::of(text).text()).contains(value));
    told.iter().any(|value| !stands(value))
}

/// Visits the identifiers of a text that no surrogate would be.
fn each_real(text: &str, mut visit: impl FnMut(Type, &str)) {
    let Some(policy) = POLICY.as_ref() else { return };
    let folded = Folded::of(text);
    let found = patterns(folded.text(), "", Place::Text, policy);
    let sure = found.into_iter().filter(|f| f.evidence >= Evidence::Validated).collect();
    for f in resolve(folded.text().as_bytes(), sure) {
        if let Some(value) = folded.text().get(f.start..f.end).filter(|value| is_real(f.ty, value)) {
            visit(f.ty, value);
        }
    }
}

fn is_real(ty: Type, value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    match ty {
        Type::EMAIL => !is_example(value),
        Type::URL => {
            let host = host(value);
            !is_example(host) && host != "localhost" && !host.parse().is_ok_and(is_documented)
        }
        Type::IP_ADDRESS => {
            value.split('/').next().unwrap_or(value).parse().is_ok_and(|ip| !is_documented(ip))
        }
        Type::MAC_ADDRESS => {
            let hex: String = value.chars().filter(char::is_ascii_hexdigit).collect();
            !hex.to_ascii_lowercase().starts_with("00005e0053")
        }
        Type::US_SSN => !digits.starts_with('9'),
        Type::CREDIT_CARD => is_issued(&digits),
        Type::IBAN_CODE => {
            let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
            compact.get(4..8).is_some_and(|bank| bank.iter().any(|byte| matches!(byte, b'1'..=b'9')))
        }
        Type::SECRET => !value.contains("EXAMPLE"),
        _ => false,
    }
}

fn is_example(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    ["example.com", "example.net", "example.org"].iter().any(|example| domain.ends_with(example))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split(':').next().unwrap_or_default()
}

/// Ranges for documentation (RFC 5737, RFC 3849), and what names no machine.
fn is_documented(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let net = |a, b, c| ip.octets()[..3] == [a, b, c];
            ip.is_loopback() || ip.is_unspecified() || net(192, 0, 2) || net(198, 51, 100) || net(203, 0, 113)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.segments()[..2] == [0x2001, 0x0db8],
    }
}

/// A card of a brand for which surrogates have a test prefix, without that prefix.
fn is_issued(digits: &str) -> bool {
    let brand = |first: char, test: &str| digits.starts_with(first) && !digits.starts_with(test);
    digits.len() == 16
        && (brand('4', "411111") || digits.starts_with("6011") && !digits.starts_with("601111"))
        || digits.len() == 16
            && ('1'..='5').any(|d| digits.starts_with(&format!("5{d}")))
            && !digits.starts_with("555555")
        || digits.len() == 15 && brand('3', "378282")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::tests::talk;
    use crate::anonymize::{Salt, anonymize};

    #[test]
    fn an_answer_leaks_what_nobody_told_it() {
        let card = "Your card 4012 8888 8888 1881 was charged.";
        for (answer, known, want) in [
            (card, &[][..], true),
            (card, &["charge 4012888888881881 again"][..], false),
            (card, &["hello", "4012-8888-8888-1881"][..], false),
            ("Write to ann.lee@clinic.org or see https://clinic.org/a", &[][..], false),
            ("Card 4111 1111 1111 1111 is for tests.", &[][..], false),
            ("billing", &[][..], false),
        ] {
            assert_eq!(leaks(answer, known), want, "{answer} {known:?}");
        }
    }

    const PLANTED: &str = "write to ann.lee@clinic.org or call from 81.2.69.142, card 4012888888881881, \
        iban DE89370400440532013000, https://portal.clinic.org/p?id=7, key AKIAQYLPMN5HHHFPZAM2, ssn 536-22-8711";

    #[test]
    fn what_was_planted_is_counted_and_what_was_invented_is_not() {
        let found = residue(PLANTED);
        for ty in ["EMAIL", "IP_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "URL", "SECRET", "US_SSN"] {
            assert_eq!(found.get(ty), Some(&1), "{ty}: {found:?}");
        }
        let policy = Policy::preset("default").unwrap();
        for salt in 0..20 {
            let (done, _) = anonymize(&talk(PLANTED, "ok"), &policy, &Salt([salt; 32])).unwrap();
            assert_eq!(residue(done.request()), BTreeMap::new(), "{}", done.request());
        }
    }

    #[test]
    fn harmless_text_has_none() {
        let text = "order 4711 at 10:30, version 1.2.3.4-beta, http://127.0.0.1:8080/x, see example.com";
        assert_eq!(residue(text), BTreeMap::new());
    }
}
