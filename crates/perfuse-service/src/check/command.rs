//! Programs: monitoring plugins, and `systemctl`.

use std::process::Stdio;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Said;
use crate::config::check::Command;

/// Bytes of what a program writes that are kept.
const MOST: u64 = 16 * 1024;

/// Ends a whole process group when it goes out of scope: a check that ran out of time leaves nothing behind.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself; then there is nobody to tell.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Runs a program and reads its exit status as that of a Nagios plugin.
pub(super) async fn run(check: &Command) -> Said {
    match output(&check.command, check.dir.as_deref(), &check.env).await {
        Ok((code, text)) => {
            let message = Msg::new("check-command").with("text", text.lines().next().unwrap_or_default());
            match code {
                Some(0) => Said::new(Outcome::Pass, message),
                Some(1) => Said::new(Outcome::Slow, message),
                Some(2) => Said::new(Outcome::Fail, message),
                Some(3) => Said::new(Outcome::NoData, message),
                Some(code) => Said::no_data(format!("exit status {code}")),
                None => Said::no_data("ended by a signal"),
            }
        }
        Err(error) => Said::no_data(format!("{}: {error}", check.command.first().map_or("", String::as_str))),
    }
}

/// Asks systemd for the state of a unit, through `systemctl`.
pub(super) async fn unit(unit: &str) -> Said {
    let words = ["systemctl", "show", "--property=ActiveState", "--value", "--", unit].map(str::to_owned);
    match output(&words, None, &[]).await {
        Ok((Some(0), text)) => match text.trim() {
            "active" => Said::pass(),
            "activating" | "reloading" => Said::new(Outcome::Slow, Msg::new("check-unit").with("state", text.trim())),
            state => Said::new(Outcome::Fail, Msg::new("check-unit").with("state", state)),
        },
        Ok((_, text)) => Said::no_data(text.lines().next().unwrap_or("systemctl").to_owned()),
        Err(error) => Said::no_data(format!("systemctl: {error}")),
    }
}

/// Exit status (`None` after a signal) and output of a program. No shell reads the words, and the environment is that of
/// the check alone.
async fn output(
    words: &[String],
    dir: Option<&str>,
    env: &[(String, String)],
) -> std::io::Result<(Option<i32>, String)> {
    let (program, arguments) = words.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir(dir.unwrap_or("/"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) = tokio::join!(beginning(out), beginning(err), child.wait());
    let status = status?;
    // What it started in the background goes with it.
    drop(group);
    let text = if out.trim().is_empty() { err } else { out };
    Ok((status.code(), text))
}

/// The beginning of what comes; the rest is read and thrown away, so that the program is not held up.
async fn beginning(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut kept = Vec::new();
    // What cannot be read any more has ended.
    if (&mut from).take(MOST).read_to_end(&mut kept).await.is_ok() {
        let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&kept).into_owned()
}
