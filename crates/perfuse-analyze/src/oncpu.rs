//! What processes worked on, as stacks: process name, then functions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perfuse_format::proc::oncpu::OnCpu;

use crate::folded;
use crate::profile::{Profile, WeightUnit};
use crate::run::Run;

/// The name of what is weighed.
const EVENT: &str = "cpu-clock";

/// The time on CPUs of the processes in `pids`, weighed by nanoseconds. Empty where nothing was sampled.
pub fn on_cpu(run: &Run, pids: &BTreeSet<u32>) -> Profile {
    let all: OnCpu = run.last(OnCpu::SOURCE).into_value().unwrap_or_default();
    let each = 1_000_000_000 / all.hz.max(1);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for ((pid, frames), count) in all.stacks.iter().filter(|((pid, _), _)| pids.contains(pid)) {
        let used = run.tasks.value().and_then(|tasks| tasks.processes.get(pid));
        let comm = used.map_or_else(|| pid.to_string(), |used| used.task.comm.clone());
        let functions = frames.iter().map(|frame| match frame.strip_prefix(OnCpu::KERNEL) {
            Some(kernel) => format!("{kernel}_[k]"),
            None => frame.clone(),
        });
        let plain = |name: String| name.replace([';', '\n', '\r'], " ").trim().to_owned();
        let stack: Vec<String> = std::iter::once(comm).chain(functions).map(plain).collect();
        *sums.entry(stack.join(";")).or_default() += count.saturating_mul(each);
    }
    let mut text = String::new();
    for (stack, ns) in &sums {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{stack} {ns}");
    }
    folded::parse(text.as_bytes(), EVENT, WeightUnit::Nanoseconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use perfuse_format::RawSnapshot;

    use super::*;
    use crate::{Scope, Thresholds};

    #[test]
    fn only_those_who_are_asked_for_are_in_it() {
        let snapshots = [1, 2].map(|at: u64| {
            let mut raw = RawSnapshot { mono_ns: at * 1_000_000_000, ..RawSnapshot::default() };
            raw.put(OnCpu::SOURCE, "hz\t50\n3\t7\tmain;[k]read\n9\t8\tmain\n");
            raw
        });
        let run = Run::new(&snapshots, Thresholds::default(), Scope::default()).unwrap();
        let profile = on_cpu(&run, &BTreeSet::from([7]));
        assert_eq!(profile.samples.len(), 1);
        assert_eq!(profile.samples[0].weight, 60_000_000);
        assert!(on_cpu(&run, &BTreeSet::from([9])).samples.is_empty());
    }
}
