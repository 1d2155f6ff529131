//! The bytes of `struct perf_event_attr`, in every length it has had.
//!
//! ```text
//! 0    type u32, size u32
//! 8    config, sample_period, sample_type, read_format, flags     u64 each
//! 48   wakeup u32, bp_type u32
//! 56   config1                                                    VER0 =  64
//! 64   config2                                                    VER1 =  72
//! 72   branch_sample_type                                         VER2 =  80
//! 80   sample_regs_user, sample_stack_user u32, clockid i32       VER3 =  96
//! 96   sample_regs_intr                                           VER4 = 104
//! 104  aux_watermark u32, sample_max_stack u16, -                 VER5 = 112
//! 112  aux_sample_size u32, aux_action u32                        VER6 = 120
//! 120  sig_data                                                   VER7 = 128
//! 128  config3                                                    VER8 = 136
//! ```

use crate::perfdata::attr::{Endian, EventAttr, flag};
use crate::perfdata::cursor::Cursor;

/// Bytes of the first structure, which also is what a `size` of 0 means.
pub const ATTR_SIZE_VER0: usize = 64;

/// On machines with the most significant byte first the compiler puts bit fields into each byte from its highest bit
/// on: what is bit 0 here is bit 63 there. A field of two bits keeps the order of its bits.
pub(crate) fn flags_from(word: u64, endian: Endian) -> u64 {
    match endian {
        Endian::Little => word,
        Endian::Big => swap_precise(word.reverse_bits()),
    }
}

/// The other way.
pub(crate) fn flags_to(flags: u64, endian: Endian) -> u64 {
    match endian {
        Endian::Little => flags,
        Endian::Big => swap_precise(flags).reverse_bits(),
    }
}

/// Swaps the two bits of `precise_ip`, the only field of more than one.
fn swap_precise(word: u64) -> u64 {
    let precise = word >> flag::PRECISE_IP_SHIFT & 3;
    let swapped = (precise & 1) << 1 | precise >> 1;
    word & !(3 << flag::PRECISE_IP_SHIFT) | swapped << flag::PRECISE_IP_SHIFT
}

impl EventAttr {
    /// From the bytes of a file. What a shorter structure lacks is 0; what a longer one has more is not looked at.
    /// `None` if there are less than [`ATTR_SIZE_VER0`].
    pub fn from_bytes(bytes: &[u8], endian: Endian) -> Option<Self> {
        let mut whole = [0_u8; 136];
        let length = bytes.len().min(whole.len());
        if length < ATTR_SIZE_VER0 {
            return None;
        }
        // A structure that says it is shorter than the place it stands in is followed by something else.
        let said = Cursor::new(bytes.get(4..)?, endian).u32()? as usize;
        let length = if (ATTR_SIZE_VER0..length).contains(&said) { said } else { length };
        whole.get_mut(..length)?.copy_from_slice(bytes.get(..length)?);
        let mut at = Cursor::new(&whole, endian);
        Some(Self {
            kind: at.u32()?,
            size: at.u32()?,
            config: at.u64()?,
            sample_period: at.u64()?,
            sample_type: at.u64()?,
            read_format: at.u64()?,
            flags: flags_from(at.u64()?, endian),
            wakeup: at.u32()?,
            bp_type: at.u32()?,
            config1: at.u64()?,
            config2: at.u64()?,
            branch_sample_type: at.u64()?,
            sample_regs_user: at.u64()?,
            sample_stack_user: at.u32()?,
            clockid: at.i32()?,
            sample_regs_intr: at.u64()?,
            aux_watermark: at.u32()?,
            sample_max_stack: at.u16()?,
            aux_sample_size: {
                at.u16()?;
                at.u32()?
            },
            aux_action: at.u32()?,
            sig_data: at.u64()?,
            config3: at.u64()?,
        })
    }
}
