//! Names to addresses: `/etc/hosts`, then the name servers of `/etc/resolv.conf`. The C library's own way needs plug-ins that a
//! static binary cannot load.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use perfuse_format::FromBytes as _;
use perfuse_format::web::dns::{A, AAAA, Answer, Hosts, NO_SUCH_NAME, ResolvConf, question};
use perfuse_format::web::probe::Failure;

use super::Failed;
use super::stream::left;
use crate::Root;

/// The port of name servers.
const PORT: u16 = 53;
/// How long one server is waited for before the next one is asked; the C library waits five seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The addresses of a host, in the order to try them.
pub(super) fn addresses(host: &str, deadline: Instant, root: &Root) -> Result<Vec<IpAddr>, Failed> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let read = |path: &str| std::fs::read(root.as_path().join(path)).unwrap_or_default();
    let hosts = Hosts::from_bytes(&read("etc/hosts")).unwrap_or_default();
    let known = hosts.addresses(host);
    if !known.is_empty() {
        return Ok(known);
    }
    // RFC 6761: what is called so is this host, whatever a name server says.
    if host == "localhost" || host.ends_with(".localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let Ok(conf) = ResolvConf::from_bytes(&read("etc/resolv.conf")) else {
        return Err(Failed(Failure::NoNameServer, "/etc/resolv.conf".to_owned()));
    };
    ask(host, &conf, deadline, PORT)
}

/// Asks the servers for every form of the name until one has addresses.
fn ask(host: &str, conf: &ResolvConf, deadline: Instant, port: u16) -> Result<Vec<IpAddr>, Failed> {
    let mut refused = None;
    for name in conf.candidates(host) {
        let mut answered = false;
        for server in &conf.servers {
            left(deadline)?;
            match both(&name, SocketAddr::new(*server, port), deadline) {
                Ok(found) if !found.is_empty() => return Ok(found),
                Ok(_) => {
                    answered = true;
                    break;
                }
                Err(error) => refused = Some(format!("{server}: {error}")),
            }
        }
        if !answered {
            let words = refused.unwrap_or_default();
            return Err(Failed(Failure::NoNameServer, words));
        }
    }
    Err(Failed(Failure::NoName, host.to_owned()))
}

/// Both kinds of addresses, those of version 4 first: without a way for version 6 the others would only cost time.
fn both(name: &str, server: SocketAddr, deadline: Instant) -> std::io::Result<Vec<IpAddr>> {
    let mut addresses = one(name, A, server, deadline)?;
    // A server that chokes on the second question has answered the first.
    match one(name, AAAA, server, deadline) {
        Ok(more) => addresses.extend(more),
        Err(error) if addresses.is_empty() => return Err(error),
        Err(_) => {}
    }
    Ok(addresses)
}

fn one(name: &str, kind: u16, server: SocketAddr, deadline: Instant) -> std::io::Result<Vec<IpAddr>> {
    // Not to be guessed by whoever might answer in the server's stead.
    let mut random = [0; 2];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let id = u16::from_be_bytes(random);
    let Some(question) = question(id, name, kind) else { return Ok(Vec::new()) };
    let patience = PATIENCE.min(deadline.saturating_duration_since(Instant::now())).max(Duration::from_millis(1));
    let answer = over_udp(&question, id, server, patience)?;
    let answer = if answer.truncated { over_tcp(&question, id, server, patience)? } else { answer };
    match answer.code {
        0 | NO_SUCH_NAME => Ok(answer.addresses),
        code => Err(std::io::Error::other(format!("rcode {code}"))),
    }
}

fn over_udp(question: &[u8], id: u16, server: SocketAddr, patience: Duration) -> std::io::Result<Answer> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    // Connected: the kernel takes answers from that server only, and tells when nobody listens there.
    socket.connect(server)?;
    socket.send(question)?;
    let end = Instant::now() + patience;
    let mut buffer = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let long = socket.recv(&mut buffer)?;
        let answer = Answer::from_bytes(buffer.get(..long).unwrap_or_default());
        if let Ok(answer) = answer
            && fits(&answer, question, id)
        {
            return Ok(answer);
        }
    }
}

