//! Where one upstream does not answer, another does: breaker, failover, keys, names; through both doors.

use std::net::TcpListener;

use kolm_config::{RawConfig, Secret, Upstream};
use kolm_core::{Arm, Outcome};

use super::fake::{Fake, Step, refusing, sized};
use super::*;

/// A house whose default upstream is `first`, with `second` to stand in for it, and a clock of its own.
fn house(first: SocketAddr, second: SocketAddr, change: impl FnOnce(&mut Config)) -> House {
    let house = House::over(first);
    let mut config = Config::clone(&house.shared.table.load().config);
    let stands_in = Upstream {
        base_url: format!("http://{second}/other/v1").parse().unwrap(),
        api_key: Some(Secret::new("sk-second")),
        ..config.upstreams["openai"].clone()
    };
    config.upstreams.insert("second".to_owned(), stands_in);
    config.upstreams.get_mut("openai").unwrap().failover = vec!["second".to_owned()];
    change(&mut config);
    let routes = house.shared.table.load().routes.clone();
    house.shared.table.store(Arc::new(Table { config: Arc::new(config), routes }));
    house
}

fn second() -> Fake {
    Fake::start(|_| sized("200 OK", "", b"from the second"))
}

fn counted(house: &House, line: &str) -> bool {
    house.shared.events.render().contains(line)
}

#[test]
fn what_gives_no_head_is_asked_elsewhere_with_the_same_body() {
    let quick = |config: &mut Config| {
        config.upstreams.get_mut("openai").unwrap().timeouts.first_byte = Duration::from_millis(100);
    };
    let silent = Fake::start(|_| vec![Step::Hang]);
    let broken = Fake::start(|_| vec![Step::Close]);
    for (what, first, why) in [
        ("refuses", refusing(), "connect"),
        ("hangs", silent.address, "timeout"),
        ("breaks", broken.address, "broken"),
    ] {
        let second = second();
        let mut house = house(first, second.address, quick);
        let request = post(
            "/v1/chat/completions?key=AIza-secret",
            "Cookie: session=1\r\nOpenAI-Organization: org-1\r\nX-Request-Tag: kept\r\n",
            CHAT,
        );
        let reply = house.client().call(&request);
        assert_eq!((reply.status, &reply.body[..]), (200, &b"from the second"[..]), "{what}");
        let seen = second.last();
        assert_eq!(seen.body, CHAT, "{what}");
        assert!(
            seen.head.starts_with("POST /other/v1/chat/completions HTTP/1.1\r\n"),
            "{what}: {}",
            seen.head
        );
        assert_eq!(seen.header("authorization"), Some("Bearer sk-second"), "{what}");
        assert_eq!(seen.header("host"), Some(second.address.to_string().as_str()), "{what}");
        assert_eq!((seen.header("cookie"), seen.header("openai-organization")), (None, None), "{what}");
        assert_eq!(seen.header("x-request-tag"), Some("kept"), "{what}");
        let finished = house.captured();
        assert_eq!((finished.upstream.as_str(), finished.arm), ("second", Arm::Teacher), "{what}");
        assert_eq!(finished.path, "/v1/chat/completions", "{what}");
        let leaf = house.leaf(reply.id());
        assert_eq!((&leaf["open"]["try"], &leaf["close"]["tries"][0][3]), (&2.into(), &why.into()), "{what}");
        let line = format!("kolm_upstream_failover_total{{from=\"openai\",to=\"second\",why=\"{why}\"}} 1");
        assert!(counted(&house, &line), "{}", house.shared.events.render());
    }
}

#[test]
fn an_answer_passes_whatever_it_says_unless_its_status_is_listed() {
    for (listed, status, want) in
        [(vec![], 429, 429), (vec![], 503, 503), (vec![503], 503, 200), (vec![503], 500, 500)]
    {
        let first =
            Fake::start(move |_| sized(&format!("{status} No"), "retry-after: 7\r\n", b"from the first"));
        let second = second();
        let house = house(first.address, second.address, move |config| {
            config.upstreams.get_mut("openai").unwrap().failover_on.statuses = listed;
        });
        let reply = house.post("/v1/chat/completions", CHAT);
        assert_eq!(reply.status, want);
        assert_eq!(second.requests(), usize::from(want == 200));
        if want == 200 {
            assert_eq!(house.leaf(reply.id())["close"]["tries"][0][3], "status:503");
        } else {
            assert_eq!(reply.header("retry-after"), Some("7"));
        }
    }
}

#[test]
fn after_the_first_byte_nothing_is_asked_again() {
    let first = Fake::start(|_| {
        vec![Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec()), Step::Close]
    });
    let second = second();
    let mut house = house(first.address, second.address, |_| {});
    assert!(house.post("/v1/chat/completions", CHAT).broken);
    assert_eq!((house.captured().outcome, second.requests()), (Outcome::UpstreamError, 0));
}

