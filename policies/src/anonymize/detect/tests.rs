//! What is found in plain, disguised and harmless text.

use super::*;
use crate::anonymize::fold::Folded;

fn check(source: &str) -> Vec<String> {
    let policy = Policy::preset("default").unwrap();
    let folded = Folded::of(source);
    let mut found: Vec<String> = detect(folded.text(), "", Place::Text, &policy)
        .iter()
        .filter(|f| f.score >= policy.mask_at)
        .map(|f| format!("{} {}", f.ty, &source[folded.source(f.start..f.end)]))
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn disguises() {
    for (source, want) in [
        ("j o h n (at) acme (dot) com please", "EMAIL j o h n (at) acme (dot) com"),
        ("write john [at] acme . com", "EMAIL john [at] acme . com"),
        ("j\u{43e}hn@\u{430}cme.com", "EMAIL j\u{43e}hn@\u{430}cme.com"),
        ("jo\u{200b}hn@ac\u{ad}me.com", "EMAIL jo\u{200b}hn@ac\u{ad}me.com"),
        ("\u{ff14}012 8888 8888 1881", "CREDIT_CARD \u{ff14}012 8888 8888 1881"),
        ("4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1", "ID 4 0 1 2 8 8 8 8 8 8 8 8 1 8 8 1"),
        ("bWFpbCBtZSBhdCBqb2huQGFjbWUuY29t it is", "ENCODED bWFpbCBtZSBhdCBqb2huQGFjbWUuY29t"),
        ("q=john%40acme.com&x", "ENCODED q=john%40acme.com&x"),
        (
            "cGxlYXNlIG5vdGUgcGF0aWVudCBCZWF0cml6IE9rb25rd28gZm9yIGxhdGVy it is",
            "ENCODED cGxlYXNlIG5vdGUgcGF0aWVudCBCZWF0cml6IE9rb25rd28gZm9yIGxhdGVy",
        ),
        ("q=patient%20Beatriz%20Okonkwo%20called", "ENCODED q=patient%20Beatriz%20Okonkwo%20called"),
        ("card 4012888888881881 exp 04/27 cvv 123", "CVV 123"),
        ("4012888888881881 04/27 321", "EXPIRY 04/27"),
        ("carte 3714 496353 98431 (exp. 06-30, code 4471) refusée", "CVV 4471"),
        ("para 3PHthwhvnTBKVkzuVCjZyrdWneRhrcwCqr e nunca", "CRYPTO 3PHthwhvnTBKVkzuVCjZyrdWneRhrcwCqr"),
        ("tra ở phatnguoi.vn/tra-cuu?bs=51K nhé", "URL phatnguoi.vn/tra-cuu?bs=51K"),
        ("```\nkey = \"078-05-1123\"\n```", "US_SSN 078-05-1123"),
        ("my passport number is C01234565 ok", "DE_PASSPORT C01234565"),
    ] {
        assert!(check(source).iter().any(|f| f == want), "{source}: {:?}", check(source));
    }
}

#[test]
fn plain_speech_stays() {
    for source in [
        "card_payment_fee_charged",
        "oos",
        "change_pin",
        "what is the square root of 10294",
        "transfer $20000 from savings to checking",
        "my 401k and my w2",
        "reserve a table for 4 at the window",
        "if i win 200000 how do i split it 7 ways",
        "```\nlet epoch = 1716223456; let d = \"2021-05-21\";\n```",
        "see `main.rs` and node.js",
    ] {
        assert_eq!(check(source), Vec::<String>::new(), "{source}");
    }
}
