//! The one writer: gathers what is queued into one write(2), extends the chains, answers the waiting. Whose thread
//! it runs on, `line` decides.
//!
//! **Invariant:** chains, counts and places change only when the write has succeeded.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use kolm_core::{Env, RequestId, Timestamp};
use tokio::sync::oneshot;

use super::handover::Heir;
pub(super) use super::msg::{Chains, Decided, Msg, note};
use super::place::Place;
use super::sync::Syncer;
use super::{QUEUE, Shared, recover};
use crate::keys::ChainKey;
use crate::merkle;
use crate::record::{Ctl, control_leaf, request_leaf};
use crate::wal::{FrameKind, Wal, push_frame};
use crate::{Error, kj1};

/// Records joined into one write.
const BATCH: usize = 256;
/// How often a ledger that cannot write tries again.
pub(super) const PROBE: Duration = Duration::from_millis(250);

/// Frames ready to be written, and what follows when they are.
#[derive(Default)]
struct Batch {
    frames: Vec<u8>,
    acks: Vec<oneshot::Sender<bool>>,
    /// Id, place, and whether it is the id's first open record.
    opened: Vec<(RequestId, (u64, u32), bool)>,
    closed: Vec<(RequestId, (u64, u32), u64)>,
    config: Option<i64>,
    decisions: Vec<Decided>,
    /// Who waits until the disk has a leaf.
    kept: Vec<oneshot::Sender<bool>>,
    /// What to try again when the write fails.
    again: Vec<Msg>,
}

struct Trouble {
    since: Timestamp,
    why: String,
    rotate: bool,
}

pub(super) struct Writer {
    rx: Receiver<Msg>,
    dir: PathBuf,
    wal: Wal,
    chains: Chains,
    key: ChainKey,
    shared: Arc<Shared>,
    syncer: Syncer,
    env: Env,
    boot: String,
    in_flight: HashSet<RequestId>,
    backlog: VecDeque<Msg>,
    trouble: Option<Trouble>,
    probed: u64,
    /// When no gap was last known.
    calm: Timestamp,
    /// Who writes in this one's place.
    heir: Option<Box<dyn Heir>>,
}

impl Writer {
    pub(super) fn new(
        rx: Receiver<Msg>,
        dir: PathBuf,
        start: recover::Start,
        key: ChainKey,
        shared: Arc<Shared>,
        env: Env,
    ) -> Result<Self, Error> {
        let (boot, now) = (start.wal.boot().to_owned(), env.clock.now());
        Ok(Self {
            rx,
            dir,
            wal: start.wal,
            chains: start.chains,
            key,
            shared,
            syncer: Syncer::start()?,
            env,
            boot,
            in_flight: start.open.keys().copied().collect(),
            backlog: VecDeque::new(),
            trouble: None,
            probed: 0,
            calm: now,
            heir: None,
        })
    }

    /// Writes the next messages of the queue; false when there are none.
    pub(super) fn turn(&mut self) -> bool {
        let mut msgs = Vec::new();
        while msgs.len() < BATCH
            && let Ok(msg) = self.rx.try_recv()
        {
            msgs.push(msg);
        }
        let some = !msgs.is_empty();
        if some {
            self.round(msgs);
        }
        some
    }

    /// What is done when nothing waits.
    pub(super) fn idle(&mut self) {
        self.round(Vec::new());
    }

    /// Leaves the files alone; what is said from now on goes to `heir`.
    pub(super) fn hand_over(&mut self, heir: Box<dyn Heir>) -> Result<(), Error> {
        if self.trouble.is_some() {
            self.rise();
        }
        if let Some(trouble) = &self.trouble {
            return Err(Error::io("write", &self.dir)(std::io::Error::other(trouble.why.clone())));
        }
        self.wal.sync()?;
        self.heir = Some(heir);
        Ok(())
    }

    /// One batch, and a new attempt when the ledger is in trouble.
    fn round(&mut self, msgs: Vec<Msg>) {
        for msg in &msgs {
            self.shared.leave(msg.bytes());
        }
        if let Some(heir) = &mut self.heir {
            return super::handover::pass_on(heir.as_mut(), msgs);
        }
        if self.syncer.take_failure() {
            self.fall("fsync failed".to_owned(), true);
        }
        if self.trouble.is_none() {
            if msgs.is_empty() {
                self.note_gap();
            } else {
                self.write(msgs);
            }
            return;
        }
        let idle = msgs.is_empty();
        self.set_aside(msgs);
        let now = self.env.clock.micros();
        if idle || now.saturating_sub(self.probed) > PROBE.as_micros() as u64 {
            self.probed = now;
            self.rise();
        }
    }

