//! Where the registers of this machine are in the context of a program (`struct pt_regs` of `arch/x86/include/asm/ptrace.h`,
//! `struct user_pt_regs` of `arch/arm64/include/uapi/asm/ptrace.h`), by the names that tracefs gives them.

/// Bytes of all of them.
pub(super) const BYTES: i16 = if cfg!(target_arch = "aarch64") { 272 } else { 168 };
/// The instruction pointer.
pub(super) const INSTRUCTION: &str = if cfg!(target_arch = "aarch64") { "pc" } else { "ip" };
/// The register with the result of a function.
pub(super) const RESULT: &str = if cfg!(target_arch = "aarch64") { "x0" } else { "ax" };

/// In the order of `struct pt_regs` of x86-64, eight bytes each.
const X86: [&str; 21] = [
    "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di", "orig_ax", "ip",
    "cs", "flags", "sp", "ss",
];

/// Where a register is.
pub(super) fn place(name: &str) -> Option<i16> {
    let index = if cfg!(target_arch = "aarch64") {
        match name {
            "sp" => 31,
            "pc" => 32,
            "pstate" => 33,
            _ => name.strip_prefix('x')?.parse::<usize>().ok().filter(|number| *number < 31)?,
        }
    } else {
        X86.iter().position(|known| *known == name)?
    };
    i16::try_from(index * 8).ok()
}

/// The register of an argument of a function, counted from 1.
pub(super) fn argument(index: u32) -> Option<&'static str> {
    const X86: [&str; 6] = ["di", "si", "dx", "cx", "r8", "r9"];
    const ARM: [&str; 8] = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"];
    let index = usize::try_from(index).ok()?.checked_sub(1)?;
    if cfg!(target_arch = "aarch64") { ARM.get(index).copied() } else { X86.get(index).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_stand_where_the_kernel_has_them() {
        if cfg!(target_arch = "x86_64") {
            assert_eq!(
                [place("r15"), place("di"), place("ip"), place("sp")],
                [Some(0), Some(112), Some(128), Some(152)]
            );
            assert_eq!(BYTES, 8 * i16::try_from(X86.len()).unwrap());
        }
        assert_eq!(place("eax"), None);
        assert!(place(RESULT).is_some() && place(INSTRUCTION).is_some());
        assert!(argument(0).is_none() && argument(1).and_then(place).is_some() && argument(9).is_none());
    }
}
