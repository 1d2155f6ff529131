//! Symbols of a kernel from `/proc/kallsyms` or a saved copy of it.

use crate::demangle::Demangle;
use crate::table::{Entry, STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_FUNC, STT_OBJECT, Table};

/// The symbols of a kernel and its modules; names of modules end in `\t[module]`.
#[derive(Debug, Default)]
pub(crate) struct Kallsyms {
    pub(crate) table: Table,
    /// Addresses of the symbols that recordings refer to ([`REFERENCES`]), each of the first one of its name.
    pub(crate) references: References,
}

/// Symbols whose recorded address tells how far the kernel was moved; `perf record` and this program name one of them.
const REFERENCES: [&str; 2] = ["_text", "_stext"];

/// Addresses of [`REFERENCES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct References([Option<u64>; 2]);

impl References {
    /// The address of a symbol, where it is one of those that are noted and the file has it.
    pub(crate) fn address_of(&self, name: &str) -> Option<u64> {
        let at = REFERENCES.iter().position(|known| *known == name)?;
        self.0.get(at).copied().flatten()
    }

    fn note(&mut self, name: &[u8], address: u64) {
        for (known, slot) in REFERENCES.iter().zip(&mut self.0) {
            if known.as_bytes() == name {
                slot.get_or_insert(address);
            }
        }
    }
}

impl Kallsyms {
    /// Reads lines of `address type name`, with `\t[module]` behind the names of modules. Code and data count, as in
    /// perf. Lines that are different are left out: the file is the kernel's. `None` if all addresses are hidden
    /// (zero).
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut table = Table::default();
        // Nineteen bytes of a line are no name (address, type, blanks, end); the names of real kernels have some 25.
        table.expect(bytes.len() / 40, bytes.len() / 8 * 5);
        let mut references = References::default();
        let mut hidden = true;
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            at += length + 1;
            let Some((address, kind, name)) = split(&rest[..length]) else { continue };
            hidden &= address == 0;
            if name.ends_with(b"text") {
                references.note(name, address);
            }
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
        Some(Self { table, references })
    }

    /// The address of a symbol in the bytes of a kallsyms file.
    pub(crate) fn address_of(bytes: &[u8], wanted: &str) -> Option<u64> {
        let mut lines = bytes.split(|&byte| byte == b'\n').filter_map(split);
        lines.find(|(_, _, name)| *name == wanted.as_bytes()).map(|(address, ..)| address)
    }
}

/// Address, type and name of a line.
fn split(line: &[u8]) -> Option<(u64, u8, &[u8])> {
    let (mut value, mut blank) = (0_u64, 0);
    for byte in line {
        let digit = match byte {
            b' ' => break,
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => return None,
        };
        if value >> 60 != 0 {
            return None;
        }
        value = value << 4 | u64::from(digit);
        blank += 1;
    }
    let rest = line.get(blank + 1..).filter(|_| blank > 0)?;
    let space = if rest.get(1) == Some(&b' ') { 1 } else { memchr::memchr(b' ', rest)? };
    let kind = *rest.first().filter(|_| space > 0)?;
    Some((value, kind, rest.get(space + 1..)?))
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
        let Kallsyms { table, references } = Kallsyms::parse(TEXT).unwrap();
        assert_eq!(references.address_of("_text"), Some(0xffff_ffff_8100_0000));
        assert_eq!((references.address_of("_stext"), references.address_of("startup")), (None, None));
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
        assert!(Kallsyms::parse(b"10  T x\n10 TT y\n").is_some_and(|found| found.table.len() == 1));
        assert!(Kallsyms::parse(b"zz T x\n T y\n1 \nffffffffffffffffff T z\n").is_none());
    }
}