    /// Writes down, when there is time, how many answers the full queue turned away.
    fn note_gap(&mut self) {
        let now = self.env.clock.now();
        let n = self.shared.gap.load(Ordering::Relaxed);
        if n > 0 {
            let why = "queue full".to_owned();
            if let Ok(ctl) = kj1::to_bytes(&Ctl::Gap { from: self.calm.0, to: now.0, n, why }) {
                self.write(vec![Msg::Control { ctl, config: false, decided: None, kept: None }]);
            }
            self.shared.gap.fetch_sub(n, Ordering::Relaxed);
        }
        self.calm = now;
    }

    fn write(&mut self, msgs: Vec<Msg>) {
        let before = self.chains;
        let batch = self.stage(msgs);
        if batch.frames.is_empty() {
            return;
        }
        match self.put(&batch.frames, before.index) {
            Ok(at) => self.commit(batch, at),
            Err(error) => {
                self.chains = before;
                self.in_flight.extend(batch.closed.iter().map(|(id, ..)| *id));
                for (id, _, first) in &batch.opened {
                    if *first {
                        self.in_flight.remove(id);
                    }
                }
                self.fall(error.to_string(), false);
                self.refuse(batch.acks);
                tell(batch.kept, false);
                self.set_aside(batch.again);
            }
        }
    }

    fn put(&mut self, frames: &[u8], index: u64) -> std::io::Result<u64> {
        if let Some((n, path)) = self.wal.prepare(frames.len())? {
            self.began(n, path, index);
        }
        let at = self.wal.append(frames)?;
        self.syncer.dirty(self.wal.file());
        Ok(at)
    }

    fn began(&self, n: u64, path: PathBuf, index: u64) {
        let mut places = self.shared.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.began(n, path, index);
    }

    /// Turns messages into frames; the chains run ahead of the disk until the write is done.
    fn stage(&mut self, msgs: Vec<Msg>) -> Batch {
        let mut batch = Batch::default();
        for msg in msgs {
            match msg {
                Msg::Open { id, record, ack } => {
                    let place = push_frame(&mut batch.frames, FrameKind::Open, &[&record]);
                    let first = self.in_flight.insert(id);
                    batch.opened.push((id, place, first));
                    batch.acks.push(ack);
                }
                Msg::Close { id, open, close } => {
                    // A second close, or one whose open was never written, has no leaf to write.
                    if self.in_flight.remove(&id) {
                        let place = self.stage_leaf(&mut batch, &open, &close);
                        batch.closed.push((id, place, self.chains.index - 1));
                        batch.again.push(Msg::Close { id, open, close });
                    }
                }
                Msg::Control { ctl, config, decided, kept } => {
                    self.stage_control(&mut batch, &ctl);
                    let index = self.chains.index as i64 - 1;
                    if config {
                        batch.config = Some(index);
                    }
                    if let Some((route, digest)) = decided.clone() {
                        batch.decisions.push(Decided { route, digest, index });
                    }
                    match kept {
                        Some(kept) => batch.kept.push(kept),
                        None => batch.again.push(Msg::Control { ctl, config, decided, kept: None }),
                    }
                }
            }
        }
        batch
    }

    fn stage_leaf(&mut self, batch: &mut Batch, open: &[u8], close: &[u8]) -> (u64, u32) {
        let (seq, prev) = self.chains.data;
        let leaf = request_leaf(0, self.chains.epoch, &prev, seq, open, close);
        let hash = merkle::leaf_hash(&leaf);
        self.chains.data = (seq + 1, hash);
        self.chains.index += 1;
        push_frame(&mut batch.frames, FrameKind::Leaf, &[&self.key.leaf_mac(&hash), &leaf])
    }

    fn stage_control(&mut self, batch: &mut Batch, ctl: &[u8]) {
        let (seq, prev) = self.chains.control;
        let leaf = control_leaf(self.chains.epoch, &prev, seq, ctl);
        let hash = merkle::leaf_hash(&leaf);
        self.chains.control = (seq + 1, hash);
        self.chains.index += 1;
        push_frame(&mut batch.frames, FrameKind::Leaf, &[&self.key.leaf_mac(&hash), &leaf]);
    }

