//! The write-ahead log: segments of frames `be32 len | be32 crc32c | u8 type | bytes`, where `len` counts
//! type and bytes and the CRC covers them.
//!
//! Segments are numbered through the whole ledger, so a missing one shows.
//! **Invariant:** a segment in use never holds a torn frame in front of a whole one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;
use crate::merkle::Hash;

const HEAD: usize = 8;
const MAX_FRAME: usize = 70_000;

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// An open record.
    Open = 1,
    /// A leaf MAC and the leaf.
    Leaf = 2,
}

/// One frame of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) at: usize,
    pub(crate) kind: FrameKind,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// MAC and leaf of a leaf frame.
    pub(crate) fn leaf(&self) -> Option<(&'a Hash, &'a [u8])> {
        self.bytes.split_first_chunk::<32>()
    }
}

/// Appends one frame to `out`, returning where it begins and how long it is.
pub(crate) fn push_frame(out: &mut Vec<u8>, kind: FrameKind, parts: &[&[u8]]) -> (u64, u32) {
    let at = out.len();
    out.extend_from_slice(&[0; HEAD]);
    out.push(kind as u8);
    for part in parts {
        out.extend_from_slice(part);
    }
    let len = (out.len() - at - HEAD) as u32;
    let crc = crc32c::crc32c(&out[at + HEAD..]);
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
    out[at + 4..at + 8].copy_from_slice(&crc.to_be_bytes());
    (at as u64, len + HEAD as u32)
}

/// How a run of frames ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With the last whole frame.
    Whole,
    /// With a frame cut short.
    Torn,
    /// In front of bytes that are no torn frame.
    Bad,
}

/// The frames of a segment's bytes, up to the first that is not whole.
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Offset behind the last whole frame.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// How the frames end, once the iteration has.
    pub(crate) fn end(&self) -> End {
        let rest = &self.bytes[self.at..];
        let Some(len) = frame_len(rest) else {
            return match rest.len() {
                0 => End::Whole,
                1..HEAD => End::Torn,
                _ => End::Bad,
            };
        };
        let inner = |at: usize| Frames { bytes: rest, at }.next().is_some();
        if HEAD + len <= rest.len() || (1..rest.len()).any(inner) { End::Bad } else { End::Torn }
    }
}

fn frame_len(bytes: &[u8]) -> Option<usize> {
    let len = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    (bytes.len() >= HEAD && (1..=MAX_FRAME).contains(&len)).then_some(len)
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let rest = &self.bytes[self.at..];
        let len = frame_len(rest)?;
        let body = rest.get(HEAD..HEAD + len)?;
        let kind = match body[0] {
            1 => FrameKind::Open,
            2 => FrameKind::Leaf,
            _ => return None,
        };
        if rest[4..8] != crc32c::crc32c(body).to_be_bytes() {
            return None;
        }
        let frame = Frame { at: self.at, kind, bytes: &body[1..] };
        self.at += HEAD + len;
        Some(frame)
    }
}

/// A segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) boot: String,
    pub(crate) n: u64,
}

/// The segments of a ledger, in order.
pub(crate) fn segments(dir: &Path) -> Result<Vec<Segment>, Error> {
    let dir = dir.join("wal");
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).map_err(Error::io("read", &dir))? {
        let path = entry.map_err(Error::io("read", &dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".wal"));
        if let Some((boot, n)) = name.and_then(|name| name.split_once('-'))
            && let Ok(n) = n.parse()
        {
            found.push(Segment { boot: boot.to_owned(), n, path: path.clone() });
        }
    }
    found.sort_by(|a, b| a.n.cmp(&b.n).then_with(|| a.boot.cmp(&b.boot)));
    Ok(found)
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Wal {
    dir: PathBuf,
    boot: String,
    path: PathBuf,
    file: Arc<File>,
    n: u64,
    len: u64,
    limit: u64,
    ragged: bool,
}

