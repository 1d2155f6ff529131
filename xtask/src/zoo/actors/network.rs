//! Clients, servers, senders and readers, over TCP and over local sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use rustix::net::{AddressFamily, SocketType, bind, listen, socket, sockopt};

use super::{Control, Meter, Words, burn};

/// A connection of either kind.
trait Stream: Read + Write + Send {}
impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// How long a client waits for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connects to `ip:port`, or to a local socket if it is a path.
fn connect(address: &str) -> Result<Box<dyn Stream>> {
    if address.starts_with('/') {
        let stream = UnixStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        return Ok(Box::new(stream));
    }
    let stream = TcpStream::connect_timeout(&address.parse()?, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(Box::new(stream))
}

/// Whoever accepts.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// `backlog` connections may wait to be accepted.
    fn new(address: &str, backlog: i32) -> Result<Self> {
        if address.starts_with('/') {
            return Ok(Self::Unix(UnixListener::bind(address)?));
        }
        let address: SocketAddr = address.parse()?;
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd: OwnedFd = socket(family, SocketType::STREAM, None)?;
        sockopt::set_socket_reuseaddr(&fd, true)?;
        bind(&fd, &address)?;
        listen(&fd, backlog)?;
        Ok(Self::Tcp(TcpListener::from(fd)))
    }

    fn accept(&self) -> Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Tcp(listener) => {
                let stream = listener.accept()?.0;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Self::Unix(listener) => Box::new(listener.accept()?.0),
        })
    }
}

/// A request: its length and that of the answer that is wanted, then its bytes.
fn ask(stream: &mut dyn Stream, request: u32, answer: u32) -> Result<()> {
    let mut bytes = request.to_le_bytes().to_vec();
    bytes.extend(answer.to_le_bytes());
    bytes.resize(8 + request as usize, 1);
    stream.write_all(&bytes)?;
    let mut reply = vec![0; answer as usize];
    stream.read_exact(&mut reply)?;
    Ok(())
}

/// Asks `address` every `period_us` and waits for the answer: over one connection a thread, or with `connect=1` over a new
/// one each time.
pub(super) fn client(words: &Words) -> Result<()> {
    let address = words.text("address")?.to_owned();
    let (request, answer) = (u32::try_from(words.number("request", 64)?)?, u32::try_from(words.number("answer", 64)?)?);
    let anew = words.number("connect", 0)? == 1;
    let mut meter = Meter::new();
    for _ in 0..words.number("threads", 2)? {
        let address = address.clone();
        let mut kept: Option<Box<dyn Stream>> = None;
        meter.every(words.micros("period_us", 20_000)?, move || {
            let mut stream = match kept.take() {
                Some(stream) => stream,
                None => connect(&address)?,
            };
            ask(stream.as_mut(), request, answer)?;
            if !anew {
                kept = Some(stream);
            }
            Ok(())
        });
    }
    meter.tell()
}

/// What a server does for a request.
#[derive(Clone)]
struct Service {
    work: Duration,
    control: Control,
    mode: How,
    upstream: Option<String>,
    file: Option<PathBuf>,
}

/// What `control` means for a server.
#[derive(Clone, Copy, PartialEq)]
enum How {
    /// Microseconds that it sleeps for each request.
    Sleep,
    /// Microseconds that it computes for each request.
    Burn,
    /// Milliseconds that it sleeps before it accepts the next connection.
    Accept,
}

impl Service {
    fn serve(self, mut stream: Box<dyn Stream>) -> Result<()> {
        let mut behind = self.upstream.as_deref().map(connect).transpose()?;
        let file = self.file.as_ref().map(std::fs::File::create).transpose()?;
        loop {
            let mut head = [0; 8];
            stream.read_exact(&mut head)?;
            let both = u64::from_le_bytes(head);
            let (request, answer) = (both & 0xffff_ffff, both >> 32);
            let mut body = vec![0; usize::try_from(request.min(1 << 20))?];
            stream.read_exact(&mut body)?;
            burn(self.work);
            let extra = Duration::from_micros(self.control.told());
            match self.mode {
                How::Sleep if !extra.is_zero() => std::thread::sleep(extra),
                How::Burn => burn(extra),
                How::Sleep | How::Accept => {}
            }
            if let Some(behind) = &mut behind {
                ask(behind.as_mut(), 64, 64)?;
            }
            if let Some(mut file) = file.as_ref() {
                file.write_all(&[9; 4096])?;
                file.sync_data()?;
            }
            stream.write_all(&vec![2; usize::try_from(answer.min(1 << 20))?])?;
        }
    }
}

