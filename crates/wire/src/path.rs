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

#[cfg(test)]
mod tests {
    use super::*;

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
