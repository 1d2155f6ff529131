//! Why a connection came to nothing, kept in such a way that it can be told in every language.

use std::error::Error;
use std::io;

use perfuse_analyze::Msg;
use perfuse_analyze::message::Arg;
use rustls::CertificateError;
use serde::{Deserialize, Serialize};

/// Why a connection came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Problem {
    /// In the words of the system, of a library or of the server.
    Words(String),
    /// Something about TLS.
    Tls {
        /// The entry of the language tables.
        id: String,
        /// What it names.
        what: String,
    },
}

impl From<String> for Problem {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&str> for Problem {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<&Problem> for Arg {
    fn from(problem: &Problem) -> Self {
        match problem {
            Problem::Words(words) => words.into(),
            Problem::Tls { id, what } => tls(id, what).into(),
        }
    }
}

fn tls(id: &str, what: &str) -> Msg {
    Msg::new(id).with("what", what)
}

impl Problem {
    /// What is behind an error: what is wrong with TLS, if that is it, else the innermost cause in one line.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        about_tls(error).map_or_else(|| Self::Words(cause(error)), |(id, what)| Self::Tls { id: id.to_owned(), what })
    }
}

/// The innermost cause of an error in one line: what is around it repeats that something failed.
pub(crate) fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string().lines().next().unwrap_or_default().chars().take(300).collect()
}

/// What is wrong with TLS, if that is what an error is about, somewhere inside.
pub(crate) fn why(error: &(dyn Error + 'static)) -> Option<Msg> {
    about_tls(error).map(|(id, what)| tls(id, &what))
}

fn about_tls(error: &(dyn Error + 'static)) -> Option<(&'static str, String)> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(of_rustls(error));
        }
        // An error of I/O hides what it was made from.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

fn of_rustls(error: &rustls::Error) -> (&'static str, String) {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(problem) => of_certificate(problem),
        // What came was no record of TLS.
        E::InvalidMessage(_) | E::InappropriateMessage { .. } => ("tls-not-spoken", String::new()),
        E::AlertReceived(alert) => ("tls-refused", format!("{alert:?}")),
        other => ("tls-failed", other.to_string()),
    }
}

fn of_certificate(problem: &CertificateError) -> (&'static str, String) {
    use CertificateError as C;
    match problem {
        C::Expired | C::ExpiredContext { .. } => ("tls-expired", String::new()),
        C::NotValidYet | C::NotValidYetContext { .. } => ("tls-not-yet", String::new()),
        // The second: of an authority that has the name of a trusted one, and another key.
        C::UnknownIssuer | C::BadSignature => ("tls-unknown-issuer", String::new()),
        C::NotValidForName => ("tls-wrong-name", "?".to_owned()),
        C::NotValidForNameContext { presented, .. } => ("tls-wrong-name", presented.join(", ")),
        // A self-signed one, made as an authority's; the library has no kind for it.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => ("tls-unknown-issuer", String::new()),
        other => ("tls-bad-certificate", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_render::{Lang, Texts};

    use super::*;

    #[test]
    fn problems_with_certificates_have_words_in_both_languages_and_survive_the_store() {
        let wrap = |error: CertificateError| io::Error::other(rustls::Error::InvalidCertificate(error));
        for (error, english, korean) in [
            (CertificateError::Expired, "has expired", "만료"),
            (CertificateError::UnknownIssuer, "ca_file", "ca_file"),
            (CertificateError::NotValidForName, "another name", "이름"),
        ] {
            let problem = Problem::of(&io::Error::other(wrap(error)));
            let kept: Problem = serde_json::from_str(&serde_json::to_string(&problem).unwrap()).unwrap();
            assert_eq!(kept, problem);
            let message = Msg::new("alert-given-up").with("receiver", "x").with("problem", &kept);
            assert!(Texts::new(Lang::En).text(&message).contains(english), "{message:?}");
            assert!(Texts::new(Lang::Ko).text(&message).contains(korean), "{message:?}");
        }
        assert_eq!(serde_json::from_str::<Problem>("\"refused\"").unwrap(), Problem::from("refused"));
        assert_eq!(Problem::of(&io::Error::other("refused")), Problem::from("refused"));
    }
}
