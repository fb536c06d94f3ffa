//! What people look at: the newest pairs, one pair in full, the templates that were seen.
//!
//! **Invariant:** reads only; what it shows was anonymized before it was stored.

use duckdb::params;
use kolm_core::{Namespace, RequestId, Surface, Timestamp};
use kolm_wire::{chat, surface};

use super::Db;
use crate::Error;
use crate::pair::{PairDetail, PairView, Template};

/// Bytes of text in a page's list.
const PREVIEW: usize = 400;

/// The columns of a [`PairView`], in its order.
const VIEW: &str = "id, ts_ms, route, served_model, surface, arm, status, outcome, eligible, reason, \
                    tokens_in, tokens_out, cost_usd_micros, latency_ms, request_json, response_json";

impl Db {
    /// The newest pairs of a namespace.
    pub(crate) fn recent(&self, namespace: &Namespace, limit: u32) -> Result<Vec<PairView>, Error> {
        let sql =
            format!("SELECT {VIEW} FROM pairs WHERE namespace = ? ORDER BY ts_ms DESC, id DESC LIMIT ?");
        self.rows(&sql, params![namespace.as_str(), limit], view)
    }

    /// One pair in full.
    pub(crate) fn pair(&self, id: RequestId) -> Result<Option<PairDetail>, Error> {
        let sql = format!(
            "SELECT {VIEW}, namespace, requested_model, template_hash, tokens_cached, ttft_ms, error_class, \
             finish_reason, retry_of FROM pairs WHERE id = ?"
        );
        let found = self.rows(&sql, params![id.to_string()], |row| {
            Ok(PairDetail {
                view: view(row)?,
                request: row.get(14)?,
                response: row.get(15)?,
                namespace: row.get(16)?,
                requested_model: row.get(17)?,
                template_hash: row.get(18)?,
                tokens_cached: row.get(19)?,
                ttft_ms: row.get(20)?,
                error_class: row.get(21)?,
                finish_reason: row.get(22)?,
                retry_of: row.get(23)?,
            })
        });
        found.map(|mut rows| rows.pop())
    }

    /// The templates with the most pairs.
    pub(crate) fn templates(&self, limit: u32) -> Result<Vec<Template>, Error> {
        let sql = "SELECT namespace, surface, template_hash, count(*), count(*) FILTER (WHERE eligible), \
                   min(ts_ms), max(ts_ms) FROM pairs GROUP BY ALL \
                   ORDER BY count(*) DESC, namespace, surface, template_hash LIMIT ?";
        self.rows(sql, params![limit], |row| {
            let count = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
            Ok(Template {
                namespace: row.get(0)?,
                surface: row.get(1)?,
                template_hash: row.get(2)?,
                pairs: count(3)?,
                eligible: count(4)?,
                first: Timestamp(row.get(5)?),
                last: Timestamp(row.get(6)?),
            })
        })
    }
}

fn view(row: &duckdb::Row<'_>) -> duckdb::Result<PairView> {
    let (surface, request, reply): (String, String, String) = (row.get(4)?, row.get(14)?, row.get(15)?);
    Ok(PairView {
        id: row.get(0)?,
        ts: Timestamp(row.get(1)?),
        route: row.get(2)?,
        model: row.get(3)?,
        text: preview(surface::text(Surface::named(&surface), request.as_bytes())),
        surface,
        arm: row.get(5)?,
        status: row.get(6)?,
        outcome: row.get(7)?,
        eligible: row.get(8)?,
        reason: row.get(9)?,
        tokens_in: row.get(10)?,
        tokens_out: row.get(11)?,
        cost_usd_micros: row.get(12)?,
        latency_ms: row.get(13)?,
        answer: preview(chat::facts(reply.as_bytes()).text.unwrap_or_default()),
    })
}

fn preview(mut text: String) -> String {
    let mut end = text.len().min(PREVIEW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end < text.len() {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_end_at_a_character() {
        assert_eq!(preview("é".repeat(300)), format!("{}…", "é".repeat(200)));
        assert_eq!(preview("short".into()), "short");
    }
}
