//! A unit as yes and no.
//!
//! **Invariant:** the same sight and profile give the same row on any machine; the hash is specified (FNV-1a, 64 bit).

use super::What;

/// Templates of the snapshot that are told apart; all others are one.
pub(super) const TEMPLATES: usize = 32;
/// Lengths in words: 0, 1, 2..3, 4..7 and so on, the last without an end.
const LENGTHS: usize = 14;
/// Words fall into so many buckets.
const BUCKETS: usize = 64;
const LENGTH_AT: usize = TEMPLATES + 1;
const WORDS_AT: usize = LENGTH_AT + LENGTHS;
pub(super) const LABEL_AT: usize = WORDS_AT + BUCKETS;
pub(super) const MODEL_AT: usize = LABEL_AT + 1;
pub(super) const BACKEND_AT: usize = MODEL_AT + 1;
/// Questions that are asked of a unit.
pub(super) const QUESTIONS: usize = BACKEND_AT + 1;

/// One unit as it is seen: the opening request of a conversation and the teacher's answer to it, anonymized.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// `chat::template_key` of system prompt and tools.
    pub template: &'a str,
    /// What the user said.
    pub text: &'a str,
    /// The teacher's answer where it is a label, else empty.
    pub label: &'a str,
    /// The model that the teacher said it is, empty if it did not say.
    pub model: &'a str,
    /// The teacher's `system_fingerprint`, empty if it sent none.
    pub fingerprint: &'a str,
}

/// FNV-1a with 64 bits.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// What a question is about.
pub(super) fn about(question: usize) -> What {
    match question {
        LENGTH_AT..WORDS_AT => What::Length,
        WORDS_AT..LABEL_AT => What::Words,
        LABEL_AT => What::Label,
        MODEL_AT => What::Model,
        BACKEND_AT => What::Backend,
        _ => What::Template,
    }
}

/// The questions about length and words that are answered with yes, without repeats.
pub(super) fn of_text(text: &str) -> impl Iterator<Item = usize> {
    let (mut words, mut seen) = (0u32, 0u64);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words = words.saturating_add(1);
        seen |= 1 << (hash(&word.to_lowercase()) % BUCKETS as u64);
    }
    let length = (u32::BITS - words.leading_zeros()) as usize;
    let length = LENGTH_AT + length.min(LENGTHS - 1);
    std::iter::once(length).chain((0..BUCKETS).filter(move |at| seen >> at & 1 == 1).map(|at| WORDS_AT + at))
}
