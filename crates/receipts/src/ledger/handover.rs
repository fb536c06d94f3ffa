//! One ledger handed from one process to the next while requests are under way: a binary upgrade.
//!
//! The old process stops writing and passes on what its requests still say; the new one writes on in the same boot,
//! so the chains are those of a ledger that never changed hands.
//! **Invariant:** at any moment one process writes, and a request opened in the old one gets its leaf in the new one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use kolm_core::{Env, Outcome, RequestId};
use tokio::sync::oneshot;

use super::msg::Msg;
use super::{Handle, Ledger, SEGMENT_BYTES, folders, keys, lock, recover};
use crate::record::Close;
use crate::{Error, kj1};

/// Where a process that has handed its ledger over sends what its requests still say.
pub trait Heir: Send {
    /// An open record; true once it is written.
    fn open(&mut self, id: RequestId, record: &[u8]) -> bool;
    /// The close record of a request, beside its open record.
    fn close(&mut self, id: RequestId, open: &[u8], close: &[u8]);
    /// A control record.
    fn control(&mut self, ctl: &[u8]);
}

/// Requests of the process before that have no leaf yet, with their open records.
#[derive(Debug, Default)]
pub struct Inherited(HashMap<RequestId, Arc<[u8]>>);

impl Ledger {
    /// Stops writing and frees the files; what requests say from now on goes to `heir`.
    ///
    /// # Errors
    /// The disk does not take what waits: the ledger stays with this process.
    pub fn hand_over(&mut self, heir: Box<dyn Heir>) -> Result<(), Error> {
        self.line.seize().hand_over(heir)?;
        self.lock = None;
        Ok(())
    }

    /// Goes on with the ledger that another process has just handed over.
    ///
    /// # Errors
    /// The files are in use, damaged, or not there.
    pub fn take_over(dir: &Path, node: &str, env: &Env) -> Result<(Self, Handle, Inherited), Error> {
        folders(dir)?;
        let lock = lock(dir)?;
        let keys = keys(dir, node, env)?;
        let start = recover::go_on(dir, &keys.chain, SEGMENT_BYTES)?;
        let inherited = start.open.iter().map(|(id, record)| (*id, record.as_slice().into())).collect();
        let (ledger, handle) = Self::run(lock, keys, start, (dir, node), env)?;
        Ok((ledger, handle, Inherited(inherited)))
    }
}

/// What requests still say after the files were handed over.
pub(super) fn pass_on(heir: &mut dyn Heir, msgs: Vec<Msg>) {
    for msg in msgs {
        match msg {
            Msg::Open { id, record, ack } => {
                let _gone = ack.send(heir.open(id, &record));
            }
            Msg::Close { id, open, close } => heir.close(id, &open, &close),
            // Who waits for a leaf acts upon it, and that is no longer this process's part.
            Msg::Control { kept: Some(kept), .. } => {
                let _gone = kept.send(false);
            }
            Msg::Control { ctl, kept: None, .. } => heir.control(&ctl),
        }
    }
}

impl Inherited {
    /// An open record of the process before: true once it is written.
    pub async fn open(&mut self, handle: &Handle, id: RequestId, record: Vec<u8>) -> bool {
        let record: Arc<[u8]> = record.into();
        let (ack, written) = oneshot::channel();
        handle.send(Msg::Open { id, record: Arc::clone(&record), ack });
        let written = written.await.unwrap_or(false);
        if written {
            self.0.insert(id, record);
        }
        written
    }

    /// The close record of a request of the process before.
    pub fn close(&mut self, handle: &Handle, id: RequestId, open: Vec<u8>, close: Vec<u8>) {
        self.0.remove(&id);
        handle.send(Msg::Close { id, open: open.into(), close });
    }

    /// A control record of the process before.
    pub fn control(handle: &Handle, ctl: Vec<u8>) {
        handle.send(Msg::Control { ctl, config: false, decided: None, kept: None });
    }

    /// How many requests of the process before have no leaf yet.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The process before is gone: what it left open is lost.
    pub fn lost(self, handle: &Handle) {
        let close = Close { bytes_out: -1, ..Close::new(Outcome::Lost, -1) };
        let Ok(close) = kj1::to_bytes(&close.record(handle.now(), -1, -1)) else { return };
        for (id, open) in self.0 {
            handle.send(Msg::Close { id, open, close: close.clone() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::tests::{world, written};
    use super::*;
    use crate::State;
    use crate::verify::Verifier;

    /// What an old process says, as it would go over a socket.
    #[derive(Default)]
    struct Said {
        opens: Vec<(RequestId, Vec<u8>)>,
        closes: Vec<(RequestId, Vec<u8>, Vec<u8>)>,
    }

    struct Wire(Arc<Mutex<Said>>);

    impl Heir for Wire {
        fn open(&mut self, id: RequestId, record: &[u8]) -> bool {
            self.0.lock().unwrap().opens.push((id, record.to_vec()));
            true
        }

        fn close(&mut self, id: RequestId, open: &[u8], close: &[u8]) {
            self.0.lock().unwrap().closes.push((id, open.to_vec(), close.to_vec()));
        }

        fn control(&mut self, _ctl: &[u8]) {}
    }

    fn done() -> Close {
        Close { bytes_out: 10, ..Close::new(Outcome::Complete, 200) }
    }

    #[test]
    fn requests_under_way_get_their_leaves_from_the_next_process() {
        let world = world();
        let (mut old, before, _) = world.start();
        let mut whole = before.open(world.ask());
        assert!(written(&mut whole));
        before.close(&whole, done());
        let (mut long, mut cut) = (before.open(world.ask()), before.open(world.ask()));
        assert!(written(&mut long) && written(&mut cut));
        let said = Arc::new(Mutex::new(Said::default()));
        old.hand_over(Box::new(Wire(Arc::clone(&said)))).unwrap();

        let (new, after, mut inherited) = Ledger::take_over(world.dir.path(), "n1", &world.env).unwrap();
        assert_eq!(inherited.left(), 2);
        let mut own = after.open(world.ask());
        assert!(written(&mut own), "both serve at the same time");
        let mut late = before.open(world.ask());
        assert!(written(&mut late));
        before.close(&late, done());
        before.close(&long, done());
        old.shutdown();

        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let said = std::mem::take(&mut *said.lock().unwrap());
        for (id, record) in said.opens {
            assert!(runtime.block_on(inherited.open(&after, id, record)));
        }
        for (id, open, close) in said.closes {
            inherited.close(&after, id, open, close);
        }
        assert_eq!(inherited.left(), 1, "the request that was cut");
        inherited.lost(&after);
        after.close(&own, done());
        new.shutdown();
        for id in [whole.id(), long.id(), late.id(), own.id(), cut.id()] {
            assert_eq!(after.find(id).map(|found| found.state), Some(State::Closed));
        }
        let verdict = Verifier::load(world.dir.path()).unwrap().ledger();
        assert_eq!(verdict.ok, Some(true), "{verdict:?}");
        assert_eq!((verdict.totals.boots, verdict.totals.opens, verdict.totals.closes), (1, 5, 5));
        let (_ledger, _handle, recovered) = world.start();
        assert_eq!(recovered.lost, 1, "the one that was cut, and it is on record already");
    }

    #[test]
    fn only_a_ledger_that_was_let_go_can_be_taken_over() {
        let world = world();
        let (_old, ..) = world.start();
        let error = Ledger::take_over(world.dir.path(), "n1", &world.env).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        let nowhere = tempfile::tempdir().unwrap();
        assert!(Ledger::take_over(nowhere.path(), "n1", &world.env).is_err());
    }
}
