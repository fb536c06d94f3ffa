//! Talking to a running `kolm up`: where it is stands in `run/up.json` of the data directory.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kolm_config::RawConfig;
use kolm_core::{Answered, Code, DecisionRow, Exit, Intent, RouteName, Sample, Status};
use serde::{Deserialize, Serialize};

use crate::report::Failure;

/// What a running `kolm up` says of itself, readable by its user alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunFile {
    /// Process id.
    pub(crate) pid: u32,
    /// Client address.
    pub(crate) listen: String,
    /// Address of dashboard and admin interface.
    pub(crate) admin: String,
    /// Bearer token of the admin interface.
    pub(crate) token: String,
}

impl RunFile {
    /// Where the file lies.
    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("run/up.json")
    }

    /// Whether its process is there still; a crash leaves the file behind.
    fn lives(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        let asked = pid.map(rustix::process::test_kill_process);
        asked.is_some_and(|asked| asked != Err(rustix::io::Errno::SRCH))
    }
}

/// The configuration of a running gateway.
pub(crate) struct Running {
    /// Its version.
    pub(crate) version: u64,
    /// SHA-256 of its text.
    pub(crate) digest: String,
    /// The file it came from.
    pub(crate) file: Option<String>,
    /// Its text.
    pub(crate) text: String,
}

impl Running {
    /// What people call it.
    pub(crate) fn name(&self) -> String {
        format!("(running, version {})", self.version)
    }

    /// The same, to be checked here.
    pub(crate) fn raw(&self) -> RawConfig {
        match &self.file {
            Some(file) => RawConfig::at(Path::new(file), &self.text),
            None => RawConfig::parse(&self.name(), &self.text),
        }
    }
}

/// What the admin interface said to an edit.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The JSON.
    pub(crate) body: serde_json::Value,
}

/// A client of the admin interface.
pub(crate) struct Admin {
    http: reqwest::Client,
    /// What the process said of itself.
    pub(crate) run: RunFile,
}

impl Admin {
    /// The gateway that runs on `data_dir`.
    pub(crate) fn find(data_dir: &Path) -> Result<Self, Failure> {
        let path = RunFile::path(data_dir);
        let run = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Of a process that is gone nothing is asked: whoever listens there now is another.
        let run: RunFile = run.filter(RunFile::lives).ok_or_else(|| not_running(data_dir))?;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().map_err(
            |error| {
                Failure::new(Code(9), Exit::Failed, error, "this is a defect of this machine's TLS set-up")
            },
        )?;
        Ok(Self { http, run })
    }

    /// The state of the whole.
    pub(crate) async fn status(&self) -> Result<Status, Failure> {
        let url = format!("http://{}/api/v1/status", self.run.admin);
        let response =
            self.http.get(url).bearer_auth(&self.run.token).send().await.map_err(|_| self.gone())?;
        response.json().await.map_err(|error| self.unexpected(&error.to_string()))
    }

    /// The Decisions of one route or of all, oldest first, also of routes that are configured no more.
    pub(crate) async fn decisions(&self, route: Option<&RouteName>) -> Result<Vec<DecisionRow>, Failure> {
        let url = format!("http://{}/api/v1/decisions.jsonl", self.run.admin);
        let route = route.map(|route| ("route", route.as_str()));
        let request = self.http.get(url).query(&route.as_slice()).bearer_auth(&self.run.token);
        let response = request.send().await.map_err(|_| self.gone())?;
        if !response.status().is_success() {
            return Err(self.unexpected(&sentence(response).await));
        }
        let text = response.text().await.map_err(|error| self.unexpected(&error.to_string()))?;
        let rows: Result<Vec<DecisionRow>, _> = text.lines().map(serde_json::from_str).collect();
        rows.map_err(|error| self.unexpected(&error.to_string()))
    }

    /// The signed statements about a route's verdicts, each in one line; none of one that it does not know.
    pub(crate) async fn statements(&self, route: &RouteName) -> Result<Vec<String>, Failure> {
        let url = format!("http://{}/api/v1/routes/{route}/statements", self.run.admin);
        let response =
            self.http.get(url).bearer_auth(&self.run.token).send().await.map_err(|_| self.gone())?;
        if response.status() == 404 {
            return Ok(Vec::new());
        }
        let all: Vec<serde_json::Value> =
            response.json().await.map_err(|error| self.unexpected(&error.to_string()))?;
        Ok(all.iter().map(ToString::to_string).collect())
    }

    /// The signed statements about the verdicts on all routes that there ever were.
    pub(crate) async fn all_statements(&self) -> Result<Vec<String>, Failure> {
        let decided = self.decisions(None).await?;
        let routes: BTreeSet<&RouteName> = decided.iter().map(|row| &row.route).collect();
        let mut all = Vec::new();
        for route in routes {
            all.extend(self.statements(route).await?);
        }
        Ok(all)
    }

