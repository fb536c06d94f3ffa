//! Who may ask: the `Host` of this machine only, a login when bound off the loopback, the bearer token
//! for the API's POSTs, a CSRF token for the pages'.
//!
//! **Invariant:** no handler runs for a `Host` that is a name other than `localhost` (DNS rebinding),
//! and nothing is compared with a secret in time that depends on it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use sha2::Sha256;

use crate::{App, Settings};

const CSP: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The name of the login cookie.
const COOKIE: &str = "kolm_session";

/// Refuses strangers, then adds the security headers to whatever is answered.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match check(&app.settings, request.method(), request.uri(), request.headers()) {
        Pass::Through => next.run(request).await,
        Pass::Stranger => {
            (StatusCode::MISDIRECTED_REQUEST, "this address answers for its own host only\n").into_response()
        }
        Pass::Token => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
            "the bearer token is missing or wrong\n",
        )
            .into_response(),
        Pass::Login => Redirect::to("/login").into_response(),
        Pass::Foreign => (StatusCode::FORBIDDEN, "this form was sent from another site\n").into_response(),
    };
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// A handler answers.
    Through,
    /// The `Host` is not ours.
    Stranger,
    /// The bearer token is needed.
    Token,
    /// A login is needed.
    Login,
    /// A form of another origin.
    Foreign,
}

/// The rule, as a function of what was sent.
pub(crate) fn check(settings: &Settings, method: &Method, uri: &Uri, headers: &HeaderMap) -> Pass {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    let host = host.or_else(|| uri.authority().map(|a| a.as_str()));
    let Some(host) = host.filter(|h| is_ours(h, settings.address.ip())) else {
        return Pass::Stranger;
    };
    let path = uri.path();
    let machine = path.starts_with("/api/") || path.starts_with("/admin/") || path == "/metrics";
    let reads = method == Method::GET || method == Method::HEAD;
    let open = ["/healthz", "/readyz", "/login"].contains(&path) || path.starts_with("/assets/");
    if !reads && !machine && foreign(headers, host) {
        return Pass::Foreign;
    }
    if open || bearer(settings, headers) {
        return Pass::Through;
    }
    if machine && !reads {
        return Pass::Token;
    }
    if settings.address.ip().is_loopback() || logged_in(settings, headers) {
        return Pass::Through;
    }
    if machine { Pass::Token } else { Pass::Login }
}

/// Loopback names and addresses, the address bound to, or any address when bound to all of them:
/// an address cannot be rebound, a name can.
fn is_ours(host: &str, bound: IpAddr) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == bound || bound.is_unspecified())
}

fn foreign(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|s| s.to_str().ok());
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return true;
    }
    let origin = headers.get(header::ORIGIN).map(|o| o.to_str().unwrap_or("null"));
    origin.is_some_and(|o| o.split_once("://").is_none_or(|(_, authority)| authority != host))
}

fn bearer(settings: &Settings, headers: &HeaderMap) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    sent.and_then(|v| v.strip_prefix("Bearer ")).is_some_and(|given| is_token(settings, given))
}

fn logged_in(settings: &Settings, headers: &HeaderMap) -> bool {
    let wanted = derived(settings, "session");
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    !settings.token.is_empty()
        && cookies.flat_map(|line| line.split(';')).any(|pair| {
            pair.trim().split_once('=').is_some_and(|(name, value)| name == COOKIE && same(value, &wanted))
        })
}

/// Whether `given` is the token.
pub(crate) fn is_token(settings: &Settings, given: &str) -> bool {
    !settings.token.is_empty() && same(given, &settings.token)
}

/// The `set-cookie` value of a login.
pub(crate) fn cookie(settings: &Settings) -> String {
    format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict", derived(settings, "session"))
}

/// The token that every form carries.
pub(crate) fn csrf(settings: &Settings) -> String {
    derived(settings, "csrf")
}

/// Whether `given` is the token that every form carries.
pub(crate) fn is_csrf(settings: &Settings, given: &str) -> bool {
    !settings.token.is_empty() && same(given, &csrf(settings))
}

fn derived(settings: &Settings, purpose: &str) -> String {
    // A key of any length is valid, so the error arm is never taken; it yields a value nobody can send.
    match Hmac::<Sha256>::new_from_slice(settings.token.as_bytes()) {
        Ok(mac) => {
            let mac = mac.chain_update(b"kolm-dashboard/1\n").chain_update(purpose);
            kolm_core::hex(&mac.finalize().into_bytes())
        }
        Err(_) => String::from("\n"),
    }
}

fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
