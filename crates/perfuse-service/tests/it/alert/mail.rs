//! Mails to a real server, aiosmtpd from Debian.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use perfuse_analyze::status::State;
use perfuse_render::{Lang, Texts};
use perfuse_testkit::{gate, need};

use crate::apps::tls::Authority;

use super::{Bench, until};

/// The server, and the lines that it prints of the mails that it gets.
struct Server {
    child: Child,
    port: u16,
    lines: Receiver<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").port();
        let mut child = Command::new(gate::find_command("aiosmtpd").expect("it is there"))
            .args(["-n", "-c", "aiosmtpd.handlers.Debugging", "stdout", "-l", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = to.send(line);
            }
        });
        Self { child, port, lines }
    }

    /// The lines of the next mail.
    fn mail(&self) -> Vec<String> {
        let mut mail = Vec::new();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).expect("a mail in time");
            if line.starts_with("------------ END MESSAGE") {
                return mail;
            }
            mail.push(line);
        }
    }
}

/// The value of a header, its folded lines put together.
fn header(mail: &[String], name: &str) -> String {
    let begins = |line: &&String| line.to_ascii_lowercase().starts_with(&format!("{}:", name.to_ascii_lowercase()));
    let place = mail.iter().position(|line| begins(&line)).unwrap_or_else(|| panic!("no {name} in {mail:#?}"));
    let folded = mail[place + 1..].iter().take_while(|line| line.starts_with([' ', '\t']));
    let first = mail[place].split_once(':').map_or("", |(_, value)| value.trim()).to_owned();
    folded.fold(first, |value, line| value + " " + line.trim())
}

/// The text of RFC 2047 words in base64.
fn decoded(text: &str) -> String {
    use base64::Engine as _;
    let word = |word: &str| {
        let inner = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.strip_suffix("?="));
        inner.map_or_else(
            || format!("{word} "),
            |inner| {
                let bytes = base64::engine::general_purpose::STANDARD.decode(inner).expect("base64");
                String::from_utf8(bytes).expect("each word is whole text")
            },
        )
    };
    text.split(' ').map(word).collect::<String>().trim().to_owned()
}

fn alert(host: &str, port: u16, encryption: &str) -> String {
    format!(
        "language = \"ko\"\n[[component]]\nname = \"shop\"\n[[alert]]\nkind = \"email\"\n\
         server = \"{host}:{port}\"\nfrom = \"perfuse <perfuse@example.org>\"\nto = [\"ops@example.org\"]\n\
         encryption = \"{encryption}\"\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_has_a_korean_subject_and_follows_up_on_itself() {
    need!(gate::command("aiosmtpd"));
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(directory.path(), &alert("127.0.0.1", server.port, "none"));
    bench.change(State::MajorOutage);
    let first = server.mail();
    assert_eq!(decoded(&header(&first, "Subject")), "[perfuse web1] 온라인 상점: 전체 장애");
    assert!(header(&first, "From").contains("perfuse@example.org"), "{first:#?}");
    assert_eq!(header(&first, "To"), "ops@example.org");
    assert_eq!(header(&first, "Auto-Submitted"), "auto-generated");
    let id = header(&first, "Message-ID");
    assert!(id.ends_with(".1@web1>"), "{id}");
    bench.change(State::Operational);
    let second = server.mail();
    assert_eq!(header(&second, "References"), id);
    assert!(decoded(&header(&second, "Subject")).contains("정상으로 돌아왔습니다"), "{second:#?}");
    until("the deliveries are closed", || bench.over() == 2).await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_encryption_that_is_demanded_nothing_is_sent() {
    need!(gate::command("aiosmtpd"));
    let server = Server::start(&[]);
    let directory = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(directory.path(), &alert("127.0.0.1", server.port, "starttls"));
    bench.change(State::MajorOutage);
    let troubles = bench.handle.troubles();
    until("a trouble is told", || !troubles.borrow().is_empty()).await;
    assert_eq!(bench.open(), 1);
    bench.stop().await;
    assert!(server.lines.try_recv().is_err(), "no mail came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_goes_to_a_server_that_an_authority_of_ours_vouches_for() {
    need!(gate::command("aiosmtpd"));
    let (authority, directory) = (Authority::new(), tempfile::tempdir().expect("a directory"));
    let ca = authority.file(directory.path());
    let [cert, key] = authority.files(directory.path(), "server", false);
    let server = Server::start(&["--tlscert", &cert, "--tlskey", &key]);
    let lines = alert("127.0.0.1", server.port, "starttls");
    let untrusted = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(untrusted.path(), &lines);
    bench.change(State::MajorOutage);
    let troubles = bench.handle.troubles();
    // While the server does not listen yet, that is the trouble.
    let told = || troubles.borrow().first().map(|trouble| Texts::new(Lang::En).text(trouble)).unwrap_or_default();
    until("the certificate is told", || told().contains("nobody who is trusted")).await;
    bench.stop().await;
    let trusted = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(trusted.path(), &format!("{lines}ca_file = \"{ca}\"\n"));
    bench.change(State::MajorOutage);
    assert_eq!(header(&server.mail(), "To"), "ops@example.org");
    until("the delivery is closed", || bench.over() == 1).await;
    bench.stop().await;
}

const PORT: &str = "PERFUSE_TEST_SMTP_PORT";
const ENCRYPTION: &str = "PERFUSE_TEST_SMTP_ENCRYPTION";

/// What the child does that trusts the certificate of the test: it sends one mail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(port), Ok(encryption)) = (std::env::var(PORT), std::env::var(ENCRYPTION)) else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let port = port.parse().expect("a port");
    let bench = Bench::start(directory.path(), &alert("localhost", port, &encryption));
    bench.change(State::MajorOutage);
    until("the mail is delivered", || bench.over() == 1).await;
    bench.stop().await;
}

#[test]
fn mails_go_encrypted_to_a_server_that_is_trusted() {
    need!(gate::command("aiosmtpd"));
    let directory = tempfile::tempdir().expect("a directory");
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let (cert_file, key_file) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert_file, certificate.pem()).expect("writes");
    std::fs::write(&key_file, key.serialize_pem()).expect("writes");
    let files = [cert_file.to_str().expect("UTF-8"), key_file.to_str().expect("UTF-8")];
    for (encryption, cert, key) in [("starttls", "--tlscert", "--tlskey"), ("tls", "--smtpscert", "--smtpskey")] {
        let server = Server::start(&[cert, files[0], key, files[1]]);
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "alert::mail::child", "--nocapture"])
            .env("SSL_CERT_FILE", &cert_file)
            .env(PORT, server.port.to_string())
            .env(ENCRYPTION, encryption)
            .stdout(Stdio::null())
            .status()
            .expect("starts");
        assert!(status.success(), "{encryption}: {status}");
        let mail = server.mail();
        assert_eq!(header(&mail, "To"), "ops@example.org");
    }
}
