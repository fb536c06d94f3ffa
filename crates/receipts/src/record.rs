//! The records of scheme `kr1`: the open record, the close and the leaf that joins them, control leaves.
//!
//! **Invariant:** the open record's bytes are a slice of the leaf's bytes; nothing is re-serialised to verify.

use kolm_core::{ArtifactId, Outcome, RequestId, RouteName, Timestamp, hex};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::header::Rt;
use crate::kj1;
use crate::merkle::Hash;

/// The version that every record carries.
pub const VERSION: &str = "kr1";
/// The chain of the control leaves.
pub const CONTROL_CHAIN: u32 = 65_535;
/// The largest leaf.
pub const MAX_LEAF: usize = 65_535;

/// Who asked for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A client.
    Answer,
    /// The gateway itself, to compare or to learn.
    Shadow,
}

/// The record written ahead of the first upstream byte of each try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRecord {
    /// Artifact identity or `none`.
    pub art: String,
    /// The process that opened it.
    pub boot: String,
    /// Method and path.
    pub ep: String,
    /// The request.
    pub id: RequestId,
    /// Generation of the header key.
    pub kid: String,
    /// Who asked.
    pub kind: Kind,
    /// The model asked for.
    pub model: String,
    /// The node.
    pub node: String,
    /// The namespace.
    pub ns: String,
    /// The region that the namespace is bound to. Left out where there is none, so that what was written before there
    /// were regions reads as it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The route, or empty.
    pub route: String,
    /// The arm.
    pub rt: Rt,
    /// When it was opened.
    pub t_open: i64,
    /// The try, from 1.
    #[serde(rename = "try")]
    pub try_no: u8,
    /// `kr1`.
    pub v: String,
}

/// An earlier try: `[n, rt, art, code, t]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try(pub u8, pub Rt, pub String, pub String, pub i64);

impl Try {
    /// Try `n` by `rt` with `art` ended with `code` at `t`.
    pub fn new(n: u8, rt: Rt, art: Option<&ArtifactId>, code: &str, t: Timestamp) -> Self {
        Self(n, rt, art_text(art), clip(code, 64), t.0)
    }
}

/// How a request ended, as the caller knows it; the ledger adds `t_close`, `cfg` and `dec`.
#[derive(Debug, Clone)]
pub struct Close {
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status sent, -1 = none.
    pub status: i64,
    /// Body bytes sent.
    pub bytes_out: i64,
    /// Tokens read, -1 = unknown.
    pub tok_in: i64,
    /// Tokens written, -1 = unknown.
    pub tok_out: i64,
    /// `finish_reason`, or empty.
    pub finish: String,
    /// Commitment to the request body.
    pub req: Option<Hash>,
    /// Commitment to the response body.
    pub resp: Option<Hash>,
    /// When the first byte left.
    pub t_first: Option<Timestamp>,
    /// The model the cloud named.
    pub up_model: String,
    /// The `system_fingerprint` the cloud named.
    pub up_fp: String,
    /// SHA-256 hex of the student runtime, empty for the cloud.
    pub run: String,
    /// Effective seed of a local answer, in decimal.
    pub seed: String,
    /// Earlier tries.
    pub tries: Vec<Try>,
}

impl Close {
    /// A close of which nothing but its outcome and status is known.
    pub fn new(outcome: Outcome, status: i64) -> Self {
        Self {
            outcome,
            status,
            bytes_out: 0,
            tok_in: -1,
            tok_out: -1,
            finish: String::new(),
            req: None,
            resp: None,
            t_first: None,
            up_model: String::new(),
            up_fp: String::new(),
            run: String::new(),
            seed: String::new(),
            tries: Vec::new(),
        }
    }

    /// The record, closed at `t_close` under these Decisions.
    pub(crate) fn record(self, t_close: Timestamp, cfg: i64, dec: i64) -> CloseRecord {
        CloseRecord {
            bytes_out: self.bytes_out,
            cfg,
            dec,
            finish: clip(&self.finish, 64),
            outcome: self.outcome,
            req: self.req.map_or_else(String::new, |hash| hex(&hash)),
            resp: self.resp.map_or_else(String::new, |hash| hex(&hash)),
            run: clip(&self.run, 64),
            seed: clip(&self.seed, 32),
            status: self.status,
            t_close: t_close.0,
            t_first: self.t_first.map_or(-1, |t| t.0),
            tok_in: self.tok_in,
            tok_out: self.tok_out,
            tries: self.tries,
            up_fp: clip(&self.up_fp, 128),
            up_model: clip(&self.up_model, 128),
        }
    }
}

/// The `close` part of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRecord {
    /// Body bytes sent.
    pub bytes_out: i64,
    /// Log index of the configuration in force.
    pub cfg: i64,
    /// Log index of the Decision in force.
    pub dec: i64,
    /// `finish_reason`, or empty.
    pub finish: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Commitment to the request body, or empty.
    pub req: String,
    /// Commitment to the response body, or empty.
    pub resp: String,
    /// Runtime digest, or empty.
    pub run: String,
    /// Seed, or empty.
    pub seed: String,
    /// HTTP status, or -1.
    pub status: i64,
    /// When it was closed.
    pub t_close: i64,
    /// When the first byte left, or -1.
    pub t_first: i64,
    /// Tokens read, or -1.
    pub tok_in: i64,
    /// Tokens written, or -1.
    pub tok_out: i64,
    /// Earlier tries.
    pub tries: Vec<Try>,
    /// Fingerprint the cloud named, or empty.
    pub up_fp: String,
    /// Model the cloud named, or empty.
    pub up_model: String,
}

