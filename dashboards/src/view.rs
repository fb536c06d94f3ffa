//! The overview as rows of words and charts: what a template prints, nothing it has to work out.

use askama::Template;
use kolm_core::{Bounds, DecisionRow, Ppm, RouteStatus, Stage, Status, Timestamp, rfc3339};

use crate::chart::{self, Scale, Standing};
use crate::time_line::{self, Size};
use crate::words;

/// The part of the overview that htmx renews.
#[derive(Template)]
#[template(path = "overview_live.html")]
pub(crate) struct Overview {
    pub(crate) now: String,
    pub(crate) alarms: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) axis: String,
    pub(crate) capture: Capture,
    pub(crate) ledger: Ledger,
    pub(crate) trouble: Option<String>,
}

/// One route.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) stage: String,
    pub(crate) tone: &'static str,
    pub(crate) sentence: String,
    pub(crate) weight: String,
    pub(crate) spark: String,
    pub(crate) k: String,
    pub(crate) k_range: String,
    pub(crate) k_word: &'static str,
    pub(crate) k_chart: String,
    pub(crate) saved: String,
    pub(crate) paid: String,
    pub(crate) last: String,
    pub(crate) last_ago: String,
    pub(crate) last_at: String,
}

/// The capture path.
pub(crate) struct Capture {
    pub(crate) accepted: String,
    pub(crate) stored: String,
    pub(crate) spooled: String,
    pub(crate) in_flight: String,
    pub(crate) dropped: String,
    pub(crate) reasons: Vec<(String, String)>,
}

/// The ledger.
pub(crate) struct Ledger {
    pub(crate) opens: String,
    pub(crate) closes: String,
    pub(crate) open_now: String,
    pub(crate) lost: String,
    pub(crate) none: String,
}

/// The colour class of a stage; the word always stands beside it.
pub(crate) fn tone(stage: Stage) -> &'static str {
    match stage {
        Stage::Collecting | Stage::Distilling => "quiet",
        Stage::Shadow => "shadow",
        Stage::Step(_) => "moving",
        Stage::Full => "good",
        Stage::Paused => "warn",
        Stage::Cooldown | Stage::Rejected => "bad",
    }
}

/// The bar that K must reach, if the status names one.
pub(crate) fn bar(route: &RouteStatus) -> Option<Ppm> {
    route.axes.iter().find(|axis| axis.name == "K").and_then(|axis| axis.need)
}

/// The word for K against its bar.
pub(crate) fn k_word(k: Option<Bounds>, need: Option<Ppm>) -> &'static str {
    k.map_or("∅ no evidence", |b| chart::standing(b, need).word())
}

fn alarms(status: &Status) -> Vec<String> {
    let mut out = Vec::new();
    for route in &status.routes {
        let name = &route.route;
        if route.weight.0 > 0 && !route.student_up {
            out.push(format!("{name}: the student does not answer; the teacher takes its share"));
        }
        if matches!(route.stage, Stage::Cooldown | Stage::Rejected) {
            out.push(format!("{name}: {}", route.sentence));
        }
        let k = route.k.k.map(|b| chart::standing(b, bar(route)));
        if route.weight.0 > 0 && k == Some(Standing::Missed) {
            out.push(format!("{name}: K is below its bar while the student serves"));
        }
    }
    let dropped: u64 = status.capture.dropped.iter().map(|(_, n)| n).sum();
    if dropped > 0 {
        out.push(format!("{} exchanges were not captured", words::count(dropped)));
    }
    if status.ledger.none > 0 {
        out.push(format!(
            "{} answers went out without a receipt in the ledger",
            words::count(status.ledger.none)
        ));
    }
    out
}

fn row(route: &RouteStatus, rows: &[DecisionRow], scale: Scale, now: Timestamp) -> Row {
    let need = bar(route);
    let last = rows.last();
    Row {
        name: route.route.to_string(),
        namespace: route.namespace.to_string(),
        stage: route.stage.to_string(),
        tone: tone(route.stage),
        sentence: route.sentence.clone(),
        weight: route.weight.to_string(),
        spark: time_line::weight(rows, &route.ladder, now, Size::Spark),
        k: route.k.k.map_or_else(|| String::from("–"), |b| words::score(b.v)),
        k_range: route.k.k.map(words::range).unwrap_or_default(),
        k_word: k_word(route.k.k, need),
        k_chart: chart::interval(scale, "K", route.k.k, need),
        saved: words::money(route.savings.kept()),
        paid: words::money(route.savings.paid),
        last: last.map(words::sentence).unwrap_or_default(),
        last_ago: last.map(|row| words::ago(row.t, now)).unwrap_or_default(),
        last_at: last.map(|row| rfc3339(row.t)).unwrap_or_default(),
    }
}

/// The overview of `status` at `now`; `decisions` may hold those of all routes, or why there are none.
pub(crate) fn overview(
    status: &Status,
    decisions: &Result<Vec<DecisionRow>, String>,
    now: Timestamp,
) -> Overview {
    let all = decisions.as_deref().unwrap_or_default();
    let shown = status.routes.iter().flat_map(|r| [r.k.k.map(|b| b.lcb), bar(r)]).flatten();
    let scale = Scale::over(shown);
    let rows = status
        .routes
        .iter()
        .map(|route| {
            let own: Vec<DecisionRow> = all.iter().filter(|row| row.route == route.route).cloned().collect();
            row(route, &own, scale, now)
        })
        .collect();
    Overview {
        now: words::utc(now),
        alarms: alarms(status),
        rows,
        axis: chart::axis(scale),
        capture: capture(status),
        ledger: ledger(status),
        trouble: decisions.as_ref().err().cloned(),
    }
}

fn capture(status: &Status) -> Capture {
    let c = &status.capture;
    let dropped: u64 = c.dropped.iter().map(|(_, n)| n).sum();
    Capture {
        accepted: words::count(c.accepted),
        stored: words::count(c.stored),
        spooled: words::count(c.spooled),
        in_flight: words::count(c.accepted.saturating_sub(c.stored + c.spooled + dropped)),
        dropped: words::count(dropped),
        reasons: c.dropped.iter().map(|(why, n)| (why.clone(), words::count(*n))).collect(),
    }
}

fn ledger(status: &Status) -> Ledger {
    let l = status.ledger;
    Ledger {
        opens: words::count(l.opens),
        closes: words::count(l.closes),
        open_now: words::count(l.opens.saturating_sub(l.closes)),
        lost: words::count(l.lost),
        none: words::count(l.none),
    }
}
