//! Samples: for tests, for conversions, and for call chains that were unwound while recording.

use crate::perfdata::attr::{Endian, EventAttr, branch, sample_type as has};
use crate::perfdata::record::kind;
use crate::perfdata::sample::{Registers, Sample, U64s};
use crate::perfdata::write::TooLong;
use crate::perfdata::write::put::Put;
use crate::perfdata::write::record::put_read;

/// Appends a sample of the event with this attr, in the kernel's order of fields.
pub fn encode_sample(sample: &Sample<'_>, attr: &EventAttr, endian: Endian, out: &mut Vec<u8>) -> Result<(), TooLong> {
    Put::new(out, endian).record(kind::SAMPLE, sample.misc, |put| {
        let start = put.out.len();
        head(put, sample, attr.sample_type);
        variable(put, sample, attr, start);
        tail(put, sample, attr);
    })
}

fn head(put: &mut Put<'_>, sample: &Sample<'_>, fields: u64) {
    let mut number = |bit: u64, number: u64| {
        if fields & bit != 0 {
            put.u64(number);
        }
    };
    number(has::IDENTIFIER, sample.id);
    number(has::IP, sample.ip);
    if fields & has::TID != 0 {
        put.i32(sample.pid);
        put.i32(sample.tid);
    }
    let mut number = |bit: u64, number: u64| {
        if fields & bit != 0 {
            put.u64(number);
        }
    };
    number(has::TIME, sample.time);
    number(has::ADDR, sample.addr);
    number(has::ID, sample.id);
    number(has::STREAM_ID, sample.stream_id);
    if fields & has::CPU != 0 {
        put.u32(sample.cpu);
        put.u32(0);
    }
    if fields & has::PERIOD != 0 {
        put.u64(sample.period);
    }
}

/// What has no fixed length.
fn variable(put: &mut Put<'_>, sample: &Sample<'_>, attr: &EventAttr, start: usize) {
    let fields = attr.sample_type;
    if fields & has::READ != 0 {
        put_read(
            put,
            sample.read.as_ref().unwrap_or(&crate::perfdata::sample::ReadValues::default()),
            attr.read_format,
        );
    }
    if fields & has::CALLCHAIN != 0 {
        put.u64(sample.callchain.len() as u64);
        numbers(put, sample.callchain);
    }
    if fields & has::RAW != 0 {
        let raw = sample.raw.unwrap_or_default();
        // The kernel counts the padding as data.
        put.count((raw.len() + 4).next_multiple_of(8) - 4);
        put.bytes(raw);
        put.align(start);
    }
    if fields & has::BRANCH_STACK != 0 {
        put.u64(sample.branches.len() as u64 / 3);
        if attr.branch_sample_type & branch::HW_INDEX != 0 {
            put.u64(sample.branch_hw_index.unwrap_or_default());
        }
        numbers(put, sample.branches);
        if attr.branch_sample_type & branch::COUNTERS != 0 {
            numbers(put, sample.branch_counters);
        }
    }
    if fields & has::REGS_USER != 0 {
        registers(put, &sample.user_regs);
    }
    if fields & has::STACK_USER != 0 {
        let size = sample.user_stack.len().next_multiple_of(8);
        put.u64(size as u64);
        if size > 0 {
            put.bytes(sample.user_stack);
            put.align(start);
            put.u64(sample.user_stack.len() as u64);
        }
    }
}

fn tail(put: &mut Put<'_>, sample: &Sample<'_>, attr: &EventAttr) {
    let fields = attr.sample_type;
    if fields & has::WEIGHT_STRUCT != 0 {
        let (second, third) = sample.weight_more;
        put.u64(sample.weight & 0xffff_ffff | u64::from(second) << 32 | u64::from(third) << 48);
    } else if fields & has::WEIGHT != 0 {
        put.u64(sample.weight);
    }
    let mut number = |bit: u64, number: u64| {
        if fields & bit != 0 {
            put.u64(number);
        }
    };
    number(has::DATA_SRC, sample.data_src);
    number(has::TRANSACTION, sample.transaction);
    if fields & has::REGS_INTR != 0 {
        registers(put, &sample.intr_regs);
    }
    let mut number = |bit: u64, number: u64| {
        if fields & bit != 0 {
            put.u64(number);
        }
    };
    number(has::PHYS_ADDR, sample.phys_addr);
    number(has::CGROUP, sample.cgroup);
    number(has::DATA_PAGE_SIZE, sample.data_page_size);
    number(has::CODE_PAGE_SIZE, sample.code_page_size);
    if fields & has::AUX != 0 {
        let length = sample.aux.len();
        put.u64(length.next_multiple_of(8) as u64);
        put.bytes(sample.aux);
        put.zeros(length.next_multiple_of(8) - length);
    }
}

fn numbers(put: &mut Put<'_>, numbers: U64s<'_>) {
    for number in numbers.iter() {
        put.u64(number);
    }
}

fn registers(put: &mut Put<'_>, registers: &Registers<'_>) {
    put.u64(registers.abi);
    if registers.abi != 0 {
        numbers(put, registers.values);
    }
}
