//! Requests under way, counted for the drain, and for the shadow, which leaves off when there are many.
//!
//! **Invariant:** once they are cut they stay so: a request that comes late ends as those before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The count.
#[derive(Default)]
pub struct InFlight {
    count: AtomicUsize,
    left: Notify,
    is_cut: AtomicBool,
    cutting: Notify,
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
        until(&self.left, || self.count() == 0).await;
    }

    /// Nobody is waited for any longer: each is to end now, with its row and its receipt.
    pub(crate) fn cut_off(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.cutting.notify_waiters();
    }

    /// Resolves when they are cut.
    pub(crate) async fn cut(&self) {
        until(&self.cutting, || self.is_cut.load(Ordering::Acquire)).await;
    }
}

/// Waits for a notice after which `is_so`; no notice is missed between the look and the wait.
async fn until(notice: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let noticed = notice.notified();
        tokio::pin!(noticed);
        noticed.as_mut().enable();
        if is_so() {
            return;
        }
        noticed.await;
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

    #[tokio::test]
    async fn who_is_under_way_and_who_comes_late_is_cut() {
        let flight = InFlight::default();
        let cut = flight.cut();
        tokio::pin!(cut);
        assert!(futures_util::poll!(cut.as_mut()).is_pending());
        flight.cut_off();
        cut.await;
        flight.cut().await;
    }
}
