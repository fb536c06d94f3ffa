//! The capture worker: finished exchanges in, anonymized pairs in the spool, copies to the shadow.
//!
//! **Invariant:** nothing leaves this file that was not minted, or sealed for the vault, by `policies::anonymize`; a
//! panic or a doubt is a counted drop.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kolm_config::{Config, Namespace as NamespaceConfig, Retention};
use kolm_core::{Arm, Body, MicroUsd, Namespace, Savings, Surface, hex};
use kolm_policies::anonymize::vault::Sealed;
use kolm_policies::anonymize::{self, Anonymized, Originals, Report, Salts};
use kolm_policies::eligible::{self, Origin};
use kolm_policies::price;
use kolm_store::{Pair, Salts as StoredSalts};
use kolm_wire::chat::{self, Blocks};
use kolm_wire::{Exchange, schema, surface};
use tokio::sync::mpsc;

use crate::choose;
use crate::exchange::Finished;
use crate::hands::Work;
use crate::retries::{Repeats, Retries};
use crate::shadow::{Drawn, Shadow, Undone};
use crate::table::{Shared, keyed};
use crate::till::Till;
use crate::told::{self, Told};

/// Owns the anonymizer's memory of conversations.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    store: kolm_store::Handle,
    shadow: Arc<Shadow>,
    mirror: mpsc::Sender<Drawn>,
    salts: HashMap<Namespace, Salts>,
    retries: Retries,
    till: Arc<Till>,
}

impl Work for Worker {
    /// What came this far was accepted for capture: it ends in the spool or as a counted drop.
    fn take(&mut self, mut finished: Finished) {
        let config = Arc::clone(&self.shared.table.load().config);
        // A capture path is a wish to be captured; zero retention, which a reload may have brought, stands above it.
        let kept = |namespace: &&NamespaceConfig| {
            (namespace.capture || finished.wanted) && namespace.retention != Retention::None
        };
        let Some(namespace) = config.namespaces.get(&finished.namespace).filter(kept) else {
            self.shared.events.capture_dropped("capture_off");
            return;
        };
        if !self.store.lies_in(&finished.namespace, namespace.data_dir.as_deref()) {
            self.shared.events.capture_dropped("data_dir_changed");
            return;
        }
        let made = catch_unwind(AssertUnwindSafe(|| {
            let question = surface::question(finished.surface, &finished.request);
            if finished.unit.is_none() {
                let unit = choose::unit_of(&self.shared.route_key, &finished, question.as_ref().ok());
                finished.unit = Some(unit);
            }
            self.pair(&finished, &config, namespace, question.err())
        }));
        let stored = match made {
            Ok(Ok((pair, way_back))) => self
                .store
                .append_with(pair, &finished.namespace, &way_back)
                .inspect_err(|error| self.shared.events.pair_unspooled(error))
                .map_err(|error| unspooled(&error)),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err("panic"),
        };
        if let Err(reason) = stored {
            self.shared.events.capture_dropped(reason);
        }
        if let Some(drawn) = self.shadow.draw(finished)
            && let Err(full) = self.mirror.try_send(drawn)
        {
            self.shadow.drop_one(&full.into_inner(), Undone::QueueFull);
        }
    }
}

