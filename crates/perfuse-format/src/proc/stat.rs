//! `/proc/stat`: CPU time by state, in clock ticks (proc(5)).

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, lines, unsigned};

/// CPU time of one CPU, or of all, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// User mode, guests included.
    pub user: u64,
    /// User mode at low priority, guests included.
    pub nice: u64,
    /// Kernel mode.
    pub system: u64,
    /// Idle.
    pub idle: u64,
    /// Idle while a task of this CPU waits for I/O; not reliable (proc(5)), and on the idle side here.
    pub iowait: u64,
    /// Hard interrupts.
    pub irq: u64,
    /// Soft interrupts.
    pub softirq: u64,
    /// Taken by the hypervisor for others.
    pub steal: u64,
}

impl CpuTimes {
    /// Ticks in which the CPU did work. Steal and iowait are on the idle side.
    pub fn busy(&self) -> u64 {
        self.user + self.nice + self.system + self.irq + self.softirq
    }

    /// All ticks.
    pub fn total(&self) -> u64 {
        self.busy() + self.idle + self.iowait + self.steal
    }
}

/// The parts of `/proc/stat` that are sampled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcStat {
    /// All CPUs together; keeps the time of CPUs that went offline.
    pub all: CpuTimes,
    /// Each online CPU by number.
    pub cpus: BTreeMap<u32, CpuTimes>,
    /// Context switches since boot.
    pub context_switches: Option<u64>,
    /// Forks since boot.
    pub forks: Option<u64>,
    /// Runnable tasks now, the running ones included.
    pub running: Option<u64>,
    /// Tasks blocked in I/O now.
    pub blocked: Option<u64>,
    /// Interrupts since boot.
    pub interrupts: Option<u64>,
    /// Seconds since 1970 at boot.
    pub boot_time_s: Option<u64>,
}

impl FromBytes for ProcStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut stat = Self::default();
        let mut all = None;
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let Some(key) = parts.next() else { continue };
            let first = |parts: &mut dyn Iterator<Item = &[u8]>| parts.next().and_then(unsigned);
            match key {
                b"cpu" => all = Some(times(parts).ok_or_else(|| ParseError::new(number, "CPU times", line))?),
                b"ctxt" => stat.context_switches = first(&mut parts),
                b"processes" => stat.forks = first(&mut parts),
                b"procs_running" => stat.running = first(&mut parts),
                b"procs_blocked" => stat.blocked = first(&mut parts),
                b"intr" => stat.interrupts = first(&mut parts),
                b"btime" => stat.boot_time_s = first(&mut parts),
                _ => {
                    let cpu = key.strip_prefix(b"cpu").and_then(unsigned).and_then(|n| u32::try_from(n).ok());
                    if let Some(cpu) = cpu {
                        let times = times(parts).ok_or_else(|| ParseError::new(number, "CPU times", line))?;
                        stat.cpus.insert(cpu, times);
                    }
                }
            }
        }
        stat.all = all.ok_or_else(|| ParseError::new(1, "a `cpu` line", bytes))?;
        Ok(stat)
    }
}

/// The eight times of a line; kernels before 2.6.11 have fewer, and what is not there is 0.
fn times<'a>(mut parts: impl Iterator<Item = &'a [u8]>) -> Option<CpuTimes> {
    let mut next = || -> Option<u64> { parts.next().map_or(Some(0), |field| unsigned(field).filter(|n| *n < 1 << 60)) };
    Some(CpuTimes {
        user: next()?,
        nice: next()?,
        system: next()?,
        idle: next()?,
        iowait: next()?,
        irq: next()?,
        softirq: next()?,
        steal: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_keep_their_numbers_when_one_is_offline() {
        let text = b"cpu  10 1 5 100 2 0 1 3 0 0\ncpu0 4 0 2 50 1 0 1 1 0 0\ncpu2 6 1 3 50 1 0 0 2 0 0\nintr 99 1 2\nctxt 7\nbtime 5\nprocesses 3\nprocs_running 2\nprocs_blocked 1\n";
        let stat = ProcStat::from_bytes(text).unwrap();
        assert_eq!(stat.cpus.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(stat.all.busy(), 17);
        assert_eq!(stat.all.total(), 122);
        assert_eq!((stat.running, stat.blocked, stat.interrupts), (Some(2), Some(1), Some(99)));
    }

    #[test]
    fn no_cpu_line_is_an_error_and_no_single_cpus_is_not() {
        assert!(ProcStat::from_bytes(b"").is_err());
        assert!(ProcStat::from_bytes(b"cpu a b\n").is_err());
        assert!(ProcStat::from_bytes(b"cpu  1 2 3 4\n").unwrap().cpus.is_empty());
    }
}
