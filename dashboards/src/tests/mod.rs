//! The router as a client sees it, over the doors of `fixture`.

mod browser;
pub(crate) mod fixture;
mod shadow;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{Request, StatusCode, header};
use kolm_core::{DecisionRow, IntentKind, Status};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::guard::{self, Pass};
use crate::{Settings, assets, router};
use fixture::Seen;

fn settings(address: &str) -> Settings {
    Settings { token: "t0ken".into(), address: address.parse().unwrap() }
}

fn app(seen: &Seen) -> Router {
    router(fixture::doors(seen), settings("127.0.0.1:8766"))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost:8766").body(Body::empty()).unwrap()
}

async fn send(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

async fn page(path: &str) -> String {
    let response = send(app(&Seen::default()), get(path)).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

#[test]
fn htmx_is_the_file_published_on_npm() {
    assert_eq!(
        kolm_core::hex(&Sha256::digest(assets::HTMX)),
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    );
}

#[tokio::test]
async fn the_overview_says_what_each_route_does() {
    let page = page("/").await;
    for wanted in [
        "dwells at 1 %, 62 of 100 units at this step",
        "0.970</span>",
        "0.940–0.986",
        "✓ met",
        "∅ no evidence",
        "$12.37",
        "Dwells at 1 %, waits for 38 units, 22 min; K 0.970 (0.940–0.986) on 1\u{202f}540 requests",
        "href=\"/routes/triage\"",
        "192\u{202f}546",
        "<b>9</b> queue_full",
        "12 exchanges were not captured",
        "as of 2026-09-21 14:13:20 UTC",
    ] {
        assert!(page.contains(wanted), "missing {wanted:?} in\n{page}");
    }
}

#[tokio::test]
async fn the_route_page_shows_ladder_gate_and_log() {
    let page = page("/routes/support").await;
    for wanted in [
        "<li class=\"done\"><span class=\"dot\" aria-hidden=\"true\"></span><b>shadow</b>",
        "<li class=\"here\" aria-current=\"step\"><span class=\"dot\" aria-hidden=\"true\"></span><b>1 %</b>",
        "<li class=\"next\"><span class=\"dot\" aria-hidden=\"true\"></span><b>5 %</b>",
        "<td class=\"num open\">−0.007</td>",
        "≈ 482 more",
        "∅ no data",
        "noise ceiling: 0.968 (0.941–0.985)",
        "A below its floor: e-value 41.2, loses at 526.4",
        "<td class=\"word met\">✓ refuted</td>",
        "A still at its floor: e-value 3.9, loses at 10\u{202f}000",
        "<td class=\"num\">2 cpu, 4 load</td>",
        "<td class=\"num\">0.7713</td>",
        "404.3 ×",
        "1.31 s",
        "Rolled back 5 % → 0 % because student_crash",
        "release day &#60;b&#62;freeze&#60;/b&#62;",
        "href=\"/routes/support/ask/promote_one_step\"",
        "href=\"/routes/support/ask/dismiss\"",
        "<h2 id=\"challenger\">Challenger</h2>",
        "<td class=\"num\">cccccccccccc</td>",
        "0 % of the route&#39;s 1 %",
        "what the student in service has on the same requests",
    ] {
        assert!(page.contains(wanted), "missing {wanted:?} in\n{page}");
    }
    assert!(!page.contains("<b>freeze"), "a reason is text, never markup");
    assert!(!page.contains("ask/resume"), "a route that runs cannot be resumed");
}

#[tokio::test]
async fn the_captures_page_counts_findings_and_shows_anonymized_pairs() {
    let page = page("/captures").await;
    for says in [
        "in the newest 2 121 pairs: 402 with findings, 3 quarantined",
        "<th scope=\"row\">NAME</th><td class=\"num\">390</td>",
        "<td>quarantined</td><td class=\"num\">3</td>",
        "Where is &#60;b&#62;my&#60;/b&#62; parcel? Peter Lang",
        "<li class=\"chip\">NAME 1</li>",
        "does not train: quarantined",
        "0011223344556677",
        "1 min ago",
    ] {
        assert!(page.contains(says) || page.replace('\u{202f}', " ").contains(says), "no `{says}` in {page}");
    }
    assert!(page.find("NAME</th>") < page.find("EMAIL</th>"), "most frequent first");
}

const PAGES: [&str; 10] = [
    "/",
    "/captures",
    "/decisions",
    "/savings",
    "/routes/support",
    "/routes/support/shadow",
    "/shadow/01a0bef3-2180-7000-8000-000000000000",
    "/routes/invoices",
    "/routes/support/ask/pause",
    "/login",
];

#[tokio::test]
async fn nothing_on_a_page_breaks_the_policy_or_leaves_the_host() {
    for path in PAGES {
        let response = send(app(&Seen::default()), get(path)).await;
        let csp = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(csp.starts_with("default-src 'self';"), "{csp}");
        let page = text(response).await;
        for banned in ["style=", "onclick", "http://", "https://", "//cdn"] {
            let found = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "").contains(banned);
            assert!(!found, "{path} holds {banned}");
        }
        for asset in page.split('"').filter(|part| part.starts_with("/assets/")) {
            let answer = send(app(&Seen::default()), get(asset)).await;
            assert_eq!(answer.status(), StatusCode::OK, "{asset}");
            assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        }
        for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            if link.starts_with('/') {
                assert_eq!(send(app(&Seen::default()), get(link)).await.status(), StatusCode::OK, "{link}");
            }
        }
    }
}

