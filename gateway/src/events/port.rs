//! What happens at the client port.

use super::Events;

impl Events {
    /// A connection was closed at once.
    pub fn connection_refused(&self, limit: &'static str) {
        self.counters.connection_refused.with_label_values(&[limit]).inc();
        tracing::debug!(limit, "connection refused");
    }

    /// A client was waited for in vain.
    pub fn connection_cut(&self, waited_for: &'static str) {
        self.counters.connection_cut.with_label_values(&[waited_for]).inc();
        tracing::debug!(waited_for, "connection cut");
    }

    /// The system hands over no connection.
    pub fn accept_failed(&self, cause: &std::io::Error) {
        self.counters.accept_failed.with_label_values(&[]).inc();
        tracing::error!(%cause, "no connection can be accepted");
    }

    /// The client port has certificates, new ones perhaps.
    pub fn certificates_loaded(&self, count: usize) {
        self.counters.certificates.with_label_values(&["loaded"]).inc();
        tracing::info!(count, "certificates loaded");
    }

    /// Changed certificates cannot be used.
    pub fn certificates_kept(&self, cause: &crate::error::Error) {
        self.counters.certificates.with_label_values(&["kept"]).inc();
        tracing::error!(%cause, "certificates not reloaded, the old ones stay");
    }

    /// A certificate's days are numbered.
    pub fn certificate_ends(&self, names: &str, days_left: i64) {
        self.counters.certificate_ends.with_label_values(&[]).inc();
        tracing::warn!(names, days_left, "certificate has ended or ends soon");
    }
}
