//! From an address back to the source: what a listing of probes shows.

use gimli::constants as dw;

use super::die::Die;
use super::open::Source;
use super::world::World;
use super::{functions, rows};

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The function: the inlined one that the line is of, or the one whose code it is.
    pub function: Option<String>,
    /// The source file.
    pub file: Option<String>,
    /// The line, counted from the one that declares the function (or from the start of the file, without a function).
    pub line: Option<i64>,
    /// Bytes from the start of the function, if no line is known.
    pub offset: u64,
}

impl Source {
    /// The function, line and file of an address that the file states.
    pub fn describe(&self, address: u64) -> Option<Described> {
        let world = World::new(self);
        let unit = world.spans.iter().find_map(|span| {
            let unit = world.unit_at(span.start)?;
            Die::root(&world, &unit)?.has_address(address).then_some(unit)
        })?;
        let (mut file, mut line) = rows::at(&world, &unit, address).unzip();
        let Some(function) = functions::real(&world, &unit, address) else {
            let line = line.map(i64::from);
            return Some(Described { function: None, file: file.map(|file| file.to_string()), line, offset: 0 });
        };
        let (mut at, entry, mut base) = (function.clone(), function.entry(), function.line());
        let mut known = entry.is_some() && base.is_some();
        if known {
            file = function.file();
        }
        if entry == Some(address) {
            line = base;
        } else if known {
            while let Some(inner) = functions::outermost(&at, address) {
                if inner.entry() == Some(address) {
                    (file, line) = inner.call();
                    break;
                }
                let Some(declared) = inner.number(dw::DW_AT_decl_line) else { break };
                base = u32::try_from(declared).ok();
                at = inner;
            }
            known = at.file().is_some() && at.file() == file;
        }
        let line = line.zip(base).filter(|(line, _)| known && *line != 0);
        Some(Described {
            function: Some(if line.is_some() { at.display() } else { function.display() }),
            file: file.map(|file| file.to_string()),
            line: line.map(|(line, base)| i64::from(line) - i64::from(base)),
            offset: address.wrapping_sub(entry.unwrap_or(address)),
        })
    }
}
