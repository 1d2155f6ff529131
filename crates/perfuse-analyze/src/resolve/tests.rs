use perfuse_format::perfdata::attr::{Endian, EventAttr};
use perfuse_format::perfdata::record::Task;
use perfuse_format::perfdata::{Mmap, U64s};

use super::*;
use crate::session::Dso;

/// Every dso has a function of 0x100 bytes at each multiple of 0x100 below the programs of BPF; at 0x1280 two more are inlined.
#[derive(Debug, Default)]
struct Fixed {
    asked: usize,
}

impl Names for Fixed {
    fn find(&mut self, _id: DsoId, _dso: &Dso, address: u64) -> Option<Found> {
        self.asked += 1;
        if address >= 0xffff_c000_0000_0000 {
            return None;
        }
        let start = address & !0xff;
        Some(Found { index: u32::try_from(start >> 8 & 0xffff).unwrap(), start, end: start + 0x100 })
    }

    fn name(&mut self, _id: DsoId, dso: &Dso, index: u32) -> String {
        format!("{}_{index:x}", dso.path.rsplit('/').next().unwrap())
    }

    fn inlines(&mut self, _id: DsoId, _dso: &Dso, address: u64, _found: Found) -> Vec<Inline> {
        let inline = |name: &str| Inline { name: Some(name.to_owned()), source: Some(("a.c".to_owned(), 7)) };
        match address {
            0x1280 => vec![inline("small"), inline("middle"), Inline { name: None, source: None }],
            _ => Vec::new(),
        }
    }
}

fn resolver() -> Resolver<Fixed> {
    let mut resolver = Resolver::new(Fixed::default(), Options::default());
    let kernel = Mmap { pid: -1, start: 0xffff_0000_0000_0000, len: 0x10_0000, mode: CpuMode::Kernel, ..app() };
    resolver.apply(1, &Record::Mmap(Mmap { path: b"[kernel.kallsyms]_text", ..kernel }));
    resolver.apply(2, &Record::Mmap(app()));
    resolver
}

fn app() -> Mmap<'static> {
    Mmap {
        pid: 7,
        tid: 7,
        start: 0x5000,
        len: 0x4000,
        pgoff: 0x1000,
        path: b"/bin/app",
        mode: CpuMode::User,
        ..Mmap::default()
    }
}

