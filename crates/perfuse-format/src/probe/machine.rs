//! What a probe has to know of the processor: the names that the kernel gives its registers, and where the arguments of
//! a function are when it begins.

use super::fetch::Fetch;

/// A processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// x86-64 (System V calling convention).
    X86_64,
    /// 64-bit ARM (AAPCS64).
    Aarch64,
}

impl Machine {
    /// By the number in an ELF header (`e_machine`).
    pub fn of_elf(machine: u16) -> Option<Self> {
        match machine {
            62 => Some(Self::X86_64),
            183 => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// By the name that `uname -m` gives.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "x86_64" | "amd64" => Some(Self::X86_64),
            "aarch64" | "arm64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// The register of a DWARF number, by the name that the kernel gives it.
    pub fn dwarf_register(self, number: u16) -> Option<String> {
        // The order is that of the psABI: ax dx cx bx si di bp sp.
        const X86: [&str; 17] = [
            "ax", "dx", "cx", "bx", "si", "di", "bp", "sp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ip",
        ];
        match self {
            Self::X86_64 => X86.get(usize::from(number)).map(|&name| name.to_owned()),
            Self::Aarch64 if number < 31 => Some(format!("x{number}")),
            Self::Aarch64 => (number == 31).then(|| "sp".to_owned()),
        }
    }

    /// The register of an assembler operand without its `%`, by the name that the kernel gives it: `eax` is `ax`.
    pub fn assembler_register(self, name: &str) -> Option<String> {
        match self {
            Self::X86_64 => x86_register(name),
            Self::Aarch64 if matches!(name, "sp" | "wsp") => Some("sp".to_owned()),
            Self::Aarch64 => {
                let number: u32 = name.strip_prefix(['x', 'w'])?.parse().ok()?;
                (number < 31 && !name[1..].starts_with('+')).then(|| format!("x{number}"))
            }
        }
    }

    /// How many words of arguments are in registers.
    fn words_in_registers(self) -> u32 {
        match self {
            Self::X86_64 => 6,
            Self::Aarch64 => 8,
        }
    }

    /// Where the word of an argument is at the entry of a function.
    fn word(self, index: u32) -> Fetch {
        const X86: [&str; 6] = ["di", "si", "dx", "cx", "r8", "r9"];
        match self {
            Self::X86_64 => Fetch::Register(X86.get(index as usize).map_or("di", |name| *name).to_owned()),
            Self::Aarch64 => Fetch::Register(format!("x{index}")),
        }
    }

    /// Where arguments of these sizes (bytes) are at the entry of a function whose arguments are integers, pointers
    /// and small structures: the value itself, or its first word. `None` for one that no fetch can tell: a structure
    /// that lies in two registers is told by its first.
    pub fn arguments(self, sizes: &[u32]) -> Vec<Fetch> {
        // Above the stack pointer lies the return address on x86-64, and nothing on ARM.
        let mut stack: i64 = if self == Self::X86_64 { 8 } else { 0 };
        let mut register = 0;
        let mut places = Vec::with_capacity(sizes.len());
        for &size in sizes {
            let words = size.div_ceil(8).max(1);
            // ARM passes what is larger than two words by its address.
            let words = if self == Self::Aarch64 && words > 2 { 1 } else { words };
            if words <= 2 && register + words <= self.words_in_registers() {
                places.push(self.word(register));
                register += words;
            } else {
                places.push(Fetch::Register("sp".to_owned()).deref(stack));
                stack = stack.saturating_add(i64::from(words) * 8);
                if self == Self::Aarch64 {
                    // Once one lies on the stack, so do all that follow.
                    register = self.words_in_registers();
                }
            }
        }
        places
    }
}

fn x86_register(name: &str) -> Option<String> {
    const LEGACY: [(&str, &[&str]); 9] = [
        ("ax", &["rax", "eax", "ax", "al", "ah"]),
        ("bx", &["rbx", "ebx", "bx", "bl", "bh"]),
        ("cx", &["rcx", "ecx", "cx", "cl", "ch"]),
        ("dx", &["rdx", "edx", "dx", "dl", "dh"]),
        ("si", &["rsi", "esi", "si", "sil"]),
        ("di", &["rdi", "edi", "di", "dil"]),
        ("bp", &["rbp", "ebp", "bp", "bpl"]),
        ("sp", &["rsp", "esp", "sp", "spl"]),
        ("ip", &["rip", "eip", "ip"]),
    ];
    if let Some((kernel, _)) = LEGACY.iter().find(|(_, names)| names.contains(&name)) {
        return Some((*kernel).to_owned());
    }
    let number = name.strip_prefix('r')?.trim_end_matches(['d', 'w', 'b']);
    let digits = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let value: u32 = number.parse().ok().filter(|_| digits)?;
    ((8..16).contains(&value) && name.len() <= number.len() + 2).then(|| format!("r{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_the_names_of_the_kernel() {
        let of = |name: &str| Machine::X86_64.assembler_register(name);
        for (name, kernel) in
            [("rax", "ax"), ("edi", "di"), ("sil", "si"), ("r8d", "r8"), ("r15", "r15"), ("rip", "ip")]
        {
            assert_eq!(of(name).as_deref(), Some(kernel));
        }
        for name in ["", "r7", "r16", "xmm0", "rfoo", "r8dd", "r+8"] {
            assert_eq!(of(name), None, "{name}");
        }
        assert_eq!(Machine::Aarch64.assembler_register("w3").as_deref(), Some("x3"));
        assert_eq!(Machine::Aarch64.assembler_register("x31"), None);
        assert_eq!(Machine::X86_64.dwarf_register(1).as_deref(), Some("dx"));
        assert_eq!(Machine::Aarch64.dwarf_register(31).as_deref(), Some("sp"));
    }

    #[test]
    fn arguments_fill_registers_and_then_the_stack() {
        let shown = |machine: Machine, sizes: &[u32]| {
            machine.arguments(sizes).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(Machine::X86_64, &[8, 4, 1]), "%di %si %dx");
        assert_eq!(shown(Machine::X86_64, &[8; 8]), "%di %si %dx %cx %r8 %r9 +8(%sp) +16(%sp)");
        assert_eq!(shown(Machine::X86_64, &[8, 16, 8]), "%di %si %cx", "two words take two registers");
        assert_eq!(shown(Machine::X86_64, &[40, 8]), "+8(%sp) %di", "a large structure lies on the stack");
        assert_eq!(shown(Machine::Aarch64, &[8; 9]), "%x0 %x1 %x2 %x3 %x4 %x5 %x6 %x7 +0(%sp)");
        assert_eq!(shown(Machine::Aarch64, &[40, 8]), "%x0 %x1");
    }
}
