//! Synthesized types: a small writer makes the blobs, so that every odd form can be tried.

use super::core::{Unresolved, Value, resolve};
use super::ext::{CoreRelocation, relocations};
use super::*;

/// Writes BTF.
#[derive(Default)]
pub(crate) struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    /// Where its own names begin: behind those of another blob.
    before: usize,
    count: u32,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { types: Vec::new(), strings: vec![0], before: 0, count: 0 }
    }

    /// A writer whose types go on behind these.
    pub(crate) fn behind(&self) -> Self {
        Self { types: Vec::new(), strings: Vec::new(), before: self.strings.len(), count: self.count }
    }

    pub(crate) fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.before + self.strings.len()).unwrap();
        self.strings.extend(name.bytes());
        self.strings.push(0);
        at
    }

    pub(crate) fn add(&mut self, name: &str, kind: u32, vlen: usize, flag: bool, word: u32, extra: &[u32]) -> u32 {
        let name = self.name(name);
        let info = (kind << 24) | u32::try_from(vlen).unwrap() | (u32::from(flag) << 31);
        for field in [name, info, word].iter().chain(extra) {
            self.types.extend(field.to_ne_bytes());
        }
        self.count += 1;
        self.count
    }

    pub(crate) fn int(&mut self, name: &str, bytes: u32, signed: bool) -> u32 {
        self.add(name, 1, 0, false, bytes, &[(bytes * 8) | (u32::from(signed) << 24)])
    }

    pub(crate) fn composite(
        &mut self,
        kind: u32,
        name: &str,
        size: u32,
        members: &[(&str, u32, u32)],
        flag: bool,
    ) -> u32 {
        let extra: Vec<u32> = members.iter().flat_map(|(name, of, at)| [self.name(name), *of, *at]).collect();
        self.add(name, kind, members.len(), flag, size, &extra)
    }

    pub(crate) fn structure(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        self.composite(4, name, size, members, false)
    }

    pub(crate) fn finish(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC.to_ne_bytes());
        out.extend([1, 0]);
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        for field in [24, 0, len(&self.types), len(&self.types), len(&self.strings)] {
            out.extend(field.to_ne_bytes());
        }
        out.extend(&self.types);
        out.extend(&self.strings);
        out
    }
}

fn relocation(type_id: u32, access: &str, kind: u32) -> CoreRelocation {
    CoreRelocation { section: "tp_btf/x".into(), instruction: 8, type_id, access: access.into(), kind }
}

/// The object's view of a task: a few fields, one of them in a flavour of its own.
fn local() -> Vec<u8> {
    let mut w = Writer::new();
    let int = w.int("int", 4, true);
    let long = w.int("unsigned long", 8, false);
    let array = w.add("", 3, 0, false, 0, &[int, int, 4]);
    w.structure("task_struct", 40, &[("state", int, 0), ("run", long, 64), ("prio", array, 128)]);
    w.structure("task_struct___old", 8, &[("gone", int, 0)]);
    let name = w.name("SECOND___x");
    w.add("colour", 6, 1, false, 4, &[name, 7]);
    w.finish()
}

/// The kernel's: other offsets, a wider state, an anonymous union, a bit field.
fn kernel() -> Vec<u8> {
    let mut w = Writer::new();
    let int = w.int("int", 4, true);
    let long = w.int("long unsigned int", 8, false);
    let array = w.add("", 3, 0, false, 0, &[int, int, 8]);
    let union = w.composite(5, "", 8, &[("run", long, 0)], false);
    let constant = w.add("", 10, 0, false, union, &[]);
    w.structure("task_struct", 64, &[("pad", long, 0), ("", constant, 64), ("state", long, 128), ("prio", array, 192)]);
    w.composite(4, "flags", 8, &[("low", int, 3 << 24), ("high", int, (5 << 24) | 3)], true);
    let (first, second) = (w.name("FIRST"), w.name("SECOND"));
    w.add("colour", 6, 2, false, 4, &[first, 1, second, 2]);
    w.add("bpf_iter_task", 12, 1, false, 0, &[]);
    w.finish()
}

