//! `perf_event_open(2)`: the one door to the kernel's counters and samples, and what stands around a measurement:
//! the measured command, the CPUs and the threads.

pub mod cgroup;
pub mod clock;
pub mod counters;
pub mod cpus;
mod error;
mod event;
pub mod function;
pub mod oncpu;
pub mod pmu;
pub mod probes;
pub mod record;
pub mod ring;
pub mod stored;
pub mod synth;
pub mod tasks;
pub mod tracepoints;
pub mod uprobes;
pub mod vendor;
pub mod workload;

pub use crate::bpf::door::Errno;
pub use error::{OpenError, Reason};
pub use event::{Count, Counts, OpenFlags, PerfEvent};
pub use workload::{Ended, Workload, WorkloadError, WorkloadOptions};
