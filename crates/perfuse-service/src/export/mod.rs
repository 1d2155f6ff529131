//! Exports: the series that go to the store go to other engines as well, in the protocols that those take.
//!
//! [`Handle::push`] takes the values of a second, keeps one point of each series for each interval, and never waits. A
//! task for each receiver sends what there is, and again what was not taken, within a bound of memory.

mod buffer;
mod otlp;
mod remote_write;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use perfuse_analyze::Msg;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::config::{Export, ExportKind};
use crate::post::Refusal;
use crate::problem::Problem;
use crate::store::SeriesKey;
use buffer::{Buffer, Point};

/// Time before what was not taken is sent again; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_secs(1);
/// The longest time between two attempts.
const LONGEST: Duration = Duration::from_secs(60);
/// Time that the last points get when the daemon ends.
const LAST: Duration = Duration::from_secs(3);
/// Bytes that are read of an answer.
const ANSWER: usize = 64 * 1024;

/// Why nothing can be exported.
#[derive(Debug, thiserror::Error)]
#[error("export {0}")]
pub struct ExportError(String);

/// Exports that run; they end when this is dropped.
pub struct Handle {
    receivers: Vec<Arc<Receiver>>,
    tasks: JoinSet<()>,
}

/// One receiver, as its task and the sampler see it.
struct Receiver {
    export: Export,
    host: String,
    buffer: Arc<Mutex<Buffer>>,
    /// There is something to send.
    ready: Notify,
    /// Everything ends.
    stop: Notify,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    /// Why the last attempt failed, if it did.
    problem: Option<Problem>,
    /// Points that the receiver did not want.
    refused: u64,
}

/// Starts exports, on the runtime that calls.
///
/// # Errors
/// TLS or the resolver cannot be set up, or a file of certificates cannot be read.
pub fn start(exports: &[Export], host: &str) -> Result<Handle, ExportError> {
    begin(exports, host, &BTreeMap::new())
}

/// Starts exports, with the buffers of an earlier run by name.
fn begin(
    exports: &[Export],
    host: &str,
    buffers: &BTreeMap<String, Arc<Mutex<Buffer>>>,
) -> Result<Handle, ExportError> {
    let mut tasks = JoinSet::new();
    let mut receivers = Vec::new();
    if exports.is_empty() {
        return Ok(Handle { receivers, tasks });
    }
    for export in exports {
        let client = crate::post::client(&export.trust);
        let client = client.map_err(|problem| ExportError(format!("{}: {problem}", export.name)))?;
        let every = export.every.as_secs();
        let buffer = buffers.get(&export.name).map_or_else(|| Arc::new(Mutex::new(Buffer::new(every))), Arc::clone);
        locked(&buffer).set_every(every);
        let receiver = Arc::new(Receiver {
            export: export.clone(),
            host: host.to_owned(),
            buffer,
            ready: Notify::new(),
            stop: Notify::new(),
            trouble: Mutex::default(),
        });
        tasks.spawn(Arc::clone(&receiver).go_on(client));
        receivers.push(receiver);
    }
    Ok(Handle { receivers, tasks })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    /// Takes the values of one second of Unix time, and never waits for anybody.
    pub fn push(&self, at: i64, values: &[(SeriesKey, f64)]) {
        for receiver in &self.receivers {
            if locked(&receiver.buffer).push(at, values.iter().map(|(key, value)| (key, *value))) {
                receiver.ready.notify_one();
            }
        }
    }

    /// Who does not take the series, and why.
    pub fn troubles(&self) -> Vec<Msg> {
        self.receivers.iter().filter_map(|receiver| receiver.told()).collect()
    }

    /// Takes another configuration. Receivers that are the same in both keep what waits for them.
    ///
    /// # Errors
    /// TLS or the resolver cannot be set up; everything is as it was.
    pub fn reload(&mut self, exports: &[Export], host: &str) -> Result<(), ExportError> {
        let buffers = self.receivers.iter().map(|old| (old.export.name.clone(), Arc::clone(&old.buffer))).collect();
        // The tasks of before end with the drop, and put back what they were about to send.
        *self = begin(exports, host, &buffers)?;
        Ok(())
    }

    /// Ends: what waits gets a few seconds.
    pub async fn stop(mut self) {
        for receiver in &self.receivers {
            receiver.stop.notify_one();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // Whoever takes nothing now does not get it.
        let _ = tokio::time::timeout(LAST, all).await;
    }
}

/// Points on their way; what is left of them when this is dropped goes back.
struct Taken<'a> {
    buffer: &'a Mutex<Buffer>,
    points: Vec<Point>,
}

