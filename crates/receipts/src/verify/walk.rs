//! One pass over all segments, in order, noting whatever does not hang together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use kolm_core::{Outcome, RequestId, hex};

use super::Totals;
use crate::keys::ChainKey;
use crate::ledger::boot_prev;
use crate::merkle::{self, Hash};
use crate::record::{Body, CONTROL_CHAIN, CloseRecord, Ctl, Leaf, OpenRecord, VERSION};
use crate::wal::{End, FrameKind, Frames, Segment, segments};
use crate::{Error, kj1};

/// Problems described; the rest is only counted.
const DESCRIBED: usize = 1_000;
/// How often the end of a segment that is being written is read again.
const REREADS: usize = 10;

/// Something that does not hang together.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) name: &'static str,
    /// Log index of the leaf at which it shows.
    pub(super) index: u64,
    pub(super) detail: String,
}

/// A receipt that was asked for.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) open: Option<Vec<u8>>,
    pub(super) index: Option<u64>,
    pub(super) mac_ok: bool,
    pub(super) outcome: &'static str,
}

struct Opening {
    hash: Hash,
    try_no: u8,
}

/// The state of the pass.
pub(super) struct Walk<'k> {
    key: &'k ChainKey,
    wanted: &'k HashSet<RequestId>,
    boot: String,
    place: String,
    heads: BTreeMap<u32, (u64, Hash)>,
    before: BTreeMap<u32, (u64, Hash)>,
    boot_leaf: Hash,
    open: HashMap<RequestId, Opening>,
    closed: HashSet<RequestId>,
    lost_here: u64,
    lost_before: u64,
    counts: BTreeMap<&'static str, u64>,
    pub(super) problems: Vec<Problem>,
    pub(super) gaps: Vec<(i64, i64)>,
    pub(super) totals: Totals,
    pub(super) torn: usize,
    pub(super) seen: HashMap<RequestId, Seen>,
}

impl<'k> Walk<'k> {
    /// Reads the whole ledger in `dir`.
    pub(super) fn run(dir: &Path, key: &'k ChainKey, wanted: &'k HashSet<RequestId>) -> Result<Self, Error> {
        let mut walk = Self {
            key,
            wanted,
            boot: String::new(),
            place: String::new(),
            heads: BTreeMap::new(),
            before: BTreeMap::new(),
            boot_leaf: [0; 32],
            open: HashMap::new(),
            closed: HashSet::new(),
            lost_here: 0,
            lost_before: 0,
            counts: BTreeMap::new(),
            problems: Vec::new(),
            gaps: Vec::new(),
            totals: Totals::default(),
            torn: 0,
            seen: HashMap::new(),
        };
        let segments = segments(dir)?;
        for (i, segment) in segments.iter().enumerate() {
            if segment.n != i as u64 {
                walk.fail("chain_gap", format!("segment {i} is missing or doubled"));
            }
            walk.segment(segment, i + 1 == segments.len())?;
        }
        walk.totals.in_flight = walk.open.len() as u64;
        Ok(walk)
    }

    /// The first problem of a name and how many there are.
    pub(super) fn first(&self, name: &str) -> Option<(&Problem, u64)> {
        let found = self.problems.iter().find(|problem| problem.name == name)?;
        Some((found, self.counts.get(name).copied().unwrap_or(1)))
    }

    fn fail(&mut self, name: &'static str, detail: String) {
        *self.counts.entry(name).or_default() += 1;
        if self.problems.len() < DESCRIBED {
            let detail = format!("{detail} at {}", self.place);
            self.problems.push(Problem { name, index: self.totals.leaves, detail });
        }
    }

    fn segment(&mut self, segment: &Segment, last: bool) -> Result<(), Error> {
        let mut bytes = fs::read(&segment.path).map_err(Error::io("read", &segment.path))?;
        let name =
            segment.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut first = segment.boot != self.boot;
        if first && !bytes.is_empty() {
            self.turn(segment);
        }
        let (mut at, mut rereads) = (0, 0);
        loop {
            let mut frames = Frames::new(&bytes[at..]);
            for frame in frames.by_ref() {
                self.place = format!("{name}:{}", at + frame.at);
                match frame.kind {
                    FrameKind::Open => {
                        if first {
                            self.fail("chain_gap", "the boot leaf is missing".to_owned());
                        }
                        self.open(frame.bytes);
                    }
                    FrameKind::Leaf => match frame.leaf() {
                        Some((mac, leaf)) => self.leaf(mac, leaf, first),
                        None => self.fail("leaf_malformed", "a leaf without MAC".to_owned()),
                    },
                }
                first = false;
            }
            let end = frames.end();
            at += frames.at();
            self.place = format!("{name}:{at}");
            match end {
                End::Whole => return Ok(()),
                End::Torn if last && rereads < REREADS && grow(&segment.path, &mut bytes)? => rereads += 1,
                End::Torn if last => {
                    self.torn = bytes.len() - at;
                    return Ok(());
                }
                End::Torn | End::Bad => {
                    self.fail("leaf_malformed", "a record is broken".to_owned());
                    return Ok(());
                }
            }
        }
    }

    /// A new boot begins: the one before must have closed all it opened.
    fn turn(&mut self, segment: &Segment) {
        if !self.open.is_empty() {
            let n = self.open.len();
            self.fail("count_mismatch", format!("{n} requests of boot {} have no leaf", self.boot));
            self.open.clear();
        }
        self.boot = segment.boot.clone();
        self.before = std::mem::take(&mut self.heads);
        self.lost_before = std::mem::take(&mut self.lost_here);
        self.totals.boots += 1;
    }

