//! A number of a Prometheus or `OpenMetrics` endpoint.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use perfuse_format::openmetrics::Exposition;
use perfuse_format::parse::FromBytes as _;

use super::{Clients, Said};
use crate::client::web::{self, Access};
use crate::config::check::Scrape;

/// Bytes of an exposition that are read at most.
const MOST: u64 = 32 * 1024 * 1024;
/// The formats that are read, the newer one first.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.8,*/*;q=0.1";

impl Clients {
    pub(super) async fn scrape(&self, check: &Scrape) -> Said {
        let exposition = match self.exposition(&check.url, &Access::nobody(&check.trust)).await {
            Ok(exposition) => exposition,
            Err(said) => return said,
        };
        let labels: Vec<(&str, &str)> =
            check.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let Some(value) = exposition.sum(&check.metric, &labels) else {
            // The endpoint answers, but what is asked for is not there: that says nothing of the number.
            return Said::no_data(format!("{}: no {}", check.url, check.metric));
        };
        let outcome = if check.compare.holds(value) { Outcome::Pass } else { Outcome::Fail };
        let message = Msg::new("check-value").with("name", check.metric.as_str()).with("value", value.to_string());
        Said::new(outcome, message).with_value(value)
    }

    /// Fetches and parses an endpoint.
    pub(crate) async fn exposition(&self, url: &str, access: &Access) -> Result<Exposition, Said> {
        let bytes = web::get(self, url, access, ACCEPT, MOST).await?;
        web::apart(bytes, |bytes| Exposition::from_bytes(bytes).map_err(|error| Said::fail(error.to_string()))).await?
    }
}
