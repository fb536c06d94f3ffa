//! What is wrong with a configuration: all of it at once, each with its place.

use std::fmt;

use kolm_core::{Code, Coded, Exit};

use crate::Config;

/// The file cannot be read.
pub(crate) const UNREADABLE: Code = Code(100);
/// The file is not TOML.
pub(crate) const SYNTAX: Code = Code(101);
/// A key that means nothing.
pub(crate) const UNKNOWN: Code = Code(102);
/// A value of the wrong type or form, or a missing one.
pub(crate) const FORM: Code = Code(103);
/// A well-formed value that is out of range or out of order.
pub(crate) const RANGE: Code = Code(104);
/// A name that nothing has.
pub(crate) const DANGLING: Code = Code(105);
/// A secret written into the file.
pub(crate) const LITERAL: Code = Code(106);
/// A secret that is not there.
pub(crate) const NO_SECRET: Code = Code(107);
/// An address outside the host under `airgap`.
pub(crate) const AIRGAP: Code = Code(108);
/// A region that no upstream is in.
pub(crate) const REGION: Code = Code(117);
/// A directory that two namespaces share.
pub(crate) const CLASH: Code = Code(118);

/// A certificate or its key cannot be used.
pub(crate) const BAD_CERTIFICATE: Code = Code(110);
/// The authorities of client certificates cannot be used.
pub(crate) const BAD_ANCHORS: Code = Code(111);
/// A failover list that leads back to where it began.
pub(crate) const CYCLE: Code = Code(120);
/// A route with two students: one to be trained and one that is configured.
pub(crate) const TWO_STUDENTS: Code = Code(121);
/// The vault's key is missing or cannot be used.
pub(crate) const NO_VAULT_KEY: Code = Code(122);
/// A file stands where a vault's key was to be made.
pub(crate) const VAULT_KEY_EXISTS: Code = Code(123);
/// A reload that would take protection off an open port.
const UNDOES: Code = Code(124);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its code.
    pub code: Code,
    /// The TOML path, `routes.support.canary.steps[2]`; empty for the file as a whole.
    pub path: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong, lower case.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// The problem as one object.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "code": self.code.to_string(),
            "path": self.path,
            "line": self.line,
            "message": self.message,
            "hint": self.hint,
        })
    }
}

/// All that is wrong with one file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file.
    pub file: String,
    /// The problems in the order of the file.
    pub list: Vec<Problem>,
}

impl Problems {
    /// Why a reload from `old` to `new` is refused although `new` is well-formed, if it is: a file that was emptied, or one
    /// cut short, must not turn a port with TLS into one without.
    pub fn undoing(file: String, text: &str, old: &Config, new: &Config) -> Option<Self> {
        let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let (path, message) = if !text.lines().any(says) {
            ("", "the file says nothing, and settings are in force")
        } else if old.listen.tls.is_some() && new.listen.tls.is_none() {
            ("listen.tls", "the port with TLS would become one without")
        } else {
            return None;
        };
        let hint = "what is in force stays; if this is meant, restart kolm with it".to_owned();
        let problem = Problem {
            code: UNDOES,
            path: path.to_owned(),
            line: 0,
            message: message.to_owned(),
            hint: Some(hint),
        };
        Some(Self { file, list: vec![problem] })
    }

    /// Every problem as `file:line: code: path: message`, each with its hint below.
    pub fn report(&self) -> String {
        let lines = self.list.iter().map(|problem| {
            let hint = problem.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
            self.line(problem) + &hint
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn line(&self, problem: &Problem) -> String {
        let line = if problem.line > 0 { format!(":{}", problem.line) } else { String::new() };
        let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
        format!("{}{line}: {}: {path}{}", self.file, problem.code, problem.message)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.list.iter().map(|problem| self.line(problem)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

impl Coded for Problems {
    fn code(&self) -> Code {
        self.list.first().map_or(UNREADABLE, |problem| problem.code)
    }

    fn hint(&self) -> Option<String> {
        self.list.iter().find_map(|problem| problem.hint.clone())
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
