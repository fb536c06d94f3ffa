//! One route as words and charts: weights, ladder, gate, evidence, the two sides, decisions, intents.

use askama::Template;
use kolm_core::{
    AxisStatus, Bounds, DecisionRow, IntentKind, Ppm, RouteStatus, Stage, TemplateStatus, Timestamp, Weight,
    rfc3339,
};

use crate::challenger::{self, Panel};
use crate::chart::{self, Scale};
use crate::time_line::{self, Size};
use crate::{bets, lookup, view, words};

/// Decisions shown on the page; all are in the JSON.
const SHOWN: usize = 50;

/// The part of a route's page that htmx renews.
#[derive(Template)]
#[template(path = "route_live.html")]
pub(crate) struct Route {
    pub(crate) now: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) stage: String,
    pub(crate) tone: &'static str,
    pub(crate) sentence: String,
    pub(crate) intents: Vec<(&'static str, &'static str)>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) ladder: Vec<Rung>,
    pub(crate) train: Option<Train>,
    pub(crate) gate: Vec<Line>,
    pub(crate) axis: String,
    pub(crate) challenger: Option<Panel>,
    pub(crate) bets: Vec<bets::Line>,
    pub(crate) evidence: Vec<(&'static str, String)>,
    pub(crate) templates: Vec<[String; 5]>,
    pub(crate) latencies: String,
    pub(crate) sides: Vec<(&'static str, String, String)>,
    pub(crate) time_line: String,
    pub(crate) log: Vec<Entry>,
    pub(crate) older: usize,
    pub(crate) trouble: Option<String>,
    pub(crate) artifact: String,
}

/// A large number with its label and a line of small print.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    pub(crate) note: String,
}

/// One rung of the ladder.
pub(crate) struct Rung {
    pub(crate) name: String,
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
}

/// A training run.
pub(crate) struct Train {
    pub(crate) phase: String,
    pub(crate) step: u64,
    pub(crate) steps: u64,
    pub(crate) loss: String,
    pub(crate) valid: String,
}

/// One line of the gate.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) meaning: &'static str,
    pub(crate) need: String,
    pub(crate) have: String,
    pub(crate) range: String,
    pub(crate) margin: String,
    pub(crate) class: &'static str,
    pub(crate) word: &'static str,
    pub(crate) chart: String,
    pub(crate) to_go: String,
}

/// One decision.
pub(crate) struct Entry {
    pub(crate) sentence: String,
    pub(crate) kind: &'static str,
    pub(crate) actor: String,
    pub(crate) ago: String,
    pub(crate) at: String,
    pub(crate) seq: u64,
    pub(crate) digest: String,
}

fn meaning(name: &str) -> &'static str {
    match name {
        "A" => "agreement with the teacher, over the teacher's with itself",
        "S" => "size of the artifact and its base",
        "L" => "p95 latency against the teacher's",
        "C" => "cost against the teacher's list price",
        "V" => "answered validly, in time, not abstained",
        "K" => "0.40 A + 0.15 (S + L + C + V)",
        "K, champion" => "what the student in service has on the same requests",
        _ => "",
    }
}

/// How many more requests the lower bound needs at the present mean: a bound's distance from its mean
/// shrinks with the square root of the evidence. An estimate, and shown as one.
pub(crate) fn to_go(b: Bounds, need: Ppm, n: u64) -> Option<u64> {
    if b.lcb >= need || b.v <= need || n == 0 {
        return None;
    }
    let ratio = f64::from(b.v.0 - b.lcb.0) / f64::from(b.v.0 - need.0);
    let more = (n as f64 * (ratio * ratio - 1.0)).ceil();
    Some(more.clamp(1.0, 1e9) as u64)
}

