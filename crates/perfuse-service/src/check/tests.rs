//! Checks against servers on loopback that behave, and that do not.

use std::net::SocketAddr;
use std::process::Command as Program;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::{Outside, parse};

/// The check of a configuration.
fn check(lines: &str) -> Check {
    let text = format!("[[component]]\nname = \"c\"\n[[component.check]]\nevery = \"10s\"\n{lines}\n");
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    let config = parse(&text, &outside).unwrap_or_else(|errors| panic!("{errors:?}"));
    config.components[0].checks[0].clone()
}

async fn found(lines: &str) -> Found {
    Clients::new().unwrap().run(&check(lines)).await.expect("a check of this side")
}

/// A server that gives the same bytes to everyone, and then closes, or stays.
async fn server(answer: &'static [u8], stays: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
                if stays {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    address
}

/// A server that speaks first, and once more when it was answered.
async fn greeter(first: &'static [u8], then: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(first).await;
            let mut answer = [0; 4096];
            if !then.is_empty() && stream.read(&mut answer).await.is_ok() {
                let _ = stream.write_all(then).await;
            }
        }
    });
    address
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"db\":{\"up\":true},\"n\":\"1\"}";

#[tokio::test]
async fn http_conditions() {
    let url = format!("kind = \"http\"\nurl = \"http://{}/\"\n", server(OK, false).await);
    for (lines, outcome) in [
        ("", Outcome::Pass),
        ("status = 200", Outcome::Pass),
        ("status = [204]", Outcome::Fail),
        ("body_contains = \"db\"", Outcome::Pass),
        ("body_contains = \"dc\"", Outcome::Fail),
        ("body_matches = \"n.:.[0-9]\"", Outcome::Pass),
        ("body_lacks = \"up\"", Outcome::Fail),
        ("json = { \"/db/up\" = \"true\", \"/n\" = \"1\" }", Outcome::Pass),
        ("json = { \"/db/up\" = \"false\" }", Outcome::Fail),
        ("json = { \"/none\" = \"1\" }", Outcome::Fail),
        ("header = { Content-Type = \"json\" }", Outcome::Pass),
        ("header = { X-None = \"\" }", Outcome::Fail),
        ("slow = \"1ms\"\ntimeout = \"9s\"", Outcome::Slow),
    ] {
        let found = found(&format!("{url}{lines}")).await;
        let fast = lines.starts_with("slow") && found.took < Duration::from_millis(2);
        assert!(found.outcome == outcome || fast, "{lines}: {found:?}");
    }
}

#[tokio::test]
async fn http_servers_that_do_not_behave() {
    let silent = server(b"", true).await;
    let garbage = server(b"\x00\xff\x80 what?\r\n\r\n", false).await;
    let broken = server(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", false).await;
    let around = server(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", false).await;
    for (address, id) in
        [(silent, "check-timeout"), (garbage, "check-failed"), (broken, "check-failed"), (around, "check-redirects")]
    {
        let found = found(&format!("kind = \"http\"\nurl = \"http://{address}/\"\ntimeout = \"500ms\"")).await;
        assert_eq!((found.outcome, found.message.id.as_str()), (Outcome::Fail, id), "{found:?}");
    }
}

#[tokio::test]
async fn an_endless_body_ends_at_the_bound() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let mut more = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok();
            while more {
                more = stream.write_all(&[b'x'; 8192]).await.is_ok();
            }
        }
    });
    let lines = format!("kind = \"http\"\nurl = \"http://{address}/\"\nmax_body = 100000\nbody_contains = \"xxx\"");
    assert_eq!(found(&lines).await.outcome, Outcome::Pass);
    let lines = format!("{lines}\njson = {{ \"/a\" = \"1\" }}");
    assert_eq!(found(&lines).await.message.id, "check-http-too-long");
}

/// A TLS server with a certificate for `localhost` that signs itself; its address, and the certificate in PEM.
async fn tls_server(until: (i32, u8, u8)) -> (SocketAddr, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    let certificate = params.self_signed(&key).unwrap();
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(OK).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, certificate.pem())
}

#[tokio::test]
async fn certificates() {
    let (good, pem) = tls_server((2090, 1, 1)).await;
    let (expired, expired_pem) = tls_server((2021, 1, 1)).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, pem + &expired_pem).unwrap();
    let trust = format!("ca_file = \"{}\"", ca.display());
    for (address, lines, outcome) in [
        (good, String::new(), Outcome::Fail),
        (good, trust.clone(), Outcome::Pass),
        (good, format!("{trust}\ncertificate_days = 3650"), Outcome::Pass),
        (expired, trust.clone(), Outcome::Fail),
        (expired, "insecure = true".to_owned(), Outcome::Pass),
        (expired, "insecure = true\ncertificate_days = 1".to_owned(), Outcome::Fail),
    ] {
        let name = format!("server_name = \"localhost\"\naddress = \"127.0.0.1:{}\"", address.port());
        let tls = found(&format!("kind = \"tls\"\n{name}\n{lines}")).await;
        assert_eq!(tls.outcome, outcome, "{lines}: {tls:?}");
        let http = found(&format!("kind = \"http\"\nurl = \"https://localhost:{}/\"\n{lines}", address.port())).await;
        assert_eq!(http.outcome, outcome, "{lines}: {http:?}");
    }
}