#[expect(clippy::unnecessary_wraps, reason = "compared with results")]
fn value(value: u64) -> Result<Value, Unresolved> {
    Ok(Value { value, widths: None })
}

#[test]
fn types_are_found_by_name_and_kind() {
    let bytes = kernel();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.len(), 9);
    let task = btf.find("task_struct", Kind::Struct).unwrap();
    assert_eq!((task.id(), task.byte_size()), (6, Some(64)));
    assert_eq!(task.members().map(|m| m.bit_offset).collect::<Vec<_>>(), [0, 64, 128, 192]);
    assert!(btf.find("task_struct", Kind::Union).is_none());
    assert!(btf.find("task", Kind::Struct).is_none());
    assert_eq!(btf.function("bpf_iter_task").unwrap().id(), 9);
    assert_eq!(btf.enum_values("colour"), [("FIRST".to_owned(), 1), ("SECOND".to_owned(), 2)]);
    assert!(btf.enum_values("none").is_empty());
    assert_eq!(btf.by_id(3).unwrap().byte_size(), Some(32));
    assert_eq!(btf.by_id(0).unwrap().kind(), Kind::Void);
    assert!(btf.by_id(10).is_none());
}

#[test]
fn a_path_is_walked_by_names() {
    let (local, kernel) = (local(), kernel());
    let (local, kernel) = (Btf::parse(&local).unwrap(), Btf::parse(&kernel).unwrap());
    let at = |access: &str, kind: u32| resolve(&local, &kernel, &relocation(4, access, kind));
    assert_eq!(at("0:0", 0), Ok(Value { value: 16, widths: Some((4, 8)) }));
    assert_eq!(at("0:1", 0), Ok(Value { value: 8, widths: Some((8, 8)) }), "inside an anonymous union");
    assert_eq!(at("0:2:3", 0), Ok(Value { value: 36, widths: Some((4, 4)) }));
    assert_eq!(at("1:1", 0), Ok(Value { value: 72, widths: Some((8, 8)) }), "the second of an array of tasks");
    assert_eq!(at("0:0", 1), value(8));
    assert_eq!(at("0:0", 2), value(1));
    assert_eq!(at("0:0", 3), value(0));
    assert_eq!(at("0:0", 5), value(0));
    assert_eq!(at("0", 9), value(64));
    assert_eq!(at("0", 8), value(1));
    assert_eq!(at("0", 7), value(6));
    assert_eq!(at("0", 6), value(4));
}

#[test]
fn what_the_kernel_lacks_is_named() {
    let (local, kernel) = (local(), kernel());
    let (local, kernel) = (Btf::parse(&local).unwrap(), Btf::parse(&kernel).unwrap());
    let gone = |kind: u32| resolve(&local, &kernel, &relocation(5, "0:0", kind));
    assert_eq!(gone(2), value(0));
    assert_eq!(gone(0), Err(Unresolved::Absent("task_struct.gone".into())));
    assert_eq!(gone(99), Err(Unresolved::Unsupported(99)));
    let empty = Writer::new().finish();
    let empty = Btf::parse(&empty).unwrap();
    assert_eq!(resolve(&local, &empty, &relocation(4, "0", 8)), value(0));
    assert_eq!(resolve(&local, &empty, &relocation(4, "0", 9)), Err(Unresolved::Absent("task_struct".into())));
}

#[test]
fn enum_values_follow_the_kernel() {
    let (local, kernel) = (local(), kernel());
    let (local, kernel) = (Btf::parse(&local).unwrap(), Btf::parse(&kernel).unwrap());
    assert_eq!(resolve(&local, &kernel, &relocation(6, "0", 10)), value(1));
    assert_eq!(resolve(&local, &kernel, &relocation(6, "0", 11)), value(2));
    assert!(matches!(resolve(&local, &kernel, &relocation(6, "1", 11)), Err(Unresolved::Malformed(_))));
}

