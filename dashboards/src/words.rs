//! Numbers, times and decisions in words. Pure: the present is an argument.

use kolm_core::{ArtifactId, Bounds, DecisionKind, DecisionRow, MicroUsd, Ppm, Timestamp, rfc3339};

/// A share as a score of three decimals, rounded down: 0.951.
pub(crate) fn score(v: Ppm) -> String {
    let thousandths = v.0 / 1_000;
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

/// A score rounded up, for upper bounds.
pub(crate) fn score_up(v: Ppm) -> String {
    score(Ppm(v.0.div_ceil(1_000) * 1_000))
}

/// `0.923–0.965`: lower bounds down, upper bounds up.
pub(crate) fn range(b: Bounds) -> String {
    format!("{}–{}", score(b.lcb), score_up(b.ucb))
}

/// A signed difference of two scores with a real minus: +0.047, −0.007. Rounded towards less.
pub(crate) fn margin(have: Ppm, need: Ppm) -> String {
    let thousandths = (i64::from(have.0) - i64::from(need.0)).div_euclid(1_000);
    let sign = if thousandths < 0 { '−' } else { '+' };
    let size = thousandths.unsigned_abs();
    format!("{sign}{}.{:03}", size / 1_000, size % 1_000)
}

/// A count with thin spaces between groups of three.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// An e-value given in thousandths: 1.2, 131.6, 10 000; what is beyond a milliard is only called so.
pub(crate) fn e_value(milli: u64) -> String {
    match milli {
        0..1_000_000 => format!("{}.{}", milli / 1_000, milli % 1_000 / 100),
        1_000_000..1_000_000_000_000 => count(milli / 1_000),
        _ => String::from("> 10⁹"),
    }
}

/// Dollars: cents from one dollar on, four decimals below, six where four would show nothing.
pub(crate) fn money(m: MicroUsd) -> String {
    let sign = if m.0 < 0 { "−" } else { "" };
    let micros = m.0.unsigned_abs();
    if micros >= 999_950 || micros == 0 {
        let cents = (micros + 5_000) / 10_000;
        format!("{sign}${}.{:02}", count(cents / 100), cents % 100)
    } else if micros < 100 {
        format!("{sign}$0.{micros:06}")
    } else {
        format!("{sign}$0.{:04}", (micros + 50) / 100)
    }
}

/// A latency: 840 µs, 3.2 ms, 412 ms, 1.31 s.
pub(crate) fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

/// A span of time in its largest unit.
pub(crate) fn span(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..172_800 => format!("{} h {:02} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} days", s / 86_400),
    }
}

/// `3 min ago`, `just now`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let ms = now.since(then);
    if ms < 2_000 { String::from("just now") } else { format!("{} ago", span(ms)) }
}

/// `2026-11-21 02:39:37 UTC`.
pub(crate) fn utc(t: Timestamp) -> String {
    rfc3339(t).replacen('T', " ", 1).replace('Z', " UTC")
}

/// The first 12 hex digits of an artifact's identity.
pub(crate) fn short(artifact: &ArtifactId) -> &str {
    let digits = artifact.as_str().trim_start_matches("sha256:");
    digits.get(..12).unwrap_or(digits)
}

/// A decision as a sentence, from its row alone.
pub(crate) fn sentence(row: &DecisionRow) -> String {
    let because = row.because.join(", ");
    let student =
        row.artifact.as_ref().map_or_else(|| String::from("no student"), |a| format!("student {}", short(a)));
    let (who, student, from, to) = match &row.challenger {
        None => ("", student, row.from, row.to),
        Some(one) => ("Challenger: ", format!("student {}", short(&one.artifact)), one.from, one.to),
    };
    let moved = format!("{from} → {to}");
    let why = |lead: &str| if because.is_empty() { String::new() } else { format!("{lead}{because}") };
    let head = match row.kind {
        DecisionKind::Distill => format!("Training began{}", why(": ")),
        DecisionKind::Candidate => format!("The {student} entered the shadow{}", why(": ")),
        DecisionKind::Promote => format!("Promoted {moved}{}", why(": ")),
        DecisionKind::Advance => format!("Advanced {moved}{}", why(": ")),
        DecisionKind::Dwell => format!("Dwells at {to}{}", why(", waits for ")),
        DecisionKind::Hold => format!("Holds at {to}{}", why(", missing ")),
        DecisionKind::Reject => format!("Rejected the {student}{}", why(" because ")),
        DecisionKind::Rollback => format!("Rolled back {moved}{}", why(" because ")),
        DecisionKind::Pause => format!("Paused {moved}"),
        DecisionKind::Resume => format!("Resumed at {}", row.to),
        DecisionKind::Done => format!("Arrived at {}{}", row.to, why(": ")),
        DecisionKind::Challenge => format!("The {student} is tried beside the one that serves{}", why(": ")),
        DecisionKind::Dismiss => format!("Dismissed the {student}{}", why(" because ")),
        DecisionKind::Succeed => format!("The {student} takes over at {}{}", row.to, why(": ")),
    };
    let judged = match row.kind {
        DecisionKind::Distill
        | DecisionKind::Candidate
        | DecisionKind::Challenge
        | DecisionKind::Pause
        | DecisionKind::Resume => None,
        DecisionKind::Promote
        | DecisionKind::Advance
        | DecisionKind::Dwell
        | DecisionKind::Hold
        | DecisionKind::Reject
        | DecisionKind::Rollback
        | DecisionKind::Dismiss
        | DecisionKind::Succeed
        | DecisionKind::Done => row.k.k,
    };
    let evidence =
        judged.map(|k| format!("; K {} ({}) on {} requests", score(k.v), range(k), count(row.n.requests)));
    let person =
        if row.reason.is_empty() { String::new() } else { format!(". {}: “{}”", row.actor, row.reason) };
    format!("{who}{head}{}{person}", evidence.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_towards_caution() {
        assert_eq!(score(Ppm(899_999)), "0.899");
        assert_eq!(score_up(Ppm(899_001)), "0.900");
        assert_eq!(score_up(Ppm::ONE), "1.000");
        for (have, need, wanted) in
            [(893_000, 900_000, "−0.007"), (899_999, 900_000, "−0.001"), (900_000, 900_000, "+0.000")]
        {
            assert_eq!(margin(Ppm(have), Ppm(need)), wanted);
        }
    }

    #[test]
    fn quantities_read_well() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
        for (micro_usd, wanted) in [
            (0, "$0.00"),
            (950, "$0.0010"),
            (7, "$0.000007"),
            (999_999, "$1.00"),
            (1_999_999, "$2.00"),
            (-12_340_000, "−$12.34"),
        ] {
            assert_eq!(money(MicroUsd(micro_usd)), wanted);
        }
        assert_eq!([7, 3_240, 412_900, 1_310_000].map(micros), ["7 µs", "3.2 ms", "412 ms", "1.31 s"]);
        assert_eq!([900, 61_000, 7_260_000, 200_000_000].map(span), ["0 s", "1 min", "2 h 01 min", "2 days"]);
    }

    #[test]
    fn dates_are_gregorian() {
        for (ms, wanted) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_790_000_000_000, "2026-09-21 14:13:20 UTC"),
        ] {
            assert_eq!(utc(Timestamp(ms)), wanted);
        }
    }
}
