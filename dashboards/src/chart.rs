//! Charts as SVG: interval bars against a floor, bars of two latencies, bars of money. No text of a request ever
//! enters one; what is not a number is escaped.
//!
//! **Invariant:** presentation attributes and classes only, never `style=`, which the CSP forbids.

use kolm_core::{Bounds, MicroUsd, Ppm, Savings};

use crate::words;

/// Text as it may stand in SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

const WIDTH: f64 = 260.0;
const PAD: f64 = 8.0;

/// The scale that several interval bars share: from a round tenth below everything shown up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    low: u32,
}

impl Scale {
    /// The scale on which all of `shown` fit with room to the left.
    pub(crate) fn over(shown: impl Iterator<Item = Ppm>) -> Self {
        let least = shown.map(|p| p.0).min().unwrap_or(500_000);
        Self { low: (least.saturating_sub(20_000) / 100_000 * 100_000).min(900_000) }
    }

    fn x(self, p: Ppm) -> f64 {
        let share = f64::from(p.0.max(self.low) - self.low) / f64::from(1_000_000 - self.low);
        PAD + share * (WIDTH - 2.0 * PAD)
    }

    fn ticks(self) -> impl Iterator<Item = Ppm> {
        let step = if self.low >= 500_000 { 100_000 } else { 200_000 };
        (0..=10).map(move |i| Ppm(self.low + i * step)).take_while(|p| p.0 <= 1_000_000)
    }
}

/// The axis under a column of interval bars.
pub(crate) fn axis(scale: Scale) -> String {
    let mut svg = format!(
        r#"<svg class="axis" viewBox="0 0 {WIDTH} 18" width="{WIDTH}" height="18" aria-hidden="true">"#
    );
    for tick in scale.ticks() {
        let (x, label) = (scale.x(tick), f64::from(tick.0) / 1e6);
        svg.push_str(&format!(r#"<line x1="{x:.1}" x2="{x:.1}" y1="0" y2="4"/><text x="{x:.1}" y="15" text-anchor="middle">{label:.1}</text>"#
        ));
    }
    svg.push_str("</svg>");
    svg
}

/// One measured value: its interval as a bar, the point as a dot, the floor as a line. Without
/// evidence the track is dashed, never a zero.
pub(crate) fn interval(scale: Scale, name: &str, have: Option<Bounds>, need: Option<Ppm>) -> String {
    let name = escape(name);
    let title = match (have, need) {
        (Some(b), Some(need)) => {
            format!("{name}: {} ({}), needs {}", words::score(b.v), words::range(b), words::score(need))
        }
        (Some(b), None) => format!("{name}: {} ({})", words::score(b.v), words::range(b)),
        (None, Some(need)) => format!("{name}: no evidence, needs {}", words::score(need)),
        (None, None) => format!("{name}: no evidence"),
    };
    let right = WIDTH - PAD;
    let mut svg = format!(
        r#"<svg class="interval" viewBox="0 0 {WIDTH} 28" width="{WIDTH}" height="28" role="img"><title>{title}</title>"#
    );
    for tick in scale.ticks() {
        let x = scale.x(tick);
        svg.push_str(&format!(r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="0" y2="28"/>"#));
    }
    let track = if have.is_some() { "track" } else { "track none" };
    svg.push_str(&format!(r#"<line class="{track}" x1="{PAD}" x2="{right}" y1="14" y2="14"/>"#));
    if let Some(b) = have {
        let (from, to, at) = (scale.x(b.lcb), scale.x(b.ucb), scale.x(b.v));
        let width = (to - from).max(3.0);
        let class = standing(b, need).class();
        svg.push_str(&format!(r#"<rect class="span {class}" x="{from:.1}" y="9" width="{width:.1}" height="10" rx="5"/><circle class="mean {class}" cx="{at:.1}" cy="14" r="4"/>"#
        ));
    }
    if let Some(need) = need {
        let x = scale.x(need);
        svg.push_str(&format!(r#"<line class="need" x1="{x:.1}" x2="{x:.1}" y1="3" y2="25"/><path class="flag" d="M{:.1} 0h8l-4 5z"/>"#,
            x - 4.0
        ));
    }
    svg.push_str("</svg>");
    svg
}

/// How a value stands to its floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The lower bound reaches the floor.
    Met,
    /// The interval straddles the floor.
    Open,
    /// The upper bound misses the floor.
    Missed,
    /// There is no floor.
    Free,
}

/// Where an interval stands to a floor.
pub(crate) fn standing(b: Bounds, need: Option<Ppm>) -> Standing {
    match need {
        None => Standing::Free,
        Some(need) if b.lcb >= need => Standing::Met,
        Some(need) if b.ucb < need => Standing::Missed,
        Some(_) => Standing::Open,
    }
}

impl Standing {
    /// The class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Open => "open",
            Self::Missed => "missed",
            Self::Free => "free",
        }
    }

    /// The word beside the colour.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Met => "✓ met",
            Self::Open => "◐ open",
            Self::Missed => "✕ missed",
            Self::Free => "no floor",
        }
    }
}

