//! The names that the kernel has for registers, by their DWARF numbers (the psABI of each architecture, and
//! `regs_query_register_offset` of the kernel).

/// `EM_386`.
const INTEL_32: u16 = 3;
/// `EM_X86_64`.
const INTEL_64: u16 = 62;

/// The name of a register, without its percent sign.
pub(super) fn name(machine: u16, number: u16) -> Option<String> {
    let number = usize::from(number);
    match machine {
        INTEL_64 => {
            let named = ["ax", "dx", "cx", "bx", "si", "di", "bp", "sp"];
            match number {
                0..=7 => Some(named[number].to_owned()),
                8..=15 => Some(format!("r{number}")),
                _ => None,
            }
        }
        INTEL_32 => ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"].get(number).map(|name| (*name).to_owned()),
        crate::elf::EM_AARCH64 => match number {
            0..=30 => Some(format!("x{number}")),
            31 => Some("sp".to_owned()),
            _ => None,
        },
        crate::elf::EM_ARM => match number {
            0..=10 => Some(format!("r{number}")),
            11..=15 => Some(["fp", "ip", "sp", "lr", "pc"][number - 11].to_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_abi() {
        assert_eq!(name(INTEL_64, 5).as_deref(), Some("di"));
        assert_eq!(name(INTEL_64, 15).as_deref(), Some("r15"));
        assert_eq!(name(INTEL_64, 17), None, "xmm0");
        assert_eq!(name(crate::elf::EM_AARCH64, 0).as_deref(), Some("x0"));
        assert_eq!(name(crate::elf::EM_ARM, 15).as_deref(), Some("pc"));
        assert_eq!(name(0, 0), None);
    }
}
