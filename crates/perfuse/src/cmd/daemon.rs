//! Asking the daemon: what its commands share.

use anyhow::{Context as _, anyhow, bail};
use perfuse_analyze::Msg;
use perfuse_service::daemon::control::client::{Client, ClientError};
use perfuse_service::daemon::control::{Answer, Ask, Call};
use perfuse_service::daemon::places;

use crate::console::Console;

/// Exit status when nobody answers: nothing is known.
pub(crate) const UNKNOWN: u8 = 3;

/// Reads a variable of the environment.
pub(crate) fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// The user who runs this.
pub(crate) fn user() -> u32 {
    perfuse_collect::host::user()
}

/// A connection, or in words why there is none.
pub(crate) fn connect(console: &Console) -> Result<Client, String> {
    Client::connect(&places::sockets(&variable, user())).map_err(|error| words(&error, console))
}

fn words(error: &ClientError, console: &Console) -> String {
    let message = match error {
        ClientError::None(places) => {
            let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
            Msg::new("error-service-none").with("places", places.join(", "))
        }
        ClientError::Refused { path, error } => {
            let message = Msg::new("error-service-refused").with("path", path.display().to_string());
            message.with("problem", error.to_string())
        }
        ClientError::Version { version, .. } => {
            Msg::new("error-service-version").with("version", version.as_str()).with("own", env!("CARGO_PKG_VERSION"))
        }
        ClientError::Broken(error) => Msg::new("error-service-broken").with("problem", error.to_string()),
    };
    console.texts.text(&message)
}

/// A call in the language of the console.
pub(crate) fn call(ask: Ask, console: &Console) -> Call {
    Call { lang: console.texts.lang().id().to_owned(), ask }
}

/// Asks one thing; a refusal is an error. `None` when nobody answers, which has been said then.
pub(crate) fn ask(ask: Ask, console: &Console) -> anyhow::Result<Option<Answer>> {
    let mut client = match connect(console) {
        Ok(client) => client,
        Err(problem) => {
            console.complain(&problem);
            return Ok(None);
        }
    };
    match client.ask(&call(ask, console)).map_err(|error| anyhow!(words(&error, console)))? {
        Answer::Refused(problem) => bail!(problem),
        answer => Ok(Some(answer)),
    }
}

/// The next answer of a call that follows.
pub(crate) fn next(client: &mut Client, console: &Console) -> anyhow::Result<Answer> {
    client.more().map_err(|error| anyhow!(words(&error, console)))
}

/// What no daemon of this version says.
pub(crate) fn unexpected<T>(console: &Console) -> anyhow::Result<T> {
    None.context(console.texts.word("error-service-answer"))
}

/// A document, as text of more than one line.
pub(crate) fn json(document: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
