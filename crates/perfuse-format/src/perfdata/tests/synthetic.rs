//! Values for every field of a sample, and files put together of them.

use crate::perfdata::attr::{Endian, EventAttr, branch, flag, read_format, sample_type};
use crate::perfdata::sample::{ReadValue, ReadValues, Registers, Sample, U64s};
use crate::perfdata::write::{self, FileLayout};
use crate::perfdata::{Event, Feature, Features};

/// Numbers as they stand in a file.
pub(crate) fn numbers(numbers: &[u64], endian: Endian) -> Vec<u8> {
    let bytes = numbers.iter().flat_map(|number| match endian {
        Endian::Little => number.to_le_bytes(),
        Endian::Big => number.to_be_bytes(),
    });
    bytes.collect()
}

/// What the fields of variable length borrow from.
pub(crate) struct Parts {
    chain: Vec<u8>,
    branches: Vec<u8>,
    counters: Vec<u8>,
    user: Vec<u8>,
    intr: Vec<u8>,
    endian: Endian,
}

impl Parts {
    pub(crate) fn new(endian: Endian) -> Self {
        Self {
            chain: numbers(&[(-512_i64).cast_unsigned(), 0x40_1000, 0x40_2000], endian),
            branches: numbers(&[0x40_1100, 0x40_1200, 1, 0x40_1300, 0x40_1400, 2], endian),
            counters: numbers(&[3, 5], endian),
            user: numbers(&[0x7ffd_0000, 0x40_1000], endian),
            intr: numbers(&[0x11, 0x22, 0x33], endian),
            endian,
        }
    }

    /// A sample in which every field has a value that no other has.
    pub(crate) fn sample(&self) -> Sample<'_> {
        let value = |value: u64| ReadValue { value, id: Some(77 + value % 2), lost: Some(value % 3) };
        Sample {
            event: 0,
            misc: 2,
            fields: 0,
            ip: 0x40_1000,
            pid: 4001,
            tid: 4002,
            time: 5_000_000_123,
            addr: 0x7fff_1234,
            id: 77,
            stream_id: 78,
            cpu: 3,
            period: 250_000,
            read: Some(ReadValues {
                time_enabled: Some(900),
                time_running: Some(800),
                values: vec![value(1000), value(1001)],
            }),
            callchain: U64s::new(&self.chain, self.endian),
            raw: Some(b"\x2a\0\0\0\0\0\0\0raw!"),
            branch_hw_index: Some(31),
            branches: U64s::new(&self.branches, self.endian),
            branch_counters: U64s::new(&self.counters, self.endian),
            user_regs: Registers { abi: 2, mask: 0x180, values: U64s::new(&self.user, self.endian) },
            user_stack: b"sixteen bytes...",
            weight: 41,
            weight_more: (42, 43),
            data_src: 0x6810_0842,
            transaction: 0x1_0000_0002,
            intr_regs: Registers { abi: 1, mask: 0x7, values: U64s::new(&self.intr, self.endian) },
            phys_addr: 0x1_2345_6000,
            cgroup: 5005,
            data_page_size: 4096,
            code_page_size: 2 << 20,
            aux: b"aux data",
        }
    }
}

/// An event with these fields in its samples.
pub(crate) fn attr(sample_type: u64) -> EventAttr {
    EventAttr {
        kind: 1,
        sample_period: 250_000,
        sample_type,
        read_format: read_format::GROUP
            | read_format::ID
            | read_format::LOST
            | read_format::TOTAL_TIME_ENABLED
            | read_format::TOTAL_TIME_RUNNING,
        flags: flag::SAMPLE_ID_ALL | flag::MMAP | flag::COMM | 2 << flag::PRECISE_IP_SHIFT,
        branch_sample_type: branch::HW_INDEX | branch::COUNTERS | 1 << 3,
        sample_regs_user: 0x180,
        sample_stack_user: 16,
        sample_regs_intr: 0x7,
        ..EventAttr::default()
    }
}

/// A file with one event and the records.
pub(crate) fn file(attr: EventAttr, records: &[u8], endian: Endian) -> Vec<u8> {
    let event = Event { attr, ids: vec![77, 78], name: "cpu-clock".to_owned(), ..Event::default() };
    let mut features = Features {
        hostname: Some("made".to_owned()),
        arch: Some(if endian == Endian::Little { "x86_64" } else { "s390x" }.to_owned()),
        ..Features::default()
    };
    features.event_desc =
        vec![crate::perfdata::features::EventDesc { attr, name: event.name.clone(), ids: event.ids.clone() }];
    let sections: Vec<_> = Feature::ALL
        .into_iter()
        .filter_map(|feature| Some((feature.number(), write::feature(&features, feature, endian)?)))
        .collect();
    let layout = FileLayout::new(&[event], endian);
    let mut file = layout.head(records.len() as u64, sections.iter().map(|(number, _)| *number));
    file.extend(records);
    file.extend(layout.tail(records.len() as u64, &sections));
    file
}

/// All bits of `sample_type`.
pub(crate) const ALL: u64 = (1 << 25) - 1;

/// One of them that cannot be together with the others.
pub(crate) const TOGETHER: u64 = ALL & !sample_type::WEIGHT;
