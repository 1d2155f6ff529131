//! The lines of a sample, field by field in perf's order.
//!
//! ```text
//! comm   tid cpu    time         period event
//! work 16584 [000]  2211.072232:    1003009 cpu-clock:ppp:
//! <tab>            11f7 leaf+0x16 (./work)                  the call chain, innermost first
//! <tab>            1264 top_a+0x1d (./work)
//!                                                            an empty line ends it
//! ```

use std::collections::BTreeSet;
use std::rc::Rc;

use perfuse_analyze::resolve::{Names, Resolver};
use perfuse_format::perfdata::attr::{flag, kind, sample_type};
use perfuse_format::perfdata::record::kind as kind_of;
use perfuse_format::perfdata::sample::Registers;
use perfuse_format::perfdata::{CpuMode, EventAttr, PerfData, RawRecord, Record, Sample};

use super::code::{self, CodeText};
use super::fields::{Fields, Layout, Output};
use super::frames::{self, FrameTexts, Look, Shape};
use super::{memory, registers};
use crate::perf::number;

/// What is the same for all samples of an event.
#[derive(Debug, Clone)]
struct EventLines {
    attr: EventAttr,
    fields: Fields,
    /// Whether the fields were chosen.
    by_user: bool,
    /// The name, aligned, with its colon.
    name: Vec<u8>,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    /// As recorded.
    #[default]
    Recorded,
    /// Since the first one that was shown.
    SinceFirst,
    /// Since the one before.
    SinceLast,
}

/// How lines are shown.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub struct Style {
    /// Times.
    pub time: TimeStyle,
    /// Nine digits of a second instead of six.
    pub nanoseconds: bool,
    /// Whether call chains are shown.
    pub call_chains: bool,
    /// Source files with their directories.
    pub full_source_path: bool,
    /// Functions behind which a call chain is not shown any further.
    pub stop_at: BTreeSet<String>,
    /// Threads and CPUs in the narrow columns of `-L`.
    pub narrow: bool,
    /// Whether the recorded machine is of the kind of this one: only then instructions of samples are read.
    pub native: bool,
    /// Most blocks of `brstackinsn`; 0 for all.
    pub max_blocks: u32,
    /// Modules of the kernel by their paths.
    pub kernel_paths: bool,
    /// Architecture of the recorded machine, for names of registers.
    pub arch: String,
    /// Wall-clock nanoseconds minus those of the recording's clock, and seconds east of UTC: for times of day.
    pub wall: Option<(i128, i64)>,
}

/// Writes samples.
#[derive(Debug)]
pub struct Printer {
    /// Shared, so that writing a sample copies nothing of them.
    events: Vec<Rc<EventLines>>,
    pub(super) style: Style,
    flags: bool,
    pub(super) texts: FrameTexts,
    pub(super) code: CodeText,
    first_time: u64,
    last_time: u64,
    /// The widest data source that was written: they are aligned to it.
    data_src_width: usize,
}

