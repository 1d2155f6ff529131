//! What a recording's header tells of the host, read once from `/proc` and `/sys`.

use std::path::Path;

use perfuse_format::parse::{fields, hex, unsigned};
use perfuse_format::perfdata::features::{
    Cache, CpuCounts, CpuPlace, CpuTopology, Features, MemNode, MemTopology, NumaNode,
};

use crate::perf::cpus::parse_list;
use crate::root::Root;

const CPUS: &str = "/sys/devices/system/cpu";
const NODES: &str = "/sys/devices/system/node";
/// More cache levels than any CPU has.
const MOST_CACHES: usize = 16;

/// Fills in everything that is about the host.
pub fn describe(root: &Root, features: &mut Features) {
    let name = rustix::system::uname();
    let text = |text: &std::ffi::CStr| Some(text.to_string_lossy().into_owned());
    features.hostname = text(name.nodename());
    features.os_release = text(name.release());
    features.arch = text(name.machine());
    let listed = |file: &str| read(root, &format!("{CPUS}/{file}")).and_then(|list| parse_list(list.as_bytes()));
    let online = listed("online").unwrap_or_else(|| vec![0]);
    let present = listed("present").unwrap_or_else(|| online.clone());
    let count = |cpus: &[i32]| u32::try_from(cpus.len()).unwrap_or(u32::MAX);
    features.cpus = Some(CpuCounts { available: count(&present), online: count(&online) });
    processor(root, features);
    features.total_mem_kib = read(root, "/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        unsigned(fields(line.as_bytes()).next()?)
    });
    features.cpu_topology = Some(topology(root, &present));
    features.numa = numa(root);
    features.pmu_mappings = pmus(root);
    features.caches = caches(root, &online);
    features.mem_topology = memory(root);
}

/// A small file as text, without the end of its last line.
fn read(root: &Root, path: &str) -> Option<String> {
    let text = std::fs::read(root.join(path)).ok()?;
    Some(String::from_utf8_lossy(text.trim_ascii_end()).into_owned())
}

/// Model and id of the first CPU; the others' are not read, since `/proc/cpuinfo` is long on large hosts.
fn processor(root: &Root, features: &mut Features) {
    use std::io::Read as _;
    let mut first = [0; 4096];
    let length = std::fs::File::open(root.join("/proc/cpuinfo")).and_then(|mut file| file.read(&mut first));
    let text = String::from_utf8_lossy(&first[..length.unwrap_or(0)]).into_owned();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim_end() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    features.cpu_desc = value("model name").or_else(|| value("CPU part")).or_else(|| value("cpu"));
    let parts = ["vendor_id", "cpu family", "model", "stepping"].map(value);
    features.cpu_id = if let [Some(vendor), Some(family), Some(model), Some(stepping)] = parts {
        Some(format!("{vendor},{family},{model},{stepping}"))
    } else {
        // What perf calls the id of an ARM core: its main id register.
        read(root, &format!("{CPUS}/cpu0/regs/identification/midr_el1"))
    };
}

fn topology(root: &Root, cpus: &[i32]) -> CpuTopology {
    let mut topology = CpuTopology::default();
    let list = |cpu: i32, names: [&str; 2]| {
        names.iter().find_map(|name| read(root, &format!("{CPUS}/cpu{cpu}/topology/{name}")))
    };
    let number =
        |cpu: i32, name: &str| -> Option<i32> { read(root, &format!("{CPUS}/cpu{cpu}/topology/{name}"))?.parse().ok() };
    let add = |lists: &mut Vec<String>, list: Option<String>| {
        if let Some(list) = list.filter(|list| !lists.contains(list)) {
            lists.push(list);
        }
    };
    let has_dies = number(0, "die_id").is_some_and(|die| die >= 0);
    for &cpu in cpus {
        add(&mut topology.packages, list(cpu, ["package_cpus_list", "core_siblings_list"]));
        add(&mut topology.cores, list(cpu, ["core_cpus_list", "thread_siblings_list"]));
        if has_dies {
            add(&mut topology.dies, list(cpu, ["die_cpus_list", "die_cpus_list"]));
        }
        topology.cpus.push(CpuPlace {
            core: number(cpu, "core_id").unwrap_or(-1),
            package: number(cpu, "physical_package_id").unwrap_or(-1),
            die: has_dies.then(|| number(cpu, "die_id").unwrap_or(-1)),
        });
    }
    topology
}

fn numa(root: &Root) -> Vec<NumaNode> {
    let online = read(root, &format!("{NODES}/online")).and_then(|list| parse_list(list.as_bytes()));
    let one = |node: i32| {
        let text = read(root, &format!("{NODES}/node{node}/meminfo"))?;
        let value = |name: &str| {
            let line = text.lines().find(|line| line.contains(name))?;
            unsigned(fields(line.as_bytes()).nth(3)?)
        };
        Some(NumaNode {
            node: u32::try_from(node).ok()?,
            total_kib: value("MemTotal:")?,
            free_kib: value("MemFree:")?,
            cpus: read(root, &format!("{NODES}/node{node}/cpulist"))?,
        })
    };
    online.unwrap_or_default().into_iter().filter_map(one).collect()
}

/// Type and name of each PMU, in the order of the directory, as in perf.
fn pmus(root: &Root) -> Vec<(u32, String)> {
    let directory = "/sys/bus/event_source/devices";
    let entries = std::fs::read_dir(root.join(directory)).into_iter().flatten().flatten();
    let one = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some((read(root, &format!("{directory}/{name}/type"))?.parse().ok()?, name))
    };
    entries.filter_map(one).collect()
}

