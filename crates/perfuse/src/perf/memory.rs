//! Events that sample memory accesses with what became of them (`perf mem`, `perf c2c`), as CPUs have them:
//!
//! | CPU | event |
//! |---|---|
//! | Intel, POWER | `mem-loads` and `mem-stores` of the PMU of the cores, in sysfs (PEBS) |
//! | AMD | `ibs_op`, which samples loads and stores alike (IBS) |
//! | Arm | `arm_spe_0`: its samples come as AUX data, which are not recorded here (SPE) |

use std::ffi::OsString;

use perfuse_analyze::Msg;
use perfuse_collect::{Root, host};
use perfuse_format::event::Pmus;

use super::options::{Opt, Parsed, Takes};

/// Which accesses are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) loads: bool,
    pub(super) stores: bool,
    /// Least cycles of a load that is sampled, where the CPU can tell.
    pub(super) latency: u32,
}

/// Cycles from which loads are sampled where nothing is said: perf's own.
pub(super) const LATENCY: u32 = 30;

/// The events as `-e` takes them.
pub(super) fn events(host: &impl Pmus, wanted: Wanted) -> Result<Vec<String>, Msg> {
    // Hybrid CPUs have a PMU of that kind of core which samples memory best.
    for name in ["cpu", "cpu_core"] {
        let Some(pmu) = host.pmu(name).filter(|pmu| pmu.event("mem-loads").is_some()) else { continue };
        let mut events = Vec::new();
        if wanted.loads {
            let has_latency = pmu.formats.iter().any(|format| format.name == "ldlat");
            let latency = if has_latency { format!(",ldlat={}", wanted.latency) } else { String::new() };
            // Sapphire Rapids and later sample only beside an event that helps.
            events.push(match pmu.event("mem-loads-aux") {
                Some(_) => format!("{{{name}/mem-loads-aux/,{name}/mem-loads{latency}/}}:P"),
                None => format!("{name}/mem-loads{latency}/P"),
            });
        }
        if wanted.stores && pmu.event("mem-stores").is_some() {
            events.push(format!("{name}/mem-stores/P"));
        }
        if !events.is_empty() {
            return Ok(events);
        }
    }
    if host.pmu("ibs_op").is_some() {
        return Ok(vec!["ibs_op//".to_owned()]);
    }
    Err(Msg::new(if host.pmu("arm_spe_0").is_some() { "mem-spe" } else { "mem-no-events" }))
}

/// Why there are none, and what would give them.
pub(super) fn none(message: &Msg, root: &Root) -> Msg {
    let hypervisor = host::hypervisor(root);
    let where_to = if hypervisor.is_empty() { "mem-elsewhere" } else { "mem-elsewhere-guest" };
    let where_to = Msg::new(where_to).with("hypervisor", hypervisor);
    message.clone().with("elsewhere", perfuse_analyze::Arg::Msg(Box::new(where_to)))
}

/// Takes a command's own options out of words that are for another command, up to `--`: what was its own, and the rest.
pub(super) fn split(words: &[OsString], own: &'static [Opt]) -> (Parsed, Vec<OsString>) {
    let (mut parsed, mut rest) = (Parsed::default(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        if text == "--" {
            rest.push(word.clone());
            rest.extend(words.cloned());
            break;
        }
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (text, None),
        };
        let is_short =
            |option: &&Opt| option.short.is_some_and(|short| text.strip_prefix('-') == Some(&*short.to_string()));
        let is_long = |option: &&Opt| option.long.is_some_and(|long| name.strip_prefix("--") == Some(long));
        let glued = |option: &&Opt| {
            let value = option.short.and_then(|short| text.strip_prefix('-')?.strip_prefix(short));
            matches!(option.takes, Takes::Value(_)) && value.is_some_and(|value| !value.is_empty())
        };
        let Some(option) = own.iter().find(|option| is_short(option) || is_long(option) || glued(option)) else {
            rest.push(word.clone());
            continue;
        };
        let value = match option.takes {
            Takes::Nothing => None,
            _ if is_long(&option) && attached.is_some() => attached,
            _ if glued(&option) => text.get(2..).map(OsString::from),
            _ => words.next().cloned(),
        };
        parsed.given.push(super::options::Given { id: option.id(), value, negated: false });
    }
    (parsed, rest)
}

