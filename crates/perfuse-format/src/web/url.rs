//! URLs of the schemes `http` and `https` (RFC 3986), as far as a request needs them.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether the connection is encrypted: `https`.
    pub tls: bool,
    /// Name or address, without brackets, in lower case.
    pub host: String,
    /// TCP port; 80 and 443 where none was said.
    pub port: u16,
    /// Path and query, with the first slash; the fragment is the reader's own business and not part of a request.
    pub path: String,
}

/// What a text lacks to be a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It does not begin with `http://` or `https://`.
    #[error("expected http:// or https:// at the start")]
    Scheme,
    /// Nothing stands between `//` and the path, or a letter there cannot be in a name.
    #[error("expected the name or address of a host after //; names in other scripts are written as xn--...")]
    Host,
    /// What follows the colon is no port.
    #[error("expected a port from 1 to 65535 after the colon")]
    Port,
    /// A name or password before an `@`.
    #[error("a user and a password in a URL are not sent")]
    User,
    /// A blank or a control character.
    #[error("a blank or control character cannot be part of a URL; write it as %20 and the like")]
    Blank,
}

impl UrlError {
    /// The last part of the ids of its messages.
    pub fn id(self) -> &'static str {
        match self {
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Port => "port",
            Self::User => "user",
            Self::Blank => "blank",
        }
    }
}

impl Url {
    /// Reads a whole URL.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        let (tls, rest) = match (lower.strip_prefix("http://"), lower.strip_prefix("https://")) {
            (Some(_), _) => (false, text.get(7..)),
            (_, Some(_)) => (true, text.get(8..)),
            _ => return Err(UrlError::Scheme),
        };
        let rest = rest.unwrap_or_default();
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = authority_of(authority, tls)?;
        Ok(Self { tls, host, port, path: path_of(path)? })
    }

    /// Where a `Location` that this URL answered with leads (RFC 3986, section 5, without the dots in paths, which a
    /// server resolves).
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme()));
        }
        if location.starts_with('/') {
            return Ok(Self { path: path_of(location)?, ..self.clone() });
        }
        let scheme = location.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'));
        if scheme {
            return Self::parse(location);
        }
        let path = self.path.split('?').next().unwrap_or("/");
        if location.starts_with('?') {
            return Ok(Self { path: path_of(&format!("{path}{location}"))?, ..self.clone() });
        }
        let directory = path.rfind('/').map_or("/", |slash| &path[..=slash]);
        Ok(Self { path: path_of(&format!("{directory}{location}"))?, ..self.clone() })
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The value of the `Host` header: the port only where it is not the scheme's.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == usual(self.tls) { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.path)
    }
}

fn usual(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

fn authority_of(text: &str, tls: bool) -> Result<(String, u16), UrlError> {
    if text.contains('@') {
        return Err(UrlError::User);
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| UrlError::Host)?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(UrlError::Port)?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let name = host.len() <= 253 && !host.is_empty() && host.bytes().all(letter) && !host.starts_with('.');
    if !name && host.parse::<IpAddr>().is_err() {
        return Err(UrlError::Host);
    }
    let port = match port {
        None | Some("") => usual(tls),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port > 0).ok_or(UrlError::Port)?
        }
        Some(_) => return Err(UrlError::Port),
    };
    Ok((host.to_ascii_lowercase(), port))
}

/// What may stand in the line of a request: anything else would end it, and be a request of its own.
fn path_of(text: &str) -> Result<String, UrlError> {
    let text = text.split('#').next().unwrap_or_default();
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(UrlError::Blank);
    }
    let mut path = String::with_capacity(text.len() + 1);
    if !text.starts_with('/') {
        path.push('/');
    }
    for byte in text.bytes() {
        match byte {
            0x21..=0x7e => path.push(char::from(byte)),
            _ => {
                // Writing to a text cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    Ok(path)
}

/// For the table of parsers.
pub(crate) fn parses(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let base = Url { tls: false, host: "a".to_owned(), port: 80, path: "/b/c?d".to_owned() };
    let joined = base.join(text).is_ok();
    Url::parse(text).is_ok() || joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<String, UrlError> {
        Url::parse(text).map(|url| url.to_string())
    }

    #[test]
    fn urls_are_taken_apart() {
        let url = Url::parse("HTTPS://Example.ORG:8443/a/b?c=d#e").unwrap();
        assert_eq!((url.tls, url.host.as_str(), url.port, url.path.as_str()), (true, "example.org", 8443, "/a/b?c=d"));
        assert_eq!(said("http://a").as_deref(), Ok("http://a/"));
        assert_eq!(said("http://a:80?x").as_deref(), Ok("http://a/?x"));
        assert_eq!(said("https://[::1]:1/").as_deref(), Ok("https://[::1]:1/"));
        assert_eq!(said("http://a/\u{ac00}").as_deref(), Ok("http://a/%EA%B0%80"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, error) in [
            ("", UrlError::Scheme),
            ("example.org", UrlError::Scheme),
            ("ftp://a/", UrlError::Scheme),
            ("http://", UrlError::Host),
            ("http:///a", UrlError::Host),
            ("http://a b/", UrlError::Host),
            ("http://\u{ac00}/", UrlError::Host),
            ("http://[::1/", UrlError::Host),
            ("http://[a]/", UrlError::Host),
            ("http://a:b/", UrlError::Port),
            ("http://a:0/", UrlError::Port),
            ("http://a:65536/", UrlError::Port),
            ("http://[::1]80/", UrlError::Port),
            ("http://me:secret@a/", UrlError::User),
            ("http://a/b c", UrlError::Blank),
            ("http://a/b\r\nX: y", UrlError::Blank),
        ] {
            assert_eq!(said(text), Err(error), "{text}");
        }
    }

    #[test]
    fn redirects_lead_where_they_say() {
        let base = Url::parse("https://a:8443/b/c?d").unwrap();
        for (location, expected) in [
            ("/x", "https://a:8443/x"),
            ("y", "https://a:8443/b/y"),
            ("?z", "https://a:8443/b/c?z"),
            ("//e/f", "https://e/f"),
            ("http://g", "http://g/"),
        ] {
            assert_eq!(base.join(location).map(|url| url.to_string()).as_deref(), Ok(expected), "{location}");
        }
        assert_eq!(base.join("mailto:a"), Err(UrlError::Scheme));
    }
}
