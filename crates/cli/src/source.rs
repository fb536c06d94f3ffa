//! Where the configuration comes from, and the one way to another one.
//!
//! **Invariant:** whatever comes into force is checked whole, then written into history and ledger with its digest,
//! its author and what it changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use kolm_config::{
    Change, Config, Entry, History, Live, Loaded, Outside, Problem, Problems, RawConfig, Settings,
};
use kolm_dashboards::{Edit, EditRefused, InForce};
use kolm_gateway::reconcile::Board;
use kolm_gateway::table::Shared;
use kolm_receipts::Control;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::logs::Relevel;

/// How often the file is looked at; a change is acted on when two looks see the same.
const LOOK: Duration = Duration::from_millis(250);

/// Where the configuration comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The one in the binary, with what it takes from the environment.
    Embedded,
    /// A file.
    File(PathBuf),
    /// The command line: it stays as it is.
    Given,
}

impl Origin {
    fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Embedded | Self::Given => None,
        }
    }

    fn read(&self) -> Result<RawConfig, Problems> {
        self.file().map_or_else(|| Ok(RawConfig::embedded()), RawConfig::read)
    }

    /// How the file and those `beside` it look now; what was given looks always the same.
    fn stamps(&self, beside: &[PathBuf]) -> Stamps {
        if matches!(self, Self::Given) {
            return Stamps::new();
        }
        let stamp = |path: &Path| {
            let about = path.metadata().ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        self.file().into_iter().chain(beside.iter().map(PathBuf::as_path)).map(stamp).collect()
    }
}

/// How to bring another configuration into force.
#[derive(Clone)]
pub(crate) struct Source {
    origin: Origin,
    outside: Outside,
    shared: Arc<Shared>,
    live: Arc<Live>,
    board: Arc<Board>,
    relevel: Relevel,
    state: Arc<Mutex<State>>,
}

/// What is in force, and what the process started with.
struct State {
    text: String,
    digest: String,
    settings: Settings,
    started: Settings,
    history: History,
    /// The files whose content is part of the configuration in force.
    beside: Vec<PathBuf>,
    seen: Stamps,
}

/// Time of change and length of each file; of one that is not there nothing.
type Stamps = Vec<Option<(SystemTime, u64)>>;

/// What came of an edit.
#[derive(Debug, Clone, Serialize)]
struct Edited {
    /// The version in force.
    config_version: u64,
    /// SHA-256 of its text.
    digest: String,
    /// Who brought it.
    by: String,
    /// What it changed.
    changes: Vec<Change>,
    /// Settings that take effect at the next start only.
    needs_restart: Vec<String>,
    /// Whether it is in the file, and so outlives this process.
    written: bool,
}

/// The first configuration of a process, and where the later ones come from.
pub(crate) struct Start {
    origin: Origin,
    text: String,
    settings: Settings,
    beside: Vec<PathBuf>,
    seen: Stamps,
    /// The configuration.
    pub(crate) config: Config,
}

impl Start {
    /// Reads and checks the first configuration.
    pub(crate) fn read(origin: Origin, outside: &Outside) -> Result<Self, Problems> {
        let raw = origin.read()?;
        Self::of(origin, &raw, outside)
    }

    /// The configuration of a command line.
    pub(crate) fn given(raw: &RawConfig, outside: &Outside) -> Result<Self, Problems> {
        Self::of(Origin::Given, raw, outside)
    }

    fn of(origin: Origin, raw: &RawConfig, outside: &Outside) -> Result<Self, Problems> {
        let Loaded { config, settings, beside } = raw.load(outside)?;
        let seen = origin.stamps(&beside);
        Ok(Self { origin, text: raw.text().to_owned(), settings, beside, seen, config })
    }
}

