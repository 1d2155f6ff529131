//! KSYMBOL and `BPF_EVENT` of the programs that were loaded before the recording began.

use std::io::BufReader;

use perfuse_format::parse::hex;
use perfuse_format::perfdata::record::kind;

use super::emit::Emitter;
use crate::bpf::LoadedProgram;
use crate::root::Root;

/// `PERF_RECORD_KSYMBOL_TYPE_BPF`.
const KSYMBOL_BPF: u16 = 1;
/// `PERF_BPF_EVENT_PROG_LOAD`.
const LOADED: u16 = 1;
/// Types of programs (`enum bpf_prog_type`) that are entered through code which the kernel makes for them: XDP, tracing,
/// `struct_ops`, extensions, LSM.
const WITH_TRAMPOLINES: [u32; 5] = [6, 26, 27, 28, 29];

/// Writes what perf writes of them: each function as a symbol of the kernel, then the program. With `events`, the programs
/// themselves are told as well (not with `--no-bpf-event`).
pub fn programs(root: &Root, programs: &[LoadedProgram], events: bool, out: &mut Emitter) {
    for program in programs {
        for function in &program.functions {
            symbol(out, function.address, function.length, function.name.as_bytes());
        }
        if events && !program.functions.is_empty() {
            out.begin(kind::BPF_EVENT, 0);
            out.u16(LOADED);
            out.u16(0);
            out.u32(program.id);
            out.u64(u64::from_ne_bytes(program.tag));
            out.end();
        }
    }
    // All symbols are megabytes which the kernel writes out anew for every reader: read only if one of these can be there.
    if programs.iter().any(|program| WITH_TRAMPOLINES.contains(&program.kind))
        && let Ok(file) = std::fs::File::open(root.join("/proc/kallsyms"))
    {
        trampolines(BufReader::with_capacity(256 * 1024, file), out);
    }
}

fn symbol(out: &mut Emitter, address: u64, length: u32, name: &[u8]) {
    out.begin(kind::KSYMBOL, 0);
    out.u64(address);
    out.u32(length);
    out.u16(KSYMBOL_BPF);
    out.u16(0);
    out.text(name);
    out.end();
}

/// Code that the kernel made to enter programs: `ADDRESS t bpf_trampoline_NUMBER<tab>[bpf]`, a page each.
fn trampolines(mut kallsyms: impl std::io::BufRead, out: &mut Emitter) {
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut line = Vec::new();
    while matches!(kallsyms.read_until(b'\n', &mut line), Ok(1..)) {
        if let Some(text) = line.trim_ascii_end().strip_suffix(b"\t[bpf]") {
            let mut parts = text.splitn(3, |&byte| byte == b' ');
            let (address, name) = (parts.next().and_then(hex), parts.nth(1).unwrap_or_default());
            let is_own = [&b"bpf_trampoline_"[..], b"bpf_dispatcher_"].iter().any(|own| name.starts_with(own));
            if let (Some(address @ 1..), true) = (address, is_own) {
                symbol(out, address, page, name);
            }
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::ProgramFunction;

    #[test]
    fn a_program_is_its_symbols_and_itself() {
        let function = |address: u64, name: &str| ProgramFunction { address, length: 64, name: name.to_owned() };
        let program = LoadedProgram {
            id: 9,
            kind: 1,
            tag: *b"tagtagta",
            functions: vec![function(0xffff_0000, "bpf_prog_1_a"), function(0xffff_1000, "bpf_prog_2_b")],
            ..LoadedProgram::default()
        };
        let mut out = Emitter::new(8);
        programs(&Root::default(), std::slice::from_ref(&program), true, &mut out);
        // Address, length, type and flags, the name filled up to 16 bytes, the trailer; then the program.
        let symbol = 8 + 8 + 8 + 16 + 8;
        assert_eq!(out.bytes.len(), 2 * symbol + 8 + 16 + 8);
        assert_eq!(u16::from_ne_bytes([out.bytes[20], out.bytes[21]]), KSYMBOL_BPF);
        let event = &out.bytes[2 * symbol..];
        assert_eq!((&event[..4], &event[8..10]), (&kind::BPF_EVENT.to_ne_bytes()[..], &LOADED.to_ne_bytes()[..]));
        assert_eq!((&event[12..16], &event[16..24]), (&9_u32.to_ne_bytes()[..], &b"tagtagta"[..]));
        let mut without = Emitter::new(8);
        programs(&Root::default(), &[program], false, &mut without);
        assert_eq!(without.bytes, out.bytes[..2 * symbol]);
    }

    #[test]
    fn trampolines_are_found_behind_all_other_symbols() {
        let text = b"ffffffff81000000 T _text\nffffffffc0100000 t f\t[module]\nffffffffc0200000 t bpf_trampoline_64\t[bpf]\nffffffffc0300000 t bpf_prog_1_x\t[bpf]\nffffffffc0400000 t bpf_dispatcher_xdp\t[bpf]\n0000000000000000 t bpf_trampoline_7\t[bpf]\ncut";
        let mut out = Emitter::new(0);
        trampolines(&text[..], &mut out);
        let has = |name: &[u8]| out.bytes.windows(name.len()).any(|window| window == name);
        assert!(has(b"bpf_trampoline_64\0") && has(b"bpf_dispatcher_xdp\0") && !has(b"bpf_prog") && !has(b"line_7"));
    }
}
