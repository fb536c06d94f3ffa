//! Where receipts lie in the segments: a bounded map for the recent ones, a search for the rest.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kolm_core::RequestId;

use super::{Found, State};
use crate::record::{Body, Leaf};
use crate::wal::{Frame, FrameKind, Frames};

/// Receipts whose places are kept in memory.
const RECENT: usize = 65_536;

/// A frame's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) at: u64,
    pub(super) len: u32,
}

/// A segment with the log index of its first leaf.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) n: u64,
    pub(super) path: PathBuf,
    pub(super) index: u64,
}

#[derive(Debug, Clone, Copy)]
struct Recent {
    open: Place,
    leaf: Option<(Place, u64)>,
}

/// The segments and the recent places.
#[derive(Debug)]
pub(super) struct Places {
    bases: Vec<Base>,
    recent: HashMap<RequestId, Recent>,
    order: VecDeque<RequestId>,
}

impl Places {
    pub(super) fn new(bases: Vec<Base>) -> Self {
        Self { bases, recent: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn began(&mut self, n: u64, path: PathBuf, index: u64) {
        self.bases.push(Base { n, path, index });
    }

    pub(super) fn opened(&mut self, id: RequestId, open: Place) {
        if self.recent.insert(id, Recent { open, leaf: None }).is_none() {
            self.order.push_back(id);
            if self.order.len() > RECENT
                && let Some(oldest) = self.order.pop_front()
            {
                self.recent.remove(&oldest);
            }
        }
    }

    pub(super) fn closed(&mut self, id: RequestId, leaf: Place, index: u64) {
        if let Some(recent) = self.recent.get_mut(&id) {
            recent.leaf = Some((leaf, index));
        }
    }
}

/// The receipt of `id`, read from its place or searched for, newest segment first.
pub(super) fn find(places: &Mutex<Places>, id: RequestId) -> Option<Found> {
    let (recent, bases) = {
        let places = places.lock().unwrap_or_else(PoisonError::into_inner);
        (places.recent.get(&id).copied(), places.bases.clone())
    };
    match recent {
        Some(recent) => at_place(&bases, recent),
        None => search(&bases, id),
    }
}

fn at_place(bases: &[Base], recent: Recent) -> Option<Found> {
    let open = read(bases, recent.open, |frame| Some(frame.bytes.to_vec()))?;
    let Some((place, index)) = recent.leaf else {
        return Some(Found { state: State::Open, open, leaf: None, mac: None, index: None });
    };
    let (mac, leaf) = read(bases, place, |frame| frame.leaf().map(|(mac, leaf)| (*mac, leaf.to_vec())))?;
    Some(Found { state: State::Closed, open, leaf: Some(leaf), mac: Some(mac), index: Some(index) })
}

fn read<T>(bases: &[Base], place: Place, take: impl Fn(Frame<'_>) -> Option<T>) -> Option<T> {
    let path: &Path = &bases.iter().find(|base| base.n == place.segment)?.path;
    let mut bytes = vec![0; place.len as usize];
    File::open(path).ok()?.read_exact_at(&mut bytes, place.at).ok()?;
    take(Frames::new(&bytes).next()?)
}

fn search(bases: &[Base], id: RequestId) -> Option<Found> {
    let needle = format!("\"id\":\"{id}\"");
    let mut open: Option<Vec<u8>> = None;
    for base in bases.iter().rev() {
        let bytes = fs::read(&base.path).ok()?;
        let mut index = base.index;
        let mut here: Option<Vec<u8>> = None;
        for frame in Frames::new(&bytes) {
            let ours = contains(frame.bytes, needle.as_bytes());
            match frame.kind {
                FrameKind::Open if ours => here = Some(frame.bytes.to_vec()),
                FrameKind::Open => {}
                FrameKind::Leaf => {
                    if ours && let Some(found) = leaf_of(frame, index) {
                        return Some(found);
                    }
                    index += 1;
                }
            }
        }
        // A later segment's open record is the later try.
        open = open.or(here);
    }
    Some(Found { state: State::Open, open: open?, leaf: None, mac: None, index: None })
}

/// The receipt in a leaf frame; a Decision's leaf may name the id too, but is no receipt.
fn leaf_of(frame: Frame<'_>, index: u64) -> Option<Found> {
    let (mac, leaf) = frame.leaf()?;
    match Leaf::read(leaf).ok()?.body {
        Body::Request { open, .. } => Some(Found {
            state: State::Closed,
            open: open.to_vec(),
            leaf: Some(leaf.to_vec()),
            mac: Some(*mac),
            index: Some(index),
        }),
        Body::Control(_) => None,
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
