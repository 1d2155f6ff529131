//! The names that need no PMU directory: general hardware events, software events, cache events and perf's own tools.

use crate::perfdata::attr::kind;

/// A name with its alias, and the value of `config`.
pub type Symbol = (&'static str, &'static str, u64);

/// `enum perf_hw_id`; the alias is empty where there is none. In the order of the numbers.
pub const HARDWARE: &[Symbol] = &[
    ("cpu-cycles", "cycles", 0),
    ("instructions", "", 1),
    ("cache-references", "", 2),
    ("cache-misses", "", 3),
    ("branch-instructions", "branches", 4),
    ("branch-misses", "", 5),
    ("bus-cycles", "", 6),
    ("stalled-cycles-frontend", "idle-cycles-frontend", 7),
    ("stalled-cycles-backend", "idle-cycles-backend", 8),
    ("ref-cycles", "", 9),
];

/// `enum perf_sw_ids`.
pub const SOFTWARE: &[Symbol] = &[
    ("cpu-clock", "", 0),
    ("task-clock", "", 1),
    ("page-faults", "faults", 2),
    ("context-switches", "cs", 3),
    ("cpu-migrations", "migrations", 4),
    ("minor-faults", "", 5),
    ("major-faults", "", 6),
    ("alignment-faults", "", 7),
    ("emulation-faults", "", 8),
    ("dummy", "", 9),
    ("bpf-output", "", 10),
    ("cgroup-switches", "", 11),
];

/// `config` of the event that counts nothing.
pub const DUMMY: u64 = 9;
/// `config` of the event through which BPF programs send.
pub const BPF_OUTPUT: u64 = 10;

/// Counts that perf makes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Nanoseconds from the start to the end.
    Duration,
    /// Nanoseconds of the command in user space.
    User,
    /// Nanoseconds of the command in the kernel.
    System,
}

/// The names of [`Tool`].
pub const TOOLS: &[(&str, Tool)] =
    &[("duration_time", Tool::Duration), ("user_time", Tool::User), ("system_time", Tool::System)];

/// What a symbolic name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// `type`.
    pub kind: u32,
    /// `config`.
    pub config: u64,
    /// Set for a count of perf itself.
    pub tool: Option<Tool>,
}

/// The meaning of a hardware, software or tool name.
pub fn symbol(name: &str) -> Option<Meaning> {
    let find = |table: &[Symbol]| {
        table
            .iter()
            .find(|(full, alias, _)| *full == name || (!alias.is_empty() && *alias == name))
            .map(|found| found.2)
    };
    if let Some(config) = find(HARDWARE) {
        return Some(Meaning { kind: kind::HARDWARE, config, tool: None });
    }
    if let Some(config) = find(SOFTWARE) {
        return Some(Meaning { kind: kind::SOFTWARE, config, tool: None });
    }
    let tool = TOOLS.iter().find(|(full, _)| *full == name)?.1;
    Some(Meaning { kind: kind::SOFTWARE, config: DUMMY, tool: Some(tool) })
}

/// `enum perf_hw_cache_id`: names of each, the first is the one that is printed.
pub const CACHES: &[&[&str]] = &[
    &["L1-dcache", "l1-d", "l1d", "L1-data"],
    &["L1-icache", "l1-i", "l1i", "L1-instruction"],
    &["LLC", "L2"],
    &["dTLB", "d-tlb", "Data-TLB"],
    &["iTLB", "i-tlb", "Instruction-TLB"],
    &["branch", "branches", "bpu", "btb", "bpc"],
    &["node"],
];

/// `enum perf_hw_cache_op_id`.
pub const OPERATIONS: &[&[&str]] = &[
    &["load", "loads", "read"],
    &["store", "stores", "write"],
    &["prefetch", "prefetches", "speculative-read", "speculative-load"],
];

/// `enum perf_hw_cache_op_result_id`.
pub const RESULTS: &[&[&str]] = &[&["refs", "Reference", "ops", "access"], &["misses", "miss"]];

/// Which operations a cache can count: bits in the order of [`OPERATIONS`].
pub const VALID_OPERATIONS: [u8; 7] = [0b111, 0b101, 0b111, 0b111, 0b001, 0b001, 0b111];

