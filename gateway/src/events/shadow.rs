//! What the shadow leaves undone.

use kolm_core::RouteName;
use prometheus::proto::LabelPair;

use super::{Events, by_reason};

impl Events {
    /// A drawn exchange will have no score.
    pub fn shadow_dropped(&self, route: &RouteName, reason: &'static str) {
        self.counters.shadow_dropped.with_label_values(&[route.as_str(), reason]).inc();
        tracing::debug!(%route, reason, "drawn for the shadow, not scored");
    }

    /// Drawn exchanges of a route without a score since the start, by reason, sorted.
    pub fn shadow_drops(&self, route: &RouteName) -> Vec<(String, u64)> {
        let own = |label: &LabelPair| label.get_name() == "route" && label.get_value() == route.as_str();
        by_reason(&self.counters.shadow_dropped, |labels| labels.iter().any(own))
    }
}
