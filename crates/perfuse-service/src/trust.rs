//! TLS: what a configuration of it means for a connection.

use std::fmt::Display;
use std::sync::Arc;

use perfuse_format::x509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::config::trust::{Trust, Verify};

/// The certificates that this system trusts. A host may have none; then only `ca_file` vouches.
pub(crate) fn system() -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    store
}

/// The certificates of a file; why not, with its name.
pub(crate) fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let problem = |error: &dyn Display| format!("{file}: {error}");
    let all = CertificateDer::pem_file_iter(file).map_err(|error| problem(&error))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| problem(&error))?;
    if all.is_empty() { Err(problem(&"no certificate in PEM")) } else { Ok(all) }
}

/// What a client needs for its connections; why it cannot have it, if a file is not what it should be.
pub(crate) fn config(system: &RootCertStore, trust: &Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = system.clone();
    let own = trust.ca_file.as_deref().map(certificates).transpose()?.unwrap_or_default();
    for certificate in &own {
        // One that is no authority's vouches for itself alone.
        let _ = roots.add(certificate.clone());
    }
    let judge = Judge { roots, own, verify: trust.verify, provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(judge));
    let Some((cert, key)) = &trust.identity else { return Ok(builder.with_no_client_auth()) };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{key}: {error}"))?;
    builder.with_client_auth_cert(certificates(cert)?, private).map_err(|error| format!("{cert}: {error}"))
}

/// Judges certificates of servers.
#[derive(Debug)]
struct Judge {
    roots: RootCertStore,
    /// Those of `ca_file`: a server whose own certificate stands there is trusted, also if it is made as an authority's,
    /// as many self-signed ones are.
    own: Vec<CertificateDer<'static>>,
    verify: Verify,
    provider: Arc<CryptoProvider>,
}

/// Whether a certificate is valid at a time.
fn valid(der: &[u8], now: UnixTime) -> Result<(), CertificateError> {
    let validity = x509::validity(der).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    match () {
        () if now < validity.not_before => Err(CertificateError::NotValidYet),
        () if now > validity.not_after => Err(CertificateError::Expired),
        () => Ok(()),
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.verify == Verify::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if self.own.contains(end_entity) {
            valid(end_entity, now)?;
        } else {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        }
        if self.verify == Verify::All {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // Whatever is taken, the handshake has to be signed with the certificate's key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
