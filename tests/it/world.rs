//! A scratch directory with a real `kolm up` in it.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::fake::FakeOpenAi;

/// The binary under test.
pub(crate) const KOLM: &str = env!("CARGO_BIN_EXE_kolm");

/// Runs `kolm` to its end.
pub(crate) fn kolm(args: &[&str]) -> Output {
    Command::new(KOLM)
        .args(args)
        .env("KOLM_HOME", "/nonexistent/kolm-home")
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap()
}

/// What a run printed on stderr.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Looks at `condition` until it gives something, for at most a minute; says what was missing.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    missing: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    for _ in 0..1_200 {
        if let Some(found) = condition().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still missing after a minute: {missing}");
}

/// The capture path in numbers: accepted = stored + spooled + dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) accepted: u64,
    pub(crate) stored: u64,
    pub(crate) spooled: u64,
    pub(crate) dropped: u64,
}

/// A running gateway.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) fake: FakeOpenAi,
    pub(crate) http: reqwest::Client,
    child: Child,
    listen: String,
    admin: String,
}

impl World {
    /// Starts `kolm up` in front of `fake`; `extra` is appended to the configuration.
    pub(crate) async fn start(fake: FakeOpenAi, extra: &str) -> Self {
        Self::start_with(fake, "", extra).await
    }

    /// The same with further lines in `[listen]`.
    pub(crate) async fn start_with(fake: FakeOpenAi, listen: &str, extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = format!(
            "[listen]\naddress = \"127.0.0.1:0\"\n{listen}\n[admin]\naddress = \"127.0.0.1:0\"\n\
             [upstreams.openai]\nbase_url = \"http://{}/v1\"\n{extra}\n",
            fake.address
        );
        std::fs::write(dir.path().join("gateway.toml"), config).unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let child = Self::spawn(&dir, &[]);
        let mut world = Self { dir, fake, http, child, listen: String::new(), admin: String::new() };
        world.ready().await;
        world
    }

    fn spawn(dir: &TempDir, more: &[&str]) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(dir.path().join("up.log")).unwrap();
        // What a process leaves in places of its own choice is left where it is found again.
        let scratch = dir.path().join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        Command::new(KOLM)
            .current_dir(&scratch)
            .env("TMPDIR", &scratch)
            .arg("up")
            .args(more)
            .arg("--config")
            .arg(dir.path().join("gateway.toml"))
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    async fn ready(&mut self) {
        let pid = self.child.id();
        let file = self.data().join("run/up.json");
        let log = self.dir.path().join("up.log");
        for _ in 0..1_200 {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("kolm up ended with {status}: {}", std::fs::read_to_string(log).unwrap_or_default());
            }
            let run =
                std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            if let Some(run) = run.filter(|run| run["pid"] == pid) {
                self.listen = run["listen"].as_str().unwrap().to_owned();
                self.admin = run["admin"].as_str().unwrap().to_owned();
                let ready = self.http.get(format!("http://{}/readyz", self.admin)).send().await;
                if ready.is_ok_and(|reply| reply.status().is_success()) {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("kolm up is not ready: {}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The client port.
    pub(crate) fn listen(&self) -> std::net::SocketAddr {
        self.listen.parse().unwrap()
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("up.log")).unwrap()
    }

    /// The sum of a metric's values whose labels hold `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> u64 {
        let page = self.http.get(self.admin_url("/metrics")).send().await.unwrap().text().await.unwrap();
        let lines = page.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// An URL on the client port.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// An URL on the admin port.
    pub(crate) fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// What the running process says of itself.
    pub(crate) fn run_file(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data().join("run/up.json")).unwrap()).unwrap()
    }

    /// The token of the admin interface.
    pub(crate) fn token(&self) -> String {
        self.run_file()["token"].as_str().unwrap().to_owned()
    }

    /// `GET /api/v1/status`.
    pub(crate) async fn status(&self) -> Value {
        self.http.get(self.admin_url("/api/v1/status")).send().await.unwrap().json().await.unwrap()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Requests whose receipts are open.
    pub(crate) async fn in_flight(&self) -> u64 {
        let ledger = &self.status().await["ledger"];
        ledger["opens"].as_u64().unwrap() - ledger["closes"].as_u64().unwrap()
    }

    /// The capture path in numbers.
    pub(crate) async fn books(&self) -> Books {
        let capture = &self.status().await["capture"];
        let count = |name: &str| capture[name].as_u64().unwrap();
        let dropped = capture["dropped"].as_array().unwrap().iter().map(|reason| reason[1].as_u64().unwrap());
        Books {
            accepted: count("accepted"),
            stored: count("stored"),
            spooled: count("spooled"),
            dropped: dropped.sum(),
        }
    }

    /// The books, if no receipt is open, nothing waits in the spool and they balance.
    pub(crate) async fn is_settled(&self) -> Option<Books> {
        let books = self.books().await;
        let even = books.accepted == books.stored + books.dropped;
        (even && books.spooled == 0 && self.in_flight().await == 0).then_some(books)
    }

    /// Waits for that.
    pub(crate) async fn settled(&self) -> Books {
        until("books that balance", || self.is_settled()).await
    }

    /// One chat completion for `text`.
    pub(crate) async fn ask(&self, text: &str) -> reqwest::Response {
        let body = serde_json::json!({
            "model": "gpt-4o-mini",
            "messages": [{ "role": "user", "content": text }],
        });
        self.http
            .post(self.url("/v1/chat/completions"))
            .bearer_auth("sk-test")
            .json(&body)
            .send()
            .await
            .unwrap()
    }

    /// SIGABRT, as a process ends itself that finds its memory broken.
    pub(crate) fn abort(&mut self) {
        let abort = Command::new("kill").args(["-ABRT", &self.child.id().to_string()]).status().unwrap();
        assert!(abort.success());
        self.child.wait().unwrap();
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same directory.
    pub(crate) async fn restart(&mut self) {
        self.child = Self::spawn(&self.dir, &[]);
        self.ready().await;
    }

    /// Starts a process that takes over from the one that runs, which is returned.
    pub(crate) async fn upgrade(&mut self) -> Child {
        let new = Self::spawn(&self.dir, &["--upgrade"]);
        let old = std::mem::replace(&mut self.child, new);
        self.ready().await;
        old
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let term = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(term.success());
    }

    /// Waits for the end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        for _ in 0..1_200 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("kolm up does not end on SIGTERM");
    }

    /// SIGTERM, and waits for the end.
    pub(crate) async fn stop(&mut self) {
        self.terminate();
        self.ended().await;
    }

    /// Runs another `kolm` command on the same data directory.
    pub(crate) fn kolm(&self, args: &[&str]) -> Output {
        Command::new(KOLM).args(args).arg("--data-dir").arg(self.data()).output().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
