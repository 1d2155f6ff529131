//! Against servers of this process that behave in every way that servers do.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;

/// A server that handles each connection so, after it has read the request.
fn server(handle: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(handle));
    port
}

/// A server that reads a request and writes this.
fn answering(answer: &'static [u8]) -> u16 {
    server(move |mut stream| {
        request(&mut stream);
        let _ = stream.write_all(answer);
    })
}

fn request(stream: &mut impl std::io::Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|long| long == 1) {
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

fn ours() -> stream::Tls {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(include_bytes!("data/ca.pem")).unwrap()).unwrap();
    stream::Tls::trusting(roots)
}

fn strangers() -> stream::Tls {
    stream::Tls::trusting(rustls::RootCertStore::empty())
}

fn once_with(url: &str, tls: &stream::Tls, timeout: Duration) -> (Try, Option<Url>) {
    let url = Url::parse(url).unwrap();
    let shared =
        Shared { probes: Mutex::new(Probes::default()), current: Mutex::new(None), ended: AtomicBool::new(false) };
    shared.once(&url, timeout, &Root::default(), tls)
}

fn once(port: u16) -> Try {
    once_with(&format!("http://127.0.0.1:{port}/a?b"), &ours(), Duration::from_secs(10)).0
}

/// The failure, and what was measured last.
fn failure(one: &Try) -> (Option<Failure>, Option<Phase>) {
    let last = Phase::ALL.into_iter().rev().find(|phase| one.of(*phase).is_some());
    (one.failure.as_ref().map(|(failure, _)| *failure), last)
}

#[test]
fn an_answer_is_measured_in_phases() {
    let port = server(|mut stream| {
        let text = request(&mut stream);
        assert!(text.starts_with("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:"), "{text}");
        std::thread::sleep(Duration::from_millis(30));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        stream.write_all(b"hello").unwrap();
    });
    let one = once(port);
    assert_eq!((one.status, one.bytes, &one.failure), (Some(200), 5, &None));
    assert!(one.of(Phase::FirstByte).unwrap() >= 30_000 && one.of(Phase::Body).unwrap() >= 20_000, "{one:?}");
    assert!(one.of(Phase::Connect).is_some() && one.of(Phase::Tls).is_none());
    assert_eq!(one.peer.unwrap().port(), port);
}

#[test]
fn every_end_of_a_body_is_found() {
    for (answer, bytes) in [
        (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"[..], 13),
        (b"HTTP/1.0 404 Not Found\r\n\r\nto the end", 10),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 0),
    ] {
        let one = once(answering(answer));
        assert_eq!((&one.failure, one.bytes), (&None, bytes));
    }
}

#[test]
fn each_failure_has_its_name_and_phase() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(failure(&once(closed)), (Some(Failure::Refused), Some(Phase::Connect)));
    let silent = server(drop);
    assert!(matches!(failure(&once(silent)), (Some(Failure::Closed | Failure::Reset), Some(Phase::FirstByte))));
    // Closed with a request unread: the kernel answers with a reset.
    let reset = server(|stream| {
        let mut byte = [0];
        let _ = (&stream).read(&mut byte);
    });
    assert_eq!(failure(&once(reset)), (Some(Failure::Reset), Some(Phase::FirstByte)));
    let other = answering(b"SSH-2.0-OpenSSH_9\r\n");
    assert_eq!(failure(&once(other)), (Some(Failure::NotHttp), Some(Phase::Body)));
    let cut = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(failure(&once(cut)), (Some(Failure::Closed), Some(Phase::Body)));
    let (one, _) = once_with("http://no-such-name.invalid/", &ours(), Duration::from_secs(3));
    let (failure, phase) = failure(&one);
    assert!(matches!(failure, Some(Failure::NoName | Failure::NoNameServer | Failure::TimedOut)), "{one:?}");
    assert_eq!(phase, Some(Phase::Dns));
}

