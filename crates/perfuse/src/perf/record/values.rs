//! Values of the options of `record`.

use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::record::CallGraph;
use perfuse_collect::perf::record::config::USER_REGISTERS;
use perfuse_collect::perf::ring::{default_size, page_size};

use super::notes::Notes;
use super::plan::{Switch, Synth};
use crate::perf::options::{Parsed, UsageError};

/// Bytes of the stack where nothing is said, and the most that the kernel copies.
const USUAL_STACK: u32 = 8192;
const MOST_STACK: u32 = 65528;

/// `fp`, `dwarf[,bytes]`, `unwind[,bytes]` or `lbr`.
pub(super) fn call_graph(option: &str, text: &str) -> Result<CallGraph, UsageError> {
    let wrong = || UsageError::value(option, text, Msg::new("record-call-graph").with("most", u64::from(MOST_STACK)));
    let (mode, bytes) = text.split_once(',').map_or((text, None), |(mode, bytes)| (mode, Some(bytes)));
    match (mode, bytes) {
        ("fp", None) => Ok(CallGraph::FramePointer),
        ("lbr", None) => Ok(CallGraph::LastBranches),
        ("dwarf" | "unwind", None) => Ok(CallGraph::Dwarf(USUAL_STACK)),
        ("dwarf" | "unwind", Some(bytes)) => {
            let bytes = bytes.parse::<u32>().ok().and_then(|bytes| bytes.checked_next_multiple_of(8));
            bytes.filter(|bytes| (1..=MOST_STACK).contains(bytes)).map(CallGraph::Dwarf).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

/// Names of `-j` (`PERF_SAMPLE_BRANCH_*`).
const BRANCHES: &[(&str, u64)] = &[
    ("u", 1),
    ("k", 1 << 1),
    ("hv", 1 << 2),
    ("any", 1 << 3),
    ("any_call", 1 << 4),
    ("any_ret", 1 << 5),
    ("ind_call", 1 << 6),
    ("abort_tx", 1 << 7),
    ("in_tx", 1 << 8),
    ("no_tx", 1 << 9),
    ("cond", 1 << 10),
    ("stack", 1 << 11),
    ("ind_jmp", 1 << 12),
    ("call", 1 << 13),
    ("save_type", 1 << 16),
    ("priv", 1 << 18),
];

pub(super) fn branches(option: &str, text: &str) -> Result<u64, UsageError> {
    let mut mask = 0;
    for word in text.split(',') {
        let found = BRANCHES.iter().find(|(name, _)| *name == word);
        let names: Vec<&str> = BRANCHES.iter().map(|(name, _)| *name).collect();
        let expected = || Msg::new("record-branches").with("names", names.join(", "));
        mask |= found.ok_or_else(|| UsageError::value(option, word, expected()))?.1;
    }
    // Sides alone are of any kind.
    Ok(if mask & !7 == 0 { mask | 1 << 3 } else { mask })
}

/// Names and numbers of clocks (`clock_gettime(2)`).
const CLOCKS: &[(&str, i32)] = &[
    ("realtime", 0),
    ("real", 0),
    ("monotonic", 1),
    ("mono", 1),
    ("monotonic_raw", 4),
    ("raw", 4),
    ("boottime", 7),
    ("boot", 7),
    ("tai", 11),
];

pub(super) fn clock(text: &str) -> Result<i32, UsageError> {
    let name = text.to_ascii_lowercase();
    let name = name.strip_prefix("clock_").unwrap_or(&name);
    let found = CLOCKS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    let names: Vec<&str> = CLOCKS.iter().map(|(name, _)| *name).collect();
    let wrong = || UsageError::value("clockid", text, Msg::new("record-clock").with("names", names.join(", ")));
    found.or_else(|| name.parse().ok()).ok_or_else(wrong)
}

/// Names of registers by the number of their bit (`arch/*/include/uapi/asm/perf_regs.h`), as perf has them.
fn register_names() -> Vec<String> {
    if cfg!(target_arch = "aarch64") {
        (0..30).map(|number| format!("x{number}")).chain(["lr", "sp", "pc"].map(str::to_owned)).collect()
    } else {
        let named = ["AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP", "IP", "FLAGS", "CS", "SS", "DS", "ES", "FS", "GS"];
        named.map(str::to_owned).into_iter().chain((8..16).map(|number| format!("R{number}"))).collect()
    }
}

/// `-I` and `--user-regs`: all registers, or those that are named; `?` shows the names.
pub(super) fn registers(parsed: &Parsed, option: &str) -> Result<u64, UsageError> {
    if !parsed.on(option) {
        return Ok(0);
    }
    let Some(text) = parsed.text(option) else { return Ok(USER_REGISTERS) };
    let names = register_names();
    let known = || names.iter().enumerate().filter(|(bit, _)| USER_REGISTERS >> bit & 1 == 1);
    let listed = || known().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ");
    if text == "?" {
        return Err(UsageError(Msg::new("record-registers").with("names", listed())));
    }
    let mut mask = 0;
    for word in text.split(',') {
        let found = known().find(|(_, name)| name.eq_ignore_ascii_case(word));
        let (bit, _) = found
            .ok_or_else(|| UsageError::value(option, word, Msg::new("record-registers").with("names", listed())))?;
        mask |= 1 << bit;
    }
    Ok(mask)
}

pub(super) fn synth(parsed: &Parsed) -> Result<Synth, UsageError> {
    let Some(text) = parsed.text("synth") else { return Ok(Synth { tasks: true, maps: true, cgroups: true }) };
    let mut synth = Synth { tasks: false, maps: false, cgroups: false };
    for word in text.split(',') {
        match word {
            "task" => synth.tasks = true,
            // Mappings without their threads would be nobody's.
            "mmap" => (synth.tasks, synth.maps) = (true, true),
            "all" => synth = Synth { tasks: true, maps: true, cgroups: true },
            "cgroup" => synth.cgroups = true,
            "no" => {}
            _ => return Err(UsageError::value("synth", word, Msg::new("record-synth"))),
        }
    }
    Ok(synth)
}

pub(super) fn switch(parsed: &Parsed) -> Result<Switch, UsageError> {
    let Some(given) = parsed.last("switch-output").filter(|given| !given.negated) else { return Ok(Switch::Never) };
    let Some(value) = &given.value else { return Ok(Switch::Signal) };
    let text = value.to_string_lossy();
    if text == "signal" {
        return Ok(Switch::Signal);
    }
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
    let timed = units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?.parse::<u64>().ok()?;
        Some(Switch::Time(Duration::from_secs(number.checked_mul(*seconds)?)))
    });
    match timed {
        Some(switch) => Ok(switch),
        None => size("switch-output", &text).map(Switch::Size),
    }
}

/// A number of bytes with `B`, `K`, `M` or `G`.
pub(super) fn size(option: &str, text: &str) -> Result<u64, UsageError> {
    let units = [('B', 0), ('K', 10), ('M', 20), ('G', 30)];
    let last = text.chars().next_back();
    let shift = units.iter().find(|(unit, _)| last == Some(*unit)).map(|(_, shift)| *shift);
    let number = shift.map_or(text, |_| &text[..text.len() - 1]).parse::<u64>().ok().filter(|number| *number > 0);
    let bytes = number.and_then(|number| number.checked_mul(1 << shift.unwrap_or(0)));
    bytes.ok_or_else(|| UsageError::value(option, text, Msg::new("record-size")))
}

/// `-m`: pages, or bytes with a unit; a power of two of pages.
pub(super) fn ring(parsed: &Parsed, root: &Root, notes: &Notes<'_>) -> Result<usize, UsageError> {
    let page = page_size() as u64;
    let Some(text) = parsed.text("mmap-pages") else {
        let limit = std::fs::read_to_string(root.join("/proc/sys/kernel/perf_event_mlock_kb")).ok();
        return Ok(default_size(limit.and_then(|text| text.trim().parse().ok())));
    };
    // The size of AUX areas may stand behind a comma; there are none here.
    let text = text.split(',').next().unwrap_or_default().to_owned();
    let wrong = || UsageError::value("mmap-pages", &text, Msg::new("record-size"));
    let pages = match text.parse::<u64>() {
        Ok(pages) => pages,
        Err(_) => size("mmap-pages", &text)?.div_ceil(page),
    };
    let rounded = pages.max(1).checked_next_power_of_two().ok_or_else(wrong)?;
    let bytes = rounded.checked_mul(page).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(wrong)?;
    if rounded != pages {
        notes.note(&Msg::new("record-rounded").with("bytes", bytes as u64).with("pages", rounded));
    }
    Ok(bytes)
}
