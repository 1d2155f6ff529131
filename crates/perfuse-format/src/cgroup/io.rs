//! I/O of a cgroup: `io.stat` and `io.max` of v2, the `blkio.throttle.*` files of v1
//! (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/blkio-controller.rst).

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, lines, unsigned};

/// Major and minor number of a device.
pub type DeviceNumber = (u32, u32);

/// `254:0`.
fn device(field: &[u8]) -> Option<DeviceNumber> {
    let colon = field.iter().position(|&byte| byte == b':')?;
    let number = |part: &[u8]| unsigned(part).and_then(|n| u32::try_from(n).ok());
    Some((number(&field[..colon])?, number(field.get(colon + 1..)?)?))
}

/// What a cgroup did on one device since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoCounters {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
}

/// `io.stat`: by device. A cgroup that did nothing yet has an empty file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IoStat(pub BTreeMap<DeviceNumber, IoCounters>);

impl FromBytes for IoStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut stat = BTreeMap::new();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line).peekable();
            let mut devices = Vec::new();
            // Linux before 5.15 can print devices that did nothing without a line end: `8:0 8:16 rbytes=...`.
            while let Some(found) = parts.peek().and_then(|part| device(part)) {
                devices.push(found);
                parts.next();
            }
            let Some(last) = devices.last() else {
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Err(ParseError::new(number, "`major:minor key=value ...`", line));
            };
            let mut counters = IoCounters::default();
            let mut known = false;
            for part in parts {
                let Some(equals) = part.iter().position(|&byte| byte == b'=') else { continue };
                let target = match &part[..equals] {
                    b"rbytes" => &mut counters.read_bytes,
                    b"wbytes" => &mut counters.write_bytes,
                    b"rios" => &mut counters.reads,
                    b"wios" => &mut counters.writes,
                    _ => continue,
                };
                let value = unsigned(&part[equals + 1..]);
                *target = value.ok_or_else(|| ParseError::new(number, "a number after `=`", line))?;
                known = true;
            }
            if known {
                stat.insert(*last, counters);
            }
        }
        Ok(Self(stat))
    }
}

/// The limits of a cgroup on one device; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoLimits {
    /// Bytes a second that may be read.
    pub read_bytes: Option<u64>,
    /// Bytes a second that may be written.
    pub write_bytes: Option<u64>,
    /// Reads a second.
    pub reads: Option<u64>,
    /// Writes a second.
    pub writes: Option<u64>,
}

impl IoLimits {
    /// Whether anything is limited.
    pub fn any(&self) -> bool {
        self.read_bytes.or(self.write_bytes).or(self.reads).or(self.writes).is_some()
    }
}

/// `io.max` of v2: the limits by device; empty without any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IoMax(pub BTreeMap<DeviceNumber, IoLimits>);

impl FromBytes for IoMax {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut max = BTreeMap::new();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let Some(first) = parts.next() else { continue };
            let bad = || ParseError::new(number, "`major:minor rbps=... wbps=... riops=... wiops=...`", line);
            let found = device(first).ok_or_else(bad)?;
            let mut limits = IoLimits::default();
            for part in parts {
                let equals = part.iter().position(|&byte| byte == b'=').ok_or_else(bad)?;
                let value = match &part[equals + 1..] {
                    b"max" => None,
                    value => Some(unsigned(value).ok_or_else(bad)?),
                };
                match &part[..equals] {
                    b"rbps" => limits.read_bytes = value,
                    b"wbps" => limits.write_bytes = value,
                    b"riops" => limits.reads = value,
                    b"wiops" => limits.writes = value,
                    _ => {}
                }
            }
            max.insert(found, limits);
        }
        Ok(Self(max))
    }
}

/// One of the four v1 files `blkio.throttle.{read,write}_{bps,iops}_device`: a number by device; empty without a limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThrottleLimit(pub BTreeMap<DeviceNumber, u64>);

