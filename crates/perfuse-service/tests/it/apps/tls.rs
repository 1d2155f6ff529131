//! TLS to the real servers, with certificates made for the test: who is trusted, who is not, and how that is told.

use std::path::Path;
use std::sync::Arc;

use perfuse_analyze::status::Outcome;
use perfuse_render::{Lang, Texts};
use perfuse_testkit::{gate, need, skip};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::{check, collectors, directory, free_port, once, value};

/// A certificate of a subject, for some hosts.
fn named(subject: &str, hosts: Vec<String>) -> CertificateParams {
    let mut params = CertificateParams::new(hosts).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, subject);
    params
}

/// An authority of one test.
pub(crate) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = named("perfuse test authority", Vec::new());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// Writes its certificate; the path.
    pub(crate) fn file(&self, place: &Path) -> String {
        let path = place.join("ca.pem").display().to_string();
        std::fs::write(&path, &self.pem).expect("writes");
        path
    }

    /// A certificate for 127.0.0.1 and its key.
    fn certificate(&self, expired: bool) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = named("perfuse test", vec!["127.0.0.1".to_owned()]);
        if expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
        }
        (params.signed_by(&key, &self.issuer).expect("signs"), key)
    }

    /// Writes a certificate and its key as `NAME.pem` and `NAME.key`; their paths.
    pub(crate) fn files(&self, place: &Path, name: &str, expired: bool) -> [String; 2] {
        let (certificate, key) = self.certificate(expired);
        write(place, name, &certificate.pem(), &key)
    }

    /// A server's side of TLS.
    pub(crate) fn acceptor(&self, expired: bool) -> TlsAcceptor {
        let (certificate, key) = self.certificate(expired);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
        let config = builder.with_single_cert(vec![certificate.der().clone()], key).expect("a key that fits");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Writes a certificate and a key that only its owner may read, as servers want it.
fn write(place: &Path, name: &str, certificate: &str, key: &KeyPair) -> [String; 2] {
    use std::os::unix::fs::PermissionsExt as _;
    let paths = ["pem", "key"].map(|end| place.join(format!("{name}.{end}")).display().to_string());
    std::fs::write(&paths[0], certificate).expect("writes");
    std::fs::write(&paths[1], key.serialize_pem()).expect("writes");
    std::fs::set_permissions(&paths[1], std::fs::Permissions::from_mode(0o600)).expect("is ours");
    paths
}

/// A certificate that vouches for itself, made as those of the usual commands of openssl are: as an authority's.
fn self_signed(place: &Path, name: &str) -> [String; 2] {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    write(place, name, &params.self_signed(&key).expect("a certificate").pem(), &key)
}

/// Asserts what a check of some lines says.
async fn says(lines: &str, outcome: Outcome, id: &str) {
    let found = check(lines).await;
    assert_eq!((found.outcome, found.message.id.as_str()), (outcome, id), "{lines}: {found:?}");
    for lang in [Lang::En, Lang::Ko] {
        let told = Texts::new(lang).text(&found.message);
        assert!(!told.contains(id) && !told.contains("InvalidCertificate"), "{told}");
    }
}

/// What a collector finds: no problem, and a server that is up.
async fn is_up(collector: &str) {
    let found = once(&mut collectors(collector)).await;
    assert_eq!((found.problem.as_ref(), value(&found, "app_up", &[])), (None, Some(1.0)), "{found:?}");
}

#[tokio::test]
async fn postgresql() {
    need!(gate::command("setpriv"));
    need!(gate::command("postgres"));
    let (place, authority) = (directory(), Authority::new());
    let ca = authority.file(place.path());
    let other = Authority::new().file(directory().keep().as_path());
    let (server, port) = match super::postgresql::start_with(place, |place| {
        let [cert, key] = authority.files(place, "server", false);
        ["ssl=on".to_owned(), format!("ssl_cert_file={cert}"), format!("ssl_key_file={key}")].to_vec()
    })
    .await
    {
        Ok(started) => started,
        Err(reason) => skip!("{reason}"),
    };
    let lines = |host: &str, mode: &str, more: &str| {
        format!(
            "kind = \"postgresql\"\nurl = \"postgresql://postgres@{host}:{port}/postgres?{mode}\"\ntimeout = \"20s\"\n\
            query = \"SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()\"\nis = \"==\"\nthan = 1\n{more}"
        )
    };
    let trusted = format!("ca_file = \"{ca}\"\n");
    for (host, mode, more, outcome, id) in [
        ("127.0.0.1", "sslmode=disable", "", Outcome::Fail, "check-value"),
        ("127.0.0.1", "", "", Outcome::Pass, "check-value"),
        ("127.0.0.1", "sslmode=require", "", Outcome::Pass, "check-value"),
        ("127.0.0.1", "sslmode=verify-full", &trusted, Outcome::Pass, "check-value"),
        ("127.0.0.1", "", &trusted, Outcome::Pass, "check-value"),
        ("127.0.0.1", "sslmode=verify-full", "", Outcome::Fail, "tls-unknown-issuer"),
        ("127.0.0.1", "", &format!("ca_file = \"{other}\"\n"), Outcome::Fail, "tls-unknown-issuer"),
        ("127.0.0.1", "", "ca_file = \"/nowhere/ca.pem\"\n", Outcome::NoData, "tls-file"),
        ("localhost", "sslmode=verify-full", &trusted, Outcome::Fail, "tls-wrong-name"),
        ("localhost", "sslmode=verify-ca", &trusted, Outcome::Pass, "check-value"),
    ] {
        says(&lines(host, mode, more), outcome, id).await;
    }
    let collector = format!(
        "[[collector]]\nkind = \"postgresql\"\nname = \"db\"\ntimeout = \"10s\"\n\
        url = \"postgresql://postgres@127.0.0.1:{port}/postgres\"\n{trusted}"
    );
    is_up(&collector).await;
    drop(server);
}

#[tokio::test]
async fn mysql() {
    need!(gate::command("setpriv"));
    need!(gate::command("mariadbd"));
    let (place, authority) = (directory(), Authority::new());
    let ca = authority.file(place.path());
    let started = super::mysql::start_with(place, |place| {
        let [cert, key] = authority.files(place, "server", true);
        vec![format!("--ssl-cert={cert}"), format!("--ssl-key={key}")]
    });
    let (server, port) = match started.await {
        Ok(started) => started,
        Err(reason) => skip!("{reason}"),
    };
    let lines = |mode: &str, more: &str| {
        format!(
            "kind = \"mysql\"\nurl = \"mysql://root@127.0.0.1:{port}/mysql?{mode}\"\ntimeout = \"20s\"\n\
            query = \"SELECT COUNT(*) FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher' AND VARIABLE_VALUE <> ''\"\n\
            is = \"==\"\nthan = 1\n{more}"
        )
    };
    let trusted = format!("ca_file = \"{ca}\"\n");
    for (mode, more, outcome, id) in [
        ("ssl-mode=DISABLED", "", Outcome::Fail, "check-value"),
        ("ssl-mode=REQUIRED", "", Outcome::Pass, "check-value"),
        ("", "", Outcome::Pass, "check-value"),
        ("ssl-mode=VERIFY_IDENTITY", "", Outcome::Fail, "tls-expired"),
        ("", &trusted, Outcome::Fail, "tls-expired"),
    ] {
        says(&lines(mode, more), outcome, id).await;
    }
    // The certificates are read again.
    authority.files(server.directory.path(), "server", false);
    if gate::root().is_ok() {
        super::as_user("mysql", server.directory.path());
    }
    says(&lines("", "").replace("SELECT COUNT(*)", "FLUSH SSL; SELECT COUNT(*)"), Outcome::Fail, "check-failed").await;
    let flush = lines("", "").replace("is = \"==\"\nthan = 1\n", "");
    let (before, after) = flush.split_once("query = \"").expect("a query");
    let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    says(&format!("{before}query = \"FLUSH SSL\"\n{rest}"), Outcome::Pass, "check-passed").await;
    says(&lines("ssl-mode=VERIFY_IDENTITY", ""), Outcome::Fail, "tls-unknown-issuer").await;
    says(&lines("", &trusted), Outcome::Pass, "check-value").await;
    let collector = format!(
        "[[collector]]\nkind = \"mysql\"\nname = \"db\"\ntimeout = \"10s\"\nurl = \"mysql://root@127.0.0.1:{port}/\"\n{trusted}"
    );
    is_up(&collector).await;
    drop(server);
}

#[tokio::test]
async fn redis_that_wants_to_see_a_certificate() {
    need!(gate::command("redis-server"));
    let (place, authority, port) = (directory(), Authority::new(), free_port());
    let ca = authority.file(place.path());
    let [cert, key] = authority.files(place.path(), "server", false);
    let [own, own_key] = authority.files(place.path(), "client", false);
    let number = port.to_string();
    let words =
        ["--port", "0", "--tls-port", &number, "--bind", "127.0.0.1", "--save", "", "--tls-auth-clients", "yes"];
    let more = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let mut server = super::Server::start(place, "redis-server", &[&words[..], &more].concat(), &[]);
    server.until("a connection", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
    let url = format!("url = \"rediss://127.0.0.1:{port}/\"\n");
    let trusted = format!("{url}ca_file = \"{ca}\"\n");
    let shown = format!("{trusted}cert_file = \"{own}\"\nkey_file = \"{own_key}\"\n");
    let lines = |more: &str| format!("kind = \"redis\"\ntimeout = \"20s\"\n{more}");
    says(&lines(&shown), Outcome::Pass, "check-passed").await;
    says(&lines(&trusted), Outcome::Fail, "tls-refused").await;
    says(&lines(&url), Outcome::Fail, "tls-unknown-issuer").await;
    let found = once(&mut collectors(&format!("[[collector]]\nkind = \"redis\"\nname = \"r\"\n{shown}"))).await;
    assert_eq!((found.problem.as_ref(), value(&found, "app_up", &[])), (None, Some(1.0)), "{found:?}");
}

#[tokio::test]
async fn nats_with_a_certificate_of_its_own() {
    need!(gate::command("nats-server"));
    let (place, port, web) = (directory(), free_port(), free_port());
    let [cert, key] = self_signed(place.path(), "server");
    let (port_, web_) = (port.to_string(), web.to_string());
    let words = ["-a", "127.0.0.1", "-p", &port_, "-ms", &web_, "--tls", "--tlscert", &cert, "--tlskey", &key];
    let mut server = super::Server::start(place, "nats-server", &words, &[]);
    server.until("a connection", async || tokio::net::TcpStream::connect(("127.0.0.1", web)).await.ok()).await;
    let lines = |more: &str| format!("kind = \"nats\"\ntimeout = \"20s\"\naddress = \"127.0.0.1:{port}\"\n{more}");
    let trusted = format!("ca_file = \"{cert}\"\n");
    says(&lines(&trusted), Outcome::Pass, "check-passed").await;
    says(&lines("insecure = true\nencryption = \"tls\"\n"), Outcome::Pass, "check-passed").await;
    says(&lines("encryption = \"tls\"\n"), Outcome::Fail, "tls-unknown-issuer").await;
    let collector = |more: &str| {
        format!(
            "[[collector]]\nkind = \"nats\"\nname = \"bus\"\ntimeout = \"10s\"\nurl = \"https://127.0.0.1:{web}\"\n{more}"
        )
    };
    let found = once(&mut collectors(&collector(&trusted))).await;
    assert_eq!((found.problem.as_ref(), value(&found, "app_up", &[])), (None, Some(1.0)), "{found:?}");
    let found = once(&mut collectors(&collector(""))).await;
    assert_eq!(found.problem.map(|problem| problem.id).as_deref(), Some("tls-unknown-issuer"));
}

#[tokio::test]
async fn a_server_without_tls_is_told_so() {
    // Whatever listens there speaks another protocol.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.write_all(b"-ERR this is plain text and nothing else\r\n").await;
        }
    });
    says(&format!("kind = \"redis\"\nurl = \"rediss://{address}/\""), Outcome::Fail, "tls-not-spoken").await;
    says(&format!("kind = \"http\"\nurl = \"https://{address}/\""), Outcome::Fail, "tls-not-spoken").await;
}
