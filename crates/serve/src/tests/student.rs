//! The port over a real student of two labels, packed here.

use kolm_core::{Coded as _, Env};
use kolm_model::Student;
use kolm_model::files::{self, Abstention, Scorers};
use kolm_model::ngram::Ngram;
use kolm_model::text::{self, WIDTH};
use kolm_wire::chat::template_key;
use serde_json::json;

use super::{NOW, model, post, send, value};
use crate::models::{Mind, Model};
use crate::{Service, Settings, golden};

/// A real student of two labels that knows one word.
fn student() -> Student {
    let mut refund = vec![0.0; WIDTH];
    for bucket in text::grams("refund") {
        refund[bucket as usize] = 1.0;
    }
    let ngram = Ngram::pack(vec![1.0; WIDTH], &[&refund, &vec![0.0; WIDTH]], vec![0.0, 0.1]).unwrap();
    let scorers = Scorers {
        v: 1,
        student: "nano-label".into(),
        scorer: "label".into(),
        abstain: Abstention { kind: "label_margin".into(), tau_ppm: 300_000 },
        ngram: Some(5_000_000),
        transformer: None,
        templates: vec![template_key("be brief", "")],
        max_bytes: 1_000,
        labels: vec!["billing refund".into(), "other".into()],
    };
    let scorers = serde_json::to_vec(&scorers).unwrap();
    let weights = files::weights(Some(&ngram), None).unwrap();
    Student::from_members(&scorers, &files::tokenizer_json(None).unwrap(), &weights).unwrap()
}

#[tokio::test]
async fn a_real_student_answers_and_abstains() {
    let served = Model { mind: Mind::Student(Box::new(student())), ..model("nano.kolm", false) };
    let service = Service::over(vec![served], Settings::default(), None, Env::fixed(NOW, 7)).unwrap();
    let message = |role: &str, content: &str| json!({"role": role, "content": content});
    for (system, text, status, said) in [
        ("be brief", "My REFUND, please", 200, "billing refund"),
        ("be brief", "hello", 422, "confidence"),
        ("be long", "My refund, please", 422, "template"),
        ("be brief", &"refund ".repeat(200), 422, "length"),
    ] {
        let messages = json!([message("system", system), message("user", text)]);
        let mut request = post(&json!({"model": "nano.kolm", "messages": messages}));
        request.headers_mut().insert("x-kolm-cascade", "1".parse().unwrap());
        let response = send(&service, request).await;
        assert_eq!(response.status().as_u16(), status, "{said}");
        if status == 422 {
            assert_eq!(response.headers()["x-kolm-abstain"], said);
        } else {
            assert_eq!(value(response).await["choices"][0]["message"]["content"], said);
        }
    }
}

#[test]
fn golden_cases_are_asked_again_and_others_are_not() {
    let key = template_key("be brief", "");
    let case = |text: &str, said: Option<&str>| {
        let case = json!({"id": "1", "template": key, "text": text, "label": "whatever", "said": said});
        format!("{case}\n")
    };
    let good = case("my refund", Some("billing refund"));
    for (cases, wrong) in [
        (String::new(), None),
        (good.clone(), None),
        (good.clone() + &case("hello", None), None),
        (good.clone() + &case("my refund", Some("other")) + &good, Some((1, 3))),
    ] {
        let refused = golden::replay("nano.kolm", cases.as_bytes(), &student()).err();
        let told = refused.map(|error| (error.code().to_string(), error.to_string()));
        let want = wrong.map(|(wrong, of)| {
            let told = format!(
                "`nano.kolm` answers {wrong} of its {of} golden cases otherwise than when it was packed"
            );
            ("K0706".to_owned(), told)
        });
        assert_eq!(told, want, "{cases}");
    }
}
