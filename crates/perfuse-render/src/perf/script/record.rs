//! Records that are no samples, as `perf script --show-…-events` and `-D` write them.

use perfuse_analyze::resolve::{Names, Resolver};
use perfuse_format::perfdata::record::{Task, kind};
use perfuse_format::perfdata::{CpuMode, Mmap, RawRecord, Record, misc};

use crate::perf::number;

/// The name of a type of record; `None` for types that this program does not know.
pub fn name(type_number: u32) -> Option<&'static str> {
    Some(match type_number {
        kind::MMAP => "MMAP",
        kind::LOST => "LOST",
        kind::COMM => "COMM",
        kind::EXIT => "EXIT",
        kind::THROTTLE => "THROTTLE",
        kind::UNTHROTTLE => "UNTHROTTLE",
        kind::FORK => "FORK",
        kind::READ => "READ",
        kind::SAMPLE => "SAMPLE",
        kind::MMAP2 => "MMAP2",
        kind::AUX => "AUX",
        kind::ITRACE_START => "ITRACE_START",
        kind::LOST_SAMPLES => "LOST_SAMPLES",
        kind::SWITCH => "SWITCH",
        kind::SWITCH_CPU_WIDE => "SWITCH_CPU_WIDE",
        kind::NAMESPACES => "NAMESPACES",
        kind::KSYMBOL => "KSYMBOL",
        kind::BPF_EVENT => "BPF_EVENT",
        kind::CGROUP => "CGROUP",
        kind::TEXT_POKE => "TEXT_POKE",
        kind::AUX_OUTPUT_HW_ID => "AUX_OUTPUT_HW_ID",
        kind::HEADER_ATTR => "ATTR",
        kind::HEADER_EVENT_TYPE => "EVENT_TYPE",
        kind::HEADER_TRACING_DATA => "TRACING_DATA",
        kind::HEADER_BUILD_ID => "BUILD_ID",
        kind::FINISHED_ROUND => "FINISHED_ROUND",
        kind::ID_INDEX => "ID_INDEX",
        kind::AUXTRACE_INFO => "AUXTRACE_INFO",
        kind::AUXTRACE => "AUXTRACE",
        kind::AUXTRACE_ERROR => "AUXTRACE_ERROR",
        kind::THREAD_MAP => "THREAD_MAP",
        kind::CPU_MAP => "CPU_MAP",
        kind::STAT_CONFIG => "STAT_CONFIG",
        kind::STAT => "STAT",
        kind::STAT_ROUND => "STAT_ROUND",
        kind::EVENT_UPDATE => "EVENT_UPDATE",
        kind::TIME_CONV => "TIME_CONV",
        kind::HEADER_FEATURE => "FEATURE",
        kind::COMPRESSED => "COMPRESSED",
        kind::FINISHED_INIT => "FINISHED_INIT",
        kind::COMPRESSED2 => "COMPRESSED2",
        _ => return None,
    })
}

/// Names of namespaces, by their place in a NAMESPACES record.
const NAMESPACES: [&str; 7] = ["net", "uts", "ipc", "pid", "user", "mnt", "cgroup"];

/// Appends the whole of a record: its name, what is in it, and the end of the line.
pub(super) fn write<N: Names>(
    resolver: &mut Resolver<N>,
    raw: &RawRecord<'_>,
    record: Option<&Record<'_>>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"PERF_RECORD_");
    out.extend_from_slice(name(raw.kind).unwrap_or("UNKNOWN").as_bytes());
    match record {
        Some(Record::TextPoke { addr, old, new }) => text_poke(resolver, *addr, (old, new), out),
        Some(record) => contents(raw, record, out),
        None => out.push(b'\n'),
    }
}

/// Appends what a change of kernel code is about: where, in which function, and the bytes before and after.
pub(super) fn text_poke<N: Names>(resolver: &mut Resolver<N>, address: u64, bytes: (&[u8], &[u8]), out: &mut Vec<u8>) {
    let mut function = Vec::new();
    let place = resolver.at(0, CpuMode::Kernel, address);
    if resolver.function(place).is_some() {
        super::frames::function(resolver, place, true, &mut function);
    }
    poked(address, &function, bytes, out);
}

