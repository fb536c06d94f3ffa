//! The raw file: bytes that were read, and nothing believed yet.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::check;
use crate::problem::{NO_SECRET, Problem, SYNTAX, UNREADABLE};
use crate::table::{Checker, Table};
use crate::{Config, Outside, Problems, Settings};

/// The default: the commented `gateway.toml` at the root of the repository.
const EMBEDDED: &str = include_str!("../../gateway.toml");

/// An unchecked configuration file.
#[derive(Debug, Clone)]
pub struct RawConfig {
    file: String,
    folder: PathBuf,
    text: String,
}

impl RawConfig {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::at(path, &text)),
            Err(error) => {
                let hint = "without a file the built-in configuration is used: leave `--config` away";
                let problem = Problem {
                    code: UNREADABLE,
                    path: String::new(),
                    line: 0,
                    message: format!("cannot be read: {error}"),
                    hint: Some(hint.to_owned()),
                };
                Err(Problems { file, list: vec![problem] })
            }
        }
    }

    /// A text with a name for messages; relative paths start in the working folder.
    pub fn parse(file: &str, text: &str) -> Self {
        Self { file: file.to_owned(), folder: PathBuf::new(), text: text.to_owned() }
    }

    /// A text as if it stood in the file at `path`: relative paths start there.
    pub fn at(path: &Path, text: &str) -> Self {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { file: path.display().to_string(), folder, text: text.to_owned() }
    }

    /// The built-in configuration.
    pub fn embedded() -> Self {
        Self::parse("(built-in)", EMBEDDED)
    }

    /// The text as read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A path of the file, relative to the file's folder.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Checks the whole file: a configuration, or all that is wrong with it.
    pub fn check(&self, outside: &Outside) -> Result<Config, Problems> {
        self.load(outside).map(|loaded| loaded.config)
    }

    /// The same, with every setting by its path.
    pub fn load(&self, outside: &Outside) -> Result<Loaded, Problems> {
        match self.read_settings(outside) {
            Read { config: Some(config), settings, beside, problems } if problems.is_empty() => {
                Ok(Loaded { config, settings, beside })
            }
            Read { problems: list, .. } => Err(Problems { file: self.file.clone(), list }),
        }
    }

    /// The settings alone, to be compared: a secret that is not there is no hindrance.
    pub fn settings(&self, outside: &Outside) -> Result<Settings, Problems> {
        let Read { settings, problems: mut list, .. } = self.read_settings(outside);
        list.retain(|problem| problem.code != NO_SECRET);
        if list.is_empty() { Ok(settings) } else { Err(Problems { file: self.file.clone(), list }) }
    }

    pub(crate) fn read_settings(&self, outside: &Outside) -> Read {
        let (root, errors) = DeTable::parse_recoverable(&self.text);
        let mut check = Checker::new(&self.text, self.folder.clone(), outside);
        if !errors.is_empty() {
            let list = errors.iter().map(|error| Problem {
                code: SYNTAX,
                path: String::new(),
                line: error.span().map_or(0, |span| check.line(span.start)),
                message: error.message().to_owned(),
                hint: None,
            });
            return Read { problems: list.collect(), ..Read::default() };
        }
        let config = check::config(&mut check, Table::root(root.get_ref()));
        let mut problems = check.problems;
        problems.sort_by_key(|problem| problem.line);
        let settings = Settings::new(&self.text, check.reading);
        Read { config, settings, beside: check.beside, problems }
    }
}

/// A checked file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Its settings, to be compared with another's.
    pub settings: Settings,
    /// The files beside it whose content is part of it: secrets and policies.
    pub beside: Vec<PathBuf>,
}

/// What a file says, with all that is wrong with it.
#[derive(Default)]
pub(crate) struct Read {
    pub(crate) config: Option<Config>,
    pub(crate) settings: Settings,
    pub(crate) beside: Vec<PathBuf>,
    pub(crate) problems: Vec<Problem>,
}

impl Config {
    /// The built-in configuration; it has no problems, which a test holds.
    pub fn embedded(outside: &Outside) -> Result<Self, Problems> {
        RawConfig::embedded().check(outside)
    }
}
