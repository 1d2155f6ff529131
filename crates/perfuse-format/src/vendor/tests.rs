use super::*;

/// A table of perfmon's layout; numbers, not words, are what it is about.
const PERFMON: &str = r#"{
  "Header": {"Copyright": "none", "Info": "made for a test"},
  "Events": [
    {"EventCode": "0x51", "UMask": "0x01", "EventName": "L1D.REPLACEMENT", "BriefDescription": "Lines brought in.",
     "SampleAfterValue": "2000003", "CounterMask": "0", "Invert": "0", "EdgeDetect": "0", "MSRIndex": "0x00", "PEBS": "0"},
    {"EventCode": "0xB7, 0xBB", "UMask": "0x01", "EventName": "OFFCORE_RESPONSE.ANY", "MSRIndex": "0x1a6,0x1a7",
     "MSRValue": "0x10001", "SampleAfterValue": "100003", "PEBS": "0"},
    {"EventCode": "0xCD", "UMask": "0x01", "EventName": "MEM_TRANS_RETIRED.LOAD_LATENCY_GT_8", "MSRIndex": "0x3F6",
     "MSRValue": "0x8", "PEBS": "2", "Data_LA": "1", "BriefDescription": "Slow loads"},
    {"EventCode": "0x3C", "UMask": "0x00", "EventName": "X.CYCLES", "CounterMask": "4", "Invert": "1", "EdgeDetect": "1",
     "AnyThread": "1", "PEBS": 1, "BriefDescription": "x"},
    {"EventCode": "0x00", "UMask": "0x01", "EventName": "INST_RETIRED.ANY"},
    {"Unit": "CBO", "EventCode": "0x34", "UMask": "0x11", "UMaskExt": "0x20", "EventName": "UNC_C_LOOKUP", "PerPkg": "1",
     "ScaleUnit": "64Bytes", "BriefDescription": "Lookups."},
    {"Unit": "CBO", "EventCode": "0x35", "EventName": "UNC_C_FILTERED", "Filter": "CBoFilter1[28:20]"},
    {"EventCode": "many", "EventName": "BAD"},
    7
  ]
}"#;

#[test]
fn perfmon_files_become_terms() {
    let table = Table::parse(PERFMON.as_bytes(), "core").unwrap();
    let terms: Vec<_> = table.events.iter().map(|event| (event.name.as_str(), event.terms.as_str())).collect();
    assert_eq!(
        terms,
        [
            ("l1d.replacement", "event=0x51,period=2000003,umask=0x1"),
            ("offcore_response.any", "event=0xb7,period=100003,umask=0x1,offcore_rsp=0x10001"),
            ("mem_trans_retired.load_latency_gt_8", "event=0xcd,umask=0x1,ldlat=0x8"),
            ("x.cycles", "event=0x3c,any=0x1,cmask=0x4,edge=0x1,inv=0x1"),
            ("inst_retired.any", "event=0xc0,period=2000003"),
            ("unc_c_lookup", "event=0x34,umask=0x2011"),
        ]
    );
    assert_eq!(table.events[0].brief, "Lines brought in");
    assert_eq!(table.events[2].brief, "Slow loads Supports address when precise (Must be precise)");
    let uncore = &table.events[5];
    assert_eq!((uncore.pmu.as_str(), uncore.scale, uncore.unit.as_deref()), ("uncore_cbox", Some(64.0), Some("Bytes")));
    assert!(uncore.per_package && uncore.brief.ends_with(". Unit: uncore_cbox"), "{}", uncore.brief);
    let skipped: Vec<_> = table.skipped.iter().map(|skipped| (skipped.index, skipped.field)).collect();
    assert_eq!(skipped, [(6, "Filter"), (7, "EventCode"), (8, "EventName")]);
}

