//! Verification: a header, a receipt or a whole ledger, against the files and keys of a ledger folder.
//!
//! **Invariant:** takes no lock and changes nothing, so it works beside the process that writes.

mod walk;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use kolm_core::RequestId;
use serde::Serialize;

use crate::header::{self, Header, St};
use crate::keys::LedgerKeys;
use crate::ledger::State;
use crate::record::OpenRecord;
use crate::{Error, kj1};
use walk::{Seen, Walk};

/// The names of what can be wrong with a ledger.
const NAMES: [&str; 9] = [
    "leaf_malformed",
    "chain_gap",
    "chain_fork",
    "chain_prev",
    "mac_mismatch",
    "epoch_mismatch",
    "open_mismatch",
    "id_duplicate",
    "count_mismatch",
];

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name; for a ledger that of the error it looks for.
    pub name: &'static str,
    /// Whether it passed; `None` = cannot be decided.
    pub ok: Option<bool>,
    /// What was found, in words.
    pub detail: String,
}

/// The counts of a ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Leaves, control leaves included.
    pub leaves: u64,
    /// Distinct requests opened.
    pub opens: u64,
    /// Requests with their leaf.
    pub closes: u64,
    /// Of these, closed as `lost` after a crash.
    pub lost: u64,
    /// Requests still open.
    pub in_flight: u64,
    /// Processes that wrote.
    pub boots: u64,
}

/// The outcome of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Verified, failed, or `None` = not decided.
    pub ok: Option<bool>,
    /// State of the receipt; `None` for a ledger, or when there is no such receipt.
    pub state: Option<State>,
    /// The steps.
    pub checks: Vec<Check>,
    /// What the ledger holds.
    pub totals: Totals,
}

impl Verdict {
    fn of(checks: Vec<Check>, state: Option<State>, totals: Totals) -> Self {
        let failed = checks.iter().any(|check| check.ok == Some(false));
        let open = checks.iter().any(|check| check.ok.is_none());
        let ok = if failed {
            Some(false)
        } else if open {
            None
        } else {
            Some(true)
        };
        Self { ok, state, checks, totals }
    }

    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

fn check(name: &'static str, ok: Option<bool>, detail: impl Into<String>) -> Check {
    Check { name, ok, detail: detail.into() }
}

/// A verdict that rests on one failed step.
fn refused(name: &'static str, ok: Option<bool>, error: &impl std::fmt::Display) -> Verdict {
    Verdict::of(vec![check(name, ok, error.to_string())], None, Totals::default())
}

/// Verifies what lies in a ledger folder with the keys beside it.
#[derive(Debug)]
pub struct Verifier {
    dir: PathBuf,
    keys: LedgerKeys,
}

impl Verifier {
    /// Reads the keys of the ledger in `dir`.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        Ok(Self { dir: dir.to_owned(), keys: LedgerKeys::load(&dir.join("keys"))? })
    }

    /// Verifies the value of an `x-kolm-receipt` header.
    pub fn header(&self, value: &str) -> Verdict {
        self.headers(&[value]).remove(0)
    }

    /// Verifies many headers in one pass over the ledger; the verdicts come in the order of `values`.
    pub fn headers(&self, values: &[&str]) -> Vec<Verdict> {
        let parsed: Vec<_> = values.iter().map(|value| header::parse(value)).collect();
        let wanted = parsed.iter().flatten().map(|header| header.id).collect();
        let walk = Walk::run(&self.dir, &self.keys.chain, &wanted);
        let verdict = |header: &Result<Header, _>| match header {
            Ok(header) => self.parsed(header, &walk),
            Err(error) => refused("header", Some(false), error),
        };
        parsed.iter().map(verdict).collect()
    }

    fn parsed(&self, header: &Header, walk: &Result<Walk<'_>, Error>) -> Verdict {
        let mut checks = vec![check("header", Some(true), format!("kr1, st={}", header.st.as_str()))];
        if header.kid != self.keys.header.kid() {
            checks.push(check("key_unknown", None, format!("no header key `{}` here", header.kid)));
            return Verdict::of(checks, None, Totals::default());
        }
        if header.st == St::None {
            let ok = same(&header::none_mac(&self.keys.header, &header.unsigned), &header.mac);
            checks.push(check("mac", Some(ok), "of this node, without a leaf by its own words"));
            return Verdict::of(checks, None, Totals::default());
        }
        self.receipt(header.id, Some(header), walk, checks)
    }

