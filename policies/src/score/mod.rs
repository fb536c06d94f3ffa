//! Scorers: how much a student's answer agrees with the teacher's. Deterministic and pure.

use kolm_core::Ppm;

/// Scorer `label`: 1 if the answers are the same word after trimming and ASCII case folding, else 0.
pub fn label(a: &str, b: &str) -> Ppm {
    if a.trim().eq_ignore_ascii_case(b.trim()) { Ppm::ONE } else { Ppm(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_match_after_trim_and_case() {
        for (a, b, same) in [
            ("billing", " Billing\n", true),
            ("billing", "refund", false),
            ("", "  ", true),
            ("É", "é", false),
            ("billing.", "billing", false),
        ] {
            assert_eq!(label(a, b) == Ppm::ONE, same, "{a:?} {b:?}");
        }
    }
}
