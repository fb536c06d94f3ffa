//! What must hold of any bytes at all; shared by the fuzz targets and by the replay in `make test`.

use kolm_wire::{assemble, chat, slots, sse};

/// An event stream: its events do not depend on how it was split, and its assembly is JSON or nothing.
pub(crate) fn sse(bytes: &[u8]) {
    let whole = events(bytes, bytes.len().max(1));
    // The first byte chooses the split, so that a found input keeps its split.
    let size = usize::from(bytes.first().copied().unwrap_or(1) % 17) + 1;
    assert_eq!(events(bytes, size), whole, "in pieces of {size}");
    for clean in [false, true] {
        let assembled = assemble::of_stream(bytes, clean);
        assert!(assembled.reply.is_empty() || is_json(&assembled.reply), "an assembled reply is JSON");
        assert!(!(assembled.complete && assembled.error), "an answer with an error is not complete");
        chat::facts(&assembled.reply);
    }
}

fn events(bytes: &[u8], size: usize) -> Option<Vec<sse::Event>> {
    let mut reader = sse::Reader::new();
    let mut events = Vec::new();
    for piece in bytes.chunks(size) {
        events.extend(reader.push(piece).ok()?);
    }
    events.extend(reader.finish());
    Some(events)
}

/// A request body: whatever is read of it, nothing is changed, and an edited body stays JSON.
pub(crate) fn request(bytes: &[u8]) {
    let read = chat::question(bytes).is_ok() || chat::head(bytes).is_ok();
    assert!(!read || is_json(bytes), "what is read is JSON");
    chat::facts(bytes);
    drop(kolm_wire::upstream_path(&String::from_utf8_lossy(bytes), &["openai"], "openai"));
    let Ok(found) = slots::slots(bytes) else { return };
    assert!(is_json(bytes), "what is not JSON has no slots");
    assert!(slots::splice(bytes, &[]) == bytes, "no edit is no change");
    let mut last = 0;
    let mut edits = Vec::new();
    for slot in &found {
        assert!(slot.range.start >= last && slot.range.end <= bytes.len(), "slots are in order and inside");
        last = slot.range.end;
        if slot.role == slots::Role::Text {
            edits.push((slot.range.clone(), slots::Edit::Text("\u{20ac}\"\\\n".to_owned())));
        }
    }
    assert!(is_json(&slots::splice(bytes, &edits)), "an edited body is JSON");
}

/// A configuration: a file is checked or refused with problems that have a place, and never half.
pub(crate) fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // A path in the file could name anything on this machine.
    if text.contains("file") || text.contains("extra_ca") {
        return;
    }
    let outside = kolm_config::Outside::bare("/nonexistent");
    match kolm_config::RawConfig::parse("fuzz.toml", text).check(&outside) {
        Ok(config) => drop(config),
        Err(problems) => {
            let lines = text.lines().count().max(1) + 1;
            assert!(!problems.list.is_empty(), "a refusal names a problem");
            assert!(
                problems.list.iter().all(|problem| problem.line <= lines),
                "a problem is inside the file"
            );
        }
    }
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(bytes).is_ok()
}