impl FromBytes for ThrottleLimit {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut limits = BTreeMap::new();
        for (number, line) in lines(bytes) {
            let mut parts = fields(line);
            let Some(first) = parts.next() else { continue };
            let pair = device(first).and_then(|device| Some((device, unsigned(parts.next()?)?)));
            let (device, limit) = pair.ok_or_else(|| ParseError::new(number, "`major:minor number`", line))?;
            // The kernel prints "no limit" as the largest number of its type, where it prints it at all.
            if limit != u64::MAX && limit != u64::from(u32::MAX) {
                limits.insert(device, limit);
            }
        }
        Ok(Self(limits))
    }
}

/// `blkio.throttle.io_service_bytes` or `io_serviced` of v1: reads and writes by device, in bytes or in requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThrottleService(pub BTreeMap<DeviceNumber, (u64, u64)>);

impl FromBytes for ThrottleService {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut service: BTreeMap<DeviceNumber, (u64, u64)> = BTreeMap::new();
        for (number, line) in lines(bytes) {
            let parts: Vec<&[u8]> = fields(line).collect();
            let bad = || ParseError::new(number, "`major:minor operation number` or `Total number`", line);
            match parts.as_slice() {
                [] | [b"Total", _] => {}
                [found, operation, value] => {
                    let entry = service.entry(device(found).ok_or_else(bad)?).or_default();
                    let value = unsigned(value).ok_or_else(bad)?;
                    match *operation {
                        b"Read" => entry.0 = value,
                        b"Write" => entry.1 = value,
                        // Sync, Async and Discard cut the same requests another way; Total is their sum.
                        _ => {}
                    }
                }
                _ => return Err(bad()),
            }
        }
        Ok(Self(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_stat_of_both_styles() {
        let text = b"8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021 cost.usage=1\n";
        let stat = IoStat::from_bytes(text).unwrap().0;
        assert_eq!(
            stat[&(8, 16)],
            IoCounters { read_bytes: 1_459_200, write_bytes: 314_773_504, reads: 192, writes: 353 }
        );
        assert_eq!(stat.len(), 2);
        let glued = b"7:0 7:1 8:0 rbytes=1 wbytes=2 rios=3 wios=4\n9:0 \n";
        let stat = IoStat::from_bytes(glued).unwrap().0;
        assert_eq!(stat.keys().copied().collect::<Vec<_>>(), [(8, 0)]);
        assert!(IoStat::from_bytes(b"").unwrap().0.is_empty());
        assert!(IoStat::from_bytes(b"x y\n").is_err());
        assert!(IoStat::from_bytes(b"8:0 rbytes=-1\n").is_err());
    }

    #[test]
    fn limits_of_both_versions() {
        let max = IoMax::from_bytes(b"8:16 rbps=2097152 wbps=max riops=max wiops=120\n").unwrap().0;
        let limits = max[&(8, 16)];
        assert_eq!(
            (limits.read_bytes, limits.write_bytes, limits.reads, limits.writes),
            (Some(2_097_152), None, None, Some(120))
        );
        assert!(limits.any() && !IoLimits::default().any());
        assert!(IoMax::from_bytes(b"").unwrap().0.is_empty());
        assert!(IoMax::from_bytes(b"8:16 rbps\n").is_err());
        let v1 = ThrottleLimit::from_bytes(b"254:0 1048576\n8:0 18446744073709551615\n8:1 5000000000\n").unwrap().0;
        assert_eq!(v1.into_iter().collect::<Vec<_>>(), [((8, 1), 5_000_000_000), ((254, 0), 1_048_576)]);
        assert!(ThrottleLimit::from_bytes(b"254 1\n").is_err());
    }

    #[test]
    fn v1_service_bytes() {
        let text = b"254:0 Read 4096\n254:0 Write 8192\n254:0 Sync 12288\n254:0 Async 0\n254:0 Discard 0\n254:0 Total 12288\nTotal 12288\n";
        assert_eq!(ThrottleService::from_bytes(text).unwrap().0[&(254, 0)], (4096, 8192));
        assert!(ThrottleService::from_bytes(b"Total 0\n").unwrap().0.is_empty());
        assert!(ThrottleService::from_bytes(b"254:0 Read\n").is_err());
        assert!(ThrottleService::from_bytes(b"a b c d\n").is_err());
    }
}
