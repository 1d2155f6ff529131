//! Mails, through a server that takes them (RFC 5321).

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Identity, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::super::notice::Notice;
use super::super::queue::Failure;
use super::super::words::Speaker;
use crate::config::Secret;
use crate::config::trust::{Trust, Verify};
use crate::problem::{Problem, cause};

/// Time for each answer of the server.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// The part of message ids after the `@`.
    domain: String,
}

impl Mail {
    pub(super) fn new(
        server: &str,
        from: &str,
        to: &[String],
        login: Option<(&str, Option<&Secret>)>,
        (encryption, trust): (&str, &Trust),
        host: &str,
    ) -> Result<Self, String> {
        let (name, port) = server.rsplit_once(':').ok_or("host:port")?;
        let name = name.trim_matches(['[', ']']);
        let port = port.parse().map_err(|_| format!("port {port}"))?;
        let tls = || parameters(name, trust);
        let tls = match encryption {
            "tls" => Tls::Wrapper(tls()?),
            "starttls" => Tls::Required(tls()?),
            _ => Tls::None,
        };
        // Names of hosts that are none of the mail system would be refused by it, or break the header.
        let domain: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
        let domain = if domain.is_empty() { "localhost".to_owned() } else { domain };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(name)
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(domain.clone()));
        if let Some((user, password)) = login {
            let password = password.map(Secret::reveal).unwrap_or_default();
            transport = transport.credentials(Credentials::new(user.to_owned(), password.to_owned()));
        }
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
        let to = to.iter().map(|to| mailbox(to)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { transport: transport.build(), from: mailbox(from)?, to, domain })
    }

    pub(super) async fn send(&self, notice: &Notice, speaker: &Speaker) -> Result<(), Failure> {
        let message =
            self.message(notice, speaker).map_err(|error| Failure { refused: true, ..Failure::new(error) })?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| Failure { refused: error.is_permanent(), ..Failure::new(Problem::of(&error)) })
    }

    fn message(&self, notice: &Notice, speaker: &Speaker) -> Result<Message, String> {
        let id = |number: u32| format!("<{:016x}.{number}@{}>", hash(&notice.key), self.domain);
        let subject = format!("[perfuse {}] {}", speaker.host, speaker.subject(notice));
        let mut message =
            Message::builder().from(self.from.clone()).subject(subject).message_id(Some(id(notice.number)));
        for to in &self.to {
            message = message.to(to.clone());
        }
        if notice.number > 1 {
            // Mails of one case stand together.
            message = message.in_reply_to(id(1)).references(id(1));
        }
        // RFC 3834: nobody's holiday notice is to answer.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = message.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
        let message = message.header(ContentType::TEXT_PLAIN).body(speaker.body(notice) + "\n");
        message.map_err(|error| error.to_string())
    }
}

/// Whom the library trusts. It has a verifier of its own.
fn parameters(name: &str, trust: &Trust) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(name.to_owned());
    if let Some(file) = &trust.ca_file {
        for certificate in crate::trust::certificates(file)? {
            let certificate = Certificate::from_der(certificate.to_vec());
            builder = builder.add_root_certificate(certificate.map_err(|error| format!("{file}: {}", cause(&error)))?);
        }
    }
    if let Some((cert, key)) = &trust.identity {
        let read = |file: &str| std::fs::read(file).map_err(|error| format!("{file}: {error}"));
        let identity = Identity::from_pem(&read(cert)?, &read(key)?);
        builder = builder.identify_with(identity.map_err(|error| format!("{cert}: {}", cause(&error)))?);
    }
    if trust.verify == Verify::Nothing {
        builder = builder.dangerous_accept_invalid_certs(true);
    }
    builder.build().map_err(|error| cause(&error))
}

/// FNV-1a: a name of a component may have letters that a message id may not.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
