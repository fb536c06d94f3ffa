//! What a route's answers and its proof cost, summed up.
//!
//! **Invariant:** reads only; a price that nobody knew counts as 0.

use duckdb::params;
use kolm_core::{MicroUsd, RouteName, Timestamp};
use kolm_policies::gate::ScoreKind;
use kolm_policies::limit::window;
use kolm_policies::price;

use super::{Db, read_all};
use crate::{Error, Money, ScoreRow};

impl Db {
    /// The sums of what a route's pairs say, of those before `until`.
    pub(crate) fn answered(&self, route: &RouteName, until: Timestamp) -> Result<Money, Error> {
        let sql = "SELECT arm = 'student', sum(greatest(cost_usd_micros, 0))::BIGINT, \
                   sum(greatest(latency_ms, 0))::BIGINT, count(*) \
                   FROM pairs WHERE route = ? AND ts_ms < ? GROUP BY ALL";
        let mut money = Money::default();
        self.rows(sql, params![route.as_str(), until.0], |row| {
            let cost = MicroUsd(row.get(1)?);
            match row.get(0)? {
                true => {
                    money.avoided = cost;
                    money.student_ms = row.get::<_, i64>(2)?.unsigned_abs();
                    money.student_n = row.get::<_, i64>(3)?.unsigned_abs();
                }
                false => money.paid = cost,
            }
            Ok(())
        })?;
        Ok(money)
    }

    /// What the scores of a route before `until` cost, and what of it the teacher got on the day of `until`.
    pub(crate) fn proof(&self, route: &RouteName, until: Timestamp) -> Result<(MicroUsd, MicroUsd), Error> {
        let sql = "SELECT score_json FROM scores WHERE route = ? AND t < ?";
        let rows: Vec<String> = self.rows(sql, params![route.as_str(), until.0], |row| row.get(0))?;
        let (mut all, mut today) = (0i64, 0i64);
        for score in read_all::<ScoreRow>("score", &rows)? {
            let cost = price::of_score(&score).0;
            all = all.saturating_add(cost);
            if score.kind != ScoreKind::Shadow && window::day(score.t) == window::day(until) {
                today = today.saturating_add(cost);
            }
        }
        Ok((MicroUsd(all), MicroUsd(today)))
    }
}
