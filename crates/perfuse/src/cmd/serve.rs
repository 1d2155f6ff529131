//! `perfuse serve`: the daemon.

use std::io::{ErrorKind, Write as _, stderr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use perfuse_analyze::Msg;
use perfuse_render::{Texts, status};
use perfuse_service::config::{self, Config, ConfigError, Outside};
use perfuse_service::daemon::{self, Log, Notify, Options, places};
use perfuse_service::journal::{self, Journal};
use perfuse_service::rights;

use crate::cli::ServeArgs;
use crate::cmd::daemon::{user, variable};
use crate::console::Console;
use crate::settings;

/// Runs the command.
pub(crate) fn run(args: &ServeArgs, console: &Console) -> anyhow::Result<u8> {
    rights::keep_to_oneself();
    let texts = console.texts;
    let source = Source::of(args);
    let read = source.read().map_err(|problem| anyhow!(problem.words(texts)))?;
    if args.check_config {
        return Ok(checked(&source, read.as_ref(), console));
    }
    let passive = read.as_ref().is_none_or(|config| config.components.is_empty());
    let config = read.unwrap_or_else(daemon::bare);
    let thresholds = settings::thresholds(None, &[], texts)?;
    if args.once {
        let report = daemon::once(&config, passive, &thresholds, texts);
        let report = report.map_err(|error| anyhow!(texts.text(&error.message())))?;
        crate::cmd::status::show(&report, args.json, console)?;
        return Ok(status::exit_status(report.state()));
    }
    let state_dir = args.state_dir.clone().or_else(|| config.state_dir.clone().map(PathBuf::from));
    let state_dir = state_dir.or_else(|| places::state_dir(&variable, user()));
    let state_dir = state_dir.with_context(|| texts.word("error-service-no-state-dir"))?;
    let options = Options {
        listen: args.listen.unwrap_or(config.listen),
        run_dir: places::run_dir(&variable, user(), &state_dir),
        state_dir,
        passive,
        config,
        reload: Arc::new(move || source.read().map_err(Problem::into_message)),
        thresholds,
        log: log(texts),
        notify: Notify::new(&variable),
    };
    daemon::serve(options).map_err(|error| anyhow!(texts.text(&error.message())))?;
    Ok(0)
}

/// Where the configuration comes from.
#[derive(Debug, Clone)]
struct Source {
    file: Option<PathBuf>,
    /// It was named, and so has to be there.
    named: bool,
}

/// Why there is none.
enum Problem {
    Mistakes { file: String, errors: Vec<ConfigError> },
    Unreadable { file: String, error: std::io::Error },
}

impl Source {
    fn of(args: &ServeArgs) -> Self {
        let file = args.config.clone().or_else(|| places::config(&variable, user()));
        Self { file, named: args.config.is_some() }
    }

    /// The configuration; `None` without a file.
    fn read(&self) -> Result<Option<Config>, Problem> {
        let Some(file) = &self.file else { return Ok(None) };
        let name = file.display().to_string();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if !self.named && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                return Ok(None);
            }
            Err(error) => return Err(Problem::Unreadable { file: name, error }),
        };
        let outside = Outside {
            file: &|path: &Path| std::fs::read_to_string(path),
            variable: &|name: &str| std::env::var(name).ok(),
        };
        config::parse(&text, &outside).map(Some).map_err(|errors| Problem::Mistakes { file: name, errors })
    }
}

impl Problem {
    /// All of it, for a terminal.
    fn words(&self, texts: &Texts) -> String {
        match self {
            Self::Unreadable { file, error } => texts.text(&unreadable(file, error)),
            Self::Mistakes { file, errors } => {
                let message =
                    Msg::new("error-service-config").with("file", file.as_str()).with("count", errors.len() as u64);
                let each = errors.iter().map(|error| error.render(file, |message| texts.text(message)));
                std::iter::once(texts.text(&message)).chain(each).collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The first of it, for one line of a log: the place, and what is wrong.
    fn into_message(self) -> Msg {
        match self {
            Self::Unreadable { file, error } => unreadable(&file, &error),
            Self::Mistakes { file, errors } => {
                let place =
                    errors.first().map_or_else(|| file.clone(), |one| format!("{file}:{}:{}", one.line, one.column));
                let what = errors.into_iter().next().map(|one| one.message);
                let what = what.unwrap_or_else(|| Msg::new("error-service-answer"));
                Msg::new("error-service-config-read").with("file", place).with("problem", what)
            }
        }
    }
}

fn unreadable(file: &str, error: &std::io::Error) -> Msg {
    Msg::new("error-service-config-read").with("file", file).with("problem", error.to_string())
}

/// Says that there is no mistake.
fn checked(source: &Source, config: Option<&Config>, console: &Console) -> u8 {
    let file = source
        .file
        .as_ref()
        .filter(|_| config.is_some())
        .map_or_else(|| "-".to_owned(), |file| file.display().to_string());
    let components = config.map_or(0, |config| config.components.len());
    let checks = config.map_or(0, |config| config.components.iter().map(|component| component.checks.len()).sum());
    let message = Msg::new("note-service-config").with("file", file).with("count", components as u64);
    console.note(&message.with("checks", checks as u64));
    0
}

/// Lines go to standard error; under systemd to journald with their fields, or else with the priority that it reads from
/// standard error (`sd-daemon(3)`).
fn log(texts: &Texts) -> Log {
    let systemd = std::env::var_os("JOURNAL_STREAM").is_some();
    let journal = Some(journal::SOCKET).filter(|_| is_journal()).and_then(|path| Journal::open(Path::new(path)).ok());
    // One line at a time, whatever thread it comes from.
    let texts = Mutex::new(texts.clone());
    Log::new(move |priority, message| {
        let texts = texts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.text(message);
        if journal.as_ref().is_some_and(|journal| journal.say(priority as u8, &text, message).is_ok()) {
            return;
        }
        let mut line = String::new();
        for part in text.lines() {
            let head = if systemd { format!("<{}>", priority as u8) } else { "perfuse: ".to_owned() };
            line.extend([head.as_str(), part, "\n"]);
        }
        // Nobody is left to tell that nobody reads.
        let _ = stderr().lock().write_all(line.as_bytes());
    })
}

/// Whether standard error goes to journald: `JOURNAL_STREAM` has device and inode of what systemd gave, and a program in
/// between may have put something else in its place (`systemd.exec(5)`).
fn is_journal() -> bool {
    let Ok(file) = std::fs::metadata("/proc/self/fd/2") else { return false };
    std::env::var("JOURNAL_STREAM").is_ok_and(|given| given == format!("{}:{}", file.dev(), file.ino()))
}
