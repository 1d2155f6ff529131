//! What a host offers: its PMUs, their formats and named events, and its tracepoints. The grammar asks through the
//! trait [`Pmus`]; the crate that may read `/sys` answers, and tests answer from memory.

use thiserror::Error;

use crate::vendor::VendorEvent;

/// Which word of `perf_event_attr` a format field goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `config`.
    Config,
    /// `config1`.
    Config1,
    /// `config2`.
    Config2,
    /// `config3`.
    Config3,
}

/// One file below `/sys/bus/event_source/devices/PMU/format`: where the bits of a term go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Name of the term.
    pub name: String,
    /// The word.
    pub word: Word,
    /// The bits of the word that hold the value, as a mask; the lowest bit of the value goes to the lowest bit of it.
    pub mask: u64,
}

impl Format {
    /// Parses the file's text, such as `config:0-7,32-35`; `None` when it is not of that form, which leaves the term
    /// unknown (Documentation/ABI/testing/sysfs-bus-event_source-devices-format).
    pub fn parse(name: &str, text: &str) -> Option<Self> {
        let (word, ranges) = text.trim().split_once(':')?;
        let word = match word {
            "config" => Word::Config,
            "config1" => Word::Config1,
            "config2" => Word::Config2,
            "config3" => Word::Config3,
            _ => return None,
        };
        let mut mask = 0_u64;
        for range in ranges.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
            if first > last || last > 63 {
                return None;
            }
            mask |= (u64::MAX >> (63 - (last - first))) << first;
        }
        Some(Self { name: name.to_owned(), word, mask })
    }

    /// The largest value that fits.
    pub fn max(&self) -> u64 {
        match self.mask.count_ones() {
            0 => 0,
            bits => u64::MAX >> (64 - bits),
        }
    }

    /// The bits of `value` at their places in the word; bits that do not fit are left out.
    pub fn spread(&self, value: u64) -> u64 {
        let (mut rest, mut word, mut value) = (self.mask, 0, value);
        while rest != 0 {
            let lowest = rest & rest.wrapping_neg();
            if value & 1 != 0 {
                word |= lowest;
            }
            value >>= 1;
            rest ^= lowest;
        }
        word
    }
}

/// One file below `/sys/bus/event_source/devices/PMU/events`, with the files beside it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PmuEvent {
    /// Name of the event.
    pub name: String,
    /// The terms that it stands for, such as `event=0x3c,umask=0x01`.
    pub terms: String,
    /// `NAME.scale`: what a count is multiplied with.
    pub scale: Option<f64>,
    /// `NAME.unit`: the unit of the product.
    pub unit: Option<String>,
    /// `NAME.per-pkg`: the event counts for a whole package.
    pub per_package: bool,
    /// `NAME.snapshot`: the value is a state, not a count.
    pub snapshot: bool,
}

/// One directory below `/sys/bus/event_source/devices`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pmu {
    /// Name of the directory.
    pub name: String,
    /// `type`: the value for `perf_event_attr.type`.
    pub kind: u32,
    /// `format/*`, by name.
    pub formats: Vec<Format>,
    /// `events/*`, by name.
    pub events: Vec<PmuEvent>,
    /// `cpumask` (or `cpus` of a PMU that only some CPUs have): the list of CPUs on which the event is opened.
    pub cpus: Option<String>,
    /// `alias`: another name for the same PMU.
    pub alias: Option<String>,
}

impl Pmu {
    /// The format field with this name.
    pub fn format(&self, name: &str) -> Option<&Format> {
        self.formats.iter().find(|format| format.name == name)
    }

    /// The named event; upper and lower case are the same, as in perf.
    pub fn event(&self, name: &str) -> Option<&PmuEvent> {
        self.events.iter().find(|event| event.name.eq_ignore_ascii_case(name))
    }

    /// Whether it is the PMU of a CPU's cores, which also knows the general hardware names.
    pub fn is_core(&self) -> bool {
        self.name == "cpu" || self.name.starts_with("cpu_") || self.name.starts_with("armv")
    }
}

