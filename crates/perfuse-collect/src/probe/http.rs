//! One request of HTTP/1.1 (RFC 9112) on a connection of its own.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use perfuse_format::web::probe::{Failure, Phase};
use perfuse_format::web::url::Url;

use super::stream::{Timed, Tls, failed};
use super::{Clock, Failed, lookup};
use crate::Root;

/// Bytes of a head that nobody exceeds in earnest.
const HEAD: usize = 64 << 10;
/// Bytes of a body that are read: a download without an end must not be one here.
const BODY: u64 = 16 << 20;
/// Header fields of a head.
const FIELDS: usize = 128;

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// What a head says.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Bytes of the head itself.
    long: usize,
    location: Option<String>,
    body: Body,
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq)]
enum Body {
    /// After so many bytes.
    Length(u64),
    /// By a last chunk without bytes.
    Chunks,
    /// When the other end closes.
    Close,
}

/// Asks, and reads the whole answer; where a redirect leads.
pub(super) fn request(
    url: &Url,
    deadline: Instant,
    root: &Root,
    tls: &Tls,
    clock: &mut Clock<'_>,
) -> Result<Option<String>, Failed> {
    let addresses = lookup::addresses(&url.host, deadline, root)?;
    clock.next(Phase::Connect);
    let (peer, stream) = Timed::connect(&addresses, url.port, deadline);
    clock.one.peer = peer.or(clock.one.peer);
    let stream = stream?;
    let mut stream: Box<dyn Stream> = if url.tls {
        clock.next(Phase::Tls);
        Box::new(tls.wrap(&url.host, stream)?)
    } else {
        Box::new(stream)
    };
    clock.next(Phase::FirstByte);
    let text = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: perfuse/{}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
        url.path,
        url.authority(),
        env!("CARGO_PKG_VERSION"),
    );
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    let head = loop {
        if let Some(head) = head(&bytes)? {
            // An interim answer (RFC 9110, section 15.2) stands before the real one.
            if !(100..200).contains(&head.status) {
                break head;
            }
            bytes.drain(..head.long);
            continue;
        }
        if bytes.len() > HEAD {
            return Err(Failed(Failure::NotHttp, format!("a head of more than {HEAD} bytes")));
        }
        let long = read(&mut *stream, &mut buffer)?;
        if long == 0 {
            let failure = if bytes.is_empty() { Failure::Closed } else { Failure::NotHttp };
            return Err(Failed(failure, "the connection ended before the head of the answer did".to_owned()));
        }
        if bytes.is_empty() {
            clock.next(Phase::Body);
        }
        bytes.extend_from_slice(&buffer[..long]);
    };
    clock.one.status = Some(head.status);
    let redirect = matches!(head.status, 301 | 302 | 303 | 307 | 308);
    if let Some(location) = head.location.filter(|_| redirect) {
        // Its body is for people.
        return Ok(Some(location));
    }
    let first = bytes.split_off(head.long.min(bytes.len()));
    let mut sink = Sink::new(head.body);
    sink.take(&first);
    while !sink.done && sink.bytes < BODY {
        let long = read(&mut *stream, &mut buffer)?;
        if long == 0 {
            if sink.body == Body::Close {
                break;
            }
            return Err(Failed(
                Failure::Closed,
                format!("the connection ended after {} bytes of the body", sink.bytes),
            ));
        }
        sink.take(&buffer[..long]);
        clock.one.bytes = sink.bytes;
    }
    clock.one.bytes = sink.bytes;
    clock.finish();
    Ok(None)
}

/// Reads some bytes; none at the end. Many servers close an encrypted connection without saying so.
fn read(stream: &mut dyn Stream, buffer: &mut [u8]) -> Result<usize, Failed> {
    loop {
        match stream.read(buffer) {
            Ok(long) => return Ok(long),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// The head, once it is whole.
fn head(bytes: &[u8]) -> Result<Option<Head>, Failed> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let long = match response.parse(bytes) {
        Ok(httparse::Status::Complete(long)) => long,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(Failed(Failure::NotHttp, error.to_string())),
    };
    let value = |name: &str| {
        let field = response.headers.iter().rev().find(|field| field.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(field.value).ok().map(str::trim)
    };
    let status = response.code.unwrap_or(0);
    let chunked = value("transfer-encoding").is_some_and(|coding| coding.to_ascii_lowercase().ends_with("chunked"));
    let body = match (status, chunked, value("content-length").map(str::parse)) {
        (204 | 304, ..) => Body::Length(0),
        (_, true, _) => Body::Chunks,
        (.., Some(Ok(length))) => Body::Length(length),
        (.., Some(Err(_))) => return Err(Failed(Failure::NotHttp, "Content-Length".to_owned())),
        (.., None) => Body::Close,
    };
    Ok(Some(Head { status, long, location: value("location").map(str::to_owned), body }))
}

/// Counts a body, and finds its end.
struct Sink {
    body: Body,
    bytes: u64,
    done: bool,
    /// Bytes of the chunk that are still to come; with the line end after it.
    chunk: u64,
    /// The line of a chunk's length, as far as it has come.
    line: Vec<u8>,
}

impl Sink {
    fn new(body: Body) -> Self {
        let done = body == Body::Length(0);
        Self { body, bytes: 0, done, chunk: 0, line: Vec::new() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        match self.body {
            Body::Length(length) => self.done = self.bytes >= length,
            Body::Chunks => self.chunks(bytes),
            Body::Close => {}
        }
    }

    fn chunks(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.chunk > 0 {
                let some = usize::try_from(self.chunk).unwrap_or(usize::MAX).min(bytes.len());
                self.chunk -= some as u64;
                bytes = &bytes[some..];
                continue;
            }
            bytes = rest;
            if byte != b'\n' {
                // A length has 16 digits at most; what follows a semicolon is of no interest.
                if self.line.len() < 17 {
                    self.line.push(byte);
                }
                continue;
            }
            let digits: Vec<u8> = self.line.drain(..).take_while(u8::is_ascii_hexdigit).collect();
            match std::str::from_utf8(&digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
                // The last chunk; trailers are not waited for.
                Some(0) | None => {
                    self.done = true;
                    return;
                }
                Some(length) => self.chunk = length.saturating_add(2),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_when_they_are_whole() {
        let text = b"HTTP/1.1 301 Moved\r\nLocation: /x \r\nContent-Length: 5\r\n\r\nhello";
        for end in 0..text.len() - 5 {
            assert_eq!(head(&text[..end]).unwrap(), None, "{end}");
        }
        let whole = head(text).unwrap().unwrap();
        assert_eq!((whole.status, whole.location.as_deref(), whole.body), (301, Some("/x"), Body::Length(5)));
        for bad in [&b"SSH-2.0-OpenSSH\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
            assert!(matches!(head(bad), Err(Failed(Failure::NotHttp, _))));
        }
    }

    #[test]
    fn chunks_end_where_they_say_whatever_the_pieces() {
        let text = b"5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
        for piece in 1..text.len() {
            let mut sink = Sink::new(Body::Chunks);
            for part in text.chunks(piece) {
                assert!(!sink.done || part.iter().all(|byte| b"\r\n0".contains(byte)), "{piece}");
                sink.take(part);
            }
            assert!(sink.done, "{piece}");
        }
        let mut odd = Sink::new(Body::Chunks);
        odd.take(b"zz\r\n");
        assert!(odd.done);
        let mut huge = Sink::new(Body::Chunks);
        huge.take(b"ffffffffffffffff\r\nabc");
        assert!(!huge.done);
    }
}
