//! The task that keeps a pool: looks its servers up, checks them in turn and at once when one is doubted.
//!
//! **Invariant:** lives as long as the route's student does; a panic in it takes the pool out of reach.

use std::sync::Arc;
use std::time::Duration;

use kolm_config::Engine;
use kolm_core::RouteName;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::probe::{Check, Servers, Surveyor};
use super::select::Balancer;
use super::{Pool, Seats, identity};
use crate::error::Error;
use crate::students::Supervised;
use crate::table::{Shared, Student};
use crate::upstream::Upstreams;

/// Idle connections that the checks keep.
const CONNECTIONS: usize = 16;
/// Doubt asks for a check at once, but not for more than so many a second.
const LEAST_GAP: Duration = Duration::from_millis(50);

/// Puts a pool in the place of a route's student.
///
/// # Errors
/// The trust anchors of the machine cannot be read.
pub(crate) fn raise(shared: &Arc<Shared>, route: &RouteName, engine: &Engine) -> Result<Supervised, Error> {
    let pool = Arc::new(pool(shared, route, engine)?);
    let student = Arc::new(Student::pool(identity(engine), Arc::clone(&pool)));
    let (shared, route, watched) = (Arc::clone(shared), route.clone(), Arc::clone(&pool));
    let task = tokio::spawn(async move {
        // The loop has no end of its own; its owner aborts it with the student, so any end seen here is a panic.
        let kept = tokio::task::JoinSet::from_iter([keep(pool)]).join_next().await;
        if kept.is_some_and(|kept| kept.is_err()) {
            watched.close();
            shared.events.pool_lost(&route);
        }
    });
    Ok(Supervised::new(student, task.abort_handle()))
}

fn pool(shared: &Arc<Shared>, route: &RouteName, engine: &Engine) -> Result<Pool, Error> {
    let seats = Arc::new(Seats::default());
    let by = Arc::new(Surveyor {
        shared: Arc::clone(shared),
        upstreams: Arc::new(Upstreams::new(CONNECTIONS)?),
        engine: engine.clone(),
        seats: Arc::clone(&seats),
    });
    let servers = Servers { by: Arc::clone(&by), last: std::sync::Mutex::default() };
    let check = Check { by, route: route.clone() };
    let balancer = Balancer::new(engine.balance, Box::new(servers), Box::new(check));
    Ok(Pool { engine: engine.clone(), balancer, seats, doubt: Notify::new() })
}

async fn keep(pool: Arc<Pool>) {
    loop {
        // Our discovery knows no failure: it keeps what it had.
        drop(pool.balancer.update().await);
        pool.balancer.check().await;
        sleep(LEAST_GAP).await;
        drop(timeout(pool.engine.health.interval, pool.doubt.notified()).await);
    }
}
