//! The capture worker: finished exchanges in, anonymized pairs in the spool, copies to the shadow.
//!
//! **Invariant:** nothing leaves this file that was not minted by `policies::anonymize`; a panic or a doubt is a
//! counted drop.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use kolm_config::{Config, Namespace as NamespaceConfig, Retention};
use kolm_core::{Arm, MicroUsd, Namespace, Outcome, RouteName, Savings, Surface, Timestamp};
use kolm_policies::anonymize::{self, Salts};
use kolm_policies::eligible::{self, Origin};
use kolm_policies::price;
use kolm_store::{Pair, Salts as StoredSalts};
use kolm_wire::{Exchange, assemble, chat};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::decode;
use crate::exchange::Finished;
use crate::shadow::{Drawn, Shadow, busy};
use crate::table::{Shared, keyed};

/// Most bytes of a decoded reply; a compressed bomb ends here.
pub(crate) const MAX_DECODED: usize = 64 << 20;
/// A retry within this time is the same logical request.
const RETRY_WINDOW_MS: i64 = 600_000;
/// How often older answers are forgotten.
const SWEEP_MS: i64 = 60_000;
/// Most answers remembered; a retry of one beyond that counts as new.
const MOST_ANSWERED: usize = 1 << 18;

/// Money by route since the start.
pub(crate) type Till = Arc<Mutex<HashMap<RouteName, Savings>>>;

/// Owns the anonymizer's memory of conversations.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    store: kolm_store::Handle,
    shadow: Arc<Shadow>,
    mirror: mpsc::Sender<Drawn>,
    salts: HashMap<Namespace, Salts>,
    answered: HashMap<[u8; 32], Timestamp>,
    swept: Timestamp,
    till: Till,
}

/// A reply as it is stored.
pub(crate) struct Told {
    pub(crate) body: Vec<u8>,
    complete: bool,
    unknown_encoding: bool,
}

impl Worker {
    /// A worker that writes to `store` and mirrors to the shadow.
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: kolm_store::Handle,
        shadow: Arc<Shadow>,
        mirror: mpsc::Sender<Drawn>,
        till: Till,
    ) -> Self {
        let (salts, answered, swept) = (HashMap::new(), HashMap::new(), shared.env.clock.now());
        Self { shared, store, shadow, mirror, salts, answered, swept, till }
    }

    /// Works until told to stop and the queue is empty; blocks, so it has a thread of its own.
    pub(crate) fn run(
        mut self,
        mut queue: mpsc::Receiver<Finished>,
        mut stop: watch::Receiver<bool>,
        on: &Handle,
    ) {
        loop {
            let next = on.block_on(async {
                tokio::select! {
                    next = queue.recv() => next,
                    _ = stop.wait_for(|stopped| *stopped) => {
                        queue.close();
                        queue.recv().await
                    }
                }
            });
            match next {
                Some(finished) => self.take(finished),
                None => return,
            }
        }
    }

    /// What came this far was accepted for capture: it ends in the spool or as a counted drop.
    fn take(&mut self, finished: Finished) {
        let config = Arc::clone(&self.shared.table.load().config);
        // A namespace that captures nothing does so whatever path the client chose, and after a reload at once.
        let kept = |namespace: &&NamespaceConfig| namespace.capture && namespace.retention != Retention::None;
        let Some(namespace) = config.namespaces.get(&finished.namespace).filter(kept) else {
            self.shared.events.capture_dropped("capture_off");
            return;
        };
        if !self.store.lies_in(&finished.namespace, namespace.data_dir.as_deref()) {
            self.shared.events.capture_dropped("data_dir_changed");
            return;
        }
        let made = catch_unwind(AssertUnwindSafe(|| self.pair(&finished, &config, namespace)));
        let stored = match made {
            Ok(Ok(pair)) => self.store.append(pair).map_err(|error| unspooled(&error)),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err("panic"),
        };
        if let Err(reason) = stored {
            self.shared.events.capture_dropped(reason);
        }
        if let Some(drawn) = self.shadow.draw(finished)
            && let Err(full) = self.mirror.try_send(drawn)
        {
            self.shadow.drop_one(&full.into_inner());
        }
    }

    fn pair(
        &mut self,
        finished: &Finished,
        config: &Config,
        namespace: &NamespaceConfig,
    ) -> Result<Pair, &'static str> {
        if finished.truncated {
            return Err("oversize");
        }
        let told = told(finished);
        let exchange = Exchange { request: finished.request.to_vec(), reply: told.body };
        let now = self.shared.env.clock.now();
        let fresh = self.shared.env.bytes32();
        let salts = self.salts.entry(finished.namespace.clone());
        let salts = salts.or_insert_with(|| Salts::new(self.shared.env.bytes32(), namespace.policy.scope()));
        let salt = salts.salt_for(&finished.caller, &exchange, fresh, now);
        let (body, report) =
            anonymize::anonymize(&exchange, &namespace.policy, &salt).map_err(|dropped| dropped.as_str())?;
        let facts = chat::facts(&exchange.reply);
        let blocks = chat::question(&exchange.request).err();
        let eligible = eligible::eligible(&eligible::Facts {
            status: finished.status,
            complete: told.complete,
            reply: &facts,
            origin: match finished.arm {
                Arm::Teacher => Origin::Teacher,
                Arm::Student => Origin::Student,
            },
            superseded: self.superseded(finished, now),
            blocks,
            stateful: finished.surface != Surface::Chat,
            invalid: false,
            quarantined: report.quarantined,
            too_long: false,
            unknown_encoding: told.unknown_encoding,
        });
        let cost = cost(finished, config, &facts);
        self.charge(finished, config, cost.unwrap_or_default());
        Ok(Pair {
            id: finished.id,
            ts: finished.at,
            namespace: finished.namespace.clone(),
            route: finished.route.clone(),
            upstream: finished.upstream.clone(),
            requested_model: finished.model.clone(),
            served_model: facts.model.clone(),
            surface: finished.surface,
            modality: "text".to_owned(),
            body,
            report,
            tokens_in: facts.tokens_in,
            tokens_out: facts.tokens_out,
            tokens_cached: facts.tokens_cached,
            cost,
            latency_ms: millis(finished.latency_us),
            ttft_ms: millis(finished.ttft_us),
            status: i64::from(finished.status),
            outcome: finished.outcome,
            error_class: if facts.error { "error".to_owned() } else { String::new() },
            finish_reason: facts.finish.clone(),
            arm: finished.arm,
            artifact: finished.artifact.clone(),
            barred: eligible.err().map(str::to_owned),
            conversation: finished.unit.clone(),
            retry_of: None,
            salts: Some(StoredSalts { req: finished.request_salt, resp: finished.reply_salt }),
        })
    }

    /// The client sent this very body before and has a complete answer to it.
    fn superseded(&mut self, finished: &Finished, now: Timestamp) -> bool {
        let digest = keyed(&self.shared.process_key, &[&finished.caller, &finished.request]);
        let before = self.answered.get(&digest).is_some_and(|at| now.since(*at) < RETRY_WINDOW_MS);
        if now.since(self.swept) >= SWEEP_MS {
            self.answered.retain(|_, at| now.since(*at) < RETRY_WINDOW_MS);
            self.swept = now;
        }
        let complete = finished.outcome == Outcome::Complete && finished.status == 200;
        if complete && self.answered.len() < MOST_ANSWERED {
            self.answered.insert(digest, now);
        }
        before && finished.retry_count > 0
    }

    fn charge(&self, finished: &Finished, config: &Config, cost: MicroUsd) {
        let Some(name) = &finished.route else { return };
        let mut till = self.till.lock().unwrap_or_else(PoisonError::into_inner);
        let savings = till.entry(name.clone()).or_default();
        match finished.arm {
            Arm::Teacher => savings.paid.0 += cost.0,
            Arm::Student => {
                let route = config.routes.iter().find(|route| route.name == *name);
                let price = route.map_or(0, |route| route.gate.hw_musd_per_s);
                savings.avoided.0 += cost.0;
                savings.local.0 += busy(finished.latency_us, price).0;
            }
        }
    }
}

