//! From values by CPU and task to one value per place that is shown.

use std::collections::BTreeMap;

use perfuse_format::perfdata::{CountPlace, CountValue, CpuPosition, EventCounts};

/// What one row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aggregation {
    /// Everything together.
    #[default]
    Global,
    /// A CPU (`-A`).
    Cpu,
    /// A physical core.
    Core,
    /// A die.
    Die,
    /// A socket.
    Socket,
    /// A NUMA node.
    Node,
    /// A thread.
    Thread,
}

/// The place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Everything.
    All,
    /// This CPU.
    Cpu(i32),
    /// Socket, die and core, where other rows are CPUs (`percore`).
    Percore(i32, i32, i32),
    /// Socket, die and core.
    Core(i32, i32, i32),
    /// Socket and die.
    Die(i32, i32),
    /// Socket.
    Socket(i32),
    /// NUMA node.
    Node(i32),
    /// Index of the thread.
    Thread(usize),
}

/// How values become rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// What one row stands for.
    pub aggregation: Aggregation,
    /// Where the CPUs are. One that is not in it counts as position 0.
    pub positions: BTreeMap<i32, CpuPosition>,
    /// Whether values of counters that took turns are not scaled up (`--no-scale`).
    pub unscaled: bool,
    /// Whether each CPU of a core shows the sum of an event that is counted per core (`--percore-show-thread`).
    pub percore_threads: bool,
}

impl Layout {
    /// The place of a value.
    pub(super) fn place(&self, at: CountPlace) -> Place {
        let position = || self.positions.get(&at.cpu).copied().unwrap_or_default();
        match self.aggregation {
            Aggregation::Global => Place::All,
            Aggregation::Cpu => Place::Cpu(at.cpu),
            Aggregation::Thread => Place::Thread(at.thread),
            Aggregation::Core => Place::Core(position().socket, position().die, position().core),
            Aggregation::Die => Place::Die(position().socket, position().die),
            Aggregation::Socket => Place::Socket(position().socket),
            Aggregation::Node => Place::Node(position().node),
        }
    }
}

/// One event at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sum {
    pub(super) place: Place,
    /// CPUs that are in it; as perf, those up to the first that did not count.
    pub(super) cpus: usize,
    /// The estimate of the full count, or that nothing was counted.
    pub(super) value: Option<f64>,
    /// Nanoseconds enabled and running.
    pub(super) enabled: f64,
    pub(super) running: f64,
}

/// What a counter would have counted, had it been on the hardware all the time; `None` if it never was.
fn scaled(value: CountValue, unscaled: bool) -> Option<f64> {
    let CountValue { value, enabled, running } = value;
    if enabled == 0 || running == 0 {
        None
    } else if unscaled || running >= enabled {
        Some(value as f64)
    } else {
        // Cut, as counts are whole.
        Some((value as f64 * enabled as f64 / running as f64).floor())
    }
}

/// The rows of an event whose counts on the CPUs of a core are one, in a table of CPUs.
pub(super) fn sums_per_core(counts: &EventCounts, layout: &Layout) -> Vec<Sum> {
    let by_core = Layout { aggregation: Aggregation::Core, ..layout.clone() };
    let cores = sums(counts, &by_core);
    if layout.percore_threads {
        let of_cpu = |(at, _): &(CountPlace, CountValue)| {
            let core = cores.iter().find(|core| core.place == by_core.place(*at))?;
            Some(Sum { place: Place::Cpu(at.cpu), ..*core })
        };
        return counts.values.iter().filter_map(of_cpu).collect();
    }
    let alone = |core: &Sum| match core.place {
        Place::Core(socket, die, number) => Sum { place: Place::Percore(socket, die, number), ..*core },
        _ => *core,
    };
    cores.iter().map(alone).collect()
}

/// The rows of one event, by place. Global values are scaled by the times of all; others each by their own, as perf does.
pub(super) fn sums(counts: &EventCounts, layout: &Layout) -> Vec<Sum> {
    let mut places: BTreeMap<Place, Vec<(i32, CountValue)>> = BTreeMap::new();
    for (at, value) in &counts.values {
        places.entry(layout.place(*at)).or_default().push((at.cpu, *value));
    }
    places
        .into_iter()
        .map(|(place, values)| match place {
            Place::All => global(place, &values, layout.unscaled),
            _ => by_place(place, &values, layout.unscaled),
        })
        .collect()
}

fn global(place: Place, values: &[(i32, CountValue)], unscaled: bool) -> Sum {
    let total = values.iter().fold(CountValue::default(), |total, (_, value)| total.plus(*value));
    let value = scaled(total, unscaled);
    Sum { place, cpus: 0, value, enabled: total.enabled as f64, running: total.running as f64 }
}

