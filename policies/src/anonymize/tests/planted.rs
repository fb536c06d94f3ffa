//! Planted identifiers in every form and place; check digits.

use super::*;
use crate::anonymize::check;
use crate::anonymize::invent::Choice;

/// A valid value by brute force over a template of `#` (digit) and `@` (letter).
fn valid(choice: &mut Choice, template: &str, check: impl Fn(&[u8]) -> bool) -> String {
    loop {
        let value: String = template
            .chars()
            .map(|c| match c {
                '#' => char::from(choice.digit()),
                '@' => char::from(choice.letter()),
                c => c,
            })
            .collect();
        let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
        if check(&compact) {
            return value;
        }
    }
}

pub(super) fn identifier(choice: &mut Choice, kind: usize) -> String {
    let any = |_: &[u8]| true;
    match kind % 16 {
        0 => valid(choice, "4###-####-####-####", check::credit_card),
        1 => valid(choice, "3#############4", |v| v[1] == b'7' && check::credit_card(v)),
        2 => valid(choice, "DE## 3704 0044 #### #### ##", check::iban),
        3 => valid(choice, "###-##-####", check::us_ssn),
        4 => valid(choice, "### ### ####", check::uk_nhs),
        5 => format!(
            "{}@{}.com",
            valid(choice, "@@@@.@@@#", any).to_lowercase(),
            valid(choice, "@@@@@", any).to_lowercase()
        ),
        6 => valid(choice, "+1 (4##) 7##-####", any),
        7 => valid(choice, "+49 30 9#######", any),
        8 => format!("10.{}.{}.{}", choice.below(256), choice.below(256), choice.below(256)),
        9 => format!(
            "https://{}.org/u/{}",
            valid(choice, "@@@@@@", any).to_lowercase(),
            valid(choice, "@@##", any)
        ),
        10 => valid(choice, "#########1", any),
        11 => valid(choice, "###########", check::de_tax_id),
        12 => format!("2001:db8:{:x}::{:x}", 1 + choice.below(65_000), 1 + choice.below(65_000)),
        13 => ["ghp", "_"].concat() + &valid(choice, "@#@#@#@#@#@#@#@#@#@#@#@#@#@#@#@#@#@#", any),
        14 => valid(choice, "####-####-####", check::in_aadhaar),
        _ => valid(choice, "00:1#:#A:2#:#C:4#", any),
    }
}

/// How an identifier may be written so that a plain search does not see it.
const FORMS: usize = 5;

fn full_width(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_ascii_digit() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c })
        .collect()
}

/// The value in one of its forms; encoded ones are long enough to be looked into.
fn disguised(value: &str, form: usize) -> String {
    match form {
        0 => value.to_owned(),
        1 => value.chars().flat_map(|c| [c, '\u{200b}']).collect(),
        2 => full_width(value),
        3 => base64(format!("please note {value} for later").as_bytes()),
        _ => format!("note%3A%20{}", value.bytes().map(|b| format!("%{b:02X}")).collect::<String>()),
    }
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(SIGNS[(n >> (18 - 6 * i) & 63) as usize]));
        }
    }
    while !out.len().is_multiple_of(4) {
        out.push('=');
    }
    out
}

/// A stream whose deltas cut the text every three characters, put together again.
fn streamed(text: &str) -> Vec<u8> {
    let chars: Vec<char> = text.chars().collect();
    let mut stream = String::new();
    for piece in chars.chunks(3) {
        let piece: String = piece.iter().collect();
        stream += &format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": piece}}]}));
    }
    stream +=
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    kolm_wire::assemble::of_stream(stream.as_bytes(), true).reply
}

/// An exchange that holds the text in one of the places where one may stand.
fn planted(text: &str, place: usize) -> Exchange {
    let arguments = json!({"note": text, "deep": {"list": [text]}}).to_string();
    match place {
        0 => talk(text, &format!("you said {text}")),
        1 => Exchange { reply: streamed(text), ..talk("hello", "") },
        2 => Exchange {
            request: json!({"messages": [
                {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": arguments}}]},
                {"role": "tool", "content": arguments}]})
            .to_string()
            .into_bytes(),
            reply: Vec::new(),
        },
        3 => Exchange {
            reply: json!({"error": {"message": text, "code": null}}).to_string().into_bytes(),
            ..talk("hi", "")
        },
        _ => talk(&format!("id,note\nx,\"{}\"\n", text.replace('"', "")), text),
    }
}

/// Every string of a body, those of JSON in strings too.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => texts(&inner, out),
            Ok(_) | Err(_) => out.push(text.clone()),
        },
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::Object(map) => map.values().for_each(|item| texts(item, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn ten_thousand_planted_identifiers_leave_none() {
    let mut choice = Choice::new(&Salt([5; 32]), "test", "planted", 0);
    let (mut left, mut dropped) = (Vec::new(), 0);
    for n in 0..10_000 {
        let value = identifier(&mut choice, n);
        let (form, place) = (n / 16 % FORMS, n / (16 * FORMS) % 5);
        let written = disguised(&value, form);
        let text = match n % 3 {
            0 => format!("please note {written} for later."),
            1 => format!("({written}) is what I have"),
            _ => format!("see:\n{written}\nthanks"),
        };
        let Ok((done, _)) = run(&planted(&text, place), "default") else {
            dropped += 1;
            continue;
        };
        let mut all = Vec::new();
        for body in [done.request(), done.reply()].into_iter().filter(|body| !body.is_empty()) {
            texts(&serde_json::from_str(body).unwrap(), &mut all);
        }
        let shown = |text: &String| {
            let folded = crate::anonymize::fold::Folded::of(text);
            text.contains(&written) || folded.text().contains(&value)
        };
        if all.iter().any(shown) {
            left.push((form, place, written));
        }
    }
    assert_eq!(left, Vec::new());
    assert!(dropped <= 20, "{dropped} of 10,000 exchanges gave no record");
}

#[test]
fn check_digits_reject_neighbours() {
    let mut choice = Choice::new(&Salt([6; 32]), "test", "digits", 0);
    let checks: [(&str, check::Check); 12] = [
        ("4###############", check::credit_card),
        ("#########", check::ca_sin),
        ("##########", check::us_npi),
        ("#########", check::aba),
        ("###########", check::au_abn),
        ("#########", check::au_tfn),
        ("##########", check::uk_nhs),
        ("###########", check::tr_national_id),
        ("###########", check::de_tax_id),
        ("############", check::in_aadhaar),
        ("DE##################00", check::iban),
        ("########@", check::es_nif),
    ];
    for (template, passes) in checks {
        let (mut off, mut swapped, mut all) = (0, 0, 0);
        for _ in 0..40 {
            let value = valid(&mut choice, template, passes).into_bytes();
            for i in 3..value.len() - 1 {
                let mut other = value.clone();
                other[i] = b'0' + (other[i].wrapping_sub(b'0') % 10 + 1) % 10;
                all += 1;
                off += usize::from(passes(&other));
                let mut other = value.clone();
                other.swap(i, i - 1);
                swapped += usize::from(other != value && passes(&other));
            }
        }
        assert_eq!(off, 0, "{template}: one digit off passes");
        assert!(swapped * 6 <= all, "{template}: {swapped} of {all} swaps pass");
        assert!(!passes("1".repeat(template.len()).as_bytes()), "{template}: all equal");
    }
}
