use super::*;
use crate::parse::FromBytes as _;
use crate::perfdata::record::kind;
use crate::probe::{Definition, TraceProbe};
use crate::tracefs::{EventFormat, Layout, NoNames, Printer};

const FORMAT: &str = "name: sys_open\nID: 7\nformat:\n\
    \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
    \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\
    \tfield:int flags;\toffset:8;\tsize:4;\tsigned:1;\n\
    \tfield:u32 mode;\toffset:12;\tsize:4;\tsigned:0;\n\
    \tfield:u64 wide;\toffset:16;\tsize:8;\tsigned:0;\n\
    \tfield:char name[16];\toffset:24;\tsize:16;\tsigned:0;\n\
    \tfield:__data_loc char[] path;\toffset:40;\tsize:4;\tsigned:0;\n\
    \tfield:u32 list[2];\toffset:44;\tsize:8;\tsigned:0;\n\n\
    print fmt: \"%d\", REC->flags\n";

fn scope() -> Scope {
    Scope::of_format(&EventFormat::parse("x", FORMAT.as_bytes()).unwrap())
}

/// A sample as the kernel writes it.
fn sample(raw: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(42_u64.to_ne_bytes());
    body.extend(0x1000_u64.to_ne_bytes());
    body.extend([100_i32, 101].map(i32::to_ne_bytes).concat());
    body.extend(5_000_u64.to_ne_bytes());
    body.extend(0xabc_u64.to_ne_bytes());
    body.extend([3_u32, 0].map(u32::to_ne_bytes).concat());
    body.extend(1_u64.to_ne_bytes());
    body.extend(u32::try_from(raw.len()).unwrap().to_ne_bytes());
    body.extend(raw);
    record(kind::SAMPLE, &body)
}

fn record(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut record = kind.to_ne_bytes().to_vec();
    record.extend(0_u16.to_ne_bytes());
    record.extend(u16::try_from(body.len() + 8).unwrap().to_ne_bytes());
    record.extend(body);
    record
}

fn raw() -> Vec<u8> {
    let mut raw = vec![0; 52];
    raw[8..12].copy_from_slice(&(-3_i32).to_ne_bytes());
    raw[12..16].copy_from_slice(&0xffff_fff0_u32.to_ne_bytes());
    raw[16..24].copy_from_slice(&u64::MAX.to_ne_bytes());
    raw[24..28].copy_from_slice(b"bash");
    raw[40..44].copy_from_slice(&(0x34_u32 | 9 << 16).to_ne_bytes());
    raw.extend(b"/etc/foo\0\0\0\0");
    raw
}

/// The value of an expression for the sample above.
fn value(text: &str) -> i64 {
    let (scope, record) = (scope(), sample(&raw()));
    let hit = Hit::parse(&record).unwrap();
    let values = HitValues { scope: &scope, hit, comm: b"worker", uid: 1000 };
    Expr::parse(text, &scope).unwrap_or_else(|error| panic!("{text}: {error}")).number(&values)
}