impl Printer {
    /// A printer of these events (name and attr), with the fields of `layout`.
    pub fn new<'e>(
        events: impl Iterator<Item = (&'e str, &'e EventAttr)> + Clone,
        layout: &Layout,
        style: Style,
    ) -> Self {
        let width = events.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
        let lines = |(name, attr): (&str, &EventAttr)| {
            let mut aligned = Vec::new();
            number::text(&mut aligned, name.as_bytes(), width, false);
            aligned.extend_from_slice(b": ");
            let chosen = layout.of(Output::of(attr.kind));
            Rc::new(EventLines { attr: *attr, fields: chosen.fields, by_user: chosen.by_user, name: aligned })
        };
        let texts =
            FrameTexts::new(Look { full_source_path: style.full_source_path, kernel_paths: style.kernel_paths });
        let code = CodeText::new(style.native, style.full_source_path, style.max_blocks);
        Self {
            events: events.map(lines).collect(),
            style,
            flags: layout.flags,
            texts,
            code,
            first_time: 0,
            last_time: 0,
            data_src_width: 0,
        }
    }

    /// Writes one sample. `trace` appends the fields of a tracepoint.
    pub fn sample<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        sample: &Sample<'_>,
        out: &mut Vec<u8>,
        trace: impl FnOnce(&mut Resolver<N>, &mut Vec<u8>),
    ) {
        let Some(event) = self.events.get(sample.event).map(Rc::clone) else { return };
        let (fields, attr) = (event.fields, &event.attr);
        if fields.is_empty() {
            return;
        }
        self.start(resolver, sample.event, sample.misc, 0, who(sample), out);
        if fields.has(Fields::PERIOD) {
            number::decimal(out, sample.period, 10);
            out.push(b' ');
        }
        if fields.has(Fields::EVENT) {
            out.extend_from_slice(&event.name);
        }
        if self.flags {
            number::fill(out, b' ', 24);
        }
        if is_branch_trace(attr) {
            self.branch_trace(resolver, attr, fields, sample, out);
            return;
        }
        if fields.has(Fields::TRACE) && sample.raw.is_some() {
            trace(resolver, out);
        }
        if fields.has(Fields::ADDR) {
            address(resolver, attr, fields, sample, out);
        }
        self.cost(fields, sample, out);
        if fields.has(Fields::IP) {
            self.place(resolver, attr, fields, sample, out);
        }
        self.rest(resolver, fields, attr, sample, out);
        out.push(b'\n');
        if fields.has(Fields::SRCCODE) {
            self.source_text(resolver, sample, out);
        }
    }

    /// Writes a record that is no sample, as one line behind the fields that every line has.
    pub fn record<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        data: &PerfData<'_>,
        raw: &RawRecord<'_>,
        record: Option<&Record<'_>>,
        out: &mut Vec<u8>,
    ) {
        let id = data.sample_id(raw);
        let (pid, tid) = id.pid_tid.unwrap_or((-1, -1));
        let mut who = Who { thread: tid, pid, tid, cpu: id.cpu.unwrap_or_default(), time: id.time.unwrap_or_default() };
        // Records of threads are shown with the name of the thread that they are about.
        let about = match record {
            Some(Record::Mmap(mmap)) => Some((mmap.pid, mmap.tid, 0)),
            Some(Record::Comm { pid, tid, .. } | Record::Namespaces { pid, tid, .. }) => Some((*pid, *tid, 0)),
            Some(Record::Fork(task) | Record::Exit(task)) => Some((task.pid, task.tid, task.time)),
            _ => None,
        };
        if raw.kind < kind_of::HEADER_ATTR
            && let Ok(event) = data.event_of(raw)
        {
            let all = self.events.get(event).is_some_and(|event| event.attr.has(flag::SAMPLE_ID_ALL));
            if let Some((pid, tid, time)) = about {
                who.thread = tid;
                if !all {
                    who = Who { thread: tid, pid, tid, cpu: 0, time };
                }
            }
            if who.thread != -1 {
                self.start(resolver, event, raw.misc, raw.kind, who, out);
            }
        }
        super::record::write(resolver, raw, record, out);
    }

    /// The beginning of every line: who, where, when. `record` is the type of a record that is no sample.
    pub(super) fn start<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        event: usize,
        misc: u16,
        record: u32,
        who: Who,
        out: &mut Vec<u8>,
    ) {
        let Some(event) = self.events.get(event).map(Rc::clone) else { return };
        let (fields, attr) = (event.fields, &event.attr);
        if fields.has(Fields::COMM) {
            let comm = resolver.comm(who.thread);
            let comm = resolver.comm_name(comm).as_bytes();
            let chain = fields.has(Fields::IP) && attr.samples(sample_type::CALLCHAIN) && self.style.call_chains;
            if self.style.narrow {
                number::text(out, comm.get(..8).unwrap_or(comm), 8, false);
            } else {
                number::text(out, comm, if chain { 0 } else { 16 }, false);
            }
            out.push(b' ');
        }
        if fields.has(Fields::PID) && fields.has(Fields::TID) {
            number::signed(out, who.pid.into(), 5, false);
            out.push(b'/');
            number::signed(out, who.tid.into(), 5, true);
            out.push(b' ');
        } else if fields.has(Fields::PID) {
            number::signed(out, who.pid.into(), 5, false);
            out.push(b' ');
        } else if fields.has(Fields::TID) {
            number::signed(out, who.tid.into(), 5, false);
            out.push(b' ');
        }
        if fields.has(Fields::CPU) {
            if self.style.narrow {
                number::decimal(out, who.cpu.into(), 3);
                out.push(b' ');
            } else {
                out.push(b'[');
                number::zero_padded(out, who.cpu.into(), 3);
                out.extend_from_slice(b"] ");
            }
        }
        if fields.has(Fields::MISC) {
            header_bits(misc, record, out);
        }
        if fields.has(Fields::TOD) {
            self.time_of_day(who.time, out);
        }
        if fields.has(Fields::TIME) {
            self.time(who.time, out);
        }
    }

    fn time(&mut self, time: u64, out: &mut Vec<u8>) {
        let shown = match self.style.time {
            TimeStyle::Recorded => time,
            TimeStyle::SinceFirst => {
                if self.first_time == 0 {
                    self.first_time = time;
                }
                time.wrapping_sub(self.first_time)
            }
            TimeStyle::SinceLast => {
                let since = if self.last_time == 0 { 0 } else { time.wrapping_sub(self.last_time) };
                self.last_time = time;
                since
            }
        };
        let (seconds, rest) = (shown / 1_000_000_000, shown % 1_000_000_000);
        number::decimal(out, seconds, 5);
        out.push(b'.');
        if self.style.nanoseconds {
            number::zero_padded(out, rest, 9);
        } else {
            number::zero_padded(out, rest / 1000, 6);
        }
        out.extend_from_slice(b": ");
    }

    /// `2026-11-23 09:24:26.123456 ` in the time zone of whoever reads it.
    fn time_of_day(&self, time: u64, out: &mut Vec<u8>) {
        let Some((offset, zone)) = self.style.wall else { return };
        let wall = i128::from(time) + offset + i128::from(zone) * 1_000_000_000;
        let seconds = i64::try_from(wall.div_euclid(1_000_000_000)).unwrap_or_default();
        let Ok(when) = jiff::Timestamp::from_second(seconds) else { return };
        let when = when.to_zoned(jiff::tz::TimeZone::UTC);
        out.extend_from_slice(when.strftime("%Y-%m-%d %H:%M:%S").to_string().as_bytes());
        out.push(b'.');
        let rest = u64::try_from(wall.rem_euclid(1_000_000_000)).unwrap_or_default();
        if self.style.nanoseconds {
            number::zero_padded(out, rest, 9);
        } else {
            number::zero_padded(out, rest / 1000, 6);
        }
        out.push(b' ');
    }

    /// What an access of memory cost.
    fn cost(&mut self, fields: Fields, sample: &Sample<'_>, out: &mut Vec<u8>) {
        if fields.has(Fields::DATA_SRC) {
            let begin = out.len();
            number::hex(out, sample.data_src, 16);
            out.push(b' ');
            out.extend_from_slice(memory::words(sample.data_src).as_bytes());
            self.data_src_width = self.data_src_width.max(out.len() - begin);
            out.resize(begin + self.data_src_width, b' ');
        }
        if fields.has(Fields::WEIGHT) {
            number::decimal(out, sample.weight, 16);
        }
        if fields.has(Fields::INS_LAT) {
            number::decimal(out, sample.weight_more.0.into(), 16);
        }
    }

    /// Whether the fields of an event were chosen by whoever reads it.
    pub(super) fn by_user(&self, event: usize) -> bool {
        self.events.get(event).is_some_and(|event| event.by_user)
    }

    pub(super) fn place<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        fields: Fields,
        sample: &Sample<'_>,
        out: &mut Vec<u8>,
    ) {
        if self.style.call_chains && attr.samples(sample_type::CALLCHAIN) {
            out.push(b'\n');
            let shape = if attr.samples(sample_type::STACK_USER) { Shape::Unwound } else { Shape::Line };
            if self.style.stop_at.is_empty()
                && let Some(id) = resolver.chain_id(attr, sample)
            {
                self.texts.put_chain(resolver, fields, shape, id, out);
                return;
            }
            resolver.chain(attr, sample);
            let mut index = 0;
            while let Some(frame) = resolver.last_chain().get(index).copied() {
                self.texts.put(resolver, fields, shape, frame.frame, out);
                index += 1;
                if !self.style.stop_at.is_empty() && self.stops(resolver, frame.frame) {
                    break;
                }
            }
            return;
        }
        out.push(b' ');
        number::hex(out, sample.ip, 16);
        let place = resolver.place(sample);
        self.texts.put(resolver, fields, Shape::Tail, place, out);
    }

    fn rest<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        fields: Fields,
        attr: &EventAttr,
        sample: &Sample<'_>,
        out: &mut Vec<u8>,
    ) {
        if fields.has(Fields::IREGS) {
            register_values(&self.style.arch, &sample.intr_regs, out);
        }
        if fields.has(Fields::UREGS) {
            register_values(&self.style.arch, &sample.user_regs, out);
        }
        super::branches::write(resolver, fields, sample, out);
        if fields.has(Fields::BPF_OUTPUT) && attr.kind == kind::SOFTWARE && attr.config == BPF_OUTPUT {
            super::bpf::write(sample.raw.unwrap_or_default(), out);
        }
        if fields.has(code::CODE) {
            self.code.write(resolver, fields, sample, out);
        }
        if fields.has(Fields::PHYS_ADDR) {
            number::hex(out, sample.phys_addr, 16);
        }
        for (field, size) in
            [(Fields::DATA_PAGE_SIZE, sample.data_page_size), (Fields::CODE_PAGE_SIZE, sample.code_page_size)]
        {
            if fields.has(field) {
                out.push(b' ');
                out.extend_from_slice(page_size_text(size).as_bytes());
            }
        }
    }
}

