//! The fields of `sched:sched_switch` that off-CPU time needs (include/trace/events/sched.h).

use perfuse_format::perfdata::attr::Endian;

/// Of `prev_state`, the bits that say what a thread waits for (`TASK_REPORT`); without any it could have gone on.
const WAITS: u64 = 0xff;

/// Where a field stands in the record of a tracepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    offset: usize,
    size: usize,
}

/// Where the fields stand: the kernel's `format` file tells, since `prev_state` has the size of a `long`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchFields {
    prev_pid: Field,
    prev_state: Field,
    next_pid: Field,
}

/// A switch of a CPU from one thread to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// The thread that goes.
    pub prev: i32,
    /// The thread that comes.
    pub next: i32,
    /// Whether the one that goes could have gone on.
    pub runnable: bool,
}

impl SwitchFields {
    /// The places, from a `format` file; `None` if a field is missing or of an odd size.
    pub fn parse(format: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(format);
        let field = |name: &str| {
            let line = text.lines().find(|line| {
                let declared = line.trim().strip_prefix("field:").and_then(|rest| rest.split(';').next());
                declared.and_then(|declared| declared.split_whitespace().last()) == Some(name)
            })?;
            let number = |key: &str| line.split(key).nth(1)?.split(';').next()?.trim().parse::<usize>().ok();
            let field = Field { offset: number("offset:")?, size: number("size:")? };
            matches!(field.size, 4 | 8).then_some(field)
        };
        Some(Self { prev_pid: field("prev_pid")?, prev_state: field("prev_state")?, next_pid: field("next_pid")? })
    }

    /// The switch of a record; `None` if it is too short.
    pub fn read(&self, raw: &[u8], endian: Endian) -> Option<Switch> {
        let number = |field: Field| {
            let bytes = raw.get(field.offset..field.offset.checked_add(field.size)?)?;
            let fold = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
            Some(match endian {
                Endian::Little => bytes.iter().rev().fold(0, fold),
                Endian::Big => bytes.iter().fold(0, fold),
            })
        };
        // Thread ids are below 2^22.
        let pid = |field| number(field).and_then(|pid| i32::try_from(pid).ok());
        Some(Switch {
            prev: pid(self.prev_pid)?,
            next: pid(self.next_pid)?,
            runnable: number(self.prev_state)? & WAITS == 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &[u8] = b"name: sched_switch\nID: 316\nformat:\n\
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
        \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\
        \tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n\
        \tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n\
        \tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n\
        \tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n\
        \tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n\
        \tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n\
        \tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n\n\
        print fmt: \"prev_comm=%s prev_pid=%d\", REC->prev_comm, REC->prev_pid\n";

    fn record(state: u64, big: bool) -> Vec<u8> {
        let mut raw = vec![0; 64];
        let mut put = |at: usize, bytes: &[u8]| raw[at..at + bytes.len()].copy_from_slice(bytes);
        if big {
            put(24, &7_u32.to_be_bytes());
            put(32, &state.to_be_bytes());
            put(56, &8_u32.to_be_bytes());
        } else {
            put(24, &7_u32.to_le_bytes());
            put(32, &state.to_le_bytes());
            put(56, &8_u32.to_le_bytes());
        }
        raw
    }

    #[test]
    fn a_switch_is_read_in_both_byte_orders() {
        let fields = SwitchFields::parse(FORMAT).unwrap();
        // 0x100 is the mark of a thread that was preempted while it could have gone on.
        for (state, runnable) in [(0, true), (1, false), (2, false), (0x100, true), (0x80, false)] {
            let expected = Some(Switch { prev: 7, next: 8, runnable });
            assert_eq!(fields.read(&record(state, false), Endian::Little), expected);
            assert_eq!(fields.read(&record(state, true), Endian::Big), expected);
        }
        assert_eq!(fields.read(&record(0, false)[..59], Endian::Little), None);
        assert_eq!(fields.read(&[], Endian::Little), None);
    }

    #[test]
    fn a_format_without_the_fields_is_refused() {
        let text = String::from_utf8_lossy(FORMAT);
        for (from, to) in [("next_pid;", "next;"), ("size:8", "size:3"), ("offset:56", "offset:x"), ("offset:24;", "")]
        {
            assert_eq!(SwitchFields::parse(text.replace(from, to).as_bytes()), None, "{to}");
        }
        let huge = SwitchFields::parse(text.replace("offset:56", "offset:18446744073709551615").as_bytes()).unwrap();
        assert_eq!(huge.read(&record(0, false), Endian::Little), None);
    }
}
