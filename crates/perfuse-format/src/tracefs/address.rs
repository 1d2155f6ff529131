//! Addresses and identifiers with letters of their own after `%p`: MAC, IP, UUID.

use std::io::Write as _;

use super::tree::Ip;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// `%pM` and `%pm`.
pub(super) fn mac(out: &mut Vec<u8>, bytes: &[u8], colons: bool) {
    let Some(bytes) = bytes.first_chunk::<6>() else { return out.extend_from_slice(b"INVALIDMAC") };
    for (place, byte) in bytes.iter().enumerate() {
        if colons && place > 0 {
            out.push(b':');
        }
        hex(out, *byte);
    }
}

/// `%pU`: 16 bytes with dashes, the first three parts in the other byte order for a GUID.
pub(super) fn uuid(out: &mut Vec<u8>, bytes: &[u8], little: bool, upper: bool) {
    const IN_ORDER: [usize; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    const GUID: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let Some(bytes) = bytes.first_chunk::<16>() else { return out.extend_from_slice(b"INVALIDUUID") };
    for (place, index) in if little { GUID } else { IN_ORDER }.into_iter().enumerate() {
        let start = out.len();
        hex(out, bytes[index]);
        if upper {
            out[start..].make_ascii_uppercase();
        }
        if matches!(place, 3 | 5 | 7 | 9) {
            out.push(b'-');
        }
    }
}

fn hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 15)]);
}

/// `%pI4`, `%pI6`, `%pISpc` and their like. `big` is the byte order of the family of a socket address; ports and
/// addresses are in the order of the network anyway.
pub(super) fn ip(out: &mut Vec<u8>, bytes: &[u8], kind: Ip, big: bool) {
    match kind {
        Ip::V4 { padded } => match bytes.first_chunk() {
            Some(address) => v4(out, *address, padded),
            None => out.extend_from_slice(b"INVALIDIPv4"),
        },
        Ip::V6 { short, colons } => match bytes.first_chunk() {
            Some(address) if short => v6_short(out, address),
            Some(address) => v6(out, address, colons),
            None => out.extend_from_slice(b"INVALIDIPv6"),
        },
        Ip::Socket { padded, port, short } => socket(out, bytes, big, Socket { padded, port, short }),
    }
}

fn v4(out: &mut Vec<u8>, bytes: [u8; 4], padded: bool) {
    let [a, b, c, d] = bytes;
    // Writing to a vector does not fail.
    let _ = if padded { write!(out, "{a:03}.{b:03}.{c:03}.{d:03}") } else { write!(out, "{a}.{b}.{c}.{d}") };
}

fn v6(out: &mut Vec<u8>, bytes: &[u8; 16], colons: bool) {
    for (place, byte) in bytes.iter().enumerate() {
        if colons && place > 0 && place % 2 == 0 {
            out.push(b':');
        }
        hex(out, *byte);
    }
}

/// The short form: the longest run of zeros (at least two words) is `::`, and an IPv4 address inside is written as one.
fn v6_short(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    let word = |place: usize| u16::from_be_bytes([bytes[2 * place], bytes[2 * place + 1]]);
    let mapped = (0..5).all(|place| word(place) == 0) && word(5) == 0xffff;
    let isatap = word(4) | 0x0200 == 0x0200 && word(5) == 0x5efe;
    let words = if mapped || isatap { 6 } else { 8 };
    let run = |from: usize| (from..words).take_while(|place| word(*place) == 0).count();
    let mut longest = (1, words);
    for place in 0..words {
        if run(place) > longest.0 {
            longest = (run(place), place);
        }
    }
    let (mut place, mut colon) = (0, false);
    while place < words {
        if place == longest.1 {
            out.extend_from_slice(if colon || place == 0 { b"::" } else { b":" });
            colon = false;
            place += longest.0;
            continue;
        }
        if colon {
            out.push(b':');
        }
        let _ = write!(out, "{:x}", word(place));
        colon = true;
        place += 1;
    }
    if words == 6 {
        if colon {
            out.push(b':');
        }
        v4(out, [bytes[12], bytes[13], bytes[14], bytes[15]], false);
    }
}

/// How a socket address is written.
#[derive(Debug, Clone, Copy)]
struct Socket {
    padded: bool,
    port: bool,
    short: bool,
}

/// A `struct sockaddr_in` or `sockaddr_in6`; another family prints nothing.
fn socket(out: &mut Vec<u8>, bytes: &[u8], big: bool, Socket { padded, port, short }: Socket) {
    let Some(family) = bytes.first_chunk::<2>() else { return };
    let family = if big { u16::from_be_bytes(*family) } else { u16::from_le_bytes(*family) };
    let number = bytes.get(2..4).and_then(|two| two.first_chunk()).map_or(0, |two| u16::from_be_bytes(*two));
    match family {
        AF_INET => {
            let address = bytes.get(4..16).and_then(|rest| rest.first_chunk());
            let Some(address) = address else { return out.extend_from_slice(b"INVALIDIPv4") };
            v4(out, *address, padded);
            if port {
                let _ = write!(out, ":{number}");
            }
        }
        AF_INET6 => {
            let address = bytes.get(8..28).and_then(|rest| rest.first_chunk());
            let Some(address) = address else { return out.extend_from_slice(b"INVALIDIPv6") };
            if port {
                out.push(b'[');
            }
            if short {
                v6_short(out, address);
            } else {
                v6(out, address, !padded);
            }
            if port {
                let _ = write!(out, "]:{number}");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        print(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn short_addresses_leave_out_the_longest_run() {
        for (address, expected) in [
            ("::1", "::1"),
            ("::", "::"),
            ("fe80::1:0:0:2", "fe80::1:0:0:2"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("1:2::", "1:2::"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
        ] {
            let bytes = address.parse::<std::net::Ipv6Addr>().unwrap().octets();
            assert_eq!(printed(|out| v6_short(out, &bytes)), expected);
        }
    }

    #[test]
    fn socket_addresses_have_a_family() {
        let mut bytes = [0_u8; 28];
        bytes[..8].copy_from_slice(&[2, 0, 0x1f, 0x90, 127, 0, 0, 1]);
        let kind = Ip::Socket { padded: false, port: true, short: true };
        assert_eq!(printed(|out| ip(out, &bytes, kind, false)), "127.0.0.1:8080");
        (bytes[0], bytes[4], bytes[5], bytes[6], bytes[7], bytes[23]) = (10, 0, 0, 0, 0, 1);
        assert_eq!(printed(|out| ip(out, &bytes, kind, false)), "[::1]:8080");
        assert_eq!(printed(|out| ip(out, &bytes[..8], kind, false)), "INVALIDIPv6");
        bytes[0] = 1;
        assert_eq!(printed(|out| ip(out, &bytes, kind, false)), "");
    }

    #[test]
    fn identifiers_are_written_in_both_orders() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(printed(|out| uuid(out, &bytes, false, false)), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(printed(|out| uuid(out, &bytes, true, true)), "03020100-0504-0706-0809-0A0B0C0D0E0F");
        assert_eq!(printed(|out| mac(out, &bytes, true)), "00:01:02:03:04:05");
        assert_eq!(printed(|out| mac(out, &bytes[..5], true)), "INVALIDMAC");
    }
}
