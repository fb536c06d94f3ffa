//! The table `diffs`: what the shadow saw, and what people said of it.
//!
//! **Invariant:** one row a request; the order is total, so that every page and neighbour is the same at every look.

use duckdb::types::Value as Sql;
use duckdb::{Connection, Row, appender_params_from_iter, params, params_from_iter};
use kolm_core::{
    Arm, DiffAxis, DiffCounts, DiffDetail, DiffFilter, DiffKind, DiffPage, DiffQuery, DiffRow, MicroUsd, Ppm,
    RequestId, Review, RouteName, Spent, Surface, Timestamp, Verdict,
};
use kolm_wire::{shown, surface};

use super::Db;
use super::look::preview;
use crate::Error;
use crate::diff::Diff;

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS diffs (
    id VARCHAR NOT NULL, t BIGINT NOT NULL, route VARCHAR NOT NULL, namespace VARCHAR NOT NULL,
    surface VARCHAR NOT NULL, artifact VARCHAR NOT NULL, attempt BIGINT NOT NULL, kind VARCHAR NOT NULL,
    unit VARCHAR NOT NULL, template_hash VARCHAR NOT NULL, request_json VARCHAR NOT NULL,
    teacher_json VARCHAR NOT NULL, student_json VARCHAR NOT NULL, a_ppm BIGINT, b_ppm BIGINT,
    served BOOLEAN NOT NULL, critical BOOLEAN NOT NULL, student_us BIGINT NOT NULL, teacher_us BIGINT NOT NULL,
    student_ttft_us BIGINT NOT NULL, teacher_ttft_us BIGINT NOT NULL, tokens_in BIGINT NOT NULL,
    teacher_tokens BIGINT NOT NULL, student_tokens BIGINT NOT NULL, student_cost_musd BIGINT NOT NULL,
    teacher_cost_musd BIGINT NOT NULL, verdict VARCHAR NOT NULL, note VARCHAR NOT NULL,
    corrected VARCHAR NOT NULL, reviewer VARCHAR NOT NULL, reviewed_at_ms BIGINT NOT NULL);
";

/// The columns of a [`DiffRow`], in its order.
const VIEW: &str = "id, t, route, kind, a_ppm, b_ppm, served, critical, student_us, teacher_us, verdict, surface, \
                    request_json, teacher_json, student_json";
/// Templates that a page offers to choose from.
const TEMPLATES: u32 = 20;
/// The whole, in ppm.
const ALIKE: u32 = Ppm::ONE.0;

impl Db {
    /// Adds what is new, in one transaction.
    pub(crate) fn put_diffs(&mut self, diffs: &[Diff]) -> Result<(), Error> {
        self.insert_diffs(diffs).map_err(Error::db("store diffs"))
    }

    fn insert_diffs(&mut self, diffs: &[Diff]) -> duckdb::Result<()> {
        let ids: Vec<String> = diffs.iter().map(|diff| diff.id.to_string()).collect();
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else { return Ok(()) };
        let transaction = self.conn.transaction()?;
        let mut known = super::known(&transaction, "diffs", first, last)?;
        append(&transaction, diffs.iter().filter(|diff| known.insert(diff.id.to_string())))?;
        transaction.commit()
    }

    /// A page, worst first.
    pub(crate) fn diffs(&self, query: &DiffQuery) -> Result<DiffPage, Error> {
        let chosen = Chosen::of(&query.route, &query.filter);
        let student = DiffFilter { artifact: query.filter.artifact.clone(), ..DiffFilter::default() };
        let student = Chosen::of(&query.route, &student);
        // Plain numbers, so that the texts of a page alone are read (DuckDB's late materialization).
        let sql = format!(
            "SELECT {VIEW} FROM diffs WHERE {} ORDER BY {} LIMIT {} OFFSET {}",
            chosen.condition, chosen.order, query.limit, query.offset
        );
        let rows = self.rows(&sql, params_from_iter(&chosen.values), view)?;
        let sql = format!("SELECT count(*) FROM diffs WHERE {}", chosen.condition);
        let total = self.rows(&sql, params_from_iter(&chosen.values), |row| count(row, 0))?;
        let total = total.first().copied().unwrap_or_default();
        let sql = format!(
            "SELECT template_hash, count(*) FROM diffs WHERE {} GROUP BY ALL ORDER BY count(*) DESC, template_hash \
             LIMIT {TEMPLATES}",
            student.condition
        );
        let templates =
            self.rows(&sql, params_from_iter(&student.values), |row| Ok((row.get(0)?, count(row, 1)?)))?;
        Ok(DiffPage { counts: self.diff_counts(&student)?, total, templates, rows })
    }

