//! `/proc/net/softnet_stat`: what the receive softirq of each CPU did (`net/core/net-procfs.c`).

use crate::parse::{FromBytes, ParseError, fields, hex, lines};

/// One CPU. The kernel keeps all of these in 32 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SoftnetCpu {
    /// Number of the CPU.
    pub cpu: u32,
    /// Packets processed.
    pub processed: u32,
    /// Packets dropped since the CPU's backlog (`net.core.netdev_max_backlog`) was full.
    pub dropped: u32,
    /// Times the softirq stopped with work left: its budget of packets or of time was used up.
    pub time_squeeze: u32,
    /// Packets handed to another CPU's backlog (RPS).
    pub received_rps: u32,
    /// Packets dropped by the flow limit.
    pub flow_limit: u32,
    /// Packets in the backlog now; only since Linux 5.10.
    pub backlog: Option<u32>,
}

/// All online CPUs, in the kernel's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoftnetStat(pub Vec<SoftnetCpu>);

impl FromBytes for SoftnetStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cpus = Vec::new();
        for (number, line) in lines(bytes) {
            let bad = || ParseError::new(number, "at least 9 hexadecimal numbers", line);
            let values: Option<Vec<u32>> =
                fields(line).map(|field| hex(field).and_then(|value| u32::try_from(value).ok())).collect();
            let values = values.ok_or_else(bad)?;
            let &[processed, dropped, time_squeeze, ..] = values.as_slice() else { return Err(bad()) };
            if values.len() < 9 {
                return Err(bad());
            }
            let at = |index: usize| values.get(index).copied();
            // Offline CPUs have no line, so that only the column that Linux 5.10 added gives the true number.
            let by_line = u32::try_from(cpus.len()).unwrap_or(u32::MAX);
            cpus.push(SoftnetCpu {
                cpu: at(12).unwrap_or(by_line),
                processed,
                dropped,
                time_squeeze,
                received_rps: at(9).unwrap_or(0),
                flow_limit: at(10).unwrap_or(0),
                backlog: at(11).filter(|_| values.len() > 12),
            });
        }
        if cpus.is_empty() {
            return Err(ParseError::new(1, "a line for at least one CPU", bytes));
        }
        Ok(Self(cpus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_column_counts_where_it_is_and_else_the_line() {
        let new = b"00000021 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000004 00000000 00000000 00000000\n00002457 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000003 00000000 00000000\n";
        let stat = SoftnetStat::from_bytes(new).unwrap().0;
        assert_eq!((stat[0].processed, stat[0].dropped, stat[0].time_squeeze), (0x21, 1, 2));
        assert_eq!((stat[0].backlog, stat[1].cpu), (Some(4), 3));
        let old =
            b"00000021 00000001 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n";
        let stat = SoftnetStat::from_bytes(old).unwrap().0;
        assert_eq!((stat[0].cpu, stat[0].backlog), (0, None));
        assert!(SoftnetStat::from_bytes(b"1 2\n").is_err());
        assert!(SoftnetStat::from_bytes(b"").is_err());
    }
}
