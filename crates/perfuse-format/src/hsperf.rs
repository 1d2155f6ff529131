//! The counters of a Java virtual machine: the file `hsperfdata_USER/PID` in its temporary directory, which it maps and
//! writes while it runs (`PerfDataPrologue` and `PerfDataEntry` of `HotSpot`'s `perfMemory.hpp` and `perfData.hpp`, version 2).
//!
//! ```text
//! ca fe c0 c0 | byte order, major, minor, accessible | used, overflow: u32 | time of change: u64
//!             | offset of the first entry, number of entries: u32
//! entry: length, offset of the name, elements (0 for one number): u32 | type, flags, unit, variability: u8
//!        | offset of the value: u32 | name with a zero byte | value
//! ```

use crate::parse::{FromBytes, ParseError};

/// Bytes of the header.
const HEADER: usize = 32;
/// Bytes of an entry before its name.
const ENTRY: usize = 20;
/// Entries that are taken at most; a machine has some three hundred.
const MOST: u32 = 20_000;

/// All counters of one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HsPerf {
    /// Names and values in the order of the file.
    entries: Vec<(String, Value)>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Number(i64),
    Text(String),
}

/// One generation of the heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its name, as the collector calls it.
    pub name: String,
    /// Bytes in use in its spaces.
    pub used: u64,
    /// Bytes that it has.
    pub capacity: u64,
    /// Bytes that it may have.
    pub max: u64,
}

/// One collector of garbage.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector {
    /// Its name.
    pub name: String,
    /// How often it stopped the application.
    pub invocations: u64,
    /// Seconds for which it did, since the machine began.
    pub seconds: f64,
}

impl HsPerf {
    /// A number by its name, such as `java.threads.live`.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.entries.iter().find_map(|(known, value)| match value {
            Value::Number(number) if known == name => Some(*number),
            _ => None,
        })
    }

    /// A text by its name, such as `sun.rt.javaCommand`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.entries.iter().find_map(|(known, value)| match value {
            Value::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    fn bytes(&self, name: &str) -> u64 {
        self.number(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
    }

    /// The generations of the heap: the young one is the first where there are two.
    pub fn generations(&self) -> Vec<Generation> {
        (0..8).filter_map(|place| self.generation(place)).collect()
    }

    fn generation(&self, place: u32) -> Option<Generation> {
        let base = format!("sun.gc.generation.{place}");
        let capacity = self.number(&format!("{base}.capacity"))?;
        let used = (0..8).map(|space| self.bytes(&format!("{base}.space.{space}.used"))).fold(0, u64::saturating_add);
        Some(Generation {
            name: self.text(&format!("{base}.name")).unwrap_or_default().to_owned(),
            used,
            capacity: u64::try_from(capacity).unwrap_or(0),
            max: self.bytes(&format!("{base}.maxCapacity")),
        })
    }

    /// The collectors, by the time for which they stopped the application.
    pub fn collectors(&self) -> Vec<Collector> {
        let frequency = self.number("sun.os.hrt.frequency").filter(|hertz| *hertz > 0).unwrap_or(1_000_000_000);
        let one = |place: u32| {
            let base = format!("sun.gc.collector.{place}");
            let time = self.number(&format!("{base}.time"))?;
            Some(Collector {
                name: self.text(&format!("{base}.name")).unwrap_or_default().to_owned(),
                invocations: self.bytes(&format!("{base}.invocations")),
                seconds: time.max(0) as f64 / frequency as f64,
            })
        };
        (0..8).filter_map(one).collect()
    }
}

/// Numbers in the byte order of a file.
struct Layout<'b> {
    bytes: &'b [u8],
    little: bool,
}

impl Layout<'_> {
    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.little { u32::from_le_bytes(*bytes) } else { u32::from_be_bytes(*bytes) })
    }

    fn long(&self, at: usize) -> Option<i64> {
        let bytes = self.bytes.get(at..)?.first_chunk::<8>()?;
        Some(if self.little { i64::from_le_bytes(*bytes) } else { i64::from_be_bytes(*bytes) })
    }

    fn place(&self, at: usize) -> Option<usize> {
        usize::try_from(self.word(at)?).ok()
    }

    /// Text up to a zero byte.
    fn text(&self, at: usize, most: usize) -> Option<String> {
        let bytes = self.bytes.get(at..)?;
        let bytes = &bytes[..bytes.len().min(most)];
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The entry at an offset, if it is of a type that is known, and its length.
    fn entry(&self, at: usize) -> Option<(Option<(String, Value)>, usize)> {
        let length = self.place(at)?;
        let end = at.checked_add(length).filter(|end| length >= ENTRY && *end <= self.bytes.len())?;
        let inside = |offset: usize| at.checked_add(offset).filter(|place| *place < end);
        let name_at = inside(self.place(at + 4)?)?;
        let elements = self.place(at + 8)?;
        let value_at = inside(self.place(at + 16)?)?;
        let name = self.text(name_at, end - name_at)?;
        let value = match (self.bytes.get(at + 12)?, elements) {
            (b'J', 0) => Value::Number(self.long(value_at).filter(|_| value_at + 8 <= end)?),
            (b'B', 1..) => Value::Text(self.text(value_at, (end - value_at).min(elements))?),
            _ => return Some((None, length)),
        };
        Some((Some((name, value)), length))
    }
}

