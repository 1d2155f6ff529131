//! `PostgreSQL`.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use super::{Clients, Said, words};
use crate::config::check::Sql;

impl Clients {
    pub(super) async fn postgresql(&self, check: &Sql) -> Said {
        match ask(check).await {
            Ok(value) => judge(check, value.as_deref()),
            Err(said) => said,
        }
    }
}

/// The first value of the first row, as text.
async fn ask(check: &Sql) -> Result<Option<String>, Said> {
    // The words of the parser may quote the URL, which may have the password in it.
    let mut config: Config = check.url.parse().map_err(|_| Said::no_data("url"))?;
    if let Some(password) = &check.password {
        config.password(password.reveal());
    }
    config.application_name("perfuse");
    let (client, connection) = config.connect(NoTls).await.map_err(|error| Said::fail(words::cause(&error)))?;
    // The connection ends with the client, also when the check runs out of time.
    let answers = async {
        let answer = client.simple_query(&check.query).await;
        drop(client);
        answer
    };
    let (_, answers) = tokio::join!(connection, answers);
    let answers = answers.map_err(|error| Said::fail(words::cause(&error)))?;
    let row = answers.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(row.and_then(|row| row.try_get(0).ok().flatten()).map(str::to_owned))
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
