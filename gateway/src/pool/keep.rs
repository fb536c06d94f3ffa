//! The task that keeps a pool: looks its servers up, checks them in turn and at once when one is doubted.
//!
//! **Invariant:** ends soon after the last one who asks the pool has let go of it; a panic begins it anew.

use std::sync::{Arc, Weak};
use std::time::Duration;

use kolm_config::Engine;
use kolm_core::RouteName;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::probe::{Check, Servers, Surveyor};
use super::select::Balancer;
use super::{Pool, Seats, identity};
use crate::error::Error;
use crate::keep::keep;
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
    let (shared, doubt, interval) = (Arc::clone(shared), Arc::clone(&pool.doubt), engine.health.interval);
    let pool = Arc::downgrade(&pool);
    let task = tokio::spawn(async move {
        let again = || look_after(Weak::clone(&pool), Arc::clone(&doubt), interval);
        keep(&shared.events, "pool", again).await;
    });
    Ok(Supervised::new(student, task.abort_handle()))
}

fn pool(shared: &Arc<Shared>, route: &RouteName, engine: &Engine) -> Result<Pool, Error> {
    let by = Arc::new(Surveyor {
        shared: Arc::clone(shared),
        upstreams: Arc::new(Upstreams::new(CONNECTIONS)?),
        engine: engine.clone(),
        seats: Seats::default(),
    });
    let servers = Servers { by: Arc::clone(&by), last: std::sync::Mutex::default() };
    let check = Check { by, route: route.clone() };
    let balancer = Balancer::new(engine.balance, Box::new(servers), Box::new(check));
    Ok(Pool { engine: engine.clone(), balancer, doubt: Arc::default() })
}

/// Ends when nobody has the pool any more.
async fn look_after(pool: Weak<Pool>, doubt: Arc<Notify>, interval: Duration) {
    while let Some(pool) = pool.upgrade() {
        // Our discovery knows no failure: it keeps what it had.
        drop(pool.balancer.update().await);
        pool.balancer.check().await;
        drop(pool);
        sleep(LEAST_GAP).await;
        drop(timeout(interval, doubt.notified()).await);
    }
}
