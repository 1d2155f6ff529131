//! Event tables of CPU makers on this machine: found for the CPU that it has, and read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use perfuse_format::vendor::{MapFile, Table, VendorEvent, VendorMetric, file_fits};

use super::cpus;
use crate::root::Root;

/// Largest table that is read, in bytes; the largest public one has some 10 MB.
const LARGEST: u64 = 64 << 20;
/// Most tables of one CPU.
const MOST_FILES: usize = 512;

/// Where tables may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TablePlaces {
    /// A directory or file that the user named: what is in it is for this CPU when nothing in it says for which.
    pub named: Option<PathBuf>,
    /// The usual directories; the first with a table for this CPU is taken.
    pub usual: Vec<PathBuf>,
}

/// What is known of this CPU's model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VendorTables {
    /// The directory or file that it comes from; none when there is no table.
    pub source: Option<PathBuf>,
    /// Events.
    pub events: Vec<VendorEvent>,
    /// Metrics.
    pub metrics: Vec<VendorMetric>,
    /// Files that could not be read, and why.
    pub problems: Vec<(PathBuf, String)>,
    /// Entries of tables that were not understood.
    pub skipped: usize,
}

/// The CPU as tables name it: `GenuineIntel-6-55-4` (vendor, family, model and stepping), on ARM the main id register
/// without variant and revision. `None` where the kernel does not tell.
pub fn cpu_name(root: &Root) -> Option<String> {
    use std::io::Read as _;
    let mut first = Vec::new();
    fs::File::open(root.join("/proc/cpuinfo")).ok()?.take(4096).read_to_end(&mut first).ok()?;
    let text = String::from_utf8_lossy(&first).into_owned();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim_end() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    if let (Some(vendor), Some(family), Some(model)) = (value("vendor_id"), value("cpu family"), value("model")) {
        let stepping = value("stepping").and_then(|stepping| stepping.parse::<u32>().ok()).unwrap_or(0);
        return Some(format!("{vendor}-{family}-{:X}-{stepping:X}", model.parse::<u32>().ok()?));
    }
    let register = root.join("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1");
    let text = fs::read_to_string(register).ok()?;
    let register = u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()?;
    Some(format!("{:#018x}", register & !0x00f0_000f))
}

impl VendorTables {
    /// The tables of a CPU.
    pub fn read(places: &TablePlaces, cpu: &str) -> Self {
        let mut tables = Self::default();
        if let Some(named) = &places.named {
            tables.take(named, cpu);
            if tables.source.is_none() {
                // A single table, or the directory of one model.
                let files = if named.is_dir() { json_files(named) } else { vec![named.clone()] };
                tables.read_all(named, &files);
            }
            return tables;
        }
        for directory in &places.usual {
            tables.take(directory, cpu);
            if tables.source.is_some() {
                break;
            }
        }
        tables
    }

