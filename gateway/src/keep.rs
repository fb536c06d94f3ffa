//! Keeps a long task of the background alive.
//!
//! **Invariant:** a task that panics is counted and begun anew; only its own end, or the runtime's, ends it.

use std::time::Duration;

use crate::events::Events;

/// From a panic to the next attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs what `make` makes until it ends by itself.
pub(crate) async fn keep<F>(events: &Events, name: &'static str, mut make: impl FnMut() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    while let Err(ended) = tokio::spawn(make()).await
        && ended.is_panic()
    {
        events.task_panicked(name);
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_begun_anew_and_counted() {
        let (events, begun) = (Events::new(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&begun);
        keep(&events, "test", move || {
            let counted = Arc::clone(&counted);
            async move { assert!(counted.fetch_add(1, Ordering::Relaxed) == 1, "the first one") }
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        assert!(events.render().contains(r#"kolm_task_panic_total{task="test"} 1"#));
    }
}
