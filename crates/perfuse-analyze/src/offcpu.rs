//! Off-CPU time: how long threads were away from the CPUs, and in which stack they went.
//!
//! ```text
//!   CPU 0   ──A──┤switch A→B├──B──┤switch B→A├──A──
//!                 t=10, stack of A  t=35
//!   A was off CPU for 25, in the stack that it had at 10
//! ```
//!
//! `sched:sched_switch` is sampled in the thread that goes, with its stack; the fields of the event name the thread
//! that comes. Of a thread that has not come back when the recording ends, nobody knows how long it stays away: it is
//! counted, not weighed.

use std::collections::BTreeMap;

use crate::profile::{NodeId, Profile, ProfileEvent, ProfileSample, WeightUnit};

/// Name of the event of the samples that [`OffCpu`] makes.
pub const EVENT: &str = "off-cpu";

/// Who left a CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaving {
    /// Index of the thread in the profile.
    pub thread: u32,
    /// Its stack.
    pub node: Option<NodeId>,
    /// CPU that it left.
    pub cpu: Option<u32>,
    /// Nanoseconds.
    pub time: u64,
    /// Whether it could have gone on (`prev_state` of the event is `R`): it waited for a CPU, not for anything else.
    pub runnable: bool,
}

/// Which absences are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absence {
    /// Waiting for anything: sleeping, blocked, stopped.
    #[default]
    Blocked,
    /// Waiting for a CPU.
    Runnable,
    /// Both.
    Any,
}

/// The state of all threads while the switches come by, in the order of time.
#[derive(Debug, Default)]
pub struct OffCpu {
    away: BTreeMap<i32, Leaving>,
    wanted: Absence,
    samples: Vec<ProfileSample>,
    /// Threads that came back before the time at which they went: the clocks of the CPUs differ.
    pub backwards: u64,
}

impl OffCpu {
    /// A recording in which nothing has happened yet.
    pub fn new(wanted: Absence) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// A thread, by its thread id, leaves a CPU. The idle thread, 0, never waits.
    pub fn leaves(&mut self, tid: i32, leaving: Leaving) {
        if tid != 0 {
            self.away.insert(tid, leaving);
        }
    }

    /// A thread comes back, at a time in nanoseconds.
    pub fn comes(&mut self, tid: i32, time: u64) {
        let Some(left) = self.away.remove(&tid) else { return };
        let wanted = match self.wanted {
            Absence::Blocked => !left.runnable,
            Absence::Runnable => left.runnable,
            Absence::Any => true,
        };
        if !wanted {
            return;
        }
        let Some(weight) = time.checked_sub(left.time) else {
            self.backwards += 1;
            return;
        };
        let Leaving { thread, node, cpu, time, .. } = left;
        self.samples.push(ProfileSample { event: 0, thread, node, time, cpu, weight });
    }

    /// Puts the absences in place of the profile's samples; how many threads had not come back. The weights are
    /// nanoseconds.
    pub fn finish(mut self, profile: &mut Profile) -> u64 {
        self.samples.sort_by_key(|sample| sample.time);
        profile.events = vec![ProfileEvent { name: EVENT.to_owned(), unit: WeightUnit::Nanoseconds }];
        profile.samples = self.samples;
        self.away.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(time: u64, runnable: bool) -> Leaving {
        Leaving { thread: 3, node: Some(NodeId(5)), cpu: Some(1), time, runnable }
    }

    fn weights(off: OffCpu) -> (Vec<(u64, u64)>, u64) {
        let mut profile = Profile::default();
        let away = off.finish(&mut profile);
        assert_eq!(profile.events[0].unit, WeightUnit::Nanoseconds);
        (profile.samples.iter().map(|sample| (sample.time, sample.weight)).collect(), away)
    }

    #[test]
    fn an_absence_lasts_from_the_switch_out_to_the_switch_in() {
        let mut off = OffCpu::new(Absence::Blocked);
        off.comes(7, 5);
        off.leaves(7, left(10, false));
        off.leaves(8, left(11, false));
        off.comes(8, 100);
        off.comes(7, 35);
        off.comes(7, 40);
        off.leaves(7, left(50, false));
        assert_eq!(weights(off), (vec![(10, 25), (11, 89)], 1));
    }

    #[test]
    fn waiting_for_a_cpu_is_another_thing_than_being_blocked() {
        for (wanted, expected) in [
            (Absence::Blocked, vec![(30, 5)]),
            (Absence::Runnable, vec![(10, 10)]),
            (Absence::Any, vec![(10, 10), (30, 5)]),
        ] {
            let mut off = OffCpu::new(wanted);
            off.leaves(7, left(10, true));
            off.comes(7, 20);
            off.leaves(7, left(30, false));
            off.comes(7, 35);
            assert_eq!(weights(off).0, expected);
        }
    }

    #[test]
    fn the_idle_thread_and_clocks_that_go_back_count_for_nothing() {
        let mut off = OffCpu::new(Absence::Any);
        off.leaves(0, left(1, true));
        off.comes(0, 9);
        off.leaves(7, left(10, false));
        off.comes(7, 9);
        assert_eq!(off.backwards, 1);
        assert_eq!(weights(off), (vec![], 0));
    }
}
