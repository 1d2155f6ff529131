//! A profile through all exporters. What the tools themselves say of the files is tested where the commands are.

use std::io::Read as _;

use perfuse_analyze::flame::{FlameGraph, Options};
use perfuse_analyze::folded as reader;
use perfuse_analyze::profile::{
    Frame, FrameKind, NodeId, Profile, ProfileEvent, ProfileSample, ProfileThread, WeightUnit,
};
use serde_json::Value;

use super::*;

/// `main -> work (inlined into main) -> read [kernel]` and `main` in two threads, two events; names that hurt.
fn profile() -> Profile {
    let mut profile = Profile::default();
    let clock = ProfileEvent { name: "cpu-clock".to_owned(), unit: WeightUnit::Nanoseconds };
    let faults = ProfileEvent { name: "page-faults:u".to_owned(), unit: WeightUnit::Count };
    profile.events = vec![clock, faults];
    let app = profile.add_text("/usr/bin/app \"x\"");
    let kernel = profile.add_text("[kernel.kallsyms]");
    let source = profile.add_text("/src/app.c");
    let mut frame = |name: &str, module, kind, inlined, address| {
        let function = profile.add_text(name);
        let source = (kind == FrameKind::User).then_some((source, 17));
        profile.add_frame(Frame { function, module, source, kind, inlined, address })
    };
    let main = frame("main", app, FrameKind::User, false, 0x1120);
    let work = frame("Vec<T>::work;\n", app, FrameKind::User, true, 0x1120);
    let read = frame("vfs_read", kernel, FrameKind::Kernel, false, 0xffff_ffff_8123_4567);
    let unknown = frame("[unknown]", app, FrameKind::Unknown, false, 0x2000);
    let root = profile.add_node(None, main);
    let inner = profile.add_node(Some(root), work);
    let leaf = profile.add_node(Some(inner), read);
    let odd = profile.add_node(Some(root), unknown);
    let threads: Vec<u32> = [(7, 7, "my app"), (7, 8, "worker")]
        .iter()
        .map(|(pid, tid, comm)| profile.add_thread(&ProfileThread { pid: *pid, tid: *tid, comm: (*comm).to_owned() }))
        .collect();
    let mut add = |event, thread: usize, node: Option<NodeId>, time, weight| {
        profile.samples.push(ProfileSample { event, thread: threads[thread], node, time, cpu: Some(1), weight });
    };
    add(0, 0, Some(leaf), 5_000_000_000, 10_000_000);
    add(0, 0, Some(root), 5_010_000_000, 10_000_000);
    add(0, 1, Some(leaf), 5_020_000_000, u64::MAX / 4);
    add(1, 1, Some(odd), 5_030_000_000, 3);
    add(0, 0, None, 5_040_000_000, 10_000_000);
    add(0, 0, Some(leaf), 5_050_000_000, 10_000_000);
    profile
}

fn info() -> ProfileInfo {
    ProfileInfo { title: "app --fast".to_owned(), started: Some(1_700_000_000_000_000_000) }
}

#[test]
fn folded_stacks_can_be_read_again() {
    let graph = FlameGraph::build(&profile(), 0, Options::default());
    let text = folded::render(&graph, true);
    let lines: Vec<_> = text.lines().collect();
    let first = "my_app 10000000";
    let rest = ["my_app;main 10000000", "my_app;main;Vec<T>::work:\\n_[i];vfs_read_[k] 20000000"];
    assert_eq!(lines[..3], [first, rest[0], rest[1]]);
    let again = reader::parse(text.as_bytes(), "cpu-clock", WeightUnit::Nanoseconds).unwrap();
    let again = FlameGraph::build(&again, 0, Options::default());
    assert_eq!(folded::render(&again, true), text);
    assert!(folded::render(&graph, false).contains("my_app;main;Vec<T>::work:\\n;vfs_read 2"));
}

/// Fields of a message of protocol buffers: number, and the number or the bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, u64, &[u8])> {
    let varint = |bytes: &mut &[u8]| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    };
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let number = varint(&mut bytes);
        if key & 7 == 2 {
            let (inner, rest) = bytes.split_at(usize::try_from(number).unwrap());
            found.push((key >> 3, 0, inner));
            bytes = rest;
        } else {
            assert_eq!(key & 7, 0);
            found.push((key >> 3, number, &[][..]));
        }
    }
    found
}

