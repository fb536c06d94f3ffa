//! Forms as clients write them, in every split, and what is none.

use proptest::prelude::*;

use super::*;

const TYPE: &str = "multipart/form-data; boundary=XyZ";

fn read(content_type: &str, body: &[u8], size: usize) -> Form {
    let mut reader = Reader::new(content_type);
    body.chunks(size.max(1)).for_each(|piece| reader.push(piece));
    reader.finish()
}

fn part(disposition: &str, value: &str) -> String {
    format!("--XyZ\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{value}\r\n")
}

fn upload() -> String {
    let file = "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"John Doe.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n\r\n--Xy\r\n--Xz\x00\x01 audio \r\n\r\n--XyZ";
    [
        &part("name=\"model\"", "whisper-1"),
        &part("name=prompt", "two\r\nlines: größe"),
        &part("name=\"include[]\"", "logprobs"),
        &part("name=\"empty\"", ""),
        file,
        "\r\nContent-Disposition: form-data; name=\"timestamp_granularities[]\"\r\n\r\nword\r\n",
        &part("name=\"timestamp_granularities[]\"", "segment"),
        "--XyZ--\r\nwhatever follows",
    ]
    .concat()
}

#[test]
fn fields_are_kept_and_files_counted_in_every_split() {
    let body = upload();
    let whole = read(TYPE, body.as_bytes(), body.len());
    let record = r#"{"model":"whisper-1","prompt":"two\r\nlines: größe","include":["logprobs"],"empty":"","file":"kolm-redacted:file;bytes=25","timestamp_granularities":["word","segment"]}"#;
    assert_eq!(String::from_utf8(whole.record.clone()).unwrap(), record);
    assert_eq!((whole.model.as_str(), whole.whole, whole.oversize), ("whisper-1", true, false));
    for size in 1..body.len() {
        assert_eq!(read(TYPE, body.as_bytes(), size), whole, "split at {size}");
    }
}

#[test]
fn a_form_that_broke_off_says_what_it_said_so_far() {
    let body = upload();
    let end = body.find("--XyZ--").unwrap();
    for cut in 0..end {
        let form = read(TYPE, &body.as_bytes()[..cut], 7);
        assert!(!form.whole, "cut at {cut}");
        assert!(serde_json::from_slice::<Value>(&form.record).is_ok());
    }
    let cut = body.find("größe").unwrap();
    let form = read(TYPE, &body.as_bytes()[..cut], 5);
    assert_eq!(form.record, br#"{"model":"whisper-1","prompt":"two\r\nlines: "}"#);
}

#[test]
fn boundaries_as_they_are_written() {
    for (kind, found) in [
        ("multipart/form-data; boundary=XyZ", Some("XyZ")),
        ("Multipart/Form-Data;charset=utf-8;boundary=\"X y;Z\"", Some("X y;Z")),
        ("multipart/form-data; Boundary=XyZ ; a=b", Some("XyZ")),
        ("multipart/form-data; boundary=\"a\\\"b\"", Some("a\"b")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"open", None),
        ("multipart/mixed; boundary=XyZ", None),
        ("application/json", None),
    ] {
        assert_eq!(boundary(kind).as_deref(), found, "{kind}");
    }
}

#[test]
fn what_is_no_form_is_let_go() {
    for (kind, body) in [
        ("application/json", upload()),
        (TYPE, "no boundary at all".to_owned()),
        (TYPE, "--XyZjunk\r\n\r\n".to_owned()),
        (TYPE, format!("--XyZ\r\n{}", "a: b\r\n".repeat(10_000))),
        (TYPE, "--XyZ\r\nContent-Type: text/plain\r\n\r\nnameless\r\n--XyZ--".to_owned()),
    ] {
        let form = read(kind, body.as_bytes(), 4_096);
        assert_eq!(form.record, b"{}", "{kind}");
        assert!(form.model.is_empty() && !form.oversize);
    }
}

#[test]
fn limits_hold() {
    let long = part("name=\"prompt\"", &"x".repeat(MAX_FIELD + 1)) + "--XyZ--";
    let form = read(TYPE, long.as_bytes(), 1_000);
    assert_eq!(
        String::from_utf8(form.record).unwrap(),
        format!(r#"{{"prompt":"kolm-redacted:field;bytes={}"}}"#, MAX_FIELD + 1)
    );
    let many: String = (0..=MAX_FIELDS).map(|i| part(&format!("name=\"f{i}\""), "")).collect();
    assert!(read(TYPE, many.as_bytes(), 1_000).oversize);
    let mut reader = Reader::new(TYPE);
    reader.push(upload().as_bytes());
    let file = vec![b'\r'; 1 << 20];
    let mut reader = Reader::new(TYPE);
    reader.push(b"--XyZ\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n");
    for _ in 0..64 {
        reader.push(&file);
        assert!(reader.pending.capacity() <= MAX_HEAD && reader.value.is_empty(), "nothing of a file stays");
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_split_are_no_panic_and_read_the_same(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "--XyZ", "--", "\r\n", "\r", "\n", "Content-Disposition: form-data; name=\"a\"", "; filename=\"f\"", "x", " ", "\u{0}é",
        ]), 0..40),
        size in 1usize..9,
    ) {
        let body = pieces.concat();
        prop_assert_eq!(read(TYPE, body.as_bytes(), size), read(TYPE, body.as_bytes(), body.len()));
    }
}
