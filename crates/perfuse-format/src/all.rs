//! Every parser of this crate in one table, for what must hold for all of them: the fuzz targets, and the test that
//! no parser panics on odd input. A test outside asserts that no `impl FromBytes` and no `impl Table` is left out.

use crate::bpf::{self, Table};
use crate::btf::Btf;
use crate::btf::core::resolve;
use crate::btf::ext::{self, CoreRelocation};
use crate::parse::FromBytes;
use crate::raw::RawSnapshot;

/// Parses bytes; whether they were taken. What counts is that it returns at all.
pub type Parser = fn(&[u8]) -> bool;

/// The table from the types: `files` are parsed by [`FromBytes`], `tables` are rows of a BPF map, `others` bring a
/// function.
macro_rules! parsers {
    (
        files { $($file:ident $(::$file_rest:ident)*,)* }
        tables { $($table:ident $(::$table_rest:ident)*,)* }
        others { $($name:literal => $parser:expr,)* }
    ) => {
        [
            $((concat!(stringify!($file) $(, "::", stringify!($file_rest))*), file::<crate::$file $(::$file_rest)*>),)*
            $((concat!(stringify!($table) $(, "::", stringify!($table_rest))*), table::<crate::$table $(::$table_rest)*>),)*
            $(($name, $parser),)*
        ]
    };
}

/// Name (module path and type) and parser, in the order of the names within each group.
pub const PARSERS: &[(&str, Parser)] = &parsers! {
    files {
        cgroup::io::IoMax,
        cgroup::io::IoStat,
        cgroup::io::ThrottleLimit,
        cgroup::io::ThrottleService,
        hsperf::HsPerf,
        live::StoredProbe,
        netlink::addr::Addresses,
        netlink::link::Links,
        netlink::qdisc::Qdiscs,
        netlink::sockdiag::TcpSockets,
        netlink::unixdiag::UnixSockets,
        openmetrics::Exposition,
        parse::KeyValues,
        parse::Limit,
        parse::Number,
        parse::Text,
        perfmap::PerfMap,
        probecache::ProbeCache,
        proc::diskstats::DiskStats,
        proc::file_nr::FileNr,
        proc::interrupts::Interrupts,
        proc::kallsyms::Kallsyms,
        proc::kmsg::Kmsg,
        proc::limits::PidLimits,
        proc::loadavg::LoadAverage,
        proc::locks::FileLocks,
        proc::maps::Maps,
        proc::mdstat::MdStat,
        proc::meminfo::MemInfo,
        proc::meminfo::SmapsRollup,
        proc::mountinfo::MountInfo,
        proc::net::counters::Mib,
        proc::net::counters::Numbers,
        proc::net::counters::SockStat,
        proc::net::counters::StatCache,
        proc::net::dev::NetDev,
        proc::net::reasons::DropReasons,
        proc::net::softnet::SoftnetStat,
        proc::net::udp::UdpSockets,
        proc::oncpu::OnCpu,
        proc::pid::PidCgroup,
        proc::pid::PidIo,
        proc::pid::PidSchedstat,
        proc::pid::PidStat,
        proc::pressure::Pressure,
        proc::stacks::Stacks,
        proc::stat::ProcStat,
        proc::status::PidStatus,
        proc::swaps::Swaps,
        proc::wchan::WaitChannels,
        sys::block::BlockTopology,
        sys::capability::Capabilities,
        sys::cpulist::CpuList,
        sys::ends::Ends,
        sys::fds::Fds,
        sys::fds::Inotify,
        sys::host::Host,
        sys::net::NetDevices,
        sys::net::SocketOwners,
        sys::pci::AerCounts,
        sys::pci::HexNumber,
        sys::pci::LinkSpeed,
        sys::pci::LinkWidth,
        sys::pci::PciClass,
        sys::pmu::CounterScale,
        sys::pmu::PmuCounts,
        sys::statvfs::Filesystems,
        web::dns::Answer,
        web::dns::Hosts,
        web::dns::ResolvConf,
        web::probe::Probes,
    }
    tables {
        bpf::BlockHist,
        bpf::BlockProcess,
        bpf::ErrnoCount,
        bpf::FaultHist,
        bpf::FaultProcess,
        bpf::ForkHist,
        bpf::ForkProcess,
        bpf::FutexWait,
        bpf::FutexWaker,
        bpf::LockHist,
        bpf::LockWait,
        bpf::OffCpu,
        bpf::OomVictim,
        bpf::OpenFiles,
        bpf::Reclaim,
        bpf::RunqCgroup,
        bpf::RunqHist,
        bpf::RunqProcess,
        bpf::SkbDrop,
        bpf::Stack,
        bpf::OpenWait,
        bpf::WaitTime,
        bpf::WakeTime,
    }
    others {
        "btf::Btf" => types,
        "btf::ext" => relocations,
        "btf::join" => joined_types,
        "event::parse" => event,
        "jitdump::JitDump" => jitdump,
        "kafka::answers" => crate::kafka::all,
        "mysql::packets" => crate::mysql::all,
        "live::Expr" => live_expression,
        "live::Hit" => live_hit,
        "netlink::messages" => netlink,
        "perfdata::PerfData" => perfdata,
        "perfdata::Stream" => crate::perfdata::stream::cuts,
        "perfdata::zstd" => compressed,
        "probe::Definition" => probe,
        "probe::SdtNote" => sdt,
        "replay::Decoder" => replay,
        "replay::record" => record,
        "sql::without_values" => statement,
        "tasks::TaskTable" => tasks,
        "tracefs::EventFormat" => tracepoint,
        "tracefs::Printer" => print_fmt,
        "vendor::Expr" => formula,
        "vendor::MapFile" => mapfile,
        "vendor::Table" => vendor,
        "web::url::Url" => crate::web::url::parses,
        "x509::validity" => |bytes| crate::x509::validity(bytes).is_some(),
    }
};

