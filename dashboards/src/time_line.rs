//! The weight of a route over time as a step line, from its decisions alone. Rungs of the ladder are
//! evenly spaced, so 1 % can be seen beside 100 %.

use kolm_core::{DecisionKind, DecisionRow, Timestamp, Weight};

use crate::chart::escape;
use crate::words;

/// How large a step line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Beside a number, without labels.
    Spark,
    /// With rungs, times and a mark for each decision that moved the weight.
    Full,
}

struct Frame {
    width: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const SPARK: Frame = Frame { width: 148.0, left: 3.0, right: 143.0, top: 4.0, bottom: 32.0 };
const FULL: Frame = Frame { width: 960.0, left: 64.0, right: 940.0, top: 16.0, bottom: 196.0 };

/// 0 and the rungs, ascending and ending at 100 %.
fn rungs(ladder: &[Weight]) -> Vec<Weight> {
    let mut all = vec![Weight::ZERO, Weight::FULL];
    all.extend_from_slice(ladder);
    all.sort_unstable();
    all.dedup();
    all
}

/// The height of a weight in [0, 1]: its rung, linear between rungs.
fn height(rungs: &[Weight], weight: Weight) -> f64 {
    let above = rungs.partition_point(|rung| *rung < weight);
    let last = (rungs.len() - 1).max(1) as f64;
    let Some(upper) = rungs.get(above) else { return 1.0 };
    let Some(lower) = above.checked_sub(1).and_then(|i| rungs.get(i)) else { return 0.0 };
    let part = f64::from(weight.0 - lower.0) / f64::from(upper.0 - lower.0);
    ((above - 1) as f64 + part) / last
}

struct Plot<'a> {
    rows: &'a [DecisionRow],
    rungs: Vec<Weight>,
    now: Timestamp,
    frame: &'static Frame,
}

impl Plot<'_> {
    fn start(&self) -> Timestamp {
        self.rows.first().map_or(self.now, |row| row.t)
    }

    fn x(&self, t: Timestamp) -> f64 {
        let whole = self.now.since(self.start()).max(1) as f64;
        let part = (t.since(self.start()) as f64 / whole).clamp(0.0, 1.0);
        self.frame.left + part * (self.frame.right - self.frame.left)
    }

    fn y(&self, weight: Weight) -> f64 {
        self.frame.bottom - height(&self.rungs, weight) * (self.frame.bottom - self.frame.top)
    }

    fn moves(&self) -> impl Iterator<Item = &DecisionRow> {
        self.rows.iter().filter(|row| row.from != row.to)
    }

    fn line(&self) -> String {
        let first = self.rows.first().map_or(Weight::ZERO, |row| row.from);
        let mut d = format!("M{:.1} {:.1}", self.frame.left, self.y(first));
        for row in self.moves() {
            d.push_str(&format!("H{:.1}V{:.1}", self.x(row.t), self.y(row.to)));
        }
        d.push_str(&format!("H{:.1}", self.frame.right));
        d
    }
}

/// The weight of one route from its first decision to `now`.
pub(crate) fn weight(rows: &[DecisionRow], ladder: &[Weight], now: Timestamp, size: Size) -> String {
    let frame = match size {
        Size::Spark => &SPARK,
        Size::Full => &FULL,
    };
    let plot = Plot { rows, rungs: rungs(ladder), now, frame };
    let last = rows.last().map_or(Weight::ZERO, |row| row.to);
    let title = format!("weight over time, {last} now");
    let line = plot.line();
    let (w, h) = (frame.width, frame.bottom + if size == Size::Full { 32.0 } else { 4.0 });
    let class = if size == Size::Full { "steps full" } else { "steps spark" };
    let mut svg = format!(
        r#"<svg class="{class}" viewBox="0 0 {w} {h}" role="img"><title>{}</title><desc>A step line from the first decision to now; each move stands in the log below.</desc>"#,
        escape(&title)
    );
    if size == Size::Full {
        rungs_and_times(&plot, &mut svg);
    }
    let (left, right, bottom) = (frame.left, frame.right, frame.bottom);
    svg.push_str(&format!(r#"<path class="area" d="{line}V{bottom:.1}H{left:.1}Z"/><path class="line" d="{line}"/><circle class="now" cx="{right:.1}" cy="{:.1}" r="3"/>"#,
        plot.y(last)
    ));
    if size == Size::Full {
        marks(&plot, &mut svg);
    }
    svg.push_str("</svg>");
    svg
}

fn rungs_and_times(plot: &Plot<'_>, svg: &mut String) {
    let frame = plot.frame;
    for rung in &plot.rungs {
        let y = plot.y(*rung);
        svg.push_str(&format!(r#"<line class="grid" x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="label" x="{:.1}" y="{:.1}" text-anchor="end">{rung}</text>"#,
            frame.left,
            frame.right,
            frame.left - 10.0,
            y + 4.0
        ));
    }
    let y = frame.bottom + 22.0;
    let start = if plot.rows.is_empty() { String::new() } else { words::utc(plot.start()) };
    svg.push_str(&format!(r#"<text class="label" x="{:.1}" y="{y:.1}">{start}</text><text class="label" x="{:.1}" y="{y:.1}" text-anchor="end">now</text>"#,
        frame.left, frame.right
    ));
}

/// A dot for each move up, a triangle pointing down for each move down.
fn marks(plot: &Plot<'_>, svg: &mut String) {
    for row in plot.moves() {
        let (x, y) = (plot.x(row.t), plot.y(row.to));
        let title = escape(&format!("{}: {}", words::utc(row.t), words::sentence(row)));
        if row.to > row.from && row.kind != DecisionKind::Rollback {
            svg.push_str(&format!(
                r#"<circle class="up" cx="{x:.1}" cy="{y:.1}" r="5"><title>{title}</title></circle>"#
            ));
        } else {
            let (left, top) = (x - 6.0, y - 9.0);
            svg.push_str(&format!(
                r#"<path class="down" d="M{left:.1} {top:.1}h12l-6 10z"><title>{title}</title></path>"#
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_evenly_spaced() {
        let ladder = rungs(&[Weight(100), Weight(500), Weight(2_500), Weight(5_000)]);
        let heights: Vec<f64> = ladder.iter().map(|w| height(&ladder, *w)).collect();
        assert_eq!(heights, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(height(&ladder, Weight(300)), 0.3);
        assert_eq!(rungs(&[]), [Weight::ZERO, Weight::FULL]);
    }
}
