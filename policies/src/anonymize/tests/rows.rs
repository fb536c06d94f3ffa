//! The table of treatments, row by row: what stands in each part of an exchange is handled as that part asks.

use super::*;

const MAIL: &str = "ann.berg@acme.co";

fn request(body: &Value) -> Result<(Value, Report), Dropped> {
    let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
    let (done, report) = run(&exchange, "default")?;
    Ok((serde_json::from_str(done.request()).unwrap(), report))
}

/// The user's text, anonymized.
fn text(user: &str) -> String {
    let (body, _) = request(&json!({"messages": [{"role": "user", "content": user}]})).unwrap();
    body["messages"][0]["content"].as_str().unwrap().to_owned()
}

#[test]
fn every_place_of_text() {
    let body = json!({
        "messages": [
            {"role": "user", "content": MAIL}, {"role": "user", "content": [{"type": "text", "text": MAIL}]},
            {"role": "assistant", "refusal": MAIL, "function_call": {"name": "f", "arguments": MAIL},
             "tool_calls": [{"type": "custom", "custom": {"name": "c", "input": MAIL}}]}],
        "instructions": MAIL, "prediction": {"type": "content", "content": MAIL},
        "input": [{"role": "user", "content": [{"type": "input_text", "text": MAIL}]}],
        "output": [{"content": [{"type": "output_text", "text": MAIL}]}], "what_is_new": [[MAIL]],
    });
    let (out, report) = request(&body).unwrap();
    assert_eq!(report.counts["EMAIL"], 10);
    assert!(!out.to_string().contains("acme"), "{out}");
}

#[test]
fn structure_inside_texts() {
    for (source, gone) in [
        (format!("{{\"a\": [{{\"mrn\": \"884712\", \"to\": \"{MAIL}\"}}]}}"), vec!["884712", "acme"]),
        (format!("{{\"mrn\": \"884712\"}}\n{{\"to\": \"{MAIL}\"}}\n"), vec!["884712", "acme"]),
        ("name;mrn;amount\nx;884712;12.50\ny;993311;8.00".to_owned(), vec!["884712", "993311"]),
        ("visit,\"MRN\",note\n1,\"884712\",\"said \"\"no\"\", left\"\n".to_owned(), vec!["884712"]),
        ("visit\tmrn\n1\t884712\n".to_owned(), vec!["884712"]),
        ("| visit | MRN |\n|---|---|\n| 1 | 884712 |\n".to_owned(), vec!["884712"]),
        ("api_key,owner\nq8Zr7LmW2xKp4TvB,ops\n".to_owned(), vec!["q8Zr7LmW2xKp4TvB"]),
        ("db:\n  password: \"hunter2!x\"\n  mrn: 884712\n".to_owned(), vec!["hunter2", "884712"]),
    ] {
        let out = text(&source);
        assert!(gone.iter().all(|value| !out.contains(value)), "{source}\n{out}");
        let frame = |text: &str| text.matches([',', ';', '|', '\t', '\n', '"', '{', ':']).count();
        assert_eq!(frame(&source), frame(&out), "{source}\n{out}");
    }
    let amounts = "item,price\ntea,12.50\nmilk,8.00\n";
    assert_eq!(text(amounts), amounts);
}

#[test]
fn keys_vouch_for_secrets_in_json() {
    let body = json!({"db_password": "tr0ub4dor", "nested": {"apiKey": "q8Zr7LmW2xKp4TvB9n", "publicKey": "q8Zr7LmW2xKp4TvB9m",
        "token_type": "bearer", "key_id": "q8Zr7LmW2xKp4TvB9k"}});
    let out = text(&body.to_string());
    assert!(!out.contains("tr0ub4dor") && !out.contains("TvB9n"), "{out}");
    assert!(out.contains("TvB9m") && out.contains("bearer") && out.contains("TvB9k"), "{out}");
}

