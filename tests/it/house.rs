//! The law of the house, held: floors, headers, sizes, banned names, error pages, events, local assets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which rooms a room may import; every other edge is refused.
const EDGES: [(&str, &[&str]); 18] = [
    ("bench", &[]),
    ("bench/anonymizer", &["policies", "wire", "model"]),
    ("core", &[]),
    ("wire", &["core"]),
    ("policies", &["core", "wire"]),
    ("ner", &["policies"]),
    ("tests/sim", &["core", "policies"]),
    ("receipts", &["core"]),
    ("kernels", &[]),
    ("config", &["core", "policies"]),
    ("artifact", &["core", "wire", "policies", "receipts"]),
    ("store", &["core", "wire", "policies", "config", "artifact"]),
    ("model", &["core", "wire", "artifact", "kernels"]),
    ("gateway", &["core", "wire", "policies", "receipts", "config", "store"]),
    ("dashboards", &["core", "policies", "receipts", "config", "store"]),
    ("trainer", &["core", "wire", "policies", "receipts", "config", "artifact", "model", "kernels"]),
    ("serve", &["core", "wire", "receipts", "config", "artifact", "model"]),
    (
        "cli",
        &[
            "core",
            "wire",
            "policies",
            "receipts",
            "config",
            "artifact",
            "store",
            "model",
            "gateway",
            "dashboards",
            "trainer",
            "serve",
            "kernels",
        ],
    ),
];

/// Engines and the only rooms that may name them.
const ENGINES: [(&str, &[&str]); 4] = [
    ("duckdb", &["store"]),
    ("candle-core", &["model", "trainer"]),
    ("candle-nn", &["model", "trainer"]),
    ("pingora", &["gateway", "bench"]),
];

/// Most lines a source file may have, and the files that have more: this list may only shrink.
const MAX_LINES: usize = 400;
const LONG_FILES: [&str; 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn room(name: &str) -> PathBuf {
    let top = root().join(name);
    if top.join("Cargo.toml").exists() { top } else { root().join("crates").join(name) }
}

/// Tracked files with an extension, relative to the root.
fn files(extension: &str) -> Vec<(String, String)> {
    let root = root();
    let mut found = Vec::new();
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    dirs.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((relative, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} file below {}", root.display());
    found
}

fn manifest(name: &str) -> String {
    std::fs::read_to_string(room(name).join("Cargo.toml")).unwrap()
}

/// Names before the first `[dev-dependencies]`: what the room itself stands on.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let own = manifest.split("[dev-dependencies]").next().unwrap();
    let own = own.split("[dependencies]").nth(1).unwrap_or_default();
    own.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).map(str::to_owned).collect()
}

