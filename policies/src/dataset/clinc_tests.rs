//! CLINC150: the counts that two independent implementations agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use super::cluster::near_duplicates;
use super::normal::{normal, shingles};
use super::*;

fn read(part: &str) -> Option<Vec<Row>> {
    let path = format!("/work/shared/data/clinc150/{part}.jsonl");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(rows_of_pairs(&parse_pairs(&text).unwrap())),
        Err(error) => {
            writeln!(std::io::stderr(), "skipped: {path}: {error}").unwrap();
            None
        }
    }
}

/// Every pair within Jaccard 0.85, by counting shared shingles: slow and exact.
fn exact_pairs(texts: &[&str]) -> Vec<(usize, usize)> {
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(text)).collect();
    let mut holders: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    let mut shared = vec![0_usize; texts.len()];
    for (i, set) in sets.iter().enumerate() {
        for shingle in set {
            for j in holders.entry(*shingle).or_default().iter() {
                shared[*j] += 1;
            }
        }
        for (j, n) in shared[..i].iter_mut().enumerate() {
            let both = std::mem::take(n);
            if both * 100 >= (set.len() + sets[j].len() - both) * 85 {
                out.push((j, i));
            }
        }
        for shingle in set {
            holders.entry(*shingle).or_default().push(i);
        }
    }
    out
}

#[test]
fn near_duplicates_of_clinc150() {
    let (Some(train), Some(val)) = (read("train"), read("val")) else { return };
    let texts: Vec<String> = train.iter().chain(&val).map(|row| normal(&row.text)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let pairs = exact_pairs(&texts);
    let inside = pairs.iter().filter(|(_, j)| *j < train.len()).count();
    let across: Vec<_> = pairs.iter().filter(|(i, j)| *i < train.len() && *j >= train.len()).collect();
    let touched: BTreeSet<usize> = across.iter().map(|(i, _)| *i).collect();
    assert_eq!((inside, across.len(), touched.len()), (132, 22, 20));
    let verbatim: BTreeSet<&str> = texts[..train.len()].iter().copied().collect();
    assert_eq!(texts[train.len()..].iter().filter(|text| verbatim.contains(*text)).count(), 3);

    let mut found = near_duplicates(&texts);
    let hit = pairs.iter().filter(|(i, j)| found.root(*i) == found.root(*j)).count();
    assert!(hit * 100 >= pairs.len() * 99, "{hit} of {}", pairs.len());
    let mut found = near_duplicates(&texts[..train.len()]);
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for i in 0..train.len() {
        *sizes.entry(found.root(i)).or_default() += 1;
    }
    let clusters: Vec<usize> = sizes.values().copied().filter(|n| *n > 1).collect();
    assert_eq!((sizes.len(), clusters.len(), clusters.iter().sum::<usize>()), (14_973, 112, 239));
}

#[test]
fn clinc150_is_cut_as_written_down() {
    let (Some(train), Some(val)) = (read("train"), read("val")) else { return };
    let labels = closed_set(&train).unwrap();
    assert_eq!((labels.len(), labels.contains(&"oos".to_owned())), (151, true));

    let cut = prepare(train.clone(), Some(val), 7).unwrap();
    let report = &cut.report;
    assert_eq!((report.unique, report.dropped["eval_overlap"], report.heldout), (15_100, 27, 3_100));
    assert_eq!(report.train + report.valid, 15_073);
    assert!((1_400..=1_600).contains(&report.valid), "{}", report.valid);

    let cut = prepare(train, None, 7).unwrap();
    let report = &cut.report;
    assert_eq!((report.clusters, report.clustered, report.groups), (112, 239, 14_973));
    assert!((1_888..1_895).contains(&report.heldout), "{}", report.heldout);
    assert_eq!(report.train + report.valid + report.heldout, 15_100);
}
