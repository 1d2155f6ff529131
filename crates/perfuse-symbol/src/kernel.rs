//! Symbols of a kernel from `/proc/kallsyms` or a saved copy of it.

use crate::demangle::Demangle;
use crate::table::{Entry, STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FUNC, STT_OBJECT, Table};

/// The symbols of a kernel and its modules; names of modules end in `\t[module]`.
#[derive(Debug, Default)]
pub(crate) struct Kallsyms {
    pub(crate) table: Table,
}

impl Kallsyms {
    /// Reads lines of `address type name`, with `\t[module]` behind the names of modules. Code and data count, as in
    /// perf. Lines that are different are left out: the file is the kernel's. `None` if all addresses are hidden
    /// (zero).
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut table = Table::default();
        let mut hidden = true;
        for line in bytes.split(|&byte| byte == b'\n') {
            let Some((address, kind, name)) = split(line) else { continue };
            hidden &= address == 0;
            // A name that begins with `$` marks places within functions of ARM modules.
            if !matches!(kind.to_ascii_uppercase(), b'T' | b'W' | b'D' | b'B') || name.starts_with(b"$") {
                continue;
            }
            let binding = match kind {
                b'W' => STB_WEAK,
                _ if kind.is_ascii_uppercase() => STB_GLOBAL,
                _ => STB_LOCAL,
            };
            let code = matches!(kind.to_ascii_lowercase(), b't' | b'w');
            let Some(name) = table.add_name(name) else { break };
            let kind = if code { STT_FUNC } else { STT_OBJECT };
            table.push(Entry { start: address, end: address, name, binding, kind });
        }
        if hidden {
            return None;
        }
        table.settle(true, Demangle { on: false, parameters: false });
        Some(Self { table })
    }

    /// The address of a symbol in the bytes of a kallsyms file.
    pub(crate) fn address_of(bytes: &[u8], wanted: &str) -> Option<u64> {
        let mut lines = bytes.split(|&byte| byte == b'\n').filter_map(split);
        lines.find(|(_, _, name)| *name == wanted.as_bytes()).map(|(address, ..)| address)
    }
}

fn split(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let (address, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let digit = |value: u64, byte: &u8| {
        let digit = char::from(*byte).to_digit(16)?;
        value.checked_mul(16).map(|value| value | u64::from(digit))
    };
    Some((address.iter().try_fold(0, digit)?, *kind.first()?, name)).filter(|_| !address.is_empty())
}

/// A name without the module behind it, and the module: `nf_hook` and `[nf_tables]`.
pub(crate) fn split_module(name: &str) -> (&str, Option<&str>) {
    name.split_once('\t').map_or((name, None), |(name, module)| (name, Some(module)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"0000000000000000 A fixed_percpu_data\nffffffff81000000 T _text\nffffffff81000000 T startup\n\
        ffffffff81000100 t do_one\nffffffff81000180 d data\nffffffff81000190 r rodata\nffffffffc0000000 t nf_hook\t[nf]\n";

    #[test]
    fn code_and_data_are_found() {
        let Kallsyms { table } = Kallsyms::parse(TEXT).unwrap();
        let name =
            |address| table.find(address).map(|index| String::from_utf8_lossy(table.raw_name(index)).into_owned());
        assert_eq!(name(0xffff_ffff_8100_0010).as_deref(), Some("startup"));
        assert_eq!(name(0xffff_ffff_8100_0199).as_deref(), Some("data"), "read-only data has no symbol of its own");
        assert_eq!(name(0xffff_ffff_8100_3000), None);
        assert_eq!(name(0xffff_ffff_c000_0004).as_deref(), Some("nf_hook\t[nf]"));
        assert_eq!(split_module("nf_hook\t[nf]"), ("nf_hook", Some("[nf]")));
        assert_eq!(Kallsyms::address_of(TEXT, "_text"), Some(0xffff_ffff_8100_0000));
        assert_eq!(Kallsyms::address_of(TEXT, "_stext"), None);
    }

    #[test]
    fn hidden_or_odd_files_have_no_symbols() {
        assert!(Kallsyms::parse(b"0000000000000000 T _text\n0000000000000000 T do_one\n").is_none());
        assert!(Kallsyms::parse(b"").is_none());
        assert!(Kallsyms::parse(b"zz T x\n T y\n1 \nffffffffffffffffff T z\n").is_none());
    }
}