#[tokio::test]
async fn tcp_redis_and_nats_lines() {
    let smtp = server(b"220 mail\r\n", true).await;
    let tcp = |expect: &str| {
        format!("kind = \"tcp\"\ntimeout = \"500ms\"\naddress = \"{smtp}\"\nsend = \"x\"\nexpect = \"{expect}\"")
    };
    assert_eq!(found(&tcp("^220 ")).await.outcome, Outcome::Pass);
    assert_eq!(found(&tcp("^250 ")).await.message.id, "check-timeout");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(found(&format!("kind = \"tcp\"\naddress = \"{closed}\"")).await.outcome, Outcome::Fail);
    let redis = |address| format!("kind = \"redis\"\nurl = \"redis://{address}/0\"\ntimeout = \"500ms\"");
    assert_eq!(found(&redis(server(b"+PONG\r\n", true).await)).await.outcome, Outcome::Pass);
    assert_eq!(found(&redis(server(b"-NOAUTH no\r\n", true).await)).await.message.id, "check-failed");
    let nats = |address| format!("kind = \"nats\"\naddress = \"{address}\"\ntimeout = \"500ms\"");
    assert_eq!(found(&nats(greeter(b"INFO {\"a\":1}\r\n", b"PONG\r\n").await)).await.outcome, Outcome::Pass);
    assert_eq!(found(&nats(greeter(b"INFO {}\r\n", b"-ERR no\r\n").await)).await.message.id, "check-failed");
    assert_eq!(found(&nats(greeter(b"SSH-2.0-x\r\n", b"").await)).await.message.id, "check-unexpected");
    let encrypted = nats(greeter(b"INFO {}\r\n", b"PONG\r\n").await) + "\nencryption = \"tls\"";
    assert_eq!(found(&encrypted).await.message.id, "tls-not-offered");
}

#[tokio::test]
async fn commands_have_the_exit_status_of_plugins_and_no_shell() {
    for (words, outcome) in [
        (r#""true""#, Outcome::Pass),
        (r#""sh", "-c", "exit 1""#, Outcome::Slow),
        (r#""sh", "-c", "exit 2""#, Outcome::Fail),
        (r#""sh", "-c", "exit 3""#, Outcome::NoData),
        (r#""sh", "-c", "exit 7""#, Outcome::NoData),
        (r#""/none/such""#, Outcome::NoData),
        (r#""sh", "-c", "test -z \"$HOME\"""#, Outcome::Pass),
        (r#""echo", "$(exit 2); exit 2""#, Outcome::Pass),
    ] {
        let found = found(&format!("kind = \"command\"\ncommand = [{words}]")).await;
        assert_eq!(found.outcome, outcome, "{words}: {found:?}");
    }
}

#[tokio::test]
async fn a_command_that_runs_out_of_time_takes_its_children_with_it() {
    let mark = format!("86{}", std::process::id());
    let lines =
        format!("kind = \"command\"\ntimeout = \"300ms\"\ncommand = [\"sh\", \"-c\", \"sleep {mark} & sleep {mark}\"]");
    assert_eq!(found(&lines).await.message.id, "check-timeout");
    let is_it = |process: &std::path::Path| {
        std::fs::read(process.join("cmdline")).is_ok_and(|line| line == format!("sleep\0{mark}\0").as_bytes())
    };
    let alive = || std::fs::read_dir("/proc").unwrap().flatten().any(|entry| is_it(&entry.path()));
    for _ in 0..100 {
        if !alive() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the sleeper is still there");
}

#[tokio::test]
async fn scraped_numbers_are_compared() {
    let text = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\njobs{q=\"a\"} 3\njobs{q=\"b\"} 4\n";
    let address = server(text, false).await;
    let scrape =
        |more: &str| format!("kind = \"scrape\"\nurl = \"http://{address}/metrics\"\nmetric = \"jobs\"\n{more}");
    let sum = found(&scrape("is = \"==\"\nthan = 7")).await;
    assert_eq!((sum.outcome, sum.value), (Outcome::Pass, Some(7.0)), "{sum:?}");
    assert_eq!(found(&scrape("is = \"<\"\nthan = 3\nlabels = { q = \"a\" }")).await.outcome, Outcome::Fail);
    assert_eq!(found(&scrape("is = \"<\"\nthan = 3\nlabels = { q = \"c\" }")).await.outcome, Outcome::NoData);
}

#[tokio::test]
async fn processes_are_counted() {
    let mut sleeper = Program::new("sleep").arg("60").spawn().unwrap();
    let found_one = found("kind = \"process\"\nprocess = \"sleep\"").await;
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(found_one.outcome, Outcome::Pass, "{found_one:?}");
    assert_eq!(found("kind = \"process\"\nprocess = \"no-such-process-here\"").await.outcome, Outcome::Fail);
    assert_eq!(found("kind = \"process\"\nprocess = \"no-such\"\nmin = 0\nmax = 0").await.outcome, Outcome::Pass);
}

#[test]
fn turns_are_spread_and_stay_where_they_are() {
    let mut check = check("kind = \"tcp\"\naddress = \"a:1\"");
    let mut tenths = [0_u32; 10];
    for number in 0..1000 {
        check.name = format!("check-{number}");
        let phase = schedule::phase("c", &check);
        assert_eq!(phase, schedule::phase("c", &check));
        tenths[usize::try_from(phase.as_secs()).unwrap()] += 1;
    }
    assert!(tenths.iter().all(|count| (60..150).contains(count)), "{tenths:?}");
}
