//! One gateway, four pairings of protocols, and the direct call that each is compared with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;

use super::client::{Speaks, ask};
use super::compare;
use super::origin::{Origin, pem};
use super::plan::{Answer, Call, Reply, Seen};
use crate::fake::FakeOpenAi;
use crate::world::World;

/// A way through the gateway.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    client: Speaks,
    upstream: Speaks,
    /// What stands before the path in place of `/v1`.
    prefix: &'static str,
}

/// All four pairings; both capture paths and the plain one are among them.
pub(super) const WAYS: [Way; 4] = [
    Way { client: Speaks::H1, upstream: Speaks::H1, prefix: "/v1" },
    Way { client: Speaks::H2, upstream: Speaks::H1, prefix: "/v1/capture" },
    Way { client: Speaks::H1, upstream: Speaks::H2, prefix: "/v1/capture/modern" },
    Way { client: Speaks::H2, upstream: Speaks::H2, prefix: "/v1/capture/modern/v1" },
];

/// Exchanges at a time.
const AT_ONCE: usize = 12;
/// An exchange that takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// One row of the test: what is asked and what is answered.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) call: Call,
    pub(super) answer: Answer,
    pub(super) ways: Vec<Way>,
}

/// The gateway and the upstream behind it.
pub(super) struct Field {
    pub(super) world: World,
    pub(super) origin: Origin,
    next: AtomicUsize,
    wrong: Mutex<Vec<(String, String)>>,
}

impl Case {
    /// A case for all four ways.
    pub(super) fn new(name: impl Into<String>, call: Call, answer: Answer) -> Self {
        Self { name: name.into(), call, answer, ways: WAYS.to_vec() }
    }

    /// Only where HTTP/1.1 is spoken on both sides.
    pub(super) fn only_h1(mut self) -> Self {
        self.ways.truncate(1);
        self
    }

    /// Only where the upstream speaks HTTP/1.1.
    pub(super) fn upstream_h1(mut self) -> Self {
        self.ways.truncate(2);
        self
    }
}

impl Field {
    pub(super) async fn start() -> Self {
        let origin = Origin::start().await;
        let mut fake = FakeOpenAi::start(Duration::ZERO, str::to_owned).await;
        fake.address = origin.plain;
        let modern = format!(
            "[upstreams.modern]\nbase_url = \"https://localhost:{}/v1\"\nextra_ca = \"{}\"\n",
            origin.secure.port(),
            pem("authority.pem").display()
        );
        let world = World::start(fake, &modern).await;
        Self { world, origin, next: AtomicUsize::new(0), wrong: Mutex::default() }
    }

    /// The client port.
    pub(super) fn listen(&self) -> SocketAddr {
        self.world.url("").trim_start_matches("http://").parse().unwrap()
    }

    /// One exchange.
    pub(super) async fn exchange(
        &self,
        speaks: Speaks,
        to: SocketAddr,
        call: &Call,
        answer: &Answer,
    ) -> Option<(Seen, Reply)> {
        let case = self.next.fetch_add(1, Ordering::SeqCst).to_string();
        let plan = self.origin.expect(&case, answer.clone());
        let asked = tokio::time::timeout(HANGS, ask(speaks, to, call, &case, &plan)).await;
        self.origin.done(&case);
        Some((plan.seen(), asked.ok()?))
    }

    /// All cases, direct and proxied, several at a time.
    pub(super) async fn run(&self, cases: Vec<Case>) {
        futures_util::stream::iter(cases).for_each_concurrent(AT_ONCE, |case| self.one(case)).await;
    }

    async fn one(&self, case: Case) {
        let direct = self.exchange(Speaks::H1, self.origin.plain, &case.call, &case.answer).await;
        let Some((asked, told)) = direct else { return self.complain(&case, None, "the direct call hangs") };
        for way in &case.ways {
            let mut call = case.call.clone();
            call.target = call.target.replacen("/v1", way.prefix, 1);
            let Some((seen, reply)) = self.exchange(way.client, self.listen(), &call, &case.answer).await
            else {
                self.complain(&case, Some(way), "the proxied call hangs");
                continue;
            };
            let mut wrong = match way.client {
                Speaks::H1 => compare::replies(&told, &reply),
                Speaks::H2 if case.answer.cut.is_some() => compare::torn(&told, &reply),
                Speaks::H2 => {
                    compare::replies(&compare::undated(told.clone()), &compare::undated(reply.clone()))
                }
            };
            if !case.answer.early {
                wrong.extend(compare::requests(&asked, &seen));
            }
            // HTTP/2 has no words for a status.
            if (way.client, way.upstream) == (Speaks::H1, Speaks::H1) && reply.reason != told.reason {
                wrong.push(format!("reason: direct {:?}, proxied {:?}", told.reason, reply.reason));
            }
            if way.client == Speaks::H1 && reply.infos != told.infos {
                wrong.push(format!("1xx: direct {:?}, proxied {:?}", told.infos, reply.infos));
            }
            if case.answer.lockstep
                && case.answer.cut.is_none()
                && reply.frames.len() > 1
                && reply.frames != told.frames
            {
                wrong.push(format!("frames: direct {:?}, proxied {:?}", told.frames, reply.frames));
            }
            for wrong in wrong {
                self.complain(&case, Some(way), &wrong);
            }
        }
    }

    fn complain(&self, case: &Case, way: Option<&Way>, wrong: &str) {
        let way = way.map_or_else(String::new, |way| format!(" ({:?} to {:?})", way.client, way.upstream));
        let name: String = case.name.chars().take(60).collect();
        self.wrong.lock().unwrap().push((format!("{name}{way}"), wrong.to_owned()));
    }

    /// Fails with all that was wrong; what is wrong in the same way stands there once, with its first cases.
    pub(super) fn verdict(&self) {
        let wrong = self.wrong.lock().unwrap();
        let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (case, what) in wrong.iter() {
            kinds.entry(what).or_default().push(case);
        }
        let line = |(what, cases): (&&str, &Vec<&str>)| {
            let shown: String = what.chars().take(400).collect();
            format!("{shown}\n    {} times: {}", cases.len(), cases[..cases.len().min(3)].join(", "))
        };
        let lines: Vec<String> = kinds.iter().map(line).collect();
        let strays = self.origin.strays();
        assert!(strays.is_empty(), "what was no request reached the upstream: {strays:?}");
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), lines.join("\n"));
    }
}

/// `n` bytes as pieces of at most `most`.
pub(super) fn pieces(bytes: Vec<u8>, most: usize, dice: &mut crate::dice::Dice) -> Vec<bytes::Bytes> {
    let mut rest = bytes::Bytes::from(bytes);
    let mut out = Vec::new();
    while !rest.is_empty() {
        let n = (1 + dice.below(most)).min(rest.len());
        out.push(rest.split_to(n));
    }
    out
}
