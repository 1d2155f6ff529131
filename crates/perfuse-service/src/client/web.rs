//! Pages of numbers that applications have for monitoring: JSON and expositions, with bounds.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use crate::check::{Clients, Said, body, words};
use crate::config::Secret;
use crate::config::trust::Trust;

/// Bytes from which on an answer is read apart.
const LARGE: usize = 256 * 1024;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// Nobody in particular.
    Nobody,
    /// A user with a password.
    Basic(String, Option<Secret>),
    /// Whoever has a token.
    Bearer(Secret),
}

/// Who asks, and who is believed to answer.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) login: Login,
    pub(crate) trust: Trust,
}

impl Access {
    /// A user, if there is one.
    pub(crate) fn of(user: Option<&(String, Option<Secret>)>, trust: &Trust) -> Self {
        let login = user.map_or(Login::Nobody, |(user, password)| Login::Basic(user.clone(), password.clone()));
        Self { login, trust: trust.clone() }
    }

    /// Nobody in particular.
    pub(crate) fn nobody(trust: &Trust) -> Self {
        Self::of(None, trust)
    }

    /// Whoever has a token, if there is one.
    pub(crate) fn bearer(token: Option<&Secret>, trust: &Trust) -> Self {
        let login = token.map_or(Login::Nobody, |token| Login::Bearer(token.clone()));
        Self { login, trust: trust.clone() }
    }
}

/// The body of an answer that is well; `most` bytes of it at most.
pub(crate) async fn get(
    clients: &Clients,
    url: &str,
    access: &Access,
    accept: &'static str,
    most: u64,
) -> Result<Vec<u8>, Said> {
    let request = clients.kept(&access.trust)?.get(url).header("Accept", accept);
    take(request, access, most).await
}

/// Sends a request, and takes the body of an answer that is well.
async fn take(mut request: reqwest::RequestBuilder, access: &Access, most: u64) -> Result<Vec<u8>, Said> {
    match &access.login {
        Login::Nobody => {}
        Login::Basic(user, password) => request = request.basic_auth(user, password.as_ref().map(Secret::reveal)),
        Login::Bearer(token) => request = request.bearer_auth(token.reveal()),
    }
    // The URL may have a password in it.
    let failed = |error: reqwest::Error| words::said(&error.without_url());
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        let message = Msg::new("check-http-status").with("status", response.status().as_str());
        return Err(Said::new(Outcome::Fail, message));
    }
    let (bytes, cut) = body(&mut response, most).await.map_err(failed)?;
    if cut {
        return Err(Said::new(Outcome::Fail, Msg::new("check-http-too-long").with("bytes", most)));
    }
    Ok(bytes)
}

/// A body that is JSON.
pub(crate) async fn json(clients: &Clients, url: &str, access: &Access) -> Result<serde_json::Value, Said> {
    let bytes = get(clients, url, access, "application/json", super::MOST).await?;
    parsed(bytes).await
}

/// A body that is JSON, of an answer to JSON.
pub(crate) async fn post(
    clients: &Clients,
    url: &str,
    access: &Access,
    body: String,
) -> Result<serde_json::Value, Said> {
    let request = clients.kept(&access.trust)?.post(url).header("Content-Type", "application/json");
    parsed(take(request.body(body), access, super::MOST).await?).await
}

async fn parsed(bytes: Vec<u8>) -> Result<serde_json::Value, Said> {
    let no_json = |_| Said::new(Outcome::Fail, Msg::new("check-http-no-json"));
    apart(bytes, move |bytes| serde_json::from_slice(bytes).map_err(no_json)).await?
}

/// Reads bytes; many of them on a thread where that may take its time, so that no other answer waits for it.
pub(crate) async fn apart<T: Send + 'static>(
    bytes: Vec<u8>,
    read: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Said> {
    if bytes.len() < LARGE {
        return Ok(read(&bytes));
    }
    tokio::task::spawn_blocking(move || read(&bytes)).await.map_err(|error| Said::fail(error.to_string()))
}
