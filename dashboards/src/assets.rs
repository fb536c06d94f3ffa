//! The files that pages refer to, embedded, each under a name that holds its content's hash.
//!
//! **Invariant:** a name never answers with two contents, so every asset may be cached for ever.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

/// htmx 2.0.11 as published on npm (`htmx.org`, Zero-Clause BSD, `static/htmx.LICENSE`).
pub(crate) const HTMX: &[u8] = include_bytes!("../static/htmx-2.0.11.min.js");
/// The keys of the shadow's pages.
const KEYS: &[u8] = include_bytes!("../static/keys.js");
const CSS: &[u8] = include_bytes!("../static/kolm.css");
const ICON: &[u8] = include_bytes!("../static/icon.svg");

/// The paths of the assets, as templates print them.
pub(crate) struct Paths {
    /// The style sheet.
    pub(crate) css: String,
    /// htmx.
    pub(crate) htmx: String,
    /// The keys.
    pub(crate) keys: String,
    /// The icon.
    pub(crate) icon: String,
}

/// The style sheet itself, for a page that stands alone.
pub(crate) fn css() -> &'static str {
    std::str::from_utf8(CSS).unwrap_or_default()
}

fn named(stem: &str, bytes: &[u8], extension: &str) -> String {
    let digest = kolm_core::hex(&Sha256::digest(bytes));
    format!("/assets/{stem}-{}.{extension}", &digest[..16])
}

/// The paths, computed once.
pub(crate) fn paths() -> &'static Paths {
    static PATHS: OnceLock<Paths> = OnceLock::new();
    PATHS.get_or_init(|| Paths {
        css: named("kolm", CSS, "css"),
        htmx: named("htmx", HTMX, "js"),
        keys: named("keys", KEYS, "js"),
        icon: named("icon", ICON, "svg"),
    })
}

/// `GET /assets/{name}`.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let path = format!("/assets/{name}");
    let paths = paths();
    let (kind, bytes) = if path == paths.css {
        ("text/css; charset=utf-8", CSS)
    } else if path == paths.htmx {
        ("text/javascript; charset=utf-8", HTMX)
    } else if path == paths.keys {
        ("text/javascript; charset=utf-8", KEYS)
    } else if path == paths.icon {
        ("image/svg+xml", ICON)
    } else {
        return (StatusCode::NOT_FOUND, "no such asset\n").into_response();
    };
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, bytes).into_response()
}
