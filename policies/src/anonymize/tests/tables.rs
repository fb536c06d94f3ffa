//! Tables of texts and what is to be found in them.

use crate::anonymize::cue::Reading;
use crate::anonymize::detect::{Place, detect};
use crate::anonymize::field;
use crate::anonymize::kind::Finding;
use crate::anonymize::policy::Policy;

/// Each finding as its type and its words.
pub(crate) fn typed(text: &str, found: &[Finding]) -> Vec<String> {
    found.iter().map(|f| format!("{} {}", f.ty, &text[f.start..f.end])).collect()
}

/// What fields and `find` find, each as its type and its words.
pub(crate) fn with_fields(text: &str, find: fn(&Reading<'_>, &mut Vec<Finding>)) -> Vec<String> {
    let reading = Reading::of(text);
    let mut out = Vec::new();
    field::find(&reading, "", &mut out);
    find(&reading, &mut out);
    typed(text, &out)
}

/// The words of what `find` finds.
pub(crate) fn spans(text: &str, find: impl Fn(&Reading<'_>, &mut Vec<Finding>)) -> Vec<&str> {
    let mut out = Vec::new();
    find(&Reading::of(text), &mut out);
    out.iter().map(|f| &text[f.start..f.end]).collect()
}

/// What all detectors find that `preset` masks.
pub(crate) fn detected(text: &str, preset: &str) -> Vec<Finding> {
    let policy = Policy::preset(preset).unwrap();
    let mut found = detect(text, "", Place::Text, &policy);
    found.retain(|f| f.score >= policy.mask_at);
    found
}

/// The words of what all detectors find that `hipaa` masks.
pub(crate) fn masked(text: &str) -> Vec<&str> {
    detected(text, "hipaa").iter().map(|f| &text[f.start..f.end]).collect()
}

/// The texts in which `check` does not find what it should, with what it finds.
pub(crate) fn missing(check: fn(&str) -> Vec<String>, table: &[(&str, &str)]) -> Vec<String> {
    let wrong = table.iter().filter(|(text, want)| !check(text).iter().any(|f| f == want));
    wrong.map(|(text, _)| format!("{text}: {:?}", check(text))).collect()
}

/// The texts in which `check` finds anything, with what it finds.
pub(crate) fn unasked(check: fn(&str) -> Vec<String>, texts: &[&str]) -> Vec<String> {
    let wrong = texts.iter().filter(|text| !check(text).is_empty());
    wrong.map(|text| format!("{text}: {:?}", check(text))).collect()
}
