//! The upstream's own `date` on HTTP/1: Pingora stamps every head anew and has no switch for it.
//!
//! **Invariant:** nothing but this one field of a head is touched.

use bytes::BytesMut;
use http::HeaderMap;
use http::header::{DATE, HeaderValue};

/// What is to stand in a head in place of Pingora's date: the upstream's, or nothing if it sent none.
#[derive(Debug)]
pub(super) struct Stamp(Option<HeaderValue>);

impl Stamp {
    /// The date of an upstream's answer.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(DATE).cloned())
    }

    /// Writes a head with this date.
    pub(super) fn write(&self, head: &[u8], to: &mut BytesMut) {
        const NAME: usize = b"date:".len();
        for line in head.split_inclusive(|byte| *byte == b'\n') {
            match line.get(..NAME).filter(|name| name.eq_ignore_ascii_case(b"date:")) {
                None => to.extend_from_slice(line),
                Some(name) => {
                    if let Some(date) = &self.0 {
                        to.extend_from_slice(name);
                        to.extend_from_slice(b" ");
                        to.extend_from_slice(date.as_bytes());
                        to.extend_from_slice(b"\r\n");
                    }
                }
            }
        }
    }
}

/// Whether these bytes begin an answer's own head, and not one of an interim answer before it.
pub(super) fn is_final_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.") && bytes.get(9).is_some_and(|digit| *digit != b'1')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstreams_date_stands_or_none() {
        let head = b"HTTP/1.1 200 OK\r\nx-date: a\r\nDate: pingora\r\nconnection: close\r\n\r\n";
        let written = |value: Option<&'static str>| {
            let mut out = BytesMut::new();
            Stamp(value.map(HeaderValue::from_static)).write(head, &mut out);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(
            written(Some("upstream")),
            "HTTP/1.1 200 OK\r\nx-date: a\r\nDate: upstream\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(written(None), "HTTP/1.1 200 OK\r\nx-date: a\r\nconnection: close\r\n\r\n");
        assert!(is_final_head(head) && !is_final_head(b"HTTP/1.1 103 Early Hints\r\n\r\n"));
    }
}