fn file<T: FromBytes>(bytes: &[u8]) -> bool {
    T::from_bytes(bytes).is_ok()
}

/// The rows, the difference to themselves, and the count of lost updates: all that analysis calls.
fn table<T: Table>(bytes: &[u8]) -> bool {
    let mut raw = RawSnapshot::default();
    raw.put(T::SOURCE, bytes);
    let lost = bpf::lost::<T>(&raw);
    bpf::between::<T>(&raw, &raw).value().is_some() && lost.value().is_some()
}

/// Everything that can be asked of every type, and a relocation against each.
fn types(bytes: &[u8]) -> bool {
    let Ok(btf) = Btf::parse(bytes) else { return false };
    btf.all().all(|of| {
        let relocation = CoreRelocation {
            section: String::new(),
            instruction: 0,
            type_id: of.id(),
            access: "0:1:2".to_owned(),
            kind: of.id() % 12,
        };
        let resolved = resolve(&btf, &btf, &relocation).is_ok();
        let counted = of.members().count() + of.enumerators().count() + of.variables().count();
        resolved || of.byte_size().is_some() || of.name().len() + counted < usize::MAX
    })
}

/// The types of a kernel and of a module: the length of the first stands before them.
fn joined_types(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return false };
    let (kernel, module) = rest.split_at(usize::from(u16::from_ne_bytes(*length)).min(rest.len()));
    crate::btf::join(kernel, module).is_ok_and(|joined| types(&joined))
}

/// A `.BTF.ext` section beside a `.BTF` section: the length of the first stands before them.
fn relocations(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    let (ext, btf) = rest.split_at(usize::from(u16::from_ne_bytes(*length)).min(rest.len()));
    ext::relocations(ext, btf).is_ok()
}