/// The `config` of a cache event such as `L1-dcache-load-misses`; `None` when the name is none. Without an operation it
/// reads, without a result it counts the accesses.
pub fn cache(name: &str) -> Option<u64> {
    let (cache, mut rest) = alias(name, CACHES)?;
    let (mut operation, mut result) = (None, None);
    for _ in 0..2 {
        let Some(tail) = rest.strip_prefix('-') else { break };
        if operation.is_none()
            && let Some((found, after)) = alias(tail, OPERATIONS)
        {
            (operation, rest) = (Some(found), after);
        } else {
            let (found, after) = alias(tail, RESULTS)?;
            if result.replace(found).is_some() {
                return None;
            }
            rest = after;
        }
    }
    let operation = operation.unwrap_or(0);
    let valid = rest.is_empty() && VALID_OPERATIONS.get(cache)? >> operation & 1 != 0;
    valid.then_some(cache as u64 | (operation as u64) << 8 | (result.unwrap_or(0) as u64) << 16)
}

/// The entry that the longest alias at the start of the text belongs to, and what follows; an alias ends at a dash or
/// with the text.
fn alias<'a>(text: &'a str, table: &[&[&str]]) -> Option<(usize, &'a str)> {
    let mut best: Option<(usize, usize)> = None;
    for (index, names) in table.iter().enumerate() {
        for name in *names {
            let ends = || text.as_bytes().get(name.len()).is_none_or(|byte| *byte == b'-');
            let fits = text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) && ends();
            if fits && best.is_none_or(|(_, length)| name.len() > length) {
                best = Some((index, name.len()));
            }
        }
    }
    let (index, length) = best?;
    Some((index, text.get(length..)?))
}

/// The name that perf prints for a cache `config`, such as `L1-dcache-load-misses`; `None` when there is no such cache,
/// operation or result.
pub fn cache_name(config: u64) -> Option<String> {
    let part = |shift: u32| usize::try_from(config >> shift & 0xff).unwrap_or(usize::MAX);
    let (cache, operation, result) = (part(0), part(8), part(16));
    let name = CACHES.get(cache)?[0];
    if config >> 24 != 0 || VALID_OPERATIONS.get(cache)? >> operation.min(7) & 1 == 0 {
        return None;
    }
    let operation = OPERATIONS.get(operation)?;
    // Accesses are named by the plural of the operation, misses by operation and result.
    let result_name = RESULTS.get(result)?[0];
    Some(if result == 0 {
        format!("{name}-{}", operation[1])
    } else {
        format!("{name}-{}-{result_name}", operation[0])
    })
}

/// Every cache event that the grammar takes, under its printed name, with its `config`.
pub fn caches() -> impl Iterator<Item = (String, u64)> {
    let configs = (0..CACHES.len() as u64).flat_map(|cache| {
        (0..OPERATIONS.len() as u64).flat_map(move |operation| {
            (0..RESULTS.len() as u64).map(move |result| cache | operation << 8 | result << 16)
        })
    });
    configs.filter_map(|config| Some((cache_name(config)?, config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found() {
        assert_eq!(symbol("cycles"), Some(Meaning { kind: kind::HARDWARE, config: 0, tool: None }));
        assert_eq!(symbol("cs").unwrap().config, symbol("context-switches").unwrap().config);
        assert_eq!(symbol("user_time").unwrap().tool, Some(Tool::User));
        assert_eq!(symbol(""), None, "an empty alias is no name");
        assert_eq!(symbol("Cycles"), None);
    }

    #[test]
    fn caches_are_found_under_every_name() {
        assert_eq!(cache("L1-dcache-load-misses"), Some(0x1_0000));
        assert_eq!(cache("l1d-loads"), Some(0));
        assert_eq!(cache("LLC"), Some(2));
        assert_eq!(cache("LLC-misses"), Some(0x1_0002));
        assert_eq!(cache("l1d-misses-loads"), Some(0x1_0000), "either order, as in perf");
        assert_eq!(cache("dTLB-speculative-read"), Some(0x203));
        assert_eq!(cache("node-prefetches"), Some(0x206));
        assert_eq!(cache("branch-load-misses"), Some(0x1_0005));
        for odd in
            ["", "L1", "L1-dcache-", "iTLB-stores", "LLC-loads-loads", "LLC-miss-miss", "LLCx", "LLC-loads-miss-x"]
        {
            assert_eq!(cache(odd), None, "{odd}");
        }
    }

    #[test]
    fn printed_cache_names_mean_themselves() {
        let mut count = 0;
        for (name, config) in caches() {
            assert_eq!(cache(&name), Some(config), "{name}");
            count += 1;
        }
        // Five caches with loads, of which four also store and prefetch and one prefetches, two that only load: with
        // hits and misses each.
        assert_eq!(count, 2 * (4 * 3 + 2 + 1 + 1));
        assert_eq!(cache_name(7), None);
        assert_eq!(cache_name(1 << 24), None);
        assert_eq!(cache_name(0x300), None);
    }
}
