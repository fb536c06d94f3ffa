//! From rows to train, valid and held-out: filters, deduplication, clusters, split.
//!
//! **Invariant:** `rows_in` = train + valid + held-out + everything counted in `dropped` (rows of an eval file
//! count nowhere but in held-out); a group of near-duplicates and conversations lies on one side only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kolm_core::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cluster::{UnionFind, near_duplicates};
use super::normal::{Key, key, normal};
use super::{Error, Row};

/// Fewest rows to train on when the held-out part is cut from them, and when it is given.
const FEWEST: usize = 100;
const FEWEST_WITH_EVAL: usize = 10;
/// Least rows held out.
const HELD_OUT: usize = 50;
/// Bounds of `valid` in rows.
const VALID: (usize, usize) = (32, 2_000);

/// A data set cut in three. Every part is sorted by id.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// To learn from.
    pub train: Vec<Row>,
    /// To stop, to calibrate and to choose by.
    pub valid: Vec<Row>,
    /// To report on; not seen before training has ended.
    pub heldout: Vec<Row>,
    /// Keys of the held-out rows, sorted: give them to [`prepare_keeping`] next time.
    pub held: BTreeSet<String>,
    /// The counts of each stage.
    pub report: PrepareReport,
}

/// What happened to the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PrepareReport {
    /// Rows given.
    pub rows_in: u64,
    /// Rows left out, by reason: `answer_empty`, `answer_length`, `copy`, `eval_overlap`, `text_empty`.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Distinct usable requests.
    pub unique: u64,
    /// Rows of requests that were asked more than once.
    pub repeated: u64,
    /// Of these, rows that answer otherwise than the majority.
    pub disagreements: u64,
    /// `disagreements` / `repeated` in ppm.
    pub disagreement_ppm: u64,
    /// Clusters of two or more near-duplicates, held-out rows of a given file included.
    pub clusters: u64,
    /// Rows in such clusters.
    pub clustered: u64,
    /// Groups: clusters joined with conversations.
    pub groups: u64,
    /// Rows in `train`.
    pub train: u64,
    /// Rows in `valid`.
    pub valid: u64,
    /// Rows in `heldout`.
    pub heldout: u64,
    /// The seed of the split.
    pub split_seed: u64,
    /// SHA-256 over the sorted keys of the held-out rows.
    pub held_sha256: String,
}

/// Cuts rows in three. With `eval` those rows are the held-out part, and rows that share a group with one of
/// them are dropped.
pub fn prepare(rows: Vec<Row>, eval: Option<Vec<Row>>, split_seed: u64) -> Result<Prepared, Error> {
    prepare_keeping(rows, eval, split_seed, &BTreeSet::new())
}

/// [`prepare`] for a namespace that was cut before: what was held out then stays held out.
pub fn prepare_keeping(
    rows: Vec<Row>,
    eval: Option<Vec<Row>>,
    split_seed: u64,
    held_before: &BTreeSet<String>,
) -> Result<Prepared, Error> {
    let mut report = PrepareReport { rows_in: rows.len() as u64, split_seed, ..PrepareReport::default() };
    let nodes = dedup(usable(rows, &mut report), &mut report);
    let given = eval.is_some();
    let mut eval: Vec<Node> = eval.unwrap_or_default().into_iter().map(Node::of).collect();
    if given && eval.is_empty() {
        return Err(Error::Empty);
    }
    eval.sort_by(|a, b| (&a.key, &a.row.id).cmp(&(&b.key, &b.row.id)));
    let groups = groups(&nodes, &eval, split_seed, &mut report);
    let sides = if given {
        drop_overlap(groups, &nodes, &mut report)?
    } else {
        hold_out(groups, &nodes, held_before, report.groups)?
    };
    Ok(assemble(nodes, eval, &sides, report))
}

/// A distinct request on its way through the split.
struct Node {
    row: Row,
    key: Key,
    normal: String,
    /// Conversations of all its copies.
    conversations: Vec<String>,
}

impl Node {
    fn of(row: Row) -> Self {
        let normal = normal(&row.text);
        let key = key(&row, &normal);
        Self { conversations: vec![row.conversation.clone()], row, key, normal }
    }
}

/// Indices into the nodes; a group with rows of the eval file says so.
#[derive(Default)]
struct Group {
    members: Vec<usize>,
    shared_with_eval: bool,
}

