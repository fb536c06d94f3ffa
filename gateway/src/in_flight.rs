//! Requests under way, counted for the drain, and for the shadow, which leaves off when there are many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The count.
#[derive(Default)]
pub struct InFlight {
    count: AtomicUsize,
    left: Notify,
}

/// One request under way, until dropped.
pub(crate) struct Here(Arc<InFlight>);

impl InFlight {
    /// Counts one.
    pub(crate) fn enter(self: &Arc<Self>) -> Here {
        self.count.fetch_add(1, Ordering::AcqRel);
        Here(Arc::clone(self))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Resolves when there are none.
    pub(crate) async fn none(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_one_out_ends_the_wait() {
        let flight = Arc::new(InFlight::default());
        flight.none().await;
        let (one, two) = (flight.enter(), flight.enter());
        let waiting = flight.none();
        tokio::pin!(waiting);
        drop(one);
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        assert_eq!(flight.count(), 1);
        drop(two);
        waiting.await;
    }
}