    /// Verifies the receipt of a request.
    pub fn id(&self, id: RequestId) -> Verdict {
        let wanted = HashSet::from([id]);
        self.receipt(id, None, &Walk::run(&self.dir, &self.keys.chain, &wanted), Vec::new())
    }

    fn receipt(
        &self,
        id: RequestId,
        header: Option<&Header>,
        walk: &Result<Walk<'_>, Error>,
        mut checks: Vec<Check>,
    ) -> Verdict {
        let walk = match walk {
            Ok(walk) => walk,
            Err(error) => return refused("read", None, error),
        };
        let seen = walk.seen.get(&id);
        let Some((seen, open)) = seen.and_then(|seen| Some((seen, seen.open.as_ref()?))) else {
            let t = id.timestamp().0;
            let crashed = walk.gaps.iter().any(|(from, to)| (*from..=*to).contains(&t));
            let why =
                if crashed { "its time lies in the gap of a crash" } else { "the ledger does not know it" };
            checks.push(check("open_record", if crashed { None } else { Some(false) }, why));
            return Verdict::of(checks, None, walk.totals);
        };
        if let Some(header) = header {
            let ok = same(&header::open_mac(&self.keys.header, header.st, open), &header.mac);
            checks.push(check("mac", Some(ok), "over st and the open record"));
        }
        checks.push(open_record(id, header, open));
        let state = leaf_checks(walk, seen, &mut checks);
        Verdict::of(checks, Some(state), walk.totals)
    }

    /// Verifies every leaf: form, position, predecessor, MAC; and that opens = leaves.
    pub fn ledger(&self) -> Verdict {
        let nothing = HashSet::new();
        let walk = match Walk::run(&self.dir, &self.keys.chain, &nothing) {
            Ok(walk) => walk,
            Err(error) => return refused("read", None, &error),
        };
        let totals = walk.totals;
        let mut checks: Vec<Check> = NAMES
            .iter()
            .map(|name| match walk.first(name) {
                Some((found, n)) => check(name, Some(false), format!("{} ({n} in all)", found.detail)),
                None => check(name, Some(true), ""),
            })
            .collect();
        if totals.boots == 0 {
            checks.push(check("empty", None, "there is no leaf"));
        }
        if walk.torn > 0 {
            let bytes = walk.torn;
            let detail = format!("{bytes} bytes of an unfinished record; the next `kolm up` puts them aside");
            checks.push(check("tail", None, detail));
        }
        Verdict::of(checks, None, totals)
    }
}

/// Constant time, so that a service verifying headers tells nothing about the right bytes.
fn same(a: &[u8; 16], b: &[u8; 16]) -> bool {
    a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Whether the open record says what the header says.
fn open_record(id: RequestId, header: Option<&Header>, bytes: &[u8]) -> Check {
    let open: OpenRecord = match kj1::from_slice(bytes) {
        Ok(open) => open,
        Err(error) => return check("open_record", Some(false), error.to_string()),
    };
    let mut wrong = Vec::new();
    if open.id != id {
        wrong.push("id");
    }
    if open.try_no == 1 && open.t_open != id.timestamp().0 {
        wrong.push("t_open");
    }
    if let Some(header) = header {
        let art = crate::record::art_text(header.art.as_ref());
        for (name, same) in
            [("rt", open.rt == header.rt), ("art", open.art == art), ("kid", open.kid == header.kid)]
        {
            if !same {
                wrong.push(name);
            }
        }
    }
    let place = format!("{} {} in {}", open.ep, open.model, open.ns);
    match wrong[..] {
        [] => check("open_record", Some(true), place),
        _ => check("open_record", Some(false), format!("differs in {}", wrong.join(", "))),
    }
}

fn leaf_checks(walk: &Walk<'_>, seen: &Seen, checks: &mut Vec<Check>) -> State {
    let Some(index) = seen.index else {
        checks.push(check("leaf", None, "not closed yet"));
        return State::Open;
    };
    checks.push(check("leaf", Some(true), format!("index {index}, outcome {}", seen.outcome)));
    checks.push(check("leaf_mac", Some(seen.mac_ok), "with the chain key of its epoch"));
    // Every element up to the leaf must hang together, not the ends alone.
    match walk.problems.iter().find(|problem| problem.index <= index) {
        Some(problem) => {
            checks.push(check("chain", Some(false), format!("{}: {}", problem.name, problem.detail)));
        }
        None => checks.push(check("chain", Some(true), format!("leaves 0 to {index} follow without a gap"))),
    }
    State::Closed
}

#[cfg(test)]
mod tests;
