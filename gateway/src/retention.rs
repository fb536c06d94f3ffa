//! Retention: bodies of pairs that are older than their namespace keeps them are taken out of the store.
//!
//! **Invariant:** a body that is due is gone within a twentieth of its retention, and an hour at most, while the store
//! is open; hashes, numbers and receipts stay.

use std::sync::Arc;
use std::time::Duration;

use kolm_config::{Config, Retention};
use kolm_core::{Namespace, Timestamp};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::table::Shared;

/// Bounds of the time between two looks.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(3_600);
/// How soon a retention that a reload brings is seen.
const RELOADED: Duration = Duration::from_secs(60);

/// Looks at every namespace until told to stop.
pub(crate) async fn keep(shared: Arc<Shared>, store: kolm_store::Handle, mut stop: watch::Receiver<bool>) {
    loop {
        let config = Arc::clone(&shared.table.load().config);
        for (namespace, kept) in bounded(&config) {
            let Some(before) = before(shared.env.clock.now(), kept) else { continue };
            match store.decay(namespace, before).await {
                Ok(0) => {}
                Ok(pairs) => shared.events.pairs_decayed(namespace, pairs),
                Err(error) => shared.events.pairs_undecayed(namespace, &error),
            }
        }
        let pause = async {
            let mut left = pause(&config);
            while !left.is_zero() && Arc::ptr_eq(&config, &shared.table.load().config) {
                let step = left.min(RELOADED);
                sleep(step).await;
                left -= step;
            }
        };
        tokio::select! {
            () = pause => {}
            _ = stop.changed() => return,
        }
    }
}

fn bounded(config: &Config) -> impl Iterator<Item = (&Namespace, Duration)> {
    config.namespaces.iter().filter_map(|(name, settings)| match settings.retention {
        Retention::For(kept) => Some((name, kept)),
        Retention::Keep | Retention::None => None,
    })
}

/// What began before this is due.
fn before(now: Timestamp, kept: Duration) -> Option<Timestamp> {
    now.0.checked_sub(i64::try_from(kept.as_millis()).ok()?).map(Timestamp)
}

/// The time to the next look: a twentieth of the shortest retention.
fn pause(config: &Config) -> Duration {
    let shortest = bounded(config).map(|(_, kept)| kept / 20).min();
    shortest.unwrap_or(SELDOM).clamp(OFTEN, SELDOM)
}

#[cfg(test)]
mod tests {
    use kolm_config::Outside;

    use super::*;

    #[test]
    fn the_shortest_retention_sets_the_pace() {
        let mut config = Config::embedded(&Outside::bare("/tmp")).unwrap();
        let default = config.namespaces[&config.default_namespace].clone();
        assert_eq!((bounded(&config).count(), pause(&config)), (0, SELDOM));
        for (name, kept, want) in [("month", 30 * 86_400, 3_600), ("hour", 3_600, 180), ("moment", 2, 1)] {
            let retention = Retention::For(Duration::from_secs(kept));
            let settings = kolm_config::Namespace { retention, ..default.clone() };
            config.namespaces.insert(name.parse().unwrap(), settings);
            assert_eq!(pause(&config), Duration::from_secs(want), "{name}");
        }
        assert_eq!(before(Timestamp(5_000), Duration::from_secs(2)), Some(Timestamp(3_000)));
        assert_eq!(before(Timestamp(5_000), Duration::MAX), None);
    }
}