/// Why something about tracepoints cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TraceDenied {
    /// No tracefs in the usual places.
    #[error("tracefs is not mounted (mount -t tracefs nodev /sys/kernel/tracing)")]
    NotMounted,
    /// No such file.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The file exists but may not be read.
    #[error("{0} may not be read by this user (it takes root, or read and search permission on tracefs)")]
    Permission(String),
    /// Reading failed in another way, or the content is not what belongs there.
    #[error("{path}: {error}")]
    Other {
        /// The file.
        path: String,
        /// What was wrong.
        error: String,
    },
}

/// The host as the event grammar needs it.
pub trait Pmus {
    /// Names of all PMUs, in alphabetical order.
    fn pmu_names(&self) -> Vec<String>;
    /// One PMU; `None` when there is none of this name.
    fn pmu(&self, name: &str) -> Option<Pmu>;
    /// Names of the tracepoint systems, in the order of the directory.
    fn systems(&self) -> Result<Vec<String>, TraceDenied>;
    /// Names of the tracepoints of a system, in the order of the directory, which is also perf's.
    fn tracepoints(&self, system: &str) -> Result<Vec<String>, TraceDenied>;
    /// The id of a tracepoint, the `config` of its event.
    fn tracepoint_id(&self, system: &str, name: &str) -> Result<u64, TraceDenied>;
    /// Events of the CPU's model from its maker's tables, which sysfs does not name; none without tables. They are asked
    /// for once nothing else has a name.
    fn vendor_events(&self) -> &[VendorEvent] {
        &[]
    }
}

/// A host that offers what it was given: for tests, and where no host can be asked.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// The PMUs.
    pub pmus: Vec<Pmu>,
    /// System, name and id of the tracepoints.
    pub tracepoints: Vec<(String, String, u64)>,
    /// Events of a vendor's table.
    pub vendor: Vec<VendorEvent>,
}

impl Pmus for Offered {
    fn pmu_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.pmus.iter().map(|pmu| pmu.name.clone()).collect();
        names.sort_unstable();
        names
    }

    fn pmu(&self, name: &str) -> Option<Pmu> {
        self.pmus.iter().find(|pmu| pmu.name == name).cloned()
    }

    fn systems(&self) -> Result<Vec<String>, TraceDenied> {
        let mut systems: Vec<_> = self.tracepoints.iter().map(|(system, ..)| system.clone()).collect();
        systems.dedup();
        Ok(systems)
    }

    fn tracepoints(&self, system: &str) -> Result<Vec<String>, TraceDenied> {
        let of_system = self.tracepoints.iter().filter(|(of, ..)| of == system);
        let names: Vec<_> = of_system.map(|(_, name, _)| name.clone()).collect();
        if names.is_empty() { Err(TraceDenied::NotFound(format!("events/{system}"))) } else { Ok(names) }
    }

    fn tracepoint_id(&self, system: &str, name: &str) -> Result<u64, TraceDenied> {
        let found = self.tracepoints.iter().find(|(of, event, _)| of == system && event == name);
        found.map(|(.., id)| *id).ok_or_else(|| TraceDenied::NotFound(format!("events/{system}/{name}")))
    }

    fn vendor_events(&self) -> &[VendorEvent] {
        &self.vendor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_spread_values_over_their_bits() {
        let split = Format::parse("event", "config:0-7,32-35\n").unwrap();
        assert_eq!((split.word, split.mask, split.max()), (Word::Config, 0xf_0000_00ff, 0xfff));
        assert_eq!(split.spread(0xabc), 0xa_0000_00bc);
        let all = Format::parse("event", "config1:0-63").unwrap();
        assert_eq!((all.mask, all.max(), all.spread(u64::MAX)), (u64::MAX, u64::MAX, u64::MAX));
        let one = Format::parse("inv", "config:23").unwrap();
        assert_eq!((one.max(), one.spread(1)), (1, 1 << 23));
        for odd in ["", "config", "config:", "config:64", "config:9-8", "other:1", "config:0-7,", "config:-1"] {
            assert_eq!(Format::parse("x", odd), None, "{odd}");
        }
    }
}
