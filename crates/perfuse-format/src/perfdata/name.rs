//! Names of events of which a file tells none: from the attr, as `perf` shows them.

use crate::perfdata::attr::{EventAttr, flag, kind};

const HARDWARE: [&str; 10] = [
    "cycles",
    "instructions",
    "cache-references",
    "cache-misses",
    "branches",
    "branch-misses",
    "bus-cycles",
    "stalled-cycles-frontend",
    "stalled-cycles-backend",
    "ref-cycles",
];

const SOFTWARE: [&str; 12] = [
    "cpu-clock",
    "task-clock",
    "page-faults",
    "context-switches",
    "cpu-migrations",
    "minor-faults",
    "major-faults",
    "alignment-faults",
    "emulation-faults",
    "dummy",
    "bpf-output",
    "cgroup-switches",
];

const CACHES: [&str; 7] = ["L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch", "node"];

const OPERATIONS: [(&str, &str); 3] = [("load", "loads"), ("store", "stores"), ("prefetch", "prefetches")];

/// The name of an event; a tracepoint's only with its number.
pub(crate) fn of(attr: &EventAttr) -> String {
    let find = |names: &[&'static str], unknown: &str| {
        let name = usize::try_from(attr.config & 0xffff_ffff).ok().and_then(|at| names.get(at).copied());
        name.unwrap_or(unknown).to_owned()
    };
    let mut name = match attr.kind {
        kind::HARDWARE => find(&HARDWARE, "unknown-hardware"),
        kind::SOFTWARE => find(&SOFTWARE, "unknown-software"),
        kind::HW_CACHE => cache(attr.config).unwrap_or_else(|| "unknown-ext-hardware-cache-type".to_owned()),
        kind::RAW => format!("raw {:#x}", attr.config),
        kind::TRACEPOINT => return format!("tracepoint:{}", attr.config),
        kind::BREAKPOINT => breakpoint(attr),
        _ => format!("unknown attr type: {}", attr.kind),
    };
    name.push_str(&modifiers(attr));
    name
}

/// Cache, operation and result, eight bits each.
fn cache(config: u64) -> Option<String> {
    let part = |shift: u32| (config >> shift & 0xff) as usize;
    let cache = CACHES.get(part(0))?;
    let (operation, operations) = OPERATIONS.get(part(8))?;
    match part(16) {
        0 => Some(format!("{cache}-{operations}")),
        1 => Some(format!("{cache}-{operation}-misses")),
        _ => None,
    }
}

/// `mem:ADDRESS:` and what is watched for.
fn breakpoint(attr: &EventAttr) -> String {
    let mut name = format!("mem:{:#x}:", attr.config1);
    for (bit, letter) in [(1, 'r'), (2, 'w'), (4, 'x')] {
        if attr.bp_type & bit != 0 {
            name.push(letter);
        }
    }
    name
}

/// The letters after the colon that say where and how precisely it is counted.
fn modifiers(attr: &EventAttr) -> String {
    let mut letters = String::new();
    let excludes = flag::EXCLUDE_USER | flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV;
    if attr.has(excludes) {
        for (bit, letter) in [(flag::EXCLUDE_KERNEL, 'k'), (flag::EXCLUDE_USER, 'u'), (flag::EXCLUDE_HV, 'h')] {
            if !attr.has(bit) {
                letters.push(letter);
            }
        }
    }
    letters.extend(std::iter::repeat_n('p', usize::from(attr.precise_ip())));
    // Which of host and guest is told where it is not what the other letters imply.
    if attr.has(flag::EXCLUDE_HOST) || attr.has(flag::EXCLUDE_GUEST) != letters.is_empty() {
        for (bit, letter) in [(flag::EXCLUDE_HOST, 'H'), (flag::EXCLUDE_GUEST, 'G')] {
            if !attr.has(bit) {
                letters.push(letter);
            }
        }
    }
    if letters.is_empty() { letters } else { format!(":{letters}") }
}