#[test]
fn files_of_the_kernel_have_metrics_too() {
    let text = r#"[
        {"EventName": "ex_ret_brn", "EventCode": "0xc2", "BriefDescription": "Branches."},
        {"ArchStdEvent": "L1D_CACHE"},
        {"EventName": "old", "EventCode": "1", "Deprecated": "1"},
        {"EventName": "conf", "ConfigCode": "0x1f3"},
        {"MetricName": "miss_ratio", "MetricExpr": "d_ratio(a, b)", "MetricGroup": "branch;tlb", "ScaleUnit": "100%",
         "BriefDescription": "Missed"},
        {"Nothing": "here"}
    ]"#;
    let table = Table::parse(text.as_bytes(), "floating-point").unwrap();
    assert_eq!(table.events.len(), 4);
    assert_eq!((table.events[0].topic.as_str(), table.events[0].pmu.as_str()), ("floating point", ""));
    assert_eq!((table.events[1].name.as_str(), table.events[1].standard.as_deref()), ("l1d_cache", Some("l1d_cache")));
    assert!(table.events[2].deprecated);
    assert_eq!(table.events[3].terms, "config=0x1f3");
    let metric = &table.metrics[0];
    assert_eq!(metric.groups, ["branch", "tlb"]);
    assert_eq!(metric.scale(), (100.0, Some("%".to_owned())));
    assert_eq!(table.skipped.len(), 1);
}

#[test]
fn what_is_no_table_says_where() {
    assert_eq!(Table::parse(b"[\n{]", "x"), Err(TableError::Json { line: 2, column: 2 }));
    assert_eq!(Table::parse(b"{\"Header\": 1}", "x"), Err(TableError::Shape));
    assert_eq!(Table::parse(b"7", "x"), Err(TableError::Shape));
    assert!(Table::parse(b"", "x").is_err());
    assert!(Table::parse(&[b'['; 4096], "x").is_err(), "deep nesting is no crash");
}

#[test]
fn units_have_their_factor_before_them() {
    for (text, factor, unit) in [
        ("64Bytes", Some(64.0), Some("Bytes")),
        ("6.1e-5MiB", Some(6.1e-5), Some("MiB")),
        ("100%", Some(100.0), Some("%")),
        ("1per_sec", Some(1.0), Some("per_sec")),
        ("MiB", None, Some("MiB")),
        ("2", Some(2.0), None),
        ("", None, None),
    ] {
        assert_eq!(encode::scale(text), (factor, unit.map(str::to_owned)), "{text}");
    }
}

#[test]
fn models_are_found_in_maps_and_file_names() {
    let map = MapFile::parse(
        b"Family-model,Version,Filename,EventType\n# x\nGenuineIntel-6-(37|4A),v14,silvermont,core\nGenuineIntel-6-55-[56789ABCDEF],v1,cascadelakex,core\nGenuineIntel-6-55-[01234],V1,/SKX/events/skx.json,core,,,\nAuthenticAMD-25-([245][[:xdigit:]]|[[:xdigit:]]),v1,amdzen3,core\nGenuineIntel-6-(,v1,broken,core\n\nx\n",
    );
    let of = |cpu: &str| {
        map.entries.iter().filter(|entry| entry.fits(cpu)).map(|entry| entry.path.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("GenuineIntel-6-4A-8"), ["silvermont"]);
    assert_eq!(of("GenuineIntel-6-55-4"), ["SKX/events/skx.json"]);
    assert_eq!(of("GenuineIntel-6-55-7"), ["cascadelakex"]);
    assert_eq!(of("AuthenticAMD-25-1-1"), ["amdzen3"]);
    assert_eq!(of("AuthenticAMD-25-11-1"), [""; 0]);
    assert_eq!(map.entries.len(), 5);
    assert_eq!(file_fits("GenuineIntel-6-55-[01234]-core.json", "GenuineIntel-6-55-4"), Some("core"));
    assert_eq!(file_fits("GenuineIntel-6-3F-uncore.json", "GenuineIntel-6-3F-2"), Some("uncore"));
    assert_eq!(file_fits("GenuineIntel-6-3F.json", "GenuineIntel-6-3F-2"), Some("core"));
    for other in ["GenuineIntel-6-3F-core.json", "mapfile.csv", "GenuineIntel-6-55-4-matrix.json", "x.json"] {
        assert_eq!(file_fits(other, "GenuineIntel-6-55-4"), None, "{other}");
    }
}

/// The value of a formula in which `a` is 6, `b` 4, `z` 0 and `four` is added up from 4 sources.
fn value(text: &str) -> f64 {
    let event = |name: &str| match name {
        "a" => Some((6.0, 1.0)),
        "b" | "cpu/event=0x3c,umask=1/u" | "x.y:k" => Some((4.0, 1.0)),
        "z" => Some((0.0, 1.0)),
        "four" => Some((100.0, 4.0)),
        _ => None,
    };
    let literal = |name: &str| match name {
        "smt_on" => Some(1.0),
        "num_cpus" => Some(8.0),
        _ => None,
    };
    Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).value(&event, &literal)
}

