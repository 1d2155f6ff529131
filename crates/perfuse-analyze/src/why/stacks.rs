//! What a victim waited for, as stacks: thread name, state, then the functions of the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perfuse_format::bpf::WaitTime;
use perfuse_format::proc::stacks::Stacks;

use super::breakdown::open;
use super::classify;
use super::state::{Family, State};
use crate::folded;
use crate::offcpu::EVENT;
use crate::profile::{Profile, WeightUnit};
use crate::run::Run;

/// The waits of the processes in `pids` that are not idleness, weighed by nanoseconds. Empty where the in-kernel program did
/// not run.
pub fn off_cpu(run: &Run, pids: &BTreeSet<u32>) -> Profile {
    let stacks = run.last::<Stacks>("@stacks").into_value().unwrap_or_default();
    let (rows, seconds) = run.bpf::<WaitTime>().into_value().unwrap_or_default();
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.iter().chain(&open(run, seconds)).filter(|row| pids.contains(&row.key.pid)) {
        let frames = stacks.kernel.get(&row.key.kernel_stack).map_or(&[][..], Vec::as_slice);
        let state = classify::state(&row.key, frames, &run.host.machine);
        if state.family() != Family::Idle {
            *sums.entry(line(&row.comm, state, frames)).or_default() += row.blocked_ns;
        }
    }
    let mut text = String::new();
    for (stack, ns) in &sums {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{stack} {ns}");
    }
    folded::parse(text.as_bytes(), EVENT, WeightUnit::Nanoseconds).unwrap_or_default()
}

/// One stack, the outermost frame first. Semicolons and line ends would make it several.
fn line(comm: &str, state: State, frames: &[String]) -> String {
    let plain = |name: &str| name.replace([';', '\n', '\r'], " ");
    let functions = frames.iter().rev().map(|frame| format!("{}_[k]", plain(frame.split('+').next().unwrap_or(frame))));
    let head = [plain(comm).trim().to_owned(), state.id().to_owned()];
    head.into_iter().chain(functions).collect::<Vec<_>>().join(";")
}
