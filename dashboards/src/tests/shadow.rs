//! The shadow's pages, the log and the savings, with a store of two diffs.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode, header};
use kolm_core::{
    Answer, Arm, DecisionRow, DiffAxis, DiffCounts, DiffDetail, DiffFilter, DiffKind, DiffPage, DiffRow,
    MicroUsd, Ppm, Review, Spent, Timestamp, ToolCall, Turn, Verdict,
};

use super::fixture::{self, Seen};
use super::{api, app, get, page, send, settings, text};
use crate::{ShadowDoors, guard};

fn row(n: usize) -> DiffRow {
    let decision = &fixture::rows()[n];
    DiffRow {
        id: decision.id,
        t: Timestamp(fixture::NOW.0 - 61_000),
        route: "support".parse().unwrap(),
        kind: if n == 0 { DiffKind::Shadow } else { DiffKind::Reverse },
        a: if n == 0 { Some(Ppm(0)) } else { None },
        b: Some(Ppm(968_000)),
        served: n == 0,
        critical: n == 0,
        student_us: 3_240,
        teacher_us: 1_310_000,
        verdict: Verdict::Unread,
        text: "Where is <b>my</b> parcel?".into(),
        teacher: "order tracking".into(),
        student: if n == 0 { "refund tracking".into() } else { String::new() },
    }
}

