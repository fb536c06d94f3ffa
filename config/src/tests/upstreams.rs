//! What watches over upstreams, who stands in for them, and engines.

use kolm_policies::breaker;

use super::*;

const TWO: &str = r#"
[upstreams.openai]
base_url = "http://127.0.0.1:1/v1"
failover = ["mirror", "azure"]
failover_on = ["connect", 503]
breaker = { enabled = true, failures = 3, window = "10s", open_for = "2s", count_5xx = true }
health = { path = "/health", interval = "1s", timeout = "500ms", unhealthy_after = 2, healthy_after = 4 }
[upstreams.mirror]
base_url = "http://127.0.0.1:2/v1"
accepts_keys_of = ["openai"]
models = { "gpt-4o" = "big" }
prices = { big = { input = 1, output = 2 } }
[upstreams.azure]
base_url = "http://127.0.0.1:3/v1"
health = { enabled = false, path = "/health" }
"#;

#[test]
fn every_setting_of_an_upstream_arrives() {
    let config = config(TWO);
    let openai = &config.upstreams["openai"];
    let breaker =
        breaker::Policy { enabled: true, failures: 3, window_ms: 10_000, open_ms: 2_000, count_5xx: true };
    assert_eq!(
        (openai.breaker, openai.failover.as_slice()),
        (breaker, &["mirror".to_owned(), "azure".to_owned()][..])
    );
    let on = &openai.failover_on;
    assert_eq!((on.connect, on.timeout, on.broken, on.statuses.as_slice()), (true, false, false, &[503][..]));
    let health = openai.health.as_ref().unwrap();
    assert_eq!(
        (health.path.as_str(), health.interval, health.timeout),
        ("/health", Duration::from_secs(1), Duration::from_millis(500))
    );
    assert_eq!((health.thresholds.unhealthy_after, health.thresholds.healthy_after), (2, 4));
    let mirror = &config.upstreams["mirror"];
    assert_eq!(
        (mirror.breaker, mirror.accepts_keys_of.as_slice()),
        (breaker::Policy::default(), &["openai".to_owned()][..])
    );
    assert_eq!(mirror.price("gpt-4o").map(|price| price.input), Some(1_000_000));
    assert_eq!((config.upstreams["azure"].health.is_none(), mirror.health.is_none()), (true, true));
}

const ENGINE: &str = r#"
[[routes]]
name = "support"
[routes.engine]
urls = ["http://127.0.0.1:8000/v1", "http://[::1]:8001/v1"]
served_model = "qwen"
artifact = "sha256:00000000000000000000000000000000000000000000000000000000000000ab"
size = "2 GiB"
api_key = { env = "TEAM_KEY" }
balance = "least_connections"
timeouts = { first_byte = "3s" }
health = { path = "/health" }
"#;

#[test]
fn every_setting_of_an_engine_arrives() {
    let config = config(ENGINE);
    let engine = config.routes[0].engine.as_ref().unwrap();
    assert_eq!(
        (engine.urls.len(), engine.served_model.as_str(), engine.size_bytes),
        (2, "qwen", Some(2 << 30))
    );
    assert_eq!(engine.api_key.as_ref().map(Secret::expose), Some("team"));
    assert_eq!(
        (engine.balance, engine.first_byte, engine.connect),
        (Balance::LeastConnections, Duration::from_secs(3), Duration::from_secs(1))
    );
    assert!(engine.artifact.as_ref().is_some_and(|artifact| artifact.as_str().ends_with("ab")));
    assert_eq!((engine.health.path.as_str(), engine.health.interval), ("/health", Duration::from_secs(5)));
}

#[test]
fn what_is_wrong_with_them_is_said() {
    check(
        r#"[upstreams.a]
base_url = "http://127.0.0.1:1/v1"
failover = ["b", "b", "nobody", "a"]
failover_on = ["soon", 404, 503]
breaker = { failures = 0, open_for = "0s" }
health = { path = "models", interval = "1ms" }
[upstreams.b]
base_url = "http://127.0.0.1:2/v1"
failover = ["c"]
[upstreams.c]
base_url = "http://127.0.0.1:3/v1"
failover = ["a"]
accepts_keys_of = ["nobody"]
[[routes]]
name = "r"
distill = { enabled = true }
[routes.engine]
urls = ["http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1", "ftp://x"]
balance = "random"
artifact = "abc"
"#,
        expect![[r#"
            gateway.toml:3: K0104: upstreams.a.failover[1]: `b` stands there twice
            gateway.toml:3: K0105: upstreams.a.failover[2]: no upstream is named `nobody`
            gateway.toml:3: K0120: upstreams.a.failover[0]: `b` leads back to `a`
            gateway.toml:3: K0120: upstreams.a.failover[3]: `a` leads back to `a`
            gateway.toml:4: K0103: upstreams.a.failover_on[0]: `soon` is no ground: "connect", "timeout", "broken" or a status
            gateway.toml:4: K0104: upstreams.a.failover_on[1]: 404 is none of 429 and 500 to 599
            gateway.toml:5: K0104: upstreams.a.breaker.failures: 0 is not in 1..1001
            gateway.toml:5: K0104: upstreams.a.breaker.open_for: must be between 1ms and 24h
            gateway.toml:6: K0103: upstreams.a.health.path: `models`: a path begins with `/` and has no space
            gateway.toml:6: K0104: upstreams.a.health.interval: must be at least 10ms
            gateway.toml:9: K0120: upstreams.b.failover[0]: `c` leads back to `b`
            gateway.toml:12: K0120: upstreams.c.failover[0]: `a` leads back to `c`
            gateway.toml:13: K0105: upstreams.c.accepts_keys_of[0]: no upstream is named `nobody`
            gateway.toml:17: K0103: routes.r.engine.served_model: the name of the model at its servers is missing
            gateway.toml:17: K0121: routes.r.engine: a route has one student: the engine, or one that is trained
            gateway.toml:18: K0104: routes.r.engine.urls[1]: a server of this host and port stands there already
            gateway.toml:18: K0103: routes.r.engine.urls[2]: `ftp://x`: must begin with https:// or http://
            gateway.toml:19: K0103: routes.r.engine.balance: `random`: must be "round_robin", "least_connections" or "conversation"
            gateway.toml:20: K0103: routes.r.engine.artifact: `abc`: `abc` is no artifact identity: it must match sha256:[0-9a-f]{64}"#]],
    );
}

#[test]
fn an_engine_outside_this_host_is_no_engine_under_airgap() {
    let text = "airgap = true\n[upstreams.x]\nbase_url = \"http://127.0.0.1:1/v1\"\n[[routes]]\nname = \"r\"\n\
                engine = { urls = [\"http://gpu.example:8000/v1\"], served_model = \"m\" }";
    let found = problems(text);
    let got: Vec<_> = found.list.iter().map(|p| (p.code, p.path.as_str(), p.line)).collect();
    assert_eq!(got, [(Code(108), "routes.r.engine.urls[0]", 6)]);
    assert!(found.list[0].hint.is_some());
    // K0120 and K0121 have hints too.
    for (text, code) in [
        ("[upstreams.a]\nbase_url = \"http://x\"\nfailover = [\"a\"]", 120),
        (
            "[[routes]]\nname = \"r\"\ndistill = { enabled = true }\n\
             engine = { urls = [\"http://127.0.0.1:1/v1\"], served_model = \"m\" }",
            121,
        ),
    ] {
        let found = problems(text);
        assert_eq!((found.list.len(), found.code()), (1, Code(code)), "{found}");
        assert!(found.hint().is_some(), "{found}");
    }
}