    fn diff_counts(&self, chosen: &Chosen) -> Result<DiffCounts, Error> {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE a_ppm > b_ppm), \
             count(*) FILTER (WHERE a_ppm = {ALIKE} AND coalesce(b_ppm, {ALIKE}) = {ALIKE}), \
             count(*) FILTER (WHERE a_ppm < {ALIKE} AND NOT coalesce(a_ppm > b_ppm, false)), \
             count(*) FILTER (WHERE a_ppm IS NULL), count(*) FILTER (WHERE verdict = 'unread') \
             FROM diffs WHERE {}",
            chosen.condition
        );
        let counts = self.rows(&sql, params_from_iter(&chosen.values), |row| {
            Ok(DiffCounts {
                better: count(row, 0)?,
                same: count(row, 1)?,
                worse: count(row, 2)?,
                unscored: count(row, 3)?,
                unread: count(row, 4)?,
            })
        });
        counts.map(|mut counts| counts.pop().unwrap_or_default())
    }

    /// One diff in full, with its neighbours in the order of `filter`.
    pub(crate) fn diff(&self, id: RequestId, filter: &DiffFilter) -> Result<Option<DiffDetail>, Error> {
        let sql = format!(
            "SELECT {VIEW}, namespace, artifact, attempt, unit, template_hash, student_ttft_us, teacher_ttft_us, \
             tokens_in, teacher_tokens, student_tokens, student_cost_musd, teacher_cost_musd, note, corrected, \
             reviewer, reviewed_at_ms FROM diffs WHERE id = ?"
        );
        let found = self.rows(&sql, params![id.to_string()], detail)?.pop();
        found.map(|detail| self.placed(detail, filter)).transpose()
    }

    fn placed(&self, detail: DiffDetail, filter: &DiffFilter) -> Result<DiffDetail, Error> {
        let chosen = Chosen::of(&detail.row.route, filter);
        let sql = format!(
            "SELECT place, total, next, previous FROM (SELECT id, row_number() OVER worst AS place, \
             count(*) OVER () AS total, lead(id) OVER worst AS next, lag(id) OVER worst AS previous \
             FROM diffs WHERE {} WINDOW worst AS (ORDER BY {})) WHERE id = ?",
            chosen.condition, chosen.order
        );
        let id = Sql::Text(detail.row.id.to_string());
        let neighbour = |row: &Row<'_>, at| -> duckdb::Result<Option<RequestId>> {
            Ok(row.get::<_, Option<String>>(at)?.and_then(|id| id.parse().ok()))
        };
        let found = self.rows(&sql, params_from_iter(chosen.values.iter().cloned().chain([id])), |row| {
            Ok((count(row, 0)?, count(row, 1)?, neighbour(row, 2)?, neighbour(row, 3)?))
        })?;
        let (place, total, next, previous) = found.into_iter().next().unwrap_or_default();
        Ok(DiffDetail { place, total, next, previous, ..detail })
    }

    /// Notes what a person says; false if there is no such diff.
    pub(crate) fn review(&mut self, review: &Review, now: Timestamp) -> Result<bool, Error> {
        let corrected = if review.verdict == Verdict::Edit { review.corrected.as_str() } else { "" };
        let row = params![
            review.verdict.as_str(),
            review.note,
            corrected,
            review.reviewer,
            now.0,
            review.id.to_string()
        ];
        let sql = "UPDATE diffs SET verdict = ?, note = ?, corrected = ?, reviewer = ?, reviewed_at_ms = ? WHERE id = ?";
        self.conn.execute(sql, row).map(|rows| rows > 0).map_err(Error::db("store a review"))
    }

    /// What passed over the routes, by arm.
    pub(crate) fn spent(&self) -> Result<Vec<Spent>, Error> {
        let sum =
            |column: &str| format!("CAST(coalesce(sum({column}) FILTER (WHERE {column} > 0), 0) AS BIGINT)");
        let sql = format!(
            "SELECT route, arm, count(*), {}, {}, {} FROM pairs WHERE status = 200 GROUP BY ALL ORDER BY route, arm",
            sum("tokens_in"),
            sum("tokens_out"),
            sum("cost_usd_micros")
        );
        let rows = self.rows(&sql, params![], |row| {
            let (route, arm): (String, String) = (row.get(0)?, row.get(1)?);
            let spent = Spent {
                route: match route.parse() {
                    Ok(route) => route,
                    // What no route matched belongs to none.
                    Err(_) => return Ok(None),
                },
                arm: if arm == "student" { Arm::Student } else { Arm::Teacher },
                requests: count(row, 2)?,
                tokens_in: count(row, 3)?,
                tokens_out: count(row, 4)?,
                list_price: MicroUsd(row.get(5)?),
            };
            Ok(Some(spent))
        });
        rows.map(|rows| rows.into_iter().flatten().collect())
    }
}

