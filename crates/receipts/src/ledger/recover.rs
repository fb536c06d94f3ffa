//! The start of a ledger: cut what was torn, close what was left open, begin a boot.
//!
//! Every step may be cut short by another crash and is found and finished at the next start.
//! **Invariant:** after recovery every open record has its leaf, and nothing whole was removed.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use kolm_core::{Outcome, RequestId, Timestamp};
use serde::Deserialize;

use super::msg::{Chains, Decided, note};
use super::place::Base;
use crate::keys::ChainKey;
use crate::merkle::{self, Hash};
use crate::record::{Body, CONTROL_CHAIN, Close, Ctl, Leaf, control_leaf, request_leaf};
use crate::wal::{End, FrameKind, Frames, Segment, Wal, push_frame, segments};
use crate::{Error, kj1};

const CLEAN: &str = "CLEAN";

/// Where the writer begins.
pub(super) struct Start {
    pub(super) wal: Wal,
    pub(super) chains: Chains,
    pub(super) segments: Vec<Base>,
    pub(super) decisions: Vec<Decided>,
    pub(super) cfg: i64,
    pub(super) lost: u64,
    pub(super) clean: bool,
    /// Open records of requests under way in the process before, where the ledger was handed over.
    pub(super) open: HashMap<RequestId, Vec<u8>>,
}

/// What the files say.
#[derive(Default)]
struct History {
    boot: String,
    heads: BTreeMap<u32, (u64, Hash)>,
    boot_leaf: Hash,
    open: HashMap<RequestId, Vec<u8>>,
    index: u64,
    lost: u64,
    last_t: i64,
    cfg: Option<i64>,
    decisions: Vec<Decided>,
    bases: Vec<Base>,
}

/// Writes the mark of an orderly end.
pub(super) fn mark_clean(dir: &Path, boot: &str, index: u64) {
    if let Err(error) = fs::write(dir.join(CLEAN), format!("{boot} {index}\n")) {
        tracing::warn!(%error, "cannot mark the ledger as ended in order");
    }
}

/// Brings the ledger in order and writes the boot leaf.
pub(super) fn recover(
    dir: &Path,
    key: &ChainKey,
    boot: &str,
    now: Timestamp,
    limit: u64,
) -> Result<Start, Error> {
    let (segments, cut) = trim(dir)?;
    let mut history = History::of(&segments)?;
    if let Some(last) = segments.last() {
        history.close_lost(dir, last, key, now, limit)?;
    }
    let mark = fs::read_to_string(dir.join(CLEAN)).unwrap_or_default();
    let ended = !cut && history.lost == 0 && mark == format!("{} {}\n", history.boot, history.index);
    let clean = segments.is_empty() || ended;
    history.begin(dir, key, boot, now, clean, limit, segments.last().map_or(0, |last| last.n + 1))
}

/// Goes on in the boot of the process before, which has left the files alone: nothing is closed, no boot begins.
pub(super) fn go_on(dir: &Path, key: &ChainKey, limit: u64) -> Result<Start, Error> {
    let segments = segments(dir)?;
    let Some(last) = segments.last() else {
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "it has no segment");
        return Err(Error::io("go on in", dir)(cause));
    };
    let history = History::of(&segments)?;
    let len = fs::metadata(&last.path).map_err(Error::io("read", &last.path))?.len();
    let next =
        |chain: u32| history.heads.get(&chain).map_or((0, history.boot_leaf), |(seq, hash)| (seq + 1, *hash));
    Ok(Start {
        wal: Wal::reopen(dir, last, len, limit)?,
        chains: Chains {
            epoch: key.epoch(),
            data: next(0),
            control: next(CONTROL_CHAIN),
            index: history.index,
        },
        segments: history.bases,
        decisions: history.decisions,
        cfg: history.cfg.unwrap_or(-1),
        lost: history.lost,
        clean: true,
        open: history.open,
    })
}

