//! `perf script -D`: every record as bytes and in words.
//!
//! ```text
//!
//! 0x1d0@perf.data [0x10]: event: 74
//! .
//! . ... raw event: size 16 bytes
//! .  0000:  4a 00 00 00 00 00 10 00 02 00 00 00 00 00 01 00  J...............
//!
//! 0 0x1d0 [0x10]: PERF_RECORD_CPU_MAP: 0-1
//! ```

use std::fmt::Write as _;

use perfuse_analyze::resolve::{Names, Resolver};
use perfuse_format::perfdata::attr::{Endian, read_format, sample_type as has};
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::sample::{ReadValues, Registers};
use perfuse_format::perfdata::{EventAttr, PerfData, RawRecord, Record, Sample};

use super::{record, registers};
use crate::perf::number;

/// `PERF_SAMPLE_BRANCH_CALL_STACK`.
const BRANCH_CALL_STACK: u64 = 1 << 11;
/// Bytes of a line.
const LINE: usize = 16;

/// Writes dumps of one file.
#[derive(Debug)]
pub struct Dump<'d> {
    data: &'d PerfData<'d>,
    name: String,
    arch: String,
    /// Whether records tell their times, and of which CPU they are.
    times: Option<(bool, bool)>,
    /// Whether no event is known yet: the first record of a pipe.
    nothing_known: bool,
    /// Whether records come in the order of the file: then perf does not look at the ends of rounds.
    unsorted: bool,
    /// Whether it is for `report`, which makes nothing of maps of threads and CPUs, but takes counts of threads.
    for_report: bool,
}

impl<'d> Dump<'d> {
    /// A dump of a file of this name.
    pub fn new(data: &'d PerfData<'d>, name: &str, arch: &str) -> Self {
        use perfuse_format::perfdata::{Mode, attr::flag};
        let piped = data.header.mode == Mode::Pipe;
        let all = data.events.iter().fold(0, |bits, event| bits | event.attr.sample_type);
        let first = data.events.first().map(|event| event.attr);
        let times =
            first.filter(|attr| attr.has(flag::SAMPLE_ID_ALL)).map(|_| (all & has::CPU != 0, all & has::TIME != 0));
        Self {
            data,
            name: if piped { "pipe".to_owned() } else { name.to_owned() },
            arch: arch.to_owned(),
            times,
            nothing_known: piped,
            unsorted: false,
            for_report: false,
        }
    }

    /// The same for `report -D`: what the command makes nothing of is called unhandled.
    #[must_use]
    pub fn for_report(mut self) -> Self {
        self.for_report = true;
        self
    }

    /// The same for records in the order of the file.
    #[must_use]
    pub fn unsorted(mut self) -> Self {
        self.unsorted = true;
        self
    }

    /// Appends a record.
    pub fn record<N: Names>(&mut self, resolver: &mut Resolver<N>, raw: &RawRecord<'_>, out: &mut Vec<u8>) {
        let offset = raw.offset;
        let size = raw.body.len() as u64 + 8;
        out.push(b'\n');
        number::prefixed_hex(out, offset);
        out.extend_from_slice(format!("@{} [{size:#x}]: event: {}\n", self.name, raw.kind).as_bytes());
        bytes(raw, self.data.endian(), out);
        let sample = if raw.kind == kind::SAMPLE { self.data.decode_sample(raw).ok() } else { None };
        self.stamp(raw, sample.as_ref(), out);
        number::prefixed_hex(out, offset);
        let name = record::name(raw.kind).unwrap_or("UNKNOWN");
        out.extend_from_slice(format!(" [{size:#x}]: PERF_RECORD_{name}").as_bytes());
        self.nothing_known &= raw.kind != kind::HEADER_ATTR;
        if let Some(sample) = sample {
            let attr = self.data.events.get(sample.event).map(|event| event.attr).unwrap_or_default();
            self.sample(raw, &sample, &attr, out);
        } else if raw.kind == kind::FINISHED_ROUND && self.unsorted {
            out.extend_from_slice(b": unhandled!\n");
        } else if raw.kind >= kind::HEADER_ATTR {
            own(raw, self.data.endian(), out);
            let is_map = matches!(raw.kind, kind::THREAD_MAP | kind::CPU_MAP);
            if self.for_report && is_map {
                out.extend_from_slice(b": unhandled!\n");
            }
        } else {
            match self.data.decode_record(raw) {
                Ok(Some(decoded)) => self.contents(resolver, raw, &decoded, out),
                _ => out.extend_from_slice(b": unhandled!\n"),
            }
        }
    }

