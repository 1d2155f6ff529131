//! `struct perf_event_attr` in words: only what is not zero, as perf shows it.

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::flag;

const SAMPLE_TYPES: [(u32, &str); 24] = [
    (0, "IP"),
    (1, "TID"),
    (2, "TIME"),
    (3, "ADDR"),
    (4, "READ"),
    (5, "CALLCHAIN"),
    (6, "ID"),
    (7, "CPU"),
    (8, "PERIOD"),
    (9, "STREAM_ID"),
    (10, "RAW"),
    (11, "BRANCH_STACK"),
    (12, "REGS_USER"),
    (13, "STACK_USER"),
    (16, "IDENTIFIER"),
    (18, "REGS_INTR"),
    (15, "DATA_SRC"),
    (14, "WEIGHT"),
    (19, "PHYS_ADDR"),
    (20, "AUX"),
    (21, "CGROUP"),
    (22, "DATA_PAGE_SIZE"),
    (23, "CODE_PAGE_SIZE"),
    (24, "WEIGHT_STRUCT"),
];

const READ_FORMATS: [(u32, &str); 5] =
    [(0, "TOTAL_TIME_ENABLED"), (1, "TOTAL_TIME_RUNNING"), (2, "ID"), (3, "GROUP"), (4, "LOST")];

const BRANCHES: [(u32, &str); 19] = [
    (0, "USER"),
    (1, "KERNEL"),
    (2, "HV"),
    (3, "ANY"),
    (4, "ANY_CALL"),
    (5, "ANY_RETURN"),
    (6, "IND_CALL"),
    (7, "ABORT_TX"),
    (8, "IN_TX"),
    (9, "NO_TX"),
    (10, "COND"),
    (11, "CALL_STACK"),
    (12, "IND_JUMP"),
    (13, "CALL"),
    (14, "NO_FLAGS"),
    (15, "NO_CYCLES"),
    (16, "TYPE_SAVE"),
    (17, "HW_INDEX"),
    (18, "PRIV_SAVE"),
];

/// Switches in the order of the C bit fields, without the two bits of `precise_ip`.
const FLAGS: [(u64, &str); 36] = [
    (flag::DISABLED, "disabled"),
    (flag::INHERIT, "inherit"),
    (flag::PINNED, "pinned"),
    (flag::EXCLUSIVE, "exclusive"),
    (flag::EXCLUDE_USER, "exclude_user"),
    (flag::EXCLUDE_KERNEL, "exclude_kernel"),
    (flag::EXCLUDE_HV, "exclude_hv"),
    (flag::EXCLUDE_IDLE, "exclude_idle"),
    (flag::MMAP, "mmap"),
    (flag::COMM, "comm"),
    (flag::FREQ, "freq"),
    (flag::INHERIT_STAT, "inherit_stat"),
    (flag::ENABLE_ON_EXEC, "enable_on_exec"),
    (flag::TASK, "task"),
    (flag::WATERMARK, "watermark"),
    (flag::MMAP_DATA, "mmap_data"),
    (flag::SAMPLE_ID_ALL, "sample_id_all"),
    (flag::EXCLUDE_HOST, "exclude_host"),
    (flag::EXCLUDE_GUEST, "exclude_guest"),
    (flag::EXCLUDE_CALLCHAIN_KERNEL, "exclude_callchain_kernel"),
    (flag::EXCLUDE_CALLCHAIN_USER, "exclude_callchain_user"),
    (flag::MMAP2, "mmap2"),
    (flag::COMM_EXEC, "comm_exec"),
    (flag::USE_CLOCKID, "use_clockid"),
    (flag::CONTEXT_SWITCH, "context_switch"),
    (flag::WRITE_BACKWARD, "write_backward"),
    (flag::NAMESPACES, "namespaces"),
    (flag::KSYMBOL, "ksymbol"),
    (flag::BPF_EVENT, "bpf_event"),
    (flag::AUX_OUTPUT, "aux_output"),
    (flag::CGROUP, "cgroup"),
    (flag::TEXT_POKE, "text_poke"),
    (flag::BUILD_ID, "build_id"),
    (flag::INHERIT_THREAD, "inherit_thread"),
    (flag::REMOVE_ON_EXEC, "remove_on_exec"),
    (flag::SIGTRAP, "sigtrap"),
];

