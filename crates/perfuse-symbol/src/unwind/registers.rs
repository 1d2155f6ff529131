//! The registers of a thread, in the numbering of DWARF.

/// Whose registers they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Machine {
    /// x86-64, 64-bit code.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}

/// DWARF numbers (System V psABI of x86-64; DWARF for the ARM 64-bit architecture).
impl Machine {
    /// The stack pointer.
    pub(crate) fn stack_pointer(self) -> u8 {
        match self {
            Self::X86_64 => 7,
            Self::Aarch64 => 31,
        }
    }

    /// The instruction pointer; of ARM a number that DWARF reserves for it.
    pub(crate) fn instruction_pointer(self) -> u8 {
        match self {
            Self::X86_64 => 16,
            Self::Aarch64 => 32,
        }
    }

    /// The frame pointer.
    pub(crate) fn frame_pointer(self) -> u8 {
        match self {
            Self::X86_64 => 6,
            Self::Aarch64 => 29,
        }
    }
}

/// More than the highest number in use.
const COUNT: usize = 33;

/// The register of perf (`PERF_REG_X86_AX` and on) for each of DWARF's 0 to 16: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp,
/// r8 to r15, rip.
const PERF_X86: [u8; 17] = [0, 3, 2, 1, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 8];

/// The registers that are known of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    pub(crate) machine: Machine,
    values: [u64; COUNT],
    known: u64,
}

impl Registers {
    /// No register is known.
    pub fn new(machine: Machine) -> Self {
        Self { machine, values: [0; COUNT], known: 0 }
    }

    /// From the user registers of a sample: a mask with one bit for each register in the numbering of perf
    /// (`arch/*/include/uapi/asm/perf_regs.h`), and the values of those whose bit is set, lowest first.
    pub fn from_perf(machine: Machine, mask: u64, values: impl IntoIterator<Item = u64>) -> Self {
        let mut registers = Self::new(machine);
        let numbers = (0..64u8).filter(|bit| mask >> bit & 1 == 1);
        for (number, value) in numbers.zip(values) {
            let dwarf = match machine {
                Machine::X86_64 => PERF_X86.iter().position(|&perf| perf == number),
                // The same order: x0 to x30, sp, pc.
                Machine::Aarch64 => Some(usize::from(number)),
            };
            if let Some(dwarf) = dwarf.and_then(|dwarf| u8::try_from(dwarf).ok()) {
                registers.set(dwarf, value);
            }
        }
        registers
    }

    /// The instruction pointer.
    pub fn ip(&self) -> Option<u64> {
        self.get(self.machine.instruction_pointer())
    }

    /// The stack pointer.
    pub fn sp(&self) -> Option<u64> {
        self.get(self.machine.stack_pointer())
    }

    pub(crate) fn get(&self, number: u8) -> Option<u64> {
        let value = self.values.get(usize::from(number))?;
        (self.known >> number & 1 == 1).then_some(*value)
    }

    pub(crate) fn set(&mut self, number: u8, value: u64) {
        if let Some(slot) = self.values.get_mut(usize::from(number)) {
            *slot = value;
            self.known |= 1 << number;
        }
    }

    pub(crate) fn forget(&mut self, number: u8) {
        if usize::from(number) < COUNT {
            self.known &= !(1 << number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbering_of_perf_becomes_that_of_dwarf() {
        // ax bx bp sp ip r8 r15 of x86.
        let mask = 1 | 1 << 1 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 16 | 1 << 23;
        let registers = Registers::from_perf(Machine::X86_64, mask, [10, 11, 16, 17, 18, 26, 33]);
        let seen: Vec<_> = (0..20).filter_map(|number| Some((number, registers.get(number)?))).collect();
        assert_eq!(seen, [(0, 10), (3, 11), (6, 16), (7, 17), (8, 26), (15, 33), (16, 18)]);
        assert_eq!((registers.ip(), registers.sp()), (Some(18), Some(17)));
        let registers = Registers::from_perf(Machine::Aarch64, 1 << 29 | 1 << 31 | 1 << 32, [1, 2, 3]);
        assert_eq!((registers.get(29), registers.sp(), registers.ip()), (Some(1), Some(2), Some(3)));
    }

    #[test]
    fn odd_masks_and_numbers_are_ignored() {
        let mut registers = Registers::from_perf(Machine::Aarch64, u64::MAX, 0..);
        assert_eq!(registers.get(32), Some(32));
        registers.set(200, 1);
        registers.forget(200);
        assert_eq!((registers.get(200), registers.get(33)), (None, None));
        assert_eq!(Registers::from_perf(Machine::X86_64, u64::MAX, []).ip(), None);
    }
}
