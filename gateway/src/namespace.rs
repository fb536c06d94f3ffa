//! Which namespace a request belongs to, and whether anything of it may be kept (openai.md 12).
//!
//! **Invariant:** a header can only choose among the namespaces its caller may use; a wrong one is counted, never
//! an error.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use kolm_config::{Config, KEY_PREFIX, KeyState, Secret, VirtualKey};
use kolm_core::{Namespace, Timestamp};
use percent_encoding::percent_decode_str;
use subtle::ConditionallySelectable as _;

use crate::headers::text;
use crate::keys::Keys;

/// The header that names a namespace.
pub(crate) const NAMESPACE: &str = "x-kolm-namespace";

/// Whom a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// It shows no key of ours; the one it shows, if any, is for the upstream.
    Stranger,
    /// It shows a key of the configuration, known by its digest.
    Configured(Namespace, [u8; 32]),
    /// It shows a key that was issued.
    Issued(Arc<VirtualKey>),
    /// It shows a key of ours that does not open, or one where it would travel up; with the word for why.
    Refused(&'static str),
}

/// Where a request belongs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Belongs {
    /// The namespace.
    pub(crate) namespace: Namespace,
    /// The header named one that is not to be had.
    pub(crate) refused: bool,
    /// Whom it comes from.
    pub(crate) caller: Caller,
    /// The caller may use the namespace.
    pub(crate) allowed: bool,
}

/// Header, then key, then the default. Who shows a key of ours has the namespaces of that key; who shows none has
/// those that belong to no key.
pub(crate) fn belongs(config: &Config, keys: &Keys, headers: &HeaderMap, now: Timestamp) -> Belongs {
    let caller = caller(config, keys, headers, now);
    let home = match &caller {
        Caller::Configured(owner, _) => owner,
        Caller::Issued(key) => &key.namespace,
        Caller::Stranger | Caller::Refused(_) => &config.default_namespace,
    };
    let may = |name: &Namespace| match &caller {
        Caller::Configured(owner, _) => {
            owner == name || config.namespaces.get(owner).is_some_and(|settings| settings.also.contains(name))
        }
        Caller::Issued(key) => key.may_use(name),
        Caller::Stranger => is_open(config, keys, name),
        Caller::Refused(_) => false,
    };
    let named = text(headers, NAMESPACE)
        .and_then(|name| config.namespaces.keys().find(|known| known.as_str() == name && may(known)));
    let namespace = named.unwrap_or(home).clone();
    let allowed = match &caller {
        Caller::Configured(..) | Caller::Issued(_) => true,
        Caller::Stranger => config.namespaces.get(&namespace).is_none_or(|settings| !settings.strict),
        Caller::Refused(_) => false,
    };
    Belongs { refused: headers.contains_key(NAMESPACE) && named.is_none(), namespace, caller, allowed }
}

/// Whether a namespace belongs to no key.
fn is_open(config: &Config, keys: &Keys, name: &Namespace) -> bool {
    let settings = config.namespaces.get(name);
    settings.is_some_and(|settings| !settings.strict && settings.keys.is_empty()) && !keys.own(name)
}

fn caller(config: &Config, keys: &Keys, headers: &HeaderMap, now: Timestamp) -> Caller {
    let Some(bearer) = bearer(headers) else { return Caller::Stranger };
    if has_configured(config)
        && let Some(caller) = configured(config, bearer)
    {
        return caller;
    }
    let Some((id, secret)) = VirtualKey::split(bearer) else { return Caller::Stranger };
    let Some(key) = keys.get(id) else { return Caller::Refused("unknown") };
    if !key.opens(secret) {
        return Caller::Refused("wrong");
    }
    match key.state(now) {
        KeyState::Valid if config.namespaces.contains_key(&key.namespace) => Caller::Issued(Arc::clone(key)),
        KeyState::Valid => Caller::Refused("namespace"),
        state @ (KeyState::Revoked | KeyState::Expired) => Caller::Refused(state.as_str()),
    }
}

