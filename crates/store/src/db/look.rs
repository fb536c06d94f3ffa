//! What people look at: the newest pairs, one pair in full, the templates that were seen.
//!
//! **Invariant:** reads only; what it shows was anonymized before it was stored.

use std::collections::BTreeMap;

use duckdb::params;
use kolm_core::{Namespace, RequestId, Surface, Timestamp};
use kolm_wire::{chat, surface};
use serde::Deserialize;

use super::Db;
use crate::Error;
use crate::pair::{Captures, PairDetail, PairView, Reason, Template};

/// Bytes of text in a page's list.
const PREVIEW: usize = 400;

/// The columns of a [`PairView`], in its order.
const VIEW: &str = "id, ts_ms, route, served_model, surface, arm, status, outcome, eligible, reason, \
                    tokens_in, tokens_out, cost_usd_micros, latency_ms, request_json, response_json, \
                    anonymizer_report";

impl Db {
    /// The newest pairs of a namespace.
    pub(crate) fn recent(&self, namespace: &Namespace, limit: u32) -> Result<Vec<PairView>, Error> {
        let sql =
            format!("SELECT {VIEW} FROM pairs WHERE namespace = ? ORDER BY ts_ms DESC, id DESC LIMIT ?");
        self.rows(&sql, params![namespace.as_str(), limit], view)
    }

    /// The newest pairs of all namespaces.
    fn newest(&self, limit: u32) -> Result<Vec<PairView>, Error> {
        let sql = format!("SELECT {VIEW} FROM pairs ORDER BY ts_ms DESC, id DESC LIMIT ?");
        self.rows(&sql, params![limit], view)
    }

    /// Numbers and the newest pairs: `looked_at` reports are read, `recent` pairs shown.
    pub(crate) fn captures(&self, looked_at: u32, recent: u32) -> Result<Captures, Error> {
        let sql = "SELECT namespace, reason, count(*) FROM pairs GROUP BY ALL ORDER BY namespace, count(*) DESC, reason";
        let reasons = self.rows(sql, params![], |row| {
            let pairs = row.get::<_, i64>(2)?.unsigned_abs();
            Ok(Reason { namespace: row.get(0)?, reason: row.get(1)?, pairs })
        })?;
        let mut out = Captures {
            reasons,
            recent: self.newest(recent)?,
            templates: self.templates(recent)?,
            ..Captures::default()
        };
        let sql = "SELECT anonymizer_report FROM pairs ORDER BY ts_ms DESC LIMIT ?";
        self.rows(sql, params![looked_at], |row| {
            let found = report(&row.get::<_, String>(0)?);
            out.looked_at += 1;
            out.touched += u64::from(!found.counts.is_empty());
            out.quarantined += u64::from(found.quarantined);
            for (ty, n) in found.counts {
                *out.findings.entry(ty).or_default() += n;
            }
            Ok(())
        })?;
        Ok(out)
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
                namespace: row.get(17)?,
                requested_model: row.get(18)?,
                template_hash: row.get(19)?,
                tokens_cached: row.get(20)?,
                ttft_ms: row.get(21)?,
                error_class: row.get(22)?,
                finish_reason: row.get(23)?,
                retry_of: row.get(24)?,
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
    let report = report(&row.get::<_, String>(16)?);
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
        findings: report.counts,
        quarantined: report.quarantined,
    })
}

/// What a list shows of an anonymizer's report.
#[derive(Default, Deserialize)]
struct Found {
    counts: BTreeMap<String, u64>,
    quarantined: bool,
}

/// A report that cannot be read shows nothing.
fn report(text: &str) -> Found {
    serde_json::from_str(text).unwrap_or_default()
}

/// The beginning of a text.
pub(super) fn preview(mut text: String) -> String {
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
