//! What runs on the CPUs, by samples of a clock: few enough to cost nothing, and counted by stack.

use std::collections::BTreeMap;

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind, sample_type};

use super::event::{OpenFlags, PerfEvent};
use super::ring::{Ring, each_record};
use super::{Errno, cpus};
use crate::Root;

/// Samples a second of each CPU: beside the beat of timers, so that what they do is not always or never seen.
pub const HZ: u64 = 49;
/// `PERF_COUNT_SW_CPU_CLOCK`.
const CPU_CLOCK: u64 = 0;
/// Bytes of a ring: several seconds of the deepest stacks.
const RING: usize = 512 << 10;
/// Distinct stacks that are kept.
const MOST: usize = 20_000;
/// `PERF_RECORD_SAMPLE`.
const SAMPLE: u32 = 9;
/// `PERF_CONTEXT_KERNEL` and `PERF_CONTEXT_USER`: the addresses after it are of the kernel, of the program.
const CONTEXT_KERNEL: u64 = (-128_i64).cast_unsigned();
const CONTEXT_USER: u64 = (-512_i64).cast_unsigned();
/// `PERF_CONTEXT_MAX`: what is at least this is a mark and no address.
const CONTEXT_MAX: u64 = (-4095_i64).cast_unsigned();

/// A stack of a process: addresses, the innermost first; those of the kernel stand before those of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sampled {
    /// Process.
    pub pid: u32,
    /// In the kernel.
    pub kernel: Vec<u64>,
    /// In the program.
    pub user: Vec<u64>,
}

/// Samplers of all CPUs. Dropping it ends them.
#[derive(Debug)]
pub struct OnCpuSampler {
    rings: Vec<(PerfEvent, Ring)>,
    scratch: Vec<u8>,
}

impl OnCpuSampler {
    /// Starts to sample every process on every CPU; needs the right to watch others (`CAP_PERFMON`).
    pub fn start(root: &Root) -> Result<Self, Errno> {
        let attr = EventAttr {
            kind: kind::SOFTWARE,
            config: CPU_CLOCK,
            sample_period: HZ,
            sample_type: sample_type::IP | sample_type::TID | sample_type::CALLCHAIN,
            flags: flag::FREQ | flag::EXCLUDE_IDLE,
            ..EventAttr::default()
        };
        let mut rings = Vec::new();
        for cpu in cpus::online(root) {
            let event = PerfEvent::open(&attr, -1, cpu, None, OpenFlags::NONE).map_err(|error| error.errno)?;
            let ring = Ring::map(&event, RING, false).map_err(|errno| Errno(errno.raw_os_error()))?;
            rings.push((event, ring));
        }
        Ok(Self { rings, scratch: Vec::new() })
    }

    /// Adds the samples since the last call to `counts`.
    pub fn drain(&mut self, counts: &mut BTreeMap<Sampled, u64>) {
        let scratch = &mut self.scratch;
        for (_, ring) in &mut self.rings {
            let taken: Result<u64, std::convert::Infallible> = ring.drain(|unread| {
                each_record(unread, scratch, |record| {
                    if let Some(sampled) = sample(record)
                        && (counts.len() < MOST || counts.contains_key(&sampled))
                    {
                        *counts.entry(sampled).or_default() += 1;
                    }
                });
                Ok(())
            });
            let Ok(_) = taken;
        }
    }
}

/// Reads a record; nothing if it is no whole sample.
fn sample(record: &[u8]) -> Option<Sampled> {
    let long = |at: usize| Some(u64::from_ne_bytes(*record.get(at..)?.first_chunk::<8>()?));
    let short = |at: usize| Some(u32::from_ne_bytes(*record.get(at..)?.first_chunk::<4>()?));
    if short(0)? != SAMPLE {
        return None;
    }
    // Header, instruction pointer, process and thread, number of addresses, addresses.
    let pid = short(16)?;
    let count = usize::try_from(long(24)?).ok()?;
    let chain = record.get(32..32_usize.checked_add(count.checked_mul(8)?)?)?;
    let mut sampled = Sampled { pid, ..Sampled::default() };
    let mut in_kernel = false;
    for address in chain.chunks_exact(8).filter_map(|bytes| bytes.try_into().ok()).map(u64::from_ne_bytes) {
        match address {
            CONTEXT_KERNEL => in_kernel = true,
            CONTEXT_USER => in_kernel = false,
            mark if mark >= CONTEXT_MAX => {}
            address if in_kernel => sampled.kernel.push(address),
            address => sampled.user.push(address),
        }
    }
    Some(sampled)
}

#[cfg(test)]
mod tests {
    use perfuse_testkit::{gate, need};

    use super::*;

    fn record(pid: u32, chain: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(SAMPLE.to_ne_bytes());
        bytes.extend([0; 12]);
        bytes.extend(pid.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend((chain.len() as u64).to_ne_bytes());
        bytes.extend(chain.iter().flat_map(|address| address.to_ne_bytes()));
        bytes
    }

    #[test]
    fn kernel_and_program_are_told_apart() {
        let bytes = record(7, &[CONTEXT_KERNEL, 1, 2, CONTEXT_USER, 3]);
        let expected = Sampled { pid: 7, kernel: vec![1, 2], user: vec![3] };
        assert_eq!(sample(&bytes), Some(expected));
        for end in 0..bytes.len() {
            assert_eq!(sample(&bytes[..end]), None, "{end}");
        }
        let mut huge = bytes;
        huge[24..32].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert_eq!(sample(&huge), None);
    }

    #[test]
    fn whoever_works_is_seen() {
        need!(gate::root());
        let mut sampler = match OnCpuSampler::start(&Root::default()) {
            Ok(sampler) => sampler,
            Err(error) => perfuse_testkit::skip!("{error:?}"),
        };
        let mut counts = BTreeMap::new();
        let begin = std::time::Instant::now();
        let own = |counts: &BTreeMap<Sampled, u64>| counts.keys().any(|one| one.pid == std::process::id());
        while !own(&counts) && begin.elapsed() < std::time::Duration::from_secs(30) {
            std::hint::black_box((0..1_000_000_u64).fold(0, |sum, value| sum ^ std::hint::black_box(value)));
            sampler.drain(&mut counts);
        }
        assert!(own(&counts), "{counts:?}");
    }
}
