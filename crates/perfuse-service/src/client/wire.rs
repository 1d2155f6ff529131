//! Connections over TCP, encrypted or not.

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Stream;
use crate::check::{Clients, Said, words};
use crate::config::trust::Trust;

/// A connection, and what is known of its ends.
pub(crate) struct Wire {
    /// What is spoken over.
    pub(crate) stream: Box<dyn Stream>,
    /// Our port.
    pub(crate) port: Option<u16>,
    /// Whether the other end is on this host, as far as its address tells.
    pub(crate) local: bool,
}

/// The host of `host:port`.
pub(crate) fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']'])
}

impl Clients {
    /// Connects to `host:port`, over TLS if there is something to trust.
    pub(crate) async fn dial(&self, address: &str, tls: Option<&Trust>) -> Result<Wire, Said> {
        let stream = self.connect(address).await?;
        let port = stream.local_addr().map(|address| address.port()).ok();
        let local = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
        let stream: Box<dyn Stream> = match tls {
            Some(trust) => Box::new(self.encrypted(stream, host(address), trust).await?),
            None => Box::new(stream),
        };
        Ok(Wire { stream, port, local })
    }

    /// Puts TLS over a connection, for a server of that name or address.
    pub(crate) async fn encrypted<S: Stream>(
        &self,
        stream: S,
        host: &str,
        trust: &Trust,
    ) -> Result<TlsStream<S>, Said> {
        let connector = TlsConnector::from(self.tls_config(trust)?);
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Said::no_data(error.to_string()))?;
        connector.connect(name, stream).await.map_err(|error| words::said(&error))
    }

    /// What is needed for TLS to a server of that name or address, for clients that begin it themselves.
    pub(crate) fn connector(&self, host: &str, trust: &Trust) -> Result<(TlsConnector, ServerName<'static>), Said> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| Said::no_data(error.to_string()))?;
        Ok((TlsConnector::from(self.tls_config(trust)?), name))
    }
}