/// How many switches stand before `precise_ip`.
const BEFORE_PRECISE: usize = 15;

fn names(bits: u64, names: &[(u32, &str)]) -> String {
    let set = names.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join("|")
}

/// Name and value of each field that is not zero, in perf's order; the type always.
pub fn fields(attr: &EventAttr) -> Vec<(&'static str, String)> {
    let mut fields = vec![("type", attr.kind.to_string())];
    let mut put = |name: &'static str, value: u64, text: &dyn Fn(u64) -> String| {
        if value != 0 {
            fields.push((name, text(value)));
        }
    };
    let decimal = |value: u64| value.to_string();
    let hex = |value: u64| format!("{value:#x}");
    put("size", attr.size.into(), &decimal);
    put("config", attr.config, &hex);
    put("{ sample_period, sample_freq }", attr.sample_period, &decimal);
    put("sample_type", attr.sample_type, &|bits| names(bits, &SAMPLE_TYPES));
    put("read_format", attr.read_format, &|bits| names(bits, &READ_FORMATS));
    let (before, after) = FLAGS.split_at(BEFORE_PRECISE);
    for (bit, name) in before {
        put(name, u64::from(attr.has(*bit)), &decimal);
    }
    put("precise_ip", attr.precise_ip().into(), &decimal);
    for (bit, name) in after {
        put(name, u64::from(attr.has(*bit)), &decimal);
    }
    put("{ wakeup_events, wakeup_watermark }", attr.wakeup.into(), &decimal);
    put("bp_type", attr.bp_type.into(), &decimal);
    put("{ bp_addr, config1 }", attr.config1, &hex);
    put("{ bp_len, config2 }", attr.config2, &hex);
    put("branch_sample_type", attr.branch_sample_type, &|bits| names(bits, &BRANCHES));
    put("sample_regs_user", attr.sample_regs_user, &hex);
    put("sample_stack_user", attr.sample_stack_user.into(), &decimal);
    put("clockid", i64::from(attr.clockid).cast_unsigned(), &|value| value.cast_signed().to_string());
    put("sample_regs_intr", attr.sample_regs_intr, &hex);
    put("aux_watermark", attr.aux_watermark.into(), &decimal);
    put("sample_max_stack", attr.sample_max_stack.into(), &decimal);
    put("aux_sample_size", attr.aux_sample_size.into(), &decimal);
    put("sig_data", attr.sig_data, &decimal);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_shown() {
        let attr = EventAttr {
            kind: 1,
            size: 128,
            config: 9,
            sample_type: 1 | 1 << 16 | 1 << 14,
            flags: flag::INHERIT | 3 << flag::PRECISE_IP_SHIFT | flag::MMAP2,
            clockid: -1,
            ..EventAttr::default()
        };
        let shown: Vec<String> = fields(&attr).iter().map(|(name, value)| format!("{name} = {value}")).collect();
        assert_eq!(
            shown.join(", "),
            "type = 1, size = 128, config = 0x9, sample_type = IP|IDENTIFIER|WEIGHT, inherit = 1, precise_ip = 3, \
             mmap2 = 1, clockid = -1"
        );
    }

    #[test]
    fn every_bit_has_one_name() {
        for table in [&SAMPLE_TYPES[..], &READ_FORMATS[..], &BRANCHES[..]] {
            let bits: std::collections::BTreeSet<u32> = table.iter().map(|(bit, _)| *bit).collect();
            assert_eq!(bits.len(), table.len());
        }
        let flags = FLAGS.iter().fold(0, |all, (bit, _)| all | bit);
        assert_eq!(flags.count_ones() as usize, FLAGS.len());
    }
}
