//! Retention: the bodies of old pairs go, their hashes and numbers stay.
//!
//! **Invariant:** a pair without its bodies is never eligible.

use duckdb::params;
use kolm_core::{Namespace, Timestamp};

use super::Db;
use crate::Error;

impl Db {
    /// Takes the bodies out of pairs that began before `before`; they may not train any more. Says how many.
    pub(crate) fn decay(&mut self, namespace: &Namespace, before: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE pairs SET request_json = '', response_json = '', eligible = false, \
                   reason = CASE WHEN eligible THEN 'decayed' ELSE reason END \
                   WHERE namespace = ? AND ts_ms < ? AND (request_json <> '' OR response_json <> '')";
        let decayed = self.conn.execute(sql, params![namespace.as_str(), before.0]);
        let decayed = decayed.map_err(Error::db("take bodies out"))? as u64;
        self.unwritten |= decayed > 0;
        if self.unwritten {
            // Until then the old rows stand in the file; a snapshot that is being read may put it off.
            self.conn.execute_batch("CHECKPOINT").map_err(Error::db("write what is left"))?;
            self.unwritten = false;
        }
        Ok(decayed)
    }
}
