//! Files of a PCI function: link speed and width, and the counters of Advanced Error Reporting
//! (Documentation/ABI/testing/sysfs-bus-pci and sysfs-bus-pci-devices-aer).

use crate::parse::{FromBytes, KeyValues, ParseError, fields, fraction, hex, trim, unsigned};

/// `current_link_speed` or `max_link_speed`: `8.0 GT/s PCIe`; 0 for `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkSpeed {
    /// Transfers a second, in units of 10^9.
    pub gigatransfers: f64,
}

impl LinkSpeed {
    /// Bytes a second that one lane carries in one direction, its line code taken off (8b/10b up to 5 GT/s,
    /// 128b/130b up to 32 GT/s, none beyond).
    pub fn lane_bytes(self) -> f64 {
        let code = match self.gigatransfers {
            speed if speed <= 5.0 => 8.0 / 10.0,
            speed if speed <= 32.0 => 128.0 / 130.0,
            _ => 1.0,
        };
        self.gigatransfers * 1e9 * code / 8.0
    }
}

impl FromBytes for LinkSpeed {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut parts = fields(bytes);
        let gigatransfers = match parts.next() {
            Some(b"Unknown") => Some(0.0),
            Some(number) if parts.next().is_some_and(|unit| unit.starts_with(b"GT/s")) => fraction(number),
            _ => None,
        };
        match gigatransfers {
            Some(gigatransfers) if (0.0..10_000.0).contains(&gigatransfers) => Ok(Self { gigatransfers }),
            _ => Err(ParseError::new(1, "a speed in GT/s", bytes)),
        }
    }
}

/// `current_link_width` or `max_link_width`: lanes. The kernel prints 0, 63 or 255 where there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkWidth(
    /// Lanes; `None` without a link.
    pub Option<u64>,
);

impl FromBytes for LinkWidth {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let lanes = unsigned(trim(bytes)).ok_or_else(|| ParseError::new(1, "a number of lanes", bytes))?;
        Ok(Self(Some(lanes).filter(|lanes| (1..=32).contains(lanes))))
    }
}

/// `aer_dev_correctable`, `aer_dev_fatal`, `aer_dev_nonfatal`: counts since boot by kind of error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AerCounts {
    /// Kinds with their counts, in the kernel's order, without the line of the total.
    pub kinds: Vec<(String, u64)>,
    /// The total, from its own line (`TOTAL_ERR_COR` ...) or summed up.
    pub total: u64,
}

impl FromBytes for AerCounts {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let all = KeyValues::from_bytes(bytes)?.0;
        if all.is_empty() {
            return Err(ParseError::new(1, "kinds of error with their counts", bytes));
        }
        let total = all.iter().find(|(kind, _)| kind.starts_with("TOTAL_")).map(|(_, count)| *count);
        let kinds: Vec<(String, u64)> = all.into_iter().filter(|(kind, _)| !kind.starts_with("TOTAL_")).collect();
        let summed = kinds.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        Ok(Self { kinds, total: total.unwrap_or(summed) })
    }
}

/// `class`: `0x010802`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciClass(
    /// Base class, subclass and programming interface, one byte each from the top.
    pub u32,
);

impl PciClass {
    /// Base class: 1 storage, 2 network, 3 display, 6 bridge.
    pub fn base(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

impl FromBytes for PciClass {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let class = hex(trim(bytes)).and_then(|class| u32::try_from(class).ok()).filter(|class| *class < 1 << 24);
        class.map(Self).ok_or_else(|| ParseError::new(1, "a class in hexadecimal", bytes))
    }
}

/// A number in hexadecimal with `0x`, such as `/sys/block/sda/device/ioerr_cnt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HexNumber(
    /// The number.
    pub u64,
);

impl FromBytes for HexNumber {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        hex(trim(bytes)).map(Self).ok_or_else(|| ParseError::new(1, "a number in hexadecimal", bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_know_their_bytes() {
        let gen3 = LinkSpeed::from_bytes(b"8.0 GT/s PCIe\n").unwrap();
        assert!((gen3.lane_bytes() - 984_615_384.6).abs() < 1.0);
        let gen1 = LinkSpeed::from_bytes(b"2.5 GT/s PCIe\n").unwrap();
        assert!((gen1.lane_bytes() - 250_000_000.0).abs() < 1.0);
        assert_eq!(LinkSpeed::from_bytes(b"8 GT/s\n").unwrap(), gen3, "before Linux 5.1 it was written so");
        assert!(LinkSpeed::from_bytes(b"Unknown\n").unwrap().gigatransfers.abs() < f64::EPSILON);
        assert!(LinkSpeed::from_bytes(b"inf GT/s\n").is_err());
        assert!(LinkSpeed::from_bytes(b"").is_err());
        assert_eq!(LinkWidth::from_bytes(b"4\n"), Ok(LinkWidth(Some(4))));
        assert_eq!(LinkWidth::from_bytes(b"63\n"), Ok(LinkWidth(None)));
    }

    #[test]
    fn error_counts_have_a_total() {
        let text = b"RxErr 0\nBadTLP 2\nBadDLLP 1\nTOTAL_ERR_COR 3\n";
        let counts = AerCounts::from_bytes(text).unwrap();
        assert_eq!((counts.total, counts.kinds.len()), (3, 3));
        assert_eq!(AerCounts::from_bytes(b"DLP 4\n").unwrap().total, 4);
        assert!(AerCounts::from_bytes(b"").is_err());
    }

    #[test]
    fn classes_and_hexadecimal_counters() {
        assert_eq!(PciClass::from_bytes(b"0x018000\n").unwrap().base(), 1);
        assert!(PciClass::from_bytes(b"0xff018000\n").is_err());
        assert_eq!(HexNumber::from_bytes(b"0x1f\n"), Ok(HexNumber(31)));
        assert!(HexNumber::from_bytes(b"\n").is_err());
    }
}
