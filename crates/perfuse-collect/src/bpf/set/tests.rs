//! Refusals by a kernel that is not there, and tables that must not be trusted.

use std::collections::BTreeMap;

use perfuse_format::FromBytes as _;

use super::super::door::{Command, Errno, FAKE};
use super::super::object::Code;
use super::super::program::USE;
use super::*;

/// A map of an object in these tests.
fn map(name: &str, kind: u32) -> MapSpec {
    MapSpec { name: name.to_owned(), kind, key_size: 4, value_size: 8, max_entries: 1, flags: 0 }
}

/// An object with one function per section, each referring to some maps.
fn object(maps: &[(&str, u32)], functions: &[(&str, &[&str])]) -> Object<'static> {
    let mut object = Object { maps: maps.iter().map(|(name, kind)| map(name, *kind)).collect(), ..Object::default() };
    for (index, (name, refers)) in functions.iter().enumerate() {
        let references =
            refers.iter().enumerate().map(|(slot, map)| (slot, Reference::Map((*map).to_owned()))).collect();
        object.code.push(Code {
            section: format!("tp_btf/{name}"),
            insns: Vec::new(),
            references,
            core: BTreeMap::new(),
            functions: BTreeMap::from([(0, ((*name).to_owned(), 8))]),
        });
        object.functions.push(Function { name: (*name).to_owned(), code: index, start: 0 });
    }
    object
}

fn refused() -> LoadError {
    LoadError::Refused { errno: Errno(libc::EINVAL), log: "no".into() }
}

#[test]
fn a_refused_start_spoils_the_table_of_its_end() {
    let object = object(
        &[("waits", 1), ("other", 1), ("w_start", 1), ("w_scratch", kind::PERCPU_ARRAY)],
        &[("begin", &["w_start"]), ("end", &["w_start", "waits", "w_scratch"]), ("apart", &["other", "w_scratch"])],
    );
    let of = |index: usize, error: LoadError| tainted(&object, &[(&object.functions[index], error)]);
    assert_eq!(of(0, refused()).keys().collect::<Vec<_>>(), ["waits"]);
    assert_eq!(of(1, refused()).keys().collect::<Vec<_>>(), ["waits"]);
    assert_eq!(of(2, refused()).keys().collect::<Vec<_>>(), ["other"], "scratch room is no common state");
}

#[test]
fn a_hook_that_the_kernel_lacks_spoils_only_what_nobody_else_fills() {
    let object =
        object(&[("forks", 1), ("errnos", 1)], &[("fork", &["forks"]), ("clone", &["forks"]), ("x", &["errnos"])]);
    let missing = || LoadError::HookMissing("tp/syscalls/sys_enter_fork".into());
    let of = |indexes: &[usize]| {
        let failures: Vec<_> = indexes.iter().map(|index| (&object.functions[*index], missing())).collect();
        tainted(&object, &failures)
    };
    assert!(of(&[0]).is_empty());
    assert_eq!(of(&[0, 1]), BTreeMap::from([("forks".to_owned(), libc::ENOENT)]));
    assert_eq!(of(&[2]), BTreeMap::from([("errnos".to_owned(), libc::ENOENT)]));
}

/// Runs `test` with every `bpf(2)` refused.
fn without_kernel(errno: fn(Command) -> Errno, test: impl FnOnce()) {
    FAKE.set(Some(errno));
    test();
    FAKE.set(None);
}

#[test]
fn a_refusal_is_one_reason_for_everything() {
    without_kernel(
        |_| Errno(libc::ENOSYS),
        || {
            let (set, status) = BpfSet::load(USE, &Options::default());
            assert!(set.is_empty());
            assert_eq!(status.len(), USE.len());
            for one in &status {
                let missing = one.running.why_missing().unwrap();
                assert_eq!(missing.why, Why::Unsupported);
                assert!(missing.detail.contains("no bpf(2)"), "{}", missing.detail);
            }
            let mut raw = RawSnapshot::default();
            assert!(!set.sweep_tasks(&mut raw));
            assert!(!raw.has("@bpf/tasks"));
            set.read_into(&mut raw);
        },
    );
}

#[test]
fn the_status_of_each_program_is_recorded() {
    without_kernel(
        |_| Errno(libc::EPERM),
        || {
            let (set, _) = BpfSet::load(&[Program::Sched], &Options::default());
            let mut raw = RawSnapshot::default();
            set.read_slow_into(&mut raw);
            let recorded = raw.bytes(STATUS).into_value().unwrap();
            let recorded = Capabilities::from_bytes(recorded).unwrap();
            assert_eq!(recorded.0[0].id, "bpf/sched/");
            assert_eq!(recorded.0[0].why, Some(Why::NoPermission));
        },
    );
}

#[test]
fn damaged_objects_are_refused() {
    for bytes in [&b""[..], b"\x7fELF", &[0x7f; 4096]] {
        assert!(matches!(Object::parse(bytes), Err(LoadError::Object(_))));
    }
}

/// Parses an object and links all of it against its own types; only that it returns matters.
fn parse_and_link(bytes: &[u8]) -> bool {
    let Ok(object) = Object::parse(bytes) else { return false };
    let Ok(types) = Btf::parse(object.btf) else { return false };
    let places = Places {
        maps: object.maps.iter().map(|map| (map.name.clone(), 3)).collect(),
        globals: (0..object.globals.len()).map(|index| (index, 4)).collect(),
    };
    let linked = object.functions.iter().map(|function| link(&object, function, &types, &types, &places).is_ok());
    let linked = linked.filter(|linked| *linked).count();
    for function in &object.functions {
        drop(tainted(&object, &[(function, refused())]));
    }
    linked > 0
}

#[test]
fn a_damaged_object_is_refused_or_harmless() {
    let whole = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/selftest.bpf.o"));
    assert!(parse_and_link(whole));
    // Every part of the file, in steps that share no factor with its records.
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0xff;
        parse_and_link(&bytes);
        bytes[at] ^= 0xfe;
        parse_and_link(&bytes);
    }
    for length in (0..whole.len()).step_by(997) {
        parse_and_link(&whole[..length]);
    }
}
