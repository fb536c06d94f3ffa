//! Files and what is said of them.

mod upstreams;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use kolm_core::{Code, Coded, Exit, Weight};
use kolm_policies::gate::GatePolicy;

use super::*;

mod diff;
mod schema;

fn outside() -> Outside {
    let env = |name: &str| match name {
        "OPENAI_API_KEY" => Some("sk-of-the-house\n".to_owned()),
        "EMPTY" => Some(" ".to_owned()),
        "TEAM_KEY" => Some("team".to_owned()),
        _ => None,
    };
    Outside { home: "/home/kolm".into(), env: Arc::new(env) }
}

fn config(text: &str) -> Config {
    RawConfig::parse("gateway.toml", text).check(&outside()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> Problems {
    RawConfig::parse("gateway.toml", text).check(&outside()).unwrap_err()
}

/// What is said of a file.
fn check(text: &str, said: Expect) {
    said.assert_eq(&problems(text).to_string());
}

#[test]
fn an_empty_file_is_the_built_in_one() {
    let embedded = Config::embedded(&outside()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(format!("{:#?}", config("")), format!("{embedded:#?}"));
    assert_eq!(embedded.data_dir, Path::new("/home/kolm"));
    let openai = &embedded.upstreams["openai"];
    assert_eq!(openai.api_key.as_ref().map(Secret::expose), Some("sk-of-the-house"));
    assert_eq!(
        (openai.base_url.authority().as_str(), openai.credentials),
        ("api.openai.com", Credentials::Client)
    );
    let route = &embedded.routes[0];
    assert_eq!((route.gate.clone(), route.rollout.enabled), (GatePolicy::default(), false));
    assert_eq!(route.rollout.distill_min_pairs, 0, "distillation is off");
    // Without a key in the environment the caller's own is passed on.
    let bare = Config::embedded(&Outside::bare("/tmp")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(bare.upstreams["openai"].api_key, None);
}

#[test]
fn secrets_are_never_printed() {
    let config = config("[namespaces.a]\nkeys = [{ env = \"TEAM_KEY\" }]");
    let printed = format!("{config:?} {:?}", Secret::new("sk-of-the-house"));
    assert!(!printed.contains("house") && !printed.contains("team"), "{printed}");
    assert_eq!(config.namespaces.values().next().map(|n| n.keys[0].expose()), Some("team"));
    let said = problems("[upstreams.x]\nbase_url = \"http://x\"\napi_key = \"sk-literal\"");
    assert!(!said.report().contains("sk-literal"), "{}", said.report());
    assert_eq!((said.code(), said.exit()), (Code(106), Exit::Usage));
    for url in ["https://u:planted@h", "https://h/v1?key=planted"] {
        let said = problems(&format!("[upstreams.x]\nbase_url = \"{url}\"")).report();
        assert!(!said.contains("planted") && said.contains("K0103"), "{said}");
    }
}

const EVERYTHING: &str = r#"
airgap = true
data_dir = "data"
[listen]
address = "0.0.0.0:9000"
max_body_bytes = 4096
[upstreams.local]
base_url = "http://[::1]:8000/openai/v1/"
credentials = "gateway"
api_key = { env = "OPENAI_API_KEY" }
timeouts = { total = "90s" }
[upstreams.local.prices."house-model"]
input = 0.5
output = 2
[namespaces.support]
policy = "default"
retention = "none"
[[routes]]
name = "support"
model = "gpt-4o*"
distill = { enabled = true, min_pairs = 200 }
gate = { preset = "regulated", min_wall = "10s", latency_budget = "800ms", alpha = 0.01, cost_cap_usd = 0.01 }
canary = { enabled = true, steps = [1000, 10000], dwell = "2s", cooldown = "5s", step_units = 20 }
shadow = { rate = 1, teacher_budget_per_day_usd = 0.25, cpus = 0.5, shed_above = 64 }
[log]
format = "json"
[telemetry]
otlp_endpoint = "http://localhost:4318/base"
headers = { x-token = { env = "TEAM_KEY" } }
"#;

#[test]
fn every_setting_arrives() {
    let config = config(EVERYTHING);
    let local = &config.upstreams["local"];
    assert_eq!((local.base_url.authority().as_str(), local.base_url.is_loopback()), ("[::1]:8000", true));
    assert_eq!(local.base_url.path("/v1/models?a=b"), "/openai/v1/models?a=b");
    assert_eq!(
        (local.timeouts.total, local.timeouts.connect),
        (Duration::from_secs(90), Duration::from_secs(5))
    );
    assert_eq!(
        local.price("house-model").map(|p| (p.input, p.cached, p.output)),
        Some((500_000, 500_000, 2_000_000))
    );
    assert_eq!(local.price("gpt-4o-mini").map(|p| p.input), Some(150_000));
    let route = &config.routes[0];
    assert_eq!((route.namespace.as_str(), config.default_upstream.as_str()), ("support", "local"));
    assert_eq!(
        (route.gate.gate, route.gate.alpha_ppb, route.gate.min_wall_ms),
        (900_000, 10_000_000, 10_000)
    );
    assert_eq!((route.gate.latency_budget_us, route.gate.cost_cap_musd), (Some(800_000), Some(10_000)));
    assert_eq!(route.rollout.steps, [Weight(1_000), Weight::FULL]);
    assert_eq!((route.rollout.distill_min_pairs, route.rollout.dwell_ms), (200, 2_000));
    assert_eq!((route.shadow.rate.0, route.shadow.teacher_budget_per_day.0), (1_000_000, 250_000));
    assert_eq!((route.shadow.caps.milli_cpus, route.shadow.caps.shed_above), (500, 64));
    assert_eq!((config.listen.max_body_bytes, config.data_dir.to_str()), (4096, Some("data")));
    assert_eq!((config.log.format, config.log.level.as_str()), (LogFormat::Json, "info"));
    let url = config.telemetry.url("traces");
    assert_eq!(url.as_deref(), Some("http://localhost:4318/base/v1/traces"));
    assert_eq!(config.telemetry.headers.values().next().map(Secret::expose), Some("team"));
    let found =
        |model| config.route(&route.namespace, model, "/v1/chat/completions").map(|r| r.name.as_str());
    assert_eq!((found("gpt-4o-mini"), found("gpt-5")), (Some("support"), None));
}

const WRONG: &str = r#"airgap = "no"
[listen]
adress = "127.0.0.1:1"
address = "here"
header_timeout = "soon"
[admin]
address = "127.0.0.1:99999"
[upstreams.openai]
api_key = "sk-literal"
[upstreams.own]
base_url = "https://own.example"
credentials = "gateway"
api_key = { env = "NOT_SET" }
[namespaces.Support]
keys = [{ env = "EMPTY" }, { env = "TEAM_KEY" }]
[[routes]]
name = "support"
upstream = "openai"
[routes.canary]
steps = [100, 5000, 4000]
[routes.gate]
a_floor = 0.4
min_units = -1
alpha = 1.5
[[routes]]
name = "support"
namespace = "other"
model = 4
"#;

#[test]
fn all_problems_are_listed_with_path_and_line() {
    check(
        WRONG,
        expect![[r#"
            gateway.toml:1: K0103: airgap: must be true or false, not a string
            gateway.toml:3: K0102: listen.adress: unknown key
            gateway.toml:4: K0103: listen.address: `here`: invalid socket address syntax
            gateway.toml:5: K0103: listen.header_timeout: `soon` is no duration such as "250ms" or "24h"
            gateway.toml:7: K0103: admin.address: `127.0.0.1:99999`: invalid socket address syntax
            gateway.toml:8: K0103: upstreams.openai.base_url: is missing
            gateway.toml:9: K0106: upstreams.openai.api_key: a secret must not stand in the file
            gateway.toml:13: K0107: upstreams.own.api_key: missing upstream key: the environment has no `NOT_SET`
            gateway.toml:14: K0103: namespaces.Support: `Support` is no namespace: it must match [a-z0-9][a-z0-9._-]{0,62}
            gateway.toml:15: K0107: namespaces.Support.keys[0]: the environment has no `EMPTY`
            gateway.toml:18: K0102: routes.support.upstream: unknown key
            gateway.toml:20: K0104: routes.support.canary.steps[2]: 40 % follows 50 %
            gateway.toml:20: K0104: routes.support.canary.steps: the last step must be 10000
            gateway.toml:22: K0104: routes.support.gate.a_floor: must be between 0.5 and 1
            gateway.toml:23: K0103: routes.support.gate.min_units: must be a whole number from 0 up, not -1
            gateway.toml:24: K0104: routes.support.gate.alpha: must be between 0.000001 and 0.5
            gateway.toml:26: K0104: routes[1].name: a second route is named `support`
            gateway.toml:27: K0105: routes.support.namespace: no namespace is named `other`
            gateway.toml:28: K0103: routes.support.model: must be a string, not 4"#]],
    );
}

#[test]
fn each_kind_of_problem_has_its_code() {
    for (text, code, path, line) in [
        ("a = ", 101, "", 1),
        ("[listen]\nport = 1", 102, "listen.port", 2),
        ("[listen]\naddress = 1", 103, "listen.address", 2),
        ("[capture]\nqueue = \"1 KiB\"", 104, "capture.queue", 2),
        ("[[routes]]\nname = \"a\"\nshadow = { timeout = \"0s\" }", 104, "routes.a.shadow.timeout", 3),
        ("[[routes]]\nname = \"a\"\ngate = { cost_cap_usd = 0.0 }", 104, "routes.a.gate.cost_cap_usd", 3),
        ("[[routes]]\nname = \"a\"\ngate = { max_units = 100 }", 104, "routes.a.gate.budget_units", 3),
        ("[[routes]]\nname = \"a\"\ngate = { min_wall = \"90d\" }", 104, "routes.a.gate.min_wall", 3),
        ("\ndefault_upstream = \"x\"", 105, "default_upstream", 2),
        ("[upstreams.x]\nbase_url = \"http://x\"\napi_key = \"k\"", 106, "upstreams.x.api_key", 3),
        ("[upstreams.x]\nbase_url = \"http://x\"\ncredentials = \"gateway\"", 107, "upstreams.x.api_key", 1),
        ("airgap = true\n[upstreams.x]\nbase_url = \"http://x\"", 108, "upstreams.x.base_url", 3),
        ("airgap = true", 108, "upstreams", 0),
        (
            "airgap = true\n[upstreams.x]\nbase_url = \"http://[::1]\"\n\
             [telemetry]\notlp_endpoint = \"https://collector.example\"",
            108,
            "telemetry.otlp_endpoint",
            5,
        ),
        ("[telemetry.headers]\nauthorization = \"Bearer x\"", 106, "telemetry.headers.authorization", 2),
        (
            "[telemetry.headers]\nauthorization = { env = \"NONE\" }",
            107,
            "telemetry.headers.authorization",
            2,
        ),
        ("[telemetry.headers]\n\"a b\" = { env = \"TEAM_KEY\" }", 103, "telemetry.headers.\"a b\"", 2),
        ("[telemetry]\nservice_name = \"\"", 103, "telemetry.service_name", 2),
        ("[log]\nlevel = \"loud\"", 103, "log.level", 2),
        ("[listen]\naddress = \"127.0.0.1:8766\"", 104, "admin.address", 0),
        ("[upstreams.x]\nbase_url = \"ftp://x\"", 103, "upstreams.x.base_url", 2),
        ("[namespaces.a]\nkeys = [{ file = \"/nowhere/key\" }]", 107, "namespaces.a.keys[0]", 2),
        ("[namespaces.a]\nalso = [\"b\"]", 105, "namespaces.a.also", 1),
        ("[namespaces.a]\nregion = \"eu\"", 117, "namespaces.a.region", 2),
        (
            "[namespaces.a]\ndata_dir = \"d\"\n[namespaces.b]\ndata_dir = \"d\"",
            118,
            "namespaces.b.data_dir",
            3,
        ),
        ("data_dir = \"d\"\n[namespaces.a]\ndata_dir = \"d\"", 118, "namespaces.a.data_dir", 2),
        ("[[routes]]\nname = \"r\"\nshadow = { cpus = 0 }", 104, "routes.r.shadow.cpus", 3),
        ("[namespaces.a.limits]\nconcurrent = 0", 104, "namespaces.a.limits.concurrent", 2),
        ("[namespaces.a.key_limits]\nper_hour = 1", 102, "namespaces.a.key_limits.per_hour", 2),
        ("[namespaces.a]\nretention = \"0s\"", 103, "namespaces.a.retention", 2),
        ("[namespaces.a]\non_unknown_price = \"ask\"", 103, "namespaces.a.on_unknown_price", 2),
        ("[namespaces.a.upstream_keys]\nx = { env = \"TEAM_KEY\" }", 105, "namespaces.a.upstream_keys.x", 2),
        ("[namespaces.a]\npolicy = \"open\"", 104, "namespaces.a.policy", 2),
        ("[[routes]]\nmodel = \"x\"", 103, "routes[0].name", 1),
        ("[[routes]]\nname = \"r\"\n[routes.gate]\npreset = \"lax\"", 104, "routes.r.gate.preset", 4),
        ("[[routes]]\nname = \"r\"\npath = \"/v1/embeddings\"", 104, "routes.r.path", 3),
        ("[[routes]]\nname = \"r\"\ncanary.steps = [100]", 104, "routes.r.canary.steps", 3),
    ] {
        let found = problems(text);
        let got: Vec<_> = found.list.iter().map(|p| (p.code, p.path.as_str(), p.line)).collect();
        assert_eq!(got, [(Code(code), path, line)], "{text}");
    }
    let missing = RawConfig::read(Path::new("/nowhere/gateway.toml")).unwrap_err();
    assert_eq!((missing.code(), missing.hint().is_some()), (Code(100), true));
    assert!(problems("[listen]\nadress = 1").report().ends_with("\n  hint: did you mean `address`?"));
}

const TENANTS: &str = r#"
[upstreams.us]
base_url = "https://us.example/v1"
api_key = { env = "OPENAI_API_KEY" }
[upstreams.eu]
base_url = "https://eu.example/v1"
region = "eu"
[namespaces.support]
keys = [{ env = "TEAM_KEY" }]
also = ["billing"]
region = "eu"
retention = "30days"
data_dir = "/mnt/support"
upstream_keys = { us = { env = "TEAM_KEY" } }
limits = { requests_per_minute = 60, usd_per_day = 0.5 }
key_limits = { concurrent = 2, tokens_per_minute = 1000, usd_per_month = 3 }
on_unknown_price = "allow"
[namespaces.billing]
"#;

#[test]
fn a_namespace_has_its_keys_its_limits_and_its_region() {
    let config = config(TENANTS);
    let name = |text: &str| text.parse::<kolm_core::Namespace>().unwrap();
    let (support, billing) = (&name("support"), &name("billing"));
    let settings = &config.namespaces[support];
    assert_eq!(settings.also, std::slice::from_ref(billing));
    assert_eq!(settings.retention, Retention::For(Duration::from_secs(30 * 86_400)));
    assert_eq!(settings.data_dir.as_deref(), Some(Path::new("/mnt/support")));
    assert_eq!(settings.on_unknown_price, OnUnknownPrice::Allow);
    assert_eq!((settings.limits.requests_per_minute, settings.limits.concurrent), (Some(60), None));
    assert_eq!(settings.limits.usd_per_day.map(|usd| usd.0), Some(500_000));
    let per_key = settings.key_limits;
    assert_eq!((per_key.concurrent, per_key.tokens_per_minute), (Some(2), Some(1_000)));
    assert_eq!(per_key.usd_per_month.map(|usd| usd.0), Some(3_000_000));
    assert!(config.namespaces[billing].limits.is_empty());
    assert_eq!(config.default_upstream_of(support), "eu", "the default upstream is not in its region");
    assert_eq!(config.default_upstream_of(billing), "us");
    assert!(!settings.admits(&config.upstreams["us"]) && settings.admits(&config.upstreams["eu"]));
    let key = |namespace| config.upstream_key(namespace, "us").map(Secret::expose);
    assert_eq!((key(support), key(billing)), (Some("team"), Some("sk-of-the-house")));
    assert!(bool::from(settings.keys[0].is(&Secret::digest("team"))));
    assert!(!bool::from(settings.keys[0].is(&Secret::digest("teams"))));
}

#[test]
fn urls_and_globs() {
    for bad in [
        "x",
        "https://",
        "https://a b",
        "http://h:0",
        "http://h:p",
        "https://u@h",
        "http://h?x",
        "http://[::1",
    ] {
        assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
    }
    for (url, authority, path, loopback) in [
        ("https://api.openai.com/v1", "api.openai.com", "/v1/models", false),
        ("http://127.0.0.1:4010/v1", "127.0.0.1:4010", "/v1/models", true),
        ("http://localhost", "localhost", "/models", true),
        ("https://h:8443/a/b/", "h:8443", "/a/b/models", false),
    ] {
        let parsed: BaseUrl = url.parse().unwrap();
        assert_eq!((parsed.authority().as_str(), parsed.path("/v1/models").as_str()), (authority, path));
        assert_eq!(parsed.is_loopback(), loopback, "{url}");
    }
    for (glob, text, fits) in [
        ("*", "", true),
        ("gpt-4o", "gpt-4o", true),
        ("gpt-4o", "gpt-4o-mini", false),
        ("gpt-*-mini", "gpt-4o-mini", true),
        ("gpt-*-mini", "gpt-mini", false),
        ("*4*o*", "gpt-4o", true),
        ("*ab*ab", "ab", false),
        ("a*a", "a", false),
    ] {
        assert_eq!(Glob::new(glob).matches(text), fits, "{glob} {text}");
    }
}

#[test]
fn a_reader_keeps_what_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(folder.path().join("key"), "of a file\n").unwrap();
    std::fs::write(&path, "[upstreams.a]\nbase_url = \"http://a\"\napi_key = { file = \"key\" }").unwrap();
    let live = Live::new(Config::embedded(&outside()).unwrap(), 7);
    let before = live.load();
    let loaded = live.replace(RawConfig::read(&path).unwrap().check(&outside()).unwrap());
    assert_eq!((before.version, loaded.version, live.load().version), (7, 8, 8));
    assert_eq!(loaded.upstreams["a"].api_key.as_ref().map(Secret::expose), Some("of a file"));
    assert!(before.upstreams.contains_key("openai"), "a request keeps what it began with");
}

#[test]
fn the_history_survives_a_torn_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("config");
    assert_eq!(History::read(&dir).unwrap(), []);
    let entry = |version: u64, digest: &str, text: Option<&str>| Entry {
        version,
        at: kolm_core::Timestamp(1_790_000_000_000),
        by: "file".to_owned(),
        digest: digest.to_owned(),
        file: None,
        changes: Vec::new(),
        needs_restart: vec!["listen.address".to_owned()],
        text: text.map(str::to_owned),
    };
    let mut history = History::open(&dir).unwrap();
    history.append(&entry(1, "a", Some("airgap = false\n"))).unwrap();
    history.append(&entry(2, "a", None)).unwrap();
    let path = history.path().to_owned();
    drop(history);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let mut history = History::open(&dir).unwrap();
    history.append(&entry(3, "b", Some("airgap = true\n"))).unwrap();
    history.append(&entry(4, "a", Some("airgap = false\n"))).unwrap();
    history.append(&entry(5, "a", None)).unwrap();
    let entries = History::read(&dir).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.version).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(History::text(&entries, 3), Some("airgap = true\n"));
    assert_eq!(History::text(&entries, 5), Some("airgap = false\n"));
    assert_eq!(History::text(&entries, 2), None);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&dir)), (0o600, 0o700));
}