/// `PERF_COUNT_SW_BPF_OUTPUT`.
const BPF_OUTPUT: u64 = 10;
/// `PERF_COUNT_SW_PAGE_FAULTS`, `_MIN` and `_MAJ`: their address is one of data, with a place of its own.
const FAULTS: [u64; 3] = [2, 5, 6];

/// Whether each sample is a branch that was taken: `PERF_COUNT_HW_BRANCH_INSTRUCTIONS` (by its bit, as perf looks at it)
/// with a period of one.
fn is_branch_trace(attr: &EventAttr) -> bool {
    attr.kind == kind::HARDWARE && attr.config & 4 != 0 && attr.sample_period == 1
}

/// Whom a line is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Who {
    /// The thread whose name is shown.
    pub thread: i32,
    pub pid: i32,
    pub tid: i32,
    pub cpu: u32,
    pub time: u64,
}

fn who(sample: &Sample<'_>) -> Who {
    Who { thread: sample.tid, pid: sample.pid, tid: sample.tid, cpu: sample.cpu, time: sample.time }
}

/// `K`, `U`, and what the bits of other records mean, in six columns and one.
fn header_bits(misc: u16, record: u32, out: &mut Vec<u8>) {
    use perfuse_format::perfdata::misc as bit;
    let begin = out.len();
    match CpuMode::of(misc) {
        CpuMode::Kernel => out.push(b'K'),
        CpuMode::User => out.push(b'U'),
        // Told by single bits in perf, so the mode of two bits has the letters of both.
        CpuMode::Hypervisor => out.extend_from_slice(b"KUH"),
        CpuMode::GuestKernel => out.push(b'G'),
        CpuMode::GuestUser => out.extend_from_slice(b"KGg"),
        CpuMode::Unknown => {}
    }
    match record {
        kind_of::MMAP | kind_of::MMAP2 if misc & bit::MMAP_DATA != 0 => out.push(b'M'),
        kind_of::COMM if misc & bit::COMM_EXEC != 0 => out.push(b'E'),
        kind_of::SWITCH | kind_of::SWITCH_CPU_WIDE if misc & bit::SWITCH_OUT != 0 => {
            out.push(b'S');
            if misc & bit::SWITCH_OUT_PREEMPT != 0 {
                out.push(b'p');
            }
        }
        _ => {}
    }
    let written = out.len() - begin;
    // `%*s` of one blank: never less than one.
    number::fill(out, b' ', 6_usize.saturating_sub(written).max(1));
}

