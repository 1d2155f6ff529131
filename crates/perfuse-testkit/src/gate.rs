//! Probed capabilities: each gate is `Ok`, or the reason why a test that needs it cannot run here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a gate says: open, or closed for a reason.
pub type Gate = Result<(), String>;

/// Capability numbers of `linux/capability.h` that tests ask for.
pub mod cap {
    /// `CAP_NET_ADMIN`.
    pub const NET_ADMIN: u32 = 12;
    /// `CAP_SYS_ADMIN`.
    pub const SYS_ADMIN: u32 = 21;
    /// `CAP_SYS_RESOURCE`.
    pub const SYS_RESOURCE: u32 = 24;
    /// `CAP_PERFMON`.
    pub const PERFMON: u32 = 38;
    /// `CAP_BPF`.
    pub const BPF: u32 = 39;
}

/// Effective user id 0.
pub fn root() -> Gate {
    match status_field("Uid:").and_then(|line| line.split_whitespace().nth(1).map(str::to_owned)) {
        Some(uid) if uid == "0" => Ok(()),
        Some(uid) => Err(format!("needs root, runs as user {uid}")),
        None => Err("needs root, /proc/self/status does not tell the user".to_owned()),
    }
}

/// Not root: for tests of what an ordinary user sees.
pub fn ordinary_user() -> Gate {
    match root() {
        Ok(()) => Err("needs an ordinary user, runs as root".to_owned()),
        Err(_) => Ok(()),
    }
}

/// An effective capability, by its number (see [`cap`]).
pub fn capability(number: u32, name: &str) -> Gate {
    let mask = status_field("CapEff:").and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
    match mask {
        Some(mask) if mask >> number & 1 == 1 => Ok(()),
        Some(_) => Err(format!("needs {name}")),
        None => Err(format!("needs {name}, /proc/self/status does not tell")),
    }
}

/// A program in `PATH` or in the system directories that are not in a user's `PATH`.
pub fn command(name: &str) -> Gate {
    match find_command(name) {
        Some(_) => Ok(()),
        None => Err(format!("needs the program {name}")),
    }
}

/// Where a program is.
pub fn find_command(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/postgresql/15/bin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

/// A file that can be read to its end.
pub fn readable(path: impl AsRef<Path>) -> Gate {
    let path = path.as_ref();
    fs::read(path).map(drop).map_err(|error| format!("needs {}: {error}", path.display()))
}

/// A file or directory that exists.
pub fn exists(path: impl AsRef<Path>) -> Gate {
    let path = path.as_ref();
    if path.exists() { Ok(()) } else { Err(format!("needs {}", path.display())) }
}

/// Where a cgroup v1 controller is mounted and a group can be made.
pub fn cgroup_v1(controller: &str) -> Result<PathBuf, String> {
    let wanted = |options: &str| options.split(',').any(|option| option == controller);
    mount(|fstype, options| fstype == "cgroup" && wanted(options))
        .ok_or_else(|| format!("needs the cgroup v1 controller {controller}"))
        .and_then(writable_directory)
}

/// Where cgroup v2 is mounted, with all of `controllers` available, and a group can be made.
pub fn cgroup_v2(controllers: &[&str]) -> Result<PathBuf, String> {
    let root = mount(|fstype, _| fstype == "cgroup2").ok_or("needs cgroup v2")?;
    let available = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    match controllers.iter().find(|name| !available.split_whitespace().any(|have| have == **name)) {
        Some(missing) => Err(format!("needs the cgroup v2 controller {missing}")),
        None => writable_directory(root),
    }
}

/// Network namespaces can be made: tests of interfaces run in their own.
pub fn network_namespace() -> Gate {
    command("unshare")?;
    let status = Command::new("unshare").args(["-n", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err("needs to make a network namespace".to_owned()),
    }
}

/// The mount point of the first file system that `wanted(type, super options)` accepts.
fn mount(wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().find_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let (fstype, options) = (right.next()?, right.nth(1)?);
        wanted(fstype, options).then(|| left.split(' ').nth(4).map(PathBuf::from))?
    })
}

/// Whether a group can be made is only known by making one.
fn writable_directory(root: PathBuf) -> Result<PathBuf, String> {
    let probe = root.join(format!("perfuse-probe-{}", std::process::id()));
    match fs::create_dir(&probe) {
        Ok(()) => {
            let _ = fs::remove_dir(&probe);
            Ok(root)
        }
        // Another test of this process probes at this very moment: it can be made.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(root),
        Err(error) => Err(format!("needs to make a cgroup in {}: {error}", root.display())),
    }
}

/// The rest of the line of `/proc/self/status` that starts with `key`.
fn status_field(key: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(key).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_of_root_and_user_is_open() {
        assert!(root().is_ok() != ordinary_user().is_ok());
    }

    #[test]
    fn reasons_name_what_is_missing() {
        assert_eq!(command("no-such-program-here"), Err("needs the program no-such-program-here".to_owned()));
        assert!(command("sh").is_ok());
        assert!(readable("/no/such/file").is_err_and(|reason| reason.contains("/no/such/file")));
        assert!(cgroup_v1("no-such-controller").is_err());
    }
}
