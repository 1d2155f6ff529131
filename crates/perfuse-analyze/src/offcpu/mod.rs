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

mod switch;

use std::collections::BTreeMap;

use crate::profile::{Profile, ProfileEvent, ProfileSample, WeightUnit};

pub use switch::{Switch, SwitchFields};

/// Name of the event of the samples that [`OffCpu`] makes.
pub const EVENT: &str = "off-cpu";

/// Which absences are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absence {
    /// Waiting for anything but a CPU: sleeping, blocked, stopped.
    #[default]
    Blocked,
    /// Waiting for a CPU.
    Runnable,
    /// Both.
    Any,
}

/// A thread that left a CPU.
#[derive(Debug, Clone, Copy)]
struct Away {
    /// Index of the sample that was taken when it went.
    sample: usize,
    /// Nanoseconds.
    time: u64,
    /// Whether it could have gone on: it waits for a CPU.
    runnable: bool,
}

/// What could not be weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unknown {
    /// Absences that had not ended when the recording did.
    pub open: u64,
    /// Absences whose end was not seen, though the thread left again: where not all CPUs are watched, a thread that comes
    /// after one that is not watched comes unseen.
    pub unseen: u64,
    /// Absences that ended before they began: the clocks of the CPUs differ.
    pub backwards: u64,
}

/// The state of all threads while the switches come by, in the order of time.
#[derive(Debug, Default)]
pub struct OffCpu {
    away: BTreeMap<i32, Away>,
    wanted: Absence,
    /// Index of the sample at each departure, and how long the absence was in nanoseconds.
    found: Vec<(usize, u64)>,
    unseen: u64,
    backwards: u64,
}

impl OffCpu {
    /// A recording in which nothing has happened yet.
    pub fn new(wanted: Absence) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// A thread, by its thread id, leaves a CPU at `time` nanoseconds; `sample` is the index of the profile's sample that
    /// was taken then. `runnable` if it could have gone on (`prev_state` of the event is `R`). The idle thread, 0, never
    /// waits.
    pub fn leaves(&mut self, tid: i32, sample: usize, time: u64, runnable: bool) {
        if tid != 0 {
            let before = self.away.insert(tid, Away { sample, time, runnable });
            self.unseen += u64::from(before.is_some());
        }
    }

    /// The thread that left just now could have gone on.
    pub fn was_preempted(&mut self, tid: i32) {
        if let Some(away) = self.away.get_mut(&tid) {
            away.runnable = true;
        }
    }

    /// A thread comes back, at `time` nanoseconds.
    pub fn comes(&mut self, tid: i32, time: u64) {
        let Some(left) = self.away.remove(&tid) else { return };
        let wanted = match self.wanted {
            Absence::Blocked => !left.runnable,
            Absence::Runnable => left.runnable,
            Absence::Any => true,
        };
        match time.checked_sub(left.time) {
            Some(weight) if wanted => self.found.push((left.sample, weight)),
            Some(_) => {}
            None => self.backwards += u64::from(wanted),
        }
    }

    /// Puts the absences, in nanoseconds, in place of the profile's samples.
    pub fn finish(mut self, profile: &mut Profile) -> Unknown {
        self.found.sort_unstable();
        let weighed = |(index, weight): &(usize, u64)| -> Option<ProfileSample> {
            Some(ProfileSample { event: 0, weight: *weight, ..*profile.samples.get(*index)? })
        };
        profile.samples = self.found.iter().filter_map(weighed).collect();
        profile.events = vec![ProfileEvent { name: EVENT.to_owned(), unit: WeightUnit::Nanoseconds }];
        Unknown { open: self.away.len() as u64, unseen: self.unseen, backwards: self.backwards }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::ProfileThread;

    /// Time and weight of the absences, of switches as samples at the times 0, 10, 20 ...
    fn absences(off: OffCpu) -> (Vec<(u64, u64)>, Unknown) {
        let mut profile = Profile::default();
        let thread = profile.add_thread(&ProfileThread { pid: 7, tid: 7, comm: "a".to_owned() });
        for time in (0..100).step_by(10) {
            profile.samples.push(ProfileSample { event: 3, thread, node: None, time, cpu: Some(1), weight: 1 });
        }
        let unknown = off.finish(&mut profile);
        assert_eq!(profile.events[0].unit, WeightUnit::Nanoseconds);
        assert!(profile.samples.iter().all(|sample| sample.event == 0));
        (profile.samples.iter().map(|sample| (sample.time, sample.weight)).collect(), unknown)
    }

    #[test]
    fn an_absence_lasts_from_the_switch_out_to_the_switch_in() {
        let mut off = OffCpu::new(Absence::Blocked);
        off.comes(7, 5);
        off.leaves(7, 1, 10, false);
        off.leaves(8, 2, 20, false);
        off.comes(8, 100);
        off.comes(7, 35);
        off.comes(7, 40);
        off.leaves(7, 5, 50, false);
        assert_eq!(absences(off), (vec![(10, 25), (20, 80)], Unknown { open: 1, ..Unknown::default() }));
    }

    #[test]
    fn waiting_for_a_cpu_is_another_thing_than_being_blocked() {
        let both = vec![(10, 10), (30, 5)];
        for (wanted, expected) in
            [(Absence::Blocked, vec![(30, 5)]), (Absence::Runnable, vec![(10, 10)]), (Absence::Any, both)]
        {
            let mut off = OffCpu::new(wanted);
            off.leaves(7, 1, 10, false);
            off.was_preempted(7);
            off.comes(7, 20);
            off.leaves(7, 3, 30, false);
            off.comes(7, 35);
            assert_eq!(absences(off).0, expected);
        }
    }

    #[test]
    fn a_thread_that_leaves_twice_came_back_unseen() {
        let mut off = OffCpu::new(Absence::Any);
        off.leaves(7, 1, 10, false);
        off.leaves(7, 3, 30, false);
        off.comes(7, 35);
        assert_eq!(absences(off), (vec![(30, 5)], Unknown { unseen: 1, ..Unknown::default() }));
    }

    #[test]
    fn the_idle_thread_and_clocks_that_go_back_count_for_nothing() {
        let mut off = OffCpu::new(Absence::Any);
        off.leaves(0, 0, 1, true);
        off.comes(0, 9);
        off.leaves(7, 1, 10, false);
        off.comes(7, 9);
        assert_eq!(absences(off), (vec![], Unknown { backwards: 1, ..Unknown::default() }));
    }
}