#[test]
fn pprof_has_locations_with_their_inlined_lines_and_values_for_each_event() {
    let zipped = pprof::render(&profile(), &info()).unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut plain).unwrap();
    let all = fields(&plain);
    let of = |number| all.iter().filter(move |field| field.0 == number);
    let strings: Vec<_> = of(6).map(|field| std::str::from_utf8(field.2).unwrap()).collect();
    let number = |bytes: &[u8], wanted| fields(bytes).iter().find(|field| field.0 == wanted).map_or(0, |field| field.1);
    let text = |bytes: &[u8], wanted| strings[usize::try_from(number(bytes, wanted)).unwrap()];
    let types: Vec<_> = of(1).map(|field| (text(field.2, 1), text(field.2, 2))).collect();
    assert_eq!(types, [("samples", "count"), ("cpu", "nanoseconds"), ("page-faults:u", "count")]);
    assert_eq!(strings[0], "");
    let functions: Vec<_> = of(5).map(|field| text(field.2, 2)).collect();
    assert_eq!(functions.len(), 4);
    // Innermost first: the location of `work` inlined into `main` has both lines.
    let lines = |location: &[u8]| {
        let lines: Vec<_> = fields(location).into_iter().filter(|field| field.0 == 4).collect();
        lines.iter().map(|line| functions[usize::try_from(number(line.2, 1)).unwrap() - 1]).collect::<Vec<_>>()
    };
    let locations: Vec<_> = of(4).map(|field| lines(field.2)).collect();
    assert!(locations.contains(&vec!["Vec<T>::work;\n", "main"]) && locations.contains(&vec!["vfs_read"]));
    let values: Vec<Vec<u64>> = of(2)
        .map(|sample| {
            let packed = fields(sample.2).into_iter().find(|field| field.0 == 2).unwrap().2;
            // Numbers without keys: a key of 0 before each makes fields of them.
            let mut rest = packed;
            let mut numbers = Vec::new();
            while !rest.is_empty() {
                let end = rest.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
                numbers.push(fields(&[&[0], &rest[..end]].concat())[0].1);
                rest = &rest[end..];
            }
            numbers
        })
        .collect();
    assert!(values.contains(&vec![2, 20_000_000, 0]) && values.contains(&vec![1, 0, 3]), "{values:?}");
    assert_eq!(values.iter().map(|of| of[0]).sum::<u64>(), 6);
    let mappings: Vec<_> = of(3).map(|field| text(field.2, 5)).collect();
    assert_eq!(mappings, ["/usr/bin/app \"x\"", "[kernel.kallsyms]"]);
    let top = |wanted| of(wanted).next().map(|field| field.1);
    assert_eq!((top(9), top(10)), (Some(1_700_000_000_000_000_000), Some(50_000_000)));
}

#[test]
fn speedscope_has_a_profile_for_each_thread_and_event() {
    let document: Value = serde_json::from_slice(&speedscope::render(&profile(), &info()).unwrap()).unwrap();
    let names: Vec<_> = document["profiles"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["my app 7/7 cpu-clock", "worker 7/8 cpu-clock", "worker 7/8 page-faults:u"]);
    let first = &document["profiles"][0];
    assert_eq!(first["samples"], serde_json::json!([[0, 1, 2], [0], [], [0, 1, 2]]));
    assert_eq!((first["unit"].as_str(), first["endValue"].as_u64()), (Some("nanoseconds"), Some(40_000_000)));
    assert_eq!(document["shared"]["frames"][0]["file"], "/src/app.c");
    assert_eq!(document["shared"]["frames"][2]["file"], "[kernel.kallsyms]");
}

