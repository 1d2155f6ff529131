//! `--call-graph unwind`: the kernel copies registers and a piece of the stack as for `dwarf`, but they are unwound here
//! and now ([`perfuse_symbol::live`]), and what is written are plain call chains: files stay small, and whoever reports has
//! nothing left to unwind.

use std::fs::File;
use std::io::Cursor;

use perfuse_collect::Root;
use perfuse_collect::perf::record::{Planned, build_id};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, sample_type};
use perfuse_symbol::live::{Image, Live};
use perfuse_symbol::unwind::Machine;

const MACHINE: Machine = if cfg!(target_arch = "aarch64") { Machine::Aarch64 } else { Machine::X86_64 };

/// What is not needed to unwind is not asked for; perf wants it for `dwarf`.
pub(super) fn trim(events: &mut [Planned], addresses: bool) {
    for event in events.iter_mut().filter(|event| event.attr.samples(sample_type::STACK_USER) && !addresses) {
        event.attr.sample_type &= !(sample_type::ADDR | sample_type::DATA_SRC);
        event.attr.flags &= !flag::MMAP_DATA;
    }
}

/// Unwinds the events' samples with the files of this host.
pub(super) fn live(root: Root, events: Vec<(EventAttr, Vec<u64>)>) -> Live {
    Live::new(MACHINE, events, Box::new(move |pid, path| open(&root, pid, path)))
}

/// A mapped file as its process sees it; of the vdso, our own.
fn open(root: &Root, pid: i32, path: &str) -> Option<Box<dyn Image>> {
    if path == "[vdso]" {
        return Some(Box::new(Cursor::new(build_id::vdso()?)));
    }
    if !path.starts_with('/') || path.starts_with("//") || path.starts_with("/dev/") {
        return None;
    }
    let seen = || File::open(root.join(&format!("/proc/{pid}/root{path}")));
    let file = seen().or_else(|_| File::open(root.join(path))).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(Box::new(file))
}
