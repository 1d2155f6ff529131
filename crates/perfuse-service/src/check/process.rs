//! Processes of a name.

use std::fs;
use std::path::Path;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::Said;
use crate::config::check::Process;

/// The bytes of a name that the kernel keeps in `comm` (`TASK_COMM_LEN` less the end).
const COMM: usize = 15;

/// Counts the processes, on a thread where files may be read.
pub(super) async fn count(check: Process) -> Said {
    match tokio::task::spawn_blocking(move || judge(&check)).await {
        Ok(said) => said,
        Err(error) => Said::no_data(error.to_string()),
    }
}

fn judge(check: &Process) -> Said {
    let entries = match fs::read_dir("/proc") {
        Ok(entries) => entries,
        Err(error) => return Said::no_data(format!("/proc: {error}")),
    };
    let pids = entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit));
    let found = pids.filter(|entry| is(&entry.path(), check.process.as_bytes())).count() as u64;
    let well = found >= u64::from(check.min) && check.max.is_none_or(|most| found <= u64::from(most));
    let outcome = if well { Outcome::Pass } else { Outcome::Fail };
    let message = Msg::new("check-process").with("name", check.process.as_str()).with("count", found);
    Said::new(outcome, message).with_value(found as f64)
}

/// Whether a process has the name, as `comm` or as the file name of its program. One that ends meanwhile has not.
fn is(process: &Path, name: &[u8]) -> bool {
    let Ok(comm) = fs::read(process.join("comm")) else { return false };
    let comm = comm.strip_suffix(b"\n").unwrap_or(&comm);
    if comm == name {
        return !is_zombie(process);
    }
    // A name that was cut is looked at in full.
    let line =
        if name.len() > COMM && comm == &name[..COMM] { fs::read(process.join("cmdline")) } else { return false };
    let line = line.unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    program.rsplit(|byte| *byte == b'/').next() == Some(name)
}

/// Whether it has ended and only waits to be collected.
fn is_zombie(process: &Path) -> bool {
    let stat = fs::read(process.join("stat")).unwrap_or_default();
    let after = stat.iter().rposition(|byte| *byte == b')').map_or(&[][..], |at| &stat[at..]);
    matches!(after.get(2), Some(b'Z' | b'X'))
}
