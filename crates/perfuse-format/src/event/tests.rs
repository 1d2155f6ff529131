//! The grammar as a whole, on a host that is made up here. What real perf opens for the same text is compared in the
//! differential tests of the binary.

use super::*;
use crate::perfdata::attr::{flag, kind, sample_type};
use crate::vendor::VendorEvent;

fn host() -> Offered {
    let format = |name: &str, text: &str| Format::parse(name, text).unwrap();
    let cpu = Pmu {
        name: "cpu".to_owned(),
        kind: 4,
        formats: vec![
            format("event", "config:0-7,32-35"),
            format("umask", "config:8-15"),
            format("inv", "config:23"),
            format("cmask", "config:24-31"),
            format("ldlat", "config1:0-15"),
        ],
        events: vec![
            PmuEvent {
                name: "mem-loads".to_owned(),
                terms: "event=0xcd,umask=0x1,ldlat=3".to_owned(),
                ..PmuEvent::default()
            },
            PmuEvent { name: "broken".to_owned(), terms: "nosuch=1".to_owned(), ..PmuEvent::default() },
        ],
        ..Pmu::default()
    };
    let imc = |number: u32| Pmu {
        name: format!("uncore_imc_{number}"),
        kind: 20 + number,
        formats: vec![format("event", "config:0-7")],
        events: vec![PmuEvent {
            name: "cas_count_read".to_owned(),
            terms: "event=0x04".to_owned(),
            scale: Some(6.103_515_625e-5),
            unit: Some("MiB".to_owned()),
            ..PmuEvent::default()
        }],
        cpus: Some("0,18".to_owned()),
        ..Pmu::default()
    };
    let tracepoint = |system: &str, name: &str, id| (system.to_owned(), name.to_owned(), id);
    Offered {
        pmus: vec![cpu, imc(0), imc(1)],
        tracepoints: vec![
            tracepoint("sched", "sched_switch", 300),
            tracepoint("sched", "sched_waking", 301),
            tracepoint("syscalls", "sys_enter_accept", 500),
            tracepoint("syscalls", "sys_enter_accept4", 501),
            tracepoint("syscalls", "sys_enter_openat", 502),
        ],
        vendor: [
            ("l1d.replacement", "", "event=0x51,period=2000003,umask=0x1"),
            ("cas.read", "uncore_imc", "event=9"),
            ("llc.lookup", "uncore_cbox", "event=1"),
            ("odd.event", "", "filter=1"),
        ]
        .map(|(name, pmu, terms)| VendorEvent {
            name: name.to_owned(),
            pmu: pmu.to_owned(),
            terms: terms.to_owned(),
            ..VendorEvent::default()
        })
        .to_vec(),
    }
}

fn events(text: &str) -> Vec<EventSpec> {
    parse(text, &host(), Mode::Record).unwrap_or_else(|error| panic!("{error}"))
}

fn one(text: &str) -> EventSpec {
    let mut events = events(text);
    assert_eq!(events.len(), 1, "{text}");
    events.remove(0)
}

fn error(text: &str) -> EventError {
    parse(text, &host(), Mode::Record).expect_err(text)
}

#[test]
fn symbols_mean_kind_and_config() {
    for (text, kind, config) in [
        ("cycles", kind::HARDWARE, 0),
        ("branches", kind::HARDWARE, 4),
        ("cs", kind::SOFTWARE, 3),
        ("faults", kind::SOFTWARE, 2),
        ("duration_time", kind::SOFTWARE, 9),
        ("r01a8", kind::RAW, 0x1a8),
        ("L1-dcache-load-misses", kind::HW_CACHE, 0x1_0000),
        ("1:3", kind::SOFTWARE, 3),
        ("4:0x3c", kind::RAW, 0x3c),
        ("sched:sched_switch", kind::TRACEPOINT, 300),
    ] {
        let event = one(text);
        assert_eq!((event.attr.kind, event.attr.config), (kind, config), "{text}");
        assert_eq!(event.name, text);
        assert_eq!(event.attr.flags, flag::EXCLUDE_GUEST, "{text}");
    }
}

