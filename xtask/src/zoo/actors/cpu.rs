//! Computing, waiting for each other, starting programs.

use std::process::{Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::storage::Direct;
use super::{Meter, Words, burn, for_ever};

/// `threads` that each compute `work_us` every `period_us`. What `control` says is added to the work in microseconds, as
/// `mode` has it: computing, system calls, or new memory. With `pinned=1` each thread has a CPU of its own.
pub(super) fn work(words: &Words) -> Result<()> {
    let (period, work) = (words.micros("period_us", 5_000)?, words.micros("work_us", 1_000)?);
    let mode = Mode::parse(words.text("mode").unwrap_or("user"))?;
    let control = words.control();
    let pinned = words.number("pinned", 0)? == 1;
    let mut meter = Meter::new();
    for thread in 0..words.number("threads", 1)? {
        let control = control.clone();
        let mut place = pinned.then(|| usize::try_from(thread)).transpose()?;
        meter.every(period, move || {
            if let Some(cpu) = place.take() {
                let mut set = CpuSet::new();
                set.set(cpu);
                sched_setaffinity(None, &set)?;
            }
            burn(work);
            match control.told() {
                0 => Ok(()),
                extra => mode.spend(Duration::from_micros(extra)),
            }
        });
    }
    meter.tell()
}

/// How a hog passes its time.
#[derive(Clone, Copy)]
enum Mode {
    User,
    Calls,
    Faults,
}

impl Mode {
    fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "user" => Self::User,
            "calls" => Self::Calls,
            "faults" => Self::Faults,
            _ => bail!("no mode {word:?}"),
        })
    }

    fn spend(self, time: Duration) -> Result<()> {
        match self {
            Self::User => burn(time),
            Self::Calls => {
                let end = super::thread_time() + time;
                let file = std::fs::File::open("/dev/zero")?;
                let mut byte = [0_u8; 1];
                while super::thread_time() < end {
                    for _ in 0..100 {
                        rustix::io::read(&file, &mut byte)?;
                    }
                }
            }
            Self::Faults => {
                let end = super::thread_time() + time;
                while super::thread_time() < end {
                    touch_new(FRESH);
                }
            }
        }
        Ok(())
    }
}

/// More than what the C library ever keeps for later: such a block is mapped anew each time.
const FRESH: usize = 40 << 20;

/// Maps `bytes`, touches each page once, and gives them back.
fn touch_new(bytes: usize) {
    let mut block = vec![0_u8; bytes];
    for page in block.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&block);
}

/// `threads` that do nothing but keep a CPU busy, all of the time or `share` percent of each `period_ms`.
pub(super) fn hog(words: &Words) -> Result<()> {
    let mode = Mode::parse(words.text("mode").unwrap_or("user"))?;
    let (share, period) = (words.number("share", 100)?.clamp(1, 100), words.number("period_ms", 100)?);
    let busy = period * share / 100;
    for _ in 0..words.number("threads", 1)? {
        std::thread::spawn(move || -> Result<()> {
            loop {
                mode.spend(Duration::from_millis(busy))?;
                std::thread::sleep(Duration::from_millis(period - busy));
            }
        });
    }
    for_ever()
}

/// `threads` hand their requests to one thread that answers them one after the other, computing `work_us` for each, and
/// as many more as `control` says.
pub(super) fn relay(words: &Words) -> Result<()> {
    let (period, work) = (words.micros("period_us", 10_000)?, words.micros("work_us", 500)?);
    let control = words.control();
    let (ask, requests) = sync_channel::<SyncSender<()>>(64);
    std::thread::Builder::new().name("dispatch".to_owned()).spawn(move || {
        for reply in requests {
            burn(work + Duration::from_micros(control.told()));
            // The asker has gone: nobody to tell.
            let _ = reply.send(());
        }
    })?;
    let mut meter = Meter::new();
    for _ in 0..words.number("threads", 4)? {
        let ask = ask.clone();
        meter.every(period, move || {
            let (reply, answer) = sync_channel(1);
            ask.send(reply)?;
            Ok(answer.recv()?)
        });
    }
    meter.tell()
}

/// `threads` that compute `work_us` under one lock; another of the same process sleeps with it for `control` milliseconds,
/// and leaves it free for a quarter of that. With `mode=burn` they compute `control` microseconds more under it instead;
/// with `path=` they write to that file past the page cache under it.
pub(super) fn lock(words: &Words) -> Result<()> {
    let (period, work) = (words.micros("period_us", 5_000)?, words.micros("work_us", 100)?);
    let control = words.control();
    let lock = Arc::new(Mutex::new(()));
    let (theirs, told) = (Arc::clone(&lock), control.clone());
    let busy = words.text("mode").unwrap_or("sleep") == "burn";
    std::thread::Builder::new().name("holder".to_owned()).spawn(move || {
        loop {
            let held = Duration::from_millis(told.told());
            if busy || held.is_zero() {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            let guard = theirs.lock().unwrap_or_else(PoisonError::into_inner);
            std::thread::sleep(held);
            drop(guard);
            std::thread::sleep(held / 4);
        }
    })?;
    let mut meter = Meter::new();
    for _ in 0..words.number("threads", 4)? {
        let (lock, control) = (Arc::clone(&lock), control.clone());
        let mut file = words.text("path").ok().map(|path| Direct::open(path.as_ref(), 8, 4096)).transpose()?;
        meter.every(period, move || {
            let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(file) = &mut file {
                file.write()?;
            }
            burn(if busy { work + Duration::from_micros(control.told()) } else { work });
            Ok(())
        });
    }
    meter.tell()
}

/// `threads` that start programs, wait for their end, and start the next.
pub(super) fn spawn(words: &Words) -> Result<()> {
    for _ in 0..words.number("threads", 1)? {
        std::thread::spawn(|| -> Result<()> {
            loop {
                Command::new("/bin/true").stdin(Stdio::null()).status()?;
            }
        });
    }
    for_ever()
}

/// Starts a program every `period_us` and waits for its end.
pub(super) fn fork(words: &Words) -> Result<()> {
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 50_000)?, || {
        let status = Command::new("/bin/true").stdin(Stdio::null()).status()?;
        anyhow::ensure!(status.success());
        Ok(())
    });
    meter.tell()
}