pub(crate) fn line(axis: &AxisStatus, scale: Scale, n: u64) -> Line {
    let (need, have) = (axis.need, axis.have);
    let to_go = match (have, need) {
        (Some(b), Some(need)) if b.lcb < need => to_go(b, need, n).map_or_else(
            || String::from("not at this mean"),
            |more| format!("≈ {} more", words::count(more)),
        ),
        (Some(_), Some(_) | None) | (None, None) => String::new(),
        (None, Some(_)) => String::from("no evidence yet"),
    };
    Line {
        name: axis.name.clone(),
        meaning: meaning(&axis.name),
        need: need.map_or_else(|| String::from("–"), words::score),
        have: have.map_or_else(|| String::from("–"), |b| words::score(b.v)),
        range: have.map(words::range).unwrap_or_default(),
        margin: have.zip(need).map_or_else(|| String::from("–"), |(b, need)| words::margin(b.lcb, need)),
        class: have.map_or("none", |b| chart::standing(b, need).class()),
        word: have.map_or("∅ no data", |b| chart::standing(b, need).word()),
        chart: chart::interval(scale, &axis.name, have, need),
        to_go,
    }
}

fn gate(route: &RouteStatus) -> (Vec<Line>, String) {
    let mut axes = route.axes.clone();
    if route.ceiling.is_some() || !axes.is_empty() {
        axes.push(AxisStatus { name: String::from("noise ceiling"), need: None, have: route.ceiling });
    }
    let shown = axes.iter().flat_map(|a| [a.need, a.have.map(|b| b.lcb)]).flatten();
    let scale = Scale::over(shown);
    let mut lines: Vec<Line> = axes.iter().map(|axis| line(axis, scale, route.n.requests)).collect();
    if let Some(ceiling) = lines.last_mut().filter(|l| l.name == "noise ceiling") {
        ceiling.meaning = "the teacher's agreement with itself: nobody can do better";
    }
    (lines, chart::axis(scale))
}

fn ladder(route: &RouteStatus) -> Vec<Rung> {
    let mut names = vec![String::from("collect"), String::from("distill"), String::from("shadow")];
    names.extend(route.ladder.iter().map(ToString::to_string));
    let here = match route.stage {
        Stage::Collecting => 0,
        Stage::Distilling => 1,
        Stage::Shadow | Stage::Paused | Stage::Cooldown | Stage::Rejected => 2,
        Stage::Step(weight) => 2 + rung_of(&route.ladder, weight),
        Stage::Full => names.len() - 1,
    };
    let halted = matches!(route.stage, Stage::Paused | Stage::Cooldown | Stage::Rejected);
    let last = names.len() - 1;
    names
        .into_iter()
        .enumerate()
        .map(|(i, name)| match i {
            i if i < here => Rung { name, class: "done", word: "done" },
            i if i == here && halted => Rung { name, class: "here halted", word: "stopped" },
            i if i == here && here == last => Rung { name, class: "here", word: "arrived" },
            i if i == here => Rung { name, class: "here", word: "here" },
            i if i == here + 1 && !halted => Rung { name, class: "next", word: "next" },
            _ => Rung { name, class: "later", word: "later" },
        })
        .collect()
}

/// The position of a weight on the ladder, from 1.
fn rung_of(ladder: &[Weight], weight: Weight) -> usize {
    ladder.partition_point(|rung| *rung < weight) + 1
}

/// The intents that make sense of a route, with what their buttons say.
fn intents(route: &RouteStatus) -> Vec<(&'static str, &'static str)> {
    use IntentKind::{Dismiss, Pause, PromoteOneStep, Resume, Rollback};
    let kinds: &[IntentKind] = match (route.stage, &route.challenger) {
        (Stage::Shadow, _) => &[PromoteOneStep, Pause],
        (Stage::Step(_), None) => &[PromoteOneStep, Pause, Rollback],
        (Stage::Step(_) | Stage::Full, Some(_)) => &[PromoteOneStep, Dismiss, Pause, Rollback],
        (Stage::Full, None) => &[Pause, Rollback],
        (Stage::Paused, _) => &[Resume],
        (Stage::Collecting | Stage::Distilling | Stage::Cooldown | Stage::Rejected, _) => &[],
    };
    kinds.iter().map(|kind| (lookup::slug(*kind), button(*kind))).collect()
}

