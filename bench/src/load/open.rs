//! The open loop: requests are due at a steady rate, whether or not earlier ones were answered.
//!
//! **Invariant:** latency counts from the moment a request was due, so a stall is felt by every request due in it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

use super::closed::judge;
use super::conn::Conn;
use super::tally::{Counted, Tally};
use super::{Span, To};
use crate::clock::{self, SECOND};
use crate::fault::Result;

/// Sleeps shorter than this cost more than they are worth: what is due so soon leaves at once.
const SOON: u64 = 20_000;

/// Requests that wait for a connection.
#[derive(Default)]
struct Due {
    waiting: RefCell<VecDeque<u64>>,
    more: Notify,
    over: RefCell<bool>,
}

/// Asks at `rate` requests a second until the span is over; what is then still due is not asked any more.
pub(super) async fn run(to: &To, span: Span, rate: f64) -> Result<Counted> {
    if rate <= 0.0 {
        return Err("the rate must be above 0".into());
    }
    let requests: Rc<[Bytes]> = to.requests(false).into();
    let conns = to.connect().await?;
    let start = clock::nanos();
    let from = start + clock::of_seconds(span.warm);
    let until = from + clock::of_seconds(span.seconds);
    let tally = Rc::new(RefCell::new(Tally::new(from, until)?));
    let due = Rc::new(Due::default());
    let tasks: Vec<_> = conns
        .into_iter()
        .enumerate()
        .map(|(turn, conn)| {
            let (requests, tally, due) = (Rc::clone(&requests), Rc::clone(&tally), Rc::clone(&due));
            tokio::task::spawn_local(one(conn, turn, requests, tally, due, to.expect))
        })
        .collect();
    pace(&due, start, until, rate).await?;
    let unasked = std::mem::take(&mut *due.waiting.borrow_mut()).len();
    *due.over.borrow_mut() = true;
    due.more.notify_waiters();
    for task in tasks {
        task.await?;
    }
    let mut tally = Rc::into_inner(tally).ok_or("a connection still counts")?.into_inner();
    // Work that was due and never begun is as late as the run was long.
    for _ in 0..unasked {
        tally.latencies.note(until - from);
    }
    Ok(tally.finish())
}

async fn pace(due: &Due, start: u64, until: u64, rate: f64) -> Result<()> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
    #[expect(deprecated, reason = "an OwnedFd keeps its descriptor, and `register` would need unsafe code")]
    let timer = AsyncFd::new(timer)?;
    let mut number = 0_u64;
    loop {
        let at = start + (number as f64 * SECOND as f64 / rate) as u64;
        if at >= until {
            return Ok(());
        }
        if at > clock::nanos() + SOON {
            let it_value =
                Timespec { tv_sec: (at / SECOND).cast_signed(), tv_nsec: (at % SECOND).cast_signed() };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            timerfd_settime(timer.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
            timer.readable().await?.clear_ready();
        } else if number.is_multiple_of(64) {
            // A generator that is behind must still let the replies in.
            tokio::task::yield_now().await;
        }
        due.waiting.borrow_mut().push_back(at);
        due.more.notify_one();
        number += 1;
    }
}

async fn one(
    mut conn: Conn,
    mut turn: usize,
    requests: Rc<[Bytes]>,
    tally: Rc<RefCell<Tally>>,
    due: Rc<Due>,
    expect: Option<u64>,
) {
    loop {
        let next = due.waiting.borrow_mut().pop_front();
        let Some(since) = next else {
            if *due.over.borrow() {
                return;
            }
            due.more.notified().await;
            continue;
        };
        let reply = conn.exchange(&requests[turn % requests.len()], |_| {}).await;
        turn += 1;
        match judge(reply, expect) {
            Ok(()) => tally.borrow_mut().reply(since, clock::nanos()),
            Err(what) => tally.borrow_mut().error(what),
        }
    }
}