fn poked(address: u64, function: &[u8], (old, new): (&[u8], &[u8]), out: &mut Vec<u8>) {
    out.push(b' ');
    number::hex(out, address, 0);
    out.push(b' ');
    out.extend_from_slice(function);
    out.extend_from_slice(format!(" old len {} new len {}\n", old.len(), new.len()).as_bytes());
    for (title, bytes) in [("Old", old), ("New", new)] {
        for line in bytes.chunks(16) {
            out.extend_from_slice(format!("            {title} bytes:").as_bytes());
            for byte in line {
                out.push(b' ');
                number::zero_hex(out, u64::from(*byte), 2);
            }
            out.push(b'\n');
        }
    }
}

/// Appends what is in a record, and the end of the line.
pub(super) fn contents(raw: &RawRecord<'_>, record: &Record<'_>, out: &mut Vec<u8>) {
    let put = |out: &mut Vec<u8>, text: String| out.extend_from_slice(text.as_bytes());
    match record {
        Record::Mmap(mmap) => map(raw, mmap, out),
        Record::Comm { pid, tid, comm, exec } => {
            out.extend_from_slice(if *exec { b" exec: " } else { b": " });
            out.extend_from_slice(comm);
            put(out, format!(":{pid}/{tid}\n"));
        }
        Record::Fork(Task { pid, tid, ppid, ptid, .. }) | Record::Exit(Task { pid, tid, ppid, ptid, .. }) => {
            put(out, format!("({pid}:{tid}):({ppid}:{ptid})\n"));
        }
        Record::Lost { lost, .. } => put(out, format!(" lost {lost}\n")),
        Record::Switch { out: away, preempted, other } => {
            let word = match (away, preempted) {
                (false, _) => "IN         ",
                (true, false) => "OUT        ",
                (true, true) => "OUT preempt",
            };
            match other {
                None => put(out, format!(" {word}\n")),
                Some((pid, tid)) => {
                    let which = if *away { "next" } else { "prev" };
                    put(out, format!(" {word}  {which} pid/tid: {pid:>5}/{tid:<5}\n"));
                }
            }
        }
        Record::Namespaces { pid, tid, links } => namespaces((*pid, *tid), links, out),
        Record::Ksymbol { addr, len, ksym_type, unregister, name } => {
            let flags = u16::from(*unregister);
            put(out, format!(" addr {addr:x} len {len} type {ksym_type} flags {flags:#x} name "));
            out.extend_from_slice(name);
            out.push(b'\n');
        }
        Record::BpfEvent { event_type, flags, id, .. } => {
            put(out, format!(" type {event_type}, flags {flags}, id {id}\n"));
        }
        Record::Cgroup { id, path } => {
            put(out, format!(" cgroup: {id} "));
            out.extend_from_slice(path);
            out.push(b'\n');
        }
        Record::Aux { offset, size, flags } => {
            let letter = |bit: u64, letter| if flags & bit != 0 { letter } else { "" };
            let letters = format!("{}{}{}", letter(1, "T"), letter(2, "O"), letter(4, "P"));
            out.extend_from_slice(b" offset: ");
            for (number, label) in [(*offset, " size: "), (*size, " flags: "), (*flags, " [")] {
                number::prefixed_hex(out, number);
                out.extend_from_slice(label.as_bytes());
            }
            put(out, format!("{letters}]\n"));
        }
        Record::ItraceStart { pid, tid } => put(out, format!(" pid: {pid} tid: {tid}\n")),
        Record::AuxOutputHwId { hw_id } => {
            out.extend_from_slice(b" hw_id: ");
            number::prefixed_hex(out, *hw_id);
            out.push(b'\n');
        }
        Record::TextPoke { addr, old, new } => {
            poked(*addr, b"", (old, new), out);
        }
        Record::LostSamples { .. } | Record::Throttle { .. } | Record::Read { .. } => out.push(b'\n'),
    }
}

