//! The header of a recording, as `perf script --header` and `perf report --header` show it.

use std::fmt::Write as _;

use perfuse_format::perfdata::{Feature, Features, Mode, PerfData};

use super::{attr, header_bpf};

/// What the header's text needs besides the file itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct About {
    /// Seconds since 1970 of the file's last change.
    pub changed: i64,
    /// Seconds east of UTC then.
    pub utc_offset: i64,
    /// Whether topologies and caches are shown in full (`-I`).
    pub full: bool,
    /// Whether nothing follows (`--header-only`): then perf does not come to the features of a pipe.
    pub only: bool,
}

/// All features that perf 6.1 knows; those that are not there are listed at the end.
const KNOWN: std::ops::Range<u32> = 1..32;

/// The lines between and with the `# ========` marks. In pipe mode the features follow behind them, as perf shows them
/// when it comes to them.
pub fn text(data: &PerfData<'_>, about: About) -> String {
    let mut text = String::from("# ========\n");
    let header = &data.header;
    let piped = header.mode == Mode::Pipe;
    let features_at = if piped { 0 } else { header.data.end() };
    let (start, size) = if piped { (0, 0) } else { (header.data.offset, header.data.size) };
    let _ = writeln!(text, "# captured on    : {}", date(about.changed, about.utc_offset));
    let _ = writeln!(text, "# header version : 1\n# data offset    : {start}\n# data size      : {size}");
    let _ = writeln!(text, "# feat offset    : {features_at}");
    if !piped {
        features(data, about, &mut text);
        let missing = KNOWN.filter(|number| !header.has_feature(*number)).filter_map(Feature::from_number);
        let missing: Vec<&str> = missing.map(Feature::name).collect();
        let blank = if missing.is_empty() { "" } else { " " };
        let _ = writeln!(text, "# missing features: {}{blank}", missing.join(" "));
    }
    text.push_str("# ========\n#\n");
    if piped && !about.only {
        features(data, about, &mut text);
    }
    text
}

