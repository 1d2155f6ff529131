//! `/proc/net/udp` and `/proc/net/udp6`: UDP sockets with their queues and drops.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::parse::{FromBytes, ParseError, fields, hex, lines, text, unsigned};

/// One UDP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpSocket {
    /// Where it is bound.
    pub local: SocketAddr,
    /// Where it is connected to; port 0 for none.
    pub remote: SocketAddr,
    /// Bytes (with their overhead) that wait to be sent.
    pub tx_queue: u64,
    /// Bytes (with their overhead) that wait to be read.
    pub rx_queue: u64,
    /// Owner.
    pub uid: u32,
    /// Inode of the socket; 0 for none.
    pub inode: u64,
    /// Datagrams dropped at this socket since it was made.
    pub drops: u64,
}

/// All UDP sockets of the namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UdpSockets(pub Vec<UdpSocket>);

impl FromBytes for UdpSockets {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut all = lines(bytes);
        if !all.next().is_some_and(|(_, head)| head.windows(4).any(|word| word == b"drop")) {
            return Err(ParseError::new(1, "a line of headings", bytes));
        }
        let mut sockets = Vec::new();
        for (number, line) in all.filter(|(_, line)| !line.is_empty()) {
            sockets.push(socket(line).ok_or_else(|| ParseError::new(number, "a UDP socket", line))?);
        }
        Ok(Self(sockets))
    }
}

fn socket(line: &[u8]) -> Option<UdpSocket> {
    // sl local remote st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops
    let parts: Vec<&[u8]> = fields(line).collect();
    let queues = parts.get(4)?;
    let colon = queues.iter().position(|&byte| byte == b':')?;
    Some(UdpSocket {
        local: address(parts.get(1)?)?,
        remote: address(parts.get(2)?)?,
        tx_queue: hex(&queues[..colon])?,
        rx_queue: hex(&queues[colon + 1..])?,
        uid: u32::try_from(unsigned(parts.get(7)?)?).ok()?,
        inode: unsigned(parts.get(9)?)?,
        drops: unsigned(parts.get(12)?)?,
    })
}

/// `0100007F:1F90`: words of an address as the machine that wrote them holds them, then the port. Every machine that
/// we run on is little-endian.
fn address(field: &[u8]) -> Option<SocketAddr> {
    let field = text(field);
    let (ip, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = ip
        .as_bytes()
        .chunks(8)
        .map(|word| Some(u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?.to_le_bytes()))
        .collect();
    let ip = match words?.as_slice() {
        &[word] if ip.len() == 8 => IpAddr::V4(Ipv4Addr::from(word)),
        words if ip.len() == 32 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";

    #[test]
    fn both_families() {
        let text = format!(
            "{HEAD}  373: 0100007F:1F90 00000000:0000 07 00000000:00000100 00:00000000 00000000     5        0 4242 2 0000000000000000 17\n"
        );
        let sockets = UdpSockets::from_bytes(text.as_bytes()).unwrap().0;
        assert_eq!(sockets[0].local.to_string(), "127.0.0.1:8080");
        assert_eq!((sockets[0].rx_queue, sockets[0].inode, sockets[0].drops), (256, 4242, 17));
        let text = format!(
            "{HEAD}   1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 9 2 0000000000000000 0\n"
        );
        assert_eq!(UdpSockets::from_bytes(text.as_bytes()).unwrap().0[0].local.to_string(), "[::1]:53");
    }

    #[test]
    fn torn_lines_are_refused() {
        assert!(UdpSockets::from_bytes(b"").is_err());
        assert!(UdpSockets::from_bytes(HEAD.as_bytes()).unwrap().0.is_empty());
        assert!(UdpSockets::from_bytes(format!("{HEAD} 1: 0100007F:1F90 0\n").as_bytes()).is_err());
        assert!(
            UdpSockets::from_bytes(format!("{HEAD} 1: 0é00007F:1F90 0:0 7 0:0 0 0 0 0 0 0 0 0\n").as_bytes()).is_err()
        );
    }
}
