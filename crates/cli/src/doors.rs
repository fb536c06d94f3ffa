//! The doors through which pages and commands reach the gateway: closures over its parts.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kolm_config::{Config, Live};
use kolm_core::{Clock, Status};
use kolm_dashboards::{Doors, Freeze, Frozen, Look, ShadowDoors};
use kolm_gateway::reconcile::Board;
use kolm_gateway::table::Shared;

use crate::source::Source;

/// How long an intent is waited for; a look comes every quarter of a second.
const ANSWER: Duration = Duration::from_secs(10);
/// The newest pairs whose findings the page of captures counts, and those that it shows.
const REPORTS: u32 = 5_000;
const RECENT: u32 = 25;

pub(crate) type StatusDoor = Arc<dyn Fn() -> Status + Send + Sync>;

/// Reads the state.
pub(crate) fn status_door(
    shared: &Arc<Shared>,
    store: &kolm_store::Handle,
    board: &Arc<Board>,
    live: &Arc<Live>,
    (admin, listen): (SocketAddr, &Arc<OnceLock<SocketAddr>>),
) -> StatusDoor {
    let since = shared.env.clock.now();
    let (shared, store, board) = (Arc::clone(shared), store.clone(), Arc::clone(board));
    let (live, listen) = (Arc::clone(live), Arc::clone(listen));
    Arc::new(move || Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since,
        config_version: live.load().version,
        listen: listen.get().map(ToString::to_string).unwrap_or_default(),
        admin: admin.to_string(),
        routes: board.routes(),
        upstreams: shared.guards.status(&live.load()),
        capture: capture_status(&shared, &store),
        ledger: shared.ledger.stats(),
    })
}

/// The doors of the pages.
pub(crate) fn doors(
    status: StatusDoor,
    shared: &Arc<Shared>,
    store: &kolm_store::Handle,
    board: &Arc<Board>,
    (live, source): (&Arc<Live>, &Source),
) -> Doors {
    let (metrics, ready, intents) = (Arc::clone(shared), Arc::clone(shared), Arc::clone(board));
    let (config, shown, source) = (Arc::clone(live), source.clone(), source.clone());
    let (decisions, frozen, looked, spent) = (store.clone(), store.clone(), store.clone(), store.clone());
    Doors {
        status,
        metrics: Arc::new(move || metrics.events.render()),
        ready: Arc::new(move || ready.ready.load(Ordering::Acquire)),
        intent: Arc::new(move |intent| {
            let answer = intents.intend(intent)?;
            Ok(Box::pin(async move { tokio::time::timeout(ANSWER, answer).await.ok()?.ok() }))
        }),
        config: Arc::new(move || shown.in_force()),
        edit: Arc::new(move |edit| source.edit(&edit)),
        decisions: Arc::new(move |route| {
            let store = decisions.clone();
            Box::pin(async move { store.decisions(route).await.map_err(|error| error.to_string()) })
        }),
        look: Arc::new(move |look| {
            let store = looked.clone();
            Box::pin(async move { self::look(&store, look).await })
        }),
        shadow: shadow_doors(store, &shared.env.clock),
        spent: Arc::new(move || {
            let store = spent.clone();
            Box::pin(async move { store.spent().await.map_err(|error| error.to_string()) })
        }),
        freeze: Arc::new(move |freeze| {
            let (store, config) = (frozen.clone(), config.load());
            Box::pin(async move { self::freeze(&store, &config, freeze).await })
        }),
        clock: Arc::clone(&shared.env.clock),
    }
}

/// What the shadow saw, and what people say of it.
fn shadow_doors(store: &kolm_store::Handle, clock: &Arc<dyn Clock>) -> ShadowDoors {
    let (paged, read, reviewed, clock) = (store.clone(), store.clone(), store.clone(), Arc::clone(clock));
    ShadowDoors {
        page: Arc::new(move |query| {
            let store = paged.clone();
            Box::pin(async move { store.diffs(query).await.map_err(|error| error.to_string()) })
        }),
        diff: Arc::new(move |id, filter| {
            let store = read.clone();
            Box::pin(async move { store.diff(id, filter).await.map_err(|error| error.to_string()) })
        }),
        review: Arc::new(move |review| {
            let (store, now) = (reviewed.clone(), clock.now());
            Box::pin(async move { store.review(review, now).await.map_err(|error| error.to_string()) })
        }),
    }
}

async fn look(store: &kolm_store::Handle, look: Look) -> Result<Option<serde_json::Value>, String> {
    let found = match look {
        Look::Templates(limit) => store.templates(limit).await.map(|all| Some(serde_json::to_value(all))),
        Look::Captures => store.captures(REPORTS, RECENT).await.map(|all| Some(serde_json::to_value(all))),
        Look::Pair(id) => store.pair(id).await.map(|pair| pair.map(serde_json::to_value)),
        Look::Statements(route) => {
            let all = store.statements(Some(route)).await;
            all.map(|all| {
                Some(all.iter().map(|one| serde_json::from_str::<serde_json::Value>(&one.envelope)).collect())
            })
        }
        Look::Sample(row) => {
            crate::gate::stored(store, &row).await.map(|sample| sample.map(serde_json::to_value))
        }
    };
    found.map_err(|error| error.to_string())?.transpose().map_err(|error| error.to_string())
}

async fn freeze(store: &kolm_store::Handle, config: &Config, freeze: Freeze) -> Result<Frozen, String> {
    let policy = config.namespaces.get(&freeze.namespace).map_or(crate::up::POLICY, |ns| ns.policy.name());
    let frozen =
        store.freeze(&freeze.namespace, &freeze.dir, policy).await.map_err(|error| error.to_string())?;
    Ok(Frozen {
        id: frozen.id,
        namespace: frozen.namespace,
        rows: frozen.rows,
        sha256: frozen.sha256,
        policy: frozen.policy,
        frozen_at: frozen.frozen_at,
    })
}

fn capture_status(shared: &Shared, store: &kolm_store::Handle) -> kolm_core::CaptureStatus {
    let mut status = store.status();
    // What processes before this one accepted is stored here, and counts here.
    status.accepted = shared.events.accepted() + store.inherited();
    // What the spool refused, the capture worker has counted; the rest the store alone knows of.
    let lost = |(reason, _): &(String, u64)| matches!(reason.as_str(), "spool_unreadable" | "spool_damaged");
    status.dropped.retain(lost);
    status.dropped.extend(shared.events.dropped());
    status.dropped.sort();
    status
}