#[cfg(test)]
mod tests {
    use perfuse_collect::perf::pmu::HostEvents;
    use perfuse_format::event::{Events, Mode};

    use super::super::options::{switch, value};
    use super::*;

    const ALL: Wanted = Wanted { loads: true, stores: true, latency: LATENCY };

    /// A host whose PMUs have these files.
    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, HostEvents) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join("sys/bus/event_source/devices").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let host = HostEvents::new(&Root::at(root.path()));
        (root, host)
    }

    /// Type, config, config1 and the precision of each event.
    fn attrs(host: &HostEvents, wanted: Wanted) -> Vec<(u32, u64, u64, u8)> {
        let mut all = Events::new(host, Mode::Record);
        for text in events(host, wanted).unwrap() {
            all.add(&text).unwrap();
        }
        let specs = all.finish();
        let one = |spec: &perfuse_format::event::EventSpec| {
            (spec.attr.kind, spec.attr.config, spec.attr.config1, u8::from(spec.precise_max))
        };
        specs.iter().map(one).collect()
    }

    #[test]
    fn events_of_intel_are_encoded_as_sysfs_says() {
        let skylake = [
            ("cpu/type", "4"),
            ("cpu/format/event", "config:0-7"),
            ("cpu/format/umask", "config:8-15"),
            ("cpu/format/ldlat", "config1:0-15"),
            ("cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3"),
            ("cpu/events/mem-stores", "event=0xd0,umask=0x82"),
        ];
        let (_root, host) = host(&skylake);
        // The kernel's own latency, 3, and the one that is asked for come together, as in perf: 30 | 3 is 31.
        assert_eq!(attrs(&host, ALL), [(4, 0x1cd, 31, 1), (4, 0x82d0, 0, 1)]);
        let stores = Wanted { loads: false, ..ALL };
        assert_eq!(attrs(&host, stores), [(4, 0x82d0, 0, 1)]);
        let slow = Wanted { stores: false, latency: 200, ..ALL };
        assert_eq!(attrs(&host, slow), [(4, 0x1cd, 203, 1)]);
    }

    #[test]
    fn newer_ones_need_an_event_beside_it() {
        let (_root, host) = host(&[
            ("cpu/type", "4"),
            ("cpu/format/event", "config:0-7"),
            ("cpu/format/umask", "config:8-15"),
            ("cpu/format/ldlat", "config1:0-15"),
            ("cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=3"),
            ("cpu/events/mem-loads-aux", "event=0x03,umask=0x82"),
        ]);
        assert_eq!(events(&host, ALL).unwrap(), ["{cpu/mem-loads-aux/,cpu/mem-loads,ldlat=30/}:P"]);
        assert_eq!(attrs(&host, ALL), [(4, 0x8203, 0, 1), (4, 0x1cd, 31, 1)]);
    }

    #[test]
    fn amd_has_one_event_for_both() {
        let (_root, host) = host(&[("ibs_op/type", "11"), ("ibs_op/format/cnt_ctl", "config:19")]);
        assert_eq!(attrs(&host, ALL), [(11, 0, 0, 0)]);
    }

    #[test]
    fn where_there_is_none_it_is_said_why() {
        let (_root, nothing) = host(&[("cpu/type", "4")]);
        assert_eq!(events(&nothing, ALL).unwrap_err().id, "mem-no-events");
        let (_root, arm) = host(&[("arm_spe_0/type", "9")]);
        assert_eq!(events(&arm, ALL).unwrap_err().id, "mem-spe");
    }

    #[test]
    fn own_options_are_told_from_those_that_are_passed_on() {
        const OWN: &[Opt] = &[value('t', "type", "type"), switch('p', "phys-data"), value('l', "ldlat", "n")];
        let words: Vec<OsString> =
            "-t load -a -l50 --ldlat=7 -p -F 99 -- prog -p".split(' ').map(OsString::from).collect();
        let (own, rest) = split(&words, OWN);
        assert_eq!((own.text("type").as_deref(), own.text("ldlat").as_deref()), (Some("load"), Some("7")));
        assert!(own.on("phys-data"));
        assert_eq!(rest, ["-a", "-F", "99", "--", "prog", "-p"]);
        assert_eq!(split(&[OsString::from("-t")], OWN).0.text("type"), None);
    }
}
