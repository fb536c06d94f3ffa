//! Which namespace a request belongs to, and whether anything of it may be kept (openai.md 12).
//!
//! **Invariant:** a header can only choose among the namespaces its caller may use; a wrong one is counted, never
//! an error.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use kolm_config::{Config, Namespace as Settings};
use kolm_core::Namespace;

use crate::headers::text;

/// The header that names a namespace.
pub(crate) const NAMESPACE: &str = "x-kolm-namespace";

/// Where a request belongs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Belongs {
    /// The namespace.
    pub(crate) namespace: Namespace,
    /// The header named one that is not to be had.
    pub(crate) refused: bool,
    /// The caller shows a key of this gateway.
    pub(crate) ours: bool,
    /// The caller may use the namespace.
    pub(crate) allowed: bool,
}

/// Header, then key, then the default.
pub(crate) fn belongs(config: &Config, headers: &HeaderMap) -> Belongs {
    let bearer = bearer(headers);
    let holds = |settings: &Settings| {
        bearer.is_some_and(|bearer| settings.keys.iter().any(|key| same(key.expose(), bearer)))
    };
    let may = |settings: &Settings| !settings.strict || holds(settings);
    let owner = config.namespaces.iter().find(|(_, settings)| holds(settings)).map(|(name, _)| name);
    let named = text(headers, NAMESPACE).and_then(|name| {
        config.namespaces.iter().find(|(known, settings)| known.as_str() == name && may(settings))
    });
    let namespace = named.map(|(name, _)| name).or(owner).unwrap_or(&config.default_namespace);
    Belongs {
        namespace: namespace.clone(),
        refused: headers.contains_key(NAMESPACE) && named.is_none(),
        ours: owner.is_some(),
        allowed: config.namespaces.get(namespace).is_none_or(may),
    }
}

/// Whether callers have to show a key before the operator's own is used for them.
pub(crate) fn has_keys(config: &Config) -> bool {
    config.namespaces.values().any(|settings| !settings.keys.is_empty())
}

/// Whether the client asks for zero retention.
pub(crate) fn asks_no_store(headers: &HeaderMap) -> bool {
    let says = |name, wanted: &[&str]| {
        text(headers, name).is_some_and(|value| wanted.iter().any(|w| value.eq_ignore_ascii_case(w)))
    };
    says("x-kolm-no-store", &["1", "true"])
        || says("x-kolm-retention", &["none"])
        || says("x-kolm-zero-retention", &["1", "true"])
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = text(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Equality that takes as long for a near miss as for a far one.
fn same(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    one.len() == other.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use kolm_config::{Outside, Secret};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    /// `default` for all, `support` with key k1, `vault` with key k2 for its keys alone.
    fn config() -> Config {
        let mut config = Config::embedded(&Outside::bare("/tmp")).unwrap();
        let settings = config.namespaces[&config.default_namespace].clone();
        for (name, key, strict) in [("support", "k1", false), ("vault", "k2", true)] {
            let settings = Settings { keys: vec![Secret::new(key)], strict, ..settings.clone() };
            config.namespaces.insert(name.parse().unwrap(), settings);
        }
        config
    }

    #[test]
    fn header_then_key_then_default() {
        let config = config();
        let cases: [(&[(&str, &str)], &str, bool, bool); 8] = [
            (&[], "default", false, false),
            (&[("authorization", "Bearer sk-1")], "default", false, false),
            (&[("authorization", "Bearer k1")], "support", false, true),
            (&[(NAMESPACE, "support")], "support", false, false),
            (&[(NAMESPACE, "vault")], "default", true, false),
            (&[(NAMESPACE, "vault"), ("authorization", "bearer k2")], "vault", false, true),
            (&[(NAMESPACE, "vault"), ("authorization", "Bearer k1")], "support", true, true),
            (&[(NAMESPACE, "No Such")], "default", true, false),
        ];
        for (list, namespace, refused, ours) in cases {
            let list: HeaderMap = list
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            let got = belongs(&config, &list);
            assert_eq!(
                (got.namespace.as_str(), got.refused, got.ours, got.allowed),
                (namespace, refused, ours, true),
                "{list:?}"
            );
        }
    }

    #[test]
    fn a_strict_default_takes_its_own_keys_alone() {
        let mut config = config();
        config.default_namespace = "vault".parse().unwrap();
        assert!(!belongs(&config, &headers(&[])).allowed);
        assert!(!belongs(&config, &headers(&[("authorization", "Bearer k22")])).allowed);
        assert!(belongs(&config, &headers(&[("authorization", "Bearer k2")])).allowed);
    }

    #[test]
    fn three_headers_ask_for_zero_retention() {
        for (list, want) in [
            (headers(&[("x-kolm-no-store", "1")]), true),
            (headers(&[("x-kolm-no-store", "TRUE")]), true),
            (headers(&[("x-kolm-no-store", "0")]), false),
            (headers(&[("x-kolm-retention", "none")]), true),
            (headers(&[("x-kolm-retention", "30d")]), false),
            (headers(&[("x-kolm-zero-retention", "true")]), true),
            (headers(&[]), false),
        ] {
            assert_eq!(asks_no_store(&list), want, "{list:?}");
        }
    }
}
