//! What happens to keys, limits and the configuration.

use super::Events;

impl Events {
    /// A namespace header named none that this caller may use.
    pub fn namespace_refused(&self) {
        self.counters.namespace_refused.with_label_values(&[]).inc();
        tracing::debug!("namespace header ignored");
    }

    /// A key of ours does not open.
    pub fn key_refused(&self, reason: &'static str) {
        self.counters.key_refused.with_label_values(&[reason]).inc();
        tracing::debug!(reason, "key refused");
    }

    /// The issued keys have changed.
    pub fn keys_read(&self, count: usize) {
        self.counters.keys_read.with_label_values(&["taken"]).inc();
        tracing::info!(count, "issued keys read again");
    }

    /// The issued keys have changed and cannot be read.
    pub fn keys_unread(&self, cause: &kolm_config::KeyFileError) {
        self.counters.keys_read.with_label_values(&["failed"]).inc();
        tracing::error!(%cause, "issued keys not read, the old ones stay");
    }

    /// A request is over a limit.
    pub fn limit_refused(&self, kind: &'static str) {
        self.counters.limit_refused.with_label_values(&[kind]).inc();
        tracing::debug!(kind, "limit reached");
    }

    /// A request whose price nobody knows passes although money is limited.
    pub fn limit_unpriced(&self) {
        self.counters.limit_unpriced.with_label_values(&[]).inc();
        tracing::warn!("a request without a known price is not counted in its budget");
    }

    /// What was spent is not on disk.
    pub fn spend_unwritten(&self, cause: &std::io::Error) {
        self.counters.spend_unwritten.with_label_values(&[]).inc();
        tracing::error!(%cause, "what was spent could not be written down");
    }

    /// A configuration is in force; of its author only the door is a label.
    pub fn config_changed(&self, version: u64, by: &str, changes: usize, needs_restart: &str) {
        self.counters.config_changed.with_label_values(&[door(by)]).inc();
        if needs_restart.is_empty() {
            tracing::info!(version, by, changes, "configuration in force");
        } else {
            tracing::warn!(
                version,
                by,
                changes,
                needs_restart,
                "configuration in force, but for what needs a restart"
            );
        }
    }

    /// A configuration has problems; the old one stays.
    pub fn config_refused(&self, by: &str, problems: &kolm_config::Problems) {
        self.counters.config_refused.with_label_values(&[door(by)]).inc();
        tracing::error!(by, %problems, "configuration not reloaded, the old one stays");
    }

    /// A configuration is in force and the history does not say so.
    pub fn config_forgotten(&self, version: u64, cause: &std::io::Error) {
        self.counters.config_forgotten.with_label_values(&[]).inc();
        tracing::error!(version, %cause, "the configuration in force is not in the history");
    }
}

/// The door that an author came through: `admin` of `admin:ann`.
fn door(by: &str) -> &str {
    by.split(':').next().unwrap_or_default()
}
