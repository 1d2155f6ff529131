//! The HTTP client of what the daemon sends: notices and series. Checks have their own.

use std::time::Duration;

use crate::config::trust::Trust;
use crate::problem::{Problem, cause};

/// Time that a server has to take a request and to answer it.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A client that follows no redirects (a POST would become a GET) and does not look at the proxies of the environment.
///
/// # Errors
/// TLS or the resolver cannot be set up, or a file of certificates cannot be read.
pub(crate) fn client(trust: &Trust) -> Result<reqwest::Client, String> {
    let tls = crate::trust::config(&crate::trust::system(), trust)?;
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

/// What a server said of a request that it did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In words, without the URL: that may be a secret.
    pub(crate) problem: Problem,
    /// It will not take the same request later either.
    pub(crate) refused: bool,
    /// How long it wants to be left alone.
    pub(crate) after: Option<Duration>,
}

/// Sends a request; fine if its status is 2xx. Gives so many bytes of the answer, and reads no more of them.
pub(crate) async fn send(request: reqwest::RequestBuilder, bytes: usize) -> Result<Vec<u8>, Refusal> {
    let mut response = request.send().await.map_err(|error| {
        let refused = error.is_builder();
        Refusal { problem: Problem::of(&error.without_url()), refused, after: None }
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
    Err(Refusal { problem: format!("HTTP {status}").into(), refused: !later, after: after.map(Duration::from_secs) })
}
