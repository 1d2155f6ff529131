//! The live view on a terminal of the test's own making.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::perfuse;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal of 100 by 30, and the live view on it.
fn start(more: &[&str]) -> (File, Child) {
    let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let slave = File::options().read(true).write(true).open(name).unwrap();
    tcsetwinsize(&slave, Winsize { ws_col: 100, ws_row: 30, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let side = || Stdio::from(slave.try_clone().unwrap());
    let child = perfuse(["use", "--watch", "--no-bpf"].iter().chain(more))
        .env("TERM", "xterm-256color")
        .stdin(side())
        .stdout(side())
        .stderr(side())
        .spawn()
        .unwrap();
    (File::from(master), child)
}

/// Reads the screen until `wanted` has been written to it.
fn read_until(master: &mut File, wanted: &str) -> String {
    let start = Instant::now();
    let mut seen = Vec::new();
    while start.elapsed() < PATIENCE {
        let mut fds = [PollFd::new(&*master, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        if poll(&mut fds, Some(&timeout)).unwrap() > 0 {
            let mut bytes = [0; 4096];
            let count = master.read(&mut bytes).unwrap_or(0);
            seen.extend_from_slice(&bytes[..count]);
        }
        if String::from_utf8_lossy(&seen).contains(wanted) {
            return String::from_utf8_lossy(&seen).into_owned();
        }
    }
    panic!("{wanted:?} did not appear in {} bytes", seen.len());
}

/// Waits for the end; the exit code.
fn end(mut child: Child) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    panic!("it did not end");
}

#[test]
fn keys_are_answered_and_q_gives_the_terminal_back() {
    let (mut terminal, child) = start(&[]);
    read_until(&mut terminal, "File descriptors");
    terminal.write_all(b"L").unwrap();
    // The key that switches now offers the other language. Wide characters come one by one.
    read_until(&mut terminal, "English");
    terminal.write_all(b"q").unwrap();
    // The last thing that is written leaves the alternate screen.
    read_until(&mut terminal, "\u{1b}[?1049l");
    assert_eq!(end(child), Some(0));
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let (mut terminal, child) = start(&[]);
    read_until(&mut terminal, "File descriptors");
    drop(terminal);
    // Whatever the status: nobody is there to read it.
    end(child);
}

#[test]
fn a_process_that_is_not_there_is_said_before_the_screen_is_taken() {
    let (mut terminal, child) = start(&["--pid", "4194999"]);
    let seen = read_until(&mut terminal, "4194999");
    assert!(!seen.contains("\u{1b}[?1049h"), "{}", seen.escape_debug());
    assert_eq!(end(child), Some(2));
}
