//! TLS to what is asked and told: whether, who is trusted, and who we are.

use super::check::url;
use super::part::Part;
use super::secret::Secret;

/// Who is trusted, and who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trust {
    /// Days that the certificate must still be valid; fewer is degraded.
    pub days: Option<u32>,
    /// What has to be right about the certificate.
    pub verify: Verify,
    /// A file of certificates in PEM that vouch, besides those of the system.
    pub ca_file: Option<String>,
    /// Files of our own certificate and of its key, in PEM, for servers that want to see one.
    pub identity: Option<(String, String)>,
}

impl Trust {
    /// What of it a connection depends on.
    #[must_use]
    pub fn of_connection(&self) -> Self {
        Self { days: None, ..self.clone() }
    }
}

/// What has to be right about a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verify {
    /// Somebody who is trusted vouches for it, and it has the name of the server.
    #[default]
    All,
    /// Somebody who is trusted vouches for it.
    Issuer,
    /// Nothing: whoever answers is taken, and can read along.
    Nothing,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encrypt {
    /// No.
    #[default]
    Never,
    /// If the server can.
    IfOffered,
    /// Or else there is none.
    Always,
}

/// A server at a URL.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where, without what the URL says of TLS.
    pub url: String,
    /// The password, when it is not in the URL.
    pub password: Option<Secret>,
    /// Whether the connection is encrypted.
    pub encrypt: Encrypt,
    /// The certificate.
    pub trust: Trust,
}

/// What the parameter `sslmode` of `PostgreSQL`'s URLs and `ssl-mode` of `MySQL`'s may be. Both take the words of both.
const MODES: &[(&str, Encrypt, Verify)] = &[
    ("disable", Encrypt::Never, Verify::Nothing),
    ("disabled", Encrypt::Never, Verify::Nothing),
    ("prefer", Encrypt::IfOffered, Verify::Nothing),
    ("preferred", Encrypt::IfOffered, Verify::Nothing),
    ("require", Encrypt::Always, Verify::Nothing),
    ("required", Encrypt::Always, Verify::Nothing),
    ("verify-ca", Encrypt::Always, Verify::Issuer),
    ("verify_ca", Encrypt::Always, Verify::Issuer),
    ("verify-full", Encrypt::Always, Verify::All),
    ("verify_identity", Encrypt::Always, Verify::All),
];
/// The words of them that messages name.
const NAMED: &[&str] = &["disable", "prefer", "require", "verify-ca", "verify-full"];

/// The keys of `[super::keys]` that every part has whose connections may be encrypted.
pub(super) fn trust(part: Part<'_>) -> Trust {
    let identity = match (part.text("cert_file"), part.text("key_file")) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (cert, _) => {
            part.need_text(if cert.is_some() { "key_file" } else { "cert_file" });
            None
        }
    };
    let verify = if part.flag("insecure").unwrap_or(false) { Verify::Nothing } else { Verify::All };
    Trust { days: None, verify, ca_file: part.text("ca_file"), identity }
}

/// A server that is asked SQL. Whether it is spoken to over TLS is a parameter of the URL; without it, who names
/// certificates wants them looked at, and anybody else gets what `libpq` does: TLS if the server has it.
pub(super) fn sql(part: Part<'_>, schemes: &[&str]) -> Option<Server> {
    let (password, trust) = (part.secret("password"), trust(part));
    let (url, mode) = mode(&url(part, "url", schemes)?);
    let (encrypt, trust) = of_mode(part, "url", mode.as_deref(), trust)?;
    Some(Server { url, password, encrypt, trust })
}

/// What a mode means, together with the certificates that are named.
pub(super) fn of_mode(part: Part<'_>, key: &str, mode: Option<&str>, trust: Trust) -> Option<(Encrypt, Trust)> {
    let named = trust.ca_file.is_some() || trust.identity.is_some();
    let anyone = trust.verify == Verify::Nothing;
    let Some(mode) = mode else {
        return Some(match (named, anyone) {
            (false, false) => (Encrypt::IfOffered, Trust { verify: Verify::Nothing, ..trust }),
            _ => (Encrypt::Always, trust),
        });
    };
    let Some((_, encrypt, verify)) = MODES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(mode)) else {
        part.wrong_word(key, "ssl-mode", NAMED);
        return None;
    };
    if anyone && *verify != Verify::Nothing {
        part.wrong("insecure", "not-with-verify");
    }
    // As libpq has it: who names a certificate authority wants it to vouch.
    let issuer = *encrypt == Encrypt::Always && *verify == Verify::Nothing && trust.ca_file.is_some() && !anyone;
    Some((*encrypt, Trust { verify: if issuer { Verify::Issuer } else { *verify }, ..trust }))
}

/// A URL without its parameter for TLS, and that.
pub(super) fn mode(url: &str) -> (String, Option<String>) {
    let Some((before, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut mode = None;
    let rest: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some(("sslmode" | "ssl-mode", value)) => {
                mode = Some(value.to_owned());
                false
            }
            _ => true,
        })
        .collect();
    let url = if rest.is_empty() { before.to_owned() } else { format!("{before}?{}", rest.join("&")) };
    (url, mode)
}

/// A Redis server: `redis://`, or `rediss://` for TLS.
pub(super) fn redis(part: Part<'_>) -> Option<Server> {
    let (password, trust) = (part.secret("password"), trust(part));
    let url = url(part, "url", &["redis", "rediss"])?;
    Some(match url.strip_prefix("rediss:") {
        Some(rest) => Server { url: format!("redis:{rest}"), password, encrypt: Encrypt::Always, trust },
        None => Server { url, password, encrypt: Encrypt::Never, trust },
    })
}
