//! Hostile rings: bytes that claim to be the kernel's records are counted and their stacks unwound while recording.

use std::io::Cursor;

use perfuse_collect::perf::record::Tally;
use perfuse_collect::perf::ring::{Unread, each_record};
use perfuse_format::perfdata::EventAttr;
use perfuse_symbol::live::{Image, Live, stored};
use perfuse_symbol::unwind::Machine;

/// The first bytes choose what the event has in its samples, and where the ring has its end; the rest are its records, and
/// also the file that every process has mapped.
pub fn ring(data: &[u8]) {
    let Some((head, records)) = data.split_first_chunk::<16>() else { return };
    let word = |at: usize| u64::from(u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]));
    let attr = EventAttr {
        // All fields that there are, whatever the kernel would allow together.
        sample_type: word(0) & 0x1ff_ffff,
        read_format: word(4) & 0x1f,
        sample_regs_user: word(8) | (word(4) >> 8 & 1) << 32,
        sample_stack_user: 64,
        branch_sample_type: word(4) >> 9 & 1 << 17,
        ..EventAttr::default()
    };
    let (first, second) = records.split_at(usize::try_from(word(12)).unwrap_or(0).min(records.len()));
    let unread = Unread { first, second };
    for machine in [Machine::X86_64, Machine::Aarch64] {
        let file = records.to_vec();
        let open = move |_: i32, _: &str| Some(Box::new(Cursor::new(file.clone())) as Box<dyn Image>);
        let mut live = Live::new(machine, vec![(attr, vec![1])], Box::new(open));
        let mut tally = Tally::new(&[attr, stored(&attr)], true);
        let mut out = Vec::new();
        each_record(unread, &mut Vec::new(), |record| {
            tally.record(record);
            live.note(record);
        });
        each_record(unread, &mut Vec::new(), |record| {
            let before = out.len();
            let unwound = live.rewrite(record, &mut out).is_some();
            assert!(unwound || out[before..] == *record, "a record that is not understood goes on as it is");
        });
        let _ = (tally.files(false).len(), tally.files(true).len());
    }
}