fn by_place(place: Place, values: &[(i32, CountValue)], unscaled: bool) -> Sum {
    let mut sum = Sum { place, cpus: 0, value: Some(0.0), enabled: 0.0, running: 0.0 };
    let mut last_cpu = None;
    for (cpu, value) in values {
        if last_cpu != Some(*cpu) {
            sum.cpus += 1;
            last_cpu = Some(*cpu);
        }
        let Some(part) = scaled(*value, unscaled) else {
            // A thread may not have run at all, on one of the CPUs or anywhere; a CPU that did not count spoils its row.
            if matches!(place, Place::Thread(_)) {
                continue;
            }
            return Sum { value: None, enabled: 0.0, running: 0.0, ..sum };
        };
        sum.value = sum.value.map(|total| total + part);
        sum.enabled += value.enabled as f64;
        sum.running += value.running as f64;
    }
    if sum.running == 0.0 { Sum { value: None, ..sum } } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cpu: i32, thread: usize, value: u64, enabled: u64, running: u64) -> (CountPlace, CountValue) {
        (CountPlace { cpu, thread }, CountValue { value, enabled, running })
    }

    fn layout(aggregation: Aggregation) -> Layout {
        let position = |socket, core| CpuPosition { socket, die: 0, core, node: socket };
        let positions =
            BTreeMap::from([(0, position(0, 0)), (1, position(0, 0)), (2, position(0, 1)), (3, position(1, 0))]);
        Layout { aggregation, positions, ..Layout::default() }
    }

    fn shown(counts: Vec<(CountPlace, CountValue)>, layout: &Layout) -> Vec<(Place, usize, Option<f64>)> {
        let counts = EventCounts { supported: true, values: counts };
        sums(&counts, layout).iter().map(|sum| (sum.place, sum.cpus, sum.value)).collect()
    }

    #[test]
    fn what_took_turns_is_scaled_up() {
        let value = |value, enabled, running| CountValue { value, enabled, running };
        assert_eq!(scaled(value(100, 1000, 250), false), Some(400.0));
        assert_eq!(scaled(value(100, 1000, 250), true), Some(100.0));
        assert_eq!(scaled(value(100, 1000, 1000), false), Some(100.0));
        assert_eq!(scaled(value(1, 10, 3), false), Some(3.0), "cut");
        assert_eq!(scaled(value(100, 1000, 0), false), None);
        assert_eq!(scaled(value(0, 0, 0), false), None);
    }

    #[test]
    fn all_together_is_scaled_by_the_times_of_all() {
        let counts = vec![at(0, 0, 100, 10, 10), at(1, 0, 50, 10, 5)];
        assert_eq!(shown(counts, &layout(Aggregation::Global)), [(Place::All, 0, Some(200.0))]);
    }

    #[test]
    fn rows_of_cores_and_sockets_count_their_cpus() {
        let counts = vec![at(0, 0, 1, 9, 9), at(1, 0, 2, 9, 9), at(2, 0, 4, 9, 9), at(3, 0, 8, 18, 9)];
        assert_eq!(
            shown(counts.clone(), &layout(Aggregation::Core)),
            [
                (Place::Core(0, 0, 0), 2, Some(3.0)),
                (Place::Core(0, 0, 1), 1, Some(4.0)),
                (Place::Core(1, 0, 0), 1, Some(16.0))
            ]
        );
        assert_eq!(
            shown(counts.clone(), &layout(Aggregation::Socket)),
            [(Place::Socket(0), 3, Some(7.0)), (Place::Socket(1), 1, Some(16.0))]
        );
        assert_eq!(shown(counts.clone(), &layout(Aggregation::Node))[1], (Place::Node(1), 1, Some(16.0)));
        assert_eq!(shown(counts.clone(), &layout(Aggregation::Die))[0], (Place::Die(0, 0), 3, Some(7.0)));
        assert_eq!(shown(counts, &layout(Aggregation::Cpu)).len(), 4);
    }

    #[test]
    fn cpus_of_a_core_can_be_one() {
        let counts = EventCounts {
            supported: true,
            values: vec![at(0, 0, 1, 9, 9), at(1, 0, 2, 9, 9), at(2, 0, 4, 9, 9), at(3, 0, 8, 9, 9)],
        };
        let shown = |layout: &Layout| {
            sums_per_core(&counts, layout).iter().map(|sum| (sum.place, sum.value.unwrap())).collect::<Vec<_>>()
        };
        let mut layout = layout(Aggregation::Cpu);
        assert_eq!(
            shown(&layout),
            [(Place::Percore(0, 0, 0), 3.0), (Place::Percore(0, 0, 1), 4.0), (Place::Percore(1, 0, 0), 8.0)]
        );
        layout.percore_threads = true;
        let cpus = [(0, 3.0), (1, 3.0), (2, 4.0), (3, 8.0)].map(|(cpu, value)| (Place::Cpu(cpu), value));
        assert_eq!(shown(&layout), cpus);
    }

    #[test]
    fn a_cpu_that_did_not_count_spoils_its_row_and_no_other() {
        let counts = vec![at(0, 0, 1, 9, 9), at(1, 0, 0, 0, 0), at(2, 0, 4, 9, 9)];
        assert_eq!(
            shown(counts, &layout(Aggregation::Core)),
            [(Place::Core(0, 0, 0), 2, None), (Place::Core(0, 0, 1), 1, Some(4.0))]
        );
    }

    #[test]
    fn a_thread_is_summed_over_the_cpus_where_it_ran() {
        let counts = vec![at(0, 0, 1, 9, 9), at(0, 1, 0, 0, 0), at(1, 0, 2, 9, 9), at(1, 1, 0, 0, 0)];
        let rows = shown(counts, &layout(Aggregation::Thread));
        assert_eq!(rows, [(Place::Thread(0), 2, Some(3.0)), (Place::Thread(1), 2, None)]);
    }
}
