//! What an event is to the other events: which ratios it takes part in.

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};

/// A cache whose misses are told in percent of its accesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheLevel {
    /// First level, data.
    L1Data,
    /// First level, instructions.
    L1Instructions,
    /// Last level.
    Last,
    /// Translations of data addresses.
    DataTlb,
    /// Translations of instruction addresses.
    InstructionTlb,
}

/// The part that an event plays in ratios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `cpu-clock` and `task-clock`, in nanoseconds: what rates are rates of.
    Clock,
    /// CPU cycles.
    Cycles,
    /// Instructions.
    Instructions,
    /// Branches.
    Branches,
    /// Mispredicted branches.
    BranchMisses,
    /// Accesses of the last level cache, as the generic event counts them.
    CacheReferences,
    /// Misses of the same.
    CacheMisses,
    /// Cycles in which the front end gave nothing.
    StalledFrontend,
    /// Cycles in which the back end took nothing.
    StalledBackend,
    /// Reads of a cache.
    CacheReads(CacheLevel),
    /// Reads that missed.
    CacheReadMisses(CacheLevel),
    /// Any other event.
    Other,
}

impl Role {
    /// By the attribute: `PERF_COUNT_HW_*`, `PERF_COUNT_SW_*` and `PERF_COUNT_HW_CACHE_*`.
    pub fn of(attr: &EventAttr) -> Self {
        match (attr.kind, attr.config) {
            (kind::SOFTWARE, 0 | 1) => Self::Clock,
            (kind::HARDWARE, 0) => Self::Cycles,
            (kind::HARDWARE, 1) => Self::Instructions,
            (kind::HARDWARE, 2) => Self::CacheReferences,
            (kind::HARDWARE, 3) => Self::CacheMisses,
            (kind::HARDWARE, 4) => Self::Branches,
            (kind::HARDWARE, 5) => Self::BranchMisses,
            (kind::HARDWARE, 7) => Self::StalledFrontend,
            (kind::HARDWARE, 8) => Self::StalledBackend,
            (kind::HW_CACHE, config) => Self::of_cache(config),
            _ => Self::Other,
        }
    }

    /// `cache | operation << 8 | result << 16`; operation 0 reads, result 0 are accesses and 1 misses.
    fn of_cache(config: u64) -> Self {
        let level = match config & 0xff {
            0 => CacheLevel::L1Data,
            1 => CacheLevel::L1Instructions,
            2 => CacheLevel::Last,
            3 => CacheLevel::DataTlb,
            4 => CacheLevel::InstructionTlb,
            _ => return Self::Other,
        };
        match config >> 8 {
            0x000 => Self::CacheReads(level),
            0x100 => Self::CacheReadMisses(level),
            _ => Self::Other,
        }
    }
}

/// One event as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedEvent {
    /// Its name, with modifiers, as it was asked for.
    pub name: String,
    /// Unit of the value times `scale`: `msec`, `Joules`; often empty.
    pub unit: String,
    /// What a count is multiplied with: 1e-6 for clocks, which count nanoseconds.
    pub scale: f64,
    /// Its part in ratios.
    pub role: Role,
    /// What it leaves out (user, kernel, hypervisor, host, idle): ratios are between events that leave out the same.
    pub context: u64,
    /// The cgroup that it is counted in.
    pub cgroup: Option<String>,
    /// With a row for each CPU, the CPUs of a core are one (`percore`).
    pub percore: bool,
}

/// The flags that [`CountedEvent::context`] is made of.
const CONTEXT: u64 =
    flag::EXCLUDE_USER | flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV | flag::EXCLUDE_IDLE | flag::EXCLUDE_HOST;

impl CountedEvent {
    /// An event of an attribute. Clocks are shown in milliseconds; other units come with the event.
    pub fn new(name: impl Into<String>, attr: &EventAttr) -> Self {
        let role = Role::of(attr);
        let (unit, scale) = if role == Role::Clock { ("msec", 1e-6) } else { ("", 1.0) };
        Self {
            name: name.into(),
            unit: unit.to_owned(),
            scale,
            role,
            context: attr.flags & CONTEXT,
            cgroup: None,
            percore: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_attributes() {
        let role = |kind, config| Role::of(&EventAttr { kind, config, ..EventAttr::default() });
        assert_eq!(role(kind::SOFTWARE, 1), Role::Clock);
        assert_eq!(role(kind::SOFTWARE, 3), Role::Other);
        assert_eq!(role(kind::HARDWARE, 5), Role::BranchMisses);
        assert_eq!(role(kind::HW_CACHE, 2), Role::CacheReads(CacheLevel::Last));
        assert_eq!(role(kind::HW_CACHE, 0x1_0003), Role::CacheReadMisses(CacheLevel::DataTlb));
        assert_eq!(role(kind::HW_CACHE, 0x1_0100), Role::Other, "a write");
        assert_eq!(role(kind::HW_CACHE, 5), Role::Other);
        assert_eq!(role(kind::RAW, 0), Role::Other);
        let clock =
            EventAttr { kind: kind::SOFTWARE, flags: flag::EXCLUDE_KERNEL | flag::INHERIT, ..EventAttr::default() };
        let event = CountedEvent::new("cpu-clock:u", &clock);
        assert_eq!((event.unit.as_str(), event.scale, event.context), ("msec", 1e-6, flag::EXCLUDE_KERNEL));
    }
}
