//! The HTTP client of what the daemon sends: notices and series. Checks have their own.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};

/// Time that a server has to take a request and to answer it.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A client that trusts whom this system trusts, follows no redirects (a POST would become a GET) and does not look at
/// the proxies of the environment.
///
/// # Errors
/// TLS or the resolver cannot be set up.
pub(crate) fn client() -> Result<reqwest::Client, String> {
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .hickory_dns(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("perfuse/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| cause(&error))
}

/// The innermost cause of an error in one line: what is around it repeats that something failed.
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().lines().next().unwrap_or_default().chars().take(300).collect()
}

/// What a server said of a request that it did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In words, without the URL: that may be a secret.
    pub(crate) problem: String,
    /// It will not take the same request later either.
    pub(crate) refused: bool,
    /// How long it wants to be left alone.
    pub(crate) after: Option<Duration>,
}

/// Sends a request; fine if its status is 2xx. Gives so many bytes of the answer, and reads no more of them.
pub(crate) async fn send(request: reqwest::RequestBuilder, bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut response = request.send().await.map_err(|error| {
        let refused = error.is_builder();
        Refusal { problem: cause(&error.without_url()), refused, after: None }
    })?;
    let status = response.status();
    if status.is_success() {
        let mut body = Vec::new();
        // It was taken; what is wrong with the rest of the answer does not matter.
        while body.len() < bytes
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(bytes - body.len())]);
        }
        return Ok(body);
    }
    let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    // Who asks later, or after somebody has mended a name or a password, may be taken.
    let later = status.is_server_error() || [401, 403, 404, 407, 408, 425, 429].contains(&status.as_u16());
    Err(Refusal { problem: format!("HTTP {status}"), refused: !later, after: after.map(Duration::from_secs) })
}
