//! The pages: overview, route, the question before an intent, login. Each answers htmx with its inner
//! part alone and everybody else with the whole page.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode, header};
use kolm_core::{Answered, Intent, RouteName, Status};
use serde::Deserialize;

use crate::lookup::{self, Refusal};
use crate::{App, assets, guard, route, view, words};

/// The script that a page brings along; it works without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// None.
    None,
    /// htmx, which renews its inner part.
    Live,
    /// The keys of a review.
    Keys,
}

/// What every whole page shows around its content.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) css: &'static str,
    pub(crate) script: Option<&'static str>,
    pub(crate) icon: &'static str,
    pub(crate) version: String,
    pub(crate) listen: String,
    pub(crate) config: u64,
    pub(crate) up: String,
    pub(crate) refresh: bool,
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live<'a> {
    frame: Frame,
    path: &'a str,
    notice: Option<String>,
    inner: String,
}

#[derive(Template)]
#[template(path = "ask.html")]
struct Ask<'a> {
    frame: Frame,
    route: &'a str,
    kind: &'a str,
    button: &'a str,
    consequence: String,
    csrf: String,
    problem: Option<String>,
    reason: &'a str,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame,
    text: &'a str,
}

/// The frame of a page.
pub(crate) fn frame(app: &App, status: &Status, title: &str, script: Script) -> Frame {
    let paths = assets::paths();
    Frame {
        title: title.to_owned(),
        css: &paths.css,
        script: match script {
            Script::None => None,
            Script::Live => Some(&paths.htmx),
            Script::Keys => Some(&paths.keys),
        },
        icon: &paths.icon,
        version: status.version.clone(),
        listen: status.listen.clone(),
        config: status.config_version,
        up: words::span(app.doors.clock.now().since(status.since)),
        refresh: script == Script::Live,
    }
}

/// A rendered page.
pub(crate) fn html(code: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => (code, [(header::VARY, "hx-request")], Html(page)).into_response(),
        Err(error) => {
            tracing::error!(%error, "page not rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be rendered\n").into_response()
        }
    }
}

fn live(
    frame: Frame,
    path: &str,
    notice: Option<String>,
    inner: &impl Template,
    headers: &HeaderMap,
) -> Response {
    if headers.contains_key("hx-request") {
        return html(StatusCode::OK, inner);
    }
    match inner.render() {
        Ok(inner) => html(StatusCode::OK, &Live { frame, path, notice, inner }),
        Err(_) => html(StatusCode::OK, inner),
    }
}

/// A page that htmx renews, with the frame of the present state.
pub(crate) fn live_page(
    app: &App,
    title: &str,
    path: &str,
    inner: &impl Template,
    headers: &HeaderMap,
) -> Response {
    live(frame(app, &(app.doors.status)(), title, Script::Live), path, None, inner, headers)
}

/// A page that only says something.
pub(crate) fn message(app: &App, code: StatusCode, title: &str, text: &str) -> Response {
    html(code, &Message { frame: frame(app, &Status::default(), title, Script::None), text })
}

/// `GET /`.
pub(crate) async fn overview(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let decisions = (app.doors.decisions)(None).await;
    let status = (app.doors.status)();
    let inner = view::overview(&status, &decisions, app.doors.clock.now());
    live(frame(&app, &status, "Overview", Script::Live), "/", None, &inner, &headers)
}

/// What a redirect after an intent carries.
#[derive(Deserialize)]
pub(crate) struct Asked {
    asked: Option<String>,
}

/// `GET /routes/{route}`.
pub(crate) async fn route(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let Ok(parsed) = name.parse::<RouteName>() else { return no_route(&app) };
    let status = (app.doors.status)();
    let Some(found) = lookup::find(&status, &name) else { return no_route(&app) };
    let decisions = (app.doors.decisions)(Some(parsed)).await;
    let inner = route::route(found, &decisions, app.doors.clock.now());
    let notice = query.asked.as_deref().and_then(lookup::kind).map(|kind| {
        format!("Asked for: {}. The decision stands below as soon as it is taken.", route::button(kind))
    });
    live(frame(&app, &status, &name, Script::Live), &format!("/routes/{name}"), notice, &inner, &headers)
}

