//! `@disk/wchan`: where each thread in uninterruptible sleep waits, as lines that the collector writes from
//! `/proc/PID/task/TID/wchan`.
//!
//! ```text
//! PID TID CHANNEL
//! ```
//! CHANNEL is a kernel function, or `0` where the kernel does not tell this user.

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// One waiting thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiter {
    /// Process.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// Kernel function that it waits in; empty where unknown.
    pub channel: String,
}

/// What a thread in uninterruptible sleep waits for, as its wait channel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitFor {
    /// The journal of a filesystem: a commit, or room in the log.
    Journal,
    /// A free tag or slot in the queue of a device, or the write-back throttle in front of it.
    QueueSlot,
    /// A page: to be read, or to be written back.
    Page,
    /// A request that the thread itself sent to the device.
    Request,
    /// Dirty pages below the limit: the writer is slowed down on purpose.
    DirtyLimit,
    /// A server of a network filesystem.
    NetworkFilesystem,
    /// A lock of the kernel.
    Lock,
    /// Anything else, or unknown.
    Other,
}

/// Beginnings of kernel functions, with what a thread in them waits for. The first that fits counts.
const CHANNELS: &[(&str, WaitFor)] = &[
    ("jbd2_", WaitFor::Journal),
    ("wait_transaction_", WaitFor::Journal),
    ("start_this_handle", WaitFor::Journal),
    ("add_transaction_credits", WaitFor::Journal),
    ("do_get_write_access", WaitFor::Journal),
    ("xlog_", WaitFor::Journal),
    ("xfs_log_", WaitFor::Journal),
    ("__xfs_log_", WaitFor::Journal),
    ("btrfs_commit_", WaitFor::Journal),
    ("btrfs_sync_log", WaitFor::Journal),
    ("wait_log_commit", WaitFor::Journal),
    ("f2fs_issue_checkpoint", WaitFor::Journal),
    ("blk_mq_get_tag", WaitFor::QueueSlot),
    ("__blk_mq_get_tag", WaitFor::QueueSlot),
    ("rq_qos_wait", WaitFor::QueueSlot),
    ("wbt_wait", WaitFor::QueueSlot),
    ("get_request", WaitFor::QueueSlot),
    ("blk_queue_enter", WaitFor::QueueSlot),
    ("balance_dirty_pages", WaitFor::DirtyLimit),
    ("io_schedule_timeout", WaitFor::DirtyLimit),
    ("folio_wait_", WaitFor::Page),
    ("wait_on_page_", WaitFor::Page),
    ("__lock_page", WaitFor::Page),
    ("__folio_lock", WaitFor::Page),
    ("filemap_", WaitFor::Page),
    ("wait_on_buffer", WaitFor::Page),
    ("__wait_on_buffer", WaitFor::Page),
    ("bit_wait_io", WaitFor::Page),
    ("out_of_line_wait_on_bit", WaitFor::Page),
    ("iomap_dio", WaitFor::Request),
    ("__iomap_dio", WaitFor::Request),
    ("blkdev_", WaitFor::Request),
    ("__blkdev_", WaitFor::Request),
    ("do_blockdev_direct_IO", WaitFor::Request),
    ("dio_await", WaitFor::Request),
    ("submit_bio_wait", WaitFor::Request),
    ("submit_bio_noacct", WaitFor::Request),
    ("blk_wait_io", WaitFor::Request),
    ("blk_execute_rq", WaitFor::Request),
    ("blk_io_schedule", WaitFor::Request),
    ("io_schedule", WaitFor::Request),
    ("swap_", WaitFor::Page),
    ("nfs", WaitFor::NetworkFilesystem),
    ("rpc_", WaitFor::NetworkFilesystem),
    ("__rpc_", WaitFor::NetworkFilesystem),
    ("wait_for_response", WaitFor::NetworkFilesystem),
    ("request_wait_answer", WaitFor::NetworkFilesystem),
    ("__mutex_", WaitFor::Lock),
    ("mutex_", WaitFor::Lock),
    ("rwsem_", WaitFor::Lock),
    ("__down_", WaitFor::Lock),
    ("down_", WaitFor::Lock),
    ("percpu_", WaitFor::Lock),
    ("__percpu_", WaitFor::Lock),
];

impl Waiter {
    /// What it waits for.
    pub fn wait_for(&self) -> WaitFor {
        let known = CHANNELS.iter().find(|(start, _)| self.channel.starts_with(start));
        known.map_or(WaitFor::Other, |(_, wait)| *wait)
    }
}

/// All threads in uninterruptible sleep that were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitChannels(pub Vec<Waiter>);

impl FromBytes for WaitChannels {
    /// An empty file is right: nobody waits.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Vec::new();
        for (number, line) in lines(bytes) {
            let parts: Vec<&[u8]> = fields(line).collect();
            let id = |field: &[u8]| unsigned(field).and_then(|id| u32::try_from(id).ok());
            match parts.as_slice() {
                [] => {}
                [pid, tid, channel] => {
                    let (Some(pid), Some(tid)) = (id(pid), id(tid)) else {
                        return Err(ParseError::new(number, "`pid tid channel`", line));
                    };
                    let channel = if *channel == b"0" { String::new() } else { text(channel) };
                    all.push(Waiter { pid, tid, channel });
                }
                _ => return Err(ParseError::new(number, "`pid tid channel`", line)),
            }
        }
        Ok(Self(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_tell_what_is_waited_for() {
        let waiters = WaitChannels::from_bytes(
            b"7 8 jbd2_log_wait_commit\n9 9 0\n10 10 folio_wait_bit_common\n11 11 __mutex_lock.constprop.0\n",
        )
        .unwrap()
        .0;
        let found: Vec<_> = waiters.iter().map(Waiter::wait_for).collect();
        assert_eq!(found, [WaitFor::Journal, WaitFor::Other, WaitFor::Page, WaitFor::Lock]);
        assert_eq!((waiters[0].pid, waiters[0].tid, waiters[1].channel.as_str()), (7, 8, ""));
    }

    #[test]
    fn nobody_waiting_is_fine_and_odd_lines_are_not() {
        assert!(WaitChannels::from_bytes(b"").unwrap().0.is_empty());
        assert!(WaitChannels::from_bytes(b"7 8\n").is_err());
        assert!(WaitChannels::from_bytes(b"7 99999999999 x\n").is_err());
    }
}
