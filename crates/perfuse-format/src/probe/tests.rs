//! The grammar against what perf's manual and its recorded answers say, and properties that hold for any text.

use super::*;

fn definition(text: &str) -> Definition {
    Definition::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn function(name: &str, spot: Spot) -> Place {
    Place::Function { name: name.to_owned(), file: None, spot }
}

#[test]
fn places_are_those_of_the_manual() {
    let places = [
        ("tcp_sendmsg", function("tcp_sendmsg", Spot::Entry)),
        ("schedule+0x10", function("schedule", Spot::Offset(16))),
        ("schedule%return", function("schedule", Spot::Return)),
        ("tcp_sendmsg:81", function("tcp_sendmsg", Spot::Line(81))),
        ("schedule;cpu_*", function("schedule", Spot::Lazy("cpu_*".to_owned()))),
        ("vfs_*", function("vfs_*", Spot::Entry)),
        ("0x401136", Place::Address { address: 0x40_1136, ret: false }),
        ("0x401136%return", Place::Address { address: 0x40_1136, ret: true }),
        ("file.c:12", Place::Source { file: "file.c".to_owned(), spot: SourceSpot::Line(12) }),
        ("kernel/a.c;rq=*", Place::Source { file: "kernel/a.c".to_owned(), spot: SourceSpot::Lazy("rq=*".to_owned()) }),
        (
            "f@src/a.c:3",
            Place::Function { name: "f".to_owned(), file: Some("src/a.c".to_owned()), spot: Spot::Line(3) },
        ),
        ("f:3@a.c", Place::Function { name: "f".to_owned(), file: Some("a.c".to_owned()), spot: Spot::Line(3) }),
        ("@a.c:3", Place::Source { file: "a.c".to_owned(), spot: SourceSpot::Line(3) }),
        ("std\\:\\:f", function("std::f", Spot::Entry)),
        ("memcpy\\@GLIBC_2.2.5", function("memcpy@GLIBC_2.2.5", Spot::Entry)),
    ];
    for (text, place) in places {
        assert_eq!(definition(text).place, place, "{text}");
    }
    let sdt = |group: Option<&str>, event: &str, file: Option<&str>| Place::Sdt {
        group: group.map(str::to_owned),
        event: event.to_owned(),
        file: file.map(str::to_owned),
    };
    assert_eq!(definition("%sdt_libc:setjmp").place, sdt(Some("sdt_libc"), "setjmp", None));
    assert_eq!(definition("%libc:setjmp").place, sdt(Some("sdt_libc"), "setjmp", None));
    assert_eq!(definition("sdt_libc:setjmp").place, sdt(Some("sdt_libc"), "setjmp", None));
    assert_eq!(definition("%setjmp@/lib/libc.so.6").place, sdt(None, "setjmp", Some("/lib/libc.so.6")));
}

#[test]
fn names_stand_before_the_place() {
    let named = definition("grp:name=func:3 a");
    assert_eq!((named.group.as_deref(), named.event.as_deref()), (Some("grp"), Some("name")));
    assert_eq!(named.place, function("func", Spot::Line(3)));
    assert_eq!(named.place_at, 9);
    assert_eq!(definition(" e=f").event.as_deref(), Some("e"));
    assert_eq!(definition("f;a=b").event, None, "the equals sign belongs to the pattern");
}

#[test]
fn arguments_have_names_members_and_types() {
    let arguments =
        definition("f size sk->__sk_common.skc_state bytes=%cx a[3]->b:x8 +0($retval):string p->q@user $vars")
            .arguments;
    let names: Vec<_> = arguments.iter().map(|argument| argument.name.as_deref()).collect();
    assert_eq!(names, [None, Some("skc_state"), Some("bytes"), Some("b"), None, Some("q"), None]);
    let member = |name: &str, arrow| Access::Member { name: name.to_owned(), arrow };
    assert_eq!(arguments[1].fields, [member("__sk_common", true), member("skc_state", false)]);
    assert_eq!(arguments[3].fields, [Access::Index(3), member("b", true)]);
    assert_eq!(arguments[3].cast, Some(Cast::integer(Sign::Hex, 8)));
    assert_eq!(arguments[4].cast, Some(Cast::Text));
    assert!(arguments[5].user && !arguments[4].user);
    assert_eq!(arguments[6].base, Base::Vars);
    let shown = definition("f filename:string sk->a.b").arguments;
    assert_eq!(shown[0].event_name(), "filename_string");
    assert_eq!(shown[1].to_string(), "b=sk->a.b");
    assert_eq!(arguments[1].at, 7..32);
    assert_eq!(arguments[1].field_at, [9, 22]);
}

#[test]
fn fetches_are_those_of_the_kernel() {
    let same = [
        "%di",
        "$retval",
        "$comm",
        "$stack",
        "$stack3",
        "$arg1",
        "@jiffies",
        "@jiffies+8",
        "@jiffies-8",
        "@+0x10",
        "\\42",
        "\\-1",
        "\\\"text\"",
        "+0(%si)",
        "-8(+16(%di))",
        "+u8(+u0(%di))",
        "@0xffffffff81000000",
    ];
    for text in same {
        assert_eq!(Fetch::parse(text).map(|fetch| fetch.to_string()), Ok(text.to_owned()));
    }
    let types =
        ["u8", "s64", "x32", "char", "string", "ustring", "symbol", "symstr", "b3@5/32", "u32[4]", "x", "string[2]"];
    for text in types {
        assert_eq!(Cast::parse(text).map(|cast| cast.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn mistakes_have_their_place() {
    let mistakes = [
        ("", 0, "expected here"),
        ("   ", 3, "expected here"),
        ("f:x", 2, "number"),
        ("f+", 2, "number"),
        ("f:1+2", 3, "only one of"),
        ("f%return+3", 8, "only one of"),
        ("f%retur", 2, "%return"),
        ("f@a@b", 3, "twice"),
        ("f@", 2, "name of a file"),
        ("+3", 0, "function"),
        ("%", 1, "%PROVIDER:EVENT"),
        ("f;", 2, "pattern"),
        ("0x12zz", 0, "number"),
        ("0x12:3", 4, "address"),
        ("1a=f", 0, "name of an event"),
        ("g:1a=f", 2, "name of an event"),
        ("f =a", 2, "missing before"),
        ("f a=", 4, "value"),
        ("f a->", 5, "member"),
        ("f a.b-c", 5, "nothing can follow"),
        ("f a[x]", 4, "index"),
        ("f a[1", 4, "index"),
        ("f a:u7", 4, "no type"),
        ("f a:b9@0/8", 4, "bit field"),
        ("f a:u8[0]", 7, "elements"),
        ("f a:u8[65]", 7, "elements"),
        ("f %", 3, "register"),
        ("f $foo", 2, "no variable"),
        ("f +8%di)", 4, "parenthesis"),
        ("f +8(%di", 8, "closing"),
        ("f +8(%di))", 9, "nothing can follow"),
        ("f +x(%di)", 3, "number"),
        ("f @", 3, "expected here"),
        ("f \\x", 3, "number"),
        ("%sdt_a:b+3", 8, "%PROVIDER:EVENT"),
    ];
    for (text, at, part) in mistakes {
        let error = Definition::parse(text).expect_err(text);
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.problem.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn ranges_of_lines() {
    let range = |text: &str| LineRange::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let function = |name: &str| LinesOf::Function { name: name.to_owned(), file: None };
    assert_eq!(range("f"), LineRange { of: function("f"), first: 0, last: None });
    assert_eq!(range("f:10"), LineRange { of: function("f"), first: 10, last: None });
    assert_eq!(range("f:10+5"), LineRange { of: function("f"), first: 10, last: Some(14) });
    assert_eq!(range("f:10-15"), LineRange { of: function("f"), first: 10, last: Some(15) });
    assert_eq!(range("a/b.c:3-3"), LineRange { of: LinesOf::Source("a/b.c".to_owned()), first: 3, last: Some(3) });
    assert_eq!(range("f@b.c").of, LinesOf::Function { name: "f".to_owned(), file: Some("b.c".to_owned()) });
    let mistakes = [
        ("", 0),
        ("f:", 2),
        ("f:x", 2),
        ("f:3-1", 4),
        ("f:1x", 2),
        ("f:1/2", 3),
        ("f:0+0", 4),
        ("f:1-2-3", 5),
        ("1f", 0),
    ];
    for (text, at) in mistakes {
        assert_eq!(LineRange::parse(text).expect_err(text).at, at, "{text}");
    }
}

#[test]
fn filters_take_names() {
    let cases = [
        ("foo*", "foobar", true),
        ("!_*", "_x", false),
        ("!_* & !a*", "b", true),
        ("a|b&c", "a", true),
        ("(a|b)&c", "a", false),
        ("!(a|b)", "c", true),
        ("!!a", "a", true),
        ("[!a]*", "bx", true),
        ("a\\|b", "a|b", true),
    ];
    for (text, name, taken) in cases {
        assert_eq!(Filter::parse(text).expect(text).takes(name), taken, "{text} {name}");
    }
    for (text, at) in [("", 0), ("a &", 3), ("& a", 0), ("(a", 2), ("a)", 1), ("a b", 2), ("()", 1), ("a !b", 2)] {
        assert_eq!(Filter::parse(text).expect_err(text).at, at, "{text}");
    }
}

#[test]
fn names_are_those_that_perf_gives() {
    let none = |_: &str| false;
    assert_eq!(event_name("malloc", false, false, &none), Ok("malloc".to_owned()));
    assert_eq!(event_name("myfunc", true, false, &none), Ok("myfunc__return".to_owned()));
    assert_eq!(event_name("f.isra.0", false, false, &none), Ok("f".to_owned()));
    assert_eq!(event_name("memcpy@GLIBC_2.2.5", false, false, &none), Ok("memcpy".to_owned()));
    let one = |name: &str| name == "f";
    assert_eq!(event_name("f", false, false, &one), Err(Taken::Exists("f".to_owned())));
    assert_eq!(event_name("f", false, true, &one), Ok("f_1".to_owned()));
    assert_eq!(event_name("f", false, true, &|_| true), Err(Taken::All("f".to_owned())));
    assert_eq!(event_name("a::b", false, true, &none), Err(Taken::Invalid("a::b".to_owned())));
    assert_eq!(group_of_file("/usr/lib/libc.so.6"), "probe_libc");
    assert_eq!(group_of_file("./work"), "probe_work");
    assert_eq!(group_of_file("/lib/ld-linux.so"), "probe_ld");
}

#[test]
fn lines_of_tracefs_come_back() {
    // As perf 6.1 wrote them, and the kernel showed them.
    let lines = [
        "p:probe/tcp_sendmsg _text+8763952 size=%dx:x64 skc_state=+18(%di):x8",
        "p:probe/do_sys_open _text+3452172 filename_string=+0(%si):string",
        "r10:probe/tcp_sendmsg__return _text+8763952 arg1=$retval",
        "p:probe_work/myfunc ./work:0x12a4 s_string=+0(%di):string",
        "r:probe_work/myfunc__return ./work:0x12a4 +0($retval):string",
        "p:sdt_node/gc /usr/bin/node:0x123(0x456) arg1=-4(%bp):s32 arg2=\\3:u8",
    ];
    for line in lines {
        assert_eq!(TraceProbe::parse(line).map(|probe| probe.to_string()), Ok(line.to_owned()));
    }
    let padded = TraceProbe::parse("p:probe_libc/malloc /usr/lib/libc.so.6:0x0000000000098930 size=%di:u64");
    let shown = padded.expect("a line of the kernel").to_string();
    assert_eq!(shown, "p:probe_libc/malloc /usr/lib/libc.so.6:0x98930 size=%di:u64");
    for (line, at) in
        [("", 0), ("x:a/b f", 0), ("p a", 1), ("p:a f", 2), ("p:a/b", 5), ("p:a/b /x:y", 9), ("p:a/b f %", 9)]
    {
        assert_eq!(TraceProbe::parse(line).expect_err(line).at, at, "{line}");
    }
}

/// Numbers without an order that anybody could see (xorshift), always the same ones.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap_or(0)
    }
}

const PIECES: &[&str] = &[
    "f", "file.c", "0x10", "%return", ":", "81", "+", "-", "(", ")", "->", ".", "[", "]", "@", "user", "%di",
    "$retval", "$vars", "=", "\\", "\"", "u64", "b3@5/32", "string", ";", "*", " ", "sdt_a", "%", "é", "g", "&", "|",
    "!", "p:", "/",
];

#[test]
fn what_is_taken_comes_back_from_its_text() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut taken = 0;
    for _ in 0..60_000 {
        let text: String = (0..=numbers.below(9)).map(|_| PIECES[numbers.below(PIECES.len())]).collect();
        match Definition::parse(&text) {
            Ok(parsed) => {
                taken += 1;
                let shown = parsed.to_string();
                let again = Definition::parse(&shown).unwrap_or_else(|error| panic!("{text:?}: {error}"));
                assert_eq!(again.to_string(), shown, "{text:?}");
                assert_eq!((&again.place, &again.group, &again.event), (&parsed.place, &parsed.group, &parsed.event));
            }
            Err(error) => assert!(error.at <= text.len() && text.is_char_boundary(error.at), "{text:?} {error}"),
        }
        if let Ok(parsed) = TraceProbe::parse(&text) {
            assert_eq!(TraceProbe::parse(&parsed.to_string()).as_ref(), Ok(&parsed), "{text:?}");
        }
        if let Ok(parsed) = Filter::parse(&text) {
            assert!(parsed.patterns().count() > 0 && (parsed.takes("f") || !parsed.takes("f")));
        }
        let _ = LineRange::parse(&text);
    }
    assert!(taken > 1000, "only {taken} of the texts were definitions");
}