/// The event grammar for both kinds of commands, on a host with a PMU and tracepoints; names and near names too.
fn event(bytes: &[u8]) -> bool {
    use crate::event::{Format, Mode, Offered, Pmu, PmuEvent, name_of, parse};
    use crate::vendor::VendorEvent;
    let text = String::from_utf8_lossy(bytes);
    let pmu = Pmu {
        name: "cpu".to_owned(),
        kind: 4,
        formats: [("event", "config:0-7,32-35"), ("inv", "config:23"), ("ldlat", "config1:0-15")]
            .iter()
            .filter_map(|(name, place)| Format::parse(name, place))
            .collect(),
        // The fuzzed text is also what sysfs says of an event.
        events: vec![PmuEvent { name: "any".to_owned(), terms: text.clone().into_owned(), ..PmuEvent::default() }],
        ..Pmu::default()
    };
    let tracepoint = |name: &str, id| ("sched".to_owned(), name.to_owned(), id);
    let of_vendor = |name: &str, terms: &str| VendorEvent {
        name: name.to_owned(),
        terms: terms.to_owned(),
        ..VendorEvent::default()
    };
    let host = Offered {
        pmus: vec![pmu],
        tracepoints: vec![tracepoint("sched_switch", 1), tracepoint("sched_waking", 2)],
        vendor: vec![of_vendor("l1d.replacement", "event=0x51"), of_vendor("of.file", &text)],
    };
    let taken = [&*text, "cpu/any/", "of.file"].map(|text| {
        [Mode::Record, Mode::Stat].map(|mode| match parse(text, &host, mode) {
            Ok(events) => events.iter().all(|event| !name_of(&event.attr, &|_| None, &|_| None).is_empty()),
            Err(error) => error.nearest(3).len() > 3 || error.to_string().is_empty(),
        })
    });
    taken.concat().contains(&true)
}

/// A metric's formula, evaluated with every event at 1 and with none known.
fn formula(bytes: &[u8]) -> bool {
    use crate::vendor::Expr;
    let Ok(expr) = Expr::parse(&String::from_utf8_lossy(bytes)) else { return false };
    let known = expr.value(&|_| Some((1.0, 1.0)), &|_| Some(1.0));
    let unknown = expr.value(&|_| None, &|_| None);
    known.is_finite() || unknown.is_nan() || expr.events().count() > 0
}

/// The list of CPU models, and its first line asked for.
fn mapfile(bytes: &[u8]) -> bool {
    use crate::vendor::MapFile;
    let map = MapFile::parse(bytes);
    map.entries.first().is_some_and(|entry| entry.fits("GenuineIntel-6-55-4") || !entry.pattern.is_empty())
}

/// A vendor's table, with its formulas.
fn vendor(bytes: &[u8]) -> bool {
    use crate::vendor::{Expr, Table};
    let Ok(table) = Table::parse(bytes, "cache") else { return false };
    let formulas = table.metrics.iter().filter(|metric| Expr::parse(&metric.formula).is_ok()).count();
    !table.events.is_empty() || formulas > 0
}

/// A `format` file, and records of its event: all zeros, all ones, and the file itself.
fn tracepoint(bytes: &[u8]) -> bool {
    use crate::tracefs::{EventFormat, Layout, NoNames, Printer};
    let Ok(format) = EventFormat::parse("any", bytes) else { return false };
    let printer = Printer::new(&format, Layout::default());
    let mut out = Vec::new();
    for record in [&[0; 64][..], &[0xff; 64][..], bytes] {
        printer.print(record, &NoNames, &mut out);
        printer.print_fields(record, &mut out);
    }
    printer.understood()
}