#[test]
fn names_are_those_of_perf() {
    for (text, name) in [
        ("cycles:u", "cycles:u"),
        ("L1-dcache-loads:u", "L1-dcache-loads"),
        ("sched:sched_switch:u", "sched:sched_switch"),
        ("cs/period=10/", "cs/period=10/"),
        ("cs/name=mine/u", "mine"),
        ("cs/name='a,b'/", "a,b"),
        ("mem:0x1000/8:rw:u", "mem:0x1000"),
        ("mem:0x1000:x:u", "mem:0x1000:x:u"),
        ("cpu/mem-loads/p", "cpu/mem-loads/p"),
    ] {
        assert_eq!(one(text).name, name);
    }
}

#[test]
fn modifiers_choose_who_is_counted() {
    let flags = |text: &str| one(text).attr.flags & !(3 << flag::PRECISE_IP_SHIFT);
    let (user, kernel, hv) = (flag::EXCLUDE_USER, flag::EXCLUDE_KERNEL, flag::EXCLUDE_HV);
    let (host, guest) = (flag::EXCLUDE_HOST, flag::EXCLUDE_GUEST);
    assert_eq!(flags("cs:u"), kernel | hv | guest);
    assert_eq!(flags("cs:k"), user | hv, "a modifier forgets the default that leaves guests out");
    assert_eq!(flags("cs:uk"), hv | guest);
    assert_eq!(flags("cs:H"), guest);
    assert_eq!(flags("cs:G"), host);
    assert_eq!(flags("cs:GH"), 0);
    assert_eq!(flags("cs:uG"), kernel | hv | host);
    assert_eq!(flags("cs:I"), flag::EXCLUDE_IDLE);
    assert_eq!(flags("cs:D"), flag::PINNED);
    assert_eq!(flags("cs:e"), flag::EXCLUSIVE);
    assert_eq!(flags("cs:ppp"), guest);
    assert_eq!(one("cs:ppp").attr.precise_ip(), 3);
    let all = one("cs:PSWb");
    assert!(all.precise_max && all.sample_read && all.weak && all.bpf_counter && !all.exclude_gh);
}

#[test]
fn groups_add_their_modifiers() {
    let found = events("cs,{cs:u,faults}:kD,both{cpu-clock,sched:*}:S");
    let groups: Vec<_> =
        found.iter().map(|event| event.group.as_ref().map(|group| (group.index, group.leader))).collect();
    let second = [Some((1, true)), Some((1, false)), Some((1, false))];
    assert_eq!(groups[..3], [None, Some((0, true)), Some((0, false))]);
    assert_eq!(groups[3..], second);
    assert_eq!(found[1].attr.flags, flag::EXCLUDE_HV | flag::EXCLUDE_GUEST | flag::PINNED, "u and k");
    assert_eq!(found[2].attr.flags, flag::EXCLUDE_HV | flag::EXCLUDE_GUEST | flag::EXCLUDE_USER, "k, and not pinned");
    assert_eq!(found[4].group.as_ref().unwrap().name.as_deref(), Some("both"));
    assert!(found[4].sample_read && !found[0].sample_read);

    let host = host();
    let mut list = Events::new(&host, Mode::Record);
    assert_eq!(list.add("{cs,faults}"), Ok(2));
    assert!(list.add("{cs,nosuch}").is_err());
    assert_eq!(list.add("{cs,faults},cs"), Ok(3));
    let indexes: Vec<_> = list.finish().into_iter().map(|event| event.group.map(|group| group.index)).collect();
    assert_eq!(indexes, [Some(0), Some(0), Some(1), Some(1), None]);
}

