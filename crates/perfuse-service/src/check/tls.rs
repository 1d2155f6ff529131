//! TLS: who is trusted, and until when.

use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use perfuse_format::x509;
use rustls::ClientConfig;

use super::{Clients, Said};
use crate::client::wire::host;
use crate::config::check::Tls;
use crate::config::trust::Trust;

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
    pub(crate) fn tls_config(&self, trust: &Trust) -> Result<Arc<ClientConfig>, Said> {
        let key = trust.of_connection();
        if let Some(config) = self.tls.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = crate::trust::config(&self.trusted, trust);
        let config =
            Arc::new(config.map_err(|problem| Said::new(Outcome::NoData, Msg::new("tls-file").with("what", problem)))?);
        self.tls.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&config));
        Ok(config)
    }

    pub(super) async fn tls(&self, check: &Tls) -> Said {
        self.handshake(check).await.unwrap_or_else(|said| said)
    }

    async fn handshake(&self, check: &Tls) -> Result<Said, Said> {
        let name = check.server_name.as_deref().unwrap_or(host(&check.address));
        let stream = self.connect(&check.address).await?;
        let stream = self.encrypted(stream, name.trim_matches(['[', ']']), &check.trust).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let soon = check.trust.days.zip(certificate).and_then(|(days, der)| days_left(der, days));
        Ok(soon.unwrap_or_else(Said::pass))
    }
}
