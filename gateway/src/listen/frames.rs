//! HTTP/2 answers that no request of ours stands behind: Pingora's 400 to an authority that contradicts the host and
//! `h2`'s 431 to a header list beyond all bounds carry nothing but a status. Each is given its receipt on the way out.
//!
//! **Invariant:** no other frame is touched, and neither is the state of the compression: the field is written as a
//! literal without indexing (RFC 7541, 6.2.2).

use std::ops::Range;

/// Length, type, flags and stream of a frame (RFC 9113, 4.1).
const HEAD: usize = 9;
const HEADERS: u8 = 1;
/// END_STREAM and END_HEADERS, and neither padding nor priority.
const WHOLE: u8 = 0x5;
/// The longest field block that is a status and nothing else.
const BARE: usize = 8;

/// Where in the outgoing frames a connection is.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// Bytes of `head` that have passed.
    known: usize,
    /// Bytes of the payload that have not.
    left: usize,
}

/// An answer that is nothing but a status.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bare {
    /// Its bytes.
    pub(super) at: Range<usize>,
    /// Its status.
    pub(super) status: u16,
}

impl Frames {
    /// These bytes have passed.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.known < HEAD {
                let more = bytes.len().min(HEAD - self.known);
                self.head[self.known..self.known + more].copy_from_slice(&bytes[..more]);
                self.known += more;
                bytes = &bytes[more..];
                self.left = if self.known == HEAD { length(&self.head) } else { 0 };
            }
            let payload = bytes.len().min(self.left);
            self.left -= payload;
            bytes = &bytes[payload..];
            if self.known == HEAD && self.left == 0 {
                self.known = 0;
            }
        }
    }

    /// The first bare answer that lies whole in `bytes`, which are next to pass.
    pub(super) fn bare(&self, bytes: &[u8]) -> Option<Bare> {
        // One that was begun before is none: `h2` writes a frame so short in one piece.
        let mut at = match self.known {
            0 => 0,
            known if known < HEAD => {
                let mut head = self.head;
                let more = bytes.get(..HEAD - known)?;
                head[known..].copy_from_slice(more);
                more.len() + length(&head)
            }
            _ => self.left,
        };
        while let Some((head, rest)) = bytes.get(at..).and_then(|rest| rest.split_at_checked(HEAD)) {
            let payload = length(head);
            let bare = head[3] == HEADERS && head[4] == WHOLE && (1..=BARE).contains(&payload);
            if bare && let Some(status) = rest.get(..payload).and_then(status) {
                return Some(Bare { at: at..at + HEAD + payload, status });
            }
            at += HEAD + payload;
        }
        None
    }
}

/// The status of an answer that has nothing else: 400 stands in the static table, 431 is written out.
fn status(block: &[u8]) -> Option<u16> {
    match block {
        [0x8c] => Some(400),
        // A literal `:status` of its own, plain or in Huffman's code.
        [0x08 | 0x18 | 0x48, 3, b'4', b'3', b'1'] | [0x08 | 0x18 | 0x48, 0x82 | 0x83, ..] => Some(431),
        _ => None,
    }
}

/// A bare answer with one field more.
pub(super) fn with(frame: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = frame.to_vec();
    out.push(0);
    for text in [name, value] {
        integer(text.len(), &mut out);
        out.extend_from_slice(text.as_bytes());
    }
    let length = (out.len() - HEAD) as u32;
    out[..3].copy_from_slice(&length.to_be_bytes()[1..]);
    out
}

/// An integer with a prefix of seven bits, and no Huffman code (RFC 7541, 5.1).
fn integer(mut value: usize, out: &mut Vec<u8>) {
    const FULL: usize = 0x7f;
    if value < FULL {
        return out.push(value as u8);
    }
    out.push(FULL as u8);
    value -= FULL;
    while value >= 0x80 {
        out.push(0x80 | (value & FULL) as u8);
        value >>= 7;
    }
    out.push(value as u8);
}

fn length(head: &[u8]) -> usize {
    usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0, 0, payload.len() as u8, kind, flags, 0, 0, 0, 1];
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn bare_answers_are_found_between_other_frames_however_they_are_cut() {
        let data = frame(0, 1, &[0x8c; 40]);
        let trailers = frame(HEADERS, WHOLE, &[0xbe]);
        let open = frame(HEADERS, 4, &[0x8c]);
        let bare = frame(HEADERS, WHOLE, &[0x8c]);
        let before = [data.clone(), trailers, open, data].concat();
        let all = [&before[..], &bare, &frame(4, 1, &[])].concat();
        for cut in 0..=before.len() {
            let mut frames = Frames::default();
            assert_eq!(frames.bare(&all[..cut]), None, "{cut}");
            frames.pass(&all[..cut]);
            let found = frames.bare(&all[cut..]).unwrap();
            assert_eq!((&all[cut..][found.at], found.status), (&bare[..], 400), "{cut}");
        }
        let mut frames = Frames::default();
        all.iter().for_each(|byte| frames.pass(&[*byte]));
        assert_eq!((frames.known, frames.left), (0, 0));
    }

    #[test]
    fn a_status_is_a_status() {
        for (block, want) in [
            (&[0x8c][..], Some(400)),
            (&[0x48, 3, b'4', b'3', b'1'], Some(431)),
            (&[0x48, 0x82, 0x68, 0x5f], Some(431)),
            (&[0x88], None),
            (&[0xbe], None),
            (&[0x48, 3, b'4', b'2', b'9'], None),
        ] {
            assert_eq!(status(block), want, "{block:?}");
        }
    }

    #[test]
    fn the_field_is_a_literal_that_is_not_indexed() {
        let value = "v".repeat(201);
        let out = with(&frame(HEADERS, WHOLE, &[0x8c]), "x-a", &value);
        assert_eq!(length(&out), out.len() - HEAD);
        assert_eq!(out[3..HEAD + 6], [1, 5, 0, 0, 0, 1, 0x8c, 0, 3, b'x', b'-', b'a']);
        assert_eq!(out[HEAD + 6..HEAD + 8], [0x7f, 201 - 127]);
        assert_eq!(&out[HEAD + 8..], value.as_bytes());
        let mut long = Vec::new();
        integer(1337 + 127, &mut long);
        assert_eq!(long, [0x7f, 0xb9, 0x0a]);
    }
}