fn over_tcp(question: &[u8], id: u16, server: SocketAddr, patience: Duration) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let long = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&long.to_be_bytes(), question].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(head))];
    stream.read_exact(&mut bytes)?;
    let answer = Answer::from_bytes(&bytes).map_err(std::io::Error::other)?;
    if fits(&answer, question, id) { Ok(answer) } else { Err(std::io::Error::other("another question's answer")) }
}

/// Whether it answers this question. Letters may come back in another case.
fn fits(answer: &Answer, question: &[u8], id: u16) -> bool {
    answer.id == id && question.get(12..).is_some_and(|asked| asked.eq_ignore_ascii_case(&answer.question))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    /// A name server that knows one name, and another one only over TCP.
    fn server() -> u16 {
        // What is free for the one may be taken for the other.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            if let Ok(tcp) = std::net::TcpListener::bind(udp.local_addr().unwrap()) {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let answer = |question: &[u8], over_tcp: bool| {
            let long = question.windows(4).any(|part| part == b"long");
            let known = long || question.windows(5).any(|part| part == b"known");
            let four = question[question.len() - 3] == 1;
            let mut answer = question.to_vec();
            answer[2] = if long && !over_tcp { 0x83 } else { 0x81 };
            answer[3] = if known { 0x80 } else { 0x83 };
            if known && four && (over_tcp || !long) {
                answer[7] = 1;
                answer.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04\x0a\x01\x02\x03");
            }
            answer
        };
        std::thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((long, from)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(&answer(&buffer[..long], false), from);
            }
        });
        std::thread::spawn(move || {
            for mut stream in tcp.incoming().flatten() {
                let mut head = [0; 2];
                stream.read_exact(&mut head).unwrap();
                let mut question = vec![0; usize::from(u16::from_be_bytes(head))];
                stream.read_exact(&mut question).unwrap();
                let answer = answer(&question, true);
                let long = u16::try_from(answer.len()).unwrap();
                stream.write_all(&[&long.to_be_bytes(), &answer[..]].concat()).unwrap();
            }
        });
        address.port()
    }

    #[test]
    fn names_are_found_through_the_search_list_and_over_tcp() {
        let port = server();
        let conf = ResolvConf { servers: vec![Ipv4Addr::LOCALHOST.into()], search: vec!["known.test".into()], dots: 1 };
        let expected: Vec<IpAddr> = vec!["10.1.2.3".parse().unwrap()];
        for name in ["a.known.test", "short", "a.long.test"] {
            assert_eq!(ask(name, &conf, soon(), port).unwrap(), expected, "{name}");
        }
        let nobody = ResolvConf { search: Vec::new(), ..conf };
        let Failed(failure, words) = ask("no.such", &nobody, soon(), port).unwrap_err();
        assert_eq!((failure, words.as_str()), (Failure::NoName, "no.such"));
    }

    #[test]
    fn without_a_name_server_that_is_said() {
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let conf = ResolvConf { servers: vec![Ipv4Addr::LOCALHOST.into()], search: Vec::new(), dots: 1 };
        let Failed(failure, words) = ask("a.b", &conf, soon(), closed).unwrap_err();
        assert_eq!(failure, Failure::NoNameServer);
        assert!(words.contains("127.0.0.1"), "{words}");
    }

    #[test]
    fn the_own_file_comes_first() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("etc")).unwrap();
        std::fs::write(directory.path().join("etc/hosts"), "192.0.2.1 mine\n").unwrap();
        let root = Root::at(directory.path());
        assert_eq!(addresses("mine", soon(), &root).unwrap(), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert_eq!(addresses("localhost", soon(), &root).unwrap().len(), 2);
        assert_eq!(addresses("::1", soon(), &root).unwrap(), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
    }
}