#[test]
fn formulas_have_their_values() {
    for (text, expected) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("8 / 2 / 2", 2.0),
        ("7 % 4", 3.0),
        ("-a + 10", 4.0),
        ("--a", 6.0),
        ("a-b", 2.0),
        ("min(a, b) + max(a, b)", 10.0),
        ("d_ratio(a, b)", 1.5),
        ("d_ratio(a, z)", 0.0),
        ("1 if #smt_on else 2", 1.0),
        ("1 if z else 2 if z else 3", 3.0),
        ("1 if z else 2 if a else 3", 2.0),
        ("(4 if #smt_on else 2) * 2", 8.0),
        ("a > b", 1.0),
        ("a < b", 0.0),
        ("1 + 1 < 3", 1.0),
        ("6 | 1", 7.0),
        ("6 & 3", 2.0),
        ("6 ^ 3", 5.0),
        ("1 | 2 & 2", 3.0),
        (r"cpu@event\=0x3c\,umask\=1@u * 2", 8.0),
        ("x.y:k + 1", 5.0),
        ("four / source_count(four)", 25.0),
        ("a if has_event(a) else 1", 6.0),
        ("1 if has_event(nosuch) else 2", 2.0),
        ("1e-3 * 1000", 1.0),
        (".5 + 1.", 1.5),
        ("#num_cpus", 8.0),
    ] {
        assert!((value(text) - expected).abs() < 1e-12, "{text}: {}", value(text));
    }
    for text in ["a / z", "a % z", "nosuch + 1", "#nosuch", "0 / 0"] {
        assert!(value(text).is_nan(), "{text}");
    }
}

#[test]
fn mistakes_in_formulas_have_a_place() {
    for (text, at) in [
        ("", 0),
        ("a +", 3),
        ("a b", 2),
        ("(a", 2),
        ("a)", 1),
        ("min(a)", 5),
        ("1 if a", 6),
        ("if", 0),
        ("d_ratio a", 8),
        ("source_count(1)", 13),
        ("#", 0),
        ("a $ b", 2),
        ("a \\x", 2),
    ] {
        let error = Expr::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
    }
    assert!(Expr::parse(&"(".repeat(100_000)).is_err());
    assert!(Expr::parse(&"1+".repeat(100_000)).is_err());
}

#[test]
fn other_metrics_are_put_in() {
    let outer = Expr::parse("inner * 2 + a").unwrap();
    let inner = Expr::parse("a + b if z else b").unwrap();
    let whole = outer.replaced("inner", &inner).unwrap();
    assert_eq!(whole.events().collect::<Vec<_>>(), ["a", "b", "z", "b", "a"]);
    assert!((whole.value(&|_| Some((3.0, 1.0)), &|_| None) - 15.0).abs() < 1e-12);
    assert_eq!(Expr::parse("#smt_on + #num_cpus").unwrap().literals().collect::<Vec<_>>(), ["smt_on", "num_cpus"]);
}
