//! Asks a URL again and again, and measures what each phase of a request takes.
//!
//! Each request has its own connection, so that the look-up, the connection and the encryption are measured every time. The one
//! client is here: `docs/decisions/probe.md` tells why it is our own.

mod http;
mod lookup;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use perfuse_format::web::probe::{Failure, Phase, Probes, Try};
use perfuse_format::web::url::Url;
use rustix::time::ClockId;

use crate::Root;
use crate::sampler::now;

/// Requests that are kept; of a longer run the newest ones.
const MOST: usize = 4096;
/// Redirects that are followed, as curl does by default in its manual's example.
const REDIRECTS: usize = 10;

/// How often, and how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// From the begin of one request to that of the next; a slow request delays the next one.
    pub every: Duration,
    /// After that a request has failed.
    pub timeout: Duration,
}

/// A probe in progress. Dropping it ends it: no new request begins, and nobody waits for the one that is under way.
#[derive(Debug)]
pub struct Probe {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    probes: Mutex<Probes>,
    /// The request that is under way, with the phase that it is in.
    current: Mutex<Option<(Try, Phase)>>,
    ended: AtomicBool,
}

/// The phase in which a request failed is the one that it was in.
#[derive(Debug)]
struct Failed(Failure, String);

impl Probe {
    /// Starts asking, in a thread of its own.
    pub fn start(url: &Url, beat: Beat, root: &Root) -> std::io::Result<Self> {
        Self::with(url, beat, root, stream::Tls::new)
    }

    /// Reading the certificates of all authorities takes some milliseconds: in the thread, and once.
    fn with(url: &Url, beat: Beat, root: &Root, tls: fn() -> stream::Tls) -> std::io::Result<Self> {
        let probes = Probes { url: url.to_string(), ..Probes::default() };
        let shared =
            Arc::new(Shared { probes: Mutex::new(probes), current: Mutex::new(None), ended: AtomicBool::new(false) });
        let (ours, url, root) = (Arc::clone(&shared), url.clone(), root.clone());
        std::thread::Builder::new().name("probe".to_owned()).spawn(move || ours.run(&url, beat, &root, &tls()))?;
        Ok(Self { shared })
    }

    /// What was measured so far. With `last` the request that is under way counts as one that had no answer in time.
    pub fn so_far(&self, last: bool) -> Probes {
        let mut probes = lock(&self.shared.probes).clone();
        let unfinished = if last { lock(&self.shared.current).clone() } else { None };
        let age = |one: &Try| now(ClockId::Monotonic).saturating_sub(one.at_ns);
        // A request that has only just begun tells nothing.
        let tells = |(one, _): &(Try, Phase)| age(one) >= 200_000_000 || probes.tries.is_empty();
        if let Some((mut one, phase)) = unfinished.filter(tells) {
            let left = (age(&one) / 1000).saturating_sub(one.total_us());
            one.add(phase, left);
            one.failure = Some((Failure::TimedOut, String::new()));
            probes.tries.push(one);
        }
        probes
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

/// A thread that panicked while it held the lock leaves numbers that are as good as before.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn run(&self, url: &Url, beat: Beat, root: &Root, tls: &stream::Tls) {
        let mut due = Instant::now();
        while !self.ended.load(Ordering::Relaxed) {
            let (one, end) = self.once(url, beat.timeout, root, tls);
            let mut probes = lock(&self.probes);
            *lock(&self.current) = None;
            if probes.tries.len() >= MOST {
                probes.tries.remove(0);
            }
            probes.tries.push(one);
            probes.end = end.filter(|end| end != url).map(|end| end.to_string());
            drop(probes);
            due += beat.every;
            let now = Instant::now();
            match due.checked_duration_since(now) {
                Some(left) => std::thread::sleep(left),
                None => due = now,
            }
        }
    }

    /// One request, with the redirects that it leads to; and where they led.
    fn once(&self, url: &Url, timeout: Duration, root: &Root, tls: &stream::Tls) -> (Try, Option<Url>) {
        let deadline = Instant::now() + timeout;
        let mut one = Try { at_ns: now(ClockId::Monotonic), ..Try::default() };
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut clock = Clock::start(&mut one, &self.current);
            match http::request(&url, deadline, root, tls, &mut clock) {
                Ok(None) => return (one, Some(url)),
                Ok(Some(location)) => match url.join(&location) {
                    Ok(next) => url = next,
                    Err(error) => {
                        one.failure = Some((Failure::BadRedirect, format!("{location}: {error}")));
                        return (one, Some(url));
                    }
                },
                Err(Failed(failure, words)) => {
                    clock.finish();
                    one.failure = Some((failure, words));
                    return (one, Some(url));
                }
            }
        }
        one.failure = Some((Failure::Redirects, url.to_string()));
        (one, Some(url))
    }
}

/// Measures one phase after the other.
struct Clock<'a> {
    phase: Phase,
    at: Instant,
    one: &'a mut Try,
    seen: &'a Mutex<Option<(Try, Phase)>>,
}

impl<'a> Clock<'a> {
    /// The first phase begins.
    fn start(one: &'a mut Try, seen: &'a Mutex<Option<(Try, Phase)>>) -> Self {
        *lock(seen) = Some((one.clone(), Phase::Dns));
        Self { phase: Phase::Dns, at: Instant::now(), one, seen }
    }

    /// A phase ends, and another one begins.
    fn next(&mut self, phase: Phase) {
        self.finish();
        self.phase = phase;
        *lock(self.seen) = Some((self.one.clone(), phase));
    }

    /// The phase ends, and with it the request.
    fn finish(&mut self) {
        let now = Instant::now();
        let us = now.duration_since(self.at).as_micros();
        self.one.add(self.phase, u64::try_from(us).unwrap_or(u64::MAX));
        self.at = now;
    }
}
