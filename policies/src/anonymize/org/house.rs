//! Hospitals that everybody knows by a short name: `at UCSF`, `transferred from Johns Hopkins`.
//!
//! **Invariant:** such a name counts behind a word that leads to a place; scales and criteria keep theirs.

use crate::anonymize::cue::{Cue, Reading};
use crate::anonymize::kind::{Evidence, Finding, Type};

/// What leads to a place.
const LEADS: [&str; 16] = [
    "at", "from", "to", "by", "via", "in", "near", "through", "with", "into", "leaving", "left", "visited",
    "called", "and", "or",
];
/// What bears such a name and is no place.
const NAMESAKES: [&str; 30] = [
    "score",
    "scores",
    "scale",
    "criteria",
    "criterion",
    "classification",
    "staging",
    "stage",
    "grade",
    "index",
    "protocol",
    "regimen",
    "model",
    "rule",
    "guideline",
    "guidelines",
    "nomogram",
    "risk",
    "study",
    "trial",
    "cohort",
    "registry",
    "loneliness",
    "endoscopic",
    "subscore",
    "calculator",
    "data",
    "consensus",
    "test",
    "massage",
];

/// The house that `cue` names, if the sentence leads to it.
pub(super) fn find(r: &Reading<'_>, cue: &Cue, out: &mut Vec<Finding>) {
    let led = cue.first.checked_sub(1).is_some_and(|b| {
        let article = r.is(b, "the") && b > 0 && r.gap(b - 1) == " ";
        let lead = if article { b - 1 } else { b };
        r.gap(b) == " " && LEADS.iter().any(|word| r.is(lead, word))
    });
    let namesake = r.gap(cue.last) == " " && NAMESAKES.iter().any(|word| r.is(cue.last + 1, word));
    let capital = r.word(cue.first).is_some_and(|word| word.capital()) || r.str(cue.first).len() == 4;
    if led && !namesake && capital {
        r.mark((cue.first, cue.last), Type::FACILITY, Evidence::Label, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anonymize::cue::Role;
    use crate::anonymize::tests::tables::spans;

    fn check(text: &str) -> Vec<&str> {
        spans(text, |r, out| {
            let houses = r.cues.iter().filter(|cue| cue.role == Role::House);
            houses.for_each(|cue| find(r, cue, out));
        })
    }

    #[test]
    fn short_names_of_hospitals_behind_what_leads_to_them() {
        assert_eq!(check("seen at UCSF for a second opinion"), ["UCSF"]);
        assert_eq!(check("transferred from Johns Hopkins yesterday").first(), Some(&"Johns Hopkins"));
        assert_eq!(check("records from the Mayo clinic"), ["Mayo"]);
        for text in [
            "the UCLA loneliness scale",
            "according to Mayo criteria",
            "Hopkins verbal learning",
            "swedish massage",
        ] {
            assert!(check(text).is_empty(), "{text}: {:?}", check(text));
        }
    }
}
