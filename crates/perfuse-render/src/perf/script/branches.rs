//! The branches of a sample: `-F brstack`, `brstacksym`, `brstackoff`.

use perfuse_analyze::resolve::{FrameId, Names, Resolver};
use perfuse_format::perfdata::{CpuMode, Sample};

use super::fields::Fields;
use super::frames;
use crate::perf::number;

/// `enum perf_branch_entry_type` names, by number (`PERF_BR_*`).
const TYPES: [&str; 15] = [
    "",
    "COND",
    "UNCOND",
    "IND",
    "CALL",
    "IND_CALL",
    "RET",
    "SYSCALL",
    "SYSRET",
    "COND_CALL",
    "COND_RET",
    "ERET",
    "IRQ",
    "SERROR",
    "NO_TX",
];

/// The same of the types that stand in bits of their own where the first are not enough (`PERF_BR_NEW_*`).
const MORE_TYPES: [&str; 8] =
    ["FAULT_ALGN", "FAULT_DATA", "FAULT_INST", "ARCH_1", "ARCH_2", "ARCH_3", "ARCH_4", "ARCH_5"];

/// `PERF_BR_EXTEND_ABI`.
const EXTENDED: u64 = 15;

/// The type of a branch, by its flags; nothing where the hardware does not tell it.
pub(super) fn type_name(flags: u64) -> &'static str {
    let (kind, more) = (flags >> 20 & 15, flags >> 26 & 15);
    let (names, number) = if kind == EXTENDED { (&MORE_TYPES[..], more) } else { (&TYPES[..], kind) };
    usize::try_from(number).ok().and_then(|number| names.get(number)).copied().unwrap_or("")
}

/// What is written of each end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Address,
    Function,
    Offset,
}

/// Writes all branches of a sample, newest first.
pub(super) fn write<N: Names>(resolver: &mut Resolver<N>, fields: Fields, sample: &Sample<'_>, out: &mut Vec<u8>) {
    let form = if fields.has(Fields::BRSTACK) {
        Form::Address
    } else if fields.has(Fields::BRSTACKSYM) {
        Form::Function
    } else if fields.has(Fields::BRSTACKOFF) {
        Form::Offset
    } else {
        return;
    };
    let mut words = sample.branches.iter();
    while let (Some(from), Some(to), Some(flags)) = (words.next(), words.next(), words.next()) {
        if form != Form::Function {
            out.push(b' ');
        }
        end(resolver, fields, form, sample.pid, from, out);
        out.push(b'/');
        end(resolver, fields, form, sample.pid, to, out);
        flag_letters(flags, out);
    }
}

/// The upper half of the address space is the kernel's.
fn locate<N: Names>(resolver: &mut Resolver<N>, pid: i32, address: u64) -> FrameId {
    let mode = if address >> 63 == 1 { CpuMode::Kernel } else { CpuMode::User };
    resolver.at(pid, mode, address)
}

fn end<N: Names>(resolver: &mut Resolver<N>, fields: Fields, form: Form, pid: i32, address: u64, out: &mut Vec<u8>) {
    let place = locate(resolver, pid, address);
    match form {
        Form::Address => {
            out.extend_from_slice(b"0x");
            number::hex(out, address, 0);
        }
        Form::Function => frames::function(resolver, place, true, out),
        Form::Offset => {
            // Of files whose symbols it has read perf leaves addresses as they are.
            let read = resolver.frame(place).dso.is_some() && resolver.code(place, 1).is_some();
            out.extend_from_slice(b"0x");
            number::hex(out, if read { address } else { resolver.frame(place).address }, 0);
        }
    }
    if fields.has(Fields::DSO) {
        out.push(b'(');
        frames::dso(resolver, place, out);
        out.push(b')');
    }
}

/// `/P/-/-/12/COND `: mispredicted or predicted, in a transaction, abort, cycles, type.
fn flag_letters(flags: u64, out: &mut Vec<u8>) {
    let bit = |number: u32| flags >> number & 1 == 1;
    let predicted = match (bit(0), bit(1)) {
        (true, _) => b'M',
        (_, true) => b'P',
        _ => b'-',
    };
    let letters = [predicted, if bit(2) { b'X' } else { b'-' }, if bit(3) { b'A' } else { b'-' }];
    for letter in letters {
        out.extend_from_slice(&[b'/', letter]);
    }
    out.push(b'/');
    number::decimal(out, flags >> 4 & 0xffff, 0);
    out.push(b'/');
    out.extend_from_slice(type_name(flags).as_bytes());
    out.push(b' ');
}
