//! Which path is what, and which methods it takes.

use ::http::Method;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/models`.
    Models,
    /// `/v1/models/{model}`, decoded once.
    Model(String),
    /// `/healthz` and `/readyz`: a port that answers is loaded.
    Health,
}

/// The endpoint of a path, `None` where there is none.
pub(crate) fn find(path: &str) -> Option<Endpoint> {
    match path {
        "/v1/chat/completions" => Some(Endpoint::Chat),
        "/v1/models" => Some(Endpoint::Models),
        "/healthz" | "/readyz" => Some(Endpoint::Health),
        _ => path
            .strip_prefix("/v1/models/")
            .filter(|rest| !rest.is_empty())
            .map(|rest| Endpoint::Model(decode(rest))),
    }
}

impl Endpoint {
    /// The value of `Allow`.
    pub(crate) fn allowed(&self) -> &'static str {
        match self {
            Self::Chat => "POST",
            Self::Models | Self::Health => "GET, HEAD",
            Self::Model(_) => "DELETE, GET, HEAD",
        }
    }

    /// Whether it takes a method.
    pub(crate) fn takes(&self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method.as_str())
    }
}

/// Percent-decodes once; what is not an escape, or would not be UTF-8, stays.
fn decode(raw: &str) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| raw.to_owned())
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_table_says() {
        let model = |id: &str| Some(Endpoint::Model(id.into()));
        for (path, wanted) in [
            ("/v1/chat/completions", Some(Endpoint::Chat)),
            ("/v1/chat/completions/", None),
            ("/v1/models", Some(Endpoint::Models)),
            ("/v1/models/", None),
            ("/v1/models/ft:gpt-4o-mini:org::id", model("ft:gpt-4o-mini:org::id")),
            ("/v1/models/a%2Fb.kolm", model("a/b.kolm")),
            ("/v1/models/a/b.kolm", model("a/b.kolm")),
            ("/v1/models/a%252Fb", model("a%2Fb")),
            ("/v1/models/a%2", model("a%2")),
            ("/v1/models/a%ff", model("a%ff")),
            ("/healthz", Some(Endpoint::Health)),
            ("/v1/embeddings", None),
        ] {
            assert_eq!(find(path), wanted, "{path}");
        }
        let query = Method::from_bytes(b"QUERY").unwrap();
        assert!(!Endpoint::Chat.takes(&query) && Endpoint::Chat.takes(&Method::POST));
        assert!(
            Endpoint::Model(String::new()).takes(&Method::DELETE) && !Endpoint::Models.takes(&Method::DELETE)
        );
    }
}
