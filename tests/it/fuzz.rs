//! The corpus of the fuzz targets, replayed: what was once found stays found.

use std::path::Path;

#[path = "../fuzz/properties.rs"]
mod properties;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        property(&std::fs::read(entry.path()).unwrap());
        count += 1;
    }
    assert!(count >= 5, "the corpus of {target} is gone: {count} files");
}

#[test]
fn the_corpus_of_event_streams_holds() {
    replay("sse", properties::sse);
}

#[test]
fn the_corpus_of_requests_holds() {
    replay("request", properties::request);
}

#[test]
fn the_corpus_of_configurations_holds() {
    replay("config", properties::config);
}
