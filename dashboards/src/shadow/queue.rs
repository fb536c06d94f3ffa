//! The queue of a route: counts, filter, a page of diffs with a button for each verdict.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use kolm_core::{
    DiffAxis, DiffCounts, DiffFilter, DiffKind, DiffPage, DiffRow, RouteStatus, Status, Timestamp, Verdict,
    rfc3339,
};

use super::{Asked, PER_PAGE};
use crate::{App, guard, pages, words};

#[derive(Template)]
#[template(path = "shadow.html")]
struct Page<'a> {
    frame: pages::Frame,
    route: &'a str,
    counts: Vec<(&'static str, String, &'static str)>,
    choices: Vec<Choice>,
    query: String,
    csrf: String,
    range: String,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
    trouble: Option<String>,
}

/// One field of the filter.
struct Choice {
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String, bool)>,
}

/// One diff of the list.
struct Row {
    id: String,
    at: String,
    ago: String,
    kind: &'static str,
    critical: bool,
    agreement: String,
    class: &'static str,
    own: String,
    teacher_us: String,
    student_us: String,
    slower: bool,
    verdict: Verdict,
    text: String,
    teacher: String,
    student: String,
    silence: &'static str,
    beside: &'static str,
}

/// How the agreement of a diff reads, and its class.
pub(super) fn agreement(row: &DiffRow) -> (String, &'static str) {
    match row.a {
        Some(a) if a == kolm_core::Ppm::ONE => (String::from("same"), "met"),
        Some(a) if a.0 == 0 && !row.served => (String::from("failed"), "missed"),
        Some(a) if a.0 == 0 => (String::from("differs"), "missed"),
        Some(a) => (words::score(a), "open"),
        None if row.kind == DiffKind::Double => (String::from("–"), "none"),
        None => (String::from("abstained"), "none"),
    }
}

/// The name of who stands beside the teacher.
pub(super) fn beside(kind: DiffKind) -> &'static str {
    match kind {
        DiffKind::Shadow | DiffKind::Reverse => "Student",
        DiffKind::Double => "Teacher again",
    }
}

/// Why a student's answer is missing.
pub(super) fn silence(row: &DiffRow) -> &'static str {
    match (row.served, row.a) {
        (true, _) => "not kept any more",
        (false, None) => "abstained: it handed the request on",
        (false, Some(_)) => "failed: late, broken off or invalid",
    }
}

fn row(row: DiffRow, now: Timestamp) -> Row {
    let (agreement, class) = agreement(&row);
    Row {
        agreement,
        class,
        silence: silence(&row),
        beside: beside(row.kind),
        id: row.id.to_string(),
        at: rfc3339(row.t),
        ago: words::ago(row.t, now),
        kind: row.kind.as_str(),
        critical: row.critical,
        own: row.b.map(words::score).unwrap_or_default(),
        teacher_us: words::micros(row.teacher_us),
        student_us: words::micros(row.student_us),
        slower: row.kind != DiffKind::Double && row.student_us > row.teacher_us,
        verdict: row.verdict,
        text: row.text,
        teacher: row.teacher,
        student: row.student,
    }
}

fn counts(counts: DiffCounts) -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("same", words::count(counts.same), "the student agrees in full"),
        ("better", words::count(counts.better), "nearer to the teacher than the teacher to itself"),
        ("worse", words::count(counts.worse), "agrees in part or not at all"),
        ("not scored", words::count(counts.unscored), "abstained, or only the teacher was asked"),
        ("unread", words::count(counts.unread), "nobody has looked yet"),
    ]
}

fn choices(filter: &DiffFilter, asked: &Asked, templates: &[(String, u64)], student: bool) -> Vec<Choice> {
    let option = |value: &str, label: &str, chosen: bool| (value.to_owned(), label.to_owned(), chosen);
    let mut verdicts: Vec<_> = Verdict::ALL
        .iter()
        .map(|one| option(one.as_str(), one.as_str(), filter.verdict == Some(*one)))
        .collect();
    verdicts.push(option("any", "any", filter.verdict.is_none()));
    let mut axes = vec![option("any", "anything", filter.axis.is_none())];
    axes.extend(
        DiffAxis::ALL.iter().map(|one| option(one.as_str(), one.as_str(), filter.axis == Some(*one))),
    );
    let mut kinds = vec![option("any", "any", filter.kind.is_none())];
    kinds.extend(
        DiffKind::ALL.iter().map(|one| option(one.as_str(), one.as_str(), filter.kind == Some(*one))),
    );
    let mut tasks = vec![option("any", "any", filter.template.is_none())];
    tasks.extend(templates.iter().map(|(hash, n)| {
        (hash.clone(), format!("{hash} ({})", words::count(*n)), filter.template.as_ref() == Some(hash))
    }));
    let mut out = vec![
        Choice { name: "verdict", label: "Verdict", options: verdicts },
        Choice { name: "axis", label: "Bad at", options: axes },
        Choice { name: "kind", label: "Kind", options: kinds },
        Choice { name: "template", label: "Template", options: tasks },
    ];
    if student {
        let all = asked.student == "any";
        let options = vec![option("", "the present one", !all), option("any", "any", all)];
        out.push(Choice { name: "student", label: "Student", options });
    }
    out
}

/// The page.
pub(super) fn show(
    app: &App,
    status: &Status,
    route: &RouteStatus,
    asked: &Asked,
    page: Result<DiffPage, String>,
) -> Response {
    let (page, trouble) = match page {
        Ok(page) => (page, None),
        Err(why) => (DiffPage::default(), Some(why)),
    };
    let (at, name) = (asked.page(), route.route.as_str());
    let (from, shown) = (u64::from(at * PER_PAGE), page.rows.len() as u64);
    let link = |page| format!("/routes/{name}/shadow{}", asked.query(page));
    let filter = asked.filter(route.artifact.as_ref());
    let now = app.doors.clock.now();
    let page = Page {
        frame: pages::frame(app, status, &format!("Shadow of {name}"), pages::Script::Keys),
        route: name,
        counts: counts(page.counts),
        choices: choices(&filter, asked, &page.templates, route.artifact.is_some()),
        query: asked.query(at),
        csrf: guard::csrf(&app.settings),
        range: match shown {
            0 => String::from("none"),
            shown => format!("{}–{} of {}", from + 1, from + shown, words::count(page.total)),
        },
        previous: at.checked_sub(1).map(link),
        next: (from + shown < page.total).then(|| link(at + 1)),
        rows: page.rows.into_iter().map(|one| row(one, now)).collect(),
        trouble,
    };
    pages::html(StatusCode::OK, &page)
}
