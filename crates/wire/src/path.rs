//! Which upstream and which upstream path a client path means.
//!
//! **Invariant:** bytes of the path are cut, never rewritten: no decoding, no normalizing, and the query
//! string passes as it came.

/// The upstream's name, the path and query to ask it for, and whether the client chose a capture path.
/// `None`: nothing that is forwarded (`/v1/receipts/*` and whatever is not under `/v1`).
///
/// `names` are the configured upstreams: as the segment after `/v1/capture/` they choose the upstream, and
/// one optional `/v1` behind them is swallowed. `openai` is reserved there even when no upstream has that
/// name; it then means the default one.
pub fn upstream_path(path_and_query: &str, names: &[&str], default: &str) -> Option<(String, String, bool)> {
    let (path, query) = path_and_query.split_at(path_and_query.find('?').unwrap_or(path_and_query.len()));
    let under_v1 = after(path, "/v1")?;
    if after(under_v1, "/receipts").is_some() {
        return None;
    }
    let Some(captured) = after(under_v1, "/capture") else {
        return Some((default.to_owned(), path_and_query.to_owned(), false));
    };
    let segment = captured.strip_prefix('/').map_or("", |rest| rest.split('/').next().unwrap_or(""));
    let known = names.contains(&segment);
    let (upstream, rest) = if known || segment == "openai" {
        let rest = &captured[1 + segment.len()..];
        (if known { segment } else { default }, after(rest, "/v1").unwrap_or(rest))
    } else {
        (default, captured)
    };
    Some((upstream.to_owned(), format!("/v1{rest}{query}"), true))
}

/// What follows `prefix` when it is a whole number of segments of `path`.
fn after<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path (query excluded) names the same place for every reader: no segment is `.` or `..`, however it is
/// written. One that does may be something else to the upstream than it is here (RFC 3986, 5.2.4 and 6.2.2).
pub fn is_plain(path: &str) -> bool {
    // Each round undoes one encoding: `%252e` is `%2e` is `.`.
    const ROUNDS: usize = 3;
    if !path.contains(['.', '%']) {
        return true;
    }
    let mut read = path.to_ascii_lowercase();
    for _ in 0..ROUNDS {
        if !read.contains('%') {
            break;
        }
        read = read.replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\").replace("%25", "%");
    }
    // Some readers take a parameter off a segment: `..;x`.
    let bare = |segment: &str| segment.split(';').next().is_some_and(|name| matches!(name, "." | ".."));
    !read.split(['/', '\\']).any(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_dot_segments_is_not_plain() {
        for path in [
            "/v1/files/../chat/completions",
            "/v1/files/..",
            "/v1/./chat",
            "/v1/files/%2e%2e/images/generations",
            "/v1/files/.%2E/x",
            "/v1/files/x/..%2f..%2Fimages/generations",
            "/v1/files/%252e%252e/x",
            "/v1/files/..\\chat",
            "/v1/files/..%5cchat",
            "/v1/files/..;a=b/chat",
        ] {
            assert!(!is_plain(path), "{path}");
        }
        for path in
            ["/v1/files/a.b", "/v1/files/...", "/v1//x", "/v1/models/a%2Fb", "/v1/x..y/..z", "/v1/100%"]
        {
            assert!(is_plain(path), "{path}");
        }
    }

    #[test]
    fn the_table_of_paths() {
        let names = ["openai", "azure"];
        let cases = [
            ("/v1/chat/completions", Some(("main", "/v1/chat/completions", false))),
            ("/v1/models?limit=2&after=a%2Fb", Some(("main", "/v1/models?limit=2&after=a%2Fb", false))),
            ("/v1/capture/chat/completions", Some(("main", "/v1/chat/completions", true))),
            ("/v1/capture/openai/chat/completions", Some(("openai", "/v1/chat/completions", true))),
            ("/v1/capture/openai/v1/chat/completions", Some(("openai", "/v1/chat/completions", true))),
            ("/v1/capture/azure/embeddings?x=1", Some(("azure", "/v1/embeddings?x=1", true))),
            ("/v1/capture/openai/v1", Some(("openai", "/v1", true))),
            ("/v1/capture/openai?x=/v1/y", Some(("openai", "/v1?x=/v1/y", true))),
            ("/v1/capture/openai/v1beta/x", Some(("openai", "/v1/v1beta/x", true))),
            ("/v1/capture/openaix/y", Some(("main", "/v1/openaix/y", true))),
            ("/v1/capture/OpenAI/y", Some(("main", "/v1/OpenAI/y", true))),
            ("/v1/capture/open%61i/y", Some(("main", "/v1/open%61i/y", true))),
            ("/v1/capture", Some(("main", "/v1", true))),
            ("/v1/capture//chat/", Some(("main", "/v1//chat/", true))),
            ("/v1/captured/x", Some(("main", "/v1/captured/x", false))),
            ("/v1//chat/completions/", Some(("main", "/v1//chat/completions/", false))),
            ("/v1/models/ft:gpt-4o-mini:org::id", Some(("main", "/v1/models/ft:gpt-4o-mini:org::id", false))),
            ("/v1", Some(("main", "/v1", false))),
            ("/v1/receipts/abc", None),
            ("/v1/receipts", None),
            ("/v1/receiptsx", Some(("main", "/v1/receiptsx", false))),
            ("/v2/x", None),
            ("/v1x", None),
            ("/", None),
            ("", None),
            ("/metrics?p=/v1/x", None),
        ];
        for (path, expected) in cases {
            let got = upstream_path(path, &names, "main");
            let got = got.as_ref().map(|(u, p, c)| (u.as_str(), p.as_str(), *c));
            assert_eq!(got, expected, "{path}");
        }
    }

    #[test]
    fn openai_is_reserved_even_when_no_upstream_has_that_name() {
        let got = upstream_path("/v1/capture/openai/v1/models", &["azure"], "azure");
        assert_eq!(got, Some(("azure".to_owned(), "/v1/models".to_owned(), true)));
    }
}
