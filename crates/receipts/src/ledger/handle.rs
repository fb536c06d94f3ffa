//! The handle of the ledger and the receipts it opens.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use kolm_core::{ArtifactId, LedgerStatus, RequestId, RouteName, hex};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::writer::Msg;
use super::{Control, Found, Handle, Inner, Open, place};
use crate::header::{self, Rt, St};
use crate::kj1;
use crate::record::{self, Close, Ctl, OpenRecord, VERSION};

impl Handle {
    /// Opens a receipt: the header is ready at once, the record on its way to the disk.
    pub fn open(&self, open: Open) -> Opened {
        let inner = &self.0;
        let now = inner.env.clock.now();
        let t_open = if open.try_no <= 1 { open.id.timestamp() } else { now };
        let record = OpenRecord {
            art: record::art_text(open.art.as_ref()),
            boot: inner.boot.clone(),
            ep: record::clip(&open.ep, 128),
            id: open.id,
            kid: inner.key.kid().to_owned(),
            kind: open.kind,
            model: record::clip(&open.model, 128),
            node: inner.node.clone(),
            ns: open.ns.as_str().to_owned(),
            region: record::clip(&open.region, 64),
            route: open.route.as_ref().map_or_else(String::new, |route| route.as_str().to_owned()),
            rt: open.rt,
            t_open: t_open.0,
            try_no: open.try_no,
            v: VERSION.to_owned(),
        };
        let mut opened = Opened {
            id: open.id,
            rt: open.rt,
            header: String::new(),
            live: true,
            cfg: inner.line.shared.cfg.load(Ordering::Relaxed),
            dec: inner.line.shared.dec(open.route.as_ref()),
            art: open.art,
            record: Arc::from([]),
            ack: None,
            inner: Arc::clone(inner),
        };
        if !opened.send(record) {
            inner.line.shared.count_gap();
            opened.renounce();
        }
        opened
    }

    /// Closes a receipt: its leaf is written soon. A receipt without promise (`st=none`) gets none.
    pub fn close(&self, opened: &Opened, close: Close) {
        if !opened.live {
            return;
        }
        let record = close.record(self.0.env.clock.now(), opened.cfg, opened.dec);
        match kj1::to_bytes(&record) {
            Ok(close) => {
                self.send(Msg::Close { id: opened.id, open: Arc::clone(&opened.record), close });
            }
            Err(error) => tracing::error!(%error, id = %opened.id, "close record does not fit kj1"),
        }
    }

    /// The header of an answer that is refused before admission: no leaf will follow, and none is missed.
    pub fn none_header(&self, id: RequestId, rt: Rt, art: Option<&ArtifactId>) -> String {
        header::emit_none(&self.0.key, id, rt, art)
    }

    /// Puts a control leaf into the ledger, now or when it can be written again.
    pub fn control(&self, control: Control) {
        self.tell(control, None);
    }

    /// Puts a control leaf into the ledger now, or not at all: what it gives says whether the disk has it.
    pub fn keep(&self, control: Control) -> Kept {
        let (kept, told) = oneshot::channel();
        self.tell(control, Some(kept));
        Kept(told)
    }

    /// Digest of the Decision that the newest leaf about `route` names.
    pub fn decided(&self, route: &RouteName) -> Option<String> {
        let decisions = self.0.line.shared.decisions.read().unwrap_or_else(PoisonError::into_inner);
        decisions.iter().find(|leaf| leaf.route == *route).map(|leaf| leaf.digest.clone())
    }

    fn tell(&self, control: Control, kept: Option<oneshot::Sender<bool>>) {
        let (ctl, decided) = match control {
            Control::Config { digest, by } => (Ctl::Config { digest, by: record::clip(&by, 128) }, None),
            Control::Decision { id, route, digest } => {
                (Ctl::Decision { id, route: route.clone(), digest: digest.clone() }, Some((route, digest)))
            }
            Control::Pairs { n, root, t_from, t_to } => {
                (Ctl::Pairs { n, root: hex(&root), t_from: t_from.0, t_to: t_to.0 }, None)
            }
        };
        let config = matches!(ctl, Ctl::Config { .. });
        match kj1::to_bytes(&ctl) {
            Ok(ctl) => self.send(Msg::Control { ctl, config, decided, kept }),
            Err(error) => tracing::error!(%error, "control record does not fit kj1"),
        }
    }

