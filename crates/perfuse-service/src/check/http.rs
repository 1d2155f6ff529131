//! HTTP and HTTPS.

use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use reqwest::redirect::Policy;
use reqwest::{Method, Response};

use super::{Clients, Said, tls, words};
use crate::config::check::Http;

/// A client with the given certificates. Unless connections are kept, every check connects anew: one that stayed open says
/// nothing of those who come now.
pub(super) fn client(tls: rustls::ClientConfig, redirects: usize, kept: bool) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .tls_info(true)
        .hickory_dns(true)
        .no_proxy()
        .redirect(if redirects == 0 { Policy::none() } else { Policy::limited(redirects) })
        .pool_max_idle_per_host(usize::from(kept))
        .pool_idle_timeout(Duration::from_secs(if kept { 90 } else { 1 }))
        .user_agent(concat!("perfuse/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| words::cause(&error))
}

/// The body, up to a bound, and whether there was more of it.
pub(crate) async fn body(response: &mut Response, most: u64) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

impl Clients {
    pub(super) async fn http(&self, check: &Http) -> Said {
        match self.answer(check).await {
            Ok((mut response, certificate)) => {
                let judged = judge(check, &mut response).await;
                // A certificate that ends soon is degraded; it does not make up for a failure.
                if judged.outcome == Outcome::Pass { certificate.unwrap_or(judged) } else { judged }
            }
            Err(said) => said,
        }
    }

    /// Sends the request. With the answer comes what is to be said of the certificate.
    async fn answer(&self, check: &Http) -> Result<(Response, Option<Said>), Said> {
        let client = self.client(check)?;
        let method = Method::from_bytes(check.method.as_bytes()).map_err(|error| Said::no_data(error.to_string()))?;
        let mut request = client.request(method, &check.url);
        for (name, value) in &check.headers {
            request = request.header(name, value);
        }
        if let Some((user, password)) = &check.basic {
            request = request.basic_auth(user, password.as_ref().map(crate::config::Secret::reveal));
        }
        if let Some(token) = &check.bearer {
            request = request.bearer_auth(token.reveal());
        }
        if let Some(send) = &check.send {
            request = request.body(send.clone());
        }
        // The URL may have a password in it.
        let response = request.send().await.map_err(|error| failed(&error.without_url()))?;
        let peer = response.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| info.peer_certificate());
        let certificate = match (check.trust.days, peer) {
            (Some(days), Some(der)) => tls::days_left(der, days),
            _ => None,
        };
        Ok((response, certificate))
    }
}

fn failed(error: &reqwest::Error) -> Said {
    if error.is_redirect() {
        return Said::new(Outcome::Fail, Msg::new("check-redirects"));
    }
    if error.is_builder() {
        return Said::no_data(words::cause(error));
    }
    words::said(error)
}

async fn judge(check: &Http, response: &mut Response) -> Said {
    let status = response.status();
    let wanted = check.status.contains(&u64::from(status.as_u16()));
    if !(wanted || check.status.is_empty() && status.is_success()) {
        return Said::new(Outcome::Fail, Msg::new("check-http-status").with("status", status.as_str()));
    }
    for (name, wanted) in &check.header {
        let mut values = response.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        if !values.any(|value| value.contains(wanted.as_str())) {
            return Said::new(Outcome::Fail, Msg::new("check-http-header").with("name", name.as_str()));
        }
    }
    // All of the body is read even if nobody asks for it: an answer that breaks off is none.
    match body(response, check.max_body).await {
        Ok((body, cut)) => judge_body(check, &body, cut),
        Err(error) => words::said(&error.without_url()),
    }
}

fn judge_body(check: &Http, body: &[u8], cut: bool) -> Said {
    let fail = |id: &str, what: &str| Said::new(Outcome::Fail, Msg::new(id).with("what", what));
    let text = String::from_utf8_lossy(body);
    if let Some(wanted) = check.body_contains.as_ref().filter(|wanted| !text.contains(wanted.as_str())) {
        return fail("check-http-body-lacks", wanted);
    }
    if let Some(pattern) = check.body_matches.as_ref().filter(|pattern| !pattern.is_match(&text)) {
        return fail("check-http-body-lacks", pattern.as_str());
    }
    if let Some(unwanted) = check.body_lacks.as_ref().filter(|unwanted| text.contains(unwanted.as_str())) {
        return fail("check-http-body-has", unwanted);
    }
    if check.json.is_empty() {
        return Said::pass();
    }
    if cut {
        return Said::new(Outcome::Fail, Msg::new("check-http-too-long").with("bytes", check.max_body));
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Said::new(Outcome::Fail, Msg::new("check-http-no-json"));
    };
    for (path, wanted) in &check.json {
        // Text is compared without its quotes, everything else as it is written.
        let found = json.pointer(path).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        if found.as_ref() != Some(wanted) {
            let found = found.unwrap_or_else(|| "∅".to_owned()).chars().take(80).collect::<String>();
            let message = Msg::new("check-http-json").with("path", path).with("found", found).with("wanted", wanted);
            return Said::new(Outcome::Fail, message);
        }
    }
    Said::pass()
}