fn append<'a>(conn: &Connection, diffs: impl Iterator<Item = &'a Diff>) -> duckdb::Result<()> {
    let mut into = conn.appender("diffs")?;
    for diff in diffs {
        into.append_row(appender_params_from_iter(columns(diff)))?;
    }
    // Errors of an appender show at flush alone.
    into.flush()
}

/// The columns of `diffs`, in the order of the table.
fn columns(diff: &Diff) -> Vec<Sql> {
    let text = |text: &str| Sql::Text(text.to_owned());
    let number = |n: u64| Sql::BigInt(i64::try_from(n).unwrap_or(i64::MAX));
    let share = |p: Option<Ppm>| p.map_or(Sql::Null, |p| Sql::BigInt(i64::from(p.0)));
    let told = diff.told();
    vec![
        text(&diff.id.to_string()),
        Sql::BigInt(diff.t.0),
        text(diff.route.as_str()),
        text(diff.namespace.as_str()),
        text(diff.surface.as_str()),
        text(diff.artifact.as_str()),
        number(u64::from(diff.attempt)),
        text(diff.kind.as_str()),
        text(&diff.unit),
        text(&told.template),
        text(diff.teacher.request()),
        text(diff.teacher.reply()),
        text(diff.student.as_ref().map_or("", |student| student.reply())),
        share(diff.a),
        share(diff.b),
        Sql::Boolean(diff.served),
        Sql::Boolean(diff.critical),
        number(diff.student_us),
        number(diff.teacher_us),
        number(diff.student_ttft_us),
        number(diff.teacher_ttft_us),
        Sql::BigInt(told.tokens_in),
        Sql::BigInt(told.teacher_tokens),
        Sql::BigInt(told.student_tokens),
        Sql::BigInt(diff.student_cost.0),
        Sql::BigInt(diff.teacher_cost.0),
        text(Verdict::Unread.as_str()),
        text(""),
        text(""),
        text(""),
        Sql::BigInt(0),
    ]
}

/// A filter as SQL.
struct Chosen {
    condition: String,
    values: Vec<Sql>,
    order: &'static str,
}

