//! Formats and records that stand for those of a kernel; the comparison with real perf on all tracepoints of a host is
//! one of the binary's differential tests.

use super::*;

/// `sched_switch` of a 6.18 kernel.
const SWITCH: &str = "name: sched_switch\nID: 372\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n\nprint fmt: \"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d next_prio=%d\", REC->prev_comm, REC->prev_pid, REC->prev_prio, (REC->prev_state & ((((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) << 1) - 1)) ? __print_flags(REC->prev_state & ((((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) << 1) - 1), \"|\", { 0x00000001, \"S\" }, { 0x00000002, \"D\" }, { 0x00000004, \"T\" }, { 0x00000008, \"t\" }, { 0x00000010, \"X\" }, { 0x00000020, \"Z\" }, { 0x00000040, \"P\" }, { 0x00000080, \"I\" }) : \"R\", REC->prev_state & (((0x00000000 | 0x00000001 | 0x00000002 | 0x00000004 | 0x00000008 | 0x00000010 | 0x00000020 | 0x00000040) + 1) << 1) ? \"+\" : \"\", REC->next_comm, REC->next_pid, REC->next_prio\n";

#[test]
fn a_format_file_is_read() {
    let format = EventFormat::parse("sched", SWITCH.as_bytes()).unwrap();
    assert_eq!(
        (format.name.as_str(), format.id, format.common.len(), format.fields.len()),
        ("sched_switch", 372, 4, 7)
    );
    let comm = format.field("prev_comm").unwrap();
    assert_eq!((comm.offset, comm.size, comm.shape, comm.element_size), (8, 16, Shape::Array(Some(16)), 1));
    assert!(comm.is_text() && format.field("prev_state").unwrap().is_long());
    assert_eq!(format.field("common_pid").map(|field| field.signed), Some(true));
    assert_eq!(format.field("nosuch"), None);
}

#[test]
fn declarations_of_all_kinds_are_read() {
    let text = "name: x\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:0;\n\tfield:const char * text;\toffset:16;\tsize:8;\tsigned:0;\n\tfield:unsigned long args[6];\toffset:24;\tsize:48;\tsigned:0;\n\tfield:__rel_loc u32[] list;\toffset:72;\tsize:4;\tsigned:0;\n\tfield:struct foo *foo;\toffset:80;\tsize:8;\tsigned:0;\n\tfield:__u8 addr[sizeof(struct sockaddr_in6)];\toffset:88;\tsize:28;\tsigned:0;\n\nprint fmt: \"\"\n";
    let format = EventFormat::parse("s", text.as_bytes()).unwrap();
    let parts: Vec<_> =
        format.fields.iter().map(|field| (field.name.as_str(), field.shape, field.element_size)).collect();
    assert_eq!(
        parts,
        [
            ("name", Shape::DataLoc, 1),
            ("text", Shape::Pointer, 8),
            ("args", Shape::Array(Some(6)), 8),
            ("list", Shape::RelLoc, 4),
            ("foo", Shape::Pointer, 8),
            ("addr", Shape::Array(None), 1),
        ]
    );
}

#[test]
fn what_is_no_format_is_an_error_with_its_line() {
    for (text, line) in [
        ("", 1),
        ("name: x\n", 2),
        ("name: x\nID: y\n", 2),
        ("name: x\nID: 1\nformat:\n\tfield:int x;\tsize:4;\n", 4),
        ("name: x\nID: 1\nformat:\n\tfield:x;\toffset:0;\tsize:4;\n", 4),
        ("name: x\nID: 1\nwhat is this\n", 3),
    ] {
        assert_eq!(EventFormat::parse("s", text.as_bytes()).unwrap_err().line, line, "{text}");
    }
}