fn detail(n: usize) -> DiffDetail {
    let call =
        |city: &str| ToolCall { name: "find".into(), arguments: format!(r#"{{"city":"{city}","n":1}}"#) };
    DiffDetail {
        row: row(n),
        namespace: "support".parse().unwrap(),
        artifact: fixture::artifact(),
        attempt: 2,
        unit: "conv-1".into(),
        template_hash: "0011223344556677".into(),
        turns: vec![
            Turn { role: "system".into(), text: "Say the intent.".into() },
            Turn { role: "user".into(), text: "Where is <b>my</b> parcel?".into() },
        ],
        teacher_said: Answer { text: "order tracking".into(), calls: vec![call("Bern")] },
        student_said: (n == 0).then(|| Answer { text: "refund tracking".into(), calls: vec![call("Basel")] }),
        student_ttft_us: 0,
        teacher_ttft_us: 410_000,
        tokens_in: 31,
        teacher_tokens: 4,
        student_tokens: -1,
        student_cost: MicroUsd(1),
        teacher_cost: MicroUsd(42),
        note: String::new(),
        corrected: String::new(),
        reviewer: String::new(),
        reviewed_at: None,
        place: n as u64 + 1,
        total: 2,
        next: (n == 0).then(|| row(1).id),
        previous: (n == 1).then(|| row(0).id),
    }
}

pub(crate) fn doors(seen: &Seen) -> ShadowDoors {
    let (queries, reviews) = (seen.queries.clone(), seen.reviews.clone());
    ShadowDoors {
        page: Arc::new(move |query| {
            queries.lock().unwrap().push(query);
            let counts = DiffCounts { same: 1_200, better: 3, worse: 41, unscored: 7, unread: 1_251 };
            let templates = vec![("0011223344556677".into(), 1_251)];
            let page = DiffPage { counts, total: 60, templates, rows: vec![row(0), row(1)] };
            Box::pin(async { Ok(page) })
        }),
        diff: Arc::new(|id, _: DiffFilter| {
            let found = [detail(0), detail(1)].into_iter().find(|diff| diff.row.id == id);
            Box::pin(async { Ok(found) })
        }),
        review: Arc::new(move |review| {
            let known = [row(0).id, row(1).id].contains(&review.id);
            if known {
                reviews.lock().unwrap().push(review);
            }
            Box::pin(async move { Ok(known) })
        }),
    }
}

pub(crate) fn spent() -> Vec<Spent> {
    let of = |arm, requests, price| Spent {
        route: "support".parse().unwrap(),
        arm,
        requests,
        tokens_in: requests * 31,
        tokens_out: requests * 4,
        list_price: MicroUsd(price),
    };
    vec![of(Arm::Student, 1_912, 12_410_000), of(Arm::Teacher, 188_400, 1_204_000_000)]
}

fn has(page: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(page.contains(wanted), "missing {wanted:?} in\n{page}");
    }
}

#[tokio::test]
async fn the_queue_shows_the_worst_and_a_button_for_each_verdict() {
    let page = page("/routes/support/shadow").await;
    has(
        &page,
        &[
            "<dt>worse</dt><dd>41</dd>",
            "1–2 of 60",
            "<option value=\"unread\" selected>unread</option>",
            "<option value=\"0011223344556677\">0011223344556677 (1\u{202f}251)</option>",
            "Where is &#60;b&#62;my&#60;/b&#62; parcel?",
            "<span class=\"chip bad\">critical</span>",
            "abstained: it handed the request on",
            "student 3.2 ms, teacher 1.31 s",
            "value=\"accept\" aria-keyshortcuts=\"a\"",
            "href=\"/routes/support/shadow?page=2\"",
        ],
    );
    assert!(!page.contains("Worse ones"), "the first page has none before it");
}

#[tokio::test]
async fn the_query_string_is_the_filter() {
    let seen = Seen::default();
    for (query, link) in [
        ("", ""),
        ("?verdict=any&axis=latency&kind=reverse&template=0011223344556677&student=any&page=3", ";page=4"),
        ("?verdict=nonsense%22%3E&axis=%26&page=-1", ""),
    ] {
        let page = text(send(app(&seen), get(&format!("/routes/support/shadow{query}"))).await).await;
        assert!(page.contains(link) && !page.contains("nonsense"), "{query}");
    }
    let queries = seen.queries.lock().unwrap();
    let first = DiffFilter {
        verdict: Some(Verdict::Unread),
        artifact: Some(fixture::artifact()),
        ..DiffFilter::default()
    };
    let second = DiffFilter {
        verdict: None,
        axis: Some(DiffAxis::Latency),
        kind: Some(DiffKind::Reverse),
        template: Some("0011223344556677".into()),
        artifact: None,
    };
    assert_eq!((&queries[0].filter, queries[0].offset), (&first, 0));
    assert_eq!((&queries[1].filter, queries[1].offset, queries[1].limit), (&second, 50, 25));
    assert_eq!((queries[2].filter.verdict, queries[2].filter.axis, queries[2].offset), (None, None, 0));
}

#[tokio::test]
async fn a_diff_shows_both_answers_and_what_differs() {
    let page = page(&format!("/shadow/{}?verdict=any", row(0).id)).await;
    has(
        &page,
        &[
            "1 of 2, worst first",
            "<dt>system</dt><dd>Say the intent.</dd>",
            "1 word gone, 1 new; calls: 1 difference",
            "<del><span class=\"sign\">−</span>order</del><ins><span class=\"sign\">+</span>refund</ins> tracking",
            "<th scope=\"row\" class=\"mono\">find $.city</th>",
            "<span class=\"sign\">−</span>&#34;Bern&#34;</del>",
            "$0.000001 measured",
            "aria-keyshortcuts=\"j\">Next",
            "maxlength=\"16000\"",
        ],
    );
    assert!(page.contains(&format!("rel=\"next\" href=\"/shadow/{}?verdict=any\"", row(1).id)));
    assert!(!page.contains("Previous") && !page.contains("Take back"));
    let last = self::page(&format!("/shadow/{}", row(1).id)).await;
    has(&last, &["Previous", "There is one answer only.", "abstained: it handed the request on"]);
}

async fn post(seen: &Seen, path: &str, body: String) -> (StatusCode, String, String) {
    let request = Request::post(path)
        .header("host", "localhost:8766")
        .header("origin", "http://localhost:8766")
        .header("content-type", "application/x-www-form-urlencoded");
    let response = send(app(seen), request.body(Body::from(body)).unwrap()).await;
    let to = response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
    (response.status(), to.unwrap_or_default(), text(response).await)
}

#[tokio::test]
async fn a_review_goes_through_its_door_and_leads_on() {
    let (seen, csrf) = (Seen::default(), guard::csrf(&settings("127.0.0.1:8766")));
    let (first, last) = (row(0).id, row(1).id);
    let form = |rest: &str| format!("csrf={csrf}&{rest}");
    let at = |id| format!("/shadow/{id}?axis=accuracy&page=2");
    let stale = post(&seen, &at(first), "csrf=stale&verdict=accept".into()).await;
    assert_eq!(stale.0, StatusCode::FORBIDDEN);
    assert_eq!(post(&seen, &at(first), form("verdict=perhaps")).await.0, StatusCode::BAD_REQUEST);
    let long = post(&seen, &at(first), form(&format!("verdict=edit&corrected={}", "x".repeat(16_001)))).await;
    assert!(long.0 == StatusCode::BAD_REQUEST && long.2.contains("xxxx"), "what was written is kept");
    assert!(seen.reviews.lock().unwrap().is_empty());
    let edited = form("verdict=edit&note=+why+&corrected=+track%0D%0Aorder+&then=next");
    let (status, to, _) = post(&seen, &at(first), edited).await;
    assert_eq!((status, to), (StatusCode::SEE_OTHER, format!("/shadow/{last}?axis=accuracy")));
    let (_, to, _) = post(&seen, &at(first), form("verdict=accept&then=queue")).await;
    assert_eq!(to, "/routes/support/shadow?axis=accuracy&page=2");
    let (_, to, _) = post(&seen, &at(last), form("verdict=reject&then=next")).await;
    assert_eq!(to, "/routes/support/shadow?axis=accuracy&page=2", "behind the last is the queue");
    let reviews = seen.reviews.lock().unwrap();
    let wanted = Review {
        id: first,
        verdict: Verdict::Edit,
        note: "why".into(),
        corrected: "track\norder".into(),
        reviewer: "dashboard".into(),
    };
    assert_eq!((reviews.len(), &reviews[0]), (3, &wanted));
}

#[tokio::test]
async fn machines_review_too() {
    let seen = Seen::default();
    let review =
        |id: &str, verdict: &str| format!(r#"{{"id":"{id}","verdict":"{verdict}","reviewer":"bob"}}"#);
    let (id, unknown) = (row(0).id.to_string(), "00000000-0000-7000-8000-000000000000");
    for (body, wanted) in [
        (review(&id, "accept"), StatusCode::OK),
        (review(&id, "perhaps"), StatusCode::UNPROCESSABLE_ENTITY),
        (review(unknown, "accept"), StatusCode::NOT_FOUND),
        (String::from("{"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(api(&seen, "/api/v1/reviews", &body).await.0, wanted, "{body}");
    }
    let diff: DiffDetail = serde_json::from_str(&page(&format!("/api/v1/shadow/{id}")).await).unwrap();
    assert_eq!(diff, detail(0));
    let queue: DiffPage = serde_json::from_str(&page("/api/v1/routes/support/shadow").await).unwrap();
    assert_eq!((queue.total, queue.rows.len()), (60, 2));
    for missing in
        ["/shadow/nope", "/routes/nowhere/shadow", "/api/v1/shadow/nope", "/api/v1/routes/x/shadow"]
    {
        assert_eq!(send(app(&seen), get(missing)).await.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn the_log_is_sentences_with_evidence_and_lines_for_machines() {
    let log = page("/decisions").await;
    has(
        &log,
        &[
            "1–10 of 10",
            "Rolled back 5 % → 0 % because student_crash",
            "alice: “release day &#60;b&#62;freeze&#60;/b&#62;”",
            "<dt>A</dt><dd>0.951 (0.893–0.978)</dd>",
            "<dt>K</dt><dd>no evidence</dd>",
            "id=\"support-9\"",
        ],
    );
    assert!(log.find("support-9\"") < log.find("support-0\""), "newest first");
    assert!(page("/decisions?route=triage").await.contains("None yet."));
    let response = send(app(&Seen::default()), get("/api/v1/decisions.jsonl")).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-ndjson");
    let lines = text(response).await;
    let rows: Vec<DecisionRow> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, fixture::rows());
}

#[tokio::test]
async fn savings_count_money_and_tokens_by_route() {
    let page = page("/savings").await;
    has(
        &page,
        &[
            "<dt>Net</dt><dd>$12.28</dd>",
            "<dt>Invested</dt><dd>$0.0960</dd>",
            "no local answer yet",
            "<title>Money by route</title>",
            "59\u{202f}272",
        ],
    );
    let told: serde_json::Value = serde_json::from_str(&self::page("/api/v1/savings").await).unwrap();
    assert_eq!(told["routes"][0]["captured"][0]["list_price"], 12_410_000);
    assert_eq!(told["routes"][1]["captured"], serde_json::json!([]));
}
