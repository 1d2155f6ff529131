//! `/proc/PID/task/TID/syscall` of processes whose threads may all be parked in a lock.

use std::path::Path;

use perfuse_format::RawSnapshot;

use crate::kept::read_once;
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// Threads of one process that are looked at. One that has more is not judged: analysis wants to see all of them.
const MOST_THREADS: usize = 256;

/// Processes that are looked into; an idle desktop has about a hundred that sleep in a futex.
const MOST_PROCESSES: usize = 512;

/// Reads, at slow ticks, in which system call each thread sleeps, for processes whose first thread sleeps in futex(2).
/// `@parked` says that it was tried.
#[derive(Debug, Default)]
pub(super) struct Parked;

impl Collector for Parked {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        let mut buffer = Vec::new();
        let mut processes = 0;
        match std::fs::read_dir(root.join("/proc")) {
            Ok(entries) => {
                let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
                for pid in pids {
                    if processes < MOST_PROCESSES && sleeps_in_futex(root, pid, &mut buffer) {
                        processes += 1;
                        threads(root, pid, &mut buffer, out);
                    }
                }
                out.put("@parked", "");
            }
            Err(error) => out.put_errno("@parked", error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }
}

/// `wchan` is readable for everybody; where the kernel hides it (it is `0` then) the system call itself is asked.
fn sleeps_in_futex(root: &Root, pid: u32, buffer: &mut Vec<u8>) -> bool {
    let wchan = root.join(&format!("/proc/{pid}/wchan"));
    match read_once(Path::new(&wchan), buffer) {
        Ok(place) if place != b"0" => place.starts_with(b"futex"),
        _ => {
            let syscall = root.join(&format!("/proc/{pid}/syscall"));
            read_once(Path::new(&syscall), buffer).is_ok_and(|line| line.starts_with(FUTEX))
        }
    }
}

/// The number of futex(2) and the blank behind it.
#[cfg(target_arch = "x86_64")]
const FUTEX: &[u8] = b"202 ";
#[cfg(not(target_arch = "x86_64"))]
const FUTEX: &[u8] = b"98 ";

fn threads(root: &Root, pid: u32, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
    let tasks = format!("/proc/{pid}/task");
    let Ok(entries) = std::fs::read_dir(root.join(&tasks)) else { return };
    for tid in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).take(MOST_THREADS) {
        let name = format!("{tasks}/{tid}/syscall");
        match read_once(Path::new(&root.join(&name)), buffer) {
            Ok(line) => out.put(name, line),
            Err(errno) => {
                out.put_errno(name, errno);
                // What is refused for one thread is refused for all.
                if errno == libc::EPERM || errno == libc::EACCES {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_mutex_shows_the_value_two() {
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.lock().unwrap();
        let (send, receive) = mpsc::channel();
        let waiter = std::thread::spawn({
            let mutex = Arc::clone(&mutex);
            move || {
                send.send(rustix::thread::gettid().as_raw_nonzero()).unwrap();
                drop(mutex.lock());
            }
        });
        let tid = receive.recv().unwrap();
        let pid = std::process::id();
        let until = Instant::now() + Duration::from_secs(10);
        let mut line = String::new();
        while Instant::now() < until && line.split(' ').nth(3) != Some("0x2") {
            std::thread::yield_now();
            let mut out = RawSnapshot::default();
            threads(&Root::default(), pid, &mut Vec::new(), &mut out);
            match out.bytes(&format!("/proc/{pid}/task/{tid}/syscall")) {
                perfuse_format::Reading::Value(bytes) => line = String::from_utf8_lossy(bytes).into_owned(),
                perfuse_format::Reading::Missing(_) => {}
            }
        }
        drop(held);
        waiter.join().unwrap();
        if line.is_empty() {
            // A kernel without CONFIG_HAVE_ARCH_TRACEHOOK has no such file.
            perfuse_testkit::skip!("/proc/PID/task/TID/syscall is not readable here");
        }
        assert!(line.as_bytes().starts_with(FUTEX), "{line}");
        assert_eq!(line.split(' ').nth(3), Some("0x2"), "{line}");
    }
}
