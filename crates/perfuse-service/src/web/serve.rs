//! Connections: accepted, encrypted if so configured, each with its own times, and ended in good order.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Connections at the same time; more wait in the queue of the kernel.
const CONNECTIONS: usize = 512;
/// Time for the head of a request, also while a connection is kept for the next one.
const HEAD: Duration = Duration::from_secs(20);
/// Time for the handshake of TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Bytes of the head of a request.
const HEAD_BYTES: usize = 32 * 1024;
/// Time that answers under way have to come to their end when the daemon stops; streams never do.
const END: Duration = Duration::from_secs(2);
/// Pause after an error of `accept(2)`, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file of the certificate cannot be read, or is none.
    #[error("{}: {problem}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        problem: String,
    },
    /// Certificate and key do not belong together.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Certificate and key of an address.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads the certificate chain and the key from files in PEM.
    ///
    /// # Errors
    /// A file cannot be read, or the key is not that of the certificate.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, ServeError> {
        let bad = |file: &Path, problem: &dyn std::fmt::Display| ServeError::File {
            file: file.to_owned(),
            problem: problem.to_string(),
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificates)
            .map_err(|error| bad(certificates, &error))?
            .collect::<Result<_, _>>()
            .map_err(|error| bad(certificates, &error))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, secret)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Serves until `stop` says so, or is gone.
pub async fn serve(listener: TcpListener, router: Router, tls: Option<Tls>, mut stop: watch::Receiver<bool>) {
    let acceptor = tls.map(|tls| TlsAcceptor::from(tls.0));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let ending = stop.clone();
    loop {
        let next = async {
            // Never closed.
            let permit = Arc::clone(&room).acquire_owned().await.ok()?;
            Some((listener.accept().await, permit))
        };
        let accepted = tokio::select! {
            accepted = next => accepted,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some((accepted, permit)) = accepted else { break };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let (router, acceptor, ending) = (router.clone(), acceptor.clone(), ending.clone());
                connections.spawn(async move {
                    connection(stream, peer, router, acceptor, ending).await;
                    drop(permit);
                });
            }
            // A connection that was given up while it waited is no trouble of the listener.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // What is not at its end by then is dropped with the set.
    let _ = tokio::time::timeout(END, all).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    acceptor: Option<TlsAcceptor>,
    ending: watch::Receiver<bool>,
) {
    // Small answers are not to wait for acknowledgements; where that cannot be set they do.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => http(stream, peer, router, ending).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                http(stream, peer, router, ending).await;
            }
        }
    }
}

/// The requests of one connection. What goes wrong with it concerns nobody else.
async fn http<S>(stream: S, peer: SocketAddr, router: Router, mut ending: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::web::tests::{Fake, options};
    use crate::web::{Options, router};

    async fn start(tls: Option<Tls>) -> (SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let router = router(Fake::new(), Options { tls: tls.is_some(), ..options() });
        (address, stop, tokio::spawn(serve(listener, router, tls, stopping)))
    }

    async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[tokio::test]
    async fn it_answers_and_ends_although_a_page_is_open() {
        let (address, stop, served) = start(None).await;
        let answer = ask(&mut TcpStream::connect(address).await.unwrap(), "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
        let mut open = TcpStream::connect(address).await.unwrap();
        open.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        open.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let begun = Instant::now();
        stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(30), served).await.unwrap().unwrap();
        assert!(begun.elapsed() >= END, "the page that was open had its time");
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn garbage_ends_its_connection_and_no_other() {
        let (address, _stop, _served) = start(None).await;
        for garbage in
            [&b"\x16\x03\x01\x02\x00\x01"[..], b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"]
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(garbage).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut text = Vec::new();
            // Whether it is told or cut off.
            let _ = stream.read_to_end(&mut text).await;
            assert!(!text.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&text));
        }
        assert!(ask(&mut TcpStream::connect(address).await.unwrap(), "/healthz").await.contains("200 OK"));
    }

    #[tokio::test]
    async fn it_speaks_tls_with_the_certificate_of_the_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let tls = Tls::read(&certificate, &key).unwrap();
        let (address, _stop, _served) = start(Some(tls)).await;
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let answer = ask(&mut stream, "/?lang=ko").await;
        assert!(answer.contains("200 OK") && answer.contains("strict-transport-security"), "{answer}");
        assert!(answer.contains("SameSite=Lax; Secure"));
        let error = Tls::read(&key, &key).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("TLS") || error.contains("key.pem")));
        let missing = Tls::read(&directory.path().join("none.pem"), &key).err().unwrap().to_string();
        assert!(missing.contains("none.pem"), "{missing}");
    }
}
