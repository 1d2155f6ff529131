//! Where output goes: standard output for results, standard error for progress and complaints.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use perfuse_analyze::Msg;
use perfuse_render::Texts;

use crate::cli::When;

/// The two streams, what they can show, and the language.
pub(crate) struct Console<'a> {
    /// Texts of the language.
    pub(crate) texts: &'a Texts,
    /// Whether results are coloured.
    pub(crate) color: bool,
    /// Whether standard error is a terminal, so that progress can be shown.
    pub(crate) progress: bool,
    /// Columns to lay results out for.
    pub(crate) width: usize,
}

/// Columns where the terminal does not tell.
const WIDTH: usize = 100;

impl<'a> Console<'a> {
    /// Looks at the streams and at `NO_COLOR`, `TERM` and `COLUMNS`.
    pub(crate) fn new(color: When, texts: &'a Texts) -> Self {
        let terminal = stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !set("NO_COLOR") && !dumb,
        };
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let width = if terminal { perfuse_collect::terminal::columns() } else { None };
        let width = width.or(columns).filter(|width| *width >= 40).unwrap_or(WIDTH);
        Self { texts, color, progress: stderr().is_terminal(), width }
    }

    /// Whether results go to a terminal.
    #[expect(clippy::unused_self, reason = "asked of the console like everything about the streams")]
    pub(crate) fn terminal(&self) -> bool {
        stdout().is_terminal()
    }

    /// Says what went wrong.
    pub(crate) fn complain(&self, text: &str) {
        say(&format!("perfuse: {}: {text}\n", self.texts.word("error-prefix")));
    }

    /// Says something that is no error, beside the result.
    pub(crate) fn note(&self, message: &Msg) {
        say(&format!("perfuse: {}\n", self.texts.text(message)));
    }

    /// Replaces the progress line; an empty text removes it.
    pub(crate) fn show_progress(&self, text: &str) {
        if self.progress {
            say(&format!("\r\x1b[2K{text}"));
        }
    }
}

/// Prints a result.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes to standard error; if even that fails, there is nobody left to tell.
pub(crate) fn say(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}