#[test]
fn our_own_json_has_everything() {
    let document: Value = serde_json::from_slice(&profile_json::render(&profile(), &info()).unwrap()).unwrap();
    assert_eq!(document["schema"], "perfuse.profile/1");
    assert_eq!(document["nodes"], serde_json::json!([[null, 0], [0, 1], [1, 2], [0, 3]]));
    assert_eq!(document["samples"]["weight"][2].as_u64(), Some(u64::MAX / 4));
    assert_eq!(document["frames"][3]["function"], Value::Null);
    assert_eq!(document["frames"][2]["address"].as_u64(), Some(0xffff_ffff_8123_4567));
}

/// Every column has the length that its table says, and every index points into its table.
fn check_tables(document: &Value) {
    let strings = document["shared"]["stringArray"].as_array().unwrap().len();
    let sources = document["shared"]["sources"]["length"].as_u64().unwrap();
    let libs = document["libs"].as_array().unwrap().len();
    for thread in document["threads"].as_array().unwrap() {
        let length = |table: &str| thread[table]["length"].as_u64().unwrap();
        for table in ["samples", "markers", "stackTable", "frameTable", "funcTable", "resourceTable", "nativeSymbols"] {
            for (name, column) in thread[table].as_object().unwrap() {
                if let Some(column) = column.as_array() {
                    assert_eq!(column.len() as u64, length(table), "{table}.{name}");
                }
            }
        }
        let points = |table: &str, column: &str, below: u64| {
            for value in thread[table][column].as_array().unwrap() {
                let fine = value.is_null() || value.as_i64() == Some(-1) || value.as_u64().is_some_and(|id| id < below);
                assert!(fine, "{table}.{column}: {value} of {below}");
            }
        };
        points("samples", "stack", length("stackTable"));
        points("stackTable", "frame", length("frameTable"));
        points("frameTable", "func", length("funcTable"));
        points("frameTable", "category", 4);
        points("funcTable", "name", strings as u64);
        points("funcTable", "resource", length("resourceTable"));
        points("funcTable", "source", sources);
        points("resourceTable", "lib", libs as u64);
        points("resourceTable", "name", strings as u64);
        for (index, prefix) in thread["stackTable"]["prefix"].as_array().unwrap().iter().enumerate() {
            assert!(prefix.is_null() || prefix.as_u64().unwrap() < index as u64);
        }
    }
}

#[test]
fn firefox_tables_fit_each_other_and_long_periods_do_not_overflow() {
    let document: Value = serde_json::from_slice(&firefox::render(&profile(), &info()).unwrap()).unwrap();
    check_tables(&document);
    assert_eq!(document["meta"]["preprocessedProfileVersion"], 58);
    assert_eq!(document["meta"]["startTime"], 1.7e12);
    let threads = document["threads"].as_array().unwrap();
    let names: Vec<_> = threads.iter().map(|thread| thread["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["my app (cpu-clock)", "worker (cpu-clock)", "worker (page-faults:u)"]);
    assert_eq!(threads[1]["processName"], "my app");
    let samples = &threads[0]["samples"];
    assert_eq!(samples["time"], serde_json::json!([0.0, 10.0, 40.0, 50.0]));
    assert_eq!(samples["weight"], serde_json::json!([10.0, 10.0, 10.0, 10.0]));
    assert_eq!(samples["stack"][2], Value::Null);
    let long = threads[1]["samples"]["weight"][0].as_f64().unwrap();
    assert!((long / 4_611_686_018_427.388 - 1.0).abs() < 1e-9, "{long}");
    assert_eq!(threads[0]["frameTable"]["inlineDepth"], serde_json::json!([0, 1, 0]));
    assert_eq!(threads[0]["frameTable"]["address"], serde_json::json!([0x1120, 0x1120, -1]));
    assert_eq!(threads[2]["samples"]["weightType"], "samples");
}

#[test]
fn a_profile_without_anything_is_exported_too() {
    let empty = Profile::default();
    assert!(pprof::render(&empty, &ProfileInfo::default()).is_ok());
    let document: Value = serde_json::from_slice(&firefox::render(&empty, &info()).unwrap()).unwrap();
    check_tables(&document);
    assert!(speedscope::render(&empty, &info()).is_ok() && profile_json::render(&empty, &info()).is_ok());
    assert_eq!(folded::render(&FlameGraph::build(&empty, 0, Options::default()), true), "");
}
