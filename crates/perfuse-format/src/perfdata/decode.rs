//! From the bytes of a sample to a [`Sample`]: the fields in the order in which the kernel puts them out.
//!
//! The order that counts is that of `perf_output_sample` in `kernel/events/core.c`; the comment in
//! `include/uapi/linux/perf_event.h` has the last ones differently.

use crate::perfdata::attr::{Endian, EventAttr, branch, read_format, sample_type as has};
use crate::perfdata::cursor::Cursor;
use crate::perfdata::record::RawRecord;
use crate::perfdata::sample::{ReadValue, ReadValues, Registers, Sample, U64s};

/// Decodes the body of a sample of the event with this attr into `sample`, of which nothing is left. The name of the field
/// that is not whole otherwise.
///
/// A [`Sample`] is several hundred bytes: whoever decodes millions of them gives the same one again and again, so that
/// none is ever moved.
pub(crate) fn sample_into<'a>(
    record: &RawRecord<'a>,
    event: usize,
    attr: &EventAttr,
    endian: Endian,
    sample: &mut Sample<'a>,
) -> Result<(), &'static str> {
    let mut at = Cursor::new(record.body, endian);
    *sample = Sample {
        event,
        misc: record.misc,
        fields: attr.sample_type,
        pid: -1,
        tid: -1,
        period: attr.sample_period,
        ..Sample::default()
    };
    head(sample, &mut at, attr).ok_or("the fixed part of a sample")?;
    // Most samples end with the call chain: what follows is looked at only where there is something.
    let fields = attr.sample_type;
    if fields & has::READ != 0 {
        sample.read = Some(read_values(&mut at, attr.read_format).ok_or("the counter values")?);
    }
    if fields & has::CALLCHAIN != 0 {
        sample.callchain = numbers(&mut at, 1, endian).ok_or("the call chain")?;
    }
    if fields & has::RAW != 0 {
        sample.raw = Some(raw(&mut at).ok_or("the raw data")?);
    }
    if fields >> 11 != 0 {
        tail(sample, &mut at, attr, endian)?;
    }
    Ok(())
}

/// What has a fixed place: all before the counter values.
#[inline]
fn head(sample: &mut Sample<'_>, at: &mut Cursor<'_>, attr: &EventAttr) -> Option<()> {
    let fields = attr.sample_type;
    if fields & has::IDENTIFIER != 0 {
        sample.id = at.u64()?;
    }
    if fields & has::IP != 0 {
        sample.ip = at.u64()?;
    }
    if fields & has::TID != 0 {
        sample.pid = at.i32()?;
        sample.tid = at.i32()?;
    }
    if fields & has::TIME != 0 {
        sample.time = at.u64()?;
    }
    if fields & has::ADDR != 0 {
        sample.addr = at.u64()?;
    }
    if fields & has::ID != 0 {
        sample.id = at.u64()?;
    }
    if fields & has::STREAM_ID != 0 {
        sample.stream_id = at.u64()?;
    }
    if fields & has::CPU != 0 {
        sample.cpu = at.u32()?;
        at.u32()?;
    }
    if fields & has::PERIOD != 0 {
        sample.period = at.u64()?;
    }
    Some(())
}

/// What stands behind the raw data.
fn tail<'a>(
    sample: &mut Sample<'a>,
    at: &mut Cursor<'a>,
    attr: &EventAttr,
    endian: Endian,
) -> Result<(), &'static str> {
    let fields = attr.sample_type;
    if fields & has::BRANCH_STACK != 0 {
        branches(sample, at, attr, endian).ok_or("the branches")?;
    }
    if fields & has::REGS_USER != 0 {
        sample.user_regs = registers(at, attr.sample_regs_user, endian).ok_or("the user registers")?;
    }
    if fields & has::STACK_USER != 0 {
        sample.user_stack = user_stack(at).ok_or("the user stack")?;
    }
    if fields & (has::WEIGHT | has::WEIGHT_STRUCT) != 0 {
        let weight = at.u64().ok_or("the weight")?;
        if fields & has::WEIGHT_STRUCT != 0 {
            // union perf_sample_weight: 32, 16 and 16 bits from the least significant on, whatever the byte order.
            sample.weight = weight & 0xffff_ffff;
            sample.weight_more = ((weight >> 32 & 0xffff) as u16, (weight >> 48) as u16);
        } else {
            sample.weight = weight;
        }
    }
    if fields & has::DATA_SRC != 0 {
        sample.data_src = at.u64().ok_or("the data source")?;
    }
    if fields & has::TRANSACTION != 0 {
        sample.transaction = at.u64().ok_or("the transaction")?;
    }
    if fields & has::REGS_INTR != 0 {
        sample.intr_regs = registers(at, attr.sample_regs_intr, endian).ok_or("the registers at the interrupt")?;
    }
    let mut number = |bit: u64, slot: &mut u64, name: &'static str| {
        if fields & bit != 0 {
            *slot = at.u64().ok_or(name)?;
        }
        Ok::<(), &'static str>(())
    };
    number(has::PHYS_ADDR, &mut sample.phys_addr, "the physical address")?;
    number(has::CGROUP, &mut sample.cgroup, "the cgroup")?;
    number(has::DATA_PAGE_SIZE, &mut sample.data_page_size, "the page size of the data")?;
    number(has::CODE_PAGE_SIZE, &mut sample.code_page_size, "the page size of the code")?;
    if fields & has::AUX != 0 {
        let size = at.u64().ok_or("the size of the AUX data")?;
        sample.aux = at.bytes_u64(size).ok_or("the AUX data")?;
    }
    Ok(())
}