    /// Closes and control leaves always find room: there is at most one close for each open admitted.
    pub(super) fn send(&self, msg: Msg) {
        let (line, bytes) = (&self.0.line, msg.bytes());
        line.shared.enter(bytes);
        if line.queue(msg) {
            line.call();
        } else {
            line.shared.leave(bytes);
        }
    }

    /// The receipt of a request: quick for recent ones, by reading the files for others (blocking).
    pub fn find(&self, id: RequestId) -> Option<Found> {
        place::find(&self.0.line.shared.places, id)
    }

    /// The ledger in numbers.
    pub fn stats(&self) -> LedgerStatus {
        let shared = &self.0.line.shared;
        LedgerStatus {
            opens: shared.opens.load(Ordering::Relaxed),
            closes: shared.closes.load(Ordering::Relaxed),
            lost: shared.lost,
            none: shared.none.load(Ordering::Relaxed),
        }
    }

    /// The ledger's clock.
    pub(super) fn now(&self) -> kolm_core::Timestamp {
        self.0.env.clock.now()
    }

    /// Whether records can be written at present.
    pub fn is_healthy(&self) -> bool {
        !self.0.line.shared.degraded.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({})", self.0.boot)
    }
}

/// Whether the disk has a control leaf; see [`Handle::keep`].
#[derive(Debug)]
pub struct Kept(oneshot::Receiver<bool>);

impl Kept {
    /// Whether the disk has it, `None` while that is not known yet. A leaf that was refused is written by nobody.
    pub fn look(&mut self) -> Option<bool> {
        match self.0.try_recv() {
            Ok(kept) => Some(kept),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(false),
        }
    }
}

/// A receipt opened; it must be closed with [`Handle::close`], unless the next try takes its place.
pub struct Opened {
    id: RequestId,
    rt: Rt,
    art: Option<ArtifactId>,
    header: String,
    record: Arc<[u8]>,
    ack: Option<oneshot::Receiver<bool>>,
    live: bool,
    cfg: i64,
    dec: i64,
    inner: Arc<Inner>,
}

impl Opened {
    fn send(&mut self, record: OpenRecord) -> bool {
        let (inner, id) = (Arc::clone(&self.inner), self.id);
        let Ok(bytes) = kj1::to_bytes(&record) else { return false };
        if inner.line.shared.degraded.load(Ordering::Relaxed) || !inner.line.shared.admit(bytes.len()) {
            return false;
        }
        self.header = header::emit_open(&inner.key, id, self.rt, self.art.as_ref(), St::Open, &bytes);
        self.record = bytes.into();
        let (ack, written) = oneshot::channel();
        self.ack = Some(written);
        let msg = Msg::Open { id, record: Arc::clone(&self.record), ack };
        if !inner.line.queue(msg) {
            inner.line.shared.leave(self.record.len());
            return false;
        }
        inner.line.turn();
        true
    }

    fn renounce(&mut self) {
        self.live = false;
        self.ack = None;
        self.header = header::emit_none(&self.inner.key, self.id, self.rt, self.art.as_ref());
    }

    /// The value of `x-kolm-receipt`. Ask after [`Opened::written`]: a failed write turns it into `st=none`.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The request.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Waits until write(2) has taken the open record; false = no leaf will follow.
    pub async fn written(&mut self) -> bool {
        if let Some(ack) = self.ack.take()
            && !ack.await.unwrap_or(false)
        {
            self.renounce();
        }
        self.live
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({}, live: {})", self.id, self.live)
    }
}