#[tokio::test]
async fn htmx_gets_the_inner_part_alone() {
    let mut request = get("/routes/support");
    request.headers_mut().insert("hx-request", "true".parse().unwrap());
    let inner = text(send(app(&Seen::default()), request).await).await;
    assert!(inner.starts_with("<p class=\"crumb\">") && !inner.contains("<html"));
    assert!(page("/routes/support").await.contains(&inner), "the whole page holds the same part");
}

#[test]
fn only_our_own_host_and_origin_pass() {
    let check = |bound: &str, method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        guard::check(&settings(bound), &parts.method, &parts.uri, &parts.headers)
    };
    let (local, lan) = ("127.0.0.1:8766", "10.0.0.5:8766");
    let session = guard::cookie(&settings(lan));
    let session = session.split(';').next().unwrap();
    let cases: [(&str, &str, &str, &[(&str, &str)], Pass); 19] = [
        (local, "GET", "/", &[("host", "localhost:8766")], Pass::Through),
        (local, "GET", "/", &[("host", "127.0.0.1")], Pass::Through),
        (local, "GET", "/", &[("host", "[::1]:8766")], Pass::Through),
        (local, "GET", "/", &[("host", "evil.example:8766")], Pass::Stranger),
        (local, "GET", "/", &[("host", "localhost.evil.example")], Pass::Stranger),
        (local, "GET", "/healthz", &[("host", "10.0.0.5")], Pass::Stranger),
        (local, "GET", "/", &[], Pass::Stranger),
        (local, "POST", "/api/v1/intents", &[("host", "localhost")], Pass::Token),
        (
            local,
            "POST",
            "/admin/freeze",
            &[("host", "localhost"), ("authorization", "Bearer nope1")],
            Pass::Token,
        ),
        (
            local,
            "POST",
            "/admin/freeze",
            &[("host", "localhost"), ("authorization", "Bearer t0ken")],
            Pass::Through,
        ),
        (
            local,
            "POST",
            "/routes/a/intents",
            &[("host", "localhost"), ("origin", "http://evil")],
            Pass::Foreign,
        ),
        (local, "POST", "/routes/a/intents", &[("host", "localhost"), ("origin", "null")], Pass::Foreign),
        (
            local,
            "POST",
            "/routes/a/intents",
            &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
            Pass::Foreign,
        ),
        (
            local,
            "POST",
            "/routes/a/intents",
            &[("host", "localhost"), ("origin", "http://localhost")],
            Pass::Through,
        ),
        (lan, "GET", "/", &[("host", "10.0.0.5:8766")], Pass::Login),
        (lan, "GET", "/", &[("host", "10.0.0.5:8766"), ("cookie", session)], Pass::Through),
        (lan, "GET", "/metrics", &[("host", "10.0.0.5:8766")], Pass::Token),
        (lan, "GET", "/healthz", &[("host", "10.0.0.5:8766")], Pass::Through),
        ("0.0.0.0:8766", "GET", "/", &[("host", "192.168.1.9:8766")], Pass::Login),
    ];
    for (bound, method, path, headers, wanted) in cases {
        assert_eq!(check(bound, method, path, headers), wanted, "{bound} {method} {path} {headers:?}");
    }
    let nobody = Settings { token: String::new(), address: local.parse().unwrap() };
    assert!(!guard::is_token(&nobody, "") && !guard::is_csrf(&nobody, &guard::csrf(&nobody)));
}