impl Wal {
    /// Makes segment `n` of `boot`.
    pub(crate) fn create(dir: &Path, boot: &str, n: u64, limit: u64) -> Result<Self, Error> {
        let (path, file) = make(dir, boot, n).map_err(Error::io("create a segment in", dir))?;
        let file = Arc::new(file);
        Ok(Self { dir: dir.to_owned(), boot: boot.to_owned(), path, file, n, len: 0, limit, ragged: false })
    }

    /// Opens a segment to append to it.
    pub(crate) fn reopen(dir: &Path, segment: &Segment, len: u64, limit: u64) -> Result<Self, Error> {
        let path = segment.path.clone();
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::io("open", &path))?;
        let (boot, file) = (segment.boot.clone(), Arc::new(file));
        Ok(Self { dir: dir.to_owned(), boot, path, file, n: segment.n, len, limit, ragged: false })
    }

    /// The boot that writes it.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// Number of the segment.
    pub(crate) fn n(&self) -> u64 {
        self.n
    }

    /// The file, to fsync it.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Makes room for `bytes`: cuts what a failed write left, and begins a new segment when this is full.
    pub(crate) fn prepare(&mut self, bytes: usize) -> io::Result<Option<(u64, PathBuf)>> {
        if self.ragged {
            self.file.set_len(self.len)?;
            self.ragged = false;
        }
        if self.len == 0 || self.len + bytes as u64 <= self.limit {
            Ok(None)
        } else {
            self.rotate().map(Some)
        }
    }

    /// Begins the next segment.
    pub(crate) fn rotate(&mut self) -> io::Result<(u64, PathBuf)> {
        self.file.sync_data()?;
        let (path, file) = make(&self.dir, &self.boot, self.n + 1)?;
        (self.path, self.file, self.n, self.len) = (path, Arc::new(file), self.n + 1, 0);
        Ok((self.n, self.path.clone()))
    }

    /// Writes whole frames; returns where they begin. After a failure the segment ends as before.
    pub(crate) fn append(&mut self, frames: &[u8]) -> io::Result<u64> {
        if let Err(error) = (&*self.file).write_all(frames) {
            self.ragged = self.file.set_len(self.len).is_err();
            return Err(error);
        }
        let at = self.len;
        self.len += frames.len() as u64;
        Ok(at)
    }

    /// Waits until the disk has what was written.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::io("fsync", &self.path))
    }
}

fn make(dir: &Path, boot: &str, n: u64) -> io::Result<(PathBuf, File)> {
    let wal = dir.join("wal");
    let path = wal.join(format!("{boot}-{n:06}.wal"));
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
    File::open(&wal)?.sync_all()?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<u8> {
        let mut out = Vec::new();
        push_frame(&mut out, FrameKind::Open, &[b"first"]);
        push_frame(&mut out, FrameKind::Leaf, &[&[7; 32], b"second"]);
        push_frame(&mut out, FrameKind::Open, &[b"third"]);
        out
    }

    fn read(bytes: &[u8]) -> (usize, End) {
        let mut frames = Frames::new(bytes);
        (frames.by_ref().count(), frames.end())
    }

    #[test]
    fn frames_read_back() {
        let bytes = three();
        let frames: Vec<Frame<'_>> = Frames::new(&bytes).collect();
        assert_eq!(frames.iter().map(|f| f.at).collect::<Vec<_>>(), [0, 14, 61]);
        assert_eq!(frames[1].leaf(), Some((&[7; 32], &b"second"[..])));
        assert_eq!(frames[2].bytes, b"third");
    }

    #[test]
    fn every_cut_is_torn_and_every_flip_is_seen() {
        let bytes = three();
        for cut in 0..bytes.len() {
            let whole = [14, 61, 75].iter().filter(|end| **end <= cut).count();
            let end = if [0, 14, 61].contains(&cut) { End::Whole } else { End::Torn };
            assert_eq!(read(&bytes[..cut]), (whole, end), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            let (whole, end) = read(&flipped);
            assert!(whole < 3 && end != End::Whole, "flip at {at}: {whole} {end:?}");
            assert!(at >= 61 || end == End::Bad, "flip at {at} in front of whole frames: {end:?}");
        }
    }
}
