//! Code, logs and settings: words there are names of things, and numbers count. What programs write needs more than
//! its look to be somebody's.
//!
//! **Invariant:** secrets, e-mail addresses, URLs and what propagates stay as they are; what the lists of names know
//! with its capital stays a name; a doubt lowers a score below what `default` masks and above what `hipaa` does.

use super::kind::{Evidence, Finding, Type};
use super::machine;

mod line;
mod name;
mod number;
mod opaque;
mod sign;
mod version;

use line::Lines;

/// What becomes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stays,
    /// Nobody's, as a rule.
    Doubtful,
    /// Nobody's.
    Goes,
}

/// Types that no number of a machine is taken for.
const APART: [Type; 7] =
    [Type::SECRET, Type::PASSWORD, Type::EMAIL, Type::URL, Type::ENCODED, Type::MAC_ADDRESS, Type::CRYPTO];

/// Takes away, or doubts, what the text around it shows to be a program's.
pub(crate) fn settle(text: &str, out: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    if out.iter().all(is_apart) {
        return;
    }
    let lines = Lines::of(bytes);
    let versions = version::known(bytes, out, &lines);
    out.retain_mut(|f| {
        let verdict = if is_apart(f) {
            Verdict::Stays
        } else if f.ty.names() {
            name::judge(text, &lines, f)
        } else {
            number::judge(bytes, &lines, &versions, f)
        };
        if verdict == Verdict::Doubtful {
            f.score = f.score.min(machine::SCORE);
        }
        verdict != Verdict::Goes
    });
}

fn is_apart(f: &Finding) -> bool {
    APART.contains(&f.ty) || f.evidence == Evidence::Secret || f.evidence == Evidence::Propagated
}

#[cfg(test)]
mod tests;
