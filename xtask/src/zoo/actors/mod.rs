//! The programs of the zoo: victims that say every 250 ms how they fare, and those who hold them up.
//!
//! They are modes of this very binary, started under names that tell them apart, so that the zoo needs nothing but
//! itself. Each is as plain as the mechanism allows: real system calls, real waiting, nothing simulated.

mod apps;
mod cpu;
mod memory;
mod network;
mod odd;
mod storage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::sli::{WINDOW, Window};

/// One program: its name, and its code.
type Actor = (&'static str, fn(&Words) -> Result<()>);

const ACTORS: &[Actor] = &[
    ("work", cpu::work),
    ("relay", cpu::relay),
    ("lock", cpu::lock),
    ("fork", cpu::fork),
    ("spawn", cpu::spawn),
    ("hog", cpu::hog),
    ("store", storage::store),
    ("create", storage::create),
    ("read", storage::read),
    ("open", storage::open),
    ("pour", storage::pour),
    ("fill", storage::fill),
    ("litter", storage::litter),
    ("touch", memory::touch),
    ("leak", memory::leak),
    ("client", network::client),
    ("server", network::server),
    ("stream", network::stream),
    ("drain", network::drain),
    ("datagrams", network::datagrams),
    ("burst", network::burst),
    ("grow", odd::grow),
    ("resolve", odd::resolve),
    ("echo", odd::echo),
    ("ledger", odd::ledger),
    ("auditor", odd::auditor),
    ("feed", odd::feed),
    ("swallow", odd::swallow),
    ("flap", odd::flap),
    ("subscriber", odd::subscriber),
    ("consumer", odd::consumer),
    ("postgres-client", apps::postgres_client),
    ("postgres-holder", apps::postgres_holder),
    ("redis-client", apps::redis_client),
    ("redis-keys", apps::redis_keys),
];

/// Runs one of the programs: `NAME key=value...`. Most never end by themselves.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [name, words @ ..] = arguments else { bail!("no actor named") };
    let Some((_, actor)) = ACTORS.iter().find(|(known, _)| known == name) else { bail!("no actor {name:?}") };
    actor(&Words::parse(words)?)
}

/// The settings of a program.
pub(super) struct Words(BTreeMap<String, String>);

impl Words {
    fn parse(words: &[String]) -> Result<Self> {
        let pair = |word: &String| {
            let (key, value) = word.split_once('=').with_context(|| format!("{word:?} is not key=value"))?;
            Ok((key.to_owned(), value.to_owned()))
        };
        words.iter().map(pair).collect::<Result<_>>().map(Self)
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str) -> Result<&str> {
        self.0.get(key).map(String::as_str).ok_or_else(|| anyhow!("{key}= is missing"))
    }

    /// A number, or what is usual.
    pub(super) fn number(&self, key: &str, usual: u64) -> Result<u64> {
        match self.0.get(key) {
            Some(text) => text.parse().with_context(|| format!("{key}={text}")),
            None => Ok(usual),
        }
    }

    /// A time in microseconds.
    pub(super) fn micros(&self, key: &str, usual: u64) -> Result<Duration> {
        self.number(key, usual).map(Duration::from_micros)
    }

    /// What the harness writes into the file `control=`, as a number; 0 before.
    pub(super) fn control(&self) -> Control {
        let control = Control(Arc::new(AtomicU64::new(0)));
        if let Ok(path) = self.text("control") {
            let (path, told) = (PathBuf::from(path), Arc::clone(&control.0));
            std::thread::spawn(move || {
                loop {
                    let text = std::fs::read_to_string(&path).unwrap_or_default();
                    told.store(text.trim().parse().unwrap_or(0), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        control
    }
}

/// How hard a program shall misbehave by itself; 0 is not at all.
#[derive(Clone)]
pub(super) struct Control(Arc<AtomicU64>);

impl Control {
    /// The number that was told last.
    pub(super) fn told(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where the threads of a victim put the latencies of their operations.
pub(super) struct Meter {
    threads: Vec<Arc<Mutex<Window>>>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { threads: Vec::new() }
    }

    /// Starts a thread that does `operation` every `period`, whether or not the one before took longer: the latency
    /// counts from when it was due, as a client would see it. An operation that fails is no operation done.
    pub(super) fn every(&mut self, period: Duration, mut operation: impl FnMut() -> Result<()> + Send + 'static) {
        let mine = Arc::new(Mutex::new(Window::default()));
        self.threads.push(Arc::clone(&mine));
        std::thread::spawn(move || {
            let mut due = Instant::now();
            loop {
                due += period;
                let now = Instant::now();
                if due > now {
                    std::thread::sleep(due - now);
                } else if now - due > MOST_BEHIND {
                    // Clients give up too: what was due long ago is not asked for any more.
                    due = now;
                }
                let done = operation();
                let mut window = mine.lock().unwrap_or_else(PoisonError::into_inner);
                match done {
                    Ok(()) => window.latencies.push(due.elapsed()),
                    Err(_) => window.errors += 1,
                }
            }
        });
    }

    /// Starts a thread that does `operation` over and over, each of which knows its own latency.
    pub(super) fn each(&mut self, mut operation: impl FnMut() -> Result<Duration> + Send + 'static) {
        let mine = Arc::new(Mutex::new(Window::default()));
        self.threads.push(Arc::clone(&mine));
        std::thread::spawn(move || {
            loop {
                let done = operation();
                let mut window = mine.lock().unwrap_or_else(PoisonError::into_inner);
                match done {
                    Ok(latency) => window.latencies.push(latency),
                    Err(_) => window.errors += 1,
                }
            }
        });
    }

    /// Says for ever how the operations fare.
    pub(super) fn tell(self) -> Result<()> {
        use std::io::Write as _;
        let start = Instant::now();
        let mut out = std::io::stdout().lock();
        for count in 1_u32.. {
            let due = start + WINDOW * count;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let mut all = Window::default();
            for thread in &self.threads {
                let mut window = thread.lock().unwrap_or_else(PoisonError::into_inner);
                all.latencies.append(&mut window.latencies);
                all.errors += std::mem::take(&mut window.errors);
            }
            writeln!(out, "{}", all.line())?;
            out.flush()?;
        }
        Ok(())
    }
}

/// How far a victim may be behind its schedule.
const MOST_BEHIND: Duration = Duration::from_secs(2);

/// Computes for a time on the CPU; being off it does not count, so that the work stays the same.
pub(super) fn burn(time: Duration) {
    // The clock of the thread is a system call: it is asked once in some rounds.
    let start = thread_time();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    while thread_time().saturating_sub(start) < time {
        for _ in 0..2_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        std::hint::black_box(state);
    }
}

fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Numbers that look like chance and are the same in every run.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}

/// For programs that only keep others busy.
pub(super) fn for_ever() -> Result<()> {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
