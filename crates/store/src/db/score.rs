//! What the shadow found out about an attempt: its scores, and how many requests it drew and did not score.

use duckdb::params;
use kolm_core::{ArtifactId, RouteName};
use kolm_policies::gate::Gathered;

use super::{Db, read_all};
use crate::{Error, ScoreRow};

impl Db {
    /// Adds to what was gathered about an attempt.
    pub(crate) fn put_scores(
        &mut self,
        route: &RouteName,
        artifact: &ArtifactId,
        attempt: u32,
        new: &Gathered,
    ) -> Result<(), Error> {
        let lines: Result<Vec<String>, _> = new.scores.iter().map(serde_json::to_string).collect();
        let lines = lines.map_err(|source| Error::Unreadable { what: "score", source })?;
        let rows = new.scores.iter().map(|score| score.t.0).zip(lines);
        self.insert_scores(route, artifact, attempt, rows, new.missed).map_err(Error::db("store scores"))
    }

    fn insert_scores(
        &mut self,
        route: &RouteName,
        artifact: &ArtifactId,
        attempt: u32,
        rows: impl Iterator<Item = (i64, String)>,
        missed: u64,
    ) -> duckdb::Result<()> {
        let transaction = self.conn.transaction()?;
        {
            let mut into = transaction.appender("scores")?;
            for (t, line) in rows {
                into.append_row(params![route.as_str(), artifact.as_str(), attempt, t, line])?;
            }
            into.flush()?;
        }
        let sql = "INSERT INTO missed VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n";
        transaction.execute(sql, params![route.as_str(), attempt, missed as i64])?;
        transaction.commit()
    }

    /// What was gathered about an attempt, the scores as they came.
    pub(crate) fn scores(&self, route: &RouteName, attempt: u32) -> Result<Gathered, Error> {
        let sql = "SELECT score_json FROM scores WHERE route = ? AND attempt = ? ORDER BY rowid";
        let rows: Vec<String> = self.rows(sql, params![route.as_str(), attempt], |row| row.get(0))?;
        let sql = "SELECT n FROM missed WHERE route = ? AND attempt = ?";
        let missed: Vec<i64> = self.rows(sql, params![route.as_str(), attempt], |row| row.get(0))?;
        Ok(Gathered {
            scores: read_all::<ScoreRow>("score", &rows)?,
            missed: missed.first().map_or(0, |n| n.unsigned_abs()),
        })
    }
}
