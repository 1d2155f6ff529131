//! Names of kernel addresses in the text of tracepoints, read when the first is asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use perfuse_collect::Root;
use perfuse_collect::perf::tracepoints::Tracefs;
use perfuse_format::parse::FromBytes as _;
use perfuse_format::proc::kallsyms::Kallsyms;
use perfuse_format::tracefs::Resolve;

/// The kernel's functions and constant texts.
#[derive(Debug, Default)]
pub(super) struct KernelNames {
    functions: OnceCell<Kallsyms>,
    constants: OnceCell<BTreeMap<u64, String>>,
}

impl Resolve for KernelNames {
    fn symbol(&self, address: u64) -> Option<(&str, u64)> {
        let functions = self.functions.get_or_init(|| {
            let bytes = std::fs::read("/proc/kallsyms").unwrap_or_default();
            Kallsyms::from_bytes(&bytes).unwrap_or_default()
        });
        let (name, _, offset) = functions.find(address)?;
        Some((name, address - offset))
    }

    fn constant(&self, address: u64) -> Option<&str> {
        let constants = self.constants.get_or_init(|| {
            let bytes = Tracefs::find(&Root::default()).and_then(|tracefs| tracefs.file("printk_formats"));
            constants(&String::from_utf8_lossy(&bytes.unwrap_or_default()))
        });
        constants.get(&address).map(String::as_str)
    }
}

/// Lines of `0xffffffff82000000 : "text"`.
fn constants(text: &str) -> BTreeMap<u64, String> {
    let line = |line: &str| {
        let (address, text) = line.split_once(" : ")?;
        let address = u64::from_str_radix(address.trim().strip_prefix("0x")?, 16).ok()?;
        Some((address, text.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_line_by_line() {
        let all = constants("0xffffffff82000000 : \"sched\"\nodd\n0x10 : \"a \\\"b\"\n");
        assert_eq!(all.get(&0xffff_ffff_8200_0000).map(String::as_str), Some("sched"));
        assert_eq!(all.len(), 2);
    }
}
