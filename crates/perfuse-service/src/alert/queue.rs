//! What is to be delivered: one notice after the other to each receiver, again and again until it is taken.
//!
//! Notices of one case go in their order, those of others do not wait for them. A receiver gets one at a time. The time
//! between two attempts doubles, with a jitter that is drawn from the name of the delivery, so that many hosts that lost
//! one server do not come back to it at once. All times are milliseconds of a clock that never jumps, but for those that
//! are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::desk::Clock;
use super::notice::{Notice, Phase};
use crate::problem::Problem;

/// Time before the second attempt.
const FIRST: u64 = 1_000;
/// The longest time between two attempts.
const LONGEST: u64 = 300_000;
/// After this time since 1970 in milliseconds a notice is of no use any more.
const AGE: u64 = 24 * 3_600_000;
/// The same for one that the receiver refuses, rather than not answers.
const REFUSED: u64 = 3_600_000;
/// Notices that wait for one receiver; above, the oldest are given up.
const MOST: usize = 500;

/// Why a notice was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In the words of a library or of the receiver, without secrets.
    pub problem: Problem,
    /// The receiver answered, and does not want it.
    pub refused: bool,
    /// What the receiver said of the next attempt.
    pub after: Option<Duration>,
}

impl Failure {
    /// The receiver could not be asked.
    pub fn new(problem: impl Into<Problem>) -> Self {
        Self { problem: problem.into(), refused: false, after: None }
    }
}

/// One notice on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name in the store.
    pub id: String,
    /// The receiver.
    pub receiver: String,
    /// What is told.
    pub notice: Notice,
    /// When it was made, in milliseconds since 1970.
    pub made: u64,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last one failed, or why there will be no other.
    pub problem: Option<Problem>,
    /// When it was delivered, in milliseconds since 1970.
    pub delivered: Option<u64>,
    #[serde(skip)]
    next: u64,
}

impl Delivery {
    /// A delivery that is due now.
    pub fn new(receiver: String, notice: Notice, clock: Clock) -> Self {
        let id = format!("{}#{}@{receiver}", notice.key, notice.number);
        let (made, next) = (clock.wall, clock.steady);
        Self { id, receiver, notice, made, attempts: 0, problem: None, delivered: None, next }
    }
}

/// All deliveries.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Vec<Delivery>,
    /// Receivers that are being asked, with the delivery.
    busy: Vec<(String, String)>,
}

impl Queue {
    /// Adds a notice. Whether it is kept, and the deliveries whose place it takes: what was to be said of the same case
    /// meanwhile.
    pub fn push(&mut self, delivery: Delivery) -> (bool, Vec<Delivery>) {
        let phase = delivery.notice.phase;
        let same = |other: &Delivery| other.receiver == delivery.receiver && other.notice.key == delivery.notice.key;
        let busy = |id: &str| self.busy.iter().any(|(_, other)| other == id);
        let mut closed = Vec::new();
        // That it lasts is no news to one who was not told yet that it began.
        if matches!(phase, Phase::Repeat | Phase::Refresh) && self.waiting.iter().any(same) {
            return (false, closed);
        }
        let mut kept = Vec::with_capacity(self.waiting.len() + 1);
        for other in self.waiting.drain(..) {
            let replaced = same(&other) && matches!(other.notice.phase, Phase::Update | Phase::Repeat | Phase::Refresh);
            if replaced && !busy(&other.id) { closed.push(given_up(other, "superseded")) } else { kept.push(other) }
        }
        let of_it = kept.iter().filter(|other| other.receiver == delivery.receiver).count();
        if of_it >= MOST
            && let Some(oldest) = kept.iter().position(|other| other.receiver == delivery.receiver && !busy(&other.id))
        {
            closed.push(given_up(kept.remove(oldest), "too many are waiting"));
        }
        kept.push(delivery);
        self.waiting = kept;
        (true, closed)
    }

    /// Takes the deliveries of an earlier run, all of them due now.
    pub fn restore(&mut self, mut deliveries: Vec<Delivery>, clock: Clock) {
        deliveries.sort_by_key(|delivery| (delivery.made, delivery.notice.number));
        for mut delivery in deliveries {
            delivery.next = clock.steady;
            self.waiting.push(delivery);
        }
    }

    /// Gives up what is for receivers that are no more.
    pub fn reload(&mut self, receivers: &BTreeSet<&str>) -> Vec<Delivery> {
        let (kept, gone) =
            self.waiting.drain(..).partition(|delivery: &Delivery| receivers.contains(delivery.receiver.as_str()));
        self.waiting = kept;
        gone.into_iter().map(|delivery| given_up(delivery, "no such receiver")).collect()
    }

    /// The deliveries that are to be tried now; each receiver of them is busy until [`Queue::done`].
    pub fn start(&mut self, clock: Clock) -> Vec<Delivery> {
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        let mut started: Vec<Delivery> = Vec::new();
        for delivery in &self.waiting {
            // Only the first of each case can go.
            let first = seen.insert((&delivery.receiver, &delivery.notice.key));
            let busy = self.busy.iter().any(|(receiver, _)| *receiver == delivery.receiver);
            let begun = started.iter().any(|other| other.receiver == delivery.receiver);
            if first && !busy && !begun && delivery.next <= clock.steady {
                started.push(delivery.clone());
            }
        }
        self.busy.extend(started.iter().map(|delivery| (delivery.receiver.clone(), delivery.id.clone())));
        started
    }

    /// What came of an attempt. The delivery as it is to be kept now; it is over if it was delivered or given up.
    pub fn done(&mut self, id: &str, result: Result<(), Failure>, clock: Clock) -> Option<(Delivery, bool)> {
        self.busy.retain(|(_, other)| other != id);
        let place = self.waiting.iter().position(|delivery| delivery.id == id)?;
        let failure = match result {
            Ok(()) => {
                let mut delivery = self.waiting.remove(place);
                delivery.delivered = Some(clock.wall);
                delivery.problem = None;
                return Some((delivery, true));
            }
            Err(failure) => failure,
        };
        let delivery = &mut self.waiting[place];
        delivery.attempts = delivery.attempts.saturating_add(1);
        delivery.problem = Some(failure.problem);
        let age = clock.wall.saturating_sub(delivery.made);
        if age > if failure.refused { REFUSED } else { AGE } || delivery.notice.phase == Phase::Refresh {
            return Some((self.waiting.remove(place), true));
        }
        let after = failure.after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(LONGEST).min(LONGEST));
        delivery.next = clock.steady.saturating_add(wait(&delivery.id, delivery.attempts).max(after));
        Some((delivery.clone(), false))
    }

    /// The steady time of the next attempt.
    pub fn next(&self) -> Option<u64> {
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        let free = |delivery: &&Delivery| !self.busy.iter().any(|(receiver, _)| *receiver == delivery.receiver);
        let first = self.waiting.iter().filter(|delivery| seen.insert((&delivery.receiver, &delivery.notice.key)));
        first.filter(free).map(|delivery| delivery.next).min()
    }

    /// What waits.
    pub fn waiting(&self) -> &[Delivery] {
        &self.waiting
    }
}

fn given_up(delivery: Delivery, why: &str) -> Delivery {
    Delivery { problem: Some(why.into()), ..delivery }
}

/// Milliseconds before the next attempt: the doubled time, less up to half of it.
fn wait(id: &str, attempts: u32) -> u64 {
    let whole = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST);
    let bytes = id.bytes().chain(attempts.to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    whole - (hash >> 11) % (whole / 2)
}
