//! `/proc/PID/task/TID/syscall` of threads that sleep in futex(2).

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use perfuse_format::RawSnapshot;

use crate::kept::read_once;
use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// Threads that are asked in all: some 10 us each.
const MOST_THREADS: usize = 4096;

/// Reads, at slow ticks, the system call of each thread that sleeps in futex(2), in processes with more than one
/// thread. `@parked` says that it was tried.
#[derive(Debug, Default)]
pub(super) struct Parked;

impl Collector for Parked {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !tick.slow {
            return;
        }
        let mut buffer = Vec::new();
        let mut left = MOST_THREADS;
        match std::fs::read_dir(root.join("/proc")) {
            Ok(entries) => {
                let mut pids: Vec<u32> =
                    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
                pids.sort_unstable();
                for pid in pids {
                    threads(root, pid, &mut left, &mut buffer, out);
                }
                out.put("@parked", "");
            }
            Err(error) => out.put_errno("@parked", error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }
}

/// The threads of one process. `task` has a link for each of them beside its own two, so that a process with one
/// thread costs one call.
fn threads(root: &Root, pid: u32, left: &mut usize, buffer: &mut Vec<u8>, out: &mut RawSnapshot) {
    let tasks = format!("/proc/{pid}/task");
    let path = root.join(&tasks);
    if !std::fs::metadata(&path).is_ok_and(|task| task.nlink() > 3) {
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for tid in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if *left == 0 {
            return;
        }
        *left -= 1;
        // `wchan` is readable for everybody; where the kernel hides it, it is `0`.
        let wchan = root.join(&format!("{tasks}/{tid}/wchan"));
        let place = read_once(Path::new(&wchan), buffer);
        if place.is_ok_and(|place| place != b"0" && !place.is_empty() && !place.starts_with(b"futex")) {
            continue;
        }
        let name = format!("{tasks}/{tid}/syscall");
        match read_once(Path::new(&root.join(&name)), buffer) {
            Ok(line) if line.starts_with(FUTEX) => out.put(name, line),
            Ok(_) => {}
            Err(errno) => {
                out.put_errno(name, errno);
                // What is refused for one thread is refused for all.
                if errno == libc::EPERM || errno == libc::EACCES {
                    return;
                }
            }
        }
    }
}

/// The number of futex(2) and the blank behind it.
#[cfg(target_arch = "x86_64")]
const FUTEX: &[u8] = b"202 ";
#[cfg(not(target_arch = "x86_64"))]
const FUTEX: &[u8] = b"98 ";

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
            threads(&Root::default(), pid, &mut 4096, &mut Vec::new(), &mut out);
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
