//! Tries of the same request: which one repeats which, and whose answer is the last.
//!
//! **Invariant:** the client says that it tries again (`x-stainless-retry-count`), and the digest proves of what;
//! neither alone makes a retry, for the same question may be meant twice.

use std::collections::HashMap;

use kolm_core::{RequestId, Timestamp};

use crate::exchange::Finished;
use crate::table::keyed;

/// A retry within this time is the same logical request.
const WINDOW_MS: i64 = 600_000;
/// How often older tries are forgotten.
const SWEEP_MS: i64 = 60_000;
/// Most requests remembered; a retry of one beyond that counts as new.
const MOST: usize = 1 << 18;

/// One try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Try {
    id: RequestId,
    at: Timestamp,
    count: u32,
}

struct Known {
    seen: Timestamp,
    last: Try,
    answered: Option<Try>,
}

/// What a try is to the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    /// The try before it.
    pub(crate) of: Option<RequestId>,
    /// An earlier try whose answer this one's takes the place of.
    pub(crate) supersedes: Option<RequestId>,
    /// A later try has been answered already: this one was still being drained.
    pub(crate) superseded: bool,
}

/// The tries of the last minutes.
pub(crate) struct Retries {
    known: HashMap<[u8; 32], Known>,
    swept: Timestamp,
}

impl Retries {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { known: HashMap::new(), swept: now }
    }

    /// Notes a try. `answered`: its answer is whole and good. Of an upload the fields and the size of the file stand
    /// for its bytes: none of its answers trains.
    pub(crate) fn note(
        &mut self,
        key: &[u8; 32],
        finished: &Finished,
        answered: bool,
        now: Timestamp,
    ) -> Repeats {
        let path = finished.path.as_bytes();
        let digest = keyed(key, &[&finished.caller, path, &finished.request]);
        let this = Try { id: finished.id, at: finished.at, count: finished.retry_count };
        self.sweep(now);
        match self.known.get_mut(&digest).filter(|known| now.since(known.seen) < WINDOW_MS) {
            Some(known) => known.next(this, answered, now),
            None => {
                if self.known.len() < MOST {
                    let answered = answered.then_some(this);
                    self.known.insert(digest, Known { seen: now, last: this, answered });
                }
                Repeats::default()
            }
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept) >= SWEEP_MS {
            self.known.retain(|_, known| now.since(known.seen) < WINDOW_MS);
            self.swept = now;
        }
    }
}

impl Known {
    fn next(&mut self, this: Try, answered: bool, now: Timestamp) -> Repeats {
        self.seen = now;
        // A try that ends after one that began later: it was drained while the client tried again.
        let late = self.last.count > this.count && self.last.at >= this.at;
        if late {
            let superseded = answered && self.answered.is_some_and(|done| done.count > this.count);
            if answered && !superseded {
                self.answered = Some(this);
            }
            return Repeats { superseded, ..Repeats::default() };
        }
        let again = this.count > 0;
        let before = self.answered.filter(|_| again);
        let of = again.then_some(self.last.id);
        self.last = this;
        if answered {
            self.answered = Some(this);
        } else if !again {
            self.answered = None;
        }
        Repeats { of, supersedes: before.filter(|_| answered).map(|done| done.id), superseded: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> RequestId {
        RequestId::from_parts(Timestamp(1_000), [n; 10])
    }

    /// Plays tries `(number, began at, retry count, answered)`; tells `of`, `supersedes`, `superseded` of each.
    fn play(tries: &[(u8, i64, u32, bool)]) -> String {
        let mut known: Option<Known> = None;
        let mut out = Vec::new();
        let name = |id: Option<RequestId>| {
            (1..=9).find(|n| Some(self::id(*n)) == id).map_or("-".to_owned(), |n| n.to_string())
        };
        for (n, at, count, answered) in tries {
            let this = Try { id: id(*n), at: Timestamp(*at), count: *count };
            let repeats = match &mut known {
                Some(known) => known.next(this, *answered, Timestamp(*at)),
                None => {
                    known = Some(Known { seen: this.at, last: this, answered: answered.then_some(this) });
                    Repeats::default()
                }
            };
            let late = if repeats.superseded { " late" } else { "" };
            out.push(format!("{}/{}{late}", name(repeats.of), name(repeats.supersedes)));
        }
        out.join(" ")
    }

    #[test]
    fn the_last_answer_is_the_one() {
        for (tries, want) in [
            (&[(1, 0, 0, false), (2, 5, 1, true)][..], "-/- 1/-"),
            (&[(1, 0, 0, true), (2, 5, 1, true), (3, 9, 2, true)], "-/- 1/1 2/2"),
            (&[(1, 0, 0, true), (2, 5, 1, false), (3, 9, 2, true)], "-/- 1/- 2/1"),
            (&[(1, 0, 0, true), (2, 5, 0, true)], "-/- -/-"),
            (&[(1, 0, 0, true), (2, 5, 0, false), (3, 9, 1, true)], "-/- -/- 2/-"),
            // The first one was drained while the second was asked and answered.
            (&[(2, 5, 1, true), (1, 0, 0, true)], "-/- -/- late"),
            (&[(2, 5, 1, false), (1, 0, 0, true), (3, 9, 2, true)], "-/- -/- 2/1"),
        ] {
            assert_eq!(play(tries), want, "{tries:?}");
        }
    }
}
