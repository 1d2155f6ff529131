//! Where the daemon keeps its store and its socket: the places of systemd, of the system, or of the user.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The name of the socket in the run directory.
pub const SOCKET: &str = "control.sock";

/// Reads a variable of the environment.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A directory that a variable names; systemd may name several, with colons between them.
fn named(variable: Variable<'_>, name: &str) -> Option<PathBuf> {
    let value = variable(name)?;
    let first = value.to_str().and_then(|value| value.split(':').next().map(PathBuf::from));
    first.or_else(|| Some(PathBuf::from(value))).filter(|path| path.is_absolute())
}

/// Where the store is: `STATE_DIRECTORY`, `/var/lib/perfuse` for root, else below `XDG_STATE_HOME` or
/// `~/.local/state`.
pub fn state_dir(variable: Variable<'_>, uid: u32) -> Option<PathBuf> {
    if let Some(given) = named(variable, "STATE_DIRECTORY") {
        return Some(given);
    }
    if uid == 0 {
        return Some(PathBuf::from("/var/lib/perfuse"));
    }
    let home = || named(variable, "HOME").map(|home| home.join(".local/state"));
    named(variable, "XDG_STATE_HOME").or_else(home).map(|state| state.join("perfuse"))
}

/// The directory of the user's session, if it is theirs: another one's is inherited through `sudo`.
fn session(variable: Variable<'_>, uid: u32) -> Option<PathBuf> {
    let directory = named(variable, "XDG_RUNTIME_DIR")?;
    let owner = directory.metadata().ok()?.uid();
    (owner == uid).then(|| directory.join("perfuse"))
}

/// Where the socket is: `RUNTIME_DIRECTORY`, the session's directory, `/run/perfuse` for root, else in the store.
pub fn run_dir(variable: Variable<'_>, uid: u32, state_dir: &Path) -> PathBuf {
    let system = || (uid == 0).then(|| PathBuf::from("/run/perfuse"));
    let found = named(variable, "RUNTIME_DIRECTORY").or_else(|| session(variable, uid)).or_else(system);
    found.unwrap_or_else(|| state_dir.to_owned())
}

/// Where a daemon may be reached, the nearest first. Who names a place with `RUNTIME_DIRECTORY` means the daemon there: another
/// one that answers would be taken for it.
pub fn sockets(variable: Variable<'_>, uid: u32) -> Vec<PathBuf> {
    if let Some(given) = named(variable, "RUNTIME_DIRECTORY") {
        return vec![given.join(SOCKET)];
    }
    let usual = [session(variable, uid), Some(PathBuf::from("/run/perfuse")), state_dir(variable, uid)];
    let mut places: Vec<PathBuf> = Vec::new();
    for place in usual.into_iter().flatten() {
        let socket = place.join(SOCKET);
        if !places.contains(&socket) {
            places.push(socket);
        }
    }
    places
}

/// Where a configuration is looked for when none is named: that of the service, the system's for root, else the user's.
pub fn config(variable: Variable<'_>, uid: u32) -> Option<PathBuf> {
    if let Some(given) = named(variable, "CONFIGURATION_DIRECTORY") {
        return Some(given.join("perfuse.toml"));
    }
    if uid == 0 {
        return Some(PathBuf::from("/etc/perfuse/perfuse.toml"));
    }
    let home = || named(variable, "HOME").map(|home| home.join(".config"));
    named(variable, "XDG_CONFIG_HOME").or_else(home).map(|config| config.join("perfuse/perfuse.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_wins_then_the_system_or_the_user() {
        let none = |_: &str| None;
        assert_eq!(state_dir(&none, 0), Some("/var/lib/perfuse".into()));
        assert_eq!(state_dir(&none, 1000), None, "no home");
        assert_eq!(run_dir(&none, 0, Path::new("/s")), Path::new("/run/perfuse"));
        assert_eq!(run_dir(&none, 1000, Path::new("/s")), Path::new("/s"));
        let systemd = |name: &str| match name {
            "STATE_DIRECTORY" => Some("/var/lib/a:/var/lib/b".into()),
            "RUNTIME_DIRECTORY" => Some("/run/a".into()),
            "CONFIGURATION_DIRECTORY" => Some("/etc/a".into()),
            _ => None,
        };
        assert_eq!(config(&systemd, 1000), Some("/etc/a/perfuse.toml".into()));
        assert_eq!(state_dir(&systemd, 1000), Some("/var/lib/a".into()));
        assert_eq!(run_dir(&systemd, 1000, Path::new("/s")), Path::new("/run/a"));
        assert_eq!(sockets(&systemd, 0), [Path::new("/run/a").join(SOCKET)], "there and nowhere else");
        let user = |name: &str| (name == "HOME").then(|| "/home/u".into());
        let places = ["/run/perfuse", "/home/u/.local/state/perfuse"].map(|place| Path::new(place).join(SOCKET));
        assert_eq!(sockets(&user, 1000), places);
        assert_eq!(state_dir(&user, 1000), Some("/home/u/.local/state/perfuse".into()));
        assert_eq!(config(&user, 1000), Some("/home/u/.config/perfuse/perfuse.toml".into()));
        assert_eq!(config(&user, 0), Some("/etc/perfuse/perfuse.toml".into()));
    }

    #[test]
    fn the_directory_of_another_ones_session_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let owner = directory.path().metadata().unwrap().uid();
        let inherited = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| directory.path().as_os_str().to_owned());
        assert_eq!(run_dir(&inherited, owner, Path::new("/s")), directory.path().join("perfuse"));
        assert_eq!(run_dir(&inherited, owner + 1, Path::new("/s")), Path::new("/s"));
        assert_eq!(sockets(&inherited, owner)[0], directory.path().join("perfuse").join(SOCKET));
    }
}
