//! Which local sockets are watched, and what they are called. A host has a hundred of them, most of them the private affair of
//! one session or of one run of a program.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Where programs put what is nobody else's business: temporary files, home directories, what belongs to one log-in.
const PRIVATE: [&str; 6] = ["/dev/shm/", "/home/", "/root/", "/run/user/", "/var/run/user/", "/proc/"];
/// Letters of a component's name at most.
const LONGEST: usize = 60;
/// As many hexadecimal digits in a row are no word.
const RANDOM: usize = 12;

/// Whether a socket is of interest to somebody else than the program that made it.
pub(super) fn is_watched(path: &str) -> bool {
    let place = match path.strip_prefix('@') {
        // The kernel's own choice of a name is five hexadecimal digits (`unix_autobind`).
        Some(name) if name.len() <= 5 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => return false,
        Some(name) => name,
        // A path that depends on where its program stood.
        None if !path.starts_with('/') => return false,
        None => path,
    };
    let private = place.contains("/tmp/") || PRIVATE.iter().any(|prefix| place.starts_with(prefix));
    !private && !is_random(place)
}

/// Whether a part of the name is made up anew each time: a long number, an identifier of a container.
fn is_random(path: &str) -> bool {
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    let parts = path.split(|letter: char| !letter.is_ascii_hexdigit());
    // A UUID has hyphens between its parts, of which the last is long.
    parts.into_iter().any(|part| part.len() >= RANDOM && digits(part) > 1)
}

/// Which comes first where there is no room for all: what services have in `/run`, then other files, then names of no file.
pub(super) fn rank(path: &str) -> u8 {
    match path {
        _ if path.starts_with("/run/") || path.starts_with("/var/run/") => 0,
        _ if path.starts_with('/') => 1,
        _ => 2,
    }
}

/// What people call it: where it is stands beside it.
pub(super) fn title(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Without the directory that all services share.
fn short(path: &str) -> &str {
    let prefixes = ["/run/", "/var/run/", "/var/lib/"];
    prefixes.iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(path)
}

/// The name of the component, which no other one has.
pub(super) fn name(path: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._".contains(letter) { letter } else { '-' };
    let words: String = short(path).chars().map(plain).collect();
    let words: String = words.trim_matches('-').chars().take(LONGEST).collect();
    let name = format!("unix-{words}");
    if !words.is_empty() && !taken(&name) {
        return name;
    }
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    format!("{name}-{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_watched_and_private_affairs_are_not() {
        for path in [
            "/run/docker.sock",
            "/run/postgresql/.s.PGSQL.5432",
            "/var/lib/mysql/mysql.sock",
            "/run/systemd/journal/stdout",
            "/srv/app/http.sock",
            "@app",
            "@facade1",
        ] {
            assert!(is_watched(path), "{path}");
        }
        for path in [
            "/tmp/.X11-unix/X0",
            "@/tmp/.X11-unix/X0",
            "/run/user/1000/bus",
            "/home/me/.gnupg/S.gpg-agent",
            "@0001f",
            "relative.sock",
            "",
            "/run/containerd/s/6a1f0e8c55d2f4b19b3f5c1f6a1f0e8c55d2f4b19b3f5c1f",
            "/srv/x-4e9a2a30-6f1c-4d2b-9a77-0123456789ab/run.sock",
            "/var/lib/kubelet/../tmp/x",
        ] {
            assert!(!is_watched(path), "{path}");
        }
    }

    #[test]
    fn names_are_plain_and_each_is_there_once() {
        assert_eq!(name("/run/docker.sock", |_| false), "unix-docker.sock");
        assert_eq!(name("/run/systemd/journal/stdout", |_| false), "unix-systemd-journal-stdout");
        assert_eq!(name("@app", |_| false), "unix-app");
        let other = name("/var/run/docker.sock", |name| name == "unix-docker.sock");
        assert!(other.starts_with("unix-docker.sock-") && other.len() == 33, "{other}");
        for odd in ["@", "/", "/run/\u{fffd}소켓", "/run/<script>"] {
            let name = name(odd, |_| false);
            let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._".contains(letter));
            assert!(plain && name.len() > 5, "{name}");
        }
        assert!(name(&"/x".repeat(500), |_| false).len() < 100);
    }

    #[test]
    fn what_services_have_comes_first() {
        assert_eq!(["/run/app/a.sock", "@app"].map(title), ["a.sock", "@app"]);
        let ranks = ["/run/a", "/var/run/a", "/srv/a", "@a"].map(rank);
        assert_eq!(ranks, [0, 0, 1, 2]);
    }
}