/// Which nodes go where; what is in neither was dropped.
#[derive(Default)]
struct Sides {
    train: BTreeSet<usize>,
    valid: BTreeSet<usize>,
    heldout: BTreeSet<usize>,
}

fn usable(rows: Vec<Row>, report: &mut PrepareReport) -> Vec<Row> {
    let mut lengths: Vec<usize> =
        rows.iter().map(|row| row.answer.trim().chars().count()).filter(|n| *n > 0).collect();
    lengths.sort_unstable();
    let at = |per_mille: usize| lengths.get(lengths.len().saturating_sub(1) * per_mille / 1000).copied();
    let (low, high) = (at(1).unwrap_or(0).div_ceil(4), at(999).unwrap_or(0) * 4);
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let length = row.answer.trim().chars().count();
        let reason = if row.text.trim().is_empty() {
            "text_empty"
        } else if length == 0 {
            "answer_empty"
        } else if length < low || length > high {
            "answer_length"
        } else {
            kept.push(row);
            continue;
        };
        *report.dropped.entry(reason).or_default() += 1;
    }
    kept
}

/// One node for each distinct request, sorted by key: the majority's answer, weight `1 + log2(copies)`.
fn dedup(rows: Vec<Row>, report: &mut PrepareReport) -> Vec<Node> {
    let mut copies: BTreeMap<Key, Vec<Node>> = BTreeMap::new();
    for row in rows {
        let node = Node::of(row);
        copies.entry(node.key).or_default().push(node);
    }
    let nodes: Vec<Node> = copies.into_values().filter_map(|same| majority(same, report)).collect();
    report.unique = nodes.len() as u64;
    report.disagreement_ppm = (report.disagreements * 1_000_000).checked_div(report.repeated).unwrap_or(0);
    nodes
}

fn majority(mut same: Vec<Node>, report: &mut PrepareReport) -> Option<Node> {
    same.sort_by(|a, b| (a.row.ts, &a.row.id, &a.row.answer).cmp(&(b.row.ts, &b.row.id, &b.row.answer)));
    let count = same.len();
    let mut votes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (i, node) in same.iter().enumerate() {
        let vote = votes.entry(node.row.answer.trim()).or_insert((0, i));
        *vote = (vote.0 + 1, i);
    }
    // Most votes; among equals the answer given last, which is what the teacher says now.
    let (won, winner) = votes.into_values().max()?;
    let mut conversations: Vec<String> = same.iter().flat_map(|node| node.conversations.clone()).collect();
    conversations.sort_unstable();
    conversations.dedup();
    let mut node = same.swap_remove(winner);
    node.conversations = conversations;
    if count > 1 {
        report.repeated += count as u64;
        report.disagreements += (count - won) as u64;
        *report.dropped.entry("copy").or_default() += (count - 1) as u64;
        // Six digits: the last ones of a logarithm differ between platforms.
        node.row.weight *= 1.0 + ((count as f64).log2() * 1e6).round() / 1e6;
    }
    Some(node)
}

/// Clusters joined with conversations, in the order of the split.
fn groups(nodes: &[Node], eval: &[Node], split_seed: u64, report: &mut PrepareReport) -> Vec<Group> {
    let all: Vec<&Node> = nodes.iter().chain(eval).collect();
    let texts: Vec<&str> = all.iter().map(|node| node.normal.as_str()).collect();
    let mut found = near_duplicates(&texts);
    let sizes = sizes(&mut found, all.len());
    report.clusters = sizes.values().filter(|n| **n > 1).count() as u64;
    report.clustered = sizes.values().filter(|n| **n > 1).map(|n| *n as u64).sum();
    let mut first: HashMap<&str, usize> = HashMap::new();
    for (i, node) in all.iter().enumerate() {
        for conversation in node.conversations.iter().filter(|c| !c.is_empty()) {
            found.join(*first.entry(conversation).or_insert(i), i);
        }
    }
    let mut by_root: BTreeMap<usize, Group> = BTreeMap::new();
    for i in 0..all.len() {
        let group = by_root.entry(found.root(i)).or_default();
        if i < nodes.len() { group.members.push(i) } else { group.shared_with_eval = true }
    }
    let mut out: Vec<([u8; 32], Group)> = by_root
        .into_values()
        .filter_map(|group| group.members.iter().map(|i| nodes[*i].key).min().map(|least| (least, group)))
        .map(|(least, group)| (order(split_seed, &least), group))
        .collect();
    out.sort_by_key(|(order, _)| *order);
    report.groups = out.len() as u64;
    out.into_iter().map(|(_, group)| group).collect()
}

