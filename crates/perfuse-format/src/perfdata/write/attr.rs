//! The bytes of an attr.

use crate::perfdata::attr::{Endian, EventAttr};
use crate::perfdata::layout::flags_to;
use crate::perfdata::write::put::Put;

/// What every perf since Linux 5.13 knows. Real perf refuses files with a longer structure than its own.
const USUAL: u32 = 128;

/// With `config3` (Linux 6.3).
const WITH_CONFIG3: u32 = 136;

impl EventAttr {
    /// Bytes of the structure that its fields need, and not less than perf writes itself.
    pub fn needed_size(&self) -> u32 {
        if self.config3 == 0 { USUAL } else { WITH_CONFIG3 }
    }

    /// The structure in `size` bytes, of which its own `size` field tells; what has no place is left out.
    pub fn to_bytes(&self, size: u32, endian: Endian) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(WITH_CONFIG3 as usize);
        let mut put = Put::new(&mut bytes, endian);
        put.u32(self.kind);
        put.u32(size);
        for number in [self.config, self.sample_period, self.sample_type, self.read_format] {
            put.u64(number);
        }
        put.u64(flags_to(self.flags, endian));
        put.u32(self.wakeup);
        put.u32(self.bp_type);
        for number in [self.config1, self.config2, self.branch_sample_type, self.sample_regs_user] {
            put.u64(number);
        }
        put.u32(self.sample_stack_user);
        put.i32(self.clockid);
        put.u64(self.sample_regs_intr);
        put.u32(self.aux_watermark);
        put.u16(self.sample_max_stack);
        put.u16(0);
        put.u32(self.aux_sample_size);
        put.u32(self.aux_action);
        put.u64(self.sig_data);
        put.u64(self.config3);
        bytes.resize(size as usize, 0);
        bytes
    }
}