/// Looks through all keys of all namespaces, whichever it is: the time does not tell.
fn configured(config: &Config, bearer: &str) -> Option<Caller> {
    let digest = Secret::digest(bearer);
    let mut at = u32::MAX;
    for (i, settings) in (0..).zip(config.namespaces.values()) {
        for key in &settings.keys {
            at.conditional_assign(&i, key.is(&digest));
        }
    }
    let owner = config.namespaces.keys().nth(usize::try_from(at).ok()?)?;
    Some(Caller::Configured(owner.clone(), digest))
}

/// Whether a key of ours stands where it would go up: in another header than `authorization`, there in a form that
/// is not read as a bearer, or in the address.
pub(crate) fn strays(
    config: &Config,
    keys: &Keys,
    caller: &Caller,
    headers: &HeaderMap,
    target: &str,
) -> bool {
    issued_strays(keys, caller, headers, target)
        || has_configured(config) && configured_strays(config, headers)
}

/// A key of the configuration has no look of its own: it is searched for where a key may stand.
fn configured_strays(config: &Config, headers: &HeaderMap) -> bool {
    const KEYED: [&str; 3] = ["api-key", "x-api-key", "x-upstream-api-key"];
    let is_one = |key: &str| configured(config, key).is_some();
    let plain = text(headers, AUTHORIZATION.as_str()).and_then(basic);
    KEYED.iter().filter_map(|name| text(headers, name)).any(is_one)
        || plain.is_some_and(|plain| String::from_utf8_lossy(&plain).split(':').any(is_one))
}

fn issued_strays(keys: &Keys, caller: &Caller, headers: &HeaderMap, target: &str) -> bool {
    let holds = |value: &HeaderValue| {
        let basic = value.to_str().ok().and_then(basic);
        shows(value.as_bytes()) || basic.is_some_and(|plain| shows(&plain))
    };
    let read = matches!(caller, Caller::Issued(_) | Caller::Configured(..) | Caller::Refused(_));
    !keys.is_empty()
        && (shows(&Cow::from(percent_decode_str(target)))
            || headers.iter().any(|(name, value)| !(read && *name == AUTHORIZATION) && holds(value)))
}

fn shows(bytes: &[u8]) -> bool {
    bytes.windows(KEY_PREFIX.len()).any(|window| window == KEY_PREFIX.as_bytes())
}

/// What stands behind the name of a scheme, where it is this one (RFC 9110, 11.4).
fn credentials<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, credentials) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| credentials.trim())
}

/// What credentials of the `Basic` scheme say.
fn basic(value: &str) -> Option<Vec<u8>> {
    STANDARD.decode(credentials(value, "basic")?).ok()
}

/// Whether callers have to show a key before the operator's own is used for them.
pub(crate) fn has_keys(config: &Config, keys: &Keys) -> bool {
    !keys.is_empty() || has_configured(config)
}

fn has_configured(config: &Config) -> bool {
    config.namespaces.values().any(|settings| !settings.keys.is_empty())
}