    fn open(&mut self, bytes: &[u8]) {
        let open: OpenRecord = match kj1::from_slice(bytes) {
            Ok(open) => open,
            Err(error) => return self.fail("leaf_malformed", format!("an open record: {error}")),
        };
        if open.boot != self.boot || open.v != VERSION {
            self.fail("open_mismatch", format!("open record of {} is of another boot", open.id));
        }
        if self.wanted.contains(&open.id) {
            self.seen.entry(open.id).or_default().open = Some(bytes.to_vec());
        }
        let before = self.open.get(&open.id).map(|before| before.try_no);
        if self.closed.contains(&open.id) || before.is_some_and(|before| before >= open.try_no) {
            return self.fail("id_duplicate", format!("{} is opened again", open.id));
        }
        if before.is_none() {
            self.totals.opens += 1;
        }
        self.open.insert(open.id, Opening { hash: merkle::leaf_hash(bytes), try_no: open.try_no });
    }

    fn leaf(&mut self, mac: &Hash, bytes: &[u8], first: bool) {
        let hash = merkle::leaf_hash(bytes);
        let mac_ok = self.key.verify(&hash, mac);
        if !mac_ok {
            self.fail("mac_mismatch", "a leaf's MAC is not that of the chain key".to_owned());
        }
        let leaf = match Leaf::read(bytes) {
            Ok(leaf) => leaf,
            Err(error) => {
                self.fail("leaf_malformed", error.to_string());
                self.totals.leaves += 1;
                return;
            }
        };
        if leaf.chain.e != self.key.epoch() {
            self.fail("epoch_mismatch", format!("a leaf claims epoch {}", leaf.chain.e));
        }
        self.link(&leaf, hash);
        match leaf.body {
            Body::Request { open, close } => self.request(open, close, mac_ok),
            Body::Control(ctl) => self.control(ctl, leaf.chain.c, hash, first),
        }
        self.totals.leaves += 1;
    }

    /// Position and predecessor; after a break the chain is followed from the leaf found.
    fn link(&mut self, leaf: &Leaf<'_>, hash: Hash) {
        let c = leaf.chain.c;
        let (seq, prev) = match self.heads.get(&c) {
            Some((seq, hash)) => (seq + 1, *hash),
            None if c == CONTROL_CHAIN => (0, boot_prev(&self.before)),
            None => (0, self.boot_leaf),
        };
        let at = format!("chain {c}: leaf {} where {seq} belongs", leaf.chain.seq);
        if leaf.chain.seq > seq {
            self.fail("chain_gap", at);
        } else if leaf.chain.seq < seq {
            self.fail("chain_fork", at);
        } else if leaf.chain.prev != hex(&prev) {
            self.fail("chain_prev", format!("chain {c}: leaf {seq} names another predecessor"));
        }
        self.heads.insert(c, (leaf.chain.seq, hash));
    }

    fn request(&mut self, open: &[u8], close: &[u8], mac_ok: bool) {
        let (record, close): (OpenRecord, CloseRecord) = match (kj1::from_slice(open), kj1::from_slice(close))
        {
            (Ok(open), Ok(close)) => (open, close),
            (Err(error), _) | (_, Err(error)) => return self.fail("leaf_malformed", error.to_string()),
        };
        let id = record.id;
        match self.open.remove(&id) {
            Some(opening) if opening.hash == merkle::leaf_hash(open) => {}
            Some(_) => self.fail("open_mismatch", format!("the leaf of {id} names another open record")),
            None if self.closed.contains(&id) => self.fail("id_duplicate", format!("{id} has two leaves")),
            None => self.fail("count_mismatch", format!("the leaf of {id} has no open record")),
        }
        self.closed.insert(id);
        self.totals.closes += 1;
        if close.outcome == Outcome::Lost {
            self.totals.lost += 1;
            self.lost_here += 1;
        }
        if self.wanted.contains(&id) {
            let (open, index) = (Some(open.to_vec()), Some(self.totals.leaves));
            self.seen.insert(id, Seen { open, index, mac_ok, outcome: close.outcome.as_str() });
        }
    }

    fn control(&mut self, bytes: &[u8], c: u32, hash: Hash, first: bool) {
        let ctl: Ctl = match kj1::from_slice(bytes) {
            Ok(ctl) => ctl,
            Err(error) => return self.fail("leaf_malformed", error.to_string()),
        };
        if c != CONTROL_CHAIN {
            self.fail("chain_fork", format!("a control leaf on chain {c}"));
        }
        match ctl {
            Ctl::Boot { gap_from, gap_to, lost, .. } if first => {
                self.boot_leaf = hash;
                self.gaps.extend((gap_to >= 0).then_some((gap_from, gap_to)));
                let before = self.lost_before;
                if lost != before {
                    self.fail("count_mismatch", format!("boot names {lost} lost requests, {before} are"));
                }
            }
            Ctl::Boot { .. } => self.fail("chain_fork", "a second boot leaf".to_owned()),
            Ctl::Config { .. } | Ctl::Gap { .. } | Ctl::Decision { .. } | Ctl::Pairs { .. } => {
                if first {
                    self.fail("chain_gap", "the boot leaf is missing".to_owned());
                }
            }
        }
    }
}

/// Appends what was written to the file since; false when nothing was.
fn grow(path: &Path, bytes: &mut Vec<u8>) -> Result<bool, Error> {
    std::thread::yield_now();
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    file.seek(SeekFrom::Start(bytes.len() as u64)).map_err(Error::io("read", path))?;
    Ok(file.read_to_end(bytes).map_err(Error::io("read", path))? > 0)
}