fn bytes(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn texts(resolver: &mut Resolver<Fixed>, attr: &EventAttr, sample: &Sample<'_>) -> Vec<String> {
    let chain = resolver.chain(attr, sample).to_vec();
    let text = |frame: &ChainFrame| {
        let place = resolver.frame(frame.frame);
        let name = resolver.function(frame.frame).unwrap_or("?");
        format!("{name}+{:x}{}", place.offset, if place.inlined { " inlined" } else { "" })
    };
    chain.iter().map(text).collect()
}

#[test]
fn marks_tell_the_kernel_from_the_program() {
    let mut resolver = resolver();
    let chain =
        bytes(&[(-128_i64).cast_unsigned(), 0xffff_0000_0000_0310, (-512_i64).cast_unsigned(), 0x5021, 0x9999_9999]);
    let sample = Sample { pid: 7, tid: 7, callchain: U64s::new(&chain, Endian::Little), ..Sample::default() };
    let attr = EventAttr::default();
    assert_eq!(texts(&mut resolver, &attr, &sample), ["[kernel.kallsyms]_3+10", "app_10+21", "?+0"]);
    let asked = resolver.names().asked;
    texts(&mut resolver, &attr, &sample);
    assert_eq!(resolver.names().asked, asked, "each place is looked up once");
}

#[test]
fn inlined_functions_stand_before_the_one_that_holds_them() {
    let mut resolver = resolver();
    resolver.options.inlines_everywhere = true;
    let chain = bytes(&[(-512_i64).cast_unsigned(), 0x5280]);
    let sample =
        Sample { pid: 7, ip: 0x5280, misc: 2, callchain: U64s::new(&chain, Endian::Little), ..Sample::default() };
    let attr = EventAttr::default();
    assert_eq!(texts(&mut resolver, &attr, &sample), ["small+80 inlined", "middle+80 inlined", "app_12+80"]);
    let place = resolver.place(&sample);
    assert_eq!(resolver.function(place), Some("app_12"), "the sample itself lies in the function");
}

#[test]
fn a_mark_that_nobody_knows_makes_the_chain_useless() {
    let mut resolver = resolver();
    let chain = bytes(&[(-512_i64).cast_unsigned(), 0x5280, (-2048_i64).cast_unsigned(), 0x5000]);
    let sample = Sample { pid: 7, callchain: U64s::new(&chain, Endian::Little), ..Sample::default() };
    assert!(resolver.chain(&EventAttr::default(), &sample).is_empty());
}

#[test]
fn chains_end_after_the_most_entries() {
    let mut resolver = resolver();
    resolver.options.max_stack = 2;
    let chain = bytes(&[(-512_i64).cast_unsigned(), 0x5000, 0x5100, 0x5200]);
    let sample = Sample { pid: 7, callchain: U64s::new(&chain, Endian::Little), ..Sample::default() };
    assert_eq!(texts(&mut resolver, &EventAttr::default(), &sample), ["app_10+0", "app_11+0"]);
}

#[test]
fn branches_replace_the_users_part() {
    let mut resolver = resolver();
    let chain = bytes(&[(-128_i64).cast_unsigned(), 0xffff_0000_0000_0310, (-512_i64).cast_unsigned(), 0x5000]);
    let branches = bytes(&[0x5110, 0x5220, 0, 0x5330, 0x5100, 0]);
    let sample = Sample {
        pid: 7,
        callchain: U64s::new(&chain, Endian::Little),
        branches: U64s::new(&branches, Endian::Little),
        ..Sample::default()
    };
    let attr = EventAttr { branch_sample_type: BRANCH_CALL_STACK, ..EventAttr::default() };
    let expected = ["[kernel.kallsyms]_3+10", "app_12+20", "app_11+10", "app_13+30"];
    assert_eq!(texts(&mut resolver, &attr, &sample), expected);
}

/// `PERF_SAMPLE_BRANCH_CALL_STACK`.
const BRANCH_CALL_STACK: u64 = 1 << 11;

#[test]
fn a_changed_mapping_is_not_answered_from_memory() {
    let mut resolver = resolver();
    let before = resolver.at(7, CpuMode::User, 0x5010);
    resolver.apply(2, &Record::Mmap(Mmap { path: b"/bin/other", ..app() }));
    let after = resolver.at(7, CpuMode::User, 0x5010);
    assert_eq!((resolver.module(before), resolver.module(after)), (Some("/bin/app"), Some("/bin/other")));
}

#[test]
fn names_of_threads_follow_the_records() {
    let mut resolver = resolver();
    let name = |resolver: &mut Resolver<Fixed>, tid| {
        let id = resolver.comm(tid);
        resolver.comm_name(id).to_owned()
    };
    assert_eq!(name(&mut resolver, 7), ":7");
    resolver.apply(0, &Record::Comm { pid: 7, tid: 7, comm: b"app", exec: false });
    assert_eq!(name(&mut resolver, 7), "app");
    resolver.apply(0, &Record::Fork(Task { pid: 8, ppid: 7, tid: 8, ptid: 7, time: 0 }));
    assert_eq!(name(&mut resolver, 8), "app");
    let child = resolver.at(8, CpuMode::User, 0x5010);
    assert_eq!(resolver.module(child), Some("/bin/app"));
    let told = 1 << 13;
    resolver.apply(told, &Record::Fork(Task { pid: 9, ppid: 7, tid: 9, ptid: 7, time: 0 }));
    let told = resolver.at(9, CpuMode::User, 0x5010);
    assert_eq!(resolver.module(told), None, "what was running before has mappings of its own");
}

#[test]
fn a_bpf_program_is_one_function() {
    let mut resolver = resolver();
    let (addr, name) = (0xffff_c000_0000_0758, b"bpf_prog_1_x".as_slice());
    let program = Record::Ksymbol { addr, len: 0x85, ksym_type: 1, unregister: false, name };
    resolver.apply(0, &program);
    let frame = resolver.at(7, CpuMode::Kernel, addr + 4);
    assert_eq!((resolver.function(frame), resolver.frame(frame).offset), (Some("bpf_prog_1_x"), 4));
    let behind = resolver.at(7, CpuMode::Kernel, addr + 0x85);
    assert_eq!(resolver.function(behind), None);
}

#[test]
fn the_kernel_has_functions_behind_its_mapping() {
    let mut resolver = resolver();
    let frame = resolver.at(7, CpuMode::Kernel, 0xffff_0000_0080_0010);
    assert_eq!((resolver.module(frame), resolver.frame(frame).offset), (Some("[kernel.kallsyms]"), 0x10));
}