#[test]
fn an_upstream_of_the_same_provider_gets_the_callers_key_and_its_own_name_for_the_model() {
    let second = second();
    let mut house = house(refusing(), second.address, |config| {
        let stands_in = config.upstreams.get_mut("second").unwrap();
        stands_in.accepts_keys_of = vec!["openai".to_owned()];
        stands_in.models = [("gpt-4o-mini".to_owned(), "mini-deployment".to_owned())].into();
    });
    house.post("/v1/chat/completions?api-version=1", CHAT);
    let seen = second.last();
    assert_eq!(seen.header("authorization"), Some("Bearer sk-test"));
    assert!(
        seen.head.starts_with("POST /other/v1/chat/completions?api-version=1 HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    let want = String::from_utf8_lossy(CHAT).replace("gpt-4o-mini", "mini-deployment");
    assert_eq!(String::from_utf8_lossy(&seen.body), want);
    let finished = house.captured();
    assert_eq!((&finished.request[..], finished.model.as_str()), (CHAT, "gpt-4o-mini"));
    assert_eq!(finished.authorization.unwrap(), "Bearer sk-test");
}

#[test]
fn who_may_not_use_the_operators_key_is_not_helped_out_with_it() {
    let second = second();
    let house = house(refusing(), second.address, |config| {
        let namespace = config.default_namespace.clone();
        config.namespaces.get_mut(&namespace).unwrap().keys = vec![Secret::new("kolm-key")];
    });
    assert_eq!(house.post("/v1/chat/completions", CHAT).status, 502);
    assert_eq!(second.requests(), 0);
}

#[test]
fn a_namespace_is_never_taken_out_of_its_region() {
    let second = second();
    let house = house(refusing(), second.address, |config| {
        let namespace = config.default_namespace.clone();
        config.namespaces.get_mut(&namespace).unwrap().region = Some("eu".to_owned());
        config.upstreams.get_mut("openai").unwrap().region = Some("eu".to_owned());
    });
    for path in ["/v1/chat/completions", "/v1/files"] {
        let reply = house.post(path, CHAT);
        assert_eq!(reply.status, 502, "{path}");
        assert_eq!(house.leaf(reply.id())["open"]["region"], "eu", "{path}");
    }
    assert_eq!(second.requests(), 0);
}

#[test]
fn the_other_door_goes_on_when_no_connection_comes_about() {
    let second = second();
    let house = house(refusing(), second.address, |_| {});
    let request = b"PUT /v1/files/9?key=AIza-secret HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-test\r\nCookie: a=1\r\nContent-Length: 4\r\n\r\nbody";
    let reply = house.client().call(request);
    assert_eq!((reply.status, &reply.body[..]), (200, &b"from the second"[..]));
    let seen = second.last();
    assert!(seen.head.starts_with("PUT /other/v1/files/9 HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (Some("Bearer sk-second"), None));
    assert_eq!(seen.body, b"body");
    let leaf = house.leaf(reply.id());
    assert_eq!((&leaf["open"]["try"], &leaf["close"]["tries"][0][3]), (&2.into(), &"connect".into()));
}

#[test]
fn the_other_door_goes_on_while_the_body_can_be_sent_once_more() {
    let quick = |config: &mut Config| {
        let first = config.upstreams.get_mut("openai").unwrap();
        first.timeouts.first_byte = Duration::from_millis(100);
        first.timeouts.idle = Duration::from_millis(100);
        first.failover_on.statuses = vec![503];
    };
    let silent = Fake::start(|_| vec![Step::Hang]);
    let broken = Fake::start(|_| vec![Step::Close]);
    let busy = Fake::start(|_| sized("503 No", "", b"from the first"));
    let half = Fake::start(|_| {
        vec![Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()), Step::Close]
    });
    let (short, long) = (vec![b's'; 4], vec![b'l'; 100_000]);
    for (what, first, body, want) in [
        ("hangs", &silent, &short, Some("timeout")),
        ("breaks", &broken, &short, Some("broken")),
        ("is busy", &busy, &short, Some("status:503")),
        // Pingora has not kept so much, and a client has seen a part.
        ("hangs", &silent, &long, None),
        ("breaks", &broken, &long, None),
        ("is busy", &busy, &long, None),
        ("breaks off", &half, &short, None),
    ] {
        let second = second();
        let house = house(first.address, second.address, quick);
        let reply = house.client().call(&post("/v1/files", "", body));
        assert_eq!(second.requests(), usize::from(want.is_some()), "{what}");
        let Some(why) = want else { continue };
        assert_eq!((reply.status, &reply.body[..]), (200, &b"from the second"[..]), "{what}");
        assert_eq!(&second.last().body, body, "{what}");
        let leaf = house.leaf(reply.id());
        assert_eq!((&leaf["open"]["try"], &leaf["close"]["tries"][0][3]), (&2.into(), &why.into()), "{what}");
        let word = why.split(':').next().unwrap();
        let line = format!("kolm_upstream_failover_total{{from=\"openai\",to=\"second\",why=\"{word}\"}} 1");
        assert!(counted(&house, &line), "{}", house.shared.events.render());
    }
}

#[test]
fn an_open_breaker_answers_at_once_and_lets_one_probe_through() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    drop(door);
    let mut house = House::over(address);
    let mut config = Config::clone(&house.shared.table.load().config);
    let breaker = &mut config.upstreams.get_mut("openai").unwrap().breaker;
    (breaker.enabled, breaker.failures, breaker.open_ms) = (true, 3, 4_500);
    let routes = house.shared.table.load().routes.clone();
    house.shared.table.store(Arc::new(Table { config: Arc::new(config), routes }));
    for path in ["/v1/chat/completions", "/v1/files", "/v1/chat/completions"] {
        assert_eq!(house.post(path, CHAT).status, 502, "{path}");
    }
    for path in ["/v1/chat/completions", "/v1/files"] {
        let reply = house.post(path, CHAT);
        assert_eq!((reply.status, reply.error_code().as_str()), (503, "overloaded"), "{path}");
        assert_eq!(reply.header("retry-after"), Some("5"), "{path}");
        assert_eq!(house.leaf(reply.id())["close"]["status"], 503, "{path}");
    }
    assert!(counted(&house, "kolm_upstream_break_total{to=\"open\",upstream=\"openai\"} 1"));
    assert!(counted(&house, "kolm_upstream_refuse_total{upstream=\"openai\"} 2"));
    // Time goes on, the upstream is back: one answer closes it.
    let back = Fake::start_at(address, |_| sized("404 Not Found", "", b"{}"));
    house.clock.advance(4_500);
    assert_eq!(house.post("/v1/chat/completions", CHAT).status, 404);
    assert!(counted(&house, "kolm_upstream_break_total{to=\"closed\",upstream=\"openai\"} 1"));
    assert_eq!((house.post("/v1/files", CHAT).status, back.requests()), (404, 2));
    let status = house.shared.guards.status(&house.shared.table.load().config);
    assert_eq!(status[0].breaker, "closed");
    house.captures.close();
}

#[test]
fn an_open_breaker_is_passed_by_where_another_stands_in() {
    let second = second();
    let house = house(refusing(), second.address, |config| {
        let breaker = &mut config.upstreams.get_mut("openai").unwrap().breaker;
        (breaker.enabled, breaker.failures) = (true, 1);
    });
    for (path, tries) in [("/v1/chat/completions", 1), ("/v1/chat/completions", 0), ("/v1/files", 0)] {
        let reply = house.post(path, CHAT);
        assert_eq!((reply.status, &reply.body[..]), (200, &b"from the second"[..]));
        let leaf = house.leaf(reply.id());
        let made = leaf["close"]["tries"].as_array().map_or(0, Vec::len);
        assert_eq!(made, tries, "what was never sent is no try: {leaf}");
    }
}

#[test]
fn an_unhealthy_upstream_is_asked_last() {
    let first = Fake::start(|_| sized("200 OK", "", b"from the first"));
    let second = second();
    let check = kolm_config::HealthCheck::of("/v1/models");
    let house = house(first.address, second.address, |_| {});
    let at = house.shared.env.clock.now();
    for _ in 0..3 {
        house.shared.guards.of("openai").checked(&check, false, at);
    }
    for path in ["/v1/chat/completions", "/v1/files"] {
        assert_eq!(house.post(path, CHAT).body, b"from the second", "{path}");
    }
    for _ in 0..3 {
        house.shared.guards.of("second").checked(&check, false, at);
    }
    assert_eq!(house.post("/v1/chat/completions", CHAT).body, b"from the first", "both are unhealthy");
    house.shared.guards.of("openai").unchecked();
    assert_eq!(house.post("/v1/files", CHAT).body, b"from the first");
}

#[test]
fn the_price_is_that_of_who_answered() {
    let text = "[upstreams.a]\nbase_url = \"http://x/v1\"\nmodels = { \"gpt-4o\" = \"big\" }\n\
                [upstreams.a.prices.big]\ninput = 1\noutput = 2\n";
    let config = RawConfig::parse("test", text).check(&Outside::bare("/tmp")).unwrap();
    let upstream = &config.upstreams["a"];
    assert_eq!(upstream.price("gpt-4o").map(|price| price.input), Some(1_000_000));
    assert_eq!(upstream.price("gpt-4o-mini").map(|price| price.input), Some(150_000));
}