impl Chosen {
    fn of(route: &RouteName, filter: &DiffFilter) -> Self {
        let mut conditions = vec!["route = ?"];
        let mut values = vec![Sql::Text(route.to_string())];
        let equal = [
            ("verdict = ?", filter.verdict.map(|verdict| verdict.to_string())),
            ("kind = ?", filter.kind.map(|kind| kind.to_string())),
            ("template_hash = ?", filter.template.clone()),
            ("artifact = ?", filter.artifact.as_ref().map(ToString::to_string)),
        ];
        for (condition, value) in equal {
            if let Some(value) = value {
                conditions.push(condition);
                values.push(Sql::Text(value));
            }
        }
        let (condition, order) = match filter.axis {
            None => (None, "critical DESC, a_ppm NULLS LAST, t DESC, id"),
            Some(DiffAxis::Accuracy) => {
                (Some("(critical OR a_ppm < 1000000)"), "critical DESC, a_ppm NULLS LAST, t DESC, id")
            }
            Some(DiffAxis::Latency) => (
                Some("kind <> 'double' AND student_us > teacher_us"),
                "student_us * 1.0 / greatest(teacher_us, 1) DESC, t DESC, id",
            ),
            Some(DiffAxis::Coverage) => {
                (Some("kind <> 'double' AND NOT served"), "a_ppm NULLS LAST, t DESC, id")
            }
        };
        conditions.extend(condition);
        Self { condition: conditions.join(" AND "), values, order }
    }
}

fn count(row: &Row<'_>, at: usize) -> duckdb::Result<u64> {
    row.get::<_, i64>(at).map(i64::unsigned_abs)
}

fn share(row: &Row<'_>, at: usize) -> duckdb::Result<Option<Ppm>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(|ppm| Ppm(ppm.unsigned_abs() as u32)))
}

/// Reads a name back that this module wrote.
fn name<T: std::str::FromStr>(row: &Row<'_>, at: usize) -> duckdb::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: String = row.get(at)?;
    text.parse().map_err(|error: T::Err| {
        duckdb::Error::FromSqlConversionFailure(at, duckdb::types::Type::Text, Box::new(error))
    })
}

fn view(row: &Row<'_>) -> duckdb::Result<DiffRow> {
    let text = |at| row.get::<_, String>(at);
    let said = |at| Ok::<_, duckdb::Error>(line(&shown::answer(text(at)?.as_bytes())));
    Ok(DiffRow {
        id: name(row, 0)?,
        t: Timestamp(row.get(1)?),
        route: name(row, 2)?,
        kind: DiffKind::named(&text(3)?).unwrap_or(DiffKind::Shadow),
        a: share(row, 4)?,
        b: share(row, 5)?,
        served: row.get(6)?,
        critical: row.get(7)?,
        student_us: count(row, 8)?,
        teacher_us: count(row, 9)?,
        verdict: Verdict::named(&text(10)?).unwrap_or(Verdict::Unread),
        text: preview(surface::text(Surface::named(&text(11)?), text(12)?.as_bytes())),
        teacher: said(13)?,
        student: said(14)?,
    })
}

/// An answer on one line.
fn line(said: &kolm_core::Answer) -> String {
    let calls = said.calls.iter().map(|call| format!("{}({})", call.name, call.arguments));
    let parts: Vec<String> =
        [said.text.clone()].into_iter().filter(|text| !text.is_empty()).chain(calls).collect();
    preview(parts.join(" "))
}

fn detail(row: &Row<'_>) -> duckdb::Result<DiffDetail> {
    let text = |at| row.get::<_, String>(at);
    let (surface, request, teacher, student) = (text(11)?, text(12)?, text(13)?, text(14)?);
    Ok(DiffDetail {
        row: view(row)?,
        namespace: name(row, 15)?,
        artifact: name(row, 16)?,
        attempt: count(row, 17)? as u32,
        unit: text(18)?,
        template_hash: text(19)?,
        turns: shown::turns(Surface::named(&surface), request.as_bytes()),
        teacher_said: shown::answer(teacher.as_bytes()),
        student_said: (!student.is_empty()).then(|| shown::answer(student.as_bytes())),
        student_ttft_us: count(row, 20)?,
        teacher_ttft_us: count(row, 21)?,
        tokens_in: row.get(22)?,
        teacher_tokens: row.get(23)?,
        student_tokens: row.get(24)?,
        student_cost: MicroUsd(row.get(25)?),
        teacher_cost: MicroUsd(row.get(26)?),
        note: text(27)?,
        corrected: text(28)?,
        reviewer: text(29)?,
        reviewed_at: Some(row.get(30)?).filter(|at| *at != 0).map(Timestamp),
        place: 0,
        total: 0,
        next: None,
        previous: None,
    })
}
