//! Two queries that must agree: a copy with its original, a sum with its parts.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::{Clients, Said};
use crate::client::web::{self, Access};
use crate::client::{mysql, postgresql};
use crate::config::check::Agree;
use crate::config::trust::Server;

/// Bytes of a body that is one value.
const MOST: u64 = 64 * 1024;

impl Clients {
    pub(super) async fn agree(&self, check: &Agree) -> Said {
        let query = check.query.as_deref();
        let second = check.second_query.as_deref().or(query);
        match tokio::join!(self.value(&check.first, query), self.value(&check.second, second)) {
            (Ok(first), Ok(second)) => judge(check, &first, &second),
            // Whether they agree is not known when one of them cannot be asked.
            (Err(said), _) | (_, Err(said)) => {
                Said::new(Outcome::NoData, Msg::new("check-agree-unasked").with("problem", said.message))
            }
        }
    }

    /// What a URL says: the first value of a query, or a body.
    async fn value(&self, server: &Server, query: Option<&str>) -> Result<String, Said> {
        let query = query.unwrap_or("SELECT 1");
        let value = if server.url.starts_with("mysql:") {
            mysql::value(self, server, query).await?
        } else if server.url.starts_with("postgres") {
            postgresql::value(self, server, query).await?
        } else {
            let bytes =
                web::get(self, &server.url, &Access::nobody(&server.trust), "text/plain, */*;q=0.5", MOST).await?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        value.map(|value| value.trim().to_owned()).ok_or_else(|| Said::no_data(format!("{query}: NULL")))
    }
}

/// Numbers may differ by a part of the greater; anything else must be the same.
fn judge(check: &Agree, first: &str, second: &str) -> Said {
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let (agree, apart) = match (number(first), number(second)) {
        (Some(one), Some(other)) => {
            let greater = one.abs().max(other.abs());
            let apart = if greater > 0.0 { (one - other).abs() / greater } else { 0.0 };
            (apart <= check.tolerance, Some(apart))
        }
        _ => (first == second, None),
    };
    let short = |text: &str| text.chars().take(80).collect::<String>();
    let id = if agree { "check-agree" } else { "check-disagree" };
    let message = Msg::new(id).with("first", short(first)).with("second", short(second));
    let said = Said::new(if agree { Outcome::Pass } else { Outcome::Fail }, message);
    match apart {
        Some(apart) => said.with_value(apart),
        None => said,
    }
}