impl FromBytes for HsPerf {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let error = |at: usize, expected| ParseError::new(at + 1, expected, bytes.get(at..).unwrap_or_default());
        if !bytes.starts_with(&[0xca, 0xfe, 0xc0, 0xc0]) || bytes.len() < HEADER {
            return Err(error(0, "the magic bytes ca fe c0 c0 and a header"));
        }
        if bytes[5] != 2 {
            return Err(error(5, "version 2"));
        }
        if bytes[7] == 0 {
            return Err(error(7, "a machine that has begun"));
        }
        let layout = Layout { bytes, little: bytes[4] == 1 };
        let (Some(mut at), Some(count)) = (layout.place(24), layout.word(28)) else {
            return Err(error(24, "a header"));
        };
        let mut found = Self::default();
        for _ in 0..count.min(MOST) {
            let Some((entry, length)) = layout.entry(at) else {
                return Err(error(at.min(bytes.len()), "an entry with its name and value"));
            };
            found.entries.extend(entry);
            at += length;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in either byte order; numbers are `Ok`, texts `Err`.
    fn file(little: bool, entries: &[(&str, Result<i64, &str>)]) -> Vec<u8> {
        let word = |number: usize| {
            let number = u32::try_from(number).unwrap();
            if little { number.to_le_bytes() } else { number.to_be_bytes() }
        };
        let mut bytes = vec![0xca, 0xfe, 0xc0, 0xc0, u8::from(little), 2, 0, 1];
        bytes.extend([0; 16]);
        bytes.extend(word(HEADER));
        bytes.extend(word(entries.len()));
        for (name, value) in entries {
            let value_at = (ENTRY + name.len() + 1).next_multiple_of(8);
            let text = value.is_err();
            let value = match value {
                Ok(number) => (if little { number.to_le_bytes() } else { number.to_be_bytes() }).to_vec(),
                Err(text) => [text.as_bytes(), &[0]].concat(),
            };
            let length = (value_at + value.len()).next_multiple_of(8);
            let mut entry = [word(length), word(ENTRY), word(if text { value.len() } else { 0 })].concat();
            entry.extend([if text { b'B' } else { b'J' }, 0, 1, 1]);
            entry.extend(word(value_at));
            entry.extend(name.as_bytes());
            entry.resize(value_at, 0);
            entry.extend(value);
            entry.resize(length, 0);
            bytes.extend(entry);
        }
        bytes
    }

    #[test]
    fn both_byte_orders() {
        let entries = [
            ("sun.rt.javaCommand", Err("shop.Main --port 80")),
            ("sun.os.hrt.frequency", Ok(1_000_000)),
            ("sun.gc.generation.0.name", Err("new")),
            ("sun.gc.generation.0.capacity", Ok(100)),
            ("sun.gc.generation.0.maxCapacity", Ok(200)),
            ("sun.gc.generation.0.space.0.used", Ok(30)),
            ("sun.gc.generation.0.space.1.used", Ok(40)),
            ("sun.gc.generation.1.capacity", Ok(500)),
            ("sun.gc.collector.0.time", Ok(2_500_000)),
            ("sun.gc.collector.0.invocations", Ok(7)),
        ];
        for little in [true, false] {
            let data = HsPerf::from_bytes(&file(little, &entries)).unwrap();
            assert_eq!(data.text("sun.rt.javaCommand"), Some("shop.Main --port 80"));
            let generations = data.generations();
            assert_eq!(generations.len(), 2);
            let young = Generation { name: "new".into(), used: 70, capacity: 100, max: 200 };
            assert_eq!(generations[0], young);
            let collectors = data.collectors();
            assert_eq!((collectors[0].invocations, collectors[0].seconds.to_bits()), (7, 2.5_f64.to_bits()));
        }
    }

    #[test]
    fn what_is_cut_or_not_begun_has_its_place() {
        let whole = file(true, &[("java.threads.live", Ok(5)), ("a", Err("b"))]);
        assert_eq!(HsPerf::from_bytes(&whole).unwrap().number("java.threads.live"), Some(5));
        for length in 0..whole.len() {
            assert!(HsPerf::from_bytes(&whole[..length]).is_err(), "{length}");
        }
        let mut young = whole.clone();
        young[7] = 0;
        assert_eq!(HsPerf::from_bytes(&young).unwrap_err().line, 8);
        let mut odd = whole;
        odd[HEADER..HEADER + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(HsPerf::from_bytes(&odd).unwrap_err().line, HEADER + 1);
    }
}
