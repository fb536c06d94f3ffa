//! One diff: the request, the two answers and what differs, the numbers beside them, the form of a review.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use kolm_core::{Answer, DiffDetail, DiffKind, Turn, Verdict, rfc3339};

use super::{Asked, queue};
use crate::compare::{self, Difference};
use crate::{App, guard, pages, words};

#[derive(Template)]
#[template(path = "diff.html")]
struct Page<'a> {
    frame: pages::Frame,
    id: String,
    route: &'a str,
    place: String,
    kind: &'static str,
    story: &'static str,
    verdict: Verdict,
    agreement: String,
    class: &'static str,
    own: String,
    critical: bool,
    at: String,
    ago: String,
    turns: &'a [Turn],
    teacher: &'a Answer,
    student: Option<&'a Answer>,
    beside: &'static str,
    silence: &'static str,
    difference: Option<Difference>,
    sides: Vec<(&'static str, String, String)>,
    facts: Vec<(&'static str, String)>,
    note: &'a str,
    corrected: &'a str,
    reviewed: String,
    csrf: String,
    query: String,
    queue: String,
    next: Option<String>,
    previous: Option<String>,
    problem: Option<&'a str>,
}

fn story(kind: DiffKind) -> &'static str {
    match kind {
        DiffKind::Shadow => "The client got the teacher's answer; the student was asked beside it.",
        DiffKind::Reverse => "The client got the student's answer; the teacher was asked as a control.",
        DiffKind::Double => "The client got the teacher's answer; the teacher was asked once more.",
    }
}

fn sides(diff: &DiffDetail) -> Vec<(&'static str, String, String)> {
    let time = |us: u64| if us == 0 { String::from("–") } else { words::micros(us) };
    let tokens = |n: i64| u64::try_from(n).map_or_else(|_| String::from("–"), words::count);
    vec![
        ("whole answer after", time(diff.row.teacher_us), time(diff.row.student_us)),
        ("first byte after", time(diff.teacher_ttft_us), time(diff.student_ttft_us)),
        ("tokens written", tokens(diff.teacher_tokens), tokens(diff.student_tokens)),
        (
            "cost",
            format!("{} list price", words::money(diff.teacher_cost)),
            format!("{} measured", words::money(diff.student_cost)),
        ),
    ]
}

fn facts(diff: &DiffDetail) -> Vec<(&'static str, String)> {
    let read = u64::try_from(diff.tokens_in).map_or_else(|_| String::from("unknown"), words::count);
    vec![
        ("tokens read", read),
        ("attempt", diff.attempt.to_string()),
        ("conversation", diff.unit.clone()),
        ("template", diff.template_hash.clone()),
        ("student", diff.artifact.to_string()),
    ]
}

fn reviewed(diff: &DiffDetail) -> String {
    match diff.reviewed_at {
        Some(at) if diff.row.verdict != Verdict::Unread => {
            format!("{} by {}, {}", diff.row.verdict, diff.reviewer, words::utc(at))
        }
        Some(_) | None => String::new(),
    }
}

/// The page.
pub(super) fn show(
    app: &App,
    diff: &DiffDetail,
    asked: &Asked,
    code: StatusCode,
    problem: Option<&str>,
) -> Response {
    let status = (app.doors.status)();
    let (route, query, row) = (diff.row.route.as_str(), asked.query(0), &diff.row);
    let (agreement, class) = queue::agreement(row);
    let link = |id: &kolm_core::RequestId| format!("/shadow/{id}{query}");
    let place = match diff.place {
        0 => String::from("reviewed: not in this queue any more"),
        place => format!("{} of {}, worst first", words::count(place), words::count(diff.total)),
    };
    let student = diff.student_said.as_ref();
    let page = Page {
        frame: pages::frame(app, &status, &format!("Diff on {route}"), pages::Script::Keys),
        id: row.id.to_string(),
        route,
        place,
        kind: row.kind.as_str(),
        story: story(row.kind),
        verdict: row.verdict,
        agreement,
        class,
        own: row.b.map(words::score).unwrap_or_default(),
        critical: row.critical,
        at: rfc3339(row.t),
        ago: words::ago(row.t, app.doors.clock.now()),
        turns: &diff.turns,
        teacher: &diff.teacher_said,
        student,
        beside: queue::beside(row.kind),
        silence: queue::silence(row),
        difference: student.map(|student| compare::compare(&diff.teacher_said, student)),
        sides: sides(diff),
        facts: facts(diff),
        note: &diff.note,
        corrected: &diff.corrected,
        reviewed: reviewed(diff),
        csrf: guard::csrf(&app.settings),
        queue: format!("/routes/{route}/shadow{query}"),
        next: diff.next.as_ref().map(link),
        previous: diff.previous.as_ref().map(link),
        query,
        problem,
    };
    pages::html(code, &page)
}