impl Source {
    /// The source of a process that starts with `start`, which is recorded as version `live` says.
    pub(crate) fn new(
        start: Start,
        outside: Outside,
        shared: &Arc<Shared>,
        (live, board): (&Arc<Live>, &Arc<Board>),
        (history, relevel): (History, Relevel),
    ) -> Self {
        let Start { origin, text, settings, beside, seen, config: _ } = start;
        let (digest, started) = (digest(&text), settings.clone());
        let state = State { text, digest, settings, started, history, beside, seen };
        Self {
            origin,
            outside,
            shared: Arc::clone(shared),
            live: Arc::clone(live),
            board: Arc::clone(board),
            relevel,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Records the configuration that the process starts with, against the last one of the history.
    pub(crate) fn started(&self, earlier: &[Entry]) {
        let mut state = self.state();
        let last = earlier.last();
        let before = last.and_then(|last| History::text(earlier, last.version));
        let before = before.and_then(|text| self.raw(text).settings(&self.outside).ok()).unwrap_or_default();
        let changes = before.diff(&state.settings);
        let is_new = last.is_none_or(|last| last.digest != state.digest);
        let version = self.live.load().version;
        self.record(&mut state, version, "start", changes, is_new);
    }

    /// What is in force.
    pub(crate) fn in_force(&self) -> InForce {
        let state = self.state();
        InForce {
            version: self.live.load().version,
            digest: state.digest.clone(),
            file: self.file(),
            text: state.text.clone(),
        }
    }

    /// An edit that came through the admin interface.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<serde_json::Value, EditRefused> {
        let edited = match &edit.text {
            None => self.reload(&edit.by).map_err(problems)?,
            Some(text) => self.put(text, edit.if_match.as_deref().unwrap_or_default(), &edit.by)?,
        };
        serde_json::to_value(edited).map_err(|error| EditRefused::Conflict(error.to_string()))
    }

    /// Reads the file again: what the file's change, SIGHUP and the admin interface end in.
    fn reload(&self, by: &str) -> Result<Edited, Problems> {
        let mut state = self.state();
        if matches!(self.origin, Origin::Given) {
            return Ok(self.unchanged(&state, by));
        }
        state.seen = self.origin.stamps(&state.beside);
        let raw = self.origin.read().inspect_err(|problems| self.refused(by, problems))?;
        let loaded = self.loaded(&state, &raw).inspect_err(|problems| self.refused(by, problems))?;
        Ok(self.install(&mut state, raw.text(), loaded, by))
    }

    /// Takes a whole text; `seen` is the digest of the text that the editor means to replace, `*` any.
    fn put(&self, text: &str, seen: &str, by: &str) -> Result<Edited, EditRefused> {
        let mut state = self.state();
        if matches!(self.origin, Origin::Given) {
            let why = "this gateway was started by `kolm capture`: its configuration is its command line";
            return Err(EditRefused::Conflict(why.to_owned()));
        }
        if seen != "*" && seen != state.digest {
            return Err(EditRefused::Stale(state.digest.clone()));
        }
        if let Some(path) = self.origin.file() {
            let lies = std::fs::read_to_string(path).map(|text| digest(&text));
            if lies.is_ok_and(|lies| lies != state.digest) {
                let why =
                    format!("{} was changed and is not in force: reload or repair it first", path.display());
                return Err(EditRefused::Conflict(why));
            }
        }
        let loaded = self.loaded(&state, &self.raw(text)).map_err(|found| {
            self.refused(by, &found);
            problems(found)
        })?;
        if let Some(path) = self.origin.file() {
            write(path, text).map_err(|error| {
                EditRefused::Conflict(format!("{} cannot be written: {error}", path.display()))
            })?;
            state.seen = self.origin.stamps(&state.beside);
        }
        Ok(self.install(&mut state, text, loaded, by))
    }

    /// A checked configuration that may follow the one in force.
    fn loaded(&self, state: &State, raw: &RawConfig) -> Result<Loaded, Problems> {
        let loaded = raw.load(&self.outside)?;
        let file = self.file().unwrap_or_else(|| "(sent)".to_owned());
        let same = digest(raw.text()) == state.digest;
        match Problems::undoing(file, raw.text(), &self.live.load(), &loaded.config).filter(|_| !same) {
            Some(problems) => Err(problems),
            None => Ok(loaded),
        }
    }

    /// The end of every edit: in force, recorded, told.
    fn install(&self, state: &mut State, text: &str, loaded: Loaded, by: &str) -> Edited {
        let changes = state.settings.diff(&loaded.settings);
        let config = self.live.replace(loaded.config);
        (self.relevel)(config.log.level);
        self.shared.reconfigure(&config);
        self.board.look_now();
        let was = std::mem::replace(&mut state.digest, digest(text));
        (state.text, state.settings) = (text.to_owned(), loaded.settings);
        if state.beside != loaded.beside {
            state.beside = loaded.beside;
            state.seen = self.origin.stamps(&state.beside);
        }
        let is_new = was != state.digest;
        self.record(state, config.version, by, changes.clone(), is_new);
        Edited {
            config_version: config.version,
            digest: state.digest.clone(),
            by: by.to_owned(),
            changes,
            needs_restart: state.needs_restart(),
            written: self.origin.file().is_some(),
        }
    }

    fn record(&self, state: &mut State, version: u64, by: &str, changes: Vec<Change>, is_new: bool) {
        let needs_restart = state.needs_restart();
        let (count, restart) = (changes.len(), needs_restart.join(", "));
        self.shared.ledger.control(Control::Config { digest: state.digest.clone(), by: by.to_owned() });
        let entry = Entry {
            version,
            at: self.shared.env.clock.now(),
            by: by.to_owned(),
            digest: state.digest.clone(),
            file: self.file(),
            changes,
            needs_restart,
            text: is_new.then(|| state.text.clone()),
        };
        self.shared.events.config_changed(version, by, count, &restart);
        if let Err(cause) = state.history.append(&entry) {
            // What is in force stays in force; the ledger has its digest.
            self.shared.events.config_forgotten(version, &cause);
        }
    }

    /// The file, as everybody on this host can name it.
    fn file(&self) -> Option<String> {
        let path = self.origin.file()?;
        Some(std::path::absolute(path).as_deref().unwrap_or(path).display().to_string())
    }

    fn refused(&self, by: &str, problems: &Problems) {
        self.shared.events.config_refused(by, problems);
    }

    fn unchanged(&self, state: &State, by: &str) -> Edited {
        Edited {
            config_version: self.live.load().version,
            digest: state.digest.clone(),
            by: by.to_owned(),
            changes: Vec::new(),
            needs_restart: Vec::new(),
            written: false,
        }
    }

    fn raw(&self, text: &str) -> RawConfig {
        match self.origin.file() {
            Some(path) => RawConfig::at(path, text),
            None => RawConfig::parse("(sent)", text),
        }
    }

    fn stamps(&self) -> Stamps {
        self.origin.stamps(&self.state().beside)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reloads when the file or one beside it has changed, within a second, and on SIGHUP.
    pub(crate) async fn watch(self) {
        let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) else {
            return;
        };
        let mut tick = tokio::time::interval(LOOK);
        let mut looked = self.stamps();
        loop {
            let by = tokio::select! {
                _ = tick.tick() => {
                    // A file that is still being written is not read: it may be valid and half.
                    let before = std::mem::replace(&mut looked, self.stamps());
                    if before != looked || self.state().seen == looked {
                        continue;
                    }
                    "file"
                }
                _ = hangup.recv() => "SIGHUP",
            };
            drop(self.reload(by));
        }
    }
}

impl State {
    /// What differs from the start and cannot take effect before the next one.
    fn needs_restart(&self) -> Vec<String> {
        let changes = self.started.diff(&self.settings);
        changes.into_iter().filter(|change| change.needs_restart).map(|change| change.path).collect()
    }
}

fn problems(found: Problems) -> EditRefused {
    EditRefused::Problems(found.list.iter().map(Problem::to_json).collect())
}

/// SHA-256 of a text.
fn digest(text: &str) -> String {
    kolm_core::hex(&Sha256::digest(text))
}

/// Replaces a file whole or not at all; it keeps its mode.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    // A link stays one: what it leads to is replaced.
    let path = path.canonicalize()?;
    let mut name = path.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
    name.push(".kolm-new");
    let temporary = path.with_file_name(name);
    let mut file = std::fs::File::options().write(true).create(true).truncate(true).open(&temporary)?;
    file.set_permissions(path.metadata()?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, &path)?;
    path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}