#[test]
fn a_switch_is_printed_as_perf_prints_it() {
    let format = EventFormat::parse("sched", SWITCH.as_bytes()).unwrap();
    let printer = Printer::new(&format, Layout::default());
    let mut record = [0_u8; 64];
    record[8..14].copy_from_slice(b"python");
    record[24..28].copy_from_slice(&1234_i32.to_le_bytes());
    record[28..32].copy_from_slice(&120_i32.to_le_bytes());
    record[32..40].copy_from_slice(&0x103_u64.to_le_bytes());
    record[40..49].copy_from_slice(b"swapper/0");
    record[60..64].copy_from_slice(&(-1_i32).to_le_bytes());
    let mut out = Vec::new();
    printer.print(&record, &NoNames, &mut out);
    let expected =
        "prev_comm=python prev_pid=1234 prev_prio=120 prev_state=S|D+ ==> next_comm=swapper/0 next_pid=0 next_prio=-1";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    let mut out = Vec::new();
    printer.print_fields(&record, &mut out);
    let expected =
        " prev_comm=python prev_pid=1234 prev_prio=120 prev_state=259 next_comm=swapper/0 next_pid=0 next_prio=-1";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

/// Prints a record of a made-up tracepoint: `a` (u32 at 8), `b` (s64 at 16), `list` (u16[4] at 24), `name` (text behind),
/// `mask` (bytes behind), `text` (a pointer at 40).
fn printed(print_fmt: &str) -> String {
    let fields = [
        "int a;\toffset:8;\tsize:4;\tsigned:0;",
        "s64 b;\toffset:16;\tsize:8;\tsigned:1;",
        "u16 list[4];\toffset:24;\tsize:8;\tsigned:0;",
        "__data_loc char[] name;\toffset:32;\tsize:4;\tsigned:0;",
        "__rel_loc u8[] mask;\toffset:36;\tsize:4;\tsigned:0;",
        "const char * text;\toffset:40;\tsize:8;\tsigned:0;",
    ];
    let mut file =
        "name: x\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n".to_owned();
    for field in fields {
        file.push_str("\tfield:");
        file.push_str(field);
        file.push('\n');
    }
    file.push_str("\nprint fmt: ");
    file.push_str(print_fmt);
    let format = EventFormat::parse("s", file.as_bytes()).unwrap();
    let printer = Printer::new(&format, Layout::default());
    let mut record = vec![0_u8; 48];
    record[8..12].copy_from_slice(&5_u32.to_le_bytes());
    record[16..24].copy_from_slice(&(-2_i64).to_le_bytes());
    for (place, value) in [1_u16, 2, 300, 65535].iter().enumerate() {
        record[24 + 2 * place..26 + 2 * place].copy_from_slice(&value.to_le_bytes());
    }
    record[32..36].copy_from_slice(&(0x30_u32 | 0x6 << 16).to_le_bytes());
    record[36..40].copy_from_slice(&(0xe_u32 | 0x5 << 16).to_le_bytes());
    record[40..48].copy_from_slice(&0xffff_0000_u64.to_le_bytes());
    record.extend_from_slice(b"hello\0");
    record.extend_from_slice(&[0x0f, 0, 0, 0, 0x81]);
    let mut out = Vec::new();
    printer.print(&record, &Names, &mut out);
    String::from_utf8(out).unwrap()
}

struct Names;

impl Resolve for Names {
    fn symbol(&self, address: u64) -> Option<(&str, u64)> {
        (address == 5).then_some(("five", 2))
    }

    fn constant(&self, address: u64) -> Option<&str> {
        (address == 0xffff_0000).then_some("constant")
    }
}

#[test]
fn conversions_and_expressions() {
    for (fmt, expected) in [
        (r#""%d %lld %08lx%%\n", REC->a, REC->b, (unsigned long)REC->a"#, "5 -2 00000005%\n"),
        (r#""a" "b%d", 1 + 2 * 3"#, "ab7"),
        (r#""%d", 2 * 3 + 1"#, "7"),
        // As libtraceevent reads them, not as C does.
        (r#""%d", 9 - 4 + 1"#, "4"),
        (r#""%d", 1 & (2 | 4)"#, "4"),
        (r#""%d", 4 | 8 & ~8 & 12"#, "4"),
        (r#""%d", 0 ? 1 : 2 ? 3 : 4"#, "3"),
        (r#""%d", 1 + -1 + 4"#, "4"),
        (r#""%d", (REC->a & 4 | 2) << 1 == 12 && !0"#, "1"),
        (r#""%s", REC->a > 4 ? "more" : "less""#, "more"),
        (r#""%s|%-7s|%.2s|%*d", __get_str(name), __get_str(name), __get_str(name), 4, 7"#, "hello|hello  |he|   7"),
        (r#""%.*s", 3, __get_str(name)"#, "hel"),
        (r#""%s", REC->text"#, "constant"),
        (r#""%ps %pS %pS", REC->a, REC->a, (void *)REC->b"#, "five five+0x3 0xfffffffffffffffe"),
        (r#""%p %p", 0, (void *)16"#, "(nil) 0x10"),
        (r#""%s", __print_flags(REC->a, "|", { 1, "A" }, { (1UL << 2), "B" })"#, "A|B"),
        (r#""%s", __print_flags(REC->a, "|", { 4, "B" })"#, "B|0x1"),
        (r#""%s", __print_symbolic(REC->a, { 4, "four" }, { 0x5, "fi" "ve" })"#, "five"),
        (r#""%s", __print_symbolic(REC->b, { 4, "four" })"#, "0xfffffffffffffffe"),
        (r#""%s", __print_symbolic(REC->b, { -2, "minus" })"#, "0xfffffffffffffffe"),
        (r#""%s", __print_symbolic(REC->b + 1, { UNKNOWN, "minus" })"#, "minus"),
        (r#""%s", __print_flags(0, "|", { 1, "A" }, { UNKNOWN, "none" })"#, "none"),
        (r#""%s %s", __print_hex(__get_dynamic_array(name), 2), __print_hex_str(REC->list, 2)"#, "68 65 0100"),
        (r#""%s", __print_array(REC->list, 4, sizeof(u16))"#, "1 2 300 65535"),
        (r#""%d %d", REC->list[2], __get_dynamic_array_len(name)"#, "300 6"),
        (r#""%s", __get_rel_bitmask(mask)"#, "81,0000000f"),
        (r#""%*pbl %*pb", 2, __get_rel_bitmask(mask), 64, __get_rel_bitmask(mask)"#, "0-1 81,0000000f"),
        (r#""cpus=%s", __get_rel_cpumask(mask)"#, "cpus=0-3,32,39"),
        (r#""%x", (u8)REC->b"#, "fe"),
        (r#""%llu.%09u", __print_ns_to_secs(3000000005), __print_ns_without_secs(3000000005)"#, "3.000000005"),
        (r#""%c%d", 0x78, 0x10"#, "x16"),
        (r#""%s", __get_str(name)[0] ? "some" : "none""#, "some"),
        (r#""%d", __builtin_expect(!!(REC->a), 1)"#, "1"),
    ] {
        assert_eq!(printed(fmt), expected, "{fmt}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_printed_field_by_field() {
    let fields = "[FAILED TO PARSE] a=5 b=-2 list=ARRAY[01, 00, 02, 00, 2c, 01, ff, ff] name=hello mask=ARRAY[0f, 00, 00, 00, 81] text=0xffff0000";
    for fmt in [
        "",
        "5",
        r#""%d""#,
        r#""%d", REC->nosuch"#,
        r#""%d", jiffies_to_msecs(REC->a)"#,
        r#""%d", ({ int x = 1; x; })"#,
        r#""%d", 1 2"#,
        r#""%d", (1"#,
    ] {
        assert_eq!(printed(fmt), fields, "{fmt}");
    }
}

#[test]
fn nesting_without_end_is_refused() {
    for open in ["(", "!", "-", "(int)", "REC->list[", "1 + ", "1 ? 1 : "] {
        let fmt = format!("\"%d\", {}1", open.repeat(100_000));
        assert!(printed(&fmt).starts_with("[FAILED TO PARSE]"));
    }
}

#[test]
fn records_that_are_too_short_print_zeros() {
    let format = EventFormat::parse("sched", SWITCH.as_bytes()).unwrap();
    let printer = Printer::new(&format, Layout::default());
    let mut out = Vec::new();
    printer.print(&[], &NoNames, &mut out);
    assert!(out.starts_with(b"prev_comm= prev_pid=0"), "{}", String::from_utf8_lossy(&out));
}
