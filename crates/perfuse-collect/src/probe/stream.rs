//! A connection with a deadline, plain or encrypted.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use perfuse_format::web::probe::Failure;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Failed;

/// The time until the deadline.
pub(super) fn left(deadline: Instant) -> Result<Duration, Failed> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Failed(Failure::TimedOut, String::new())) } else { Ok(left) }
}

/// What every operation of the kernel is bounded by.
#[derive(Debug)]
pub(super) struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    /// Connects to the first address that takes it. A later one gets the time that the ones before it left.
    pub(super) fn connect(
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> (Option<SocketAddr>, Result<Self, Failed>) {
        let mut tried = None;
        let mut last = Err(Failed(Failure::NoName, String::new()));
        for (index, address) in addresses.iter().enumerate() {
            let peer = SocketAddr::new(*address, port);
            let others = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let patience = match left(deadline) {
                Ok(left) => (left / others).max(Duration::from_millis(1)),
                Err(late) => return (tried, Err(late)),
            };
            tried = Some(peer);
            match TcpStream::connect_timeout(&peer, patience) {
                Ok(stream) => {
                    // A request is one small write: nothing to collect.
                    let _ = stream.set_nodelay(true);
                    return (tried, Ok(Self { stream, deadline }));
                }
                Err(error) => last = Err(failed(&error)),
            }
        }
        (tried, last)
    }

    /// The time until the deadline, or the error that it has passed.
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// What encrypts.
#[derive(Debug)]
pub(super) struct Tls(Result<Arc<ClientConfig>, String>);

impl Tls {
    /// Trusts whom this host trusts.
    pub(super) fn new() -> Self {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        // Of many authorities, one with an odd certificate is not missed.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            return Self(Err(format!("no trusted authorities on this host (ca-certificates). {}", errors.join("; "))));
        }
        Self::trusting(roots)
    }

    /// Trusts these.
    pub(super) fn trusting(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Self(config.map_err(|error| error.to_string()).map(|config| {
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            // Each request stands for a new client: none takes up the keys of the one before.
            config.resumption = rustls::client::Resumption::disabled();
            Arc::new(config)
        }))
    }

    /// Agrees on keys, and looks at the certificate.
    pub(super) fn wrap(&self, host: &str, mut stream: Timed) -> Result<StreamOwned<ClientConnection, Timed>, Failed> {
        let config = self.0.as_ref().map_err(|words| Failed(Failure::Certificate, words.clone()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Failed(Failure::Tls, error.to_string()))?;
        let mut connection =
            ClientConnection::new(Arc::clone(config), name).map_err(|error| Failed(Failure::Tls, error.to_string()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|error| failed(&error))?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

/// What an error of the kernel, or of the encryption inside it, means.
pub(super) fn failed(error: &io::Error) -> Failed {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let failure = match (tls, error.kind()) {
        (Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented), _) => {
            Failure::Certificate
        }
        (Some(_), _) => Failure::Tls,
        (_, ErrorKind::TimedOut | ErrorKind::WouldBlock) => Failure::TimedOut,
        (_, ErrorKind::ConnectionRefused) => Failure::Refused,
        (_, ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => Failure::Unreachable,
        (_, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted) => Failure::Reset,
        (_, ErrorKind::UnexpectedEof) => Failure::Closed,
        _ => Failure::Other,
    };
    // The name of these says all.
    let plain = matches!(
        failure,
        Failure::TimedOut | Failure::Refused | Failure::Unreachable | Failure::Reset | Failure::Closed
    );
    let words = if plain { String::new() } else { error.to_string() };
    Failed(failure, words)
}
