//! `/proc/net/dev`: counters of each interface (proc(5)).

use std::collections::BTreeMap;

use crate::parse::{FromBytes, ParseError, fields, lines, text, trim, unsigned};

/// What an interface counted since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Bad packets received (of every kind).
    pub rx_errors: u64,
    /// Received and dropped: no room, or nobody wanted it (an unknown protocol counts here).
    pub rx_dropped: u64,
    /// Dropped since the receive ring or the card's buffer was full.
    pub rx_fifo: u64,
    /// Bad checksum of the frame.
    pub rx_crc: u64,
    /// Framing errors of every kind, bad checksums included where the file adds them up.
    pub rx_frame: u64,
    /// Missed by the card: its own memory was full.
    pub rx_missed: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Packets that could not be sent.
    pub tx_errors: u64,
    /// Dropped on the way out, in the driver or before it.
    pub tx_dropped: u64,
    /// Dropped since the send ring was full.
    pub tx_fifo: u64,
    /// Collisions: only on half-duplex links.
    pub collisions: u64,
    /// Carrier lost while sending.
    pub tx_carrier: u64,
}

/// All interfaces by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetDev(pub BTreeMap<String, LinkCounters>);

impl FromBytes for NetDev {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut links = BTreeMap::new();
        let mut seen = false;
        for (number, line) in lines(bytes).skip(2) {
            seen = true;
            let bad = || ParseError::new(number, "`interface:` and 16 numbers", line);
            // A name may hold a colon (an alias); the numbers never do.
            let colon = line.iter().rposition(|&byte| byte == b':').ok_or_else(bad)?;
            let (name, rest) = line.split_at(colon);
            let numbers: Option<Vec<u64>> = fields(&rest[1..]).map(unsigned).collect();
            let Some(&[rx_bytes, rx_packets, rx_errors, rx_dropped, rx_fifo, rx_frame, _, _, ref tx @ ..]) =
                numbers.as_deref()
            else {
                return Err(bad());
            };
            let &[tx_bytes, tx_packets, tx_errors, tx_dropped, tx_fifo, collisions, tx_carrier, ..] = tx else {
                return Err(bad());
            };
            let counters = LinkCounters {
                rx_bytes,
                rx_packets,
                rx_errors,
                rx_dropped,
                rx_fifo,
                rx_frame,
                tx_bytes,
                tx_packets,
                tx_errors,
                tx_dropped,
                tx_fifo,
                collisions,
                tx_carrier,
                ..LinkCounters::default()
            };
            links.insert(text(trim(name)), counters);
        }
        // A namespace always has `lo`, but a filtered view may show the head alone: no interfaces is a value.
        if !seen && lines(bytes).count() < 2 {
            return Err(ParseError::new(1, "two lines of headings", bytes));
        }
        Ok(Self(links))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";

    #[test]
    fn columns_go_where_they_belong() {
        let text = format!(
            "{HEAD}    lo:    6485      85    1    2    3     4          0         0     6486      86    5    6    7     8       9          0\neth0:1: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n"
        );
        let dev = NetDev::from_bytes(text.as_bytes()).unwrap();
        let lo = dev.0["lo"];
        assert_eq!((lo.rx_bytes, lo.rx_packets, lo.rx_errors, lo.rx_dropped), (6485, 85, 1, 2));
        assert_eq!((lo.rx_fifo, lo.rx_frame, lo.tx_bytes, lo.tx_errors), (3, 4, 6486, 5));
        assert_eq!((lo.tx_dropped, lo.tx_fifo, lo.collisions, lo.tx_carrier), (6, 7, 8, 9));
        assert_eq!(dev.0["eth0:1"].tx_bytes, 2);
    }

    #[test]
    fn headings_alone_are_no_interfaces_and_less_is_an_error() {
        assert!(NetDev::from_bytes(HEAD.as_bytes()).unwrap().0.is_empty());
        assert!(NetDev::from_bytes(b"").is_err());
        assert!(NetDev::from_bytes(format!("{HEAD}lo: 1 2 3\n").as_bytes()).is_err());
        assert!(NetDev::from_bytes(format!("{HEAD}lo 1 2 3\n").as_bytes()).is_err());
    }
}
