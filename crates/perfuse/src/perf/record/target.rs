//! Whom to watch: `-a`, `-C`, `-p`, `-t`, `-u`, or the command.

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::record::Target;
use perfuse_collect::perf::{cpus, tasks};

use crate::perf::options::{Parsed, UsageError};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whom {
    /// All CPUs, or those of `-C`.
    Cpus(Vec<i32>),
    /// Processes with all of their threads.
    Processes(Vec<i32>),
    /// Threads.
    Threads(Vec<i32>),
    /// Everything of a user.
    User(Vec<i32>),
    /// The command that is started.
    Command,
}

/// Why there is nobody to watch, with perf's exit status.
#[derive(Debug)]
pub(super) enum NoTarget {
    /// A wrong command line.
    Usage(UsageError),
    /// No such task: perf exits with 244, the low byte of -ENOMEM.
    NoTask(Msg),
    /// No such CPU: 237, that of -ENODEV.
    NoCpu(Msg),
}

impl Whom {
    /// Resolves the options.
    pub(super) fn of(parsed: &Parsed, root: &Root) -> Result<Self, NoTarget> {
        let online = cpus::online(root);
        if let Some(text) = parsed.text("pid") {
            let pids = numbers("pid", &text)?;
            for pid in &pids {
                alive(root, *pid)?;
            }
            return Ok(Self::Processes(pids));
        }
        if let Some(text) = parsed.text("tid") {
            let tids = numbers("tid", &text)?;
            for tid in &tids {
                alive(root, *tid)?;
            }
            return Ok(Self::Threads(tids));
        }
        if let Some(text) = parsed.text("uid") {
            return user(root, &text);
        }
        if let Some(text) = parsed.text("cpu") {
            let wrong = || NoTarget::Usage(UsageError::value("cpu", &text, Msg::new("record-cpu-list")));
            let list = cpus::parse_list(text.as_bytes()).ok_or_else(wrong)?;
            return match list.iter().find(|cpu| !online.contains(cpu)) {
                None => Ok(Self::Cpus(list)),
                Some(cpu) => {
                    let names: Vec<String> = online.iter().map(ToString::to_string).collect();
                    let message = Msg::new("record-no-cpu").with("cpu", cpu.to_string());
                    Err(NoTarget::NoCpu(message.with("online", names.join(","))))
                }
            };
        }
        if parsed.on("all-cpus") || parsed.rest.is_empty() { Ok(Self::Cpus(online)) } else { Ok(Self::Command) }
    }

    /// Whether CPUs are watched whoever runs there.
    pub(super) fn is_cpus(&self) -> bool {
        matches!(self, Self::Cpus(_))
    }

    /// CPUs and threads to open events for; `command` is the process that will be the command.
    pub(super) fn places(&self, root: &Root, per_thread: bool, command: Option<i32>) -> Target {
        let threads = match self {
            Self::Cpus(_) => vec![-1],
            Self::Processes(pids) => pids.iter().flat_map(|pid| tasks::threads_of(root, *pid)).collect(),
            Self::User(pids) => pids.iter().flat_map(|pid| tasks::threads_of(root, *pid)).collect(),
            Self::Threads(tids) => tids.clone(),
            Self::Command => command.into_iter().collect(),
        };
        let cpus = match self {
            Self::Cpus(cpus) => cpus.clone(),
            _ if per_thread => vec![-1],
            _ => cpus::online(root),
        };
        Target { cpus, threads, forgiving: matches!(self, Self::Processes(_) | Self::User(_)) }
    }
}

fn numbers(option: &str, text: &str) -> Result<Vec<i32>, NoTarget> {
    let mut all = Vec::new();
    for word in text.split(',') {
        let number = word.trim().parse::<i32>().ok().filter(|number| *number > 0);
        let wrong = || NoTarget::Usage(UsageError::value(option, word, Msg::new("record-pid-list")));
        all.push(number.ok_or_else(wrong)?);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn alive(root: &Root, task: i32) -> Result<(), NoTarget> {
    if root.join(&format!("/proc/{task}/comm")).exists() {
        return Ok(());
    }
    Err(NoTarget::NoTask(Msg::new("record-no-task").with("task", task.to_string())))
}

/// The processes of a user, by name or number.
fn user(root: &Root, text: &str) -> Result<Whom, NoTarget> {
    let users = std::fs::read_to_string(root.join("/etc/passwd")).unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == text).then(|| fields.nth(1)?.parse::<u32>().ok()).flatten()
    });
    let wrong = || NoTarget::Usage(UsageError::value("uid", text, Msg::new("record-user")));
    let uid = named.or_else(|| text.parse().ok()).ok_or_else(wrong)?;
    let owner = |pid: i32| {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(root.join(&format!("/proc/{pid}"))).ok().map(|data| data.uid())
    };
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let all = tasks::processes(root);
    let pids: Vec<i32> = all.into_iter().filter(|pid| *pid != own && owner(*pid) == Some(uid)).collect();
    if pids.is_empty() {
        return Err(NoTarget::NoTask(Msg::new("record-no-user-task").with("user", text.to_owned())));
    }
    Ok(Whom::User(pids))
}
