//! `kolm anonymize`: standard input to standard output, through the function that captures go through.
//!
//! **Invariant:** a line that cannot be handled is answered by its reason, never by its text; each line is on its way
//! out before the next one is read, and what it is promised in the vault is there before it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use kolm_core::{Code, Env, Exit};
use kolm_policies::anonymize::vault::NamespaceKey;
use kolm_policies::anonymize::{self, Dropped, Originals, Policy, Report, Salt};
use kolm_wire::Exchange;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::args::{Anonymize, FormatArg, ModeArg};
use crate::report::{Done, Failure, note};

/// Bytes of a line that are read; a longer one is refused.
const LONGEST: u64 = 64 << 20;

const NO_VAULT: Code = Code(907);
const EXISTS: Code = Code(123);

/// One run.
struct Run<'a> {
    policy: Policy,
    vault: Option<Vault>,
    seed: Option<u64>,
    env: &'a Env,
    counts: BTreeMap<String, u64>,
    /// Conversations begun.
    turn: u64,
    done: u64,
    failed: u64,
}

/// Anonymizes standard input.
pub(crate) fn run(args: &Anonymize, env: &Env) -> Done {
    let mut policy = policy(&args.policy)?;
    if let Some(mode) = args.mode {
        policy = policy.with_mode(match mode {
            ModeArg::Surrogate => "surrogate",
            ModeArg::Tag => "tag",
            ModeArg::Redact => "redact",
        })?;
    }
    let vault = Vault::of(args, &policy)?;
    let (seed, counts) = (args.seed, BTreeMap::new());
    let mut run = Run { policy, vault, seed, env, counts, turn: 0, done: 0, failed: 0 };
    match args.format {
        FormatArg::Text => run.text()?,
        FormatArg::Jsonl => run.lines(Run::jsonl)?,
        FormatArg::Chat => run.lines(Run::chat)?,
    }
    if let Some(vault) = &run.vault {
        vault.file.sync_all().map_err(|error| Failure::io(&vault.path, &error))?;
    }
    if args.report {
        let (done, failed, counts) = (run.done, run.failed, &run.counts);
        note(&serde_json::json!({ "done": done, "failed": failed, "counts": counts }).to_string());
    }
    Ok(if run.failed == 0 { Exit::Ok } else { Exit::Failed })
}

/// A preset by its name, else a file.
fn policy(name: &str) -> Result<Policy, Failure> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok(Policy::preset(name)?);
    }
    let source = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
    Ok(Policy::parse(&source)?)
}

impl Run<'_> {
    /// The whole input, one conversation.
    fn text(&mut self) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_to_end(&mut bytes)
            .map_err(|error| failed_input(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| Failure::from(Dropped::BadUtf8))?;
        let out = self.guarded(|run, salt| {
            let out = anonymize::anonymize_text(&text, &run.policy, salt)?;
            run.count(&out.report);
            Ok(out)
        })?;
        self.done += 1;
        self.seal("1", &out.originals)?;
        put(out.text.as_bytes())
    }

    /// Line by line; an empty line stays one.
    fn lines(&mut self, each: fn(&mut Self, &str) -> Result<Line, Refused>) -> Result<(), Failure> {
        let mut input = std::io::stdin().lock();
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            number += 1;
            let read = (&mut input).take(LONGEST).read_until(b'\n', &mut line);
            if read.map_err(|error| failed_input(&error))? == 0 {
                return Ok(());
            }
            let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
            let (body, tail) = line.split_at(end);
            let made = match std::str::from_utf8(body) {
                Ok(body) if body.trim().is_empty() => Ok(Line::bare(body)),
                Ok(body) => each(self, body).inspect(|_| self.done += 1),
                Err(_) => Err(Refused::from(Dropped::BadUtf8)),
            };
            let made = made.unwrap_or_else(|refused| {
                self.failed += 1;
                Line::bare(&format!("{{\"id\":{},\"error\":\"{}\"}}", refused.id, refused.why.as_str()))
            });
            self.seal(&made.id.unwrap_or_else(|| number.to_string()), &made.originals)?;
            let mut out = made.text;
            out.push_str(if tail.is_empty() { "\n" } else { std::str::from_utf8(tail).unwrap_or("\n") });
            put(out.as_bytes())?;
        }
    }

    /// `{"id":..., "text":...}`.
    fn jsonl(&mut self, line: &str) -> Result<Line, Refused> {
        let row: Row<'_> = serde_json::from_str(line).map_err(|_| Refused::from(Dropped::NotJson))?;
        let id = row.id.map_or("null", RawValue::get);
        let made = self.guarded(|run, salt| {
            let out = anonymize::anonymize_text(&row.text, &run.policy, salt)?;
            run.count(&out.report);
            Ok(out)
        });
        let out = made.map_err(|why| Refused { id: id.to_owned(), why })?;
        let spans: Vec<String> = out
            .spans
            .iter()
            .map(|span| {
                let (start, end, ty, score) = (span.start, span.end, span.ty, span.score);
                format!("{{\"start\":{start},\"end\":{end},\"type\":\"{ty}\",\"score\":{score:.2}}}")
            })
            .collect();
        let text = serde_json::Value::String(out.text);
        let text = format!("{{\"id\":{id},\"text\":{text},\"spans\":[{}]}}", spans.join(","));
        let id = row.id.map(|_| serde_json::from_str(id).unwrap_or_else(|_| id.to_owned()));
        Ok(Line { text, id, originals: out.originals })
    }

    /// A request body, a pair, or a fine-tuning line, edited in place.
    fn chat(&mut self, line: &str) -> Result<Line, Refused> {
        let pair: Chat<'_> = serde_json::from_str(line).map_err(|_| Refused::from(Dropped::NotJson))?;
        let (request, response) = match (pair.request, pair.response) {
            (Some(request), response) => (request.get(), response.map(RawValue::get)),
            (None, _) => (line, None),
        };
        let reply = response.unwrap_or_default();
        let exchange = Exchange { request: request.into(), reply: reply.into() };
        let (done, originals) = self.guarded(|run, salt| {
            let (done, report, originals) = anonymize::anonymize_reversibly(&exchange, &run.policy, salt)?;
            run.count(&report);
            Ok((done, originals))
        })?;
        let mut edits = vec![(request, done.request())];
        edits.extend(response.map(|response| (response, done.reply())));
        Ok(Line { text: spliced(line, edits), id: None, originals })
    }

    /// One conversation under a salt of its own; a panic is a refusal.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &Salt) -> Result<T, Dropped>,
    ) -> Result<T, Dropped> {
        let salt = self.salt();
        catch_unwind(AssertUnwindSafe(|| work(self, &salt))).unwrap_or(Err(Dropped::Panic))
    }

    /// Writes the way back of one conversation.
    fn seal(&self, id: &str, originals: &Originals) -> Result<(), Failure> {
        let Some(vault) = self.vault.as_ref().filter(|_| !originals.is_empty()) else { return Ok(()) };
        let sealed = originals.seal(&vault.key, id, || self.env.bytes());
        let sealed = sealed.ok_or_else(|| Failure::from(Dropped::Oversize))?;
        let mut lines = String::new();
        for record in &sealed {
            let line = serde_json::to_string(record);
            lines += &line.map_err(|error| Failure::io(&vault.path, &error.into()))?;
            lines.push('\n');
        }
        (&vault.file).write_all(lines.as_bytes()).map_err(|error| Failure::io(&vault.path, &error))
    }

    fn salt(&mut self) -> Salt {
        self.turn += 1;
        let Some(seed) = self.seed else { return Salt(self.env.bytes32()) };
        let mut hash = Sha256::new();
        hash.update(b"kolm-anonymize-seed\n");
        hash.update(seed.to_be_bytes());
        hash.update(self.turn.to_be_bytes());
        Salt(hash.finalize().into())
    }

    fn count(&mut self, report: &Report) {
        for (ty, n) in &report.counts {
            *self.counts.entry(ty.clone()).or_default() += n;
        }
    }
}