/// Cuts the torn end of the newest segment; a segment without a whole frame goes altogether.
fn trim(dir: &Path) -> Result<(Vec<Segment>, bool), Error> {
    let mut segments = segments(dir)?;
    let Some(last) = segments.last().cloned() else { return Ok((segments, false)) };
    let bytes = fs::read(&last.path).map_err(Error::io("read", &last.path))?;
    let mut frames = Frames::new(&bytes);
    let whole = frames.by_ref().count();
    let end = frames.at();
    if frames.end() != End::Whole {
        tracing::warn!(segment = %last.path.display(), at = end, bytes = bytes.len() - end, "cut a torn ledger tail");
        keep_cut(dir, &last, end, &bytes[end..])?;
        let file = OpenOptions::new().write(true).open(&last.path).map_err(Error::io("open", &last.path))?;
        file.set_len(end as u64).and_then(|()| file.sync_all()).map_err(Error::io("cut", &last.path))?;
    }
    if whole == 0 {
        fs::remove_file(&last.path).map_err(Error::io("remove", &last.path))?;
        segments.pop();
    }
    Ok((segments, end < bytes.len()))
}

/// What is cut is kept aside: a crash explains it, but so might a hand.
fn keep_cut(dir: &Path, segment: &Segment, at: usize, bytes: &[u8]) -> Result<(), Error> {
    let dir = dir.join("cut");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(Error::io("create", &dir))?;
    let path = dir.join(format!("{}-{:06}-{at}", segment.boot, segment.n));
    fs::write(&path, bytes).map_err(Error::io("write", &path))
}

fn damaged(segment: &Segment, why: &str) -> Error {
    Error::Damaged { path: segment.path.clone(), why: why.to_owned() }
}

#[derive(Deserialize)]
struct OpenId {
    id: RequestId,
    t_open: i64,
}

#[derive(Deserialize)]
struct CloseEnd {
    outcome: Outcome,
    t_close: i64,
}

impl History {
    fn of(segments: &[Segment]) -> Result<Self, Error> {
        if let Some(first) = segments.first().filter(|first| first.n != 0) {
            return Err(damaged(first, "the segments in front of it are missing"));
        }
        let mut history = Self::default();
        for (segment, after) in segments.iter().zip(segments.iter().skip(1).map(Some).chain([None])) {
            if after.is_some_and(|after| after.n != segment.n + 1) {
                return Err(damaged(segment, "the segment behind it is missing"));
            }
            history.read(segment)?;
        }
        Ok(history)
    }

    fn read(&mut self, segment: &Segment) -> Result<(), Error> {
        let bytes = fs::read(&segment.path).map_err(Error::io("read", &segment.path))?;
        self.bases.push(Base { n: segment.n, path: segment.path.clone(), index: self.index });
        if segment.boot != self.boot {
            if !self.open.is_empty() {
                return Err(damaged(segment, "the boot before it was not closed"));
            }
            self.boot = segment.boot.clone();
            self.heads.clear();
            self.lost = 0;
        }
        let mut frames = Frames::new(&bytes);
        for frame in frames.by_ref() {
            match frame.kind {
                FrameKind::Open => self.open(frame.bytes)?,
                FrameKind::Leaf => {
                    let (_, leaf) = frame.leaf().ok_or_else(|| damaged(segment, "a leaf without MAC"))?;
                    self.leaf(leaf)?;
                }
            }
        }
        if frames.end() == End::Whole { Ok(()) } else { Err(damaged(segment, "a record in it is broken")) }
    }

    fn open(&mut self, bytes: &[u8]) -> Result<(), Error> {
        kj1::check(bytes)?;
        let open: OpenId = serde_json::from_slice(bytes).map_err(kj1::Error::Shape)?;
        self.last_t = self.last_t.max(open.t_open);
        self.open.insert(open.id, bytes.to_vec());
        Ok(())
    }

    fn leaf(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let leaf = Leaf::read(bytes)?;
        match leaf.body {
            Body::Request { open, close } => {
                let open: OpenId = serde_json::from_slice(open).map_err(kj1::Error::Shape)?;
                let close: CloseEnd = serde_json::from_slice(close).map_err(kj1::Error::Shape)?;
                self.open.remove(&open.id);
                self.last_t = self.last_t.max(close.t_close);
                self.lost += u64::from(close.outcome == Outcome::Lost);
            }
            Body::Control(ctl) => match kj1::from_slice(ctl)? {
                Ctl::Boot { .. } => self.boot_leaf = merkle::leaf_hash(bytes),
                Ctl::Config { .. } => self.cfg = Some(self.index as i64),
                Ctl::Decision { route, digest, .. } => {
                    note(&mut self.decisions, Decided { route, digest, index: self.index as i64 });
                }
                Ctl::Gap { .. } | Ctl::Pairs { .. } => {}
            },
        }
        self.heads.insert(leaf.chain.c, (leaf.chain.seq, merkle::leaf_hash(bytes)));
        self.index += 1;
        Ok(())
    }

