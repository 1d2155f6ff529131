//! TLS: who is trusted, and until when.

use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use perfuse_format::x509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::{Clients, Said, words};
use crate::config::check::{Tls, Trust};

/// The certificates that this system trusts. A host may have none; then only `ca_file` vouches.
pub(super) fn trusted() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

/// What is to be said of a certificate that is valid for fewer than so many days.
pub(super) fn days_left(der: &[u8], days: u32) -> Option<Said> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let Some(validity) = x509::validity(der) else { return Some(Said::fail("X.509")) };
    let left = (validity.not_after - i64::try_from(now).unwrap_or(i64::MAX)).div_euclid(86_400);
    if left >= i64::from(days) {
        return None;
    }
    let outcome = if left < 0 { Outcome::Fail } else { Outcome::Slow };
    let said = Said::new(outcome, Msg::new("check-certificate").with("days", left.to_string()));
    Some(said.with_value(left as f64))
}

impl Clients {
    /// The configuration for what a check trusts.
    pub(super) fn tls_config(&self, trust: &Trust) -> Result<Arc<ClientConfig>, Said> {
        let key = (trust.ca_file.clone(), trust.insecure);
        if let Some(config) = self.tls.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(config));
        }
        let provider = Arc::new(ring::default_provider());
        let mut store = (*self.trusted).clone();
        if let Some(file) = &trust.ca_file {
            let problem = |error: &dyn std::fmt::Display| Said::no_data(format!("{file}: {error}"));
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| problem(&error))? {
                let certificate = certificate.map_err(|error| problem(&error))?;
                store.add(certificate).map_err(|error| problem(&error))?;
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Said::no_data(error.to_string()))?;
        let config = if trust.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))).with_no_client_auth()
        } else {
            builder.with_root_certificates(store).with_no_client_auth()
        };
        let config = Arc::new(config);
        self.tls.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&config));
        Ok(config)
    }

    pub(super) async fn tls(&self, check: &Tls) -> Said {
        self.handshake(check).await.unwrap_or_else(|said| said)
    }

    async fn handshake(&self, check: &Tls) -> Result<Said, Said> {
        let config = self.tls_config(&check.trust)?;
        let host = check.address.rsplit_once(':').map_or(check.address.as_str(), |(host, _)| host);
        let name = check.server_name.as_deref().unwrap_or(host).trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|error| Said::no_data(error.to_string()))?;
        let stream = self.connect(&check.address).await?;
        let stream =
            TlsConnector::from(config).connect(name, stream).await.map_err(|error| Said::fail(words::cause(&error)))?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let soon = check.trust.days.zip(certificate).and_then(|(days, der)| days_left(der, days));
        Ok(soon.unwrap_or_else(Said::pass))
    }
}

/// Takes any certificate, but still wants the handshake to be signed with its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
