//! Whether a text is a time as manifests have it.

/// Whether `text` is of that form; the day is checked for its range alone.
pub(crate) fn is_rfc3339(text: &str) -> bool {
    let shape = text.len() == 20
        && text.bytes().zip("0000-00-00T00:00:00Z".bytes()).all(|(b, want)| match want {
            b'0' => b.is_ascii_digit(),
            sign => b == sign,
        });
    let within = |range: std::ops::Range<usize>, low: u32, high: u32| {
        text.get(range).and_then(|part| part.parse().ok()).is_some_and(|n: u32| (low..=high).contains(&n))
    };
    shape
        && within(5..7, 1, 12)
        && within(8..10, 1, 31)
        && within(11..13, 0, 23)
        && within(14..16, 0, 59)
        && within(17..19, 0, 60)
}

#[cfg(test)]
mod tests {
    use kolm_core::{Timestamp, rfc3339};

    use super::*;

    #[test]
    fn times_are_written_and_known() {
        for (ms, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_219_200_850, "2026-11-21T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(Timestamp(ms)), want);
            assert!(is_rfc3339(want));
        }
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T00:00:00+00:00",
            "2026-13-21T00:00:00Z",
            "2026-11-21 00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T00:00:00.1Z",
            "２026-11-21T00:00Z",
        ] {
            assert!(!is_rfc3339(bad), "{bad}");
        }
    }
}
