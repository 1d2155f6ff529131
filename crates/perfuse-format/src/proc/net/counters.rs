//! Counters by name: `/proc/net/{snmp,netstat,sockstat}`, `/proc/net/stat/*`, and sysctls of several numbers.

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, hex, lines, signed, text, trim, unsigned};
use crate::reading::{Missing, Reading, Why};

/// `/proc/net/snmp` and `/proc/net/netstat`: a line of names and a line of values for each protocol (proc(5),
/// `net/ipv4/proc.c`). Which names there are depends on the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mib(pub BTreeMap<String, BTreeMap<String, u64>>);

impl Mib {
    /// The counter `name` of `protocol`: `("TcpExt", "ListenOverflows")`.
    pub fn get(&self, protocol: &str, name: &str) -> Option<u64> {
        self.0.get(protocol)?.get(name).copied()
    }

    /// As [`Mib::get`], or a missing value that names the counter: this kernel does not have it.
    pub fn reading(&self, protocol: &str, name: &str) -> Reading<u64> {
        match self.get(protocol, name) {
            Some(value) => Reading::Value(value),
            None => Reading::Missing(Missing::new(Why::Absent, format!("{protocol}: {name}"))),
        }
    }
}

impl FromBytes for Mib {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut mib = Self::default();
        let mut all = lines(bytes).filter(|(_, line)| !line.is_empty());
        while let Some((number, names)) = all.next() {
            let bad = |line| ParseError::new(number, "a line of names and a line of as many values", line);
            let (_, values) = all.next().ok_or_else(|| bad(names))?;
            let (mut names_of, mut values_of) = (fields(names), fields(values));
            let protocol = names_of.next().and_then(|name| name.strip_suffix(b":")).ok_or_else(|| bad(names))?;
            if values_of.next().and_then(|name| name.strip_suffix(b":")) != Some(protocol) {
                return Err(bad(values));
            }
            let counters = mib.0.entry(text(protocol)).or_default();
            for name in names_of {
                let value = values_of.next().ok_or_else(|| bad(values))?;
                match unsigned(value) {
                    Some(value) => {
                        counters.insert(text(name), value);
                    }
                    // Tcp MaxConn is -1 for "no fixed limit": not a counter.
                    None if signed(value).is_some() => {}
                    None => return Err(bad(values)),
                }
            }
        }
        if mib.0.is_empty() {
            return Err(ParseError::new(1, "at least one protocol", bytes));
        }
        Ok(mib)
    }
}

/// `/proc/net/sockstat` and `sockstat6`: sockets and their memory (in pages) by protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SockStat(pub BTreeMap<String, BTreeMap<String, u64>>);

impl SockStat {
    /// A value: `("TCP", "mem")` is in pages, the others are counts of sockets.
    pub fn get(&self, protocol: &str, name: &str) -> Option<u64> {
        self.0.get(protocol)?.get(name).copied()
    }
}

impl FromBytes for SockStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut stat = Self::default();
        for (number, line) in lines(bytes) {
            let bad = || ParseError::new(number, "`PROTOCOL: name value ...`", line);
            let mut parts = fields(line);
            let Some(protocol) = parts.next() else { continue };
            let protocol = protocol.strip_suffix(b":").ok_or_else(bad)?;
            let values = stat.0.entry(text(protocol)).or_default();
            while let Some(name) = parts.next() {
                // The kernel prints memory as a signed long: it dips below 0 for a moment.
                let value = parts.next().and_then(signed).ok_or_else(bad)?;
                values.insert(text(name), u64::try_from(value).unwrap_or(0));
            }
        }
        if stat.0.is_empty() {
            return Err(ParseError::new(1, "at least one protocol", bytes));
        }
        Ok(stat)
    }
}

/// A file of `/proc/net/stat`: a line of names, then one line of hexadecimal values a CPU. `entries` is the same on
/// every line (it is one count of the whole table); everything else is a counter of that CPU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatCache {
    /// Entries in the table.
    pub entries: u64,
    /// Sums over the CPUs by name; the kernel keeps them in 32 bits a CPU.
    pub sums: BTreeMap<String, u64>,
}

