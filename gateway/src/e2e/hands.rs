//! Who works the capture queue off, and when.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::teacher::echo;
use super::*;
use crate::hands::{Hands, Work};

struct Count(Arc<AtomicUsize>);

impl Work for Count {
    fn take(&mut self, _finished: Finished) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Hands over a queue in which three exchanges wait, and the number of those that were taken.
fn three_wait(queue: u64) -> (House, Arc<Hands<Count>>, Arc<AtomicUsize>) {
    let mut house = House::build(Plan { queue, ..Plan::to(echo().address) });
    for _ in 0..3 {
        assert_eq!(house.post("/v1/chat/completions", CHAT).status, 200);
    }
    until("three captures", || house.shared.events.accepted() == 3);
    let queue = std::mem::replace(&mut house.captures, crate::queue::queue(1).1);
    let taken = Arc::new(AtomicUsize::new(0));
    (house, Hands::new(Count(Arc::clone(&taken)), queue), taken)
}

#[test]
fn what_waits_at_the_end_is_taken() {
    let (house, hands, taken) = three_wait(64 << 20);
    let (runtime, (_stop, stopped)) = (Runtime::new().unwrap(), watch::channel(true));
    for thread in hands.start(runtime.handle(), &stopped).unwrap() {
        thread.join().unwrap();
    }
    assert_eq!(taken.load(Ordering::SeqCst), 3);
    house.stop();
}

#[test]
fn a_long_queue_does_not_wait_for_an_idle_moment() {
    // Three quarters of it are taken.
    let (house, hands, taken) = three_wait(4_600);
    let (runtime, (stop, stopped)) = (Runtime::new().unwrap(), watch::channel(false));
    let handle = runtime.handle().clone();
    let thread = std::thread::spawn(move || hands.catch_up(&handle, &stopped));
    until("all taken", || taken.load(Ordering::SeqCst) == 3);
    stop.send_replace(true);
    thread.join().unwrap();
    house.stop();
}
