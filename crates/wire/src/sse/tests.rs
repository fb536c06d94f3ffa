//! The reader against the rules, in every split.

use super::*;
use proptest::prelude::*;

fn read(parts: &[&[u8]], ended_cleanly: bool) -> Vec<(Option<String>, String)> {
    let mut reader = Reader::new();
    let mut events = Vec::new();
    for part in parts {
        events.extend(reader.push(part).unwrap());
    }
    if ended_cleanly {
        events.extend(reader.finish());
    }
    events.into_iter().map(|e| (e.event, e.data)).collect()
}

fn check(stream: &[u8], expected: &[(Option<&str>, &str)]) {
    let expected: Vec<(Option<String>, String)> =
        expected.iter().map(|(e, d)| (e.map(str::to_owned), (*d).to_owned())).collect();
    for size in 1..=stream.len().max(1) {
        let parts: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(read(&parts, false), expected, "split at {size}: {:?}", String::from_utf8_lossy(stream));
    }
}

#[test]
fn the_rules_in_every_split() {
    check(b"data: a\n\ndata: b\n\n", &[(None, "a"), (None, "b")]);
    check(b"data: a\r\n\r\ndata: b\r\n\r\n", &[(None, "a"), (None, "b")]);
    check(b"data: a\r\rdata: b\r\r", &[(None, "a"), (None, "b")]);
    check(b"data: a\r\n\ndata: b\n\r\n", &[(None, "a"), (None, "b")]);
    check(b"\xef\xbb\xbfdata: a\n\n", &[(None, "a")]);
    check(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", &[(None, "a")]);
    check(b"data: a\ndata:b\ndata\ndata:  c\n\n", &[(None, "a\nb\n\n c")]);
    check(
        b": hi\nid: 7\nretry: 5\nfoo: bar\nevent: x\ndata: a\n\ndata: b\n\n",
        &[(Some("x"), "a"), (None, "b")],
    );
    check(b"event: lost\n\ndata: a\n\n", &[(None, "a")]);
    check(b"data\n\ndata:\n\n", &[(None, ""), (None, "")]);
    check("data: \u{1f600}é\n\n".as_bytes(), &[(None, "\u{1f600}é")]);
    check(b"data: \xff\n\n", &[(None, "\u{fffd}")]);
    check(b"data: a\n\ndata: cut\n", &[(None, "a")]);
    check(b"\n\n\r\r\n", &[]);
}

#[test]
fn a_clean_end_gives_the_last_event_without_its_blank_line() {
    let a = || vec![(None, "a".to_owned())];
    assert_eq!(read(&[b"data: a"], true), a());
    assert_eq!(read(&[b"data: a\n"], true), a());
    assert_eq!(read(&[b"data: a\n\n"], true), a());
    assert_eq!(read(&[b"data: a"], false), vec![]);
    assert_eq!(read(&[b"event: x\n"], true), vec![]);
}

#[test]
fn an_endless_event_is_given_up_at_the_cap() {
    for (line, fits) in [(&b"data: "[..], 15), (b": ", 15), (b"", 16)] {
        let mut reader = Reader::new();
        reader.push(line).unwrap();
        let block = vec![b'x'; 1 << 20];
        assert_eq!((0..20).take_while(|_| reader.push(&block).is_ok()).count(), fits);
        assert_eq!(reader.push(b"\n\ndata: a\n\n"), Err(TooLong));
        assert_eq!(reader.finish(), None);
    }
    let mut many = Reader::new();
    let line = [b"data:".as_slice(), &vec![b'x'; 1 << 20], b"\n"].concat();
    assert_eq!((0..40).take_while(|_| many.push(&line).is_ok()).count(), 15, "many lines are one event");
    assert_eq!(TooLong.code().to_string(), "K0990");
    assert!(TooLong.hint().is_some());
}

#[test]
fn debug_prints_sizes_only() {
    let event = Event { event: None, data: "John Doe".to_owned() };
    assert_eq!(format!("{event:?}"), "Event(None, 8 bytes)");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "data", ":", " ", "\n", "\r", "\r\n", "\n\n", "event", "x", "\u{feff}", "é", "[DONE]", "{\"a\":1}",
        ]), 0..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = pieces.concat().into_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(stream.len() + 1)).collect();
        at.push(0);
        at.push(stream.len());
        at.sort_unstable();
        let parts: Vec<&[u8]> = at.windows(2).map(|w| &stream[w[0]..w[1]]).collect();
        prop_assert_eq!(read(&parts, true), read(&[&stream], true));
    }
}
