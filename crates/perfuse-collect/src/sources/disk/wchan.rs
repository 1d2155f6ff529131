//! `@disk/wchan`: where the threads in uninterruptible sleep wait. Only those are asked, so that a calm host costs
//! nothing.

use std::fmt::Write as _;

use perfuse_format::tasks::{TASK_ROW, table_rows};
use perfuse_format::{Raw, RawSnapshot};

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// Threads that are asked at one snapshot; on a host with more blocked ones these tell enough.
const MOST_WAITERS: usize = 64;

/// Asks the threads that the snapshot shows in state D.
#[derive(Debug)]
pub(super) struct WaitChannels;

impl Collector for WaitChannels {
    fn sample(&mut self, root: &Root, _tick: Tick, out: &mut RawSnapshot) {
        let mut text = String::new();
        for (pid, tid) in blocked(out).into_iter().take(MOST_WAITERS) {
            let path = format!("/proc/{pid}/task/{tid}/wchan");
            let Ok(channel) = std::fs::read(root.join(&path)) else { continue };
            let channel = String::from_utf8_lossy(channel.trim_ascii()).replace(char::is_whitespace, "_");
            let channel = if channel.is_empty() { "0" } else { &channel };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{pid} {tid} {channel}");
        }
        out.put("@disk/wchan", text);
    }
}

/// Process and thread ids in state D, from whichever source of tasks the snapshot has.
fn blocked(out: &RawSnapshot) -> Vec<(u32, u32)> {
    if let Some(Raw::Bytes(bytes)) = out.sources.get("@bpf/tasks")
        && let Some(rows) = table_rows(bytes, TASK_ROW)
    {
        return rows.filter_map(blocked_row).collect();
    }
    let mut found = Vec::new();
    for (rest, raw) in out.under("/proc/") {
        let (Some(directory), Raw::Bytes(bytes)) = (rest.strip_suffix("/stat"), raw) else { continue };
        let mut parts = directory.split('/');
        let Some(pid) = parts.next().and_then(|part| part.parse().ok()) else { continue };
        let tid = match (parts.next(), parts.next().map(str::parse)) {
            (None, _) => pid,
            (Some("task"), Some(Ok(tid))) => tid,
            _ => continue,
        };
        // The state is the field after the name, which ends at the last parenthesis.
        let state = bytes.iter().rposition(|&byte| byte == b')').and_then(|close| bytes.get(close + 2));
        if state == Some(&b'D') && !found.contains(&(pid, tid)) {
            found.push((pid, tid));
        }
    }
    found
}

/// `tid`, `pid` and `state` of a row of the BPF iterator (`struct task_row`); nothing unless it is `TASK_UNINTERRUPTIBLE`
/// and not an idle kernel thread (`TASK_NOLOAD`).
fn blocked_row(row: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| row.get(at..at + 4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
    let state = field(232)?;
    (state & 0x402 == 0x2).then_some((field(4)?, field(0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocked_threads_are_asked() {
        let mut raw = RawSnapshot::default();
        raw.put("/proc/7/stat", "7 (a) D) D 1 7");
        raw.put("/proc/7/task/9/stat", "9 (x) D 1 7");
        raw.put("/proc/8/stat", "8 (b) S 1 8");
        raw.put("/proc/self/stat", "8 (b) D 1 8");
        raw.put("/proc/9/stat", "9 (b)");
        assert_eq!(blocked(&raw), [(7, 7), (7, 9)]);
    }

    #[test]
    fn rows_of_the_iterator_are_understood() {
        let mut bytes = Vec::new();
        let states = [0_u32, 2, 0x402, 1];
        bytes.extend(u32::try_from(TASK_ROW).unwrap().to_ne_bytes());
        bytes.extend(4_u32.to_ne_bytes());
        bytes.extend(0_u64.to_ne_bytes());
        for (index, state) in (10_u32..).zip(states) {
            let mut row = vec![0; TASK_ROW];
            row[..4].copy_from_slice(&index.to_ne_bytes());
            row[4..8].copy_from_slice(&5_u32.to_ne_bytes());
            row[232..236].copy_from_slice(&state.to_ne_bytes());
            bytes.extend(row);
        }
        let mut raw = RawSnapshot::default();
        raw.put("@bpf/tasks", bytes);
        assert_eq!(blocked(&raw), [(5, 11)]);
    }

    #[test]
    fn the_channel_is_read_and_a_vanished_thread_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let task = directory.path().join("proc/7/task/7");
        std::fs::create_dir_all(&task).unwrap();
        std::fs::write(task.join("wchan"), "jbd2_log_wait_commit").unwrap();
        let mut raw = RawSnapshot::default();
        raw.put("/proc/7/stat", "7 (a) D 1 7");
        raw.put("/proc/8/stat", "8 (a) D 1 7");
        let tick = Tick { first: false, slow: false };
        WaitChannels.sample(&Root::at(directory.path()), tick, &mut raw);
        assert_eq!(raw.bytes("@disk/wchan").into_value(), Some(&b"7 7 jbd2_log_wait_commit\n"[..]));
    }
}
