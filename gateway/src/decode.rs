//! Undoes the content coding of a captured copy, off the request path.
//!
//! **Invariant:** no copy grows beyond the bound, whatever was compressed into it.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use thiserror::Error;

/// Why a copy could not be decoded; the pair is then ineligible (`encoding`).
#[derive(Debug, Error)]
pub enum Undecodable {
    /// A coding this build does not know.
    #[error("content coding `{0}` is not known")]
    Unknown(String),
    /// More bytes than allowed came out.
    #[error("more than {0} bytes came out")]
    TooLong(usize),
    /// The coded bytes are broken.
    #[error("the coded bytes are broken")]
    Broken(#[source] io::Error),
}

/// The body behind `encoding` (the `content-encoding` value: codings in the order they were applied, empty for
/// none), at most `bound` bytes of it.
pub fn decode(encoding: &str, body: &[u8], bound: usize) -> Result<Vec<u8>, Undecodable> {
    let codings: Vec<String> = encoding
        .split(',')
        .map(|coding| coding.trim().to_ascii_lowercase())
        .filter(|c| !c.is_empty())
        .collect();
    let mut body = std::borrow::Cow::Borrowed(body);
    for coding in codings.iter().rev() {
        body = match coding.as_str() {
            "identity" => body,
            "gzip" | "x-gzip" => drain(MultiGzDecoder::new(&*body), bound)?.into(),
            "br" => drain(brotli::Decompressor::new(&*body, 4096), bound)?.into(),
            "zstd" => drain(zstd::Decoder::new(&*body).map_err(Undecodable::Broken)?, bound)?.into(),
            "deflate" => deflate(&body, bound)?.into(),
            other => return Err(Undecodable::Unknown(other.to_owned())),
        };
    }
    if body.len() > bound {
        return Err(Undecodable::TooLong(bound));
    }
    Ok(body.into_owned())
}

/// `deflate` is zlib by the standard and raw deflate in the wild.
fn deflate(body: &[u8], bound: usize) -> Result<Vec<u8>, Undecodable> {
    match drain(ZlibDecoder::new(body), bound) {
        Err(Undecodable::Broken(_)) => drain(DeflateDecoder::new(body), bound),
        other => other,
    }
}

fn drain(reader: impl Read, bound: usize) -> Result<Vec<u8>, Undecodable> {
    let mut out = Vec::new();
    let limit = u64::try_from(bound).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut out).map_err(Undecodable::Broken)?;
    if out.len() > bound {
        return Err(Undecodable::TooLong(bound));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(body).unwrap();
        out.finish().unwrap()
    }

    fn coded(coding: &str, body: &[u8]) -> Vec<u8> {
        match coding {
            "gzip" => gzip(body),
            "zlib" => {
                let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
                out.write_all(body).unwrap();
                out.finish().unwrap()
            }
            "raw" => {
                let mut out = DeflateEncoder::new(Vec::new(), Compression::fast());
                out.write_all(body).unwrap();
                out.finish().unwrap()
            }
            "br" => {
                let mut out = brotli::CompressorWriter::new(Vec::new(), 4096, 3, 20);
                out.write_all(body).unwrap();
                out.into_inner()
            }
            "zstd" => zstd::encode_all(body, 1).unwrap(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_coding_gives_the_body_back() {
        let body = b"{\"choices\":[]}".repeat(500);
        for (how, header) in [
            ("gzip", "gzip"),
            ("gzip", " X-GZIP "),
            ("zlib", "deflate"),
            ("raw", "deflate"),
            ("br", "br"),
            ("zstd", "zstd"),
        ] {
            assert_eq!(decode(header, &coded(how, &body), body.len()).unwrap(), body, "{how}");
        }
        assert_eq!(decode("", &body, body.len()).unwrap(), body);
        assert_eq!(decode("identity", &body, body.len()).unwrap(), body);
        assert_eq!(decode("br, gzip", &gzip(&coded("br", &body)), body.len()).unwrap(), body);
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 128 << 10, "{}", bomb.len());
        assert!(matches!(decode("gzip", &bomb, 1 << 20), Err(Undecodable::TooLong(_))));
        assert!(matches!(decode("", &[0; 9], 8), Err(Undecodable::TooLong(8))));
    }

    #[test]
    fn unknown_and_broken_are_told_apart() {
        assert!(
            matches!(decode("aws-chunked", b"x", 8), Err(Undecodable::Unknown(name)) if name == "aws-chunked")
        );
        let whole = gzip(b"hello");
        assert!(matches!(decode("gzip", &whole[..whole.len() - 3], 64), Err(Undecodable::Broken(_))));
    }
}
