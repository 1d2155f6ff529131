//! Values of counters, as they are read from the kernel and as STAT records of `perf stat record` hold them.

/// Where a value was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CountPlace {
    /// The CPU; -1 for any, where a task was counted wherever it ran.
    pub cpu: i32,
    /// Index of the task among those that are measured; 0 where all tasks of a CPU are counted.
    pub thread: usize,
}

/// One value of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountValue {
    /// Events, or nanoseconds of a clock; not scaled.
    pub value: u64,
    /// Nanoseconds that the counter was enabled.
    pub enabled: u64,
    /// Nanoseconds of these that it was on the hardware. Less than `enabled` where counters took turns.
    pub running: u64,
}

impl CountValue {
    /// What was counted since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            value: self.value.saturating_sub(before.value),
            enabled: self.enabled.saturating_sub(before.enabled),
            running: self.running.saturating_sub(before.running),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            value: self.value.saturating_add(other.value),
            enabled: self.enabled.saturating_add(other.enabled),
            running: self.running.saturating_add(other.running),
        }
    }
}

/// The values of one event at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventCounts {
    /// Whether the event could be opened; if not, `values` has a zero for every place it was asked for.
    pub supported: bool,
    /// By CPU, and by task on it.
    pub values: Vec<(CountPlace, CountValue)>,
}

/// Where a CPU stands in the machine, from `/sys/devices/system/cpu/cpuN/topology` and `/sys/devices/system/node`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct CpuPosition {
    /// `physical_package_id`.
    pub socket: i32,
    /// `die_id`.
    pub die: i32,
    /// `core_id`, unique within the die.
    pub core: i32,
    /// The NUMA node.
    pub node: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_and_sums_do_not_wrap() {
        let small = CountValue { value: 1, enabled: 2, running: 3 };
        let big = CountValue { value: u64::MAX, enabled: 10, running: 5 };
        assert_eq!(small.since(big), CountValue::default());
        assert_eq!(big.plus(small), CountValue { value: u64::MAX, enabled: 12, running: 8 });
        assert_eq!(big.since(small).enabled, 8);
    }
}