    fn commit(&mut self, batch: Batch, at: u64) {
        let segment = self.wal.n();
        let place = |(offset, len): (u64, u32)| Place { segment, at: at + offset, len };
        {
            let mut places = self.shared.places.lock().unwrap_or_else(PoisonError::into_inner);
            for (id, open, _) in &batch.opened {
                places.opened(*id, place(*open));
            }
            for (id, leaf, index) in &batch.closed {
                places.closed(*id, place(*leaf), *index);
            }
        }
        if let Some(index) = batch.config {
            self.shared.cfg.store(index, Ordering::Relaxed);
        }
        if !batch.decisions.is_empty() {
            let mut decisions = self.shared.decisions.write().unwrap_or_else(PoisonError::into_inner);
            for leaf in batch.decisions {
                note(&mut decisions, leaf);
            }
        }
        let opens = batch.opened.iter().filter(|(_, _, first)| *first).count();
        self.shared.opens.fetch_add(opens as u64, Ordering::Relaxed);
        self.shared.closes.fetch_add(batch.closed.len() as u64, Ordering::Relaxed);
        tell(batch.acks, true);
        if !batch.kept.is_empty() {
            self.syncer.keep(self.wal.file(), batch.kept);
        }
    }

    fn fall(&mut self, why: String, rotate: bool) {
        if !self.shared.degraded.swap(true, Ordering::Relaxed) {
            tracing::error!(why, "the ledger cannot write: answers go out with st=none");
        }
        let trouble = Trouble { since: self.env.clock.now(), why, rotate };
        let known = self.trouble.get_or_insert(trouble);
        known.rotate |= rotate;
    }

    fn refuse(&self, acks: Vec<oneshot::Sender<bool>>) {
        acks.iter().for_each(|_| self.shared.count_gap());
        tell(acks, false);
    }

    /// While nothing can be written, opens are refused and the rest waits, up to a bound.
    fn set_aside(&mut self, msgs: Vec<Msg>) {
        for msg in msgs {
            match msg {
                Msg::Open { ack, .. } => self.refuse(vec![ack]),
                Msg::Control { kept: Some(kept), .. } => tell(vec![kept], false),
                Msg::Close { .. } | Msg::Control { .. } if self.backlog.len() < QUEUE => {
                    self.backlog.push_back(msg);
                }
                // Without its leaf the receipt stays open and is closed as lost at the next start.
                Msg::Close { .. } | Msg::Control { .. } => {
                    self.shared.gap.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Tries to write again, beginning with a leaf that names the gap.
    fn rise(&mut self) {
        let Some(trouble) = self.trouble.take() else { return };
        if trouble.rotate {
            match self.wal.rotate() {
                Ok((n, path)) => self.began(n, path, self.chains.index),
                Err(_) => {
                    self.trouble = Some(trouble);
                    return;
                }
            }
        }
        let n = self.shared.gap.load(Ordering::Relaxed);
        let gap = Ctl::Gap { from: trouble.since.0, to: self.env.clock.now().0, n, why: trouble.why.clone() };
        let Ok(ctl) = kj1::to_bytes(&gap) else { return };
        self.write(vec![Msg::Control { ctl, config: false, decided: None, kept: None }]);
        if let Some(again) = &mut self.trouble {
            // The attempt's own gap leaf went to the backlog; the next attempt writes a newer one.
            self.backlog.pop_back();
            *again = Trouble { rotate: false, ..trouble };
            return;
        }
        self.shared.gap.fetch_sub(n, Ordering::Relaxed);
        while !self.backlog.is_empty() && self.trouble.is_none() {
            let batch = self.backlog.drain(..self.backlog.len().min(BATCH)).collect();
            let behind = self.backlog.len();
            self.write(batch);
            let again = self.backlog.len() - behind;
            self.backlog.rotate_right(again);
        }
        if self.trouble.is_none() {
            tracing::info!(none = n, "the ledger writes again");
            self.shared.degraded.store(false, Ordering::Relaxed);
        }
    }

    /// Writes the last of it and marks an orderly end.
    pub(super) fn end(&mut self) {
        self.shared.degraded.store(true, Ordering::Relaxed);
        if self.heir.is_some() {
            return;
        }
        if self.trouble.is_some() {
            self.rise();
        }
        match self.wal.sync() {
            Ok(()) if self.in_flight.is_empty() && self.trouble.is_none() => {
                recover::mark_clean(&self.dir, &self.boot, self.chains.index);
            }
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "the ledger's last fsync failed"),
        }
    }
}

/// Whoever asked may have left.
fn tell(waiting: Vec<oneshot::Sender<bool>>, answer: bool) {
    for one in waiting {
        let _gone = one.send(answer);
    }
}