/// A count and that many entries of `words` numbers.
fn numbers<'a>(at: &mut Cursor<'a>, words: u64, endian: Endian) -> Option<U64s<'a>> {
    let count = at.u64()?;
    entries(at, count, words, endian)
}

fn entries<'a>(at: &mut Cursor<'a>, count: u64, words: u64, endian: Endian) -> Option<U64s<'a>> {
    Some(U64s::new(at.bytes_u64(count.checked_mul(words * 8)?)?, endian))
}

/// 32 bits of size and the data, together a multiple of eight bytes.
fn raw<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let size = at.u32()?;
    let data = at.bytes_u64(u64::from(size))?;
    at.bytes((8 - at.at() % 8) % 8)?;
    Some(data)
}

fn branches<'a>(sample: &mut Sample<'a>, at: &mut Cursor<'a>, attr: &EventAttr, endian: Endian) -> Option<()> {
    let count = at.u64()?;
    if attr.branch_sample_type & branch::HW_INDEX != 0 {
        sample.branch_hw_index = Some(at.u64()?);
    }
    sample.branches = entries(at, count, 3, endian)?;
    if attr.branch_sample_type & branch::COUNTERS != 0 {
        sample.branch_counters = entries(at, count, 1, endian)?;
    }
    Some(())
}

/// The ABI, and if there is one, the registers of the mask.
fn registers<'a>(at: &mut Cursor<'a>, mask: u64, endian: Endian) -> Option<Registers<'a>> {
    let abi = at.u64()?;
    if abi == 0 {
        return Some(Registers { abi, mask, values: U64s::default() });
    }
    let values = entries(at, u64::from(mask.count_ones()), 1, endian)?;
    Some(Registers { abi, mask, values })
}

/// The size that was asked for, that many bytes, and how many of them are valid; only the first if it is 0.
fn user_stack<'a>(at: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let size = at.u64()?;
    if size == 0 {
        return Some(&[]);
    }
    let stack = at.bytes_u64(size)?;
    let valid = at.u64()?;
    stack.get(..usize::try_from(valid).ok()?)
}

/// Counter values as `read` on the event gives them.
pub(crate) fn read_values(at: &mut Cursor<'_>, format: u64) -> Option<ReadValues> {
    let has = |bit: u64| format & bit != 0;
    let mut values = ReadValues::default();
    if !has(read_format::GROUP) {
        let value = at.u64()?;
        times(&mut values, at, format)?;
        let mut one = value_rest(at, format)?;
        one.value = value;
        values.values = vec![one];
        return Some(values);
    }
    let count = at.u64()?;
    times(&mut values, at, format)?;
    let width = 8 + 8 * (format & (read_format::ID | read_format::LOST)).count_ones() as usize;
    values.values = at.list(count, width, |at| {
        let value = at.u64()?;
        Some(ReadValue { value, ..value_rest(at, format)? })
    })?;
    Some(values)
}

fn times(values: &mut ReadValues, at: &mut Cursor<'_>, format: u64) -> Option<()> {
    if format & read_format::TOTAL_TIME_ENABLED != 0 {
        values.time_enabled = Some(at.u64()?);
    }
    if format & read_format::TOTAL_TIME_RUNNING != 0 {
        values.time_running = Some(at.u64()?);
    }
    Some(())
}

/// What stands behind the value of one counter.
fn value_rest(at: &mut Cursor<'_>, format: u64) -> Option<ReadValue> {
    let mut value = ReadValue::default();
    if format & read_format::ID != 0 {
        value.id = Some(at.u64()?);
    }
    if format & read_format::LOST != 0 {
        value.lost = Some(at.u64()?);
    }
    Some(value)
}
