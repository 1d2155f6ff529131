//! `PERF_RECORD_SAMPLE`, decoded: what stands in it is decided by the `sample_type` of its event.

use crate::perfdata::attr::Endian;
use crate::perfdata::cursor::u64_at;

/// In what the CPU was: `misc & PERF_RECORD_MISC_CPUMODE_MASK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum CpuMode {
    /// Not known.
    #[default]
    Unknown,
    /// The kernel.
    Kernel,
    /// A program.
    User,
    /// The hypervisor.
    Hypervisor,
    /// The kernel of a guest.
    GuestKernel,
    /// A program in a guest.
    GuestUser,
}

/// Numbers of 64 bits as they stand in the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct U64s<'a> {
    bytes: &'a [u8],
    endian: Endian,
}

impl<'a> U64s<'a> {
    /// Numbers in `bytes`; a rest of less than eight is ignored.
    pub fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self { bytes, endian }
    }

    /// The bytes as they stand in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len() / 8
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number `index`.
    pub fn get(&self, index: usize) -> Option<u64> {
        u64_at(self.bytes, index.checked_mul(8)?, self.endian)
    }

    /// The numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + use<'a> {
        let endian = self.endian;
        self.bytes.as_chunks::<8>().0.iter().map(move |chunk| match endian {
            Endian::Little => u64::from_le_bytes(*chunk),
            Endian::Big => u64::from_be_bytes(*chunk),
        })
    }
}

/// Counter values in a sample or a READ record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadValues {
    /// Nanoseconds enabled, where asked for.
    pub time_enabled: Option<u64>,
    /// Nanoseconds counted, where asked for.
    pub time_running: Option<u64>,
    /// One value, or one for each event of the group.
    pub values: Vec<ReadValue>,
}

/// One counter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadValue {
    /// The count.
    pub value: u64,
    /// Id of the event, where asked for.
    pub id: Option<u64>,
    /// Samples lost, where asked for.
    pub lost: Option<u64>,
}

/// A set of registers: those whose bit is set in `mask`, in ascending order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Registers<'a> {
    /// `PERF_SAMPLE_REGS_ABI_*`: 0 none, 1 of 32 bits, 2 of 64 bits.
    pub abi: u64,
    /// Which registers.
    pub mask: u64,
    /// Their values.
    pub values: U64s<'a>,
}

impl Registers<'_> {
    /// The value of register number `register` (`arch/*/include/uapi/asm/perf_regs.h`).
    pub fn get(&self, register: u32) -> Option<u64> {
        let bit = 1_u64.checked_shl(register)?;
        if self.mask & bit == 0 {
            return None;
        }
        self.values.iter().nth((self.mask & (bit - 1)).count_ones() as usize)
    }
}

/// One branch (`struct perf_branch_entry`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Branch {
    /// Where it was.
    pub from: u64,
    /// Where it went.
    pub to: u64,
    /// From the lowest bit on, whatever the byte order of the file: mispredicted, predicted, in a transaction, abort, 16
    /// bits of cycles, 4 of type, 2 of speculation, 4 of more types, 3 of privilege.
    pub flags: u64,
}

/// One sample. A field that its event does not have is 0, empty or `None`; [`Sample::fields`] tells which are there.
#[derive(Debug, Clone, Default)]
pub struct Sample<'a> {
    /// Index of its event among those of the file.
    pub event: usize,
    /// `misc` of its header.
    pub misc: u16,
    /// Bits of [`crate::perfdata::attr::sample_type`] that are there.
    pub fields: u64,
    /// Instruction pointer.
    pub ip: u64,
    /// Process, -1 for none.
    pub pid: i32,
    /// Thread, -1 for none.
    pub tid: i32,
    /// Nanoseconds.
    pub time: u64,
    /// Data address, or what the event makes of it.
    pub addr: u64,
    /// Id of the event.
    pub id: u64,
    /// Id of the stream.
    pub stream_id: u64,
    /// CPU.
    pub cpu: u32,
    /// Events that this sample stands for.
    pub period: u64,
    /// Counter values.
    pub read: Option<ReadValues>,
    /// Call chain with its context markers, innermost first.
    pub callchain: U64s<'a>,
    /// The tracepoint's record, or what a BPF program put out.
    pub raw: Option<&'a [u8]>,
    /// Index of the newest branch in the hardware's ring, where asked for.
    pub branch_hw_index: Option<u64>,
    /// Branches, newest first: three numbers each (`from`, `to`, flags) as they stand in the file; [`Sample::branch_entries`]
    /// has the flags right in either byte order.
    pub branches: U64s<'a>,
    /// For each branch the counters of its events, where asked for (`PERF_SAMPLE_BRANCH_COUNTERS`).
    pub branch_counters: U64s<'a>,
    /// User registers.
    pub user_regs: Registers<'a>,
    /// Copy of the user stack from the stack pointer up: what of it is valid.
    pub user_stack: &'a [u8],
    /// Weight (`WEIGHT`), or the first of `WEIGHT_STRUCT`.
    pub weight: u64,
    /// Second and third of `WEIGHT_STRUCT`: instruction latency, pipeline-stage cycles.
    pub weight_more: (u16, u16),
    /// `union perf_mem_data_src`.
    pub data_src: u64,
    /// Transaction flags.
    pub transaction: u64,
    /// Registers at the interrupt.
    pub intr_regs: Registers<'a>,
    /// Physical address.
    pub phys_addr: u64,
    /// Cgroup id.
    pub cgroup: u64,
    /// Bytes of the page at `addr`.
    pub data_page_size: u64,
    /// Bytes of the page at `ip`.
    pub code_page_size: u64,
    /// AUX data.
    pub aux: &'a [u8],
}