#[test]
fn patterns_stand_for_all_that_match() {
    let names = |text: &str| events(text).into_iter().map(|event| event.name).collect::<Vec<_>>();
    assert_eq!(names("sched:*"), ["sched:sched_switch", "sched:sched_waking"]);
    assert_eq!(names("syscalls:sys_enter_accept*"), ["syscalls:sys_enter_accept", "syscalls:sys_enter_accept4"]);
    assert_eq!(names("s*:sched_switch"), ["sched:sched_switch"]);
    assert_eq!(names("*:*").len(), 5);
    let tracepoint = one("sched:sched_sw?tch/call-graph=no,max-stack=3/k");
    assert_eq!((tracepoint.terms.call_graph.as_deref(), tracepoint.terms.max_stack), (Some("no"), Some(3)));
    let needed = sample_type::RAW | sample_type::TIME | sample_type::CPU | sample_type::PERIOD;
    assert_eq!((tracepoint.attr.sample_period, tracepoint.attr.sample_type), (1, needed));
}

#[test]
fn terms_of_pmus_go_to_their_bits() {
    let event = one("cpu/event=0x10e,umask=0x01,inv,cmask=0x01/");
    assert_eq!((event.attr.kind, event.attr.config), (4, 0x1_0180_010e));
    let event = one("cpu/mem-loads,ldlat=30,period=7/pp");
    assert_eq!((event.attr.config, event.attr.config1, event.terms.period), (0x1cd, 0x1e | 3, Some(7)));
    assert_eq!(one("mem-loads:u").attr.config, 0x1cd);
    assert_eq!(one("cpu/config=0x5,config1=1,config2=2,config3=3/").attr.config3, 3);
    assert_eq!(one("cpu/r3c/").attr.config, 0x3c);
    assert_eq!(one("cpu/cycles/").attr.kind, kind::HARDWARE);
    assert_eq!(one("cpu//").attr.config, 0);

    for text in ["uncore_imc/cas_count_read/", "imc/cas_count_read/", "uncore_*/cas_count_read/", "cas_count_read"] {
        let found = events(text);
        let kinds: Vec<_> = found.iter().map(|event| event.attr.kind).collect();
        assert_eq!(kinds, [20, 21], "{text}");
        assert_eq!((found[0].unit.as_str(), found[0].cpus.as_deref()), ("MiB", Some("0,18")));
        assert!(found[0].scale < 1e-4);
    }
    assert_eq!(one("uncore_imc_1/event=4/").attr.kind, 21);
}

#[test]
fn breakpoints_have_address_length_and_access() {
    let parts = |text: &str| {
        let attr = one(text).attr;
        (attr.kind, attr.config1, attr.config2, attr.bp_type, attr.flags)
    };
    let guest = flag::EXCLUDE_GUEST;
    assert_eq!(parts("mem:0x1000"), (kind::BREAKPOINT, 0x1000, 4, 3, guest));
    assert_eq!(parts("mem:4096:x"), (kind::BREAKPOINT, 0x1000, 8, 4, guest));
    assert_eq!(parts("mem:0x1000/8:w"), (kind::BREAKPOINT, 0x1000, 8, 2, guest));
    assert_eq!(parts("mem:0x1000/2"), (kind::BREAKPOINT, 0x1000, 2, 3, guest));
    assert_eq!(parts("mem:0x10:rw:k"), (kind::BREAKPOINT, 16, 4, 3, flag::EXCLUDE_USER | flag::EXCLUDE_HV));
    assert_eq!(parts("mem:0x10:k"), (kind::BREAKPOINT, 16, 4, 3, flag::EXCLUDE_USER | flag::EXCLUDE_HV));
    assert_eq!(error("mem:0x10:rr").problem, Problem::BadAccess { access: "rr".to_owned() });
    assert_eq!(error("mem:x").at, 4);
    assert_eq!(error("mem:1/y").at, 6);
}

