//! How a command ends: data on stdout, the rest on stderr, a `hint:` after every refusal, one exit status.

use std::fmt;
use std::io::Write as _;

use kolm_core::{Code, Coded, Exit};
use serde::Serialize;

/// A command's failure: a sentence with a code, a hint and an exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    sentence: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// A failure of the command line itself.
    pub(crate) fn new(code: Code, exit: Exit, sentence: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self { code, sentence: sentence.to_string(), hint: Some(hint.to_string()), exit }
    }

    /// An unreadable or unwritable path.
    pub(crate) fn io(path: &std::path::Path, source: &std::io::Error) -> Self {
        Self::new(
            Code(1),
            Exit::Usage,
            format_args!("{}: {source}", path.display()),
            "check that the path exists and that you may read and write it",
        )
    }

    /// The exit status.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints the failure: for people on stderr, and with `json` also as one object on stdout.
    pub(crate) fn print(&self, json: bool) {
        if json {
            print_json(&serde_json::json!({
                "error": { "code": self.code.to_string(), "message": self.sentence, "hint": self.hint }
            }));
        }
        note(&format!("error[{}]: {}", self.code, self.sentence));
        if let Some(hint) = &self.hint {
            note(&format!("hint: {hint}"));
        }
    }
}

/// Prints what is wrong with the command line, or the help that it asks for.
pub(crate) fn usage(refused: &clap::Error, json: bool) -> std::process::ExitCode {
    if json && refused.use_stderr() {
        let text = refused.render().to_string();
        let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let hint = "see --help of the command";
        let error = serde_json::json!({ "code": Code(5).to_string(), "message": sentence, "hint": hint });
        print_json(&serde_json::json!({ "error": error }));
    }
    // Nobody may be reading.
    drop(refused.print());
    std::process::ExitCode::from(u8::try_from(refused.exit_code()).unwrap_or(Exit::Usage as u8))
}

impl<E: Coded> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut sentence = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !sentence.contains(&text) {
                sentence = format!("{sentence}: {text}");
            }
            source = cause.source();
        }
        Self { code: error.code(), sentence, hint: error.hint(), exit: error.exit() }
    }
}

/// The result of a command.
pub(crate) type Done = Result<Exit, Failure>;

/// One line of data on stdout; a closed pipe ends the command quietly, but not as a success: nobody has read the
/// verdict, and a trainer whose gateway is gone ends here.
pub(crate) fn say(line: impl fmt::Display) {
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        #[expect(clippy::disallowed_methods, reason = "nobody reads any more")]
        std::process::exit(Exit::Failed as i32);
    }
}

/// One line for people on stderr.
pub(crate) fn note(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Says where a panic was, and only words of our own: a formatted message may hold a piece of a request.
pub(crate) fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let words = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("its message is not shown");
    note(&format!("panicked at {place}: {words}"));
}

/// One JSON value on stdout.
pub(crate) fn print_json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(line) => say(line),
        Err(error) => note(&format!("cannot print the result: {error}")),
    }
}
