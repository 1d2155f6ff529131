//! `/proc/kallsyms`: the symbols of the running kernel and its modules.

use crate::parse::{FromBytes, ParseError, fields, hex, lines, text, trim};

/// The functions of the kernel by address. There are hundreds of thousands: their names stand in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kallsyms {
    /// Sorted by address, then by name.
    symbols: Vec<Symbol>,
    names: String,
    /// Of the modules; the first one, without a name, is the kernel proper.
    modules: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Symbol {
    address: u64,
    /// Where in the names its own begins, and how long it is in bytes.
    name: u32,
    length: u16,
    module: u16,
}

impl Kallsyms {
    /// The function that holds `address`, its module, and how far behind its start the address is.
    pub fn find(&self, address: u64) -> Option<(&str, &str, u64)> {
        let index = self.symbols.partition_point(|symbol| symbol.address <= address).checked_sub(1)?;
        let symbol = self.symbols.get(index)?;
        let module = self.modules.get(usize::from(symbol.module))?;
        Some((name_of(&self.names, *symbol), module, address - symbol.address))
    }

    /// Whether there are no addresses: all zero under `kernel.kptr_restrict`, or an empty file.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The number of a module, which is mostly that of the line before.
    fn module(&mut self, name: &str) -> Option<u16> {
        let known = self.modules.iter().rposition(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.modules.push(name.to_owned());
            self.modules.len() - 1
        });
        u16::try_from(number).ok()
    }

    fn add(&mut self, address: u64, name: &str, module: &str) -> Option<()> {
        let (start, length) = (u32::try_from(self.names.len()).ok()?, u16::try_from(name.len()).ok()?);
        let module = self.module(module)?;
        self.names.push_str(name);
        self.symbols.push(Symbol { address, name: start, length, module });
        Some(())
    }
}

fn name_of(names: &str, symbol: Symbol) -> &str {
    let start = symbol.name as usize;
    names.get(start..start + usize::from(symbol.length)).unwrap_or_default()
}

impl FromBytes for Kallsyms {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = Self { modules: vec![String::new()], ..Self::default() };
        for (number, line) in lines(bytes) {
            let bad = || ParseError::new(number, "`address type name [module]`", line);
            let mut parts = fields(line);
            let (Some(address), Some(kind), Some(name)) = (parts.next().and_then(hex), parts.next(), parts.next())
            else {
                return Err(bad());
            };
            // A hidden address reads as zero; only code (t, T, w, W) can be in a call chain.
            if address == 0 || !matches!(kind, b"t" | b"T" | b"w" | b"W") {
                continue;
            }
            let module = parts.next().map(|module| text(trim_brackets(module))).unwrap_or_default();
            // The kernel's names end at 512 bytes (KSYM_NAME_LEN), and it has no 65,536 modules.
            all.add(address, &text(name), &module).ok_or_else(bad)?;
        }
        let (names, modules) = (&all.names, &all.modules);
        let module = |symbol: &Symbol| modules.get(usize::from(symbol.module));
        all.symbols.sort_by(|a, b| {
            let by_name = || name_of(names, *a).cmp(name_of(names, *b));
            a.address.cmp(&b.address).then_with(by_name).then_with(|| module(a).cmp(&module(b)))
        });
        Ok(all)
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
