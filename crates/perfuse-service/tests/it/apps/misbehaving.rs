//! Servers that accept and never answer, that answer garbage, and that never stop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use perfuse_analyze::status::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{check, collectors, facts, free_port, once, value};

/// What a server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Nothing,
    Garbage,
    Closes,
    /// Sends a begin, and then more and more of the same.
    Endless(&'static [u8], &'static [u8]),
}

async fn server(does: Does) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                match does {
                    Does::Closes => {}
                    Does::Nothing => std::future::pending().await,
                    Does::Garbage => {
                        let _ = stream
                            .write_all(b"\x00\x00\x00\x0c\xff\xfe garbage \x00 not of any protocol\r\n\r\n")
                            .await;
                        let _ = stream.read(&mut request).await;
                        let _ = stream.write_all(&[0xff; 64]).await;
                        std::future::pending::<()>().await;
                    }
                    Does::Endless(begin, more) => {
                        let _ = stream.write_all(begin).await;
                        let more = more.repeat(4096);
                        while stream.write_all(&more).await.is_ok() {}
                    }
                }
            });
        }
    });
    address
}

/// The lines of a collector of each kind that asks over TCP.
fn kinds(address: SocketAddr) -> Vec<(&'static str, String)> {
    let url = |scheme: &str| format!("url = \"{scheme}://user:s3cret@{address}/\"\n");
    vec![
        ("postgresql", url("postgresql")),
        ("mysql", url("mysql")),
        ("redis", format!("url = \"redis://:s3cret@{address}/0\"\n")),
        ("rabbitmq", url("http")),
        ("nats", url("http")),
        ("prometheus", url("http")),
        ("kafka", format!("brokers = [\"{address}\"]\n")),
    ]
}

#[tokio::test]
async fn collectors_come_back_with_a_problem() {
    let servers = [
        Does::Nothing,
        Does::Garbage,
        Does::Closes,
        Does::Endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a 1\n"),
        Does::Endless(b"", b"N\x00\x00\x00\x08abc\x00"),
        Does::Endless(b"$2000000000\r\n", b"xxxx"),
        Does::Endless(b"", b"\xff\xff\xff\xff"),
    ];
    for does in servers {
        let address = server(does).await;
        for (kind, lines) in kinds(address) {
            let lines = format!("[[collector]]\nkind = \"{kind}\"\nname = \"x\"\ntimeout = \"400ms\"\n{lines}");
            let begun = Instant::now();
            let found = once(&mut collectors(&lines)).await;
            assert!(begun.elapsed() < Duration::from_secs(20), "{does:?} {kind}: {:?}", begun.elapsed());
            // Endless lines of metrics are too much; nothing else is an answer.
            assert!(found.problem.is_some(), "{does:?} {kind}: {found:?}");
            assert_eq!(value(&found, "app_up", &[]), Some(0.0), "{does:?} {kind}");
            assert_eq!(facts(&found).len(), 0);
            assert!(!format!("{found:?}").contains("s3cret"), "{does:?} {kind}: {found:?}");
        }
    }
}

/// A packet of `MySQL` with its number.
fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    [&[u8::try_from(payload.len()).expect("a short one"), 0, 0, number], payload].concat()
}

/// A server that takes every login and answers a query with these bytes.
async fn lying(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut taken = [0; 4096];
            // Version 10, the name of the server, and zeros for all else.
            let greeting = [&b"\x0a10.11\0"[..], &[0; 44]].concat();
            for (number, bytes) in [(0, &greeting[..]), (2, b"\0\0\0\x02\0\0\0"), (1, answer)] {
                let _ = stream.write_all(&packet(number, bytes)).await;
                let _ = stream.read(&mut taken).await;
            }
        }
    });
    address
}

#[tokio::test]
async fn a_database_that_lies_about_its_columns_takes_no_memory() {
    for answer in [&b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\xfd\xff\xff\xff", b"\xfb/etc/passwd", b"\xfc\0\x10"]
    {
        let address = lying(answer).await;
        let lines = format!("kind = \"mysql\"\ntimeout = \"2s\"\nurl = \"mysql://user:s3cret@{address}/\"\n");
        let found = check(&lines).await;
        assert_eq!(found.outcome, Outcome::Fail, "{answer:?}: {found:?}");
        // The last is as many columns as there can be, of which none comes.
        let said = if answer == b"\xfc\0\x10" { "check-timeout" } else { "check-failed" };
        assert_eq!(found.message.id, said, "{answer:?}: {found:?}");
    }
}

#[tokio::test]
async fn checks_come_back_with_a_failure() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    for (does, address) in [
        (Does::Nothing, server(Does::Nothing).await),
        (Does::Garbage, server(Does::Garbage).await),
        (Does::Closes, nobody),
    ] {
        for (kind, lines) in kinds(address) {
            let lines = match kind {
                "prometheus" => continue,
                "rabbitmq" => format!("url = \"http://{address}/\"\nusername = \"user\"\npassword = \"s3cret\"\n"),
                "nats" => format!("address = \"{address}\"\n"),
                _ => lines,
            };
            let found = check(&format!("kind = \"{kind}\"\ntimeout = \"400ms\"\n{lines}")).await;
            assert_eq!(found.outcome, Outcome::Fail, "{does:?} {kind}: {found:?}");
            assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
        }
    }
}
