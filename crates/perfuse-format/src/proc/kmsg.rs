//! `/dev/kmsg`: the kernel's log (Documentation/ABI/testing/dev-kmsg).
//!
//! One `read` of the device gives one record; the collector puts the records of one moment behind each other
//! as source `@kmsg`:
//!
//! ```text
//! 4,1207,61433991,-,caller=T1;watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [burn:4711]
//!  SUBSYSTEM=cpu
//!  DEVICE=+cpu:cpu1
//! | |    |        |           |
//! | |    |        |           text; control bytes and backslashes as \xNN
//! | |    |        flags
//! | |    microseconds of the scheduler clock since boot
//! | sequence number
//! facility * 8 + level
//! ```

mod event;

use crate::parse::{FromBytes, ParseError, lines, text, unsigned};

pub use event::{Event, LogEvent, Owner, events};

/// One record of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// 0 emergency, 1 alert, 2 critical, 3 error, 4 warning, 5 notice, 6 information, 7 debug.
    pub level: u8,
    /// 0 for the kernel itself; anything else was written into the log by a program.
    pub facility: u64,
    /// Sequence number; counts every record since boot.
    pub sequence: u64,
    /// Microseconds since boot by the scheduler's clock; near `CLOCK_MONOTONIC`, which it may leave by seconds in months.
    pub time_us: u64,
    /// The text with its escapes undone.
    pub text: String,
    /// `DEVICE=` of the record's dictionary, such as `b8:0` or `+scsi:0:0:0:0`.
    pub device: Option<String>,
}

/// The records of `@kmsg`, oldest first. No record at all is no error: at a later moment nothing new may have come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kmsg(pub Vec<Record>);

impl FromBytes for Kmsg {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut records: Vec<Record> = Vec::new();
        for (number, line) in lines(bytes) {
            if line.is_empty() {
                continue;
            }
            if let Some(entry) = line.strip_prefix(b" ") {
                if let (Some(record), Some(device)) = (records.last_mut(), entry.strip_prefix(b"DEVICE=")) {
                    record.device = Some(text(device));
                }
                continue;
            }
            let record = record(line);
            records.push(record.ok_or_else(|| ParseError::new(number, "`priority,sequence,time,flags;text`", line))?);
        }
        Ok(Self(records))
    }
}

fn record(line: &[u8]) -> Option<Record> {
    let semicolon = line.iter().position(|&byte| byte == b';')?;
    let mut head = line[..semicolon].split(|&byte| byte == b',');
    let priority = head.next().and_then(unsigned)?;
    let sequence = head.next().and_then(unsigned)?;
    let time_us = head.next().and_then(unsigned)?;
    let message = unescape(&line[semicolon + 1..]);
    Some(Record {
        level: u8::try_from(priority & 7).unwrap_or(7),
        facility: priority >> 3,
        sequence,
        time_us,
        text: text(&message),
        device: None,
    })
}

/// Undoes `\xNN`; anything else behind a backslash stays as it stands.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match rest {
            [b'\\', b'x', high, low, ..] => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        if let Some(byte) = escaped {
            out.push(byte);
            rest = &rest[4..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Read from `/dev/kmsg` of a 6.18 guest.
    const CAPTURED: &[u8] = b"6,201,1331975,-;virtio_blk virtio1: [vda] new size: 536870912 512-byte logical blocks (275 GB/256 GiB)\n SUBSYSTEM=virtio\n DEVICE=+virtio:virtio1\n5,202,1337842,-;random: crng reseeded due to virtual machine fork\n6,204,1411014,-;EXT4-fs (vda): mounted filesystem 00000000-0000-0000-0000-000000000000 r/w without journal. Quota mode: none.\n";

    #[test]
    fn records_have_level_time_and_device() {
        let kmsg = Kmsg::from_bytes(CAPTURED).unwrap();
        assert_eq!(kmsg.0.len(), 3);
        assert_eq!((kmsg.0[0].level, kmsg.0[0].sequence, kmsg.0[0].time_us), (6, 201, 1_331_975));
        assert_eq!(kmsg.0[0].device.as_deref(), Some("+virtio:virtio1"));
        assert_eq!(kmsg.0[1].text, "random: crng reseeded due to virtual machine fork");
        assert_eq!(kmsg.0[1].device, None);
    }

    #[test]
    fn what_a_program_wrote_has_a_facility_and_escapes_are_undone() {
        let kmsg = Kmsg::from_bytes(b"12,7,9,c,caller=T5;a\\x0ab;c \\xzz \\\n").unwrap();
        assert_eq!((kmsg.0[0].facility, kmsg.0[0].level), (1, 4));
        assert_eq!(kmsg.0[0].text, "a\nb;c \\xzz \\");
    }

    #[test]
    fn nothing_new_is_no_error_and_garbage_is() {
        assert_eq!(Kmsg::from_bytes(b""), Ok(Kmsg::default()));
        assert_eq!(Kmsg::from_bytes(b" DEVICE=+a:b\n"), Ok(Kmsg::default()));
        assert_eq!(Kmsg::from_bytes(b"6,1,2,-;fine\nplain text\n").unwrap_err().line, 2);
        assert!(Kmsg::from_bytes(b"6,x,2,-;text").is_err());
    }
}