    /// Gives every open record without a leaf its leaf, on the chain of the boot that opened it.
    fn close_lost(
        &mut self,
        dir: &Path,
        last: &Segment,
        key: &ChainKey,
        now: Timestamp,
        limit: u64,
    ) -> Result<(), Error> {
        if self.open.is_empty() {
            return Ok(());
        }
        let mut lost: Vec<(RequestId, Vec<u8>)> = self.open.drain().collect();
        lost.sort_unstable();
        let close = Close { bytes_out: -1, ..Close::new(Outcome::Lost, -1) };
        let close = kj1::to_bytes(&close.record(now, self.cfg.unwrap_or(-1), -1))?;
        let (mut seq, mut prev) =
            self.heads.get(&0).map_or((0, self.boot_leaf), |(seq, hash)| (seq + 1, *hash));
        let mut frames = Vec::new();
        for (_, open) in &lost {
            let leaf = request_leaf(0, key.epoch(), &prev, seq, open, &close);
            (seq, prev) = (seq + 1, merkle::leaf_hash(&leaf));
            push_frame(&mut frames, FrameKind::Leaf, &[&key.leaf_mac(&prev), &leaf]);
        }
        let len = fs::metadata(&last.path).map_err(Error::io("read", &last.path))?.len();
        let mut wal = Wal::reopen(dir, last, len, limit)?;
        wal.append(&frames).map_err(Error::io("write", &last.path))?;
        wal.sync()?;
        self.heads.insert(0, (seq - 1, prev));
        self.index += lost.len() as u64;
        self.lost += lost.len() as u64;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one call, and every argument is a fact of the start")]
    fn begin(
        mut self,
        dir: &Path,
        key: &ChainKey,
        boot: &str,
        now: Timestamp,
        clean: bool,
        limit: u64,
        n: u64,
    ) -> Result<Start, Error> {
        let (gap_from, gap_to) = if clean { (-1, -1) } else { (self.last_t, now.0) };
        let ctl = kj1::to_bytes(&Ctl::Boot {
            bin: String::new(),
            ver: env!("CARGO_PKG_VERSION").to_owned(),
            prev_boot: self.boot.clone(),
            clean,
            gap_from,
            gap_to,
            lost: self.lost,
        })?;
        let leaf = control_leaf(key.epoch(), &boot_prev(&self.heads), 0, &ctl);
        let hash = merkle::leaf_hash(&leaf);
        let mut frame = Vec::new();
        push_frame(&mut frame, FrameKind::Leaf, &[&key.leaf_mac(&hash), &leaf]);
        let mut wal = Wal::create(dir, boot, n, limit)?;
        wal.append(&frame).map_err(Error::io("write the boot leaf in", dir))?;
        wal.sync()?;
        drop(fs::remove_file(dir.join(CLEAN)));
        let path = dir.join("wal").join(format!("{boot}-{n:06}.wal"));
        self.bases.push(Base { n, path, index: self.index });
        Ok(Start {
            wal,
            chains: Chains { epoch: key.epoch(), data: (0, hash), control: (1, hash), index: self.index + 1 },
            segments: self.bases,
            decisions: self.decisions,
            cfg: self.cfg.unwrap_or(-1),
            lost: self.lost,
            clean,
            open: HashMap::new(),
        })
    }
}

/// What a boot leaf links to while there are no seals: the RFC 6962 root over the heads of all chains of
/// the boot before, in chain order; zeros at the ledger's birth.
pub(crate) fn boot_prev(heads: &BTreeMap<u32, (u64, Hash)>) -> Hash {
    if heads.is_empty() {
        return [0; 32];
    }
    merkle::root(&heads.values().map(|(_, hash)| *hash).collect::<Vec<_>>())
}