/// Two p95 latencies as bars on one scale; an unknown one is a dashed line.
pub(crate) fn latencies(teacher_us: u64, student_us: u64) -> String {
    const BAR: f64 = 340.0;
    let longest = teacher_us.max(student_us).max(1) as f64;
    let mut svg = String::from(
        r#"<svg class="pair" viewBox="0 0 520 68" role="img"><title>p95 latency, teacher and student</title><desc>Two bars on one scale; the numbers stand in the table below.</desc>"#,
    );
    for (row, name, us) in [(0, "teacher", teacher_us), (1, "student", student_us)] {
        let y = row * 34 + 4;
        let text = y + 17;
        svg.push_str(&format!(r#"<text class="name" x="0" y="{text}">{name}</text>"#));
        if us == 0 {
            svg.push_str(&format!(r#"<line class="track none" x1="72" x2="{:.1}" y1="{line}" y2="{line}"/><text x="72" y="{text}" dx="8" class="unknown">not measured yet</text>"#,
                72.0 + BAR,
                line = y + 24
            ));
        } else {
            let width = (BAR * us as f64 / longest).max(2.0);
            svg.push_str(&format!(r#"<rect class="bar {name}" x="72" y="{y}" width="{width:.1}" height="24" rx="4"/><text x="{:.1}" y="{text}" class="value">{}</text>"#,
                72.0 + width + 8.0,
                words::micros(us)
            ));
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Per route, what the cloud would ask for everything against what everything costs now, on one scale.
pub(crate) fn money(routes: &[(String, Savings)]) -> String {
    const BAR: f64 = 560.0;
    const LEFT: f64 = 180.0;
    let cloud = |savings: &Savings| savings.avoided.0 + savings.paid.0;
    let now = |savings: &Savings| savings.local.0 + savings.paid.0;
    let most =
        routes.iter().map(|(_, savings)| cloud(savings).max(now(savings))).max().unwrap_or(0).max(1) as f64;
    let height = routes.len() * 64;
    let mut svg = format!(
        r#"<svg class="money" viewBox="0 0 860 {height}" role="img"><title>Money by route</title><desc>For each route a bar of what the cloud alone would ask and one of what the answers cost now; the numbers stand in the table below.</desc>"#
    );
    for (i, (name, savings)) in routes.iter().enumerate() {
        let bars = [("cloud alone", "teacher", cloud(savings)), ("now", "student", now(savings))];
        for (row, (what, class, micros)) in bars.into_iter().enumerate() {
            let y = i * 64 + row * 26 + 4;
            let (text, width) = (y + 15, BAR * micros.max(0) as f64 / most);
            let label = if row == 0 { format!("{} · {what}", escape(name)) } else { what.to_owned() };
            svg.push_str(&format!(r#"<text class="name" x="{:.1}" y="{text}" text-anchor="end">{label}</text><rect class="bar {class}" x="{LEFT}" y="{y}" width="{:.1}" height="21" rx="4"/><text class="value" x="{:.1}" y="{text}">{}</text>"#,
                LEFT - 10.0,
                width.max(1.0),
                LEFT + width.max(1.0) + 8.0,
                words::money(MicroUsd(micros))
            ));
        }
    }
    svg.push_str("</svg>");
    svg
}