/// The reply decoded and, if it was a stream, assembled.
pub(crate) fn told(finished: &Finished) -> Told {
    let Ok(plain) = decode::decode(&finished.encoding, &finished.reply, MAX_DECODED) else {
        return Told { body: Vec::new(), complete: false, unknown_encoding: true };
    };
    if finished.streamed {
        let assembled = assemble::of_stream(&plain, finished.ended_cleanly);
        return Told { body: assembled.reply, complete: assembled.complete, unknown_encoding: false };
    }
    // A client that left early does not make the answer less whole: it was drained for this.
    let complete = finished.ended_cleanly;
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&plain).is_ok();
    Told { body: if json { plain } else { Vec::new() }, complete, unknown_encoding: false }
}

/// What the exchange cost, or would have cost, at the teacher's list price; `None` without a price or an answer.
pub(crate) fn cost(finished: &Finished, config: &Config, facts: &chat::Facts) -> Option<MicroUsd> {
    if finished.status != 200 {
        return None;
    }
    let price = config.upstreams.get(&finished.upstream)?.price(&finished.model)?;
    let tokens_in = counted(facts.tokens_in, finished.request.len());
    let tokens_out = counted(facts.tokens_out, facts.text.as_ref().map_or(0, String::len));
    Some(price::cost(&price, tokens_in, facts.tokens_cached, tokens_out))
}

/// A token count, or about four characters a token where nobody said.
fn counted(tokens: i64, bytes: usize) -> i64 {
    if tokens >= 0 { tokens } else { bytes.div_ceil(4) as i64 }
}

fn millis(micros: u64) -> i64 {
    (micros / 1_000) as i64
}

/// The word for a pair that the spool did not take.
fn unspooled(error: &kolm_store::Error) -> &'static str {
    tracing::error!(%error, "a pair was not spooled");
    match error {
        kolm_store::Error::SpoolFull { .. } => "spool_full",
        kolm_store::Error::Database { .. }
        | kolm_store::Error::Locked { .. }
        | kolm_store::Error::Conflict { .. }
        | kolm_store::Error::Io { .. }
        | kolm_store::Error::Unavailable { .. }
        | kolm_store::Error::Unreadable { .. } => "spool_failed",
    }
}