    /// What is stored of the scores that a Decision names; `None` where it has nothing to say of them.
    pub(crate) async fn sample(&self, row: &DecisionRow) -> Result<Option<Sample>, Failure> {
        let (route, seq) = (&row.route, row.seq);
        let url = format!("http://{}/api/v1/routes/{route}/decisions/{seq}/sample", self.run.admin);
        let response =
            self.http.get(url).bearer_auth(&self.run.token).send().await.map_err(|_| self.gone())?;
        if !response.status().is_success() {
            return Err(self.unexpected(&sentence(response).await));
        }
        #[derive(Deserialize)]
        struct Told {
            stored: Option<Sample>,
        }
        let told: Told = response.json().await.map_err(|error| self.unexpected(&error.to_string()))?;
        Ok(told.stored)
    }

    /// Leaves an intent, and tells what came of it; `None` where that is not known yet.
    pub(crate) async fn intend(&self, intent: &Intent) -> Result<Option<Answered>, Failure> {
        let url = format!("http://{}/api/v1/intents", self.run.admin);
        let request = self.http.post(url).bearer_auth(&self.run.token).json(intent);
        let response = request.send().await.map_err(|_| self.gone())?;
        match response.status().as_u16() {
            200 => response.json().await.map(Some).map_err(|error| self.unexpected(&error.to_string())),
            202 => Ok(None),
            400 | 404 => {
                let hint = "`kolm status` lists the routes, and -m gives a reason of 1 to 500 characters";
                Err(Failure::new(Code(5), Exit::Usage, sentence(response).await, hint))
            }
            _ => Err(self.unexpected(&sentence(response).await)),
        }
    }

    /// Freezes the eligible pairs of `namespace` into `dir`.
    pub(crate) async fn freeze(&self, namespace: &str, dir: &Path) -> Result<(), Failure> {
        let url = format!("http://{}/admin/freeze", self.run.admin);
        let dir = std::path::absolute(dir).map_err(|error| Failure::io(dir, &error))?;
        let body = serde_json::json!({ "namespace": namespace, "dir": dir });
        let request = self.http.post(url).bearer_auth(&self.run.token).json(&body);
        let response = request.send().await.map_err(|_| self.gone())?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(self.unexpected(&sentence(response).await))
    }

    /// The configuration in force.
    pub(crate) async fn config(&self) -> Result<Running, Failure> {
        let url = format!("http://{}/admin/config", self.run.admin);
        let response =
            self.http.get(url).bearer_auth(&self.run.token).send().await.map_err(|_| self.gone())?;
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (digest, version, file) = (header("etag"), header("x-kolm-version"), header("x-kolm-file"));
        let version = version.parse().map_err(|_| self.unexpected("its configuration has no version"))?;
        let text = response.text().await.map_err(|error| self.unexpected(&error.to_string()))?;
        let file = Some(file).filter(|file| !file.is_empty());
        Ok(Running { version, digest: digest.trim_matches('"').to_owned(), file, text })
    }

    /// Puts a text in force in place of the one with the digest `seen`.
    pub(crate) async fn put_config(&self, text: &str, seen: &str, by: &str) -> Result<Answer, Failure> {
        let url = format!("http://{}/admin/config", self.run.admin);
        let seen = if seen == "*" { seen.to_owned() } else { format!("\"{seen}\"") };
        self.edit(self.http.put(url).header("if-match", seen).body(text.to_owned()), by).await
    }

    /// Has the file read again.
    pub(crate) async fn reload(&self, by: &str) -> Result<Answer, Failure> {
        let url = format!("http://{}/admin/config/reload", self.run.admin);
        self.edit(self.http.post(url), by).await
    }

    async fn edit(&self, request: reqwest::RequestBuilder, by: &str) -> Result<Answer, Failure> {
        let request = request.bearer_auth(&self.run.token).header("x-kolm-author", by);
        let response = request.send().await.map_err(|_| self.gone())?;
        let status = response.status().as_u16();
        let body = response.json().await.map_err(|error| self.unexpected(&error.to_string()))?;
        Ok(Answer { status, body })
    }

    fn gone(&self) -> Failure {
        Failure::new(
            Code(4),
            Exit::Usage,
            format_args!("kolm up (pid {}) does not answer on {}", self.run.pid, self.run.admin),
            "see whether it still runs; after a crash simply start it again",
        )
    }

    fn unexpected(&self, text: &str) -> Failure {
        Failure::new(Code(4), Exit::Failed, format_args!("the gateway refused: {text}"), "its log says more")
    }
}

/// The sentence of a refusal.
async fn sentence(response: reqwest::Response) -> String {
    let text = response.text().await.unwrap_or_default();
    let body: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    body["error"]["message"].as_str().map_or(text, str::to_owned)
}

/// Nothing runs on this data directory.
pub(crate) fn not_running(data_dir: &Path) -> Failure {
    Failure::new(
        Code(3),
        Exit::Usage,
        format_args!("no kolm up runs on {}", data_dir.display()),
        "start one with `kolm up`, or name its directory with --data-dir",
    )
}