#[test]
fn numbers_under_identifying_keys_keep_their_digits_in_every_mode() {
    for mode in ["surrogate", "tag", "redact"] {
        let policy = Policy::parse(&format!("schema = 1\nname = \"x\"\nmode = \"{mode}\"")).unwrap();
        let body = json!({"messages": [{"role": "tool", "content": "{\"mrn\": 884712, \"n\": 884712, \"price\": 1250}"}]});
        let exchange = Exchange { request: body.to_string().into_bytes(), reply: Vec::new() };
        let (done, _) = anonymize(&exchange, &policy, &Salt([3; 32])).unwrap();
        let out: Value = serde_json::from_str(done.request()).unwrap();
        let inner: Value = serde_json::from_str(out["messages"][0]["content"].as_str().unwrap()).unwrap();
        assert_eq!(inner["mrn"].to_string().len(), 6, "{inner}");
        assert!(inner["mrn"] != 884_712 && inner["price"] == 1250, "{inner}");
    }
}

#[test]
fn schemas_change_only_where_evidence_is_strong() {
    let schema = |choice: &str| {
        json!({"messages": [{"role": "user", "content": format!("write to {MAIL}")}], "tools": [{"type": "function", "function": {
            "name": "f", "description": format!("asks {MAIL}"), "parameters": {"type": "object", "required": ["to"],
            "properties": {"to": {"enum": [choice, "blue"], "const": choice, "pattern": "^[0-9]{3}-[0-9]{2}$",
                "title": "T", "default": MAIL, "examples": [MAIL]}}}}}]})
    };
    let (out, _) = request(&schema(MAIL)).unwrap();
    assert!(!out.to_string().contains("acme"), "{out}");
    let to = &out["tools"][0]["function"]["parameters"]["properties"]["to"];
    assert_eq!((&to["enum"][0], &to["enum"][1]), (&to["const"], &json!("blue")));
    assert_eq!((&to["default"], &to["examples"][0]), (&to["const"], &to["const"]));
    assert_eq!(to["pattern"], "^[0-9]{3}-[0-9]{2}$");
    let (out, _) = request(&schema("555123456789")).unwrap();
    let to = &out["tools"][0]["function"]["parameters"]["properties"]["to"];
    assert_eq!(to["enum"][0], "555123456789", "a bare shape is weak");
}

#[test]
fn media_and_encoded_runs() {
    let long = "QUJDabc1".repeat(40);
    let body = json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://a.b/ann.png"}}, {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "BBBB"}}, {"type": "text", "text": long}, {"type": "text", "text": format!("see {long} there")}]}]});
    let (out, _) = request(&body).unwrap();
    let parts = &out["messages"][0]["content"];
    for stub in [
        &parts[0]["image_url"]["url"],
        &parts[1]["input_audio"]["data"],
        &parts[2]["file"]["file_data"],
        &parts[3]["text"],
    ] {
        assert!(stub.as_str().unwrap().starts_with("kolm-redacted:"), "{stub}");
    }
    assert_eq!(parts[4]["text"], "see kolm-redacted:base64;bytes=320 there");
    // `write to ann.berg@acme.co now`, and the same percent-encoded.
    let out = text("x d3JpdGUgdG8gYW5uLmJlcmdAYWNtZS5jbyBub3c= y q=ann.berg%40acme.co&z=1");
    assert!(!out.contains("d3JpdGUg") && !out.contains("acme"), "{out}");
    let public = format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC{} me", "Zx9Kq2Lw7mB4vN8c".repeat(20));
    assert_eq!(text(&public), public, "a public key is no secret and shows nobody");
}

#[test]
fn code_changes_only_where_evidence_is_strong() {
    let code =
        "```py\ncall('555-0173-22', order_no=10293)\nssn = \"078-05-1123\"\nto = 'ann.berg@acme.co'\n```";
    let out = text(code);
    assert!(out.contains("order_no=10293"), "{out}");
    assert!(!out.contains("078-05-1123") && !out.contains("acme"), "{out}");
}