#[test]
fn operators_bind_as_in_c() {
    for (text, expected) in [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("1 << 4 | 1", 17),
        ("7 & 3 == 3", 1),
        ("1 || 0 && 0", 1),
        ("!0 + !5", 1),
        ("-flags * 2", 6),
        ("~0", -1),
        ("0x10 + 010", 24),
        ("5us", 5_000),
        ("4k", 4_096),
        ("7 / 0 + 7 % 0", 7),
        ("flags / 2", -1),
        ("flags % 2", -1),
        ("flags >> 1", -2),
        ("flags < 0", 1),
        ("mode > 0", 1),
        ("mode", 0xffff_fff0),
        ("wide > 5", 1),
        ("wide / 2 > 1", 1),
        ("pid * 1000 + tid", 100_101),
        ("cpu == 3 && uid == 1000", 1),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn texts_are_compared_and_nothing_else() {
    for (text, expected) in [
        ("name == \"bash\"", 1),
        ("name == bash", 1),
        ("name != 'bash'", 0),
        ("path ~ \"/etc/*\"", 1),
        ("path ~ \"*.conf\"", 0),
        ("\"/etc/foo\" == path && flags == -3", 1),
        ("comm == worker || comm == other", 1),
        ("COMM ~ \"w?rker\"", 1),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn mistakes_have_their_place_and_the_nearest_name() {
    let wrong = |text: &str| Expr::parse_list(text, &scope()).unwrap_err();
    for (text, at) in [
        ("", 0),
        ("flags +", 7),
        ("flags )", 6),
        ("(flags", 6),
        ("flgas > 1", 0),
        ("1 + name", 4),
        ("flags == \"x\"", 0),
        ("flags @ 1", 6),
        ("name == \"x", 8),
        ("12q", 0),
        ("flags,", 6),
        ("\"x\"", 0),
    ] {
        assert_eq!(wrong(text).at, at, "{text}: {}", wrong(text));
    }
    assert_eq!(wrong("flgas > 1").near[0], "flags");
    assert!(matches!(wrong(&"(".repeat(100)).problem, ExprProblem::TooDeep { .. }));
    assert!(matches!(wrong(&"!".repeat(100)).problem, ExprProblem::TooDeep { .. }));
    assert!(matches!(wrong(&"flags+".repeat(100)).problem, ExprProblem::TooDeep { .. }));
    assert!(Expr::parse("flags, mode", &scope()).is_err());
}

#[test]
fn a_list_has_the_text_of_each_part() {
    let all = Expr::parse_list("comm, flags & 3,path", &scope()).unwrap();
    assert_eq!(all.iter().map(Expr::text).collect::<Vec<_>>(), ["comm", "flags & 3", "path"]);
    assert!(matches!(all[0], Expr::Text { .. }) && matches!(all[1], Expr::Number { .. }));
    assert!(all[1].is_signed() && !Expr::parse("wide", &scope()).unwrap().is_signed());
}

#[test]
fn records_of_a_ring_are_read_or_refused_whole() {
    let whole = sample(&raw());
    assert!(matches!(
        Hit::parse(&whole),
        Some(Hit::Sample { id: 42, pid: 100, tid: 101, time: 5_000, cpu: 3, address: 0xabc, .. })
    ));
    assert!(Hit::parse(&whole[..whole.len() - 1]).is_none());
    assert!(Hit::parse(&[]).is_none());
    let lost = record(kind::LOST, &[1_u64, 9].map(u64::to_ne_bytes).concat());
    assert_eq!(Hit::parse(&lost), Some(Hit::Lost(9)));
    let comm = record(kind::COMM, &[&1_u32.to_ne_bytes()[..], &2_u32.to_ne_bytes(), b"sh\0\0\0\0\0\0"].concat());
    assert_eq!(Hit::parse(&comm), Some(Hit::Comm { tid: 2, name: b"sh" }));
    let fork = record(kind::FORK, &[1_u32, 2, 3, 4, 0, 0].map(u32::to_ne_bytes).concat());
    assert_eq!(Hit::parse(&fork), Some(Hit::Fork { tid: 3, parent: 4 }));
    assert_eq!(Hit::parse(&record(99, &[0; 8])), Some(Hit::Other));
}

fn stored() -> StoredProbe {
    let line = "p:probe/f f+0 a=$arg1:s32 b=+8($arg2):string c=$arg3:x8[3] d=+16($arg2):b3@5/32 comm=$comm";
    StoredProbe {
        id: 64_999,
        hook: Hooked { method: Method::TpBtf, name: "f".to_owned() },
        probe: TraceProbe::parse(line).unwrap(),
        given: "f a b->name".to_owned(),
    }
}

#[test]
fn a_stored_probe_survives_its_file() {
    let stored = stored();
    assert_eq!(StoredProbe::from_bytes(stored.to_text().as_bytes()).unwrap(), stored);
    for (bytes, line) in [
        (&b"perfuse-probe 2\n"[..], 1),
        (b"perfuse-probe 1\nid x\n", 2),
        (b"perfuse-probe 1\nid 1\nhook tp_btf a/b\n", 3),
        (b"perfuse-probe 1\nid 1\nhook tp_btf a\nprobe x\n", 4),
        (b"perfuse-probe 1\nid 1\n", 3),
    ] {
        assert_eq!(StoredProbe::from_bytes(bytes).unwrap_err().line, line);
    }
}

#[test]
fn the_record_of_a_probe_is_understood_as_that_of_a_tracepoint() {
    let stored = stored();
    let layout = ProbeRecord::new(&stored.probe, stored.id, false).unwrap();
    let format = EventFormat::parse("probe", layout.format().as_bytes()).unwrap();
    assert_eq!((format.id, format.name.as_str()), (64_999, "f"));
    let mut record = vec![0_u8; layout.size];
    let at = |name: &str| layout.fields.iter().find(|field| field.name == name).unwrap();
    record[at("a").offset..][..4].copy_from_slice(&(-7_i32).to_ne_bytes());
    let RecordKind::Text { at: place, size } = at("b").kind else { panic!() };
    assert_eq!(size, TEXT_BYTES);
    let location = u32::try_from(place).unwrap() | 6 << 16;
    record[at("b").offset..][..4].copy_from_slice(&location.to_ne_bytes());
    record[place..place + 5].copy_from_slice(b"hello");
    record[at("c").offset..][..3].copy_from_slice(&[1, 2, 3]);
    record[at("d").offset..][..4].copy_from_slice(&5_u32.to_ne_bytes());
    let mut out = Vec::new();
    let printer = Printer::new(&format, Layout::default());
    assert!(printer.understood());
    printer.print(&record, &NoNames, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text, "a=-7 b=\"hello\" c={0x1,0x2,0x3} d=5 comm=\"\"");
    let with_address = ProbeRecord::new(&stored.probe, 1, true).unwrap();
    assert!(with_address.format().contains("\"(%lx) a=%d"));
}

#[test]
fn a_record_that_is_too_large_is_refused() {
    let line = format!("p:probe/f f+0{}", " +0($arg1):string".repeat(20));
    assert!(ProbeRecord::new(&TraceProbe::parse(&line).unwrap(), 1, false).is_none());
}

#[test]
fn arguments_have_the_names_of_tracefs() {
    let probe = TraceProbe::parse("p:probe_x/f /x:0x10 size=%si:u64 %di +0(%di):string").unwrap();
    let scope = Scope::of_arguments(&probe.arguments);
    assert_eq!(scope.names().take(4).collect::<Vec<_>>(), ["size", "arg2", "arg3", "pid"]);
    let of = |name: &str| &scope.variables[scope.find(name).unwrap()];
    assert!(of("size").wide && !of("size").text && of("arg3").text);
    assert!(Definition::parse("f").is_ok() && scope.builtin(Builtin::Cpu).is_some());
}

#[test]
fn keys_and_cells_come_back_from_the_bytes_of_a_map() {
    let scope = scope();
    let by = Expr::parse_list("comm, flags, wide, path", &scope).unwrap();
    let value = Some(Expr::parse("flags", &scope).unwrap());
    let aggregation = Aggregation { value, by, parts: Some(0) };
    assert_eq!(aggregation.key_sizes(&scope), [16, 8, 8, 64]);
    let mut bytes = b"sh".to_vec();
    bytes.resize(16, 0);
    bytes.extend((-5_i64).to_ne_bytes());
    bytes.extend(u64::MAX.to_ne_bytes());
    bytes.extend(b"/x\0garbage");
    bytes.resize(96, 1);
    let text = |text: &str| KeyPart::Text(text.to_owned());
    let key = [text("sh"), KeyPart::Number(-5), KeyPart::Unsigned(u64::MAX), text("/x")];
    assert_eq!(aggregation.key(&scope, &bytes).unwrap(), key);
    assert!(aggregation.key(&scope, &bytes[..95]).is_none());
    let words = |words: &[i64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
    let cpus = words(&[2, 7, 3, 4, 0, 0, 0, 0, 1, -1, -1, -1]);
    assert_eq!(Cell::of_cpus(&cpus, true, true), Cell { count: 3, sum: 6, min: -1, max: 4 });
    assert_eq!(Cell::of_cpus(&cpus, true, false), Cell { count: 3, sum: 6, min: 3, max: -1 });
    assert_eq!(Cell::of_cpus(&words(&[2, 7]), false, true).count, 9);
    // The same hit without the kernel.
    let record = sample(&raw());
    let values = HitValues { scope: &scope, hit: Hit::parse(&record).unwrap(), comm: b"sh", uid: 0 };
    let row = aggregation.row(&values);
    assert_eq!(row.key, [text("sh"), KeyPart::Number(-3), KeyPart::Unsigned(u64::MAX), text("/etc/foo")]);
    assert_eq!((row.bucket, row.cell.sum), (0, -3));
}
