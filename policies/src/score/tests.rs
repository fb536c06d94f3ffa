//! Scorers against answers whose agreement is known.

use super::*;

fn said(text: &str) -> Answer {
    Answer { text: Some(text.to_owned()), calls: Vec::new() }
}

fn called(calls: &[(&str, &str)]) -> Answer {
    let call = |(name, arguments): &(&str, &str)| Call {
        name: (*name).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    Answer { text: None, calls: calls.iter().map(call).collect() }
}

#[test]
fn labels_match_after_trim_and_case() {
    for (a, b, same) in [
        ("billing", " Billing\n", true),
        ("billing", "refund", false),
        ("", "  ", true),
        ("É", "é", false),
        ("billing.", "billing", false),
    ] {
        assert_eq!(label(a, b) == Ppm::ONE, same, "{a:?} {b:?}");
    }
}

#[test]
fn json_agrees_field_by_field() {
    let reference = r#"{"name": "Ada Byron", "age": 36, "tags": ["x", "y"], "address": {"city": "London"}}"#;
    for (answer, ppm) in [
        (reference, 1_000_000),
        (r#"{"age":36.0000001,"address":{"city":"LONDON"},"tags":["x","y"],"name":"ada  byron"}"#, 1_000_000),
        (
            "```json\n{\"name\":\"Ada Byron\",\"age\":36,\"tags\":[\"x\",\"y\"],\"address\":{\"city\":\"London\"}}\n```",
            1_000_000,
        ),
        (r#"{"name":"Ada Byron","age":37,"tags":["x","y"],"address":{"city":"London"}}"#, 800_000),
        (r#"{"name":"Ada Byron","age":36,"tags":["y","x"],"address":{"city":"London"}}"#, 600_000),
        (r#"{"name":"Ada Byron","age":36,"tags":["x","y"],"address":{"city":"London"},"extra":1}"#, 909_090),
        (r#"{"name":"Ada Byron","tags":["x","y"],"address":{"city":"London"}}"#, 0),
        ("Ada Byron is 36", 0),
    ] {
        assert_eq!(Scorer::Extract.agreement(&said(answer), &said(reference)), Ppm(ppm), "{answer}");
    }
    assert_eq!(Scorer::Extract.agreement(&said("no data"), &said("No data.")), Ppm::ONE);
    assert_eq!(Scorer::Extract.agreement(&said("{}"), &said("{}")), Ppm::ONE);
    let slashed = (said(r#"{"a/b":1}"#), said(r#"{"a":{"b":1}}"#));
    assert_eq!(Scorer::Extract.agreement(&slashed.0, &slashed.1), Ppm(0));
}

#[test]
fn calls_agree_by_name_and_arguments_in_any_order() {
    let reference = called(&[("book", r#"{"city":"Rome","nights":2}"#), ("mail", r#"{"to":"a"}"#)]);
    for (calls, ppm) in [
        (called(&[("mail", r#"{"to":"a"}"#), ("book", r#"{"nights":2,"city":"rome"}"#)]), 1_000_000),
        (called(&[("book", r#"{"city":"Rome","nights":3}"#), ("mail", r#"{"to":"a"}"#)]), 750_000),
        (called(&[("book", r#"{"city":"Rome","nights":2}"#)]), 500_000),
        (called(&[("book", "no json"), ("mail", r#"{"to":"a"}"#)]), 500_000),
        (called(&[("cancel", "{}"), ("mail", r#"{"to":"a"}"#)]), 500_000),
        (said("Booked."), 0),
    ] {
        assert_eq!(Scorer::Tool.agreement(&calls, &reference), Ppm(ppm), "{} calls", calls.calls.len());
    }
    assert_eq!(Scorer::Tool.agreement(&called(&[("now", "")]), &called(&[("now", "{}")])), Ppm::ONE);
    assert_eq!(Scorer::Tool.agreement(&said("none needed"), &said("None needed")), Ppm::ONE);
    // Each call of the reference takes the best that is left.
    let twice = called(&[("f", r#"{"a":1}"#), ("f", r#"{"a":2}"#)]);
    let turned = called(&[("f", r#"{"a":2}"#), ("f", r#"{"a":1}"#)]);
    assert_eq!(Scorer::Tool.agreement(&twice, &turned), Ppm::ONE);
}

#[test]
fn prose_agrees_by_words_unless_it_is_much_longer() {
    for (a, b, ppm) in [
        ("The invoice is late.", "the invoice is LATE", 1_000_000),
        ("one two three", "one two four", 666_666),
        ("one one", "one", 666_666),
        ("one one one", "one", 0),
        ("", "", 1_000_000),
        ("", "word", 0),
        ("請求書は遅れています", "請求書が遅れています", 900_000),
    ] {
        assert_eq!(Scorer::Chat.agreement(&said(a), &said(b)), Ppm(ppm), "{a:?} {b:?}");
    }
}

#[test]
fn a_call_is_no_text_and_nothing_agrees_with_silence() {
    let silent = Answer { text: None, calls: Vec::new() };
    for scorer in Scorer::ALL {
        assert_eq!(scorer.agreement(&silent, &said("x")), Ppm(0), "{scorer:?}");
        assert_eq!(scorer.agreement(&silent, &silent), Ppm(0), "{scorer:?}");
    }
    let both = Answer { text: Some("x".to_owned()), ..called(&[("f", "{}")]) };
    assert_eq!(Scorer::Label.agreement(&both, &said("x")), Ppm(0));
}

#[test]
fn canaries_and_what_was_learned_by_heart_are_forbidden() {
    let canaries = [" Kolm-Canary-71c2 ".to_owned()];
    for (answer, known, want) in [
        (said("billing"), "", false),
        (said("kolm-CANARY-71C2 billing"), "kolm-canary-71c2", true),
        (said("pay with 4012888888881881"), "", true),
        (said("pay with 4012888888881881"), "my card is 4012 8888 8888 1881", false),
        (called(&[("pay", r#"{"card":"4012888888881881"}"#)]), "", true),
    ] {
        assert_eq!(forbidden(&answer, &[known], &canaries), want, "{known:?}");
    }
}
