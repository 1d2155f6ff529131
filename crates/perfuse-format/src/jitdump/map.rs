//! `/tmp/perf-PID.map`: one line a function, `START SIZE name` in hexadecimal digits.

use crate::parse::{hex, lines};

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapSymbol<'a> {
    /// First address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// Its name: all that follows, blanks included.
    pub name: &'a [u8],
}

/// The functions of a map.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PerfMap<'a> {
    /// In the order of the file: of two that overlap the later one was compiled later.
    pub symbols: Vec<MapSymbol<'a>>,
    /// Number, from 1, of the first line that is none, and how many there are; the last line of a running process may
    /// be cut.
    pub bad: Option<(usize, usize)>,
}

impl<'a> PerfMap<'a> {
    /// Parses the file. Lines that are not as they should be are left out and counted.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut map = Self::default();
        for (number, line) in lines(bytes).filter(|(_, line)| !line.trim_ascii().is_empty()) {
            match symbol(line) {
                Some(symbol) => map.symbols.push(symbol),
                None => map.bad = Some(map.bad.map_or((number, 1), |(first, count)| (first, count + 1))),
            }
        }
        map
    }
}

fn symbol(line: &[u8]) -> Option<MapSymbol<'_>> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let (start, size, name) = (hex(parts.next()?)?, hex(parts.next()?)?, parts.next()?.trim_ascii());
    (!name.is_empty()).then_some(MapSymbol { start, size, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_have_blanks_and_numbers_a_prefix() {
        let map = PerfMap::parse(b"7f00 20 LazyCompile:*fib /app.js:3\n0x7f20 0x10 py::<module>:/a b.py\n");
        assert_eq!(map.symbols[0], MapSymbol { start: 0x7f00, size: 0x20, name: b"LazyCompile:*fib /app.js:3" });
        assert_eq!(map.symbols[1], MapSymbol { start: 0x7f20, size: 0x10, name: b"py::<module>:/a b.py" });
        assert_eq!(map.bad, None);
    }

    #[test]
    fn bad_lines_are_counted() {
        let map = PerfMap::parse(b"7f00 20 a\n7f00\nzz 1 b\n\n7f40 1 c\n7f");
        assert_eq!(map.symbols.iter().map(|symbol| symbol.name).collect::<Vec<_>>(), [b"a", b"c"]);
        assert_eq!(map.bad, Some((2, 3)));
        assert_eq!(PerfMap::parse(b""), PerfMap::default());
    }
}
