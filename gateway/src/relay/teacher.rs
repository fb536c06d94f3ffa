//! Asking the teacher: the upstream that a request is for, then those that stand in for it.
//!
//! **Invariant:** the next one is asked only while the client has seen nothing; each gets the same question, under its
//! own address, key and model name.

use bytes::Bytes;
use kolm_wire::error::ApiError;
use tokio::time::timeout;

use super::{DRAIN_TIME, Relay, pump};
use crate::headers::{self, Hops};
use crate::receipt::{By, Receipt};
use crate::upstream::failover::{self, Ground, Order};
use crate::upstream::{Call, Deadlines, Failed};

/// Why there is no answer.
pub(super) enum Unheard {
    /// No upstream is asked now.
    Shut {
        /// Until one is.
        wait_ms: u64,
    },
    /// None answered.
    Failed(Failed),
    /// The client left and was not waited for any longer, or the request cannot be sent on.
    Given,
}

impl Unheard {
    /// The name in metrics and receipts.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Shut { .. } => Ground::Shut.as_str(),
            Self::Failed(failed) => failed.why.as_str(),
            Self::Given => "internal",
        }
    }

    /// What is known of the cause, for the log.
    pub(super) fn cause(&self) -> &str {
        match self {
            Self::Failed(failed) => &failed.cause,
            Self::Shut { .. } | Self::Given => "",
        }
    }

    /// Whether a deadline passed.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Failed(failed) if failed.why.is_timeout())
    }

    /// What the client is told, and in how many seconds it may come back.
    pub(super) fn told(&self) -> (ApiError, Option<u64>) {
        match self {
            Self::Shut { wait_ms } => (ApiError::overloaded(), Some(wait_ms.div_ceil(1_000).max(1))),
            Self::Failed(_) if self.is_late() => (ApiError::upstream_timeout(), None),
            Self::Failed(_) | Self::Given => (ApiError::upstream_unreachable(), None),
        }
    }
}

impl Relay<'_> {
    /// The first answer of the upstreams in their order.
    pub(super) async fn hear_teacher(&mut self, receipt: &mut Receipt) -> Result<Box<Call>, Unheard> {
        let shared = &*self.gateway.shared;
        let mut order = Order::of(shared, &mut self.admitted);
        let mut unheard = None;
        loop {
            let ground = match failover::admit(shared, &self.admitted) {
                Err(wait_ms) => {
                    shared.events.breaker_refused(&self.admitted.way.upstream);
                    unheard.get_or_insert(Unheard::Shut { wait_ms });
                    Ground::Shut
                }
                Ok(()) => match self.ask_upstream().await {
                    Ok(call) => {
                        let ground = Ground::Status(call.head.status.as_u16());
                        if self.left || !order.goes_on(ground) {
                            return Ok(call);
                        }
                        ground
                    }
                    Err(Unheard::Failed(failed)) => {
                        let ground = Ground::Failed(failed.why);
                        if order.goes_on(ground) {
                            let (why, cause) = (failed.why.as_str(), failed.cause.as_str());
                            shared.events.upstream_failed(
                                self.admitted.id,
                                &self.admitted.way.upstream,
                                why,
                                cause,
                            );
                        }
                        unheard = Some(Unheard::Failed(failed));
                        ground
                    }
                    Err(given) => return Err(given),
                },
            };
            if self.left || !order.goes_on(ground) {
                return Err(unheard.unwrap_or(Unheard::Given));
            }
            // What was never sent was no try.
            if ground != Ground::Shut {
                receipt.again(shared, &self.admitted, By::Cloud, &ground.code());
            }
            order.turn(shared, &mut self.admitted, ground.as_str());
        }
    }

    /// Asks the upstream of the present way; a client that leaves meanwhile shortens the wait, the answer is still
    /// worth having.
    async fn ask_upstream(&mut self) -> Result<Box<Call>, Unheard> {
        let gateway = self.gateway;
        let now = gateway.shared.env.clock.micros();
        let Some(upstream) = self.admitted.upstream() else { return Err(Unheard::Given) };
        let theirs = upstream.models.get(&self.model);
        let renamed = theirs.and_then(|name| kolm_wire::chat::with_model(&self.body, name));
        let body = renamed.map_or_else(|| self.body.clone(), Bytes::from);
        let mut head = self.session.req_header().clone();
        headers::upward(&mut head, &self.admitted.upward(upstream), Hops::Strip)
            .map_err(|_| Unheard::Given)?;
        if self.admitted.way.foreign {
            headers::estrange(&mut head);
        }
        headers::sized(&mut head, body.len()).map_err(|_| Unheard::Given)?;
        let deadlines = Deadlines::from(&upstream.timeouts);
        let airgap = self.admitted.table.config.airgap;
        let call = async {
            let asked = async {
                let peers = gateway.upstreams.peers(upstream, airgap, now).await?;
                gateway.upstreams.call(peers, &head, &body, deadlines).await
            };
            // The request is on its way before the second is begun.
            tokio::join!(biased; asked, async { self.tee.commit(&self.body) }).0
        };
        let mut call = Box::pin(call);
        let outcome = tokio::select! {
            biased;
            outcome = &mut call => outcome,
            () = gateway.shared.in_flight.cut() => return Err(Unheard::Given),
            () = pump::client_left(self.session) => {
                self.left = true;
                match timeout(DRAIN_TIME, call).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Err(Unheard::Given),
                }
            }
        };
        let said = outcome.as_ref().map(|call| call.head.status.as_u16()).map_err(|failed| failed.why);
        failover::note(&gateway.shared, &self.admitted, said);
        outcome.map(Box::new).map_err(Unheard::Failed)
    }
}