/// `Thu Nov 26 14:21:07 2026`.
fn date(seconds: i64, utc_offset: i64) -> String {
    let moment = jiff::Timestamp::from_second(seconds.saturating_add(utc_offset)).unwrap_or_default();
    moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

fn features(data: &PerfData<'_>, about: About, text: &mut String) {
    for number in &data.features.present {
        let Some(feature) = Feature::from_number(*number) else { continue };
        let only_in_full =
            matches!(feature, Feature::CpuTopology | Feature::NumaTopology | Feature::Cache | Feature::MemTopology);
        if feature == Feature::BpfProgInfo {
            header_bpf::programs(&data.features, data.endian(), text);
        } else if feature == Feature::BpfBtf {
            header_bpf::types(&data.features, text);
        } else if only_in_full && !about.full {
            let _ = writeln!(text, "# {} info available, use -I to display", feature.name());
        } else {
            one(feature, &data.features, about.utc_offset, text);
        }
    }
}

fn one(feature: Feature, features: &Features, utc_offset: i64, text: &mut String) {
    let mut line = |name: &str, value: Option<&String>| {
        if let Some(value) = value {
            let _ = writeln!(text, "# {name} : {value}");
        }
    };
    match feature {
        Feature::Hostname => line("hostname", features.hostname.as_ref()),
        Feature::OsRelease => line("os release", features.os_release.as_ref()),
        Feature::Version => line("perf version", features.version.as_ref()),
        Feature::Arch => line("arch", features.arch.as_ref()),
        Feature::CpuDesc => line("cpudesc", features.cpu_desc.as_ref()),
        Feature::CpuId => line("cpuid", features.cpu_id.as_ref()),
        Feature::NrCpus => {
            if let Some(cpus) = features.cpus {
                let _ = writeln!(text, "# nrcpus online : {}\n# nrcpus avail : {}", cpus.online, cpus.available);
            }
        }
        Feature::TotalMem => {
            if let Some(memory) = features.total_mem_kib {
                let _ = writeln!(text, "# total memory : {memory} kB");
            }
        }
        Feature::Cmdline => {
            text.push_str("# cmdline : ");
            for word in &features.cmdline {
                let _ = write!(text, "{} ", word.replace('\'', "\\'"));
            }
            text.push('\n');
        }
        Feature::EventDesc => events(features, text),
        Feature::BranchStack => text.push_str("# contains samples with branch stack\n"),
        Feature::Auxtrace => text.push_str("# contains AUX area data (e.g. instruction trace)\n"),
        Feature::Stat => text.push_str("# contains stat data\n"),
        Feature::SampleTime => {
            if let Some((first, last)) = features.sample_time {
                sample_times(first, last, text);
            }
        }
        Feature::CpuTopology | Feature::NumaTopology | Feature::Cache | Feature::MemTopology => {
            topology(feature, features, text);
        }
        _ => hardware(feature, features, utc_offset, text),
    }
}

fn events(features: &Features, text: &mut String) {
    for event in &features.event_desc {
        let _ = write!(text, "# event : name = {}, ", event.name);
        if !event.ids.is_empty() {
            let ids: Vec<String> = event.ids.iter().map(|id| format!(" {id}")).collect();
            let _ = write!(text, ", id = {{{} }}", ids.join(","));
        }
        for (name, value) in attr::fields(&event.attr) {
            let _ = write!(text, ", {name} = {value}");
        }
        text.push('\n');
    }
}

fn sample_times(first: u64, last: u64, text: &mut String) {
    let seconds = |time: u64| format!("{}.{:06}", time / 1_000_000_000, time % 1_000_000_000 / 1000);
    let duration = last.wrapping_sub(first) as f64 / 1e6;
    let _ = writeln!(text, "# time of first sample : {}\n# time of last sample : {}", seconds(first), seconds(last));
    let _ = writeln!(text, "# sample duration : {duration:10.3} ms");
}

fn topology(feature: Feature, features: &Features, text: &mut String) {
    match feature {
        Feature::CpuTopology => {
            let Some(found) = &features.cpu_topology else { return };
            let rows = [("sibling sockets", &found.packages), ("sibling dies   ", &found.dies)];
            for (name, sets) in rows.into_iter().chain([("sibling threads", &found.cores)]) {
                for set in sets {
                    let _ = writeln!(text, "# {name} : {set}");
                }
            }
            for (cpu, place) in found.cpus.iter().enumerate() {
                let die = place.die.filter(|_| !found.dies.is_empty()).map(|die| format!("Die ID {die}, "));
                let die = die.unwrap_or_default();
                let _ = writeln!(text, "# CPU {cpu}: Core ID {}, {die}Socket ID {}", place.core, place.package);
            }
        }
        Feature::NumaTopology => {
            for node in &features.numa {
                let (number, total, free) = (node.node, node.total_kib, node.free_kib);
                let _ = writeln!(text, "# node{number} meminfo  : total = {total} kB, free = {free} kB");
                let _ = writeln!(text, "# node{number} cpu list : {}", node.cpus);
            }
        }
        Feature::Cache => {
            text.push_str("# CPU cache info:\n");
            for cache in &features.caches {
                let _ = writeln!(text, "#  L{} {:<15} {:>8} [{}]", cache.level, cache.kind, cache.size, cache.cpus);
            }
        }
        _ => {
            let Some(found) = &features.mem_topology else { return };
            let (count, block) = (found.nodes.len(), found.block_size);
            let _ = writeln!(text, "# memory nodes (nr {count}, block size {block:#x}):");
            for node in &found.nodes {
                let blocks: u64 = node.set.iter().map(|word| u64::from(word.count_ones())).sum();
                let size = unit(block.saturating_mul(blocks));
                let _ = writeln!(text, "# {:4} [{size}]: {}", node.node, bits(&node.set));
            }
        }
    }
}

/// `24G`: as perf shortens sizes, down to two digits of the next unit.
fn unit(bytes: u64) -> String {
    let (mut count, mut unit) = (bytes, 0);
    while count / 1024 > 1 && unit < 3 {
        count /= 1024;
        unit += 1;
    }
    format!("{count}{}", ["B", "K", "M", "G"][unit])
}

/// `0-23,32-199`.
fn bits(words: &[u64]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    let set = |bit: &usize| words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
    for bit in (0..words.len() * 64).filter(set) {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == bit => *last = bit,
            _ => parts.push((bit, bit)),
        }
    }
    let part = |(from, to): &(usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

fn pairs(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

fn hardware(feature: Feature, features: &Features, utc_offset: i64, text: &mut String) {
    match feature {
        Feature::PmuMappings => {
            let all: Vec<String> =
                features.pmu_mappings.iter().map(|(number, name)| format!("{name} = {number}")).collect();
            let all = if all.is_empty() { "not available".to_owned() } else { all.join(", ") };
            let _ = writeln!(text, "# pmu mappings: {all}");
        }
        Feature::GroupDesc => groups(features, text),
        Feature::ClockId => {
            if let Some(resolution) = features.clockid_res_ns {
                let _ = writeln!(text, "# clockid frequency: {} MHz", resolution.saturating_mul(1000));
            }
        }
        Feature::DirFormat => {
            if let Some(version) = features.dir_format {
                let _ = writeln!(text, "# directory data version : {version}");
            }
        }
        Feature::Compressed => {
            if let Some(found) = features.compressed {
                let kind = if found.kind == 1 { "Zstd" } else { "Unknown" };
                let _ = writeln!(text, "# compressed : {kind}, level = {}, ratio = {}", found.level, found.ratio);
            }
        }
        Feature::CpuPmuCaps => {
            let all = pairs(&features.cpu_pmu_caps);
            let all = if all.is_empty() { "not available".to_owned() } else { all };
            let _ = writeln!(text, "# cpu pmu capabilities: {all}");
        }
        Feature::ClockData => clock(features, utc_offset, text),
        Feature::HybridTopology => {
            text.push_str("# hybrid cpu system:\n");
            for (name, cpus) in &features.hybrid {
                let _ = writeln!(text, "# {name} cpu list : {cpus}");
            }
        }
        Feature::PmuCaps => {
            for (name, caps) in &features.pmu_caps {
                let _ = writeln!(text, "# {name} pmu capabilities: {}", pairs(caps));
            }
        }
        _ => {}
    }
}

fn groups(features: &Features, text: &mut String) {
    for group in &features.groups {
        let first = group.leader as usize;
        let names = features.event_desc.iter().skip(first).take(group.members as usize);
        let names: Vec<&str> = names.map(|event| event.name.as_str()).collect();
        let name = if group.name == "{anon_group}" { "" } else { &group.name };
        let _ = writeln!(text, "# group: {name}{{{}}}", names.join(","));
    }
}

fn clock(features: &Features, utc_offset: i64, text: &mut String) {
    let Some(found) = features.clock_data else { return };
    let name = match found.clockid {
        0 => "realtime",
        1 => "monotonic",
        2 => "process_cputime_id",
        3 => "thread_cputime_id",
        4 => "monotonic_raw",
        7 => "boottime",
        11 => "clock_tai",
        _ => "(not found)",
    };
    let _ = writeln!(text, "# clockid: {name} ({})", found.clockid);
    let (wall, clock) = (found.wall_ns, found.clock_ns);
    let seconds = i64::try_from(wall / 1_000_000_000).unwrap_or_default();
    let moment = jiff::Timestamp::from_second(seconds.saturating_add(utc_offset)).unwrap_or_default();
    let moment = moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S");
    let (micros, nanos) = (wall % 1_000_000_000 / 1000, clock % 1_000_000_000);
    let clock = clock / 1_000_000_000;
    let _ = writeln!(
        text,
        "# reference time: {moment}.{micros:06} = {seconds}.{micros:06} (TOD) = {clock}.{nanos:09} ({name})"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_sizes_are_short() {
        assert_eq!(bits(&[0xff00_ffff, 0x2]), "0-15,24-31,65");
        assert_eq!((unit(24 << 30), unit(1500), unit(2 << 20)), ("24G".into(), "1500B".into(), "2M".into()));
        assert_eq!(date(1_795_703_667, 3600), "Thu Nov 26 15:34:27 2026");
    }
}
