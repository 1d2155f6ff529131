//! Tables of `block.bpf.c`: block requests by device and by process.

use super::hist::HIST_BYTES;
use super::{Log2Hist, Row, Table, subtract};

/// Where a block request was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockStage {
    /// In the kernel, from the making of the request to its issue to the driver: plug, scheduler, waiting for a tag.
    Queue,
    /// At the device, from issue to completion.
    Device,
}

/// What a block request does (`REQ_OP_*` of `include/linux/blk_types.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockOp {
    /// Read.
    Read,
    /// Write.
    Write,
    /// Flush of the device's cache.
    Flush,
    /// Discard (trim).
    Discard,
    /// Any other, by number.
    Other(u16),
}

/// `@bpf/block_hist`: latency of one device, stage and operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHist {
    /// Major number of the disk (never a partition).
    pub major: u32,
    /// Minor number of the disk.
    pub minor: u32,
    /// Queue or device.
    pub stage: BlockStage,
    /// Operation.
    pub op: BlockOp,
    /// The latencies.
    pub hist: Log2Hist,
}

impl Table for BlockHist {
    const SOURCE: &'static str = "@bpf/block_hist";
    const ROW: usize = 8 + HIST_BYTES;
    type Key = (u32, u32, BlockStage, BlockOp);

    fn decode(row: Row<'_>) -> Self {
        let (major, minor) = split(row.u32(0));
        let stage = if row.u16(4) == 0 { BlockStage::Queue } else { BlockStage::Device };
        let op = match row.u16(6) {
            0 => BlockOp::Read,
            1 => BlockOp::Write,
            2 => BlockOp::Flush,
            3 => BlockOp::Discard,
            other => BlockOp::Other(other),
        };
        Self { major, minor, stage, op, hist: Log2Hist::decode(row, 8) }
    }

    fn key(&self) -> Self::Key {
        (self.major, self.minor, self.stage, self.op)
    }

    fn subtract(&mut self, earlier: &Self) {
        self.hist.subtract(&earlier.hist);
    }

    fn happened(&self) -> bool {
        self.hist.count > 0
    }
}

/// `@bpf/block_process`: completed requests of one process on one disk (`struct block_process`).
///
/// The process is the one that made the request; written-back pages belong to a `kworker`, as in `biosnoop`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockProcess {
    /// Process id.
    pub pid: u32,
    /// Name of the thread that last made a request.
    pub comm: String,
    /// Cgroup (v2 id) of that thread.
    pub cgroup_id: Option<u64>,
    /// Major number of the disk.
    pub major: u32,
    /// Minor number of the disk.
    pub minor: u32,
    /// Time of its requests in the queue.
    pub queue_ns: u64,
    /// Time of its requests at the device.
    pub device_ns: u64,
    /// The longest request, queue and device together, since the program was attached.
    pub max_ns: u64,
    /// Read requests.
    pub reads: u64,
    /// Write requests.
    pub writes: u64,
    /// Other requests.
    pub others: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
}

impl BlockProcess {
    /// All requests.
    pub fn count(&self) -> u64 {
        self.reads.saturating_add(self.writes).saturating_add(self.others)
    }
}

impl Table for BlockProcess {
    const SOURCE: &'static str = "@bpf/block_process";
    const ROW: usize = 96;
    type Key = (u32, u32, u32);

    fn decode(row: Row<'_>) -> Self {
        let (major, minor) = split(row.u32(4));
        Self {
            pid: row.u32(0),
            major,
            minor,
            queue_ns: row.u64(8),
            device_ns: row.u64(16),
            max_ns: row.u64(24),
            reads: row.u64(32),
            writes: row.u64(40),
            others: row.u64(48),
            read_bytes: row.u64(56),
            write_bytes: row.u64(64),
            cgroup_id: row.cgroup(72),
            comm: row.comm(80),
        }
    }

    fn key(&self) -> Self::Key {
        (self.pid, self.major, self.minor)
    }

    fn subtract(&mut self, earlier: &Self) {
        subtract!(self - earlier: reads, writes, others, read_bytes, write_bytes, queue_ns, device_ns);
    }

    fn happened(&self) -> bool {
        self.count() > 0
    }
}

/// Major and minor of the kernel's own `dev_t`: 12 and 20 bits (`include/linux/kdev_t.h`).
fn split(dev: u32) -> (u32, u32) {
    (dev >> 20, dev & 0xf_ffff)
}

#[cfg(test)]
mod tests {
    use super::super::testing::words;
    use super::*;

    #[test]
    fn rows_decode_at_their_offsets() {
        let row = words(&[9 | (254 << 20 | 3) << 32, 100, 200, 250, 1, 2, 3, 4096, 8192, 5, 0x0061, 0]);
        assert_eq!(row.len(), BlockProcess::ROW);
        let row = BlockProcess::decode(Row::new(&row));
        assert_eq!((row.pid, row.major, row.minor), (9, 254, 3));
        assert_eq!((row.queue_ns, row.device_ns, row.max_ns, row.count()), (100, 200, 250, 6));
        assert_eq!((row.read_bytes, row.write_bytes, row.cgroup_id, row.comm.as_str()), (4096, 8192, Some(5), "a"));
        let mut row = words(&[254 << 20 | 1 << 32 | 9 << 48]);
        row.resize(BlockHist::ROW, 1);
        let row = BlockHist::decode(Row::new(&row));
        assert_eq!((row.major, row.stage, row.op), (254, BlockStage::Device, BlockOp::Other(9)));
    }
}
