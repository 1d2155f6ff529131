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