pub(super) fn address<N: Names>(
    resolver: &mut Resolver<N>,
    attr: &EventAttr,
    fields: Fields,
    sample: &Sample<'_>,
    out: &mut Vec<u8>,
) {
    number::hex(out, sample.addr, 16);
    let of_code = attr.kind == kind::SOFTWARE && FAULTS.contains(&attr.config) || is_branch_trace(attr);
    if !of_code {
        return;
    }
    let place = resolver.at(sample.pid, sample.cpu_mode(), sample.addr);
    if fields.has(Fields::SYM) {
        out.push(b' ');
        frames::function(resolver, place, fields.has(Fields::SYMOFF), out);
    }
    if fields.has(Fields::DSO) {
        out.extend_from_slice(b" (");
        frames::dso(resolver, place, out);
        out.push(b')');
    }
}

fn register_values(arch: &str, set: &Registers<'_>, out: &mut Vec<u8>) {
    if set.values.is_empty() {
        return;
    }
    out.extend_from_slice(b" ABI:");
    number::decimal(out, set.abi, 0);
    out.push(b' ');
    let numbers = (0..64).filter(|number| set.mask >> number & 1 == 1);
    for (register, value) in numbers.zip(set.values.iter()) {
        number::text(out, registers::name(arch, register).as_bytes(), 5, false);
        out.extend_from_slice(b":0x");
        number::hex(out, value, 0);
        out.push(b' ');
    }
}

/// `4K`, `2M`, `1024M`; `N/A` for none.
pub(super) fn page_size_text(bytes: u64) -> String {
    let (mut count, mut unit) = (bytes, 0);
    while count / 1024 > 1 && unit < 3 {
        count /= 1024;
        unit += 1;
    }
    if bytes == 0 { "N/A".to_owned() } else { format!("{count}{}", ["B", "K", "M", "G"][unit]) }
}