impl Sample<'_> {
    /// The branches one by one, newest first.
    pub fn branch_entries(&self) -> impl ExactSizeIterator<Item = Branch> {
        let numbers = self.branches;
        (0..numbers.len() / 3).map(move |index| Branch {
            from: numbers.get(index * 3).unwrap_or_default(),
            to: numbers.get(index * 3 + 1).unwrap_or_default(),
            flags: branch_flags(numbers.get(index * 3 + 2).unwrap_or_default(), numbers.endian),
        })
    }

    /// In what the CPU was.
    pub fn cpu_mode(&self) -> CpuMode {
        CpuMode::of(self.misc)
    }
}

/// The flags of a branch are bit fields, which begin at the highest bit where the most significant byte comes first.
fn branch_flags(word: u64, endian: Endian) -> u64 {
    /// Bits of each field, in the order of `struct perf_branch_entry`.
    const WIDTHS: [u32; 9] = [1, 1, 1, 1, 16, 4, 2, 4, 3];
    if endian == Endian::Little {
        return word;
    }
    let mut from = 64;
    let mut to = 0;
    let mut flags = 0;
    for width in WIDTHS {
        from -= width;
        flags |= (word >> from & ((1 << width) - 1)) << to;
        to += width;
    }
    flags
}

impl CpuMode {
    /// From `misc` of a record's header.
    pub fn of(misc: u16) -> Self {
        match misc & 7 {
            1 => Self::Kernel,
            2 => Self::User,
            3 => Self::Hypervisor,
            4 => Self::GuestKernel,
            5 => Self::GuestUser,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_byte_order_and_ignore_a_rest() {
        let bytes = [1, 0, 0, 0, 0, 0, 0, 2, 9];
        let of = |endian| U64s::new(&bytes, endian).iter().collect::<Vec<_>>();
        assert_eq!(of(Endian::Little), [0x0200_0000_0000_0001]);
        assert_eq!(of(Endian::Big), [0x0100_0000_0000_0002]);
        assert!(U64s::new(&bytes[..7], Endian::Little).is_empty());
    }

    #[test]
    fn registers_stand_in_the_order_of_their_bits() {
        let bytes: Vec<u8> = [10_u64, 20, 30].iter().flat_map(|value| value.to_le_bytes()).collect();
        let registers = Registers { abi: 2, mask: 0b1011, values: U64s::new(&bytes, Endian::Little) };
        assert_eq!(
            (0..4).map(|number| registers.get(number)).collect::<Vec<_>>(),
            [Some(10), Some(20), None, Some(30)]
        );
        assert_eq!(registers.get(64), None);
    }

    #[test]
    fn flags_of_branches_begin_at_the_highest_bit_on_big_endian_machines() {
        let flags = |word: u64, endian| {
            let bytes = [[0; 16], [0; 16]].concat();
            let mut bytes = bytes[..24].to_vec();
            bytes[16..].copy_from_slice(&if endian == Endian::Big { word.to_be_bytes() } else { word.to_le_bytes() });
            let sample = Sample { branches: U64s::new(&bytes, endian), ..Sample::default() };
            sample.branch_entries().next().unwrap().flags
        };
        // Mispredicted, 5 cycles, type 3.
        let expected = 1 | 5 << 4 | 3 << 20;
        assert_eq!(flags(expected, Endian::Little), expected);
        assert_eq!(flags(1 << 63 | 5 << 44 | 3 << 40, Endian::Big), expected);
    }

    #[test]
    fn the_mode_is_in_the_lowest_bits() {
        assert_eq!(CpuMode::of(0x4001), CpuMode::Kernel);
        assert_eq!(CpuMode::of(2), CpuMode::User);
        assert_eq!(CpuMode::of(6), CpuMode::Unknown);
    }
}
