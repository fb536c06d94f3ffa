//! What pages see of the pairs.
//!
//! **Invariant:** anonymized text alone, and only its beginning.

use duckdb::params;
use kolm_core::{Namespace, Timestamp};
use kolm_wire::chat;

use super::Db;
use crate::Error;
use crate::pair::PairView;

/// Bytes of text in a page's list.
const PREVIEW: usize = 400;

impl Db {
    /// The newest pairs of a namespace.
    pub(crate) fn recent(&self, namespace: &Namespace, limit: u32) -> Result<Vec<PairView>, Error> {
        let sql = "SELECT id, ts_ms, route, served_model, surface, arm, status, outcome, eligible, reason, \
                   tokens_in, tokens_out, cost_usd_micros, latency_ms, request_json, response_json \
                   FROM pairs WHERE namespace = ? ORDER BY ts_ms DESC, id DESC LIMIT ?";
        self.rows(sql, params![namespace.as_str(), limit], |row| {
            let (request, reply): (String, String) = (row.get(14)?, row.get(15)?);
            Ok(PairView {
                id: row.get(0)?,
                ts: Timestamp(row.get(1)?),
                route: row.get(2)?,
                model: row.get(3)?,
                surface: row.get(4)?,
                arm: row.get(5)?,
                status: row.get(6)?,
                outcome: row.get(7)?,
                eligible: row.get(8)?,
                reason: row.get(9)?,
                tokens_in: row.get(10)?,
                tokens_out: row.get(11)?,
                cost_usd_micros: row.get(12)?,
                latency_ms: row.get(13)?,
                text: preview(chat::question(request.as_bytes()).map(|q| q.text).unwrap_or_default()),
                answer: preview(chat::facts(reply.as_bytes()).text.unwrap_or_default()),
            })
        })
    }
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
