//! Names of registers as `perf script -F iregs,uregs` shows them (`arch/*/include/uapi/asm/perf_regs.h`).

const X86: [&str; 24] = [
    "AX", "BX", "CX", "DX", "SI", "DI", "BP", "SP", "IP", "FLAGS", "CS", "SS", "DS", "ES", "FS", "GS", "R8", "R9",
    "R10", "R11", "R12", "R13", "R14", "R15",
];

const ARM64: [&str; 34] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
    "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "lr", "sp", "pc", "vg",
];

/// `XMM0` is register 32 of x86, and each takes two.
const XMM: u32 = 32;

/// The name of register `number` on an architecture (`uname -m`); `unknown` where none is known.
pub(super) fn name(arch: &str, number: u32) -> String {
    let at = usize::try_from(number).unwrap_or(usize::MAX);
    let known = match arch {
        "x86_64" | "i386" | "i486" | "i586" | "i686" | "x86" => match number.checked_sub(XMM) {
            Some(xmm) => return format!("XMM{}", xmm / 2),
            None => X86.get(at),
        },
        "aarch64" | "arm64" => ARM64.get(at),
        _ => None,
    };
    known.map_or_else(|| "unknown".to_owned(), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_names_of_their_architecture() {
        assert_eq!([name("x86_64", 8), name("x86_64", 33), name("aarch64", 30)], ["IP", "XMM0", "lr"]);
        assert_eq!([name("x86_64", 24), name("riscv64", 0)], ["unknown", "unknown"]);
    }
}
