//! The spool: append-only segments of `be32 len | be32 crc32c | record`, between capture and database.
//!
//! **Invariant:** a segment is deleted only after all its records are committed; what was appended is read
//! back after any crash, and a torn end is cut, never read.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kolm_core::CaptureStatus;

use crate::Error;
use crate::sync::Syncer;

const HEAD: usize = 8;
/// Size at which a segment is full.
const SEGMENT: u64 = 8 << 20;
/// The largest record; longer lengths are damage.
const MAX_RECORD: usize = 256 << 20;

/// The spool of a store.
pub(crate) struct Spool {
    inner: Mutex<Inner>,
    syncer: Syncer,
}

struct Inner {
    dir: PathBuf,
    folder: Arc<File>,
    quota: u64,
    /// Oldest first; the last is written to.
    segments: VecDeque<Segment>,
    current: Arc<File>,
    /// A failed append left bytes behind that could not be cut yet.
    ragged: bool,
    /// Offset behind the last committed record of the oldest segment.
    read: u64,
    bytes: u64,
    accepted: u64,
    stored: u64,
    dropped: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    n: u64,
    len: u64,
    /// Records not committed.
    left: u64,
}

/// Records read in order, not yet committed.
pub(crate) struct Batch {
    pub(crate) records: Vec<Vec<u8>>,
    segment: u64,
    end: u64,
}

impl Spool {
    /// Opens the spool in `dir`; what an earlier run left is pending again.
    pub(crate) fn open(dir: &Path, quota: u64, interval: Duration) -> Result<Self, Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Error::io("create", dir))?;
        let folder = Arc::new(File::open(dir).map_err(Error::io("open", dir))?);
        let mut segments: VecDeque<Segment> = VecDeque::new();
        for n in numbers(dir)? {
            let (len, left) = mend(&path(dir, n))?;
            if left > 0 {
                segments.push_back(Segment { n, len, left });
            } else {
                fs::remove_file(path(dir, n)).map_err(Error::io("remove", &path(dir, n)))?;
            }
        }
        let n = segments.back().map_or(0, |last| last.n + 1);
        let current = Arc::new(create(dir, n).map_err(Error::io("create a segment in", dir))?);
        let (bytes, accepted) = segments.iter().fold((0, 0), |(len, left), s| (len + s.len, left + s.left));
        segments.push_back(Segment { n, len: 0, left: 0 });
        let inner = Inner {
            dir: dir.to_owned(),
            folder,
            quota,
            segments,
            current,
            ragged: false,
            read: 0,
            bytes,
            accepted,
            stored: 0,
            dropped: BTreeMap::new(),
        };
        Ok(Self { inner: Mutex::new(inner), syncer: Syncer::start(interval)? })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a record with one write(2); returns how many are pending.
    pub(crate) fn append(&self, record: &[u8]) -> Result<u64, Error> {
        let mut inner = self.lock();
        inner.accepted += 1;
        let frame = frame(record);
        if inner.bytes + frame.len() as u64 > inner.quota {
            let quota = inner.quota;
            inner.drop_one("spool_full");
            return Err(Error::SpoolFull { quota });
        }
        if let Err(source) = inner.write(&frame, &self.syncer) {
            inner.drop_one("spool_io");
            return Err(Error::Io { what: "write to", path: inner.dir.clone(), source });
        }
        self.syncer.dirty(&inner.current);
        Ok(inner.pending())
    }

    /// How many records wait.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> u64 {
        self.lock().pending()
    }

    /// The next records, at most `max`, all of one segment; `None` when nothing waits.
    pub(crate) fn peek(&self, max: usize) -> Result<Option<Batch>, Error> {
        let (segment, read, path) = {
            let mut inner = self.lock();
            inner.skip_empty();
            let Some(segment) = inner.segments.front().copied() else { return Ok(None) };
            (segment, inner.read, path(&inner.dir, segment.n))
        };
        if read >= segment.len {
            return Ok(None);
        }
        let mut bytes = vec![0; (segment.len - read) as usize];
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        file.read_exact_at(&mut bytes, read).map_err(Error::io("read", &path))?;
        let mut frames = Frames { bytes: &bytes, at: 0 };
        let records: Vec<Vec<u8>> = frames.by_ref().take(max).map(<[u8]>::to_vec).collect();
        if records.is_empty() {
            // Damaged while we run: what follows cannot be found any more.
            self.lock().skip_damaged();
            return Ok(None);
        }
        Ok(Some(Batch { records, segment: segment.n, end: read + frames.at as u64 }))
    }

    /// Marks a batch as committed, `unreadable` of its records excepted; deletes what is done with.
    pub(crate) fn commit(&self, batch: &Batch, unreadable: u64) {
        let mut inner = self.lock();
        let n = batch.records.len() as u64;
        inner.stored += n - unreadable;
        if unreadable > 0 {
            *inner.dropped.entry("spool_unreadable").or_default() += unreadable;
        }
        if let Some(front) = inner.segments.front_mut().filter(|front| front.n == batch.segment) {
            front.left = front.left.saturating_sub(n);
            inner.read = batch.end;
        }
        inner.skip_empty();
        let spent = inner.segments.len() == 1 && inner.read > 0 && inner.read == inner.segments[0].len;
        if spent && inner.rotate(&self.syncer).is_ok() {
            inner.skip_empty();
        }
    }

    /// Accepted = stored + spooled + dropped, since the start and with what it found.
    pub(crate) fn status(&self) -> CaptureStatus {
        let inner = self.lock();
        CaptureStatus {
            accepted: inner.accepted,
            stored: inner.stored,
            spooled: inner.pending(),
            dropped: inner.dropped.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect(),
        }
    }
}

