//! The strict ZIP profile: one form of file, written and read here alone.
//!
//! **Invariant:** the reader accepts exactly the bytes that the writer would write for the same names and
//! contents, so no two readers can see different members.

use std::ops::Range;

use crate::Error;
use crate::members::{MIMETYPE, MOST, is_path};

/// Data of every member but the first starts at a multiple of this.
const ALIGN: usize = 16_384;
const LOCAL: usize = 30;
const DIRECTORY: usize = 46;
const END: usize = 22;
/// Id of the extra field that pads.
const PAD_ID: u16 = 0x6f6b;
/// 1980-01-01 in DOS form.
const DATE: u16 = 0x0021;
const VERSION: u16 = 10;

/// A member in a file: its name and where its content lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) range: Range<usize>,
    pub(crate) crc: u32,
}

/// The bytes of a file with these members.
pub(crate) fn write(members: &[(&str, &[u8])]) -> Result<Vec<u8>, Error> {
    let total: usize = members.iter().map(|(name, bytes)| bytes.len() + name.len() * 2 + 2 * ALIGN).sum();
    let mut out = Vec::with_capacity(total);
    let mut directory = Vec::new();
    for (name, bytes) in members {
        let (at, crc) = (offset(out.len())?, crc32fast::hash(bytes));
        let header = Header { crc, size: offset(bytes.len())?, name };
        out.extend_from_slice(&header.local(pad(out.len(), name)));
        out.extend_from_slice(bytes);
        directory.extend_from_slice(&header.directory(at));
    }
    let end = end_record(members.len(), offset(directory.len())?, offset(out.len())?);
    out.extend_from_slice(&directory);
    out.extend_from_slice(&end);
    Ok(out)
}

/// The members of a file. Contents are not read: compare `crc` when they are.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Entry>, Error> {
    let end_at = file.len().checked_sub(END).ok_or_else(|| Error::zip(0, "no end record"))?;
    let end = &file[end_at..];
    let (count, size, start) = (le16(end, 10), le32(end, 12), le32(end, 16));
    if end[..4] != *b"PK\x05\x06" {
        return Err(Error::zip(end_at, "no end record, or something after it"));
    }
    if end != end_record(usize::from(count), size, start) {
        return Err(Error::zip(end_at, "the end record has another disk, count or comment"));
    }
    if usize::from(count) > MOST {
        return Err(Error::zip(end_at, format!("{count} members, at most {MOST} are allowed")));
    }
    let (start, size) = (start as usize, size as usize);
    if start.checked_add(size) != Some(end_at) {
        return Err(Error::zip(end_at, "the directory does not end where the end record begins"));
    }
    let (mut entries, mut at, mut next) = (Vec::new(), start, 0);
    for _ in 0..count {
        let entry = read_member(file, at..end_at, next, start, &entries)?;
        at += DIRECTORY + entry.name.len();
        next = entry.range.end;
        entries.push(entry);
    }
    if at != end_at {
        return Err(Error::zip(at, "the directory holds more than its members"));
    }
    if next != start {
        return Err(Error::zip(next, "bytes between the last member and the directory"));
    }
    Ok(entries)
}

/// Reads one directory entry and holds it and the local header against what would have been written.
fn read_member(
    file: &[u8],
    directory: Range<usize>,
    local: usize,
    limit: usize,
    before: &[Entry],
) -> Result<Entry, Error> {
    let at = directory.start;
    let rest = &file[directory];
    if rest.len() < DIRECTORY || rest[..4] != *b"PK\x01\x02" {
        return Err(Error::zip(at, "no directory entry"));
    }
    let name = rest.get(DIRECTORY..DIRECTORY + usize::from(le16(rest, 28)));
    let name = name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| is_path(name));
    let name = name.ok_or_else(|| Error::zip(at, "a name that is not allowed"))?;
    if (name == MIMETYPE) != before.is_empty() || before.iter().any(|entry| entry.name == name) {
        return Err(Error::zip(at, format!("`{name}` twice or out of place")));
    }
    let header = Header { crc: le32(rest, 16), size: le32(rest, 24), name };
    if rest[..DIRECTORY + name.len()] != header.directory(offset(local)?) {
        return Err(Error::zip(at, format!("the directory entry of `{name}` is not of the strict profile")));
    }
    let want = header.local(pad(local, name));
    let data = local + want.len();
    let end = data.checked_add(header.size as usize).filter(|end| *end <= limit);
    let end = end.ok_or_else(|| Error::zip(local, format!("`{name}` reaches into the directory")))?;
    if file[local..data] != want {
        return Err(Error::zip(local, format!("the local header of `{name}` differs from the directory")));
    }
    Ok(Entry { name: name.to_owned(), range: data..end, crc: header.crc })
}

/// What differs between headers; all else is constant.
struct Header<'a> {
    crc: u32,
    size: u32,
    name: &'a str,
}

impl Header<'_> {
    /// Version to lengths: the part that both headers share byte for byte.
    fn shared(&self, extra: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(26);
        for word in [VERSION, 0, 0, 0, DATE] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for word in [self.crc, self.size, self.size] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(extra as u16).to_le_bytes());
        out
    }

    fn local(&self, extra: usize) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        out.extend_from_slice(&self.shared(extra));
        out.extend_from_slice(self.name.as_bytes());
        if let Some(zeros) = extra.checked_sub(4) {
            out.extend_from_slice(&PAD_ID.to_le_bytes());
            out.extend_from_slice(&(zeros as u16).to_le_bytes());
            out.resize(out.len() + zeros, 0);
        }
        out
    }

    fn directory(&self, at: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02".to_vec();
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.shared(0));
        // Comment length, disk, internal and external attributes.
        out.extend_from_slice(&[0; 10]);
        out.extend_from_slice(&at.to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        out
    }
}

/// Length of the extra field of a member whose local header begins at `local`: none for `mimetype`, else the
/// least that aligns the data and has room for its own four bytes.
fn pad(local: usize, name: &str) -> usize {
    if name == MIMETYPE {
        return 0;
    }
    let bare = local + LOCAL + name.len();
    let pad = bare.next_multiple_of(ALIGN) - bare;
    if pad < 4 { pad + ALIGN } else { pad }
}

fn end_record(count: usize, size: u32, start: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06".to_vec();
    for word in [0, 0, count as u16, count as u16] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for word in [size, start] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&[0; 2]);
    out
}

fn offset(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::Size { bytes: at as u64, why: "an artifact must stay below 3 GiB" })
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests;
