//! The JSON of `perf data convert --to-json`.

use std::fmt::Write as _;

use perfuse_analyze::resolve::{FrameId, Names, Resolver};
use perfuse_analyze::session::Dso;
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::{CpuMode, PerfData, Sample};

use super::script::dso_name;
use crate::report::rfc3339;

/// Numbers from here on are no addresses, but tell of what the ones behind them are (`PERF_CONTEXT_MAX`).
const CONTEXT: u64 = (-4095_i64).cast_unsigned();

/// Writes samples one by one.
#[derive(Debug)]
pub struct JsonSamples {
    any: bool,
    /// Whether some event tells CPUs: then the others have one that is unknown.
    cpus: bool,
}

impl JsonSamples {
    /// Begins with what the header tells; `changed` is when the file was, in seconds since 1970.
    pub fn begin(data: &PerfData<'_>, changed: i64, out: &mut String) -> Self {
        let features = &data.features;
        let text = |name: &str, value: &str| format!("\t\t\"{name}\": {}", quoted(value));
        let number = |name: &str, value: u64| format!("\t\t\"{name}\": {value}");
        let time = u64::try_from(changed).unwrap_or(0).saturating_mul(1_000_000_000);
        // Whole seconds.
        let captured = rfc3339(time).split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z";
        let mut lines = vec![
            number("header-version", 1),
            text("captured-on", &captured),
            number("data-offset", data.header.data.offset),
            number("data-size", data.header.data.size),
            number("feat-offset", data.header.data.end()),
        ];
        for (name, value) in [
            ("hostname", &features.hostname),
            ("os-release", &features.os_release),
            ("arch", &features.arch),
            ("cpu-desc", &features.cpu_desc),
            ("cpuid", &features.cpu_id),
        ] {
            lines.extend(value.as_deref().map(|value| text(name, value)));
        }
        if let Some(cpus) = features.cpus {
            lines.push(number("nrcpus-online", cpus.online.into()));
            lines.push(number("nrcpus-avail", cpus.available.into()));
        }
        lines.extend(features.version.as_deref().map(|version| text("perf-version", version)));
        if !features.cmdline.is_empty() {
            let words: Vec<String> = features.cmdline.iter().map(|word| format!("\t\t\t{}", quoted(word))).collect();
            lines.push(format!("\t\t\"cmdline\": [\n{}\n\t\t]", words.join(",\n")));
        }
        // Writing to a string does not fail.
        let _ = write!(out, "{{\n\t\"linux-perf-json-version\": 1,\n\t\"headers\": {{\n{}\n\t}},\n", lines.join(",\n"));
        out.push_str("\t\"samples\": [");
        Self { any: false, cpus: data.events.iter().any(|event| event.attr.samples(sample_type::CPU)) }
    }

    /// One sample.
    pub fn sample<N: Names>(&mut self, resolver: &mut Resolver<N>, sample: &Sample<'_>, out: &mut String) {
        out.push_str(if self.any { ",\n\t\t{" } else { "\n\t\t{" });
        self.any = true;
        let comm = resolver.comm(sample.tid);
        let _ = write!(out, "\n\t\t\t\"timestamp\": {},", sample.time);
        let _ = write!(out, "\n\t\t\t\"pid\": {},\n\t\t\t\"tid\": {},", sample.pid, sample.tid);
        if self.cpus {
            let told = sample.fields & sample_type::CPU != 0;
            let cpu = if told { i64::from(sample.cpu) } else { -1 };
            let _ = write!(out, "\n\t\t\t\"cpu\": {cpu},");
        }
        let _ = write!(out, "\n\t\t\t\"comm\": {},\n\t\t\t\"callchain\": [", quoted(resolver.comm_name(comm)));
        if sample.fields & sample_type::CALLCHAIN == 0 {
            let place = resolver.place(sample);
            entry(resolver, sample.ip, place, out);
        } else {
            let (mut mode, mut first) = (CpuMode::User, true);
            for ip in sample.callchain.iter() {
                if ip >= CONTEXT {
                    mode = context(ip, mode);
                    continue;
                }
                if !first {
                    out.push(',');
                }
                first = false;
                let place = resolver.at(sample.pid, mode, ip);
                entry(resolver, ip, place, out);
            }
        }
        out.push_str("\n\t\t\t]\n\t\t}");
    }

    /// The end.
    pub fn end(self, out: &mut String) {
        out.push_str("\n\t]\n}\n");
    }
}

/// What a marker of a call chain says of the addresses behind it (`PERF_CONTEXT_*`).
fn context(marker: u64, before: CpuMode) -> CpuMode {
    match marker.cast_signed() {
        -32 => CpuMode::Hypervisor,
        -128 => CpuMode::Kernel,
        -512 => CpuMode::User,
        _ => before,
    }
}

/// An address with its function. The file is told only with the function, as by perf.
fn entry<N: Names>(resolver: &Resolver<N>, ip: u64, place: FrameId, out: &mut String) {
    let _ = write!(out, "\n\t\t\t\t{{\n\t\t\t\t\t\"ip\": \"{ip:#x}\"");
    let dso = resolver.frame(place).dso.and_then(|dso| resolver.session().dso_of(dso));
    if let Some(symbol) = resolver.function(place) {
        let _ = write!(out, ",\n\t\t\t\t\t\"symbol\": {}", quoted(symbol));
        let dso = dso.map(short).unwrap_or_default();
        let _ = write!(out, ",\n\t\t\t\t\t\"dso\": {}", quoted(&dso));
    }
    out.push_str("\n\t\t\t\t}");
}

fn short(dso: &Dso) -> String {
    let name = dso_name(dso);
    if name.starts_with('[') { name } else { name.rsplit('/').next().unwrap_or(&name).to_owned() }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::resolve::{NoNames, Options};
    use perfuse_format::perfdata::U64s;
    use perfuse_format::perfdata::attr::Endian;

    use super::*;

    #[test]
    fn what_is_written_is_json() {
        let mut resolver = Resolver::new(NoNames, Options::default());
        let mut out = String::from("{\"samples\": [");
        let mut json = JsonSamples { any: false, cpus: true };
        let chain: Vec<u8> = [(-128_i64).cast_unsigned(), 5, (-512_i64).cast_unsigned(), 6]
            .iter()
            .flat_map(|number: &u64| number.to_le_bytes())
            .collect();
        let sample = Sample {
            fields: sample_type::CALLCHAIN,
            time: u64::MAX,
            callchain: U64s::new(&chain, Endian::Little),
            ..Sample::default()
        };
        json.sample(&mut resolver, &sample, &mut out);
        json.sample(&mut resolver, &Sample { ip: 7, ..Sample::default() }, &mut out);
        json.end(&mut out);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["samples"][0]["callchain"].as_array().unwrap().len(), 2);
        assert_eq!(value["samples"][0]["cpu"], -1);
        assert_eq!(value["samples"][1]["callchain"][0]["ip"], "0x7");
        assert_eq!(quoted("a\"\n"), "\"a\\\"\\n\"");
    }
}