/// `GET /routes/{route}/ask/{kind}`: from what to what, and why.
pub(crate) async fn ask(State(app): State<Arc<App>>, Path((name, slug)): Path<(String, String)>) -> Response {
    question(&app, &name, &slug, StatusCode::OK, None, "")
}

fn question(
    app: &App,
    name: &str,
    slug: &str,
    code: StatusCode,
    problem: Option<String>,
    reason: &str,
) -> Response {
    let status = (app.doors.status)();
    let (Some(found), Some(kind)) = (lookup::find(&status, name), lookup::kind(slug)) else {
        return no_route(app);
    };
    let button = route::button(kind);
    let page = Ask {
        frame: frame(app, &status, &format!("{button} {name}"), Script::None),
        route: name,
        kind: slug,
        button,
        consequence: route::consequence(kind, found),
        csrf: guard::csrf(&app.settings),
        problem,
        reason,
    };
    html(code, &page)
}

/// The form of an intent.
#[derive(Deserialize)]
pub(crate) struct IntentForm {
    kind: String,
    reason: String,
    csrf: String,
}

/// `POST /routes/{route}/intents`.
pub(crate) async fn intent(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Form(form): Form<IntentForm>,
) -> Response {
    if !guard::is_csrf(&app.settings, &form.csrf) {
        return stale(&app);
    }
    let (Ok(route), Some(kind)) = (name.parse::<RouteName>(), lookup::kind(&form.kind)) else {
        return no_route(&app);
    };
    let reason = form.reason.trim().to_owned();
    match lookup::submit(&app, Intent { route, kind, actor: String::from("dashboard"), reason }) {
        Ok(answer) => match answer.await {
            Some(Answered { sentence, decision: None }) => {
                question(&app, &name, &form.kind, StatusCode::CONFLICT, Some(sentence), &form.reason)
            }
            // The page follows the route by itself.
            Some(_) | None => Redirect::to(&format!("/routes/{name}?asked={}", form.kind)).into_response(),
        },
        Err(Refusal::NoRoute) => no_route(&app),
        Err(no @ Refusal::Reason) => {
            question(&app, &name, &form.kind, StatusCode::BAD_REQUEST, Some(no.sentence()), &form.reason)
        }
        Err(no @ Refusal::Said(_)) => {
            question(&app, &name, &form.kind, StatusCode::CONFLICT, Some(no.sentence()), &form.reason)
        }
    }
}

/// `GET /login`, for addresses off the loopback.
pub(crate) async fn login(State(app): State<Arc<App>>) -> Response {
    html(
        StatusCode::OK,
        &Login { frame: frame(&app, &Status::default(), "Log in", Script::None), problem: None },
    )
}

/// The form of a login.
#[derive(Deserialize)]
pub(crate) struct LoginForm {
    token: String,
}

/// `POST /login`.
pub(crate) async fn sign_in(State(app): State<Arc<App>>, Form(form): Form<LoginForm>) -> Response {
    if guard::is_token(&app.settings, form.token.trim()) {
        return ([(header::SET_COOKIE, guard::cookie(&app.settings))], Redirect::to("/")).into_response();
    }
    let frame = frame(&app, &Status::default(), "Log in", Script::None);
    html(StatusCode::UNAUTHORIZED, &Login { frame, problem: Some("That is not the token.") })
}

/// The answer to a form without the token of this process.
pub(crate) fn stale(app: &App) -> Response {
    message(
        app,
        StatusCode::FORBIDDEN,
        "Not sent",
        "This form is stale. Go back, reload the page, and send it again.",
    )
}

/// The answer where a path names no route.
pub(crate) fn no_route(app: &App) -> Response {
    message(
        app,
        StatusCode::NOT_FOUND,
        "Not found",
        "There is no such route. It may have left the configuration.",
    )
}

/// Everything else.
pub(crate) async fn not_found(State(app): State<Arc<App>>) -> Response {
    message(&app, StatusCode::NOT_FOUND, "Not found", "There is no such page.")
}