    /// Looks through one directory: what its map says, or the names of its files.
    fn take(&mut self, directory: &Path, cpu: &str) {
        const INSIDE: [&str; 3] = ["", "arch", "tools/perf/pmu-events/arch"];
        let architecture = match std::env::consts::ARCH {
            "x86_64" | "x86" => "x86",
            "aarch64" => "arm64",
            "s390x" => "s390",
            "powerpc64" => "powerpc",
            "riscv64" => "riscv",
            other => other,
        };
        for inside in INSIDE {
            for home in [directory.join(inside), directory.join(inside).join(architecture)] {
                if self.by_map(&home, cpu) {
                    return;
                }
            }
        }
        let fitting: Vec<PathBuf> = json_files(directory)
            .into_iter()
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| file_fits(name, cpu).is_some())
            })
            .collect();
        self.read_all(directory, &fitting);
    }

    /// Reads what `mapfile.csv` of a directory names for the CPU: for each kind of table the first line that fits.
    fn by_map(&mut self, home: &Path, cpu: &str) -> bool {
        let Ok(bytes) = read_file(&home.join("mapfile.csv")) else { return false };
        let mut kinds: BTreeSet<String> = BTreeSet::new();
        let mut files = Vec::new();
        let mut source = home.to_owned();
        for entry in MapFile::parse(&bytes).entries {
            // A map must not lead out of its directory.
            if entry.path.split('/').any(|part| part == "..") || kinds.contains(&entry.kind) || !entry.fits(cpu) {
                continue;
            }
            let path = home.join(&entry.path);
            if path.is_dir() {
                files.extend(json_files(&path));
                source = path;
            } else if path.is_file() {
                files.push(path);
            } else {
                continue;
            }
            kinds.insert(entry.kind);
        }
        self.read_all(&source, &files);
        if self.events.iter().any(|event| event.standard.is_some()) {
            self.fill_in(&json_files(home));
        }
        !files.is_empty()
    }

    fn read_all(&mut self, source: &Path, files: &[PathBuf]) {
        for path in files.iter().take(MOST_FILES) {
            if let Some(table) = self.table(path) {
                self.events.extend(table.events);
                self.metrics.extend(table.metrics);
                self.skipped += table.skipped.len();
                self.source.get_or_insert_with(|| source.to_owned());
            }
        }
    }

    fn table(&mut self, path: &Path) -> Option<Table> {
        let topic = path.file_stem().unwrap_or_default().to_string_lossy();
        let table = read_file(path)
            .map_err(|error| error.to_string())
            .and_then(|bytes| Table::parse(&bytes, &topic).map_err(|error| error.to_string()));
        table.map_err(|error| self.problems.push((path.to_owned(), error))).ok()
    }

    /// Completes events that stand for one of the architecture.
    fn fill_in(&mut self, files: &[PathBuf]) {
        let standards: Vec<VendorEvent> =
            files.iter().take(MOST_FILES).filter_map(|path| self.table(path)).flat_map(|table| table.events).collect();
        for event in &mut self.events {
            let Some(name) = &event.standard else { continue };
            let Some(known) = standards.iter().find(|known| known.name == *name && known.standard.is_none()) else {
                continue;
            };
            for (own, common) in
                [(&mut event.terms, &known.terms), (&mut event.brief, &known.brief), (&mut event.long, &known.long)]
            {
                if own.is_empty() {
                    own.clone_from(common);
                }
            }
        }
    }
}