async fn post_form(seen: &Seen, csrf: &str, reason: &str) -> Response {
    let body = format!("kind=rollback&csrf={csrf}&reason={reason}");
    let request = Request::post("/routes/support/intents")
        .header("host", "localhost:8766")
        .header("origin", "http://localhost:8766")
        .header("content-type", "application/x-www-form-urlencoded");
    send(app(seen), request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_form_needs_its_token_and_a_reason() {
    let (seen, csrf) = (Seen::default(), guard::csrf(&settings("127.0.0.1:8766")));
    let ask = page("/routes/support/ask/rollback").await;
    assert!(ask.contains("Weight goes from 1 % to 0 % at once") && ask.contains(&csrf));
    assert_eq!(post_form(&seen, "stale", "why").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(post_form(&seen, &csrf, "++").await.status(), StatusCode::BAD_REQUEST);
    let refused = post_form(&seen, &csrf, "please+refuse").await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let again = text(refused).await;
    assert!(
        again.contains("the route is in cooldown") && again.contains("please refuse"),
        "the reason is kept"
    );
    assert!(seen.intents.lock().unwrap().is_empty());
    let nothing = post_form(&seen, &csrf, "in+vain").await;
    assert_eq!(nothing.status(), StatusCode::CONFLICT);
    assert!(text(nothing).await.contains("Not taken: paused at 0 %."), "what the reconciler says");
    seen.intents.lock().unwrap().clear();
    let taken = post_form(&seen, &csrf, "wrong+labels").await;
    assert_eq!(taken.status(), StatusCode::SEE_OTHER);
    assert_eq!(taken.headers()[header::LOCATION], "/routes/support?asked=rollback");
    let intents = seen.intents.lock().unwrap();
    assert_eq!(intents.len(), 1);
    assert_eq!((intents[0].kind, intents[0].reason.as_str()), (IntentKind::Rollback, "wrong labels"));
}

async fn api(seen: &Seen, path: &str, body: &str) -> (StatusCode, String) {
    let request = Request::post(path)
        .header("host", "127.0.0.1:8766")
        .header("authorization", "Bearer t0ken")
        .header("content-type", "application/json");
    let response = send(app(seen), request.body(Body::from(body.to_owned())).unwrap()).await;
    (response.status(), text(response).await)
}

#[tokio::test]
async fn the_api_takes_intents_reloads_and_freezes() {
    let seen = Seen::default();
    let intent = |route: &str, reason: &str| {
        format!(r#"{{"route":"{route}","kind":"pause","actor":"bob","reason":"{reason}"}}"#)
    };
    for (body, wanted) in [
        (intent("support", "because"), StatusCode::OK),
        (intent("support", " "), StatusCode::BAD_REQUEST),
        (intent("support", "refuse"), StatusCode::CONFLICT),
        (intent("nowhere", "because"), StatusCode::NOT_FOUND),
        (String::from("{"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(api(&seen, "/api/v1/intents", &body).await.0, wanted, "{body}");
    }
    assert_eq!(seen.intents.lock().unwrap()[0].actor, "bob");
    let (status, body) = api(&seen, "/admin/config/reload", "").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("40 % follows 50 %"));
    let (status, body) = api(&seen, "/admin/freeze", r#"{"namespace":"support","dir":"/tmp/s"}"#).await;
    assert!(status == StatusCode::OK && body.contains("snap-0011223344556677"), "{body}");
    let (status, _) = api(&seen, "/admin/freeze", r#"{"namespace":"support","dir":"here"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_configuration_is_read_and_replaced_with_its_digest() {
    let seen = Seen::default();
    let shown = send(app(&seen), get("/admin/config")).await;
    assert_eq!(
        (&shown.headers()["etag"], &shown.headers()["x-kolm-version"]),
        (&"\"d4\"".parse().unwrap(), &"4".parse().unwrap())
    );
    assert_eq!(shown.headers()["x-kolm-file"], "/etc/kolm/gateway.toml");
    assert_eq!(text(shown).await, "airgap = true\n");
    for (token, matches, by, body, status, says) in [
        ("t0ken", Some("\"d4\""), None, "airgap = false", 200, "\"by\":\"admin:token\""),
        ("t0ken", Some("d4"), Some("cli:ann"), "airgap = false", 200, "\"by\":\"cli:ann\""),
        ("t0ken", Some("d4"), Some("a b"), "airgap = false", 400, "x-kolm-author"),
        ("t0ken", Some("d4"), Some("bob"), "airgap = false", 200, "\"by\":\"admin:bob\""),
        ("t0ken", Some("d4"), None, "wrong", 422, "40 % follows 50 %"),
        ("t0ken", Some("old"), None, "airgap = false", 412, "d4"),
        ("t0ken", None, None, "airgap = false", 428, "if-match"),
        ("wrong", Some("d4"), None, "airgap = false", 401, "token"),
    ] {
        let mut request = Request::put("/admin/config")
            .header("host", "127.0.0.1:8766")
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in [("if-match", matches), ("x-kolm-author", by)] {
            if let Some(value) = value {
                request = request.header(name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        let response = send(app(&seen), request.body(Body::from(body)).unwrap()).await;
        let got = response.status().as_u16();
        let answer = text(response).await;
        assert!(got == status && answer.contains(says), "{body} {matches:?} {by:?}: {got} {answer}");
    }
}

#[tokio::test]
async fn machines_read_what_people_read() {
    let status: Status = serde_json::from_str(&page("/api/v1/status").await).unwrap();
    assert_eq!(status, fixture::status());
    let rows: Vec<DecisionRow> =
        serde_json::from_str(&page("/api/v1/routes/support/decisions").await).unwrap();
    assert_eq!(rows, fixture::rows());
    assert_eq!(page("/api/v1/templates").await, r#"[{"limit":20}]"#);
    assert_eq!(page("/api/v1/templates?limit=5000").await, r#"[{"limit":1000}]"#);
    let id = fixture::rows()[0].id;
    assert_eq!(page(&format!("/api/v1/pairs/{id}")).await, format!(r#"{{"id":"{id}"}}"#));
    assert_eq!(page("/api/v1/routes/support/statements").await, r#"[{"payload":"support"}]"#);
    for (path, says) in [
        ("/api/v1/routes/nowhere/statements", "no such route"),
        ("/api/v1/routes/support/decisions/99/sample", "no such decision"),
        ("/api/v1/routes/support/decisions/0/sample", "names no scores"),
    ] {
        let refused = send(app(&Seen::default()), get(path)).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(text(refused).await.contains(says), "{path}");
    }
    assert_eq!(page("/metrics").await, "kolm_up 1\n");
    assert_eq!(page("/healthz").await, "ok\n");
    assert_eq!(page("/readyz").await, "ready\n");
    for missing in [
        "/routes/nowhere",
        "/api/v1/pairs/nope",
        "/api/v1/pairs/00000000-0000-7000-8000-000000000000",
        "/routes/Bad Name".replace(' ', "%20").as_str(),
        "/shadow",
        "/assets/x.js",
    ] {
        assert_eq!(
            send(app(&Seen::default()), get(missing)).await.status(),
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}
