//! Processes of this host, by name or by systemd unit.

use std::fs;
use std::path::Path;

/// The processes of a name, as `/proc/PID/comm` or the file name of the program has it, or of a unit; in ascending order.
/// With both, those to which both apply.
pub(crate) fn find(name: Option<&str>, unit: Option<&str>) -> std::io::Result<Vec<u32>> {
    let mut found: Vec<u32> = fs::read_dir("/proc")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let process = Path::new("/proc").join(pid.to_string());
            name.is_none_or(|name| is_named(&process, name)) && unit.is_none_or(|unit| is_of(&process, unit))
        })
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Whether a process has a name. A kernel thread has no command line.
fn is_named(process: &Path, name: &str) -> bool {
    let comm = fs::read(process.join("comm")).unwrap_or_default();
    if comm.trim_ascii_end() == name.as_bytes() {
        return true;
    }
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    program.rsplit(|byte| *byte == b'/').next() == Some(name.as_bytes())
}

/// Whether a process is in the control group of a unit.
fn is_of(process: &Path, unit: &str) -> bool {
    let groups = fs::read_to_string(process.join("cgroup")).unwrap_or_default();
    let full = if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") };
    groups.lines().any(|line| line.split('/').any(|part| part == full))
}

/// When a process began, in clock ticks since the boot: tells it from another that gets its number later.
pub(crate) fn begun(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which may have anything in it, the 20th field.
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_name() {
        let own = std::process::id();
        let comm = fs::read_to_string("/proc/self/comm").unwrap();
        assert!(find(Some(comm.trim_end()), None).unwrap().contains(&own));
        assert!(!find(Some(comm.trim_end()), Some("no-such-unit")).unwrap().contains(&own));
        assert!(begun(own).is_some());
        assert_eq!(begun(u32::MAX), None);
    }
}