/// The JSON files of a directory, sorted by name.
fn json_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort_unstable();
    files
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    // A pipe among the tables would be waited for without end.
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A constant of the system that formulas of metrics name after a `#`; `None` when it is not known, or not on this
/// machine.
pub fn constant(root: &Root, name: &str) -> Option<f64> {
    let text = |path: &str| fs::read_to_string(root.join(path)).ok();
    let distinct = |part: fn(&perfuse_format::perfdata::CpuPosition) -> (i32, i32, i32)| {
        let all: BTreeSet<_> = cpus::positions(root).values().map(part).collect();
        (!all.is_empty()).then_some(all.len() as f64)
    };
    match name {
        "smt_on" => text("/sys/devices/system/cpu/smt/active")?.trim().parse().ok(),
        "num_cpus" => Some(cpus::parse_list(text("/sys/devices/system/cpu/present")?.as_bytes())?.len() as f64),
        "num_cpus_online" => Some(cpus::online(root).len() as f64),
        "num_cores" => distinct(|position| (position.socket, position.die, position.core)),
        "num_dies" => distinct(|position| (position.socket, position.die, 0)),
        "num_packages" => distinct(|position| (position.socket, 0, 0)),
        "system_tsc_freq" => {
            // What the maker's name of the CPU says: `... @ 2.60GHz`.
            let text = text("/proc/cpuinfo")?;
            let name = text.lines().find(|line| line.starts_with("model name"))?;
            let number = name.rsplit_once('@')?.1.trim().strip_suffix("GHz")?;
            Some(number.trim().parse::<f64>().ok()? * 1e9)
        }
        "slots" => {
            let devices = fs::read_dir(root.join("/sys/bus/event_source/devices")).ok()?;
            let slots = devices.filter_map(Result::ok).find_map(|device| {
                let text = fs::read_to_string(device.path().join("caps/slots")).ok()?;
                u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
            })?;
            Some(slots as f64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(directory: &Path, path: &str, content: &str) {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    const EVENT: &str = r#"[{"EventName": "NAME", "EventCode": "0x51"}]"#;

    fn read(directory: &Path, cpu: &str) -> VendorTables {
        VendorTables::read(&TablePlaces { named: None, usual: vec![directory.to_owned()] }, cpu)
    }

    fn names(tables: &VendorTables) -> Vec<&str> {
        tables.events.iter().map(|event| event.name.as_str()).collect()
    }

    #[test]
    fn the_kernels_tables_are_found_by_their_map() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        let map = "Family-model,Version,Filename,EventType\nGenuineIntel-6-3F,v1,../secret,core\nGenuineIntel-6-3[EF],v1,model,core\nGenuineIntel-6-.*,v1,other,core\n";
        put(at, "arch/x86/mapfile.csv", map);
        put(at, "arch/x86/model/cache.json", &EVENT.replace("NAME", "ONE"));
        put(at, "arch/x86/model/broken.json", "[");
        put(at, "arch/x86/other/cache.json", &EVENT.replace("NAME", "OTHER"));
        put(at, "arch/secret/cache.json", &EVENT.replace("NAME", "SECRET"));
        if cfg!(any(target_arch = "x86_64", target_arch = "x86")) {
            let tables = read(at, "GenuineIntel-6-3F-2");
            assert_eq!(names(&tables), ["one"]);
            assert_eq!(tables.source, Some(at.join("arch/x86/model")));
            assert_eq!(tables.problems.len(), 1);
            assert_eq!(names(&read(at, "GenuineIntel-6-55-4")), ["other"]);
        }
        assert_eq!(read(at, "AuthenticAMD-25-1-1"), VendorTables::default());
    }

    #[test]
    fn files_of_pmu_tools_are_found_by_their_names() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        put(
            at,
            "mapfile.csv",
            "Family-model,Version,Filename,EventType\nGenuineIntel-6-55-[4],V1,/SKX/skx_core.json,core\n",
        );
        let perfmon = r#"{"Header": {}, "Events": [{"EventName": "CORE", "EventCode": "1"}]}"#;
        put(at, "GenuineIntel-6-55-[4]-core.json", perfmon);
        put(at, "GenuineIntel-6-55-[4]-uncore.json", &EVENT.replace("NAME", "UNCORE"));
        put(at, "GenuineIntel-6-3F-core.json", &EVENT.replace("NAME", "OTHER"));
        assert_eq!(names(&read(at, "GenuineIntel-6-55-4")), ["core", "uncore"]);
    }

    #[test]
    fn a_named_table_is_taken_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), "mine.json", &EVENT.replace("NAME", "MINE"));
        for named in [home.path().join("mine.json"), home.path().to_owned()] {
            let places = TablePlaces { named: Some(named.clone()), usual: Vec::new() };
            let tables = VendorTables::read(&places, "any");
            assert_eq!((names(&tables), tables.source.as_ref()), (vec!["mine"], Some(&named)));
        }
        let places = TablePlaces { named: Some(home.path().join("nosuch.json")), usual: Vec::new() };
        let nothing = VendorTables::read(&places, "any");
        assert_eq!((nothing.source, nothing.problems.len()), (None, 1));
    }

    #[test]
    fn events_of_the_architecture_complete_those_of_a_model() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path();
        put(at, "mapfile.csv", "0x00000000410fd030,v1,arm/cortex-a53,core\n");
        put(
            at,
            "armv8-common.json",
            r#"[{"EventName": "L1D_CACHE", "EventCode": "0x04", "BriefDescription": "Accesses"}]"#,
        );
        put(at, "arm/cortex-a53/cache.json", r#"[{"ArchStdEvent": "L1D_CACHE"}]"#);
        let tables = read(at, "0x00000000410fd030");
        assert_eq!(names(&tables), ["l1d_cache"]);
        assert_eq!((tables.events[0].terms.as_str(), tables.events[0].brief.as_str()), ("event=0x4", "Accesses"));
    }

    #[test]
    fn cpus_are_named_as_tables_name_them() {
        let home = tempfile::tempdir().unwrap();
        let root = Root::at(home.path());
        assert_eq!(cpu_name(&root), None);
        put(home.path(), "sys/devices/system/cpu/cpu0/regs/identification/midr_el1", "0x00000000411fd034\n");
        put(home.path(), "proc/cpuinfo", "processor\t: 0\n");
        assert_eq!(cpu_name(&root).as_deref(), Some("0x00000000410fd030"));
        let x86 = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: x @ 2.50GHz\nstepping\t: 10\n";
        put(home.path(), "proc/cpuinfo", x86);
        assert_eq!(cpu_name(&root).as_deref(), Some("GenuineIntel-6-55-A"));
        assert_eq!(constant(&root, "system_tsc_freq"), Some(2.5e9));
        put(home.path(), "sys/devices/system/cpu/smt/active", "1\n");
        put(home.path(), "sys/devices/system/cpu/present", "0-7\n");
        assert_eq!((constant(&root, "smt_on"), constant(&root, "num_cpus")), (Some(1.0), Some(8.0)));
        assert_eq!(constant(&root, "nosuch"), None);
    }
}
