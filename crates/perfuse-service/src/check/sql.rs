//! Servers that are asked SQL: `PostgreSQL`, and `MySQL` with `MariaDB`.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::{Clients, Said};
use crate::client::{mysql, postgresql};
use crate::config::check::Sql;

impl Clients {
    pub(super) async fn postgresql(&self, check: &Sql) -> Said {
        match postgresql::value(self, &check.server, &check.query).await {
            Ok(value) => judge(check, value.as_deref()),
            Err(said) => said,
        }
    }

    pub(super) async fn mysql(&self, check: &Sql) -> Said {
        match mysql::value(self, &check.server, &check.query).await {
            Ok(value) => judge(check, value.as_deref()),
            Err(said) => said,
        }
    }
}

/// What the value of a query says.
fn judge(check: &Sql, value: Option<&str>) -> Said {
    let Some(compare) = &check.compare else { return Said::pass() };
    let Some(number) = value.and_then(|value| value.parse::<f64>().ok()) else {
        return Said::no_data(format!("{}: no number", check.query));
    };
    let outcome = if compare.holds(number) { Outcome::Pass } else { Outcome::Fail };
    let message = Msg::new("check-value").with("name", check.query.as_str()).with("value", number.to_string());
    Said::new(outcome, message).with_value(number)
}