/// Whether the client asks for zero retention. A switch with a value that means nothing is taken for on: better nothing is
/// kept than what somebody meant to keep back.
pub(crate) fn asks_no_store(headers: &HeaderMap) -> bool {
    const OFF: [&str; 4] = ["0", "false", "no", "off"];
    let is_on = |name| {
        let value = headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        value.is_some_and(|value| !OFF.iter().any(|off| value.eq_ignore_ascii_case(off)))
    };
    is_on("x-kolm-no-store")
        || is_on("x-kolm-zero-retention")
        || text(headers, "x-kolm-retention").is_some_and(|value| value.eq_ignore_ascii_case("none"))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    credentials(text(headers, AUTHORIZATION.as_str())?, "bearer")
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use kolm_config::{Issue, KeyFile, Namespace as Settings, Outside};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    const SECRET: &str = "0202020202020202020202020202020202020202020202020202020202020202";

    /// `default` and `open` for all, `support` with key k1, which may use `billing` too, `vault` with key k2 for its
    /// keys alone; `issued` and `billing` by an issued key.
    fn config() -> Config {
        let mut config = Config::embedded(&Outside::bare("/tmp")).unwrap();
        let settings = config.namespaces[&config.default_namespace].clone();
        for (name, key, strict) in
            [("support", "k1", false), ("vault", "k2", true), ("open", "", false), ("issued", "", false)]
        {
            let keys = if key.is_empty() { Vec::new() } else { vec![Secret::new(key)] };
            let also = if key == "k1" { vec!["billing".parse().unwrap()] } else { Vec::new() };
            let settings = Settings { keys, also, strict, ..settings.clone() };
            config.namespaces.insert(name.parse().unwrap(), settings);
        }
        config.namespaces.insert("billing".parse().unwrap(), settings);
        config
    }

    /// Keys by their mark: 1 for `issued` and `billing`, 2 expired, 3 revoked, 4 for a namespace that is gone.
    fn keys() -> Keys {
        let issue = |mark: u8, namespace: &str, also: &[&str]| {
            let also = also.iter().map(|name| name.parse().unwrap()).collect();
            let expires = (mark == 2).then_some(Timestamp(100));
            let namespace = namespace.parse().unwrap();
            let order = Issue { name: String::new(), namespace, also, expires, limits: Default::default() };
            let mut key = VirtualKey::issue(order, Timestamp(1), [[mark; 32], [2; 32], [9; 32]]).0;
            key.revoked = (mark == 3).then_some(Timestamp(50));
            key
        };
        let keys = [
            issue(1, "issued", &["billing"]),
            issue(2, "issued", &[]),
            issue(3, "issued", &[]),
            issue(4, "gone", &[]),
        ];
        KeyFile { keys: keys.to_vec() }.into()
    }

    fn got(list: &[(&str, &str)]) -> (String, bool, bool, &'static str) {
        let list: HeaderMap = list
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let got = belongs(&config(), &keys(), &list, Timestamp(200));
        let who = match got.caller {
            Caller::Stranger => "stranger",
            Caller::Configured(..) => "configured",
            Caller::Issued(_) => "issued",
            Caller::Refused(why) => why,
        };
        (got.namespace.to_string(), got.refused, got.allowed, who)
    }

    #[test]
    fn header_then_key_then_default() {
        let cases: [(&[(&str, &str)], &str, bool, &str); 12] = [
            (&[], "default", false, "stranger"),
            (&[("authorization", "Bearer sk-1")], "default", false, "stranger"),
            (&[("authorization", "Bearer k1")], "support", false, "configured"),
            (&[(NAMESPACE, "open")], "open", false, "stranger"),
            (&[(NAMESPACE, "support")], "default", true, "stranger"),
            (&[(NAMESPACE, "vault")], "default", true, "stranger"),
            (&[(NAMESPACE, "issued")], "default", true, "stranger"),
            (&[(NAMESPACE, "vault"), ("authorization", "bearer k2")], "vault", false, "configured"),
            (&[(NAMESPACE, "billing"), ("authorization", "Bearer k1")], "billing", false, "configured"),
            (&[(NAMESPACE, "vault"), ("authorization", "Bearer k1")], "support", true, "configured"),
            (&[(NAMESPACE, "open"), ("authorization", "Bearer k1")], "support", true, "configured"),
            (&[(NAMESPACE, "No Such")], "default", true, "stranger"),
        ];
        for (list, namespace, refused, who) in cases {
            assert_eq!(got(list), (namespace.to_owned(), refused, true, who), "{list:?}");
        }
    }

    #[test]
    fn an_issued_key_opens_its_own_namespaces_and_a_dead_one_none() {
        let bearer =
            |mark: u8, secret: &str| format!("Bearer {KEY_PREFIX}{}-{secret}", format!("0{mark}").repeat(6));
        let with = |bearer: &str, named: &'static str| got(&[("authorization", bearer), (NAMESPACE, named)]);
        let key = bearer(1, SECRET);
        assert_eq!(with(&key, "issued"), ("issued".to_owned(), false, true, "issued"));
        assert_eq!(with(&key, "billing"), ("billing".to_owned(), false, true, "issued"));
        assert_eq!(with(&key, "support"), ("issued".to_owned(), true, true, "issued"));
        for (bearer, why) in [
            (bearer(1, &SECRET[1..]), "wrong"),
            (bearer(2, SECRET), "expired"),
            (bearer(3, SECRET), "revoked"),
            (bearer(4, SECRET), "namespace"),
            (bearer(5, SECRET), "unknown"),
        ] {
            assert_eq!(with(&bearer, "open"), ("default".to_owned(), true, false, why), "{bearer}");
        }
    }

    #[test]
    fn a_key_of_ours_where_it_would_go_up_is_seen() {
        let key = format!("{KEY_PREFIX}010101010101-{SECRET}");
        for (header, value, target, want) in [
            ("authorization", format!("Bearer {key}"), "/v1/models", false),
            ("authorization", key.clone(), "/v1/models", true),
            ("authorization", format!("Basic {key}"), "/v1/models", true),
            ("x-upstream-api-key", key.clone(), "/v1/models", true),
            (
                "sec-websocket-protocol",
                format!("realtime, openai-insecure-api-key.{key}"),
                "/v1/realtime",
                true,
            ),
            ("accept", "text/plain".to_owned(), "/v1/models?api-key=kolm-sk-1", true),
            ("accept", "text/plain".to_owned(), "/v1/models?api-key=kolm%2Dsk%2d1", true),
            ("authorization", format!("Basic {}", STANDARD.encode(format!(":{key}"))), "/v1/models", true),
            ("x-basic", format!("basic {}", STANDARD.encode("user:sk-other")), "/v1/models", false),
            ("accept", "text/plain".to_owned(), "/v1/models", false),
        ] {
            let mut list = HeaderMap::new();
            list.insert(header.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            let caller = belongs(&config(), &keys(), &list, Timestamp(200)).caller;
            assert_eq!(
                strays(&config(), &keys(), &caller, &list, target),
                want,
                "{header}: {value} {target}"
            );
            assert!(!strays(&config(), &Keys::default(), &caller, &list, target), "no key was ever issued");
        }
    }

    #[test]
    fn a_key_of_the_configuration_where_it_would_go_up_is_seen() {
        for (header, value, want) in [
            ("authorization", "Bearer k1".to_owned(), false),
            ("authorization", format!("Basic {}", STANDARD.encode("k1")), true),
            ("authorization", format!("basic {}", STANDARD.encode("user:k2")), true),
            ("authorization", format!("Basic {}", STANDARD.encode("user:other")), false),
            ("api-key", "k1".to_owned(), true),
            ("x-api-key", "k2".to_owned(), true),
            ("x-upstream-api-key", "k1".to_owned(), true),
            ("x-api-key", "k11".to_owned(), false),
        ] {
            let mut list = HeaderMap::new();
            list.insert(header.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            let caller = belongs(&config(), &Keys::default(), &list, Timestamp(200)).caller;
            assert_eq!(strays(&config(), &Keys::default(), &caller, &list, "/"), want, "{header}: {value}");
        }
    }

    #[test]
    fn a_strict_default_takes_its_own_keys_alone() {
        let mut config = config();
        config.default_namespace = "vault".parse().unwrap();
        let allowed = |list| belongs(&config, &Keys::default(), &headers(list), Timestamp(1)).allowed;
        assert!(!allowed(&[]));
        assert!(!allowed(&[("authorization", "Bearer k22")]));
        assert!(allowed(&[("authorization", "Bearer k2")]));
    }

    #[test]
    fn three_headers_ask_for_zero_retention() {
        for (list, want) in [
            (headers(&[("x-kolm-no-store", "1")]), true),
            (headers(&[("x-kolm-no-store", "TRUE")]), true),
            (headers(&[("x-kolm-no-store", "0")]), false),
            (headers(&[("x-kolm-no-store", "yes")]), true),
            (headers(&[("x-kolm-zero-retention", "off")]), false),
            (headers(&[("x-kolm-retention", "none")]), true),
            (headers(&[("x-kolm-retention", "30d")]), false),
            (headers(&[("x-kolm-zero-retention", "true")]), true),
            (headers(&[]), false),
        ] {
            assert_eq!(asks_no_store(&list), want, "{list:?}");
        }
    }
}