impl<'a> Taken<'a> {
    fn new(buffer: &'a Mutex<Buffer>) -> Self {
        Self { buffer, points: locked(buffer).take() }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if !self.points.is_empty() {
            locked(self.buffer).put_back(std::mem::take(&mut self.points));
        }
    }
}

impl Receiver {
    fn told(&self) -> Option<Msg> {
        let lost = locked(&self.buffer).lost();
        let trouble = locked(&self.trouble);
        let name = self.export.name.as_str();
        let gone = lost.saturating_add(trouble.refused);
        match &trouble.problem {
            Some(problem) => {
                Some(Msg::new("export-problem").with("name", name).with("problem", problem).with("lost", gone))
            }
            None if gone > 0 => Some(Msg::new("export-lost").with("name", name).with("lost", gone)),
            None => None,
        }
    }

    /// Sends what there is, until everything ends.
    async fn go_on(self: Arc<Self>, client: reqwest::Client) {
        let mut wait = Duration::ZERO;
        let mut last = false;
        loop {
            let mut taken = Taken::new(&self.buffer);
            if taken.points.is_empty() {
                if last {
                    return;
                }
                tokio::select! {
                    () = self.ready.notified() => {}
                    () = self.stop.notified() => last = true,
                }
                continue;
            }
            wait = match self.send(&client, &taken.points).await {
                Ok(()) => {
                    taken.points.clear();
                    Duration::ZERO
                }
                Err(refusal) => self.refused(taken, &refusal, wait),
            };
            if wait.is_zero() {
                continue;
            }
            if last {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.notified() => last = true,
            }
        }
    }

    /// What becomes of points that were not taken; the time until the next attempt.
    fn refused(&self, mut taken: Taken<'_>, refusal: &Refusal, wait: Duration) -> Duration {
        let mut trouble = locked(&self.trouble);
        trouble.problem = Some(refusal.problem.clone());
        if refusal.refused {
            // The same points would be refused again: those of a series that are too old, for example.
            trouble.refused = trouble.refused.saturating_add(taken.points.len() as u64);
            taken.points.clear();
            return Duration::ZERO;
        }
        drop(taken);
        let wait = (wait * 2).clamp(FIRST, LONGEST);
        // Hosts that lost one receiver do not come back to it at once.
        let jitter =
            self.host.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 256;
        let wait = wait.saturating_sub(wait * jitter / 512);
        refusal.after.map_or(wait, |after| after.min(LONGEST).max(wait))
    }

    async fn send(&self, client: &reqwest::Client, points: &[Point]) -> Result<(), Refusal> {
        let refused = |problem: String| Refusal { problem: problem.into(), refused: true, after: None };
        let (body, fixed) = match self.export.kind {
            ExportKind::RemoteWrite => {
                (remote_write::body(points, &self.host).map_err(refused)?, remote_write::HEADERS)
            }
            ExportKind::Otlp => (otlp::body(points, &self.host), otlp::HEADERS),
        };
        let mut request = client.post(self.export.url.reveal()).body(body);
        for (name, value) in fixed {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.export.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.export.bearer {
            request = request.bearer_auth(token.reveal());
        }
        let answer = crate::post::send(request, ANSWER).await?;
        let mut trouble = locked(&self.trouble);
        trouble.problem = None;
        if let Some((count, problem)) = otlp::rejected(&answer).filter(|_| self.export.kind == ExportKind::Otlp) {
            trouble.refused = trouble.refused.saturating_add(count);
            trouble.problem = Some(problem.into());
        }
        Ok(())
    }
}
