//! Two files and what is said of their difference.

use super::*;

fn settings(text: &str) -> Settings {
    RawConfig::parse("", text).settings(&outside()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The difference between two texts, a line each.
fn diff(old: &str, new: &str, said: Expect) {
    let changes = settings(old).diff(&settings(new));
    said.assert_eq(&changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

#[test]
fn spelling_is_no_difference() {
    let built_in = RawConfig::embedded();
    diff("", built_in.text(), expect![""]);
    diff(built_in.text(), "", expect![""]);
    diff(EVERYTHING, EVERYTHING, expect![""]);
    diff("[listen]\nheader_timeout = \"60s\"", "listen = { header_timeout = \"1min\" }", expect![""]);
    diff("[listen]\nmax_body_bytes = 1048576", "[listen]\nmax_body_bytes = \"1 MiB\"", expect![""]);
}

#[test]
fn each_change_has_its_path_and_both_values() {
    diff(
        "[listen]\naddress = \"127.0.0.1:1\"\n[namespaces.a]\nkeys = []\n[[routes]]\nname = \"r\"",
        "airgap = true\n[upstreams.l]\nbase_url = \"http://[::1]:1\"\napi_key = { env = \"OPENAI_API_KEY\" }\n\
         [upstreams.l.prices.\"gpt-4.1\"]\ninput = 1\noutput = 2.5\n\
         [namespaces.a]\nkeys = [{ env = \"TEAM_KEY\" }]\n[namespaces.b]\nretention = \"none\"\n\
         [[routes]]\nname = \"s\"\n[[routes]]\nname = \"r\"\ngate.preset = \"regulated\"\ncanary.steps = [10, 10000]",
        expect![[r#"
            airgap: false -> true
            default_upstream: "openai" -> "l"
            listen.address: "127.0.0.1:1" -> "127.0.0.1:8765" (needs restart)
            namespaces.a.keys: [] -> [{ env = "TEAM_KEY" }]
            namespaces.b.retention: unset -> "none"
            routes: ["r"] -> ["s", "r"]
            routes.r.canary.steps: [100, 500, 2500, 5000, 10000] -> [10, 10000]
            routes.r.gate.gate: 0.85 -> 0.9
            routes.r.gate.preset: "default" -> "regulated"
            routes.s.name: unset -> "s"
            upstreams.l.api_key: unset -> { env = "OPENAI_API_KEY" }
            upstreams.l.base_url: unset -> "http://[::1]:1"
            upstreams.l.prices."gpt-4.1".input: unset -> 1
            upstreams.l.prices."gpt-4.1".output: unset -> 2.5
            upstreams.openai.api_key: { env = "OPENAI_API_KEY" } -> unset
            upstreams.openai.base_url: "https://api.openai.com/v1" -> unset
            upstreams.openai.breaker.count_5xx: false -> unset
            upstreams.openai.breaker.enabled: false -> unset
            upstreams.openai.breaker.failures: 5 -> unset
            upstreams.openai.breaker.open_for: "5s" -> unset
            upstreams.openai.breaker.window: "30s" -> unset
            upstreams.openai.credentials: "client" -> unset
            upstreams.openai.failover_on: ["connect", "timeout", "broken"] -> unset
            upstreams.openai.health.enabled: false -> unset
            upstreams.openai.health.healthy_after: 1 -> unset
            upstreams.openai.health.interval: "10s" -> unset
            upstreams.openai.health.path: "/v1/models" -> unset
            upstreams.openai.health.timeout: "2s" -> unset
            upstreams.openai.health.unhealthy_after: 3 -> unset
            upstreams.openai.timeouts.connect: "5s" -> unset
            upstreams.openai.timeouts.first_byte: "10min" -> unset
            upstreams.openai.timeouts.idle: "10min" -> unset
            upstreams.openai.timeouts.total: "1h" -> unset"#]],
    );
}

#[test]
fn a_secret_is_compared_and_never_shown() {
    let text = "[upstreams.x]\nbase_url = \"http://x\"\napi_key = { env = \"K\" }\n\
                [namespaces.a]\nkeys = [{ env = \"T\" }, { env = \"K\" }]";
    let with = |value: &'static str| {
        let outside = Outside { home: "/".into(), env: Arc::new(move |_| Some(value.to_owned())) };
        RawConfig::parse("", &text.replace("{ env = \"K\" }]", "]")).settings(&outside).unwrap()
    };
    let changes = with("planted-1").diff(&with("planted-2"));
    let said: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "namespaces.a.keys: [{ env = \"T\" }] (its content changed)",
            "upstreams.x.api_key: { env = \"K\" } (its content changed)"
        ]
    );
    assert!(!format!("{changes:?}{:?}", with("planted-1")).contains("planted"));
    assert_eq!(with("planted-1").diff(&with("planted-1")), []);
    // A secret that is not there is no hindrance to a comparison.
    let bare = RawConfig::parse("", text).settings(&Outside::bare("/")).unwrap();
    assert_eq!(bare.diff(&bare), []);
    assert!(RawConfig::parse("", "x = 1").settings(&outside()).is_err());
}

#[test]
fn a_file_that_is_referred_to_is_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let policy = folder.path().join("p.toml");
    let read = |text: &str| {
        std::fs::write(&policy, text).unwrap();
        let text = "[namespaces.a]\npolicy = { file = \"p.toml\" }";
        RawConfig::at(&path, text).settings(&outside()).unwrap_or_else(|problems| panic!("{problems}"))
    };
    let own = |name: &str| format!("schema = 1\nname = \"{name}\"\nextends = \"default\"\n");
    let (one, two) = (read(&own("one")), read(&own("two")));
    let said: Vec<String> = one.diff(&two).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["namespaces.a.policy: { file = \"p.toml\" } (its content changed)"]);
}
