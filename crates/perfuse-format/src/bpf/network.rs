//! The table of `skb.bpf.c`: packets that the kernel dropped.

use super::{Row, Table, subtract};

/// `@bpf/skb_drop`: packets dropped for one reason at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkbDrop {
    /// Kernel address of the code that dropped them.
    pub location: u64,
    /// Number of `enum skb_drop_reason` of the running kernel (its names are in the kernel's BTF; they move between
    /// versions); nothing on kernels before 5.17, which have no reasons.
    pub reason: Option<u32>,
    /// Ethernet protocol of the packets, such as 0x0800 for IPv4; 0 where not known.
    pub protocol: u16,
    /// Packets.
    pub count: u64,
}

impl Table for SkbDrop {
    const SOURCE: &'static str = "@bpf/skb_drop";
    const ROW: usize = 24;
    type Key = (u64, Option<u32>, u16);

    fn decode(row: Row<'_>) -> Self {
        Self {
            location: row.u64(0),
            reason: Some(row.u32(8)).filter(|&reason| reason != u32::MAX),
            protocol: row.u16(12),
            count: row.u64(16),
        }
    }

    fn key(&self) -> Self::Key {
        (self.location, self.reason, self.protocol)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: count);
    }

    fn happened(&self) -> bool {
        self.count > 0
    }
}
