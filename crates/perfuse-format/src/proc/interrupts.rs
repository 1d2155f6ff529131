//! `/proc/interrupts` and `/proc/softirqs`: interrupts by kind and CPU (proc(5)).

use crate::parse::{FromBytes, ParseError, fields, lines, text, unsigned};

/// One kind of interrupt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interrupt {
    /// Number of the line, or a short name such as `LOC` or `NET_RX`.
    pub id: String,
    /// How many each CPU took since boot, in the order of [`Interrupts::cpus`]. Counters of 32 bits.
    pub counts: Vec<u64>,
    /// Controller, trigger and devices of a numbered line; the meaning of a named one. Empty for soft interrupts.
    pub description: String,
}

impl Interrupt {
    /// The device or driver: the last word of a numbered line's description, the id otherwise.
    pub fn device(&self) -> &str {
        let numbered = self.id.bytes().all(|byte| byte.is_ascii_digit());
        match self.description.split_whitespace().last() {
            Some(word) if numbered => word,
            _ => &self.id,
        }
    }
}

/// A table of interrupts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interrupts {
    /// The CPUs of the columns: the online ones in `/proc/interrupts`, all possible ones in `/proc/softirqs`.
    pub cpus: Vec<u32>,
    /// The rows.
    pub rows: Vec<Interrupt>,
}

impl Interrupts {
    /// The row with this id.
    pub fn row(&self, id: &str) -> Option<&Interrupt> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// What CPU `cpu` took of a row.
    pub fn count(&self, row: &Interrupt, cpu: u32) -> Option<u64> {
        let column = self.cpus.iter().position(|known| *known == cpu)?;
        row.counts.get(column).copied()
    }

    /// All that CPU `cpu` took.
    pub fn total(&self, cpu: u32) -> Option<u64> {
        let column = self.cpus.iter().position(|known| *known == cpu)?;
        Some(self.rows.iter().filter_map(|row| row.counts.get(column)).fold(0, |sum, count| sum.saturating_add(*count)))
    }
}

impl FromBytes for Interrupts {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = lines(bytes);
        let header = all.next().map(|(_, line)| line).unwrap_or_default();
        let cpu = |field: &[u8]| field.strip_prefix(b"CPU").and_then(unsigned).and_then(|n| u32::try_from(n).ok());
        let cpus: Option<Vec<u32>> = fields(header).map(cpu).collect();
        let cpus = cpus.filter(|cpus| !cpus.is_empty()).ok_or_else(|| ParseError::new(1, "`CPU0 CPU1 ...`", header))?;
        let mut rows = Vec::new();
        for (number, line) in all {
            if line.is_empty() {
                continue;
            }
            let colon = line.iter().position(|&byte| byte == b':');
            let colon = colon.ok_or_else(|| ParseError::new(number, "`id: counts`", line))?;
            let mut parts = fields(&line[colon + 1..]).peekable();
            let mut counts = Vec::new();
            while let Some(count) = parts.peek().and_then(|part| unsigned(part)) {
                // `ERR:` and `MIS:` have a single count for the host; a description may begin with a number.
                if counts.len() == cpus.len() {
                    break;
                }
                counts.push(count);
                parts.next();
            }
            if counts.len() < cpus.len() {
                continue;
            }
            let description: Vec<String> = parts.map(text).collect();
            let id = text(line[..colon].trim_ascii());
            rows.push(Interrupt { id, counts, description: description.join(" ") });
        }
        Ok(Self { cpus, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a 6.18 guest.
    const CAPTURED: &[u8] = b"           CPU0       CPU1       \n 24:          1          0  IO-APIC   5-edge      ACPI:Ged\n 38:          0       7656 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0\nNMI:          0          0   Non-maskable interrupts\nLOC:      35718      35229   Local timer interrupts\nERR:          0\nMIS:          0\n";

    #[test]
    fn rows_have_a_count_for_each_cpu_and_a_device() {
        let parsed = Interrupts::from_bytes(CAPTURED).unwrap();
        assert_eq!(parsed.cpus, [0, 1]);
        assert_eq!(parsed.rows.len(), 4);
        assert_eq!(parsed.rows[1].device(), "virtio2-input.0");
        assert_eq!(parsed.row("LOC").unwrap().device(), "LOC");
        assert_eq!(parsed.count(&parsed.rows[1], 1), Some(7656));
        assert_eq!(parsed.total(0), Some(35719));
        assert_eq!(parsed.total(7), None);
    }

    #[test]
    fn columns_follow_the_numbers_of_the_cpus() {
        let soft = Interrupts::from_bytes(b"   CPU0 CPU2 \n HI: 1 2\n NET_RX: 3 4\n").unwrap();
        assert_eq!(soft.count(soft.row("NET_RX").unwrap(), 2), Some(4));
        assert_eq!(soft.count(soft.row("NET_RX").unwrap(), 1), None);
    }

    #[test]
    fn broken_tables_are_errors() {
        for bad in [&b""[..], b"\n", b"CPUx\n", b"1 2 3\n", b"CPU0\nno colon\n"] {
            assert!(Interrupts::from_bytes(bad).is_err(), "{bad:?}");
        }
    }
}
