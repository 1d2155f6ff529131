//! What perf calls an event that a file gives no name for.

use std::fmt::Write as _;

use super::names;
use crate::perfdata::attr::{EventAttr, flag, kind};

/// The name of an attribute as perf makes it up: the generic name with its modifiers, `raw 0x3c`, `mem:0x1000:rw`.
/// `pmu` gives the name of a PMU for a type (from the file's `PMU_MAPPINGS`, or the host), `tracepoint` gives
/// `system:name` for an id (from the file's tracing data, or the host).
pub fn name_of(
    attr: &EventAttr,
    pmu: &dyn Fn(u32) -> Option<String>,
    tracepoint: &dyn Fn(u64) -> Option<String>,
) -> String {
    let mut name = match attr.kind {
        kind::HARDWARE => printed(names::HARDWARE, attr.config).unwrap_or("unknown-hardware").to_owned(),
        kind::SOFTWARE => printed(names::SOFTWARE, attr.config).unwrap_or("unknown-software").to_owned(),
        kind::HW_CACHE => names::cache_name(attr.config).unwrap_or_else(|| "invalid-cache".to_owned()),
        kind::RAW => format!("raw 0x{:x}", attr.config),
        kind::BREAKPOINT => breakpoint(attr),
        // A tracepoint has its name alone.
        kind::TRACEPOINT => return tracepoint(attr.config).unwrap_or_else(|| "unknown tracepoint".to_owned()),
        other => match pmu(other) {
            Some(pmu) => format!("{pmu}/config=0x{:x}/", attr.config),
            None => return format!("unknown attr type: {other}"),
        },
    };
    modifiers(attr, &mut name);
    name
}

/// perf prints the short name of cycles and branches, and the long one of all others.
fn printed(table: &[names::Symbol], config: u64) -> Option<&'static str> {
    let (full, alias, _) = table.iter().find(|(.., value)| *value == config)?;
    Some(if matches!(*full, "cpu-cycles" | "branch-instructions") { alias } else { full })
}

fn breakpoint(attr: &EventAttr) -> String {
    let mut name = format!("mem:0x{:x}:", attr.config1);
    for (bit, letter) in [(1, 'r'), (2, 'w'), (4, 'x')] {
        if attr.bp_type & bit != 0 {
            name.push(letter);
        }
    }
    name
}

/// Appends the modifiers that stand for the attribute's bits. Guests are left out by default, and with a ring or a
/// precision they are left in unless said otherwise, so that only a deviation from that is spelled out.
fn modifiers(attr: &EventAttr, name: &mut String) {
    let mut letters = String::new();
    let mut guest_default = false;
    if attr.has(flag::EXCLUDE_KERNEL | flag::EXCLUDE_USER | flag::EXCLUDE_HV) {
        for (bit, letter) in [(flag::EXCLUDE_KERNEL, 'k'), (flag::EXCLUDE_USER, 'u'), (flag::EXCLUDE_HV, 'h')] {
            if !attr.has(bit) {
                letters.push(letter);
            }
        }
        guest_default = true;
    }
    if attr.precise_ip() > 0 {
        letters.extend(std::iter::repeat_n('p', usize::from(attr.precise_ip())));
        guest_default = true;
    }
    if attr.has(flag::EXCLUDE_HOST) || attr.has(flag::EXCLUDE_GUEST) == guest_default {
        for (bit, letter) in [(flag::EXCLUDE_HOST, 'H'), (flag::EXCLUDE_GUEST, 'G')] {
            if !attr.has(bit) {
                letters.push(letter);
            }
        }
    }
    if !letters.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(name, ":{letters}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: u32, config: u64, flags: u64) -> String {
        let attr = EventAttr { kind, config, flags, config1: 0x1000, bp_type: 3, ..EventAttr::default() };
        let pmu = |kind| (kind == 9).then(|| "msr".to_owned());
        name_of(&attr, &pmu, &|id| (id == 372).then(|| "sched:sched_switch".to_owned()))
    }

    #[test]
    fn names_are_made_up_as_perf_does() {
        let guest = flag::EXCLUDE_GUEST;
        for (kind, config, flags, expected) in [
            (kind::HARDWARE, 0, 0, "cycles:HG"),
            (kind::HARDWARE, 0, guest | 2 << flag::PRECISE_IP_SHIFT, "cycles:ppH"),
            (kind::HARDWARE, 4, 3 << flag::PRECISE_IP_SHIFT, "branches:ppp"),
            (kind::SOFTWARE, 3, flag::EXCLUDE_KERNEL | flag::EXCLUDE_HV, "context-switches:u"),
            (kind::HW_CACHE, 0x1_0000, guest, "L1-dcache-load-misses"),
            (kind::RAW, 0x3c, guest, "raw 0x3c"),
            (kind::BREAKPOINT, 0, guest, "mem:0x1000:rw"),
            (kind::TRACEPOINT, 372, 0, "sched:sched_switch"),
            (kind::TRACEPOINT, 1, 0, "unknown tracepoint"),
            (9, 0, guest, "msr/config=0x0/"),
            (10, 0, guest, "unknown attr type: 10"),
            (kind::HARDWARE, 99, guest, "unknown-hardware"),
        ] {
            assert_eq!(name(kind, config, flags), expected);
        }
    }
}
