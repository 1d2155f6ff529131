//! Echo requests: over the kernel's own ping sockets where the group may have them, else over a raw socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with};
use tokio::net::UdpSocket;

use super::{Clients, Said};
use crate::config::check::Icmp;

/// Time between two requests.
const BETWEEN: Duration = Duration::from_millis(200);
/// What each request carries, so that an answer to somebody else is not taken for its.
const PAYLOAD: &[u8; 16] = b"perfuse echo\0\0\0\0";
/// Bytes of type, code, checksum, id and sequence number.
const HEADER: usize = 8;

/// The id of the next run over a raw socket; a ping socket has its own.
static NEXT: AtomicU16 = AtomicU16::new(1);

impl Clients {
    pub(super) async fn icmp(&self, check: &Icmp, timeout: Duration) -> Said {
        let begun = Instant::now();
        let ip = match self.addresses(&check.host).await {
            Ok(addresses) => match addresses.first() {
                Some(ip) => *ip,
                None => return Said::fail("no address"),
            },
            Err(said) => return said,
        };
        let echo = match Echo::open(ip) {
            Ok(echo) => echo,
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::ACCESS | Errno::PERM)) => {
                return Said::new(Outcome::NoData, Msg::new("check-icmp-not-allowed"));
            }
            // Without a route there is no answer, and that is an answer.
            Err(error) => return Said::fail(format!("{ip}: {error}")),
        };
        // What has not come by then is lost; what is left of the time-out is for saying so.
        let until = begun + timeout.mul_f64(0.9);
        match echo.rounds(check.count, until).await {
            Ok(times) => judge(check, &times),
            Err(error) => Said::fail(format!("{ip}: {error}")),
        }
    }
}

fn judge(check: &Icmp, times: &[Duration]) -> Said {
    let (sent, came) = (f64::from(check.count), times.len() as f64);
    let lost = (sent - came) / sent;
    let mean = times.iter().map(Duration::as_secs_f64).sum::<f64>() * 1000.0 / came.max(1.0);
    let outcome = if came > 0.0 && lost <= check.max_loss { Outcome::Pass } else { Outcome::Fail };
    let message = Msg::new("check-icmp")
        .with("came", times.len() as u64)
        .with("sent", u64::from(check.count))
        .with("milliseconds", format!("{mean:.1}"));
    let said = Said::new(outcome, message);
    if times.is_empty() { said } else { said.with_value(mean) }
}

/// A socket for echo requests to one address.
struct Echo {
    /// It is none of UDP, but is waited for, sent to and received from like one.
    socket: UdpSocket,
    six: bool,
    raw: bool,
    id: u16,
}

impl Echo {
    fn open(ip: IpAddr) -> io::Result<Self> {
        let six = ip.is_ipv6();
        let (family, protocol) =
            if six { (AddressFamily::INET6, ipproto::ICMPV6) } else { (AddressFamily::INET, ipproto::ICMP) };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let open = |kind| socket_with(family, kind, flags, Some(protocol));
        // Who is not in net.ipv4.ping_group_range may still have CAP_NET_RAW.
        let (socket, raw) = match open(SocketType::DGRAM) {
            Err(Errno::ACCESS | Errno::PERM) => (open(SocketType::RAW)?, true),
            other => (other?, false),
        };
        connect(&socket, &SocketAddr::new(ip, 0))?;
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self { socket, six, raw, id: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// Sends requests one after the other; the times of the answers that came until then.
    async fn rounds(&self, count: u32, until: Instant) -> io::Result<Vec<Duration>> {
        let mut sent: Vec<(Instant, Option<Duration>)> = Vec::new();
        for number in 0..count {
            let sequence = u16::try_from(number).unwrap_or(u16::MAX);
            self.send(sequence).await?;
            sent.push((Instant::now(), None));
            let last = number + 1 == count;
            let wait = if last { until } else { until.min(Instant::now() + BETWEEN) };
            self.collect(&mut sent, wait, last).await?;
        }
        Ok(sent.into_iter().filter_map(|(_, took)| took).collect())
    }

    /// Takes answers until a time, or until all that are out have come.
    async fn collect(&self, sent: &mut [(Instant, Option<Duration>)], until: Instant, last: bool) -> io::Result<()> {
        loop {
            if last && sent.iter().all(|(_, took)| took.is_some()) {
                return Ok(());
            }
            let mut packet = [0_u8; 256];
            match tokio::time::timeout_at(until.into(), self.socket.recv(&mut packet)).await {
                Err(_) => return Ok(()),
                Ok(length) => {
                    let sequence = self.answer(packet.get(..length?).unwrap_or_default());
                    if let Some((begun, took)) = sequence.and_then(|sequence| sent.get_mut(usize::from(sequence))) {
                        took.get_or_insert_with(|| begun.elapsed());
                    }
                }
            }
        }
    }

    async fn send(&self, sequence: u16) -> io::Result<()> {
        self.socket.send(&self.request(sequence)).await.map(|_| ())
    }

    /// An echo request: type 8, in version 6 of IP type 128 (RFC 792, RFC 4443).
    fn request(&self, sequence: u16) -> Vec<u8> {
        let mut packet = vec![if self.six { 128 } else { 8 }, 0, 0, 0];
        packet.extend(self.id.to_be_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(PAYLOAD);
        // The kernel makes the checksum of version 6, and that of ping sockets.
        if !self.six {
            let sum = checksum(&packet);
            packet[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        packet
    }

    /// The sequence number of an answer to one of these requests.
    fn answer(&self, packet: &[u8]) -> Option<u16> {
        let packet = if self.raw && !self.six {
            // Raw sockets of version 4 give the IP header, too; its length is in words.
            packet.get(usize::from(packet.first()? & 0x0f) * 4..)?
        } else {
            packet
        };
        let (header, payload) = packet.split_first_chunk::<HEADER>()?;
        let ours = !self.raw || header[4..6] == self.id.to_be_bytes();
        let reply = header[0] == if self.six { 129 } else { 0 };
        (reply && ours && payload == PAYLOAD).then(|| u16::from_be_bytes([header[6], header[7]]))
    }
}

/// The one's complement sum of RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_answers_may_be_lost() {
        let check = Icmp { host: String::new(), count: 4, max_loss: 0.5 };
        let came = |count: usize| judge(&check, &vec![Duration::from_millis(3); count]);
        assert_eq!((came(4).outcome, came(2).outcome), (Outcome::Pass, Outcome::Pass));
        assert_eq!((came(1).outcome, came(0).outcome), (Outcome::Fail, Outcome::Fail));
        assert!(came(2).value.is_some_and(|mean| (mean - 3.0).abs() < 1e-9));
        assert_eq!(came(0).value, None);
    }

    #[test]
    fn checksums_are_those_of_the_rfc() {
        // The example of RFC 1071, section 3: the sum is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        let mut packet = vec![8, 0, 0, 0, 1, 2, 3];
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&packet), 0, "a packet with its checksum sums up to nothing");
    }
}
