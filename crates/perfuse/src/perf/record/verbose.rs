//! `-vv`: what the kernel was asked for and what it said, as perf shows it.

use std::fmt::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _};

use perfuse_collect::perf::record::{Planned, Recording};
use perfuse_collect::perf::{OpenError, PerfEvent};
use perfuse_format::perfdata::EventAttr;

use crate::console;

/// Names of the bits of `sample_type`, by number.
#[rustfmt::skip]
const SAMPLE: [&str; 25] = [
    "IP", "TID", "TIME", "ADDR", "READ", "CALLCHAIN", "ID", "CPU", "PERIOD", "STREAM_ID", "RAW", "BRANCH_STACK",
    "REGS_USER", "STACK_USER", "WEIGHT", "DATA_SRC", "IDENTIFIER", "TRANSACTION", "REGS_INTR", "PHYS_ADDR", "AUX",
    "CGROUP", "DATA_PAGE_SIZE", "CODE_PAGE_SIZE", "WEIGHT_STRUCT",
];
const READ: [&str; 5] = ["TOTAL_TIME_ENABLED", "TOTAL_TIME_RUNNING", "ID", "GROUP", "LOST"];
/// Names of the switches, by number of the bit; `precise_ip` has two.
#[rustfmt::skip]
const FLAGS: [&str; 38] = [
    "disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv", "exclude_idle",
    "mmap", "comm", "freq", "inherit_stat", "enable_on_exec", "task", "watermark", "precise_ip", "", "mmap_data",
    "sample_id_all", "exclude_host", "exclude_guest", "exclude_callchain_kernel", "exclude_callchain_user", "mmap2",
    "comm_exec", "use_clockid", "context_switch", "write_backward", "namespaces", "ksymbol", "bpf_event", "aux_output",
    "cgroup", "text_poke", "build_id", "inherit_thread", "remove_on_exec", "sigtrap",
];
const LINE: &str = "------------------------------------------------------------\n";

/// Shows attempts, if it was asked for.
pub(super) struct Log {
    level: usize,
    last: std::cell::Cell<Option<EventAttr>>,
}

impl Log {
    pub(super) fn new(level: usize) -> Self {
        Self { level, last: std::cell::Cell::new(None) }
    }

    /// One attempt to open an event.
    pub(super) fn attempt(&self, event: &Planned, pid: i32, cpu: i32, outcome: Result<&PerfEvent, &OpenError>) {
        if self.level < 2 {
            return;
        }
        if self.last.replace(Some(event.attr)) != Some(event.attr) {
            console::say(&format!("{LINE}perf_event_attr:\n{}{LINE}", attr(&event.attr)));
        }
        let head = format!("sys_perf_event_open: pid {pid}  cpu {cpu}  group_fd -1  flags 0x8");
        match outcome {
            Ok(event) => console::say(&format!("{head} = {}\n", event.as_fd().as_raw_fd())),
            Err(error) => console::say(&format!("{head}\nsys_perf_event_open failed, error -{}\n", error.errno.0)),
        }
    }

    /// The size of the rings.
    pub(super) fn rings(&self, recording: &Recording) {
        let (_, bytes) = recording.rings();
        if self.level >= 2 {
            console::say(&format!("mmap size {}B\n", bytes + perfuse_collect::perf::ring::page_size()));
        }
    }
}

/// The fields that are not 0.
fn attr(attr: &EventAttr) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: String| {
        let _ = writeln!(text, "  {name:<32} {value}");
    };
    field("type", attr.kind.to_string());
    field("size", attr.needed_size().to_string());
    let mut number = |name: &str, value: u64, hex: bool| {
        if value != 0 {
            field(name, if hex { format!("{value:#x}") } else { value.to_string() });
        }
    };
    number("config", attr.config, true);
    number("{ sample_period, sample_freq }", attr.sample_period, false);
    field("sample_type", names(attr.sample_type, &SAMPLE));
    field("read_format", names(attr.read_format, &READ));
    let mut number = |name: &str, value: u64, hex: bool| {
        if value != 0 {
            field(name, if hex { format!("{value:#x}") } else { value.to_string() });
        }
    };
    for (bit, name) in FLAGS.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let mask = if *name == "precise_ip" { 3 } else { 1 };
        number(name, attr.flags >> bit & mask, false);
    }
    number("{ wakeup_events, wakeup_watermark }", attr.wakeup.into(), false);
    number("bp_type", attr.bp_type.into(), false);
    number("{ bp_addr, config1 }", attr.config1, true);
    number("{ bp_len, config2 }", attr.config2, true);
    number("branch_sample_type", attr.branch_sample_type, true);
    number("sample_regs_user", attr.sample_regs_user, true);
    number("sample_stack_user", attr.sample_stack_user.into(), false);
    number("clockid", u64::from(attr.clockid.cast_unsigned()), false);
    number("sample_regs_intr", attr.sample_regs_intr, true);
    number("aux_watermark", attr.aux_watermark.into(), false);
    number("sample_max_stack", attr.sample_max_stack.into(), false);
    number("aux_sample_size", attr.aux_sample_size.into(), false);
    number("sig_data", attr.sig_data, false);
    text
}

/// The names of the bits that are set.
fn names(bits: u64, table: &[&str]) -> String {
    let set: Vec<&str> =
        table.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 != 0).map(|(_, name)| *name).collect();
    set.join("|")
}