#[test]
fn mistakes_have_a_place_and_near_names() {
    for (text, at) in [
        ("", 0),
        ("cs,", 3),
        ("cs,,faults", 3),
        ("nosuch", 0),
        ("cs:z", 3),
        ("cs:upppp", 7),
        ("cs:uu", 4),
        ("{cs", 3),
        ("{cs,{faults}}", 4),
        ("{cs}x", 4),
        ("cs}", 2),
        ("cs/period=10", 12),
        ("cs/period=ten/", 10),
        ("cs/period=/", 10),
        ("cs/period=1,/", 12),
        ("cs/,period=1/", 3),
        ("cs/umask=1/", 3),
        ("cs/time=2/", 3),
        ("cs/name='a/", 10),
        ("cpu/event=0x1000/", 10),
        ("cpu/nosuch=1/", 4),
        ("cpu/broken/", 4),
        ("nosuch/event=1/", 0),
        ("sched:nosuch", 0),
        ("sched:sched_switch/period=1/", 19),
        ("sched:", 6),
        ("cs:u/period=1/", 0),
        ("cs::u", 3),
        ("cs/name=\"a/", 10),
        ("r11111111111111111", 0),
        ("cs/x/y/", 3),
    ] {
        assert_eq!(error(text).at, at, "{text}: {}", error(text));
    }
    assert_eq!(error("cylces").nearest(2), ["cycles"]);
    assert_eq!(error("sched:sched_swich").nearest(1), ["sched:sched_switch"]);
    assert_eq!(error("cpu/umsk=1/").nearest(1), ["umask"]);
    assert_eq!(error("sched_switch").nearest(1), ["sched:sched_switch"]);
    assert_eq!(error("cpuu//").nearest(1), ["cpu"]);
    assert_eq!(error("nosuch:u").problem, Problem::UnknownEvent { name: "nosuch".to_owned() });
    let in_stat = parse("cs/freq=1/", &host(), Mode::Stat).unwrap_err();
    assert_eq!(in_stat.problem, Problem::NotInStat { term: "freq".to_owned() });
}

#[test]
fn vendor_events_are_found_by_name() {
    for text in ["l1d.replacement", "L1D.REPLACEMENT", "cpu/l1d.replacement/", "cpu/event=l1d.replacement/"] {
        let event = one(text);
        assert_eq!((event.attr.kind, event.attr.config, event.name.as_str()), (4, 0x151, text));
        assert_eq!((event.terms.period, event.terms.weak_period), (None, Some(2_000_003)), "{text}");
    }
    assert_eq!(one("cpu/l1d.replacement,cmask=2/u").attr.config, 0x200_0151);
    assert_eq!(one("cpu/l1d.replacement,period=7/").terms.period, Some(7));
    let memory = events("cas.read");
    assert_eq!(memory.iter().map(|event| (event.attr.kind, event.attr.config)).collect::<Vec<_>>(), [(20, 9), (21, 9)]);
    assert_eq!(parse("l1d.replacement", &host(), Mode::Stat).unwrap().len(), 1, "a period of a table is no mistake");

    assert_eq!(error("l1d.replacment").nearest(1), ["l1d.replacement"]);
    assert_eq!(error("cpu/l1d.replacment/").nearest(1), ["l1d.replacement"]);
    let no_pmu = Problem::NoPmu { event: "llc.lookup".to_owned(), pmu: "uncore_cbox".to_owned() };
    assert_eq!(error("cs,llc.lookup").problem, no_pmu);
    assert!(matches!(error("odd.event").problem, Problem::BadAlias { .. }));
    let guest = Offered { pmus: Vec::new(), ..host() };
    let no_cpu = Problem::NoPmu { event: "l1d.replacement".to_owned(), pmu: "cpu".to_owned() };
    assert_eq!(parse("l1d.replacement:u", &guest, Mode::Stat).unwrap_err().problem, no_cpu);
}

#[test]
fn values_may_stand_in_quotes() {
    assert_eq!(one("cs/name='a,b'/").name, "a,b");
    assert_eq!(one("cs/name=\"it's\"/").name, "it's");
    assert_eq!(one("cs/config/").attr.config, 1);
}
