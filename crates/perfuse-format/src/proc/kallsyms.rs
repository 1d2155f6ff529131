//! `/proc/kallsyms`: the symbols of the running kernel and its modules.

use crate::parse::{FromBytes, ParseError, fields, hex, lines, text, trim};

/// The functions of the kernel by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kallsyms {
    /// `(address, name, module)`, sorted by address; the module is empty for the kernel proper.
    symbols: Vec<(u64, String, String)>,
}

impl Kallsyms {
    /// The function that holds `address`, its module, and how far behind its start the address is.
    pub fn find(&self, address: u64) -> Option<(&str, &str, u64)> {
        let index = self.symbols.partition_point(|(start, ..)| *start <= address).checked_sub(1)?;
        let (start, name, module) = self.symbols.get(index)?;
        Some((name, module, address - start))
    }

    /// Whether there are no addresses: all zero under `kernel.kptr_restrict`, or an empty file.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }
}

impl FromBytes for Kallsyms {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut symbols = Vec::new();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let (Some(address), Some(kind), Some(name)) = (parts.next().and_then(hex), parts.next(), parts.next())
            else {
                return Err(ParseError::new(number, "`address type name [module]`", line));
            };
            // A hidden address reads as zero; only code (t, T, w, W) can be in a call chain.
            if address == 0 || !matches!(kind, b"t" | b"T" | b"w" | b"W") {
                continue;
            }
            let module = parts.next().map(|module| text(trim_brackets(module))).unwrap_or_default();
            symbols.push((address, text(name), module));
        }
        symbols.sort();
        Ok(Self { symbols })
    }
}

fn trim_brackets(module: &[u8]) -> &[u8] {
    let module = trim(module);
    module.strip_prefix(b"[").and_then(|module| module.strip_suffix(b"]")).unwrap_or(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_and_data_is_not() {
        let text = b"ffffffff81000000 T _text\nffffffff81000100 t do_one\nffffffff81000180 d data\nffffffffc0000000 t nf_hook\t[nf_tables]\n";
        let symbols = Kallsyms::from_bytes(text).unwrap();
        assert_eq!(symbols.find(0xffff_ffff_8100_0190), Some(("do_one", "", 0x90)));
        assert_eq!(symbols.find(0xffff_ffff_c000_0004), Some(("nf_hook", "nf_tables", 4)));
        assert_eq!(symbols.find(1), None);
    }

    #[test]
    fn hidden_addresses_are_no_symbols() {
        assert!(Kallsyms::from_bytes(b"0000000000000000 T _text\n").unwrap().is_empty());
        assert!(Kallsyms::from_bytes(b"zz T _text\n").is_err());
    }
}