/// The `ctl` part of a control leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Ctl {
    /// A process began to write.
    Boot {
        /// Digest of the binary, or empty.
        bin: String,
        /// Version of the binary.
        ver: String,
        /// The boot before, empty at the ledger's birth.
        prev_boot: String,
        /// Whether the boot before ended in order.
        clean: bool,
        /// Last time known of the boot before when it did not, else -1.
        gap_from: i64,
        /// This boot's time then, else -1.
        gap_to: i64,
        /// Requests of the boot before that were closed as `lost`.
        lost: u64,
    },
    /// A configuration came into force.
    Config {
        /// Its digest.
        digest: String,
        /// Who changed it.
        by: String,
    },
    /// Answers went out without a receipt.
    Gap {
        /// From when.
        from: i64,
        /// Until when.
        to: i64,
        /// How many.
        n: u64,
        /// Why.
        why: String,
    },
    /// A Decision was taken.
    Decision {
        /// Its id.
        id: RequestId,
        /// Its route.
        route: RouteName,
        /// Its digest.
        digest: String,
    },
    /// Pairs were stored.
    Pairs {
        /// How many.
        n: u64,
        /// RFC 6962 root over their commitments in id order, hex.
        root: String,
        /// From when.
        t_from: i64,
        /// Until when.
        t_to: i64,
    },
}

/// Where a leaf stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The chain.
    pub c: u32,
    /// The epoch it closes in.
    pub e: u64,
    /// Hash of the chain's leaf before.
    pub prev: String,
    /// Position, from 0 without gaps.
    pub seq: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape<'a> {
    chain: Chain,
    #[serde(borrow, default)]
    close: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ctl: Option<&'a RawValue>,
    #[serde(borrow, default)]
    open: Option<&'a RawValue>,
    v: &'a str,
}

/// A leaf read strictly; `open` and `close` are slices of its bytes.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// Where it stands.
    pub chain: Chain,
    /// What it says.
    pub body: Body<'a>,
}

/// What a leaf says.
#[derive(Debug)]
pub enum Body<'a> {
    /// A request was closed.
    Request {
        /// The last open record, verbatim.
        open: &'a [u8],
        /// How it ended.
        close: &'a [u8],
    },
    /// Something about the ledger itself.
    Control(&'a [u8]),
}

impl<'a> Leaf<'a> {
    /// Reads canonical leaf bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Self, kj1::Error> {
        if bytes.len() > MAX_LEAF {
            return Err(kj1::Error::Malformed { at: MAX_LEAF, what: "leaf over 65,535 bytes" });
        }
        let shape: Shape<'a> = kj1::from_slice(bytes)?;
        let body = match (shape.open, shape.close, shape.ctl) {
            (Some(open), Some(close), None) => {
                Body::Request { open: open.get().as_bytes(), close: close.get().as_bytes() }
            }
            (None, None, Some(ctl)) => Body::Control(ctl.get().as_bytes()),
            _ => {
                return Err(kj1::Error::Malformed {
                    at: 0,
                    what: "leaf is neither of a request nor of control",
                });
            }
        };
        if shape.v != VERSION {
            return Err(kj1::Error::Malformed { at: 0, what: "leaf of another version" });
        }
        Ok(Self { chain: shape.chain, body })
    }
}

fn chain_bytes(c: u32, e: u64, prev: &Hash, seq: u64) -> String {
    format!("{{\"c\":{c},\"e\":{e},\"prev\":\"{}\",\"seq\":{seq}}}", hex(prev))
}

/// The bytes of a request's leaf, from canonical open and close bytes.
pub(crate) fn request_leaf(c: u32, e: u64, prev: &Hash, seq: u64, open: &[u8], close: &[u8]) -> Vec<u8> {
    let mut leaf = Vec::with_capacity(open.len() + close.len() + 192);
    leaf.extend_from_slice(b"{\"chain\":");
    leaf.extend_from_slice(chain_bytes(c, e, prev, seq).as_bytes());
    leaf.extend_from_slice(b",\"close\":");
    leaf.extend_from_slice(close);
    leaf.extend_from_slice(b",\"open\":");
    leaf.extend_from_slice(open);
    leaf.extend_from_slice(b",\"v\":\"kr1\"}");
    leaf
}

/// The bytes of a control leaf, from canonical `ctl` bytes.
pub(crate) fn control_leaf(e: u64, prev: &Hash, seq: u64, ctl: &[u8]) -> Vec<u8> {
    let mut leaf = Vec::with_capacity(ctl.len() + 192);
    leaf.extend_from_slice(b"{\"chain\":");
    leaf.extend_from_slice(chain_bytes(CONTROL_CHAIN, e, prev, seq).as_bytes());
    leaf.extend_from_slice(b",\"ctl\":");
    leaf.extend_from_slice(ctl);
    leaf.extend_from_slice(b",\"v\":\"kr1\"}");
    leaf
}

/// The text of an artifact in records.
pub(crate) fn art_text(art: Option<&ArtifactId>) -> String {
    art.map_or_else(|| "none".to_owned(), |art| art.as_str().to_owned())
}

/// `text` cut to at most `max` bytes at a character's end.
pub(crate) fn clip(text: &str, max: usize) -> String {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests;
