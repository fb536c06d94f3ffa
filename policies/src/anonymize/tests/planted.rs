//! Planted identifiers and generated bodies.

use proptest::prelude::*;

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

fn identifier(choice: &mut Choice, kind: usize) -> String {
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

#[test]
fn a_thousand_planted_identifiers_leave_none() {
    let mut choice = Choice::new(&Salt([5; 32]), "test", "planted", 0);
    let mut left = Vec::new();
    for n in 0..1000 {
        let value = identifier(&mut choice, n);
        let text = match n % 3 {
            0 => format!("please note {value} for later."),
            1 => format!("({value}) is what I have"),
            _ => format!("see:\n{value}\nthanks"),
        };
        let (done, _) = run(&talk(&text, &format!("you said {value}")), "default").unwrap();
        let literal = serde_json::to_string(&value).unwrap();
        let bare = literal.trim_matches('"');
        if done.request().contains(bare) || done.reply().contains(bare) {
            left.push(value);
        }
    }
    assert_eq!(left, Vec::<String>::new());
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

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ -~]{0,24}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        (0usize..16, any::<u8>()).prop_map(|(kind, seed)| {
            let mut choice = Choice::new(&Salt([seed; 32]), "test", "leaf", kind as u32);
            Value::from(format!("it is {} \"\\ \u{1f600}", identifier(&mut choice, kind)))
        }),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,6}(_id)?", inner.clone(), 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// Same keys in order and same kinds of values, through JSON in strings too.
fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, va), (kb, vb))| ka == kb && same(va, vb))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::String(a), Value::String(b)) => match serde_json::from_str::<Value>(a) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => {
                serde_json::from_str::<Value>(b).is_ok_and(|other| same(&inner, &other))
            }
            Ok(_) | Err(_) => true,
        },
        (Value::Number(a), Value::Number(b)) => a.to_string().len() == b.to_string().len(),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_stays_json(arguments in tree(), text in "[ -~]{0,60}") {
        let body = json!({"model": "m", "temperature": 0.5, "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": arguments.to_string()}}]},
            {"role": "tool", "tool_call_id": "c", "content": arguments}]});
        let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
        match run(&exchange, "default") {
            Ok((done, report)) => {
                let out: Value = serde_json::from_str(done.request()).unwrap();
                prop_assert!(same(&body, &out), "{body}\n{out}");
                if report.counts.is_empty() {
                    prop_assert_eq!(done.request().as_bytes(), exchange.request);
                }
            }
            Err(dropped) => prop_assert!(matches!(dropped, Dropped::IdentifierInKey | Dropped::AuditLeak), "{dropped:?}"),
        }
    }

    #[test]
    fn nothing_panics_and_nothing_leaks_an_error(text in any::<String>(), key in "[a-z_]{0,12}") {
        let body = json!({"messages": [{"role": "user", "content": text, key: "x"}]});
        let done = run(&Exchange { request: body.to_string().into_bytes(), reply: Vec::new() }, "hipaa");
        prop_assert!(done.is_ok() || done.is_err_and(|e| e == Dropped::AuditLeak || e == Dropped::IdentifierInKey));
    }
}
