//! What is said beside a recording, on standard error.

use perfuse_analyze::Msg;
use perfuse_collect::perf::record::{Failure, Notice, WriteError};
use perfuse_collect::perf::{Errno, OpenError, Reason, WorkloadError};
use perfuse_collect::{Root, host};

use crate::console::{self, Console};
use crate::perf::words::refusal_words;

/// Says things, in the language of the person; `-q` leaves only errors.
pub(super) struct Notes<'a> {
    console: &'a Console<'a>,
    quiet: bool,
}

impl<'a> Notes<'a> {
    pub(super) fn new(console: &'a Console<'a>, quiet: bool) -> Self {
        Self { console, quiet }
    }

    /// Something that is no error.
    pub(super) fn note(&self, message: &Msg) {
        if !self.quiet {
            self.console.note(message);
        }
    }

    /// An error.
    pub(super) fn error(&self, message: &Msg) {
        self.console.complain(&self.console.texts.text(message));
    }

    /// An error that has its words already.
    pub(super) fn error_text(&self, error: &anyhow::Error) {
        self.console.complain(&format!("{error:#}"));
    }

    /// A line that is perf's own, and the same in every language.
    pub(super) fn line(&self, text: &str) {
        if !self.quiet {
            console::say(&format!("{text}\n"));
        }
    }

    /// What had to be changed so that the recording could begin.
    pub(super) fn notice(&self, notice: &Notice) {
        let message = match notice {
            Notice::NoCycles { wanted, used } => Msg::new("record-no-cycles").with("wanted", wanted).with("used", used),
            Notice::UserOnly { used, paranoid } => Msg::new("record-user-only")
                .with("used", used)
                .with("paranoid", paranoid.map_or_else(|| "?".to_owned(), |level| level.to_string())),
            Notice::Older { event, without } => Msg::new("record-older").with("event", event).with("without", *without),
            Notice::BrokenUp { leader } => Msg::new("record-broken-up").with("event", leader),
            Notice::ThreadGone { tid } => Msg::new("record-thread-gone").with("task", tid.to_string()),
        };
        self.note(&message);
    }

    /// Why the recording cannot begin.
    pub(super) fn failure(&self, failure: &Failure) {
        let message = match failure {
            Failure::Open { event, error, thread, .. } => open_failure(event, error, *thread),
            Failure::Cgroup { name, reason } => {
                Msg::new("record-fail-cgroup").with("name", name).with("reason", reason)
            }
            Failure::Filter { filter, event, errno } => Msg::new("record-fail-filter")
                .with("filter", filter)
                .with("event", event)
                .with("number", errno.0.to_string())
                .with("errno", text(*errno)),
            Failure::Map { bytes, errno } => {
                Msg::new("record-fail-map").with("bytes", *bytes as u64).with("errno", text(*errno))
            }
            Failure::Call { call, errno } => {
                Msg::new("record-fail-call").with("call", *call).with("errno", text(*errno))
            }
        };
        self.error(&message);
    }

    /// Why the command does not run.
    pub(super) fn workload(&self, error: &WorkloadError) {
        let message = match error {
            WorkloadError::Exec { program, errno } => Msg::new("record-fail-exec")
                .with("program", program.to_string_lossy().into_owned())
                .with("errno", text(*errno)),
            other => Msg::new("record-fail-fork").with("reason", other.to_string()),
        };
        self.error(&message);
    }

    /// What could not be written.
    pub(super) fn write(&self, error: &WriteError) {
        let message = Msg::new("record-fail-write").with("path", &error.path).with("errno", error.error.to_string());
        self.error(&message);
    }
}

fn text(errno: Errno) -> String {
    errno.to_string()
}

fn open_failure(event: &str, error: &OpenError, thread: i32) -> Msg {
    let (task, errno) = (thread.to_string(), text(error.errno));
    // Branch stacks are what the software clock is refused for.
    let clock = event.starts_with("cpu-clock") || event.starts_with("task-clock");
    match error.reason {
        Reason::Forbidden if thread > 0 => Msg::new("record-fail-task").with("task", task).with("errno", errno),
        Reason::NotSupported if clock => Msg::new("record-fail-branches").with("event", event).with("errno", errno),
        _ => refusal_words(error, event, &host::hypervisor(&Root::default())),
    }
}