/// A line of `jsonl`.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    text: String,
}

/// What a line of `chat` may have.
#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
}

/// What becomes of a line.
struct Line {
    text: String,
    /// As the line has it; none: its number.
    id: Option<String>,
    originals: Originals,
}

impl Line {
    fn bare(text: &str) -> Self {
        Self { text: text.to_owned(), id: None, originals: Originals::default() }
    }
}

/// Where the way back goes.
struct Vault {
    file: File,
    path: PathBuf,
    key: NamespaceKey,
}

impl Vault {
    /// A new file, where the policy has something to keep; one without the other is refused.
    fn of(args: &Anonymize, policy: &Policy) -> Result<Option<Self>, Failure> {
        let refused = |sentence, hint| Err(Failure::new(NO_VAULT, Exit::Usage, sentence, hint));
        let files = args.vault.as_ref().zip(args.vault_key.as_ref());
        let (path, key) = match (files, policy.has_vault()) {
            (Some(files), true) => files,
            (None, false) => return Ok(None),
            (Some(_), false) => {
                let hint = "leave --vault and --vault-key away";
                return refused("no type of the policy is in mode `vault`", hint);
            }
            (None, true) => {
                let hint = "give --vault FILE and --vault-key FILE, or another policy";
                return refused(
                    "the policy has types in mode `vault`, and nowhere to keep the way back",
                    hint,
                );
            }
        };
        let key = kolm_config::vault::load(key)?.of_file();
        let file = File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| {
            if error.kind() != std::io::ErrorKind::AlreadyExists {
                return Failure::io(path, &error);
            }
            let sentence = format!("`{}` exists already", path.display());
            Failure::new(EXISTS, Exit::Usage, sentence, "choose another name")
        })?;
        Ok(Some(Self { file, path: path.clone(), key }))
    }
}

/// A line without a result.
struct Refused {
    id: String,
    why: Dropped,
}

impl From<Dropped> for Refused {
    fn from(why: Dropped) -> Self {
        Self { id: "null".to_owned(), why }
    }
}

/// `line` with parts of itself replaced; nothing else of it changes.
fn spliced(line: &str, mut edits: Vec<(&str, &str)>) -> String {
    let at = |part: &str| part.as_ptr() as usize - line.as_ptr() as usize;
    edits.sort_by_key(|(part, _)| at(part));
    let (mut out, mut from) = (String::with_capacity(line.len()), 0);
    for (part, new) in edits {
        out.push_str(&line[from..at(part)]);
        out.push_str(new);
        from = at(part) + part.len();
    }
    out.push_str(&line[from..]);
    out
}

fn put(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::io("standard output".as_ref(), &error))
}

fn failed_input(error: &std::io::Error) -> Failure {
    Failure::io("standard input".as_ref(), error)
}