#[test]
fn whoever_hangs_or_never_ends_is_left() {
    let hanging = server(|stream| {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(60));
            drop(stream);
        });
    });
    let (one, _) = once_with(&format!("http://127.0.0.1:{hanging}/"), &ours(), Duration::from_millis(200));
    assert_eq!(failure(&one), (Some(Failure::TimedOut), Some(Phase::FirstByte)));
    let (one, _) = once_with(&format!("https://127.0.0.1:{hanging}/"), &ours(), Duration::from_millis(200));
    assert_eq!(failure(&one), (Some(Failure::TimedOut), Some(Phase::Tls)));
    let endless = server(|mut stream| {
        request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 8192]).is_ok() {}
    });
    let one = once(endless);
    assert!(one.failure.is_none() && one.bytes >= 16 << 20, "{one:?}");
    let head = server(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"X: y\r\n").is_ok() {}
    });
    assert_eq!(failure(&once(head)).0, Some(Failure::NotHttp));
}

#[test]
fn redirects_are_followed_and_loops_are_not() {
    let end = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let text = format!("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{end}/there\r\n\r\n");
    let begin = server(move |mut stream| {
        request(&mut stream);
        stream.write_all(text.as_bytes()).unwrap();
    });
    let (one, url) = once_with(&format!("http://127.0.0.1:{begin}/"), &ours(), Duration::from_secs(10));
    assert_eq!((one.status, one.peer.unwrap().port()), (Some(200), end));
    assert_eq!(url.unwrap().path, "/there");
    let round = answering(b"HTTP/1.1 307 Again\r\nLocation: /\r\n\r\n");
    assert_eq!(failure(&once(round)).0, Some(Failure::Redirects));
    let odd = answering(b"HTTP/1.1 301 Away\r\nLocation: gopher://a/\r\n\r\n");
    assert_eq!(failure(&once(odd)).0, Some(Failure::BadRedirect));
}

fn encrypted() -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(include_bytes!("data/server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("data/server.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    server(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        if !request(&mut stream).is_empty() {
            // Closed without the farewell that the standard asks for, as many do.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nsecret");
        }
    })
}

#[test]
fn certificates_are_looked_at() {
    let port = encrypted();
    let timeout = Duration::from_secs(10);
    let (one, _) = once_with(&format!("https://localhost:{port}/"), &ours(), timeout);
    assert_eq!((one.status, one.bytes, &one.failure), (Some(200), 6, &None));
    assert!(one.of(Phase::Tls).is_some());
    let (one, _) = once_with(&format!("https://localhost:{port}/"), &strangers(), timeout);
    assert_eq!(failure(&one), (Some(Failure::Certificate), Some(Phase::Tls)));
    let (one, _) = once_with(&format!("https://127.0.0.2:{port}/"), &ours(), timeout);
    assert_eq!(failure(&one).0, Some(Failure::Refused), "the server is on another address");
    let plain = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let (one, _) = once_with(&format!("https://127.0.0.1:{plain}/"), &ours(), Duration::from_secs(2));
    assert!(
        matches!(failure(&one), (Some(Failure::Tls | Failure::TimedOut | Failure::Reset), Some(Phase::Tls))),
        "{one:?}"
    );
}

#[test]
fn requests_follow_each_other_until_it_is_dropped() {
    let port = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let beat = Beat { every: Duration::from_millis(5), timeout: Duration::from_secs(5) };
    let probe = Probe::with(&url, beat, &Root::default(), ours).unwrap();
    let begin = Instant::now();
    while probe.so_far(false).tries.len() < 3 && begin.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let shared = Arc::clone(&probe.shared);
    assert!(probe.so_far(true).tries.len() >= 3);
    drop(probe);
    while Arc::strong_count(&shared) > 1 && begin.elapsed() < Duration::from_secs(40) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(Arc::strong_count(&shared), 1, "its thread has ended");
}

#[test]
fn a_request_that_is_under_way_in_the_end_had_no_answer() {
    let hanging = server(std::mem::forget);
    let url = Url::parse(&format!("http://127.0.0.1:{hanging}/")).unwrap();
    let beat = Beat { every: Duration::from_secs(1), timeout: Duration::from_secs(20) };
    let probe = Probe::with(&url, beat, &Root::default(), ours).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(probe.so_far(false).tries.is_empty());
    let tries = probe.so_far(true).tries;
    assert_eq!(tries.len(), 1);
    assert_eq!(failure(&tries[0]).0, Some(Failure::TimedOut));
}
