//! RFC 3339 in whole seconds with `Z`: the one form of time in a manifest.

use kolm_core::Timestamp;

/// `at` as `2026-01-02T03:04:05Z`, milliseconds cut off.
pub fn rfc3339(at: Timestamp) -> String {
    let seconds = at.0.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, so that the leap day is the last of its year.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

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