fn sizes(found: &mut UnionFind, n: usize) -> BTreeMap<usize, usize> {
    let mut sizes = BTreeMap::new();
    for i in 0..n {
        *sizes.entry(found.root(i)).or_default() += 1;
    }
    sizes
}

fn order(split_seed: u64, least: &Key) -> [u8; 32] {
    Sha256::new()
        .chain_update(split_seed.to_be_bytes())
        .chain_update([0])
        .chain_update(least)
        .finalize()
        .into()
}

/// The eval file is the held-out part: groups that share a row with it are dropped.
fn drop_overlap(groups: Vec<Group>, nodes: &[Node], report: &mut PrepareReport) -> Result<Sides, Error> {
    let (shared, rest): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|g| g.shared_with_eval);
    let overlap: usize = shared.iter().map(|group| group.members.len()).sum();
    if overlap > 0 {
        report.dropped.insert("eval_overlap", overlap as u64);
    }
    let usable = nodes.len() - overlap;
    if usable < FEWEST_WITH_EVAL {
        return Err(Error::TooFew { have: usable as u64, need: FEWEST_WITH_EVAL as u64 });
    }
    learn_and_validate(rest, Sides::default(), nodes.len(), report.groups)
}

/// Whole groups in the order of the split until enough rows are held out.
fn hold_out(
    groups: Vec<Group>,
    nodes: &[Node],
    held_before: &BTreeSet<String>,
    total: u64,
) -> Result<Sides, Error> {
    if nodes.len() < FEWEST {
        return Err(Error::TooFew { have: nodes.len() as u64, need: FEWEST as u64 });
    }
    let stays = |group: &Group| group.members.iter().any(|i| held_before.contains(&hex(&nodes[*i].key)));
    let (held, free): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(stays);
    let mut sides = Sides::default();
    sides.heldout.extend(held.into_iter().flat_map(|group| group.members));
    let enough = HELD_OUT.max(nodes.len().div_ceil(8));
    let mut rest = Vec::new();
    for group in free {
        if sides.heldout.len() < enough { sides.heldout.extend(group.members) } else { rest.push(group) }
    }
    learn_and_validate(rest, sides, nodes.len(), total)
}

/// A tenth of the remaining groups becomes `valid`: 32 to 2,000 rows, but never more than a quarter of them.
fn learn_and_validate(
    groups: Vec<Group>,
    mut sides: Sides,
    unique: usize,
    total: u64,
) -> Result<Sides, Error> {
    let rows: usize = groups.iter().map(|group| group.members.len()).sum();
    let tenth = groups.len().div_ceil(10);
    let (least, most) = (VALID.0.min(rows / 4), VALID.1.min(rows / 4).max(1));
    for (taken, group) in groups.into_iter().enumerate() {
        let wanted = taken < tenth || sides.valid.len() < least;
        if wanted && sides.valid.len() + group.members.len() <= most {
            sides.valid.extend(group.members);
        } else {
            sides.train.extend(group.members);
        }
    }
    if sides.train.is_empty() || sides.valid.is_empty() {
        return Err(Error::NoSplit { rows: unique as u64, groups: total });
    }
    Ok(sides)
}

fn assemble(nodes: Vec<Node>, eval: Vec<Node>, sides: &Sides, mut report: PrepareReport) -> Prepared {
    let mut out = Prepared {
        train: Vec::new(),
        valid: Vec::new(),
        heldout: Vec::new(),
        held: BTreeSet::new(),
        report: PrepareReport::default(),
    };
    for (i, node) in nodes.into_iter().enumerate() {
        if sides.train.contains(&i) {
            out.train.push(node.row);
        } else if sides.valid.contains(&i) {
            out.valid.push(node.row);
        } else if sides.heldout.contains(&i) {
            out.held.insert(hex(&node.key));
            out.heldout.push(node.row);
        }
    }
    for node in eval {
        out.held.insert(hex(&node.key));
        out.heldout.push(node.row);
    }
    for part in [&mut out.train, &mut out.valid, &mut out.heldout] {
        part.sort_by(|a, b| a.id.cmp(&b.id));
    }
    report.train = out.train.len() as u64;
    report.valid = out.valid.len() as u64;
    report.heldout = out.heldout.len() as u64;
    let mut digest = Sha256::new();
    for key in &out.held {
        digest.update(key.as_bytes());
    }
    report.held_sha256 = hex(&digest.finalize());
    out.report = report;
    out
}