fn map(raw: &RawRecord<'_>, mmap: &Mmap<'_>, out: &mut Vec<u8>) {
    out.push(b' ');
    number::signed(out, mmap.pid.into(), 0, false);
    out.push(b'/');
    number::signed(out, mmap.tid.into(), 0, false);
    out.extend_from_slice(b": [");
    number::prefixed_hex(out, mmap.start);
    out.push(b'(');
    number::prefixed_hex(out, mmap.len);
    out.extend_from_slice(b") @ ");
    number::prefixed_hex(out, mmap.pgoff);
    if !mmap.is_mmap2 {
        out.extend_from_slice(if raw.misc & misc::MMAP_DATA != 0 { b"]: r " } else { b"]: x " });
        out.extend_from_slice(mmap.path);
        out.push(b'\n');
        return;
    }
    out.push(b' ');
    if let Some(build_id) = mmap.build_id {
        out.push(b'<');
        for byte in build_id {
            number::zero_hex(out, u64::from(*byte), 2);
        }
        out.push(b'>');
    } else {
        number::zero_hex(out, mmap.device.0.into(), 2);
        out.push(b':');
        number::zero_hex(out, mmap.device.1.into(), 2);
        out.push(b' ');
        number::decimal(out, mmap.inode.0, 0);
        out.push(b' ');
        number::decimal(out, mmap.inode.1, 0);
    }
    out.extend_from_slice(b"]: ");
    for (bit, letter) in [(1, b'r'), (2, b'w'), (4, b'x')] {
        out.push(if mmap.prot & bit != 0 { letter } else { b'-' });
    }
    // MAP_SHARED.
    out.push(if mmap.flags & 1 != 0 { b's' } else { b'p' });
    out.push(b' ');
    out.extend_from_slice(mmap.path);
    out.push(b'\n');
}

fn namespaces((pid, tid): (i32, i32), links: &[(u64, u64)], out: &mut Vec<u8>) {
    out.extend_from_slice(format!(" {pid}/{tid} - nr_namespaces: {}\n\t\t[", links.len()).as_bytes());
    for (index, (device, inode)) in links.iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.extend_from_slice(b"\n\t\t ");
        }
        let name = NAMESPACES.get(index).unwrap_or(&"unknown");
        out.extend_from_slice(format!("{index}/{name}: {device}/").as_bytes());
        number::prefixed_hex(out, *inode);
        out.extend_from_slice(if index + 1 == links.len() { b"]\n" } else { b", " });
    }
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::resolve::{NoNames, Options};

    use super::*;

    fn text(type_number: u32, misc: u16, record: &Record<'_>) -> String {
        let mut out = Vec::new();
        let mut resolver = Resolver::new(NoNames, Options::default());
        write(&mut resolver, &RawRecord { kind: type_number, misc, offset: 0, body: &[] }, Some(record), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn records_read_as_in_perf() {
        // Captured from perf 6.1.
        let mmap = Mmap {
            pid: 16584,
            tid: 16584,
            start: 0x5639_974b_5000,
            len: 0x1000,
            pgoff: 0x1000,
            device: (0xfe, 0),
            inode: (10_199_090, 1_184_028_232),
            prot: 5,
            flags: 2,
            path: b"./work",
            mode: CpuMode::User,
            is_mmap2: true,
            ..Mmap::default()
        };
        assert_eq!(
            text(kind::MMAP2, 2, &Record::Mmap(mmap)),
            "PERF_RECORD_MMAP2 16584/16584: [0x5639974b5000(0x1000) @ 0x1000 fe:00 10199090 1184028232]: r-xp ./work\n"
        );
        let comm = Record::Comm { pid: 7, tid: 8, comm: b"work", exec: true };
        assert_eq!(text(kind::COMM, 0, &comm), "PERF_RECORD_COMM exec: work:7/8\n");
        let switch = Record::Switch { out: true, preempted: true, other: Some((21, 21)) };
        let expected = "PERF_RECORD_SWITCH_CPU_WIDE OUT preempt  next pid/tid:    21/21   \n";
        assert_eq!(text(kind::SWITCH_CPU_WIDE, 0, &switch), expected);
        let namespaces = Record::Namespaces { pid: 1, tid: 1, links: vec![(0, 0), (4, 0xefff_fffe)] };
        assert_eq!(
            text(kind::NAMESPACES, 0, &namespaces),
            "PERF_RECORD_NAMESPACES 1/1 - nr_namespaces: 2\n\t\t[0/net: 0/0, 1/uts: 4/0xeffffffe]\n"
        );
    }
}
