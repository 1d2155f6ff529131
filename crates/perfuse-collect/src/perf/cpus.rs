//! Which CPUs: lists as options and files have them.

use perfuse_format::parse::{trim, unsigned};

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
    fn the_running_system_has_a_cpu() {
        assert!(!online(&Root::default()).is_empty());
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(online(&Root::at(nothing.path())), [0]);
    }
}
