//! `@kmsg`: the records of the kernel log.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;

use perfuse_format::RawSnapshot;

use crate::root::Root;
use crate::sampler::Tick;
use crate::sources::Collector;

/// The name of the source.
const SOURCE: &str = "@kmsg";

/// The longest record that the kernel hands out (`PRINTK_MESSAGE_MAX` plus dictionary; a shorter buffer is EINVAL).
const RECORD: usize = 16 * 1024;

/// Bytes that one snapshot takes at most. A log buffer is 128 KiB to a few MiB; what a flood adds beyond that is left
/// for the next snapshot.
const MOST: usize = 8 * 1024 * 1024;

/// Reads `/dev/kmsg` without blocking: all of it at first, then what came since.
#[derive(Debug, Default)]
pub(super) struct KernelLog {
    /// Kept open: the file remembers the next record.
    file: Option<File>,
    /// The refusal of the first attempt, which is not repeated.
    refused: Option<i32>,
}

impl Collector for KernelLog {
    fn sample(&mut self, root: &Root, tick: Tick, out: &mut RawSnapshot) {
        if !(tick.first || tick.slow) {
            return;
        }
        if self.file.is_none() && self.refused.is_none() {
            let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(root.join("/dev/kmsg"));
            match opened {
                Ok(file) => self.file = Some(file),
                Err(error) => self.refused = Some(error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
        match (&mut self.file, self.refused) {
            (Some(file), _) => match drain(file) {
                Ok(records) => out.put(SOURCE, records),
                Err(errno) => out.put_errno(SOURCE, errno),
            },
            (None, Some(errno)) => out.put_errno(SOURCE, errno),
            (None, None) => {}
        }
    }
}

/// Every record that is there now. An error counts only when nothing was read before it.
fn drain(file: &mut File) -> Result<Vec<u8>, i32> {
    let mut records = Vec::new();
    let mut buffer = vec![0; RECORD];
    while records.len() < MOST {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => records.extend_from_slice(buffer.get(..length).unwrap_or_default()),
            // The end of the log for now.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // EPIPE: records were overwritten before they were read; the next read goes on behind the gap.
            Err(error) if error.kind() == ErrorKind::Interrupted || error.raw_os_error() == Some(libc::EPIPE) => {}
            Err(error) if records.is_empty() => return Err(error.raw_os_error().unwrap_or(libc::EIO)),
            Err(_) => break,
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use perfuse_format::proc::kmsg::Kmsg;
    use perfuse_format::{Reading, Why};

    use super::*;

    const FIRST: Tick = Tick { first: true, slow: true };
    const SLOW: Tick = Tick { first: false, slow: true };
    const FAST: Tick = Tick { first: false, slow: false };

    fn root(name: &str) -> Root {
        let path = std::env::temp_dir().join(format!("perfuse-kmsg-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("dev")).unwrap();
        Root::at(path)
    }

    #[test]
    fn later_samples_hold_only_what_is_new() {
        let root = root("new");
        let path = root.join("/dev/kmsg");
        fs::write(&path, "6,1,10,-;one\n6,2,20,-;two\n").unwrap();
        let mut collector = KernelLog::default();
        let mut take = |tick| {
            let mut out = RawSnapshot::default();
            collector.sample(&root, tick, &mut out);
            out.get::<Kmsg>("@kmsg").map(|kmsg| kmsg.0.iter().map(|record| record.sequence).collect::<Vec<_>>())
        };
        assert_eq!(take(FIRST), Reading::Value(vec![1, 2]));
        fs::write(&path, "6,1,10,-;one\n6,2,20,-;two\n6,3,30,-;three\n").unwrap();
        assert_eq!(take(FAST).why_missing().map(|missing| missing.why), Some(Why::NotSampled));
        assert_eq!(take(SLOW), Reading::Value(vec![3]));
        assert_eq!(take(SLOW), Reading::Value(vec![]));
        fs::remove_dir_all(root.as_path()).unwrap();
    }

    #[test]
    fn without_a_log_the_reason_is_kept() {
        let root = root("none");
        let mut collector = KernelLog::default();
        for tick in [FIRST, SLOW] {
            let mut out = RawSnapshot::default();
            collector.sample(&root, tick, &mut out);
            assert_eq!(out.bytes("@kmsg").why_missing().map(|missing| missing.why), Some(Why::Absent));
        }
        fs::remove_dir_all(root.as_path()).unwrap();
    }
}
