//! The e-values of a route beside the marks they run for: floors to be shown, and alarms that must not ring.
//!
//! **Invariant:** on a scale of tenfolds from 1 on; what is below 1 has won nothing and is drawn as nothing.

use kolm_core::{BetStatus, Claim};

use crate::{chart, words};

const WIDTH: f64 = 260.0;
const PAD: f64 = 8.0;
/// Tenfolds that the scale has beyond the mark.
const BEYOND: f64 = 1.0;

/// One bet in words.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) against: &'static str,
    pub(crate) value: String,
    pub(crate) at: String,
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    pub(crate) chart: String,
}

/// The bets of a route, those of the floors first.
pub(crate) fn lines(bets: &[BetStatus]) -> Vec<Line> {
    bets.iter().map(line).collect()
}

fn line(bet: &BetStatus) -> Line {
    let lost = bet.milli >= bet.at;
    let (against, class, word) = match (bet.against, lost) {
        (Claim::Below, true) => ("below its floor", "met", "✓ refuted"),
        (Claim::Below, false) => ("below its floor", "open", "◐ open"),
        (Claim::Holds, true) => ("still at its floor", "missed", "✕ alarm"),
        (Claim::Holds, false) => ("still at its floor", "met", "✓ quiet"),
    };
    let (value, at) = (words::e_value(bet.milli), words::e_value(bet.at));
    let chart = meter(bet, class, &format!("{} {against}: e-value {value}, loses at {at}", bet.name));
    Line { name: bet.name.clone(), against, value, at, class, word, chart }
}

/// The e-value as a bar that runs for its mark.
fn meter(bet: &BetStatus, class: &str, title: &str) -> String {
    let tenfolds = |milli: u64| (milli.max(1_000) as f64 / 1e3).log10();
    let (won, mark) = (tenfolds(bet.milli), tenfolds(bet.at));
    let x = |tenfolds: f64| PAD + (tenfolds / (mark + BEYOND)).min(1.0) * (WIDTH - 2.0 * PAD);
    let (title, right) = (chart::escape(title), WIDTH - PAD);
    let mut svg = format!(
        r#"<svg class="interval" viewBox="0 0 {WIDTH} 28" width="{WIDTH}" height="28" role="img"><title>{title}</title><line class="track" x1="{PAD}" x2="{right}" y1="14" y2="14"/>"#
    );
    if won > 0.0 {
        svg.push_str(&format!(
            r#"<rect class="span {class}" x="{PAD}" y="9" width="{:.1}" height="10" rx="5"/><circle class="mean {class}" cx="{:.1}" cy="14" r="4"/>"#,
            (x(won) - PAD).max(3.0),
            x(won)
        ));
    }
    let at = x(mark);
    svg.push_str(&format!(
        r#"<line class="need" x1="{at:.1}" x2="{at:.1}" y1="3" y2="25"/><path class="flag" d="M{:.1} 0h8l-4 5z"/></svg>"#,
        at - 4.0
    ));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(against: Claim, milli: u64, at: u64) -> String {
        let bet = BetStatus { name: "A".to_owned(), against, milli, at };
        let line = line(&bet);
        assert!(line.chart.contains("</svg>") && !line.chart.contains("style="));
        format!("{} {} {} of {} {}", line.against, line.class, line.value, line.at, line.word)
    }

    #[test]
    fn a_floor_is_shown_by_much_and_an_alarm_rings_by_much() {
        assert_eq!(said(Claim::Below, 1_000, 131_600), "below its floor open 1.0 of 131.6 ◐ open");
        assert_eq!(said(Claim::Below, 131_600, 131_600), "below its floor met 131.6 of 131.6 ✓ refuted");
        assert_eq!(
            said(Claim::Holds, 3_900, 10_000_000),
            "still at its floor met 3.9 of 10\u{202f}000 ✓ quiet"
        );
        let rings = said(Claim::Holds, 12_000_000, 10_000_000);
        assert_eq!(rings, "still at its floor missed 12\u{202f}000 of 10\u{202f}000 ✕ alarm");
    }

    #[test]
    fn what_has_won_nothing_is_drawn_as_nothing() {
        let bar = |milli| {
            meter(&BetStatus { name: "V".into(), against: Claim::Below, milli, at: 9_000 }, "open", "")
        };
        assert!(!bar(0).contains("<rect") && !bar(1_000).contains("<rect") && bar(1_100).contains("<rect"));
        // Far beyond the mark it ends with the track.
        assert!(bar(u64::MAX).contains(r#"cx="252.0""#));
    }
}
