//! `kolm anonymize` and `kolm audit disk` from outside: exact forms, exit statuses, one line at a time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::world::{kolm, stderr};

/// Runs `kolm anonymize` with `input` on standard input.
fn anonymize(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kolm"))
        .arg("anonymize")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_example_of_the_design_holds_to_the_letter() {
    let line = "{\"id\":7,\"text\":\"redact PHI: John Doe MRN 8847\"}\n";
    let args = ["--policy", "hipaa", "--mode", "redact", "--format", "jsonl"];
    let output = anonymize(&args, line.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let row: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!((&row["id"], &row["text"]), (&json!(7), &json!("redact PHI: [NAME] MRN [MRN]")));
    let spans: Vec<_> =
        row["spans"].as_array().unwrap().iter().map(|s| (&s["start"], &s["end"], &s["type"])).collect();
    assert_eq!(
        spans,
        [(&json!(12), &json!(20), &json!("NAME")), (&json!(25), &json!(29), &json!("MRN"))],
        "{row}"
    );
    assert!(said(&output).starts_with("{\"id\":7,\"text\":"), "{}", said(&output));
}

#[test]
fn offsets_are_code_points_of_the_input() {
    let text = "😀 MRN: \u{ff18}\u{ff18}\u{200c}47 é";
    let input = json!({ "id": "a", "text": text }).to_string();
    let output = anonymize(&["--format", "jsonl", "--mode", "redact"], input.as_bytes());
    let row: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!(row["text"], "😀 MRN: [MRN] é", "{row}");
    assert_eq!((&row["spans"][0]["start"], &row["spans"][0]["end"]), (&json!(7), &json!(12)), "{row}");
}

#[test]
fn a_bad_line_has_its_reason_and_the_others_are_done() {
    let input = b"{\"id\":\"x\",\"text\":\"nothing here\"}\nno json\n{\"id\":2,\"text\":\"\xff\"}\n{\"text\":\"a@b.org\"}";
    let output = anonymize(&["--format", "jsonl", "--report"], input);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "{\"id\":\"x\",\"text\":\"nothing here\",\"spans\":[]}");
    assert_eq!(lines[1], "{\"id\":null,\"error\":\"not_json\"}");
    assert_eq!(lines[2], "{\"id\":null,\"error\":\"bad_utf8\"}");
    assert!(lines[3].starts_with("{\"id\":null,\"text\":") && !lines[3].contains("a@b.org"), "{}", lines[3]);
    let report: Value = serde_json::from_str(stderr(&output).lines().last().unwrap()).unwrap();
    assert_eq!(report, json!({ "done": 2, "failed": 2, "counts": { "EMAIL": 1 } }));
}

#[test]
fn a_line_is_answered_before_the_next_is_there() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kolm"))
        .args(["anonymize", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for id in 0..3 {
        writeln!(input, "{{\"id\":{id},\"text\":\"mail a{id}@b.org\"}}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"id\":{id},")), "{line}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn chat_lines_are_edited_in_place_and_agree_on_both_sides() {
    let line = "{ \"request\": {\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"I am at ann.lee@clinic.org\"}]},\n";
    let line = line.trim_end().to_owned()
        + " \"response\": {\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Wrote to ann.lee@clinic.org.\"}}]}, \"n\": 1.50 }\n";
    let output = anonymize(&["--format", "chat", "--seed", "1"], line.as_bytes());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!text.contains("ann.lee") && text.ends_with(", \"n\": 1.50 }\n"), "{text}");
    let row: Value = serde_json::from_str(&text).unwrap();
    let asked = row["request"]["messages"][0]["content"].as_str().unwrap();
    let mail = asked.strip_prefix("I am at ").unwrap();
    assert_eq!(row["response"]["choices"][0]["message"]["content"], format!("Wrote to {mail}."));
    assert_eq!(said(&anonymize(&["--format", "chat", "--seed", "1"], line.as_bytes())), text, "same seed");
    assert_ne!(said(&anonymize(&["--format", "chat"], line.as_bytes())), text, "another conversation");
}

#[test]
fn text_keeps_its_line_ends_and_modes_differ() {
    let input = b"first a@b.org\r\nsecond\n\nlast a@b.org";
    assert_eq!(said(&anonymize(&["--mode", "redact"], input)), "first [EMAIL]\r\nsecond\n\nlast [EMAIL]");
    assert_eq!(said(&anonymize(&["--mode", "tag"], input)), "first <EMAIL_1>\r\nsecond\n\nlast <EMAIL_1>");
}

#[test]
fn a_policy_is_a_preset_or_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("own.toml");
    std::fs::write(
        &file,
        "schema = 1\nname = \"own\"\nextends = \"default\"\ntypes = { EMAIL = \"keep\" }\n",
    )
    .unwrap();
    let output = anonymize(&["--policy", file.to_str().unwrap()], b"a@b.org");
    assert_eq!(said(&output), "a@b.org");
    let unknown = anonymize(&["--policy", "nonesuch"], b"");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("error[K0901]") && stderr(&unknown).contains("hint:"));
}

#[test]
fn the_disk_is_searched_for_given_values_and_for_what_no_surrogate_would_be() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    std::fs::create_dir_all(dir.path().join("store/spool")).unwrap();
    let clean = kolm(&["audit", "disk", "--data-dir", data]);
    assert_eq!(clean.status.code(), Some(0), "{}", stderr(&clean));
    std::fs::write(dir.path().join("crash.log"), "patient Ann Lee").unwrap();
    std::fs::write(dir.path().join("store/spool/1.seg"), "{\"x\":\"mail bob@clinic.org\"}").unwrap();
    let values = dir.path().join("../values-to-search.txt");
    let values = values.to_str().unwrap().to_owned();
    std::fs::write(&values, "ann lee\nEve Adams\n\n").unwrap();
    let found = kolm(&["audit", "disk", "--data-dir", data, "--values", &values, "--json"]);
    std::fs::remove_file(&values).unwrap();
    assert_eq!(found.status.code(), Some(1), "{}", stderr(&found));
    let told: Value = serde_json::from_str(&said(&found)).unwrap();
    assert_eq!((&told["values"], &told["places"]), (&json!(1), &json!({ "crash.log": 1 })));
    assert_eq!(told["residue"], json!({ "EMAIL": 1 }));
    assert!(
        !said(&found).contains("bob@") && !said(&found).to_lowercase().contains("ann"),
        "{}",
        said(&found)
    );
}