#[test]
fn rooms_import_downwards_only() {
    let mut wrong = Vec::new();
    for (name, allowed) in EDGES {
        let dependencies = dependencies(&manifest(name));
        for import in dependencies.iter().filter_map(|d| d.strip_prefix("kolm-")) {
            if !allowed.contains(&import) {
                wrong.push(format!("{name} -> {import}"));
            }
        }
        for (engine, rooms) in ENGINES {
            if dependencies.contains(engine) && !rooms.contains(&name) {
                wrong.push(format!("{name} -> {engine}"));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that house.md does not allow: {wrong:?}");
}

#[test]
fn every_room_takes_the_lints_of_the_house() {
    for (name, _) in EDGES {
        assert!(
            manifest(name).contains("[lints]\nworkspace = true"),
            "{name} lacks [lints] workspace = true"
        );
    }
}

#[test]
fn every_file_says_what_it_owns_and_stays_small() {
    let mut wrong = Vec::new();
    for (path, text) in files("rs") {
        if !text.starts_with("//!") {
            wrong.push(format!("{path} does not start with //!"));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES && !LONG_FILES.contains(&path.as_str()) {
            wrong.push(format!("{path} has {lines} lines, {MAX_LINES} are allowed"));
        }
    }
    for path in LONG_FILES {
        let lines = std::fs::read_to_string(root().join(path)).map_or(0, |text| text.lines().count());
        assert!(lines > MAX_LINES, "{path} is short now: take it off the list");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn banned_names_stay_out() {
    const BANNED: [&str; 6] = ["manager", "helper", "utils", "common", "misc", "_v2"];
    let wrong: Vec<_> = files("rs")
        .into_iter()
        .filter(|(path, _)| BANNED.iter().any(|banned| path.contains(banned)))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "files with banned names: {wrong:?}");
}

#[test]
fn every_error_code_has_a_page_and_a_test() {
    let sources = files("rs");
    let tests: Vec<(&str, &str)> = sources.iter().filter_map(|(path, text)| test_text(path, text)).collect();
    let mut used: BTreeMap<String, bool> = BTreeMap::new();
    for (path, text) in &sources {
        for code in codes(text) {
            let room = path.split("/src/").next().unwrap();
            let tested = tests.iter().any(|(at, text)| {
                names(text, &code)
                    || (at.starts_with(room) && names(text, code.trim_start_matches(['K', '0'])))
            });
            *used.entry(code).or_default() |= tested;
        }
    }
    let pages: BTreeSet<_> = std::fs::read_dir(root().join("docs/errors"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .collect();
    let unpaged: Vec<_> = used.keys().filter(|code| !pages.contains(*code)).collect();
    let unused: Vec<_> =
        pages.iter().filter(|page| page.starts_with('K') && !used.contains_key(*page)).collect();
    let untested: Vec<_> = used.iter().filter(|(_, tested)| !**tested).map(|(code, _)| code).collect();
    assert!(unpaged.is_empty(), "codes without a page in docs/errors: {unpaged:?}");
    assert!(unused.is_empty(), "pages whose code is not used: {unused:?}");
    assert!(untested.is_empty(), "codes that no test names: {untested:?}");
}

/// The part of a file that is tests.
fn test_text<'a>(path: &'a str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let whole = path.starts_with("tests/it") || path.ends_with("tests.rs") || path.contains("/tests/");
    let part = if whole { text } else { text.split("#[cfg(test)]\nmod tests {").nth(1)? };
    Some((path, part))
}

/// Whether `word` stands in `text` by itself.
fn names(text: &str, word: &str) -> bool {
    let whole = |at: usize| {
        let outside = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        outside(text[..at].chars().next_back()) && outside(text[at + word.len()..].chars().next())
    };
    text.match_indices(word).any(|(at, _)| whole(at))
}

/// `K` and four digits as text, and `Code(n)` as it is written in the sources.
fn codes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("Code(") {
        let digits: String = text[at + 5..].chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse::<u16>() {
            found.push(format!("K{number:04}"));
        }
    }
    // `fn code` of an error enum may map its variants to bare numbers.
    for (start, _) in text.match_indices("fn code(&self) -> Code") {
        let body = text[start..].split("\n    }\n").next().unwrap();
        for (at, _) in body.match_indices("=> ") {
            let digits: String = body[at + 3..].chars().take_while(char::is_ascii_digit).collect();
            if let Ok(number) = digits.parse::<u16>() {
                found.push(format!("K{number:04}"));
            }
        }
    }
    for (at, _) in text.match_indices("\"K0") {
        let code = &text[at + 1..text.len().min(at + 6)];
        if code.len() == 5 && code[1..].bytes().all(|b| b.is_ascii_digit()) {
            found.push(code.to_owned());
        }
    }
    found
}

#[test]
fn pages_load_nothing_from_elsewhere() {
    for (path, text) in files("html") {
        for marker in ["src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!text.contains(marker), "{path} loads something from elsewhere: {marker}");
        }
    }
}

#[test]
fn every_metric_is_on_the_grafana_page() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let (events, page) = (read("gateway/src/events.rs"), read("dashboards/grafana/kolm.json"));
    let dashboard: serde_json::Value = serde_json::from_str(&page).unwrap();
    assert!(dashboard["panels"].is_array(), "dashboards/grafana/kolm.json has no panels");
    let names: BTreeSet<_> =
        events.split('"').filter(|text| text.starts_with("kolm_") && text.ends_with("_total")).collect();
    assert!(names.len() >= 15, "names are no longer found in gateway/src/events.rs: {names:?}");
    let mut missing: Vec<_> = names.into_iter().filter(|name| !page.contains(&format!("{name}{{"))).collect();
    let latency = read("gateway/src/events/latency.rs");
    let defined =
        latency.lines().filter_map(|line| line.trim_start().split(" \"").nth(1)?.split_once("\" ["));
    let histograms: Vec<_> = defined.map(|(name, _)| name).collect();
    assert!(histograms.len() >= 5, "histograms are no longer found: {histograms:?}");
    missing.extend(histograms.into_iter().filter(|name| !page.contains(&format!("{name}_bucket{{"))));
    assert!(missing.is_empty(), "metrics that no panel of dashboards/grafana/kolm.json uses: {missing:?}");
}

#[test]
fn every_decision_record_is_linked() {
    let architecture = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root().join("docs/adr")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(architecture.contains(&name), "docs/ARCHITECTURE.md does not link docs/adr/{name}");
    }
}