/// A `print fmt` and a record, with a zero byte between them, for an event with a field of every shape.
fn print_fmt(bytes: &[u8]) -> bool {
    use crate::perfdata::attr::Endian;
    use crate::tracefs::{EventFormat, Layout, NoNames, Printer};
    const FIELDS: &[u8] = b"name: x\nID: 1\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:u16 list[4];\toffset:24;\tsize:8;\tsigned:0;\n\tfield:__data_loc char[] name;\toffset:32;\tsize:4;\tsigned:0;\n\tfield:__rel_loc u64[] mask;\toffset:36;\tsize:4;\tsigned:0;\n\tfield:const char * text;\toffset:40;\tsize:8;\tsigned:0;\n\nprint fmt: ";
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (fmt, record) = bytes.split_at(end);
    let Ok(format) = EventFormat::parse("any", &[FIELDS, fmt].concat()) else { return false };
    let mut out = Vec::new();
    for layout in [Layout::default(), Layout { endian: Endian::Big, long_size: 4 }] {
        let printer = Printer::new(&format, layout);
        printer.print(record, &NoNames, &mut out);
    }
    !out.starts_with(b"[FAILED")
}

/// Expressions over the fields of an event, and their value for a record of nothing.
fn live_expression(bytes: &[u8]) -> bool {
    use crate::live::{Expr, Hit, HitValues, Scope};
    use crate::tracefs::EventFormat;
    const FORMAT: &[u8] = b"name: x\nID: 1\nformat:\n\tfield:int a;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:u64 b;\toffset:16;\tsize:8;\tsigned:0;\n\tfield:char c[16];\toffset:24;\tsize:16;\tsigned:0;\n\tfield:__data_loc char[] d;\toffset:40;\tsize:4;\tsigned:0;\n\nprint fmt: \"\"";
    let Ok(format) = EventFormat::parse("any", FORMAT) else { return false };
    // Common fields and own ones are parted by an empty line: here all are own ones.
    let scope = Scope::of_format(&EventFormat { fields: format.common, common: Vec::new(), ..format });
    let Ok(all) = Expr::parse_list(&String::from_utf8_lossy(bytes), &scope) else { return false };
    let values = HitValues { scope: &scope, hit: Hit::Other, comm: b"x", uid: 0 };
    all.iter().all(|one| one.number(&values) == one.number(&values) && one.variables().len() < bytes.len() + 1)
}

/// A record of a ring, with a scope of its fields.
fn live_hit(bytes: &[u8]) -> bool {
    crate::live::Hit::parse(bytes).is_some()
}

/// A definition, a range of lines, a filter and a line of tracefs; what was taken is written and read again.
fn probe(bytes: &[u8]) -> bool {
    use crate::probe::{Definition, Filter, LineRange, TraceProbe};
    let text = String::from_utf8_lossy(bytes);
    let definition = Definition::parse(&text).is_ok_and(|parsed| Definition::parse(&parsed.to_string()).is_ok());
    let line = TraceProbe::parse(&text).is_ok_and(|parsed| TraceProbe::parse(&parsed.to_string()).is_ok());
    let filter = Filter::parse(&text).is_ok_and(|filter| filter.takes("f"));
    let names = Definition::parse(&text).is_err_and(|error| error.to_string().is_empty());
    definition || line || filter || names || LineRange::parse(&text).is_ok()
}

/// Notes of tracepoints of programs in each form of a file, their operands too.
fn sdt(bytes: &[u8]) -> bool {
    use crate::probe::{Form, Machine, SdtNote};
    let forms = [(true, true), (true, false), (false, true), (false, false)];
    let notes = forms.into_iter().flat_map(|(wide, little)| SdtNote::all(bytes, Form { wide, little }, Some(1)));
    // What is fuzzed is also the text of the operands: chance would not find the frame around it.
    let arguments = String::from_utf8_lossy(bytes).into_owned();
    let operands = SdtNote { provider: "p".into(), name: "n".into(), address: 0, semaphore: 0, arguments };
    notes
        .chain([operands])
        .any(|note| [Machine::X86_64, Machine::Aarch64].into_iter().any(|machine| !note.fetches(machine).0.is_empty()))
}

fn tasks(bytes: &[u8]) -> bool {
    let mut raw = RawSnapshot::default();
    raw.put("@bpf/tasks", bytes);
    crate::tasks::TaskTable::from_raw(&raw).value().is_some()
}

