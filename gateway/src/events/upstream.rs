//! What happens between the gateway and those who answer.

use std::net::SocketAddr;

use kolm_core::{RequestId, RouteName};

use super::Events;

impl Events {
    /// An upstream gave no answer, or broke one off.
    pub fn upstream_failed(&self, receipt: RequestId, upstream: &str, why: &'static str, cause: &str) {
        self.counters.upstream_failed.with_label_values(&[upstream, why]).inc();
        tracing::warn!(%receipt, upstream, why, cause, "upstream failed");
    }

    /// An upstream's breaker opens, half-opens or closes.
    pub fn breaker_turned(&self, upstream: &str, to: &'static str) {
        self.counters.breaker_turned.with_label_values(&[upstream, to]).inc();
        tracing::warn!(upstream, to, "breaker turned");
    }

    /// An open breaker kept a request from its upstream.
    pub fn breaker_refused(&self, upstream: &str) {
        self.counters.breaker_refused.with_label_values(&[upstream]).inc();
        tracing::debug!(upstream, "breaker is open");
    }

    /// Another upstream is asked.
    pub fn failed_over(&self, receipt: RequestId, from: &str, to: &str, why: &'static str) {
        self.counters.failed_over.with_label_values(&[from, to, why]).inc();
        tracing::info!(%receipt, from, to, why, "failed over");
    }

    /// An upstream was checked; a change of the verdict is worth a line.
    pub fn health_checked(&self, upstream: &str, healthy: bool, flipped: bool) {
        let verdict = if healthy { "healthy" } else { "unhealthy" };
        self.counters.health_checked.with_label_values(&[upstream, verdict]).inc();
        match flipped {
            true => tracing::warn!(upstream, verdict, "health changed"),
            false => tracing::trace!(upstream, verdict, "health checked"),
        }
    }

    /// A health check of ours panicked; it counts as failed.
    pub fn health_check_panicked(&self, upstream: &str) {
        self.counters.health_checked.with_label_values(&[upstream, "panicked"]).inc();
        tracing::error!(upstream, "a health check panicked");
    }

    /// A server of a pool passes its checks again, or no longer.
    pub fn engine_turned(&self, route: &RouteName, address: SocketAddr, healthy: bool) {
        let to = if healthy { "healthy" } else { "unhealthy" };
        self.counters.engine_turned.with_label_values(&[route.as_str(), to]).inc();
        tracing::warn!(%route, %address, to, "engine turned");
    }
}
