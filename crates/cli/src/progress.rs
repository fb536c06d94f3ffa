//! Progress for people on stderr: bars on a terminal, one plain line a step otherwise.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::note;

/// Draws the steps of a run.
pub(crate) struct Progress {
    terminal: bool,
}

/// One step under way.
pub(crate) struct Bar {
    bar: ProgressBar,
    name: &'static str,
    terminal: bool,
}

impl Progress {
    /// Progress on stderr.
    pub(crate) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// A step that is over.
    #[expect(clippy::unused_self, reason = "a step is drawn by whoever draws the run")]
    pub(crate) fn done(&self, line: &str) {
        note(&format!("  ok {line}"));
    }

    /// A step that begins; `len` 0 = unknown.
    pub(crate) fn bar(&self, name: &'static str, len: u64) -> Bar {
        let target = if self.terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(len), target);
        let style = ProgressStyle::with_template("  {prefix:8} [{bar:32}] {pos}/{len} {elapsed} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_prefix(name);
        Bar { bar, name, terminal: self.terminal }
    }
}

impl Bar {
    /// `n` more are done.
    pub(crate) fn inc(&self, n: u64) {
        self.bar.inc(n);
    }

    /// `position` of `len` are done.
    pub(crate) fn set(&self, position: u64, len: u64) {
        self.bar.set_length(len);
        self.bar.set_position(position);
    }

    /// What is going on.
    pub(crate) fn message(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// The step is over, with its result.
    pub(crate) fn finish(&self, result: &str) {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        let mark = if self.terminal { "ok" } else { self.name };
        note(&format!("  {mark} {result} ({seconds:.1} s)"));
    }
}