/// Each cache once, by level. Whoever shares one that is known already is not asked about it.
fn caches(root: &Root, cpus: &[i32]) -> Vec<Cache> {
    let mut caches: Vec<(usize, Vec<i32>, Cache)> = Vec::new();
    for &cpu in cpus {
        for index in 0..MOST_CACHES {
            if caches.iter().any(|(at, shared, _)| *at == index && shared.contains(&cpu)) {
                continue;
            }
            let value = |name: &str| read(root, &format!("{CPUS}/cpu{cpu}/cache/index{index}/{name}"));
            let number = |name: &str| value(name).and_then(|text| text.parse().ok());
            let Some(level) = number("level") else { break };
            let shared = value("shared_cpu_list").unwrap_or_default();
            let cache = Cache {
                level,
                line_size: number("coherency_line_size").unwrap_or(0),
                sets: number("number_of_sets").unwrap_or(0),
                ways: number("ways_of_associativity").unwrap_or(0),
                kind: value("type").unwrap_or_default(),
                size: value("size").unwrap_or_default(),
                cpus: shared.clone(),
            };
            caches.push((index, parse_list(shared.as_bytes()).unwrap_or_default(), cache));
        }
    }
    let mut caches: Vec<Cache> = caches.into_iter().map(|(.., cache)| cache).collect();
    caches.sort_by_key(|cache| cache.level);
    caches
}

fn memory(root: &Root) -> Option<MemTopology> {
    let size = read(root, "/sys/devices/system/memory/block_size_bytes")?;
    let mut topology = MemTopology { block_size: hex(size.as_bytes())?, nodes: Vec::new() };
    for node in numbered(&root.join(NODES), "node") {
        let blocks = numbered(&root.join(&format!("{NODES}/node{node}")), "memory");
        let Some(last) = blocks.last() else { continue };
        let bits = last + 1;
        let mut set = vec![0_u64; usize::try_from(bits.div_ceil(64)).ok()?];
        for block in &blocks {
            if let Some(word) = usize::try_from(block / 64).ok().and_then(|at| set.get_mut(at)) {
                *word |= 1 << (block % 64);
            }
        }
        topology.nodes.push(MemNode { node, bits, set });
    }
    Some(topology)
}

/// The numbers behind `prefix` in a directory, sorted.
fn numbered(directory: &Path, prefix: &str) -> Vec<u64> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let number = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        unsigned(name.strip_prefix(prefix)?.as_bytes()).filter(|number| *number < 1 << 24)
    };
    let mut all: Vec<u64> = entries.filter_map(number).collect();
    all.sort_unstable();
    all
}

/// The build id of the running kernel (`/sys/kernel/notes`) or of a module (`/sys/module/NAME/notes/.note.gnu.build-id`).
pub fn kernel_build_id(root: &Root, module: Option<&str>) -> Option<Vec<u8>> {
    let path = match module {
        None => "/sys/kernel/notes".to_owned(),
        Some(name) => format!("/sys/module/{name}/notes/.note.gnu.build-id"),
    };
    note_build_id(&std::fs::read(root.join(&path)).ok()?)
}

/// The build id among ELF notes: `NT_GNU_BUILD_ID` (3) of `GNU`.
pub(super) fn note_build_id(mut notes: &[u8]) -> Option<Vec<u8>> {
    loop {
        let (head, rest) = notes.split_at_checked(12)?;
        let word = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let (name, size, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
        let (name, rest) = rest.split_at_checked(name.checked_next_multiple_of(4)?)?;
        let description = rest.get(..size)?;
        if kind == 3 && name.starts_with(b"GNU\0") && !description.is_empty() {
            return Some(description[..description.len().min(20)].to_vec());
        }
        notes = rest.get(size.checked_next_multiple_of(4)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_host_is_described() {
        let mut features = Features::default();
        describe(&Root::default(), &mut features);
        let cpus = features.cpus.unwrap();
        assert!(cpus.online >= 1 && cpus.available >= cpus.online);
        assert_eq!(features.cpu_topology.unwrap().cpus.len(), cpus.available as usize);
        assert!(features.total_mem_kib.unwrap() > 0 && features.hostname.is_some());
        assert!(features.caches.is_sorted_by_key(|cache| cache.level));
        assert!(features.pmu_mappings.iter().any(|(kind, name)| (*kind, name.as_str()) == (1, "software")));
    }

    #[test]
    fn a_host_without_files_is_still_described() {
        let directory = tempfile::tempdir().unwrap();
        let mut features = Features::default();
        describe(&Root::at(directory.path()), &mut features);
        assert_eq!(features.cpus, Some(CpuCounts { available: 1, online: 1 }));
        assert!(features.mem_topology.is_none() && features.cpu_id.is_none());
    }

    #[test]
    fn build_ids_are_found_among_notes() {
        let note = |kind: u32, name: &[u8; 4], id: &[u8]| {
            let mut bytes = 4_u32.to_ne_bytes().to_vec();
            bytes.extend(u32::try_from(id.len()).unwrap().to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(name);
            bytes.extend(id);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let notes = [note(1, b"GNU\0", &[1; 6]), note(3, b"Xen\0", &[2; 4]), note(3, b"GNU\0", &[7; 20])].concat();
        assert_eq!(note_build_id(&notes), Some(vec![7; 20]));
        for length in 0..notes.len() {
            assert_eq!(note_build_id(&notes[..length]), None, "{length}");
        }
        assert_eq!(note_build_id(&[0xff; 64]), None);
    }
}
