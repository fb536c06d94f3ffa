//! The database: its schema and every statement sent to it. Each connection is used by one thread; one of them
//! writes.
//!
//! **Invariant:** no extension is loaded or fetched; ids are unique though no index says so, because one
//! thread inserts and looks first.

mod decay;
mod diff;
mod look;
mod money;
mod score;
mod statement;

use std::collections::HashSet;
use std::path::Path;

use duckdb::types::ToSql;
use duckdb::{Config, Connection, appender_params_from_iter, params};
use kolm_core::{DecisionRow, MicroUsd, Namespace, RequestId, RouteName, Surface};
use kolm_policies::dataset::Took;

use crate::Error;
use crate::pair::{PairCounts, Record, Row};

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS pairs (
    id VARCHAR NOT NULL, ts_ms BIGINT NOT NULL, namespace VARCHAR NOT NULL, route VARCHAR NOT NULL,
    upstream VARCHAR NOT NULL, requested_model VARCHAR NOT NULL, served_model VARCHAR NOT NULL,
    surface VARCHAR NOT NULL, modality VARCHAR NOT NULL, request_json VARCHAR NOT NULL,
    response_json VARCHAR NOT NULL, template_hash VARCHAR NOT NULL, input_sha VARCHAR NOT NULL,
    output_sha VARCHAR NOT NULL, tokens_in BIGINT NOT NULL, tokens_out BIGINT NOT NULL,
    tokens_cached BIGINT NOT NULL, cost_usd_micros BIGINT NOT NULL, latency_ms BIGINT NOT NULL,
    ttft_ms BIGINT NOT NULL, status BIGINT NOT NULL, outcome VARCHAR NOT NULL, error_class VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL, arm VARCHAR NOT NULL, artifact VARCHAR NOT NULL,
    receipt_id VARCHAR NOT NULL, eligible BOOLEAN NOT NULL, reason VARCHAR NOT NULL,
    anonymizer_report VARCHAR NOT NULL, conversation_key VARCHAR NOT NULL, retry_of VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS receipt_salts (
    id VARCHAR NOT NULL, req_salt VARCHAR NOT NULL, resp_salt VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS decisions (
    route VARCHAR NOT NULL, seq BIGINT NOT NULL, id VARCHAR NOT NULL, t BIGINT NOT NULL,
    kind VARCHAR NOT NULL, digest VARCHAR NOT NULL, row_json VARCHAR NOT NULL, PRIMARY KEY (route, seq));
CREATE TABLE IF NOT EXISTS scores (
    route VARCHAR NOT NULL, artifact VARCHAR NOT NULL, attempt BIGINT NOT NULL, t BIGINT NOT NULL,
    score_json VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS missed (
    route VARCHAR NOT NULL, attempt BIGINT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (route, attempt));
";

/// Which rows a student's pairs are made of: an embedding may train too, but no student of labels.
const LABELLED: &str = "eligible AND surface IN ('chat', 'responses')";
/// The pairs, each with the answer that a person put in the place of both; an empty one leaves its pair out.
const EDITED: &str = "(SELECT pairs.*, corrected FROM pairs LEFT JOIN \
                      (SELECT id AS of, corrected FROM diffs WHERE verdict = 'edit') ON of = id) \
                      WHERE coalesce(corrected, '-') <> ''";

/// What a row of a snapshot is made of.
pub(crate) struct Exchange {
    pub(crate) id: String,
    pub(crate) ts_ms: i64,
    pub(crate) conversation: String,
    pub(crate) teacher: String,
    pub(crate) surface: Surface,
    pub(crate) request: String,
    pub(crate) reply: String,
    /// The answer that a person put in the reply's place.
    pub(crate) corrected: Option<String>,
    /// What the reply took, where both time and price are known.
    pub(crate) took: Option<Took>,
}

/// What an answer took; a time of 0 is none, a negative price is not known.
fn took(ms: i64, cost: i64) -> Option<Took> {
    let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    (cost >= 0).then_some(Took { ms, cost: MicroUsd(cost) })
}

/// The open database.
pub(crate) struct Db {
    conn: Connection,
    /// Bodies were taken out that still stand in the file.
    unwritten: bool,
}

impl Db {
    /// Opens or makes the database.
    pub(crate) fn open(path: &Path, memory_limit: &str) -> Result<Self, Error> {
        let config = Config::default()
            .max_memory(memory_limit)
            // The thread that asks does the work: others would take their time from requests.
            .and_then(|config| config.threads(1))
            .and_then(|config| config.with("autoinstall_known_extensions", "false"))
            .and_then(|config| config.with("autoload_known_extensions", "false"))
            .map_err(Error::db("take its settings"))?;
        let conn = Connection::open_with_flags(path, config).map_err(|source| open_error(path, source))?;
        conn.execute_batch(&[SCHEMA, diff::SCHEMA, statement::SCHEMA].concat())
            .map_err(Error::db("make its tables"))?;
        Ok(Self { conn, unwritten: false })
    }

    /// A second connection to the same database, for a long reading on another thread; it sees one moment of it.
    pub(crate) fn beside(&self) -> Result<Self, Error> {
        let conn = self.conn.try_clone().map_err(Error::db("open a second connection"))?;
        conn.execute_batch("BEGIN TRANSACTION").map_err(Error::db("begin a reading"))?;
        Ok(Self { conn, unwritten: false })
    }

    /// Whether the handle still works; a fatal error leaves one that refuses everything.
    pub(crate) fn alive(&self) -> bool {
        self.conn.query_row("SELECT count(*) FROM decisions", [], |row| row.get::<_, i64>(0)).is_ok()
    }

    /// Inserts what is new, in one transaction.
    pub(crate) fn insert(&mut self, records: &[Record]) -> Result<(), Error> {
        let failed = Error::db("store pairs");
        self.insert_all(records).map_err(failed)
    }

    fn insert_all(&mut self, records: &[Record]) -> duckdb::Result<()> {
        let ids = || records.iter().map(Record::id);
        let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(()) };
        let transaction = self.conn.transaction()?;
        let mut pairs = known(&transaction, "pairs", first, last)?;
        let mut salts = known(&transaction, "receipt_salts", first, last)?;
        let mut superseded: Vec<&str> = Vec::new();
        {
            let mut into_pairs = transaction.appender("pairs")?;
            let mut into_salts = transaction.appender("receipt_salts")?;
            for record in records {
                let salt = match record {
                    Record::Pair { row, salts, supersedes } => {
                        superseded.extend(supersedes.as_deref());
                        if pairs.insert(row.id.clone()) {
                            into_pairs.append_row(appender_params_from_iter(columns(row)))?;
                        }
                        salts.as_ref()
                    }
                    Record::Salts { salts, .. } => Some(salts),
                };
                if let Some((req, resp)) = salt
                    && salts.insert(record.id().to_owned())
                {
                    into_salts.append_row(params![record.id(), req, resp])?;
                }
            }
            // Errors of an appender show at flush alone.
            into_pairs.flush()?;
            into_salts.flush()?;
        }
        for id in superseded {
            let sql = "UPDATE pairs SET eligible = false, reason = 'retry' WHERE id = ? AND eligible";
            transaction.execute(sql, params![id])?;
        }
        transaction.commit()
    }

    /// The salts of a receipt in hex.
    pub(crate) fn salts(&self, id: RequestId) -> Result<Option<(String, String)>, Error> {
        let sql = "SELECT req_salt, resp_salt FROM receipt_salts WHERE id = ?";
        self.rows(sql, params![id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
            .map(|mut rows| rows.pop())
    }

    /// How many pairs a namespace has.
    pub(crate) fn counts(&self, namespace: &Namespace) -> Result<PairCounts, Error> {
        let sql =
            format!("SELECT count(*), count(*) FILTER (WHERE {LABELLED}) FROM pairs WHERE namespace = ?");
        let (total, eligible): (i64, i64) = self
            .conn
            .query_row(&sql, params![namespace.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(Error::db("count pairs"))?;
        Ok(PairCounts { total: total.unsigned_abs(), eligible: eligible.unsigned_abs() })
    }

    /// The next eligible exchanges behind `after`, by id.
    pub(crate) fn eligible(
        &self,
        namespace: &Namespace,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Exchange>, Error> {
        let sql = format!(
            "SELECT id, ts_ms, conversation_key, \
             CASE WHEN served_model = '' THEN requested_model ELSE served_model END, \
             surface, request_json, response_json, corrected, latency_ms, cost_usd_micros \
             FROM {EDITED} AND namespace = ? AND {LABELLED} AND id > ? ORDER BY id LIMIT ?"
        );
        self.rows(&sql, params![namespace.as_str(), after, limit], |row| {
            Ok(Exchange {
                id: row.get(0)?,
                ts_ms: row.get(1)?,
                conversation: row.get(2)?,
                teacher: row.get(3)?,
                surface: Surface::named(&row.get::<_, String>(4)?),
                request: row.get(5)?,
                reply: row.get(6)?,
                corrected: row.get(7)?,
                took: took(row.get(8)?, row.get(9)?),
            })
        })
    }

    /// Writes the eligible pairs of a namespace as Parquet, with what people put in place of their answers.
    pub(crate) fn copy_parquet(&self, namespace: &Namespace, path: &str) -> Result<(), Error> {
        // A name holds no quote, a path may; COPY takes no parameters.
        let sql = format!(
            "COPY (SELECT * FROM {EDITED} AND namespace = '{namespace}' AND {LABELLED} ORDER BY id) \
             TO '{}' (FORMAT parquet)",
            path.replace('\'', "''")
        );
        self.conn.execute_batch(&sql).map_err(Error::db("write Parquet"))
    }

    /// Every body, request and reply apart.
    pub(crate) fn each_text(&self, mut visit: impl FnMut(&str)) -> Result<(), Error> {
        for table in ["pairs", "diffs", "decisions", "scores", "missed", "statements"] {
            // One text of all columns, as they are.
            let sql = format!("SELECT concat_ws(chr(10), *COLUMNS(*)) FROM {table}");
            self.rows(&sql, params![], |row| row.get(0).map(|text: String| visit(&text)))?;
        }
        Ok(())
    }

    /// Adds a Decision; the same one twice is fine, another one of its number is a conflict.
    pub(crate) fn put_decision(&mut self, decision: &DecisionRow) -> Result<(), Error> {
        let json = serde_json::to_string(decision)
            .map_err(|source| Error::Unreadable { what: "decision", source })?;
        let (route, seq) = (decision.route.as_str(), decision.seq as i64);
        let sql = "SELECT row_json FROM decisions WHERE route = ? AND seq = ?";
        let known: Vec<String> = self.rows(sql, params![route, seq], |row| row.get(0))?;
        match known.first() {
            Some(known) if *known == json => return Ok(()),
            Some(_) => return Err(Error::Conflict { route: decision.route.clone(), seq: decision.seq }),
            None => {}
        }
        let row = params![
            route,
            seq,
            decision.id.to_string(),
            decision.t.0,
            decision.kind.as_str(),
            decision.digest,
            json
        ];
        self.conn
            .execute("INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            .map(drop)
            .map_err(Error::db("store a decision"))
    }

    /// The Decisions of one route or of all, in order.
    pub(crate) fn decisions(&self, route: Option<&RouteName>) -> Result<Vec<DecisionRow>, Error> {
        let all = "SELECT row_json FROM decisions ORDER BY route, seq";
        let one = "SELECT row_json FROM decisions WHERE route = ? ORDER BY seq";
        let rows: Vec<String> = match route {
            Some(route) => self.rows(one, params![route.as_str()], |row| row.get(0))?,
            None => self.rows(all, params![], |row| row.get(0))?,
        };
        read_all("decision", &rows)
    }

    /// Rows of a Parquet file.
    #[cfg(test)]
    pub(crate) fn count_parquet(&self, path: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM read_parquet('{}')", path.replace('\'', "''"));
        self.conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        params: impl duckdb::Params,
        read: impl FnMut(&duckdb::Row<'_>) -> duckdb::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let run = || -> duckdb::Result<Vec<T>> { self.conn.prepare(sql)?.query_map(params, read)?.collect() };
        run().map_err(Error::db("answer a question"))
    }
}

/// Which of the ids in a range exist; ids begin with their time, so few row groups are read.
fn known(conn: &Connection, table: &str, first: &str, last: &str) -> duckdb::Result<HashSet<String>> {
    let sql = format!("SELECT id FROM {table} WHERE id BETWEEN ? AND ?");
    conn.prepare(&sql)?.query_map(params![first, last], |row| row.get(0))?.collect()
}

fn read_all<T: serde::de::DeserializeOwned>(what: &'static str, rows: &[String]) -> Result<Vec<T>, Error> {
    let read: Result<Vec<T>, _> = rows.iter().map(|row| serde_json::from_str(row)).collect();
    read.map_err(|source| Error::Unreadable { what, source })
}

fn open_error(path: &Path, source: duckdb::Error) -> Error {
    if source.to_string().contains("Could not set lock on file") {
        return Error::Locked { path: path.to_owned() };
    }
    Error::Database { what: "be opened", source }
}

/// The columns of `pairs`, in the order of the table.
fn columns(row: &Row) -> [&dyn ToSql; 32] {
    [
        &row.id,
        &row.ts_ms,
        &row.namespace,
        &row.route,
        &row.upstream,
        &row.requested_model,
        &row.served_model,
        &row.surface,
        &row.modality,
        &row.request_json,
        &row.response_json,
        &row.template_hash,
        &row.input_sha,
        &row.output_sha,
        &row.tokens_in,
        &row.tokens_out,
        &row.tokens_cached,
        &row.cost_usd_micros,
        &row.latency_ms,
        &row.ttft_ms,
        &row.status,
        &row.outcome,
        &row.error_class,
        &row.finish_reason,
        &row.arm,
        &row.artifact,
        &row.receipt_id,
        &row.eligible,
        &row.reason,
        &row.anonymizer_report,
        &row.conversation_key,
        &row.retry_of,
    ]
}

#[cfg(test)]
mod tests {
    use kolm_core::Coded;

    use super::*;

    #[test]
    fn a_lock_held_elsewhere_is_told_from_other_failures() {
        let failure = |message: &str| {
            duckdb::Error::DuckDBFailure(duckdb::ffi::Error::new(1), Some(message.to_owned()))
        };
        let held = "IO Error: Could not set lock on file \"x\": Conflicting lock is held in kolm (PID 7)";
        let error = open_error(Path::new("x"), failure(held));
        assert_eq!(error.code().to_string(), "K0201");
        assert!(error.to_string().contains("another kolm process has it open"));
        let error = open_error(Path::new("x"), failure("IO Error: No space left on device"));
        assert_eq!(error.code().to_string(), "K0200");
    }

    #[test]
    fn a_decision_of_another_version_is_an_error_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&dir.path().join("x.duckdb"), "64MB").unwrap();
        db.conn.execute_batch("INSERT INTO decisions VALUES ('r', 0, '', 0, 'hold', '', '{}')").unwrap();
        assert_eq!(db.decisions(None).unwrap_err().code().to_string(), "K0206");
        assert!(db.alive());
    }
}