impl StatCache {
    /// A counter, summed over the CPUs.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.sums.get(name).copied()
    }
}

impl FromBytes for StatCache {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = lines(bytes).filter(|(_, line)| !line.is_empty());
        let (_, head) = all.next().ok_or_else(|| ParseError::new(1, "a line of names", bytes))?;
        let names: Vec<String> = fields(head).map(text).collect();
        let mut cache = Self::default();
        for (number, line) in all {
            for (name, value) in names.iter().zip(fields(line)) {
                let value = hex(value).ok_or_else(|| ParseError::new(number, "hexadecimal numbers", line))?;
                if name == "entries" {
                    cache.entries = cache.entries.max(value);
                } else {
                    let sum = cache.sums.entry(name.clone()).or_default();
                    *sum = sum.saturating_add(value);
                }
            }
        }
        Ok(cache)
    }
}

/// A sysctl of several numbers: `tcp_mem` (low, pressure, high, in pages), `ip_local_port_range` (first, last).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers(pub Vec<u64>);

impl FromBytes for Numbers {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let numbers: Option<Vec<u64>> = fields(trim(bytes)).map(unsigned).collect();
        match numbers {
            Some(numbers) if !numbers.is_empty() => Ok(Self(numbers)),
            _ => Err(ParseError::new(1, "unsigned numbers", bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_paired_and_minus_one_is_no_counter() {
        let text = b"Ip: Forwarding DefaultTTL\nIp: 2 64\nTcp: RtoMax MaxConn RetransSegs\nTcp: 120000 -1 7\n";
        let mib = Mib::from_bytes(text).unwrap();
        assert_eq!(mib.get("Tcp", "RetransSegs"), Some(7));
        assert_eq!(mib.get("Tcp", "MaxConn"), None);
        // Linux 4.18 has no TCPRcvQDrop.
        assert_eq!(mib.reading("TcpExt", "TCPRcvQDrop").why_missing().unwrap().why, Why::Absent);
    }

    #[test]
    fn a_torn_mib_is_refused() {
        for text in [&b""[..], b"Ip: A B\n", b"Ip: A B\nIp: 1\n", b"Ip: A\nTcp: 1\n", b"Ip: A\nIp: x\n"] {
            assert!(Mib::from_bytes(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn sockstat_of_two_kernels() {
        let text = b"sockets: used 17\nTCP: inuse 1 orphan 0 tw 3 alloc 1 mem -1\nUDP: inuse 0 mem 2\nFRAG: inuse 0 memory 0\n";
        let stat = SockStat::from_bytes(text).unwrap();
        assert_eq!(stat.get("TCP", "tw"), Some(3));
        assert_eq!(stat.get("TCP", "mem"), Some(0));
        assert_eq!(stat.get("UDP", "mem"), Some(2));
        assert!(SockStat::from_bytes(b"TCP: inuse\n").is_err());
        assert!(SockStat::from_bytes(b"").is_err());
    }

    #[test]
    fn the_entries_of_a_cache_are_not_summed() {
        let text = b"entries  allocs   table_fulls\n00000003 00000010 00000001\n00000003 0000000f 00000002\n";
        let cache = StatCache::from_bytes(text).unwrap();
        assert_eq!(cache.entries, 3);
        assert_eq!((cache.get("allocs"), cache.get("table_fulls"), cache.get("drop")), (Some(31), Some(3), None));
        assert!(StatCache::from_bytes(b"entries\nzz\n").is_err());
    }

    #[test]
    fn several_numbers() {
        assert_eq!(Numbers::from_bytes(b"32768\t60999\n"), Ok(Numbers(vec![32768, 60999])));
        assert!(Numbers::from_bytes(b"\n").is_err());
        assert!(Numbers::from_bytes(b"1 a\n").is_err());
    }
}
