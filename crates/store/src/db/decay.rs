//! Retention: the bodies of old pairs and diffs go, their hashes and numbers stay.
//!
//! **Invariant:** a pair without its bodies is never eligible.

use duckdb::params;
use kolm_core::{Namespace, Timestamp};

use super::Db;
use crate::Error;

impl Db {
    /// Takes the bodies out of pairs that began before `before`; they may not train any more. Says how many. Of
    /// diffs as old go the bodies and what people wrote about them.
    pub(crate) fn decay(&mut self, namespace: &Namespace, before: Timestamp) -> Result<u64, Error> {
        self.take_bodies("namespace = ?", namespace.as_str(), before)
    }

    /// The same for the namespaces that templates made.
    pub(crate) fn decay_auto(&mut self, before: Timestamp) -> Result<u64, Error> {
        self.take_bodies("regexp_full_match(namespace, ?)", "auto-[0-9a-f]{16}", before)
    }

    fn take_bodies(&mut self, of: &str, name: &str, before: Timestamp) -> Result<u64, Error> {
        let sql = format!(
            "UPDATE pairs SET request_json = '', response_json = '', eligible = false, \
             reason = CASE WHEN eligible THEN 'decayed' ELSE reason END \
             WHERE {of} AND ts_ms < ? AND (request_json <> '' OR response_json <> '')"
        );
        let decayed = self.conn.execute(&sql, params![name, before.0]);
        let decayed = decayed.map_err(Error::db("take bodies out"))? as u64;
        let sql = format!(
            "UPDATE diffs SET request_json = '', teacher_json = '', student_json = '', note = '', corrected = '' \
             WHERE {of} AND t < ? AND concat(request_json, teacher_json, student_json, note, corrected) <> ''"
        );
        let diffs = self.conn.execute(&sql, params![name, before.0]);
        let diffs = diffs.map_err(Error::db("take bodies out"))? as u64;
        self.unwritten |= decayed + diffs > 0;
        if self.unwritten {
            // Until then the old rows stand in the file; a snapshot that is being read may put it off.
            self.conn.execute_batch("CHECKPOINT").map_err(Error::db("write what is left"))?;
            self.unwritten = false;
        }
        Ok(decayed)
    }
}
