//! A socket that answers with metrics: one request after the other, between looks at the hits.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use perfuse_render::export::openmetrics::CONTENT_TYPE;

/// Most bytes of a request.
const MOST: usize = 8 << 10;
/// Time that a client may take: meanwhile nothing else is done.
const PATIENCE: Duration = Duration::from_millis(500);
/// Requests that are answered before hits are looked at again.
const AT_ONCE: usize = 8;

/// The socket.
#[derive(Debug)]
pub(super) struct Server(TcpListener);

impl Server {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where it listens: with port 0 the kernel picks one.
    pub(super) fn address(&self) -> String {
        self.0.local_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
    }

    /// Answers whoever asks now; what goes wrong is the client's.
    pub(super) fn answer(&self, metrics: impl Fn() -> String) {
        for _ in 0..AT_ONCE {
            let Ok((stream, _)) = self.0.accept() else { return };
            let _ = one(stream, &metrics);
        }
    }
}

fn one(mut stream: TcpStream, metrics: &impl Fn() -> String) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") && request.len() < MOST {
        match stream.read(&mut buffer)? {
            0 => break,
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let (status, kind, body) = match path(&request) {
        Some("/" | "/metrics") => ("200 OK", CONTENT_TYPE, metrics()),
        Some(_) => ("404 Not Found", "text/plain", "/metrics\n".to_owned()),
        None => ("400 Bad Request", "text/plain", String::new()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The path of a GET request.
fn path(request: &[u8]) -> Option<&str> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let mut words = str::from_utf8(line).ok()?.split(' ');
    if words.next() != Some("GET") {
        return None;
    }
    words.next().map(|path| path.split('?').next().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_and_mistakes_are_refused() {
        assert_eq!(path(b"GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"), Some("/metrics"));
        assert_eq!(path(b"POST / HTTP/1.1\r\n\r\n"), None);
        assert_eq!(path(b"\xff\xfe"), None);
        let server = Server::open("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.address();
        let client = std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        while !client.is_finished() {
            server.answer(|| "x 1\n# EOF\n".to_owned());
            std::thread::sleep(Duration::from_millis(1));
        }
        let answer = client.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nx 1\n# EOF\n"), "{answer}");
    }
}