/// What a button says.
pub(crate) fn button(kind: IntentKind) -> &'static str {
    match kind {
        IntentKind::Pause => "Pause",
        IntentKind::Resume => "Resume",
        IntentKind::Rollback => "Roll back",
        IntentKind::PromoteOneStep => "Promote one step",
        IntentKind::Dismiss => "Dismiss the challenger",
    }
}

/// What an intent does, from what to what, before it is sent.
pub(crate) fn consequence(kind: IntentKind, route: &RouteStatus) -> String {
    let (now, stage) = (route.weight, route.stage);
    match kind {
        IntentKind::Pause => format!(
            "Weight goes from {now} to 0 %: the teacher answers every request, and the ladder stops at “{stage}” until somebody resumes it."
        ),
        IntentKind::Resume => {
            format!(
                "The route goes from “{stage}” to the shadow. Weight stays {now}; the gate decides about the rest."
            )
        }
        IntentKind::Rollback => {
            format!(
                "Weight goes from {now} to 0 % at once. A cooldown follows, then a new attempt with fresh evidence."
            )
        }
        IntentKind::Dismiss => {
            let share = route.challenger.as_ref().map_or(Weight::ZERO, |challenger| challenger.weight);
            format!(
                "The challenger's trial ends: its share goes from {share} to 0 %, and its callers are back with the student in service, at {now}."
            )
        }
        IntentKind::PromoteOneStep if stage == Stage::Full => String::from(
            "The challenger takes its next step without waiting out the dwell. Every floor of the gate still holds, and it has to beat the student in service.",
        ),
        IntentKind::PromoteOneStep => {
            let next = route.ladder.iter().find(|rung| **rung > now);
            let next = next.map_or_else(|| String::from("100 %"), ToString::to_string);
            format!(
                "Weight goes from {now} to {next} without waiting out the dwell. Every floor of the gate still holds: where one is missed, nothing moves."
            )
        }
    }
}

fn figures(route: &RouteStatus) -> Vec<Figure> {
    let speed = match (route.teacher_p95_us, route.student_p95_us) {
        (0, _) | (_, 0) => String::from("–"),
        (t, s) => format!("{:.1} ×", t as f64 / s as f64),
    };
    let bar = view::bar(route);
    let k_note = match (route.k.k, bar) {
        (Some(b), Some(bar)) => format!("{} against {}", words::range(b), words::score(bar)),
        (Some(b), None) => words::range(b),
        (None, Some(bar)) => format!("no evidence yet; bar {}", words::score(bar)),
        (None, None) => String::from("no evidence yet"),
    };
    vec![
        Figure {
            label: "Set weight",
            value: route.weight.to_string(),
            note: String::from("of the sticky buckets"),
        },
        Figure {
            label: "Actual share",
            value: route.actual.to_string(),
            note: String::from("of the last 1\u{202f}000 requests"),
        },
        Figure {
            label: "K",
            value: route.k.k.map_or_else(|| String::from("–"), |b| words::score(b.v)),
            note: k_note,
        },
        Figure {
            label: "Saved",
            value: words::money(route.savings.kept()),
            note: format!(
                "{} avoided − {} local",
                words::money(route.savings.avoided),
                words::money(route.savings.local)
            ),
        },
        Figure { label: "Student is faster", value: speed, note: String::from("teacher p95 ÷ student p95") },
    ]
}

