//! Telling systemd: ready, stopping, reloading, and that the daemon is alive (`sd_notify(3)`).

use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Whom to tell, if anybody wants to know.
#[derive(Debug, Clone, Default)]
pub struct Notify {
    socket: Option<OsString>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// From the environment that systemd gives: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, for this process.
    pub fn new(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&microseconds| ours && microseconds > 0);
        Self {
            socket: variable("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()),
            watchdog: watchdog.map(Duration::from_micros),
        }
    }

    /// How often to say [`Notify::alive`]: twice in the time after which the daemon counts as hung.
    pub fn every(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 2)
    }

    /// It has begun to serve.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// It reads its configuration again; [`Notify::ready`] follows.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        let microseconds = seconds.saturating_mul(1_000_000) + u64::try_from(now.tv_nsec).unwrap_or(0) / 1000;
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}"));
    }

    /// It is about to end.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// It is alive.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// One line for `systemctl status`.
    pub fn status(&self, line: &str) {
        self.send(&format!("STATUS={}", line.replace('\n', " ")));
    }

    fn send(&self, text: &str) {
        // Whoever wanted to know is gone: there is nobody to tell of that.
        let _ = self.socket.as_deref().map(|socket| send(socket, text));
    }
}

fn send(socket: &OsStr, text: &str) -> std::io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let from = UnixDatagram::unbound()?;
    from.set_nonblocking(true)?;
    from.send_to_addr(text.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_what_happens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let notify = Notify::new(&|name| match name {
            "NOTIFY_SOCKET" => Some(path.clone().into_os_string()),
            "WATCHDOG_USEC" => Some("4000000".into()),
            _ => None,
        });
        assert_eq!(notify.every(), Some(Duration::from_secs(2)));
        notify.ready();
        notify.status("a\nb");
        let mut bytes = [0; 64];
        let mut next = || {
            let count = receiver.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        assert_eq!(next(), "READY=1");
        assert_eq!(next(), "STATUS=a b");
    }

    #[test]
    fn without_systemd_nothing_happens() {
        let notify = Notify::new(&|name| (name == "WATCHDOG_PID").then(|| "1".into()));
        notify.ready();
        assert_eq!(notify.every(), None);
    }
}