#[test]
fn bit_fields_give_their_storage_and_shifts() {
    let bytes = kernel();
    let kernel = Btf::parse(&bytes).unwrap();
    // The kernel's own types as the object's: the answer is what a compiler would compute.
    let at = |access: &str, kind: u32| resolve(&kernel, &kernel, &relocation(7, access, kind)).unwrap().value;
    assert_eq!((at("0:1", 0), at("0:1", 1)), (0, 4));
    if cfg!(target_endian = "little") {
        // bits 3..8 of the word: up by 56, down by 59
        assert_eq!((at("0:1", 4), at("0:1", 5)), (56, 59));
    }
}

#[test]
fn two_types_of_one_name_must_agree() {
    let mut w = Writer::new();
    let int = w.int("int", 4, true);
    w.structure("twin", 4, &[("a", int, 0)]);
    w.structure("twin", 8, &[("b", int, 0), ("a", int, 32)]);
    let kernel = w.finish();
    let kernel = Btf::parse(&kernel).unwrap();
    let at = |access: &str, kind: u32| resolve(&kernel, &kernel, &relocation(3, access, kind));
    assert_eq!(at("0:1", 0), Err(Unresolved::Ambiguous("twin.a".into())));
    assert_eq!(at("0:0", 0).unwrap().value, 0, "only one of them has b");
    assert_eq!(at("0:1", 2), value(1));
}

#[test]
fn loops_of_typedefs_and_arrays_end() {
    let mut w = Writer::new();
    w.add("loop", 8, 0, false, 2, &[]);
    w.add("back", 8, 0, false, 1, &[]);
    w.add("", 3, 0, false, 0, &[3, 3, 2]);
    w.structure("self", 8, &[("", 4, 0), ("", 4, 8), ("", 4, 16)]);
    w.structure("self", 8, &[("x", 1, 0)]);
    let bytes = w.finish();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.by_id(4).unwrap().name(), "self");
    assert!(btf.by_id(1).unwrap().resolved().is_none());
    assert!(btf.by_id(3).unwrap().byte_size().is_none());
    assert!(resolve(&btf, &btf, &relocation(5, "0:0", 2)).is_ok_and(|found| found.value == 0));
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    let good = kernel();
    assert!(Btf::parse(b"").is_err());
    assert!(Btf::parse(&good[..20]).is_err());
    for at in 0..good.len() {
        for flip in [0x01_u8, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let Ok(btf) = Btf::parse(&bytes) else { continue };
            for of in btf.all() {
                let _ = (of.name(), of.byte_size(), of.resolved().map(|of| of.id()));
                let _ = (of.members().count(), of.enumerators().count(), of.variables().count());
                let _ = resolve(&btf, &btf, &relocation(of.id(), "0:1:2", 0));
            }
        }
    }
    for cut in 0..good.len() {
        assert!(Btf::parse(&good[..cut]).is_err());
    }
}

#[test]
fn relocation_records_are_read_with_any_record_size() {
    let mut btf = Writer::new();
    let (section, access) = (btf.name("tp_btf/sched_switch"), btf.name("0:1"));
    let blob = btf.finish();
    let mut ext = Vec::new();
    ext.extend(MAGIC.to_ne_bytes());
    ext.extend([1, 0]);
    // header length 32, no func info, no line info, relocations at 0
    for field in [32_u32, 0, 0, 0, 0, 0, 4 + 8 + 20, 20, section, 1, 64, 9, access, 2, 0xdead] {
        ext.extend(field.to_ne_bytes());
    }
    let found = relocations(&ext, &blob).unwrap();
    let wanted = CoreRelocation {
        section: "tp_btf/sched_switch".into(),
        instruction: 64,
        type_id: 9,
        access: "0:1".into(),
        kind: 2,
    };
    assert_eq!(found, [wanted]);
    for cut in 0..ext.len() {
        let _ = relocations(&ext[..cut], &blob);
    }
    for at in 0..ext.len() {
        let mut bytes = ext.clone();
        bytes[at] ^= 0xff;
        let _ = relocations(&bytes, &blob);
    }
}
