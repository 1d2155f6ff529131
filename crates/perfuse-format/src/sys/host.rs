//! `@host`: the facts of a machine that every analysis needs, as `key value` lines that the collector writes.

use crate::parse::{FromBytes, ParseError, lines, text, unsigned};

/// Facts of the host; written by the collector, never by the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// `uname -n`.
    pub hostname: String,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub machine: String,
    /// Bytes of a page.
    pub page_size: u64,
    /// Clock ticks a second (`sysconf(_SC_CLK_TCK)`), the unit of `/proc/stat`.
    pub clock_ticks: u64,
    /// CPUs that are online.
    pub cpus: u32,
    /// Kind of virtualization or container, such as `kvm` or `container`; empty for none seen.
    pub virtualization: String,
    /// Effective user id of the collector.
    pub euid: u32,
    /// Process id of the collector, so that its own cost can be told.
    pub self_pid: u32,
    /// Version of perfuse that collected.
    pub version: String,
}

impl Host {
    /// The lines that [`FromBytes`] reads back. Newlines inside a value become blanks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = |value: &str| value.replace('\n', " ");
        format!(
            "hostname {}\nkernel {}\nmachine {}\npage_size {}\nclock_ticks {}\ncpus {}\nvirtualization {}\neuid {}\nself_pid {}\nversion {}\n",
            text(&self.hostname), text(&self.kernel), text(&self.machine), self.page_size, self.clock_ticks,
            self.cpus, text(&self.virtualization), self.euid, self.self_pid, text(&self.version),
        )
        .into_bytes()
    }
}

impl FromBytes for Host {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut host = Self { page_size: 4096, clock_ticks: 100, ..Self::default() };
        for (number, line) in lines(bytes) {
            let split = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
            let value = line.get(split + 1..).unwrap_or_default();
            let whole = || unsigned(value).ok_or_else(|| ParseError::new(number, "an unsigned number", line));
            let small = || whole().map(|n| u32::try_from(n).unwrap_or(u32::MAX));
            match &line[..split] {
                b"hostname" => host.hostname = text(value),
                b"kernel" => host.kernel = text(value),
                b"machine" => host.machine = text(value),
                b"page_size" => host.page_size = whole()?.max(1),
                b"clock_ticks" => host.clock_ticks = whole()?.max(1),
                b"cpus" => host.cpus = small()?,
                b"virtualization" => host.virtualization = text(value),
                b"euid" => host.euid = small()?,
                b"self_pid" => host.self_pid = small()?,
                b"version" => host.version = text(value),
                _ => {}
            }
        }
        Ok(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let host = Host {
            hostname: "a b".into(),
            kernel: "6.1".into(),
            machine: "x86_64".into(),
            page_size: 65536,
            clock_ticks: 250,
            cpus: 3,
            virtualization: String::new(),
            euid: 7,
            self_pid: 9,
            version: "1".into(),
        };
        assert_eq!(Host::from_bytes(&host.to_bytes()), Ok(host));
        assert!(Host::from_bytes(b"cpus many\n").is_err());
    }
}