impl Inner {
    fn pending(&self) -> u64 {
        self.segments.iter().map(|segment| segment.left).sum()
    }

    fn drop_one(&mut self, reason: &'static str) {
        *self.dropped.entry(reason).or_default() += 1;
    }

    fn write(&mut self, frame: &[u8], syncer: &Syncer) -> io::Result<()> {
        let len = self.segments.back().map_or(0, |segment| segment.len);
        if self.ragged {
            self.current.set_len(len)?;
            self.ragged = false;
        }
        if len > 0 && len + frame.len() as u64 > SEGMENT {
            self.rotate(syncer)?;
        }
        if let Err(error) = (&*self.current).write_all(frame) {
            let len = self.segments.back().map_or(0, |segment| segment.len);
            self.ragged = self.current.set_len(len).is_err();
            return Err(error);
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.len += frame.len() as u64;
            segment.left += 1;
        }
        self.bytes += frame.len() as u64;
        Ok(())
    }

    fn rotate(&mut self, syncer: &Syncer) -> io::Result<()> {
        let n = self.segments.back().map_or(0, |segment| segment.n + 1);
        self.current = Arc::new(create(&self.dir, n)?);
        self.segments.push_back(Segment { n, len: 0, left: 0 });
        syncer.dirty(&self.folder);
        Ok(())
    }

    /// Deletes segments at the front that are read to their end, the one being written excepted.
    fn skip_empty(&mut self) {
        while self.segments.len() > 1 && self.segments[0].len <= self.read {
            let Some(front) = self.segments.pop_front() else { return };
            let path = path(&self.dir, front.n);
            if let Err(error) = fs::remove_file(&path) {
                // Read again at the next start, where its records are known by their ids.
                tracing::warn!(%error, path = %path.display(), "cannot delete a spool segment");
            }
            self.bytes = self.bytes.saturating_sub(front.len);
            self.read = 0;
        }
    }

    fn skip_damaged(&mut self) {
        let Some(front) = self.segments.front_mut() else { return };
        tracing::error!(segment = front.n, at = self.read, lost = front.left, "a spool segment is damaged");
        self.read = front.len;
        let lost = std::mem::take(&mut front.left);
        *self.dropped.entry("spool_damaged").or_default() += lost;
    }
}

fn frame(record: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(record.len() + HEAD);
    frame.extend_from_slice(&(record.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32c::crc32c(record).to_be_bytes());
    frame.extend_from_slice(record);
    frame
}

fn path(dir: &Path, n: u64) -> PathBuf {
    dir.join(format!("{n:012}.spool"))
}

fn create(dir: &Path, n: u64) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path(dir, n))
}

/// The numbers of the segments in `dir`, in order.
fn numbers(dir: &Path) -> Result<Vec<u64>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io("read", dir))? {
        let name = entry.map_err(Error::io("read", dir))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".spool"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Cuts a segment behind its last whole record; what is cut is kept beside it. Returns length and records.
fn mend(path: &Path) -> Result<(u64, u64), Error> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let mut frames = Frames { bytes: &bytes, at: 0 };
    let records = frames.by_ref().count() as u64;
    let end = frames.at;
    if end < bytes.len() {
        tracing::warn!(path = %path.display(), at = end, bytes = bytes.len() - end, "cut a torn spool segment");
        let cut = path.with_extension(format!("cut-{end}"));
        fs::write(&cut, &bytes[end..]).map_err(Error::io("write", &cut))?;
        let file = OpenOptions::new().write(true).open(path).map_err(Error::io("open", path))?;
        file.set_len(end as u64).and_then(|()| file.sync_all()).map_err(Error::io("cut", path))?;
    }
    Ok((end as u64, records))
}

/// The whole records of a segment's bytes.
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let (head, rest) = rest.split_first_chunk::<HEAD>()?;
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let record = rest.get(..len).filter(|_| (1..=MAX_RECORD).contains(&len))?;
        if head[4..] != crc32c::crc32c(record).to_be_bytes() {
            return None;
        }
        self.at += HEAD + len;
        Some(record)
    }
}

#[cfg(test)]
mod tests;
