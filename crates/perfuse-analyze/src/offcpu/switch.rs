//! The fields of `sched:sched_switch` that off-CPU time needs (include/trace/events/sched.h).

use perfuse_format::tracefs::{EventFormat, Field, Layout, Shape};

/// Of `prev_state`, the bits that say what a thread waits for (`TASK_REPORT`); without any it could have gone on.
const WAITS: u64 = 0xff;

/// The fields of `sched:sched_switch` that tell who goes and who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchFields {
    prev_pid: Field,
    prev_state: Field,
    next_pid: Field,
    layout: Layout,
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
    /// The fields, from the format that the recording carries; `None` if one is missing or is no number.
    pub fn of(format: &EventFormat, layout: Layout) -> Option<Self> {
        let field = |name: &str| {
            let found = format.fields.iter().find(|field| field.name == name);
            found.filter(|field| field.shape == Shape::Number && matches!(field.size, 4 | 8)).cloned()
        };
        let (prev_pid, prev_state, next_pid) = (field("prev_pid")?, field("prev_state")?, field("next_pid")?);
        Some(Self { prev_pid, prev_state, next_pid, layout })
    }

    /// The switch of a record; `None` if it is too short.
    pub fn read(&self, raw: &[u8]) -> Option<Switch> {
        let number = |field: &Field| {
            let end = field.offset.checked_add(field.size)?;
            (end <= raw.len()).then(|| field.number(self.layout, raw))
        };
        // Thread ids are below 2^22.
        let pid = |field| number(field).and_then(|pid| i32::try_from(pid).ok());
        Some(Switch {
            prev: pid(&self.prev_pid)?,
            next: pid(&self.next_pid)?,
            runnable: number(&self.prev_state)? & WAITS == 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::Endian;

    use super::*;

    fn fields(format: &[u8], endian: Endian) -> Option<SwitchFields> {
        SwitchFields::of(&EventFormat::parse("sched", format).ok()?, Layout { endian, long_size: 8 })
    }

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
        let (little, big) = (fields(FORMAT, Endian::Little).unwrap(), fields(FORMAT, Endian::Big).unwrap());
        // 0x100 is the mark of a thread that was preempted while it could have gone on.
        for (state, runnable) in [(0, true), (1, false), (2, false), (0x100, true), (0x80, false)] {
            let expected = Some(Switch { prev: 7, next: 8, runnable });
            assert_eq!(little.read(&record(state, false)), expected);
            assert_eq!(big.read(&record(state, true)), expected);
        }
        assert_eq!(little.read(&record(0, false)[..59]), None);
        assert_eq!(little.read(&[]), None);
    }

    #[test]
    fn a_format_without_the_fields_is_refused() {
        let text = String::from_utf8_lossy(FORMAT);
        for (from, to) in
            [("next_pid;", "next;"), ("size:8", "size:3"), ("offset:56", "offset:x"), ("pid_t prev_pid", "x[4] y")]
        {
            assert_eq!(fields(text.replace(from, to).as_bytes(), Endian::Little), None, "{to}");
        }
        let huge = text.replace("offset:56", &format!("offset:{}", usize::MAX));
        assert_eq!(fields(huge.as_bytes(), Endian::Little).and_then(|fields| fields.read(&record(0, false))), None);
    }
}
