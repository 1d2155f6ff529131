//! Fields against events: what was asked for and is not there is an error, what was not asked for is left out.

use perfuse_format::perfdata::PerfData;
use perfuse_format::perfdata::attr::sample_type as has;
use perfuse_render::perf::script::{Fields, Layout, Output};

/// `PERF_SAMPLE_BRANCH_ANY`.
const BRANCH_ANY: u64 = 1 << 3;

const OUTPUTS: [Output; 7] = [
    Output::Hardware,
    Output::Software,
    Output::Tracepoint,
    Output::Cache,
    Output::Raw,
    Output::Breakpoint,
    Output::Other,
];

/// What a field needs in the samples: field, bits of which one must be there, and how perf calls the need and the field.
const NEEDS: &[(Fields, u64, &str, &str)] = &[
    (Fields::IP, has::IP, "IP", "ip"),
    (Fields::ADDR, has::ADDR, "ADDR", "addr"),
    (Fields::DATA_SRC, has::DATA_SRC, "DATA_SRC", "data_src"),
    (Fields::WEIGHT, has::WEIGHT | has::WEIGHT_STRUCT, "WEIGHT", "weight"),
    (Fields::PID, has::TID, "TID", "pid"),
    (Fields::TID, has::TID, "TID", "tid"),
    (Fields::TIME, has::TIME, "TIME", "time"),
    (Fields::CPU, has::CPU, "CPU", "cpu"),
    (Fields::IREGS, has::REGS_INTR, "IREGS", "iregs"),
    (Fields::UREGS, has::REGS_USER, "UREGS", "uregs"),
    (Fields::PHYS_ADDR, has::PHYS_ADDR, "PHYS_ADDR", "phys_addr"),
    (Fields::DATA_PAGE_SIZE, has::DATA_PAGE_SIZE, "DATA_PAGE_SIZE", "data_page_size"),
    (Fields::CODE_PAGE_SIZE, has::CODE_PAGE_SIZE, "CODE_PAGE_SIZE", "code_page_size"),
    (Fields::INS_LAT, has::WEIGHT_STRUCT, "WEIGHT_STRUCT", "ins_lat"),
];

/// Whether any event has call chains.
pub(super) fn has_chains(data: &PerfData<'_>) -> bool {
    data.events.iter().any(|event| event.attr.samples(has::CALLCHAIN))
}

/// Makes the fields fit the events. The error is in perf's words.
pub(super) fn fields(layout: &mut Layout, data: &PerfData<'_>, call_chains: bool) -> Result<(), String> {
    for output in OUTPUTS {
        let mut events = data.events.iter().filter(|event| Output::of(event.attr.kind) == output);
        let Some(first) = events.next() else {
            if layout.of(output).must_exist {
                return Err(format!(
                    "{} events do not exist. Remove corresponding -F option to proceed.",
                    output.name()
                ));
            }
            continue;
        };
        if layout.of(output).fields.is_empty() {
            continue;
        }
        fit(layout, output, &first.name, first.attr.sample_type)?;
        let fields = layout.of(output).fields;
        let branches = data.events.iter().fold(0, |all, event| all | event.attr.branch_sample_type);
        if fields.has(Fields::BRSTACKINSN.and(Fields::BRSTACKINSNLEN)) && branches & BRANCH_ANY == 0 {
            return Err("Display of branch stack assembler requested, but non all-branch filter set\n\
                        Hint: run 'perf record -b ...'"
                .to_owned());
        }
        if layout.of(output).fields.has(Fields::TOD) && data.features.clock_data.is_none() {
            let why = "Can't provide 'tod' time, missing clock data. Please record with -k/--clockid option.";
            return Err(why.to_owned());
        }
        let chosen = layout.of_mut(output);
        if output == Output::Tracepoint
            && !chosen.by_user
            && call_chains
            && (first.attr.samples(has::CALLCHAIN) || events.any(|event| event.attr.samples(has::CALLCHAIN)))
        {
            chosen.fields = chosen.fields.and(Fields::IP).and(Fields::SYM).and(Fields::SYMOFF).and(Fields::DSO);
        }
    }
    Ok(())
}

fn fit(layout: &mut Layout, output: Output, name: &str, sample_type: u64) -> Result<(), String> {
    let chosen = layout.of_mut(output);
    let places = sample_type & (has::IP | has::ADDR) != 0;
    for (field, needed, need, called) in NEEDS {
        if !chosen.fields.has(*field) || sample_type & needed != 0 {
            continue;
        }
        if chosen.asked.has(*field) {
            return Err(format!(
                "Samples for '{name}' event do not have {need} attribute set. Cannot print '{called}' field."
            ));
        }
        chosen.fields = chosen.fields.without(*field);
    }
    let fields = chosen.fields;
    if fields.has(Fields::SYM) && !places {
        return Err("Display of symbols requested but neither sample IP nor sample address\n\
                    available. Hence, no addresses to convert to symbols."
            .to_owned());
    }
    if fields.has(Fields::SYMOFF) && !fields.has(Fields::SYM) {
        return Err("Display of offsets requested but symbol is notselected.".to_owned());
    }
    if fields.has(Fields::DSO) && !places {
        return Err("Display of DSO requested but no address to convert.".to_owned());
    }
    if fields.has(Fields::SRCLINE.and(Fields::SRCCODE)) && !fields.has(Fields::IP) {
        return Err("Display of source line number requested but sample IP is not\n\
                    selected. Hence, no address to lookup the source line number."
            .to_owned());
    }
    Ok(())
}
