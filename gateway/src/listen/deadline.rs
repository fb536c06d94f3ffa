//! A deadline that costs next to nothing while it is kept: no timer is touched before somebody has to wait, and one
//! timer lasts as long as the connection, however often the deadline moves.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that begins with the first wait.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    due: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// Forgets the deadline; the next wait begins a new one.
    pub(super) fn restart(&mut self) {
        self.due = None;
    }

    /// Ready once `limit` has passed since the first wait.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let due = *self.due.get_or_insert_with(|| Instant::now() + limit);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        // A timer left over from an earlier deadline goes off too soon and is set again.
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_counts_from_the_first_wait_and_moves_both_ways() {
        let mut deadline = Deadline::default();
        let (long, short) = (Duration::from_secs(60), Duration::from_secs(10));
        let begin = Instant::now();
        assert!(poll!(poll_fn(|cx| deadline.poll(cx, long))).is_pending());
        // Waits that begin again do not count anew.
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(poll!(poll_fn(|cx| deadline.poll(cx, long))).is_pending());
        // A nearer deadline brings the timer forward.
        deadline.restart();
        poll_fn(|cx| deadline.poll(cx, short)).await;
        assert_eq!(begin.elapsed().as_secs(), 40);
        // A later one outlasts what is left of the timer.
        deadline.restart();
        assert!(poll!(poll_fn(|cx| deadline.poll(cx, short))).is_pending());
        deadline.restart();
        poll_fn(|cx| deadline.poll(cx, long)).await;
        assert_eq!(begin.elapsed().as_secs(), 100);
    }
}