    /// CPU and time.
    fn stamp(&self, raw: &RawRecord<'_>, sample: Option<&Sample<'_>>, out: &mut Vec<u8>) {
        let (cpus, times) = match self.times {
            _ if self.nothing_known => {
                out.extend_from_slice(b"-1 -1 ");
                return;
            }
            Some(times) => times,
            None if sample.is_none() => {
                out.extend_from_slice(b"-1 -1 ");
                return;
            }
            None => {
                let all = self.data.events.iter().fold(0, |bits, event| bits | event.attr.sample_type);
                (all & has::CPU != 0, all & has::TIME != 0)
            }
        };
        let trailer = self.data.sample_id(raw);
        if cpus {
            let cpu = sample.map_or(trailer.cpu.unwrap_or_default(), |sample| sample.cpu);
            number::decimal(out, cpu.into(), 0);
            out.push(b' ');
        }
        if times {
            number::decimal(out, sample.map_or(trailer.time.unwrap_or_default(), |sample| sample.time), 0);
            out.push(b' ');
        }
    }

    fn contents<N: Names>(
        &self,
        resolver: &mut Resolver<N>,
        raw: &RawRecord<'_>,
        decoded: &Record<'_>,
        out: &mut Vec<u8>,
    ) {
        let trailer = self.data.sample_id(raw);
        let text = match decoded {
            Record::Lost { id, lost } => format!(": id:{id}: lost:{lost}\n"),
            Record::LostSamples { lost } => format!(": id:{}: lost samples :{lost}\n", trailer.id.unwrap_or_default()),
            // perf does not even end the line.
            Record::Throttle { .. } => String::new(),
            Record::TextPoke { addr, old, new } => {
                record::text_poke(resolver, *addr, (old, new), out);
                return;
            }
            Record::Read { pid, tid, values } => {
                let event = self.data.event_of(raw).ok().and_then(|event| self.data.events.get(event));
                let unhandled = if self.for_report { "" } else { ": unhandled!\n" };
                read_record((*pid, *tid), event.map_or("", |event| &event.name), values) + unhandled
            }
            _ => {
                record::contents(raw, decoded, out);
                return;
            }
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn sample(&self, raw: &RawRecord<'_>, sample: &Sample<'_>, attr: &EventAttr, out: &mut Vec<u8>) {
        let mut put = |text: String| out.extend_from_slice(text.as_bytes());
        let sharp = |value: u64| if value == 0 { "0".to_owned() } else { format!("{value:#x}") };
        put(format!("(IP, 0x{:x}): {}/{}: {}", raw.misc, sample.pid, sample.tid, sharp(sample.ip)));
        put(format!(" period: {} addr: {}\n", sample.period, sharp(sample.addr)));
        let there = |bit: u64| attr.samples(bit);
        if there(has::CALLCHAIN) {
            put(call_chain(sample, attr));
        }
        if there(has::BRANCH_STACK) {
            put(branches(sample, attr.branch_sample_type & BRANCH_CALL_STACK != 0));
        }
        if there(has::REGS_USER) {
            put(self.registers("user", &sample.user_regs));
        }
        if there(has::REGS_INTR) {
            put(self.registers("intr", &sample.intr_regs));
        }
        if there(has::STACK_USER) {
            let place = (sample.user_stack.as_ptr() as usize).wrapping_sub(raw.body.as_ptr() as usize);
            // Of the size in front of it.
            let place = if sample.user_stack.is_empty() { 0 } else { place };
            put(format!("... ustack: size {}, offset {place:#x}\n", sample.user_stack.len()));
        }
        if there(has::WEIGHT | has::WEIGHT_STRUCT) {
            put(format!("... weight: {}", sample.weight));
            if there(has::WEIGHT_STRUCT) {
                put(format!(",0x{:x},0x{:x}", sample.weight_more.0, sample.weight_more.1));
            }
            put("\n".to_owned());
        }
        if there(has::DATA_SRC) {
            put(format!(" . data_src: 0x{:x}\n", sample.data_src));
        }
        if there(has::PHYS_ADDR) {
            put(format!(" .. phys_addr: 0x{:x}\n", sample.phys_addr));
        }
        if there(has::DATA_PAGE_SIZE) {
            put(format!(" .. data page size: {}\n", super::sample::page_size_text(sample.data_page_size)));
        }
        if there(has::CODE_PAGE_SIZE) {
            put(format!(" .. code page size: {}\n", super::sample::page_size_text(sample.code_page_size)));
        }
        if there(has::TRANSACTION) {
            put(format!("... transaction: {:x}\n", sample.transaction));
        }
        if let Some(read) = &sample.read {
            put(counts(read, attr.read_format));
        }
    }

    fn registers(&self, whose: &str, set: &Registers<'_>) -> String {
        if set.values.is_empty() {
            return String::new();
        }
        let abi = match set.abi {
            0 => "none",
            1 => "32-bit",
            2 => "64-bit",
            _ => "unknown",
        };
        let mut text = format!("... {whose} regs: mask 0x{:x} ABI {abi}\n", set.mask);
        let numbers = (0..64).filter(|number| set.mask >> number & 1 == 1);
        for (register, value) in numbers.zip(set.values.iter()) {
            let _ = writeln!(text, ".... {:<5} 0x{value:016x}", registers::name(&self.arch, register));
        }
        text
    }
}

fn call_chain(sample: &Sample<'_>, attr: &EventAttr) -> String {
    let mut text = String::new();
    if attr.branch_sample_type & BRANCH_CALL_STACK != 0 {
        text.push_str(&branch_call_chain(sample));
    }
    let _ = writeln!(text, "... FP chain: nr:{}", sample.callchain.len());
    for (index, ip) in sample.callchain.iter().enumerate() {
        let _ = writeln!(text, "..... {index:2}: {ip:016x}");
    }
    text
}

/// The kernel's part as recorded, then the branches; nothing without a user part.
fn branch_call_chain(sample: &Sample<'_>) -> String {
    const CONTEXT_USER: u64 = (-512_i64).cast_unsigned();
    let Some(user) = sample.callchain.iter().position(|ip| ip == CONTEXT_USER) else { return String::new() };
    let branches = sample.branches.len() / 3;
    let mut text = format!("... LBR call chain: nr:{}\n", user + 1 + branches + 1);
    let words: Vec<u64> = sample.branches.iter().collect();
    let newest = words.get(1).copied().unwrap_or_default();
    let users = std::iter::once(newest).chain(words.chunks_exact(3).map(|branch| branch[0]));
    for (index, ip) in sample.callchain.iter().take(user + 1).chain(users).enumerate() {
        let _ = writeln!(text, "..... {index:2}: {ip:016x}");
    }
    text
}

fn branches(sample: &Sample<'_>, call_stack: bool) -> String {
    let words: Vec<u64> = sample.branches.iter().collect();
    let mut text = String::new();
    let title = if call_stack { "branch callstack" } else { "branch stack" };
    let count = words.len() / 3 + usize::from(call_stack && !words.is_empty());
    let _ = writeln!(text, "... {title}: nr:{count}");
    for (index, branch) in words.chunks_exact(3).enumerate() {
        let (from, to, flags) = (branch[0], branch[1], branch[2]);
        if call_stack {
            if index == 0 {
                let _ = writeln!(text, "..... {index:2}: {to:016x}");
            }
            let _ = writeln!(text, "..... {:2}: {from:016x}", index + 1);
            continue;
        }
        let letter = |bit: u32, letter: char| if flags >> bit & 1 == 1 { letter } else { ' ' };
        let cycles = flags >> 4 & 0xffff;
        let _ = writeln!(
            text,
            "..... {index:2}: {from:016x} -> {to:016x} {cycles} cycles {}{}{}{} {:x} {}",
            letter(0, 'M'),
            letter(1, 'P'),
            letter(3, 'A'),
            letter(2, 'T'),
            // The bits that have no meaning yet.
            flags >> 33,
            super::branches::type_name(flags)
        );
    }
    text
}

fn counts(read: &ReadValues, format: u64) -> String {
    let mut text = String::from("... sample_read:\n");
    for (time, name) in [(read.time_enabled, "enabled"), (read.time_running, "running")] {
        if let Some(time) = time {
            let _ = writeln!(text, "...... time {name} {time:016x}");
        }
    }
    if format & read_format::GROUP != 0 {
        let _ = writeln!(text, ".... group nr {}", read.values.len());
    }
    for value in &read.values {
        let _ = write!(text, "..... id {:016x}, value {:016x}", value.id.unwrap_or_default(), value.value);
        if let Some(lost) = value.lost {
            let _ = write!(text, ", lost {lost}");
        }
        text.push('\n');
    }
    text
}

fn read_record((pid, tid): (i32, i32), event: &str, read: &ReadValues) -> String {
    let first = read.values.first().copied().unwrap_or_default();
    let mut text = format!(": {pid} {tid} {event} {}\n", first.value);
    let rows = [
        ("time enabled ", read.time_enabled),
        ("time running ", read.time_running),
        ("id           ", first.id),
        ("lost         ", first.lost),
    ];
    for (name, number) in rows {
        if let Some(number) = number {
            let _ = writeln!(text, "... {name}: {number}");
        }
    }
    text
}

/// The bytes of a record, header and all.
fn bytes(raw: &RawRecord<'_>, endian: Endian, out: &mut Vec<u8>) {
    let size = raw.body.len() + 8;
    let short = u16::try_from(size).unwrap_or_default();
    let mut header = [0; 8];
    let (kind, misc, length) = match endian {
        Endian::Little => (raw.kind.to_le_bytes(), raw.misc.to_le_bytes(), short.to_le_bytes()),
        Endian::Big => (raw.kind.to_be_bytes(), raw.misc.to_be_bytes(), short.to_be_bytes()),
    };
    header[..4].copy_from_slice(&kind);
    header[4..6].copy_from_slice(&misc);
    header[6..].copy_from_slice(&length);
    out.extend_from_slice(format!(".\n. ... raw event: size {size} bytes\n").as_bytes());
    let byte = |at: usize| header.get(at).or_else(|| raw.body.get(at.checked_sub(8)?)).copied();
    for start in (0..size).step_by(LINE) {
        out.extend_from_slice(b".  ");
        number::zero_hex(out, start as u64, 4);
        out.extend_from_slice(b": ");
        for at in start..start + LINE {
            match byte(at) {
                Some(byte) => {
                    out.push(b' ');
                    number::zero_hex(out, byte.into(), 2);
                }
                None => out.extend_from_slice(b"   "),
            }
        }
        out.extend_from_slice(b"  ");
        for at in start..start + LINE {
            let shown = byte(at).map_or(b' ', |byte| if (0x20..0x7f).contains(&byte) { byte } else { b'.' });
            out.push(shown);
        }
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// What perf itself wrote.
fn own(raw: &RawRecord<'_>, endian: Endian, out: &mut Vec<u8>) {
    let words = perfuse_format::perfdata::U64s::new(raw.body, endian);
    let mut words = words.iter();
    let mut next = || words.next().unwrap_or_default();
    let signed = |word: u64| word.cast_signed();
    let text = match raw.kind {
        kind::FINISHED_ROUND => "\n".to_owned(),
        kind::ID_INDEX => {
            let count = next();
            let mut text = format!(" nr: {count}\n");
            for _ in 0..count.min(raw.body.len() as u64 / 32) {
                let (id, index, cpu, tid) = (next(), next(), signed(next()), signed(next()));
                let _ = writeln!(text, " ... id: {id}  idx: {index}  cpu: {cpu}  tid: {tid}");
            }
            text
        }
        kind::THREAD_MAP => {
            let count = next();
            let threads: Vec<String> = (0..count.min(raw.body.len() as u64 / 24))
                .map(|_| {
                    let pid = signed(next());
                    // The name of the thread.
                    next();
                    next();
                    pid.to_string()
                })
                .collect();
            let plural = if threads.len() > 1 { "s" } else { "" };
            format!(" nr: {} thread{plural}: {}\n", threads.len(), threads.join(", "))
        }
        kind::CPU_MAP => format!(": {}\n", cpu_map(raw.body, endian)),
        kind::EVENT_UPDATE => {
            let (what, id) = (next(), next());
            event_update(what, id, raw.body.get(16..).unwrap_or_default(), endian)
        }
        kind::HEADER_ATTR | kind::HEADER_FEATURE | kind::HEADER_BUILD_ID => String::new(),
        _ => ": unhandled!\n".to_owned(),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Unit, scale, name or CPUs of an event.
fn event_update(what: u64, id: u64, data: &[u8], endian: Endian) -> String {
    let words = || String::from_utf8_lossy(data.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
    let number = || perfuse_format::perfdata::U64s::new(data, endian).iter().next().unwrap_or_default();
    let line = match what {
        0 => format!("... unit:  {}\n", words()),
        1 => format!("... scale: {:.6}\n", f64::from_bits(number())),
        2 => format!("... name:  {}\n", words()),
        3 => format!("... {}\n", cpu_map(data, endian)),
        _ => "... unknown type\n".to_owned(),
    };
    format!("\n... id:    {id}\n{line}")
}

/// `0-1`: the CPUs of a `CPU_MAP`, which holds a list, a mask or a range.
fn cpu_map(body: &[u8], endian: Endian) -> String {
    let half = |at: usize| -> Option<u16> {
        let bytes: [u8; 2] = body.get(at..at + 2)?.try_into().ok()?;
        Some(if endian == Endian::Little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let byte = |at: usize| body.get(at).copied();
    let cpus: Vec<u64> = match half(0) {
        Some(0) => (0..usize::from(half(2).unwrap_or(0))).map_while(|at| half(4 + at * 2)).map(u64::from).collect(),
        Some(1) => {
            let (count, size) = (usize::from(half(2).unwrap_or(0)), usize::from(half(4).unwrap_or(0)));
            let start = if size == 8 { 8 } else { 6 };
            let mask = body.get(start..).unwrap_or_default();
            let mask = mask.get(..count.saturating_mul(size)).unwrap_or(mask);
            let in_word = |at: usize| match endian {
                Endian::Little => at,
                Endian::Big => at / size.max(1) * size + (size.max(1) - 1 - at % size.max(1)),
            };
            (0..mask.len() * 8)
                .filter(|cpu| mask.get(in_word(cpu / 8)).is_some_and(|byte| byte >> (cpu % 8) & 1 == 1))
                .map(|cpu| cpu as u64)
                .collect()
        }
        Some(2) if byte(2).is_some() => {
            let (from, to) = (half(4).unwrap_or(1), half(6).unwrap_or(0));
            (u64::from(from)..=u64::from(to)).collect()
        }
        _ => Vec::new(),
    };
    ranges(&cpus)
}

/// `0-3,7`.
fn ranges(numbers: &[u64]) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let text = |(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_sixteen_in_a_line() {
        let mut out = Vec::new();
        let raw = RawRecord { kind: 69, misc: 0, offset: 0, body: b"\x02\0\0\0perf!" };
        bytes(&raw, Endian::Little, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            ".\n. ... raw event: size 17 bytes\n\
             .  0000:  45 00 00 00 00 00 11 00 02 00 00 00 70 65 72 66  E...........perf\n\
             .  0010:  21                                               !               \n\n"
        );
    }

    #[test]
    fn cpu_maps_are_lists_masks_or_ranges() {
        assert_eq!(cpu_map(&[0, 0, 3, 0, 0, 0, 1, 0, 4, 0], Endian::Little), "0-1,4");
        assert_eq!(cpu_map(&[2, 0, 0, 0, 0, 0, 1, 0], Endian::Little), "0-1");
        assert_eq!(cpu_map(&[1, 0, 1, 0, 4, 0, 5, 0, 0, 0], Endian::Little), "0,2");
        assert_eq!(cpu_map(&[], Endian::Little), "");
    }
}