/// Answers at `address`, one thread a connection.
pub(super) fn server(words: &Words) -> Result<()> {
    let mode = match words.text("mode").unwrap_or("sleep") {
        "sleep" => How::Sleep,
        "burn" => How::Burn,
        "accept" => How::Accept,
        other => bail!("no mode {other:?}"),
    };
    let service = Service {
        work: words.micros("work_us", 100)?,
        control: words.control(),
        mode,
        upstream: words.text("upstream").ok().map(str::to_owned),
        file: words.text("file").ok().map(PathBuf::from),
    };
    let listener = Listener::new(words.text("address")?, i32::try_from(words.number("backlog", 128)?)?)?;
    loop {
        let pause = service.control.told();
        if service.mode == How::Accept && pause > 0 {
            std::thread::sleep(Duration::from_millis(pause));
        }
        let stream = listener.accept()?;
        let service = service.clone();
        std::thread::spawn(move || service.serve(stream));
    }
}

/// Sends `size` bytes to `address` every `period_us`; an operation is done when the kernel has taken them.
pub(super) fn stream(words: &Words) -> Result<()> {
    let mut stream = connect(words.text("address")?)?;
    let block = vec![4_u8; usize::try_from(words.number("size", 16 << 10)?)?];
    let mut meter = Meter::new();
    meter.every(words.micros("period_us", 5_000)?, move || Ok(stream.write_all(&block)?));
    meter.tell()
}

/// Reads what comes, `size` bytes at a time; for each it computes `work_us`, and then does what `control` says, as `mode`
/// has it: sleeps or computes so many microseconds.
pub(super) fn drain(words: &Words) -> Result<()> {
    let (work, control) = (words.micros("work_us", 50)?, words.control());
    let busy = words.text("mode").unwrap_or("sleep") == "burn";
    let listener = Listener::new(words.text("address")?, 16)?;
    let mut buffer = vec![0; usize::try_from(words.number("size", 16 << 10)?)?];
    let mut stream = listener.accept()?;
    loop {
        stream.read_exact(&mut buffer)?;
        burn(work);
        let extra = Duration::from_micros(control.told());
        if busy {
            burn(extra);
        } else if !extra.is_zero() {
            std::thread::sleep(extra);
        }
    }
}

/// Receives datagrams at `address` and computes `work_us` for each. `control` makes its receive buffer so many bytes large.
pub(super) fn datagrams(words: &Words) -> Result<()> {
    let socket = UdpSocket::bind(words.text("address")?)?;
    let (work, control) = (words.micros("work_us", 50)?, words.control());
    let mut meter = Meter::new();
    let mut buffer = vec![0; 65_536];
    let mut small = false;
    meter.each(move || {
        let bytes = control.told();
        if bytes > 0 && !small {
            sockopt::set_socket_recv_buffer_size(&socket, usize::try_from(bytes)?)?;
            small = true;
        }
        let length = socket.recv(&mut buffer)?;
        burn(work);
        let sent = buffer.get(..16.min(length)).and_then(|head| head.try_into().ok()).map_or(0, u128::from_le_bytes);
        Ok(Duration::from_nanos(u64::try_from(now().saturating_sub(sent))?))
    });
    meter.tell()
}

/// Sends bursts of `count` datagrams of `size` bytes to `address` every `period_us`, each with the time that it was sent.
pub(super) fn burst(words: &Words) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (address, count) = (words.text("address")?.to_owned(), words.number("count", 50)?);
    let mut block = vec![6_u8; usize::try_from(words.number("size", 1024)?)?.max(16)];
    let period = words.micros("period_us", 20_000)?;
    loop {
        for _ in 0..count {
            block[..16].copy_from_slice(&now().to_le_bytes());
            // Nobody listens yet.
            let _ = socket.send_to(&block, &address);
        }
        std::thread::sleep(period);
    }
}

/// Nanoseconds of the clock that all processes of a host share.
fn now() -> u128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u128::from(time.tv_sec.unsigned_abs()) * 1_000_000_000 + u128::from(time.tv_nsec.unsigned_abs())
}