impl Worker {
    /// A worker that writes to `store` and mirrors to the shadow.
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: kolm_store::Handle,
        shadow: Arc<Shadow>,
        mirror: mpsc::Sender<Drawn>,
        till: Arc<Till>,
    ) -> Self {
        let (salts, retries) = (HashMap::new(), Retries::new(shared.env.clock.now()));
        Self { shared, store, shadow, mirror, salts, retries, till }
    }

    fn pair(
        &mut self,
        finished: &Finished,
        config: &Config,
        namespace: &NamespaceConfig,
        blocks: Option<Blocks>,
    ) -> Result<(Pair, Vec<Sealed>), &'static str> {
        if finished.truncated {
            return Err("oversize");
        }
        let mut told = told::told(finished);
        let reply = std::mem::take(&mut told.body);
        let exchange = Exchange { request: finished.request.to_vec(), reply };
        let (body, report, originals) = self.anonymized(finished, namespace, &exchange)?;
        let way_back = self.sealed(finished, namespace, &originals)?;
        let facts = chat::facts(&exchange.reply);
        let whole = told.complete && finished.status == 200 && !facts.error;
        let now = self.shared.env.clock.now();
        let repeats = self.retries.note(&self.shared.process_key, finished, whole, now);
        let invalid = schema::misses(finished.surface, &exchange.request, &exchange.reply);
        let too_long = is_too_long(finished, config, &facts, exchange.reply.len());
        let barred = barred(finished, &told, &facts, (blocks, invalid, too_long), &report, &repeats);
        let cost = cost(finished, config, &facts);
        self.charge(finished, config, cost.unwrap_or_default());
        let pair = Pair {
            id: finished.id,
            ts: finished.at,
            namespace: self.place(finished, config, &body),
            route: finished.route.clone(),
            upstream: finished.upstream.clone(),
            requested_model: finished.model.clone(),
            served_model: facts.model,
            surface: finished.surface,
            modality: modality(finished.surface, blocks).to_owned(),
            body,
            report,
            tokens_in: facts.tokens_in,
            tokens_out: facts.tokens_out,
            tokens_cached: facts.tokens_cached,
            cost,
            latency_ms: millis(finished.latency_us),
            ttft_ms: millis(finished.ttft_us),
            status: if finished.status == 0 { -1 } else { i64::from(finished.status) },
            outcome: finished.outcome,
            error_class: told.class,
            finish_reason: facts.finish,
            arm: finished.arm,
            artifact: finished.artifact.clone(),
            barred: barred.map(str::to_owned),
            conversation: finished.unit().to_owned(),
            retry_of: repeats.of,
            supersedes: repeats.supersedes,
            salts: Some(StoredSalts { req: finished.request_salt, resp: finished.reply_salt }),
        };
        Ok((pair, way_back))
    }

    fn anonymized(
        &mut self,
        finished: &Finished,
        namespace: &NamespaceConfig,
        exchange: &Exchange,
    ) -> Result<(Anonymized, Report, Originals), &'static str> {
        let (now, fresh) = (self.shared.env.clock.now(), self.shared.env.bytes32());
        let salts = self.salts.entry(finished.namespace.clone());
        let salts = salts.or_insert_with(|| Salts::new(self.shared.env.bytes32(), namespace.policy.scope()));
        let salt = salts.salt_for(&finished.caller, exchange, fresh, now);
        let done = anonymize::anonymize_reversibly(exchange, &namespace.policy, &salt);
        done.map_err(|dropped| dropped.as_str())
    }

    /// The way back, for the vault. A key is there wherever the policy has something to keep.
    fn sealed(
        &self,
        finished: &Finished,
        namespace: &NamespaceConfig,
        originals: &Originals,
    ) -> Result<Vec<Sealed>, &'static str> {
        if originals.is_empty() {
            return Ok(Vec::new());
        }
        let key = namespace.vault.as_ref().ok_or("vault_failed")?;
        originals.seal(key, &finished.id.to_string(), || self.shared.env.bytes()).ok_or("vault_failed")
    }

    /// The namespace that the pair is kept in: where nobody named one, a system prompt makes one, if so configured.
    fn place(&self, finished: &Finished, config: &Config, body: &Anonymized) -> Namespace {
        let own = finished.namespace.clone();
        let default = own == config.default_namespace && finished.unplaced;
        // What lies apart stays apart.
        let apart = config.namespaces.get(&own).is_some_and(|settings| settings.data_dir.is_some());
        if !config.capture.auto_namespaces || !default || apart {
            return own;
        }
        let system = surface::system(finished.surface, body.typed().as_bytes());
        if system.trim().is_empty() {
            return own;
        }
        let template = chat::template_key(&system, "");
        let key = keyed(&self.shared.route_key, &[b"auto-namespace", template.as_bytes()]);
        format!("auto-{}", hex(&key[..8])).parse().unwrap_or(own)
    }

    fn charge(&self, finished: &Finished, config: &Config, cost: MicroUsd) {
        let Some(name) = &finished.route else { return };
        match finished.arm {
            Arm::Teacher => self.till.add(name, &Savings { paid: cost, ..Savings::default() }),
            Arm::Student => {
                let route = config.routes.iter().find(|route| route.name == *name);
                let price = route.map_or(0, |route| route.gate.hw_musd_per_s);
                let ms = millis(finished.latency_us).unsigned_abs();
                self.till.answered(name, price::answers(1, ms, price));
                self.till.add(name, &Savings { avoided: cost, ..Savings::default() });
            }
        }
    }
}

/// The first rule of eligibility that the exchange breaks.
fn barred(
    finished: &Finished,
    told: &Told,
    reply: &chat::Facts,
    (blocks, invalid, too_long): (Option<Blocks>, bool, bool),
    report: &Report,
    repeats: &Repeats,
) -> Option<&'static str> {
    let facts = eligible::Facts {
        surface: finished.surface,
        status: finished.status,
        complete: told.complete,
        reply,
        origin: match finished.arm {
            Arm::Teacher => Origin::Teacher,
            Arm::Student => Origin::Student,
        },
        superseded: repeats.superseded,
        blocks,
        vectorless: finished.surface == Surface::Embeddings && report.found(),
        invalid,
        quarantined: report.quarantined,
        too_long,
        unknown_encoding: told.unknown_encoding,
    };
    eligible::eligible(&facts).err()
}

/// Whether the student of its route could not have read and answered it.
fn is_too_long(finished: &Finished, config: &Config, facts: &chat::Facts, reply: usize) -> bool {
    let route = config.routes.iter().find(|route| Some(&route.name) == finished.route.as_ref());
    let context = route.and_then(|route| route.engine.as_ref()?.context);
    let bytes = (finished.request.len() + reply) as u64;
    eligible::too_long(context, (facts.tokens_in, facts.tokens_out), bytes)
}

/// What kinds of content the exchange is made of.
fn modality(surface: Surface, blocks: Option<Blocks>) -> &'static str {
    match (surface.body(), blocks) {
        (Body::Form, _) | (_, Some(Blocks::Audio)) => "audio",
        (_, Some(Blocks::Modality)) => "mixed",
        (Body::Json | Body::Opaque, _) => "text",
    }
}

/// What the exchange cost, or would have cost, at the teacher's list price; `None` without a price or an answer.
pub(crate) fn cost(finished: &Finished, config: &Config, facts: &chat::Facts) -> Option<MicroUsd> {
    if finished.status != 200 {
        return None;
    }
    let price = config.upstreams.get(&finished.upstream)?.price(&finished.model)?;
    // Of a file that was let go nothing tells how much it was.
    if finished.surface.body() == Body::Form && facts.tokens_in < 0 {
        return None;
    }
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

/// The word for a pair that spool or vault did not take.
fn unspooled(error: &kolm_store::Error) -> &'static str {
    match error {
        kolm_store::Error::SpoolFull { .. } => "spool_full",
        kolm_store::Error::Vault { .. } => "vault_failed",
        kolm_store::Error::Database { .. }
        | kolm_store::Error::Locked { .. }
        | kolm_store::Error::Conflict { .. }
        | kolm_store::Error::Io { .. }
        | kolm_store::Error::Unavailable { .. }
        | kolm_store::Error::Unreadable { .. } => "spool_failed",
    }
}