fn netlink(bytes: &[u8]) -> bool {
    let messages = crate::netlink::messages(bytes).map_while(Result::ok);
    messages.map(|message| crate::netlink::attributes(message.payload).count()).sum::<usize>() > 0
}

/// Everything that can be asked of a recording and of each of its records.
fn perfdata(bytes: &[u8]) -> bool {
    let Ok(data) = crate::perfdata::PerfData::parse(bytes) else { return false };
    let mut decoded = 0;
    for record in data.records().map_while(Result::ok) {
        let sample = data.decode_sample(&record).map(|sample| sample.branch_entries().len());
        let other = data.decode_record(&record).is_ok_and(|record| record.is_some());
        let user = data.decode_user(&record).is_ok_and(|record| record.is_some());
        let id = data.sample_id(&record).time;
        decoded += usize::from(sample.is_ok() || other || user || id.is_some());
    }
    data.sorted().map_while(Result::ok).count() + decoded > 0
}

/// The bytes as records and a compressed record of a recording that was not ended; chance would not find the frame of it.
fn compressed(bytes: &[u8]) -> bool {
    use crate::perfdata::{Endian, Event, write};
    let event = Event { ids: vec![1], ..Event::default() };
    let mut file = write::FileLayout::new(&[event], Endian::Little).head(0, []);
    let (plain, rest) = bytes.split_at(bytes.len() / 2);
    write::Compressor::new().compress(plain, Endian::Little, &mut file);
    // A frame that is not whole: header, then what chance gives.
    let length = u16::try_from(rest.len() + 14).unwrap_or(u16::MAX);
    file.extend([81, 0, 0, 0, 0, 0]);
    file.extend(length.to_le_bytes());
    file.extend([0x28, 0xb5, 0x2f, 0xfd, 0, 8]);
    file.extend(rest);
    perfdata(&file)
}

/// Both dialects; what comes out must be no longer than asked for.
fn statement(bytes: &[u8]) -> bool {
    use crate::sql::{Dialect, without_values};
    let text = String::from_utf8_lossy(bytes);
    [Dialect::PostgreSql, Dialect::MySql].into_iter().all(|one| without_values(&text, one, 100).chars().count() <= 100)
}

fn jitdump(bytes: &[u8]) -> bool {
    crate::jitdump::JitDump::parse(bytes).is_ok_and(|dump| dump.records().flatten().count() > 0)
}

fn replay(bytes: &[u8]) -> bool {
    crate::replay::Decoder::new(bytes).is_ok_and(|mut decoder| decoder.by_ref().all(|snapshot| snapshot.is_ok()))
}

/// The inside of a record: with a checksum that is right, which chance would not find.
fn record(bytes: &[u8]) -> bool {
    let mut file = crate::replay::Encoder::header("");
    for part in bytes.split(|&byte| byte == 0xfe) {
        let Some((kind, plain)) = part.split_first() else { continue };
        file.extend(crate::replay::record(u32::from(kind % 3), plain));
    }
    replay(&file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs that have broken parsers before: nothing, no newline, only separators, numbers too large, a sign where
    /// none belongs, bytes that are not UTF-8, a header that promises more than follows.
    const ODD: &[&[u8]] = &[
        b"",
        b"\n",
        b"\n\n\n",
        b"\0",
        b" \t \n",
        b":",
        b"=",
        b"()",
        b")(",
        b"cpu",
        b"-1 -1 -1\n",
        b"99999999999999999999999999 99999999999999999999999999\n",
        b"18446744073709551615 18446744073709551615 18446744073709551615\n",
        b"\xff\xfe\xfd\n",
        b"a b c d e f g h i j k l m n o p q r s t u v w x y z",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ];

    #[test]
    fn no_parser_panics_on_odd_input() {
        for (name, parser) in PARSERS {
            for bytes in ODD {
                let outcome = std::panic::catch_unwind(|| parser(bytes));
                assert!(outcome.is_ok(), "{name} panicked on {:?}", bytes.escape_ascii().to_string());
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = PARSERS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PARSERS.len());
    }
}
