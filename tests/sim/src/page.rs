//! Tables as Markdown and as JSON.

use serde_json::{Value, json};

/// A table with its heading and a sentence about it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) note: String,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    /// Medians beside those they are held against: what, measured, wanted.
    pub(crate) medians: Vec<(String, u64, u64)>,
    /// Scored requests, or values of a single stream, that were simulated for it.
    pub(crate) requests: u64,
}

impl Table {
    /// The table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            format!("|{}\n", cells.map(|c| format!(" {c} |")).collect::<String>())
        };
        let mut out = format!("## {}\n\n{}\n\n", self.title, self.note);
        out += &line(&mut self.head.iter().copied());
        out += &format!("|{}\n", "---|".repeat(self.head.len()));
        for row in &self.rows {
            out += &line(&mut row.iter().map(String::as_str));
        }
        out
    }

    /// The medians that are further than so many percent from what is wanted.
    pub(crate) fn outside(&self, percent: u64) -> Vec<String> {
        let far = |(_, got, want): &&(String, u64, u64)| got.abs_diff(*want) * 100 > want * percent;
        let told =
            |(what, got, want): &(String, u64, u64)| format!("{}: {what}: {got} is not {want}", self.name);
        self.medians.iter().filter(far).map(told).collect()
    }

    /// The same for programs: one object a row.
    pub(crate) fn json(&self) -> Value {
        let object = |row: &Vec<String>| -> Value {
            self.head.iter().map(|h| (*h).to_owned()).zip(row.iter().map(|cell| json!(cell))).collect()
        };
        json!({
            "name": self.name,
            "requests": self.requests,
            "rows": self.rows.iter().map(object).collect::<Vec<_>>(),
        })
    }
}
