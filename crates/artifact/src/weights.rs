//! The header of `weights.safetensors`: one validated table of offsets, the only one anything reads by.
//!
//! **Invariant:** tensors cover the data exactly: no gap, no overlap, nothing behind the last.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::Error;

/// Longest header read; upstream allows 100 MB.
const HEADER_LIMIT: u64 = 16 * 1024 * 1024;
const METADATA: &str = "__metadata__";

/// Number formats of tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(non_camel_case_types, reason = "the names of the format")]
pub enum Dtype {
    /// Truth values, one byte each.
    BOOL,
    /// Unsigned 8 bits.
    U8,
    /// Signed 8 bits.
    I8,
    /// 8-bit float, 5 bits of exponent.
    F8_E5M2,
    /// 8-bit float, 4 bits of exponent.
    F8_E4M3,
    /// Signed 16 bits.
    I16,
    /// Unsigned 16 bits.
    U16,
    /// Half precision.
    F16,
    /// Brain float.
    BF16,
    /// Signed 32 bits.
    I32,
    /// Unsigned 32 bits.
    U32,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Signed 64 bits.
    I64,
    /// Unsigned 64 bits.
    U64,
}

impl Dtype {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::BOOL | Self::U8 | Self::I8 | Self::F8_E5M2 | Self::F8_E4M3 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::BF16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Whether all values are finite numbers; true for whole numbers.
    fn finite(self, bytes: &[u8]) -> bool {
        let le = |word: &[u8]| word.iter().rev().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let all = |mask: u64| bytes.chunks_exact(self.size()).all(|word| le(word) & mask != mask);
        match self {
            Self::F8_E5M2 => all(0x7c),
            // This format has no infinity; only all ones is no number.
            Self::F8_E4M3 => all(0x7f),
            Self::F16 => all(0x7c00),
            Self::BF16 => all(0x7f80),
            Self::F32 => all(0x7f80_0000),
            Self::F64 => all(0x7ff0_0000_0000_0000),
            Self::BOOL | Self::U8 | Self::I8 | Self::I16 | Self::U16 | Self::I32 | Self::U32 => true,
            Self::I64 | Self::U64 => true,
        }
    }
}

/// A tensor in an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tensor<'a> {
    /// Number format.
    pub dtype: Dtype,
    /// Shape, row-major.
    pub shape: &'a [usize],
    /// Its bytes, little-endian.
    pub bytes: &'a [u8],
}

/// Where tensors lie in the member.
#[derive(Debug)]
pub(crate) struct Table(BTreeMap<String, Place>);

#[derive(Debug)]
struct Place {
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl Table {
    /// Reads and checks the header of a member.
    pub(crate) fn read(member: &[u8]) -> Result<Self, Error> {
        let (length, rest) = member.split_first_chunk::<8>().ok_or_else(|| wrong("no header"))?;
        let length = u64::from_le_bytes(*length);
        if length > HEADER_LIMIT {
            return Err(wrong(format!("a header of {length} bytes, at most {HEADER_LIMIT} are read")));
        }
        let (header, data) = rest
            .split_at_checked(length as usize)
            .ok_or_else(|| wrong("the header reaches beyond the end"))?;
        if header.first() != Some(&b'{') {
            return Err(wrong("the header is no JSON object"));
        }
        let header: Header = serde_json::from_slice(header).map_err(|e| wrong(format!("the header: {e}")))?;
        let mut table = BTreeMap::new();
        for (name, raw) in header.tensors {
            let place =
                raw.place(data.len(), 8 + length as usize).map_err(|why| wrong(format!("`{name}` {why}")))?;
            table.insert(name, place);
        }
        cover(&table, 8 + length as usize, member.len())?;
        Ok(Self(table))
    }

    /// The first tensor that holds something that is not a finite number.
    pub(crate) fn not_finite(&self, member: &[u8]) -> Option<&str> {
        let bad = self.0.iter().find(|(_, place)| !place.dtype.finite(&member[place.range.clone()]));
        bad.map(|(name, _)| name.as_str())
    }

    pub(crate) fn tensor<'a>(&'a self, member: &'a [u8], name: &str) -> Option<Tensor<'a>> {
        let place = self.0.get(name)?;
        Some(Tensor { dtype: place.dtype, shape: &place.shape, bytes: member.get(place.range.clone())? })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Sorted by offset, tensors follow each other from the header to the end.
fn cover(table: &BTreeMap<String, Place>, start: usize, end: usize) -> Result<(), Error> {
    let mut ranges: Vec<(&Range<usize>, &String)> =
        table.iter().map(|(name, place)| (&place.range, name)).collect();
    ranges.sort_by_key(|(range, _)| (range.start, range.end));
    let mut at = start;
    for (range, name) in ranges {
        if range.start != at {
            return Err(wrong(format!("`{name}` overlaps another tensor or leaves a gap before it")));
        }
        at = range.end;
    }
    if at == end { Ok(()) } else { Err(wrong(format!("{} bytes belong to no tensor", end - at))) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl Raw {
    fn place(self, data: usize, start: usize) -> Result<Place, &'static str> {
        let count = self.shape.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim));
        let bytes = count.and_then(|n| n.checked_mul(self.dtype.size())).ok_or("is too large")?;
        let (from, to) = self.data_offsets;
        if to.checked_sub(from) != Some(bytes) {
            return Err("has offsets that do not fit its shape");
        }
        if to > data {
            return Err("reaches beyond the end");
        }
        Ok(Place { dtype: self.dtype, shape: self.shape, range: start + from..start + to })
    }
}

/// The header as written: JSON maps keep the last of two equal names, this one refuses them.
struct Header {
    tensors: Vec<(String, Raw)>,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        let mut tensors = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("`{name}` twice")));
            }
            if name == METADATA {
                map.next_value::<BTreeMap<String, String>>()?;
            } else {
                tensors.push((name, map.next_value()?));
            }
        }
        Ok(Header { tensors })
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::WeightsTable { why: why.into() }
}

#[cfg(test)]
mod tests;