fn evidence(route: &RouteStatus) -> Vec<(&'static str, String)> {
    let n = route.n;
    let pairs = match route.pairs_wanted.saturating_sub(route.pairs) {
        0 => words::count(route.pairs),
        more => format!("{}, {} to go", words::count(route.pairs), words::count(more)),
    };
    let drops = route.shadow_dropped.iter().map(|(why, n)| format!("{} {why}", words::count(*n)));
    let drops = drops.collect::<Vec<_>>().join(", ");
    vec![
        ("attempt", route.attempt.to_string()),
        ("eligible pairs", pairs),
        ("scored requests", words::count(n.requests)),
        ("closed units", words::count(n.units)),
        ("units at this step", words::count(n.step_units)),
        ("double-primary pairs", words::count(n.double_primary)),
        ("completeness", Ppm(n.completeness_ppm.min(1_000_000) as u32).to_string()),
        ("never scored", words::count(n.dropped)),
        ("not scored since the start", if drops.is_empty() { String::from("–") } else { drops }),
        ("critical violations", words::count(n.critical)),
        ("k-score-1, shown only", route.k_score_1.map_or_else(|| String::from("–"), |k| format!("{k:.4}"))),
    ]
}

fn sides(route: &RouteStatus) -> Vec<(&'static str, String, String)> {
    let known = |us: u64| if us == 0 { String::from("–") } else { words::micros(us) };
    let own = route.ceiling.map_or_else(|| String::from("–"), |b| words::score(b.v));
    let a = route.k.a.map_or_else(|| String::from("–"), |b| words::score(b.v));
    vec![
        ("p95 latency", known(route.teacher_p95_us), known(route.student_p95_us)),
        ("answered since the start", words::count(route.served_cloud), words::count(route.served_local)),
        ("agreement with the teacher", own, a),
        (
            "money",
            format!("{} paid", words::money(route.savings.paid)),
            format!("{} spent", words::money(route.savings.local)),
        ),
        ("fell back to the teacher", String::from("–"), words::count(route.fallbacks)),
        (
            "process",
            String::from("cloud"),
            String::from(if route.student_up { "answers" } else { "not running" }),
        ),
    ]
}

/// K and accuracy of each template: which of the route's tasks the student can do.
fn templates(route: &RouteStatus) -> Vec<[String; 5]> {
    let value = |have: Option<Bounds>| have.map_or_else(|| String::from("∅ no data"), |b| words::score(b.v));
    let line = |one: &TemplateStatus| {
        let key = one.template.chars().take(12).collect();
        [key, words::count(one.n.requests), value(one.k.a), value(one.k.v), value(one.k.k)]
    };
    route.templates.iter().map(line).collect()
}

fn entry(row: &DecisionRow, now: Timestamp) -> Entry {
    Entry {
        sentence: words::sentence(row),
        kind: row.kind.as_str(),
        actor: row.actor.clone(),
        ago: words::ago(row.t, now),
        at: rfc3339(row.t),
        seq: row.seq,
        digest: row.digest.chars().take(12).collect(),
    }
}

/// The page of `route` at `now`, with its decisions oldest first, or why there are none.
pub(crate) fn route(
    route: &RouteStatus,
    decisions: &Result<Vec<DecisionRow>, String>,
    now: Timestamp,
) -> Route {
    let rows = decisions.as_deref().unwrap_or_default();
    let (gate, axis) = gate(route);
    Route {
        now: words::utc(now),
        name: route.route.to_string(),
        namespace: route.namespace.to_string(),
        stage: route.stage.to_string(),
        tone: view::tone(route.stage),
        sentence: route.sentence.clone(),
        intents: intents(route),
        figures: figures(route),
        ladder: ladder(route),
        train: route.train.as_ref().map(|t| Train {
            phase: t.phase.clone(),
            step: t.step,
            steps: t.steps.max(1),
            loss: format!("{:.4}", t.loss),
            valid: format!("{:.3}", t.valid),
        }),
        gate,
        axis,
        challenger: challenger::panel(route),
        bets: bets::lines(&route.bets),
        evidence: evidence(route),
        templates: templates(route),
        latencies: chart::latencies(route.teacher_p95_us, route.student_p95_us),
        sides: sides(route),
        time_line: time_line::weight(rows, &route.ladder, now, Size::Full),
        log: rows.iter().rev().take(SHOWN).map(|row| entry(row, now)).collect(),
        older: rows.len().saturating_sub(SHOWN),
        trouble: decisions.as_ref().err().cloned(),
        artifact: route.artifact.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
