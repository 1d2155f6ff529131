//! Which CPUs: lists as options and files have them.

use std::collections::BTreeMap;

use perfuse_format::parse::{trim, unsigned};
use perfuse_format::perfdata::CpuPosition;

use crate::root::Root;

/// Numbers beyond this are no CPUs.
const MOST: i32 = 1 << 16;

/// A list such as `0-3,8`, sorted and each once; `None` for anything else, an empty list among it.
pub fn parse_list(bytes: &[u8]) -> Option<Vec<i32>> {
    let mut cpus = Vec::new();
    for range in trim(bytes).split(|&byte| byte == b',') {
        let mut ends = range.splitn(2, |&byte| byte == b'-').map(|end| i32::try_from(unsigned(end)?).ok());
        let first = ends.next()??;
        let last = ends.next().unwrap_or(Some(first))?;
        if first > last || last >= MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus)
}

/// The CPUs that are online; CPU 0 where sysfs is not to be had.
pub fn online(root: &Root) -> Vec<i32> {
    let file = std::fs::read(root.join("/sys/devices/system/cpu/online")).unwrap_or_default();
    parse_list(&file).unwrap_or_else(|| vec![0])
}

/// Where every online CPU stands in the machine. What sysfs does not tell is 0.
pub fn positions(root: &Root) -> BTreeMap<i32, CpuPosition> {
    let nodes = nodes(root);
    let position = |cpu: i32| {
        let number = |file: &str| {
            let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/{file}");
            let text = std::fs::read_to_string(root.join(&path)).unwrap_or_default();
            // A machine without packages says -1.
            text.trim().parse().ok().filter(|number| *number >= 0).unwrap_or(0)
        };
        CpuPosition {
            socket: number("physical_package_id"),
            die: number("die_id"),
            core: number("core_id"),
            node: nodes.get(&cpu).copied().unwrap_or(0),
        }
    };
    online(root).into_iter().map(|cpu| (cpu, position(cpu))).collect()
}

/// The NUMA node of every CPU.
fn nodes(root: &Root) -> BTreeMap<i32, i32> {
    let mut nodes = BTreeMap::new();
    for entry in std::fs::read_dir(root.join("/sys/devices/system/node")).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(node) = name.to_str().and_then(|name| name.strip_prefix("node")?.parse().ok()) else { continue };
        let list = std::fs::read(entry.path().join("cpulist")).unwrap_or_default();
        nodes.extend(parse_list(&list).unwrap_or_default().into_iter().map(|cpu| (cpu, node)));
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_expanded() {
        assert_eq!(parse_list(b"0-2,8\n"), Some(vec![0, 1, 2, 8]));
        assert_eq!(parse_list(b"3,1,1-2"), Some(vec![1, 2, 3]));
        for bad in ["", "\n", "x", "3-1", "1-", "-1", "0-99999999", "1,,2"] {
            assert_eq!(parse_list(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn positions_come_from_sysfs() {
        let directory = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = directory.path().join("sys/devices/system").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("cpu/online", "0-1\n");
        put("cpu/cpu1/topology/physical_package_id", "1\n");
        put("cpu/cpu1/topology/die_id", "-1\n");
        put("cpu/cpu1/topology/core_id", "3\n");
        put("node/node2/cpulist", "1\n");
        put("node/possible", "0\n");
        let positions = positions(&Root::at(directory.path()));
        assert_eq!(positions[&0], CpuPosition::default());
        assert_eq!(positions[&1], CpuPosition { socket: 1, die: 0, core: 3, node: 2 });
    }

    #[test]
    fn the_running_system_has_a_cpu() {
        assert!(!online(&Root::default()).is_empty());
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(online(&Root::at(nothing.path())), [0]);
    }
}
