//! TCP connections, and the servers that speak lines of text over them.

use std::net::SocketAddr;

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;
use regex::bytes::Regex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Clients, Said, words};
use crate::client::Stream;
use crate::client::wire::host;
use crate::config::check::{Nats, Tcp};
use crate::config::trust::{Encrypt, Server, Trust};

/// Bytes of an answer that are looked at, at most.
const MOST: usize = 64 * 1024;

impl Clients {
    /// Connects to `host:port`; the addresses of a name are tried one after the other.
    pub(crate) async fn connect(&self, address: &str) -> Result<TcpStream, Said> {
        let (host, port) = address.rsplit_once(':').ok_or_else(|| Said::no_data("host:port"))?;
        let port: u16 = port.parse().map_err(|_| Said::no_data("host:port"))?;
        let mut last = Said::fail("no address");
        for ip in self.addresses(host.trim_matches(['[', ']'])).await? {
            match TcpStream::connect(SocketAddr::new(ip, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Said::fail(format!("{ip}:{port}: {error}")),
            }
        }
        Err(last)
    }

    pub(super) async fn tcp(&self, check: &Tcp) -> Said {
        let mut stream = match self.connect(&check.address).await {
            Ok(stream) => stream,
            Err(said) => return said,
        };
        if let Some(send) = &check.send
            && let Err(error) = stream.write_all(send.as_bytes()).await
        {
            return Said::fail(error.to_string());
        }
        let Some(expect) = &check.expect else { return Said::pass() };
        // The same pattern over bytes: what comes need not be UTF-8.
        match Regex::new(expect.as_str()) {
            Ok(expect) => match until(&mut stream, &expect).await {
                Ok(_) => Said::pass(),
                Err(said) => said,
            },
            Err(error) => Said::no_data(words::cause(&error)),
        }
    }

    /// `PING` of a Redis server, after `AUTH` if there is a password.
    pub(super) async fn redis(&self, check: &Server) -> Said {
        let rest = check.url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (login, host) = authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
        let (user, inline) = login.map_or((None, None), |login| match login.split_once(':') {
            Some((user, password)) => (Some(user).filter(|user| !user.is_empty()), Some(password)),
            None => (Some(login), None),
        });
        let address = if port_given(host) { host.to_owned() } else { format!("{host}:6379") };
        let mut send = Vec::new();
        if let Some(password) = check.password.as_ref().map(crate::config::Secret::reveal).or(inline) {
            let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password]).collect();
            send = request(&words);
        }
        send.extend(request(&["PING"]));
        let trust = (check.encrypt == Encrypt::Always).then_some(&check.trust);
        match self.exchange(&address, trust, &send, r"\A(\+OK\r\n)?\+PONG\r\n|(?m)^-[^\r]*\r\n").await {
            Ok(answer) => refusal(&answer).unwrap_or_else(Said::pass),
            Err(said) => said,
        }
    }

    /// `INFO` and `PING` of a NATS server. TLS begins after the former, if either side wants it.
    pub(super) async fn nats(&self, check: &Nats) -> Said {
        self.ask_nats(check).await.unwrap_or_else(|said| said)
    }

    async fn ask_nats(&self, check: &Nats) -> Result<Said, Said> {
        let mut stream = self.connect(&check.address).await?;
        let info = Regex::new(r"(?s)\AINFO \{[^\n]*\r\n|(?m)^-ERR [^\r]*\r\n");
        let greeting = until(&mut stream, &info.map_err(|error| Said::no_data(words::cause(&error)))?).await?;
        if let Some(refused) = refusal(&greeting) {
            return Ok(refused);
        }
        let info = greeting.strip_prefix(b"INFO ").unwrap_or_default();
        let info = info.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let info: serde_json::Value = serde_json::from_slice(info).map_err(|_| Said::fail("INFO: JSON"))?;
        let is = |key: &str| info.get(key).and_then(serde_json::Value::as_bool) == Some(true);
        let mut stream: Box<dyn Stream> = if check.encrypted || is("tls_required") {
            if !is("tls_required") && !is("tls_available") {
                return Err(Said::new(Outcome::Fail, Msg::new("tls-not-offered")));
            }
            Box::new(self.encrypted(stream, host(&check.address), &check.trust).await?)
        } else {
            Box::new(stream)
        };
        let connect = b"CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"perfuse\"}\r\nPING\r\n";
        stream.write_all(connect).await.map_err(|error| words::said(&error))?;
        let pong =
            Regex::new(r"(?m)^PONG\r\n|^-ERR [^\r]*\r\n").map_err(|error| Said::no_data(words::cause(&error)))?;
        let answer = until(&mut stream, &pong).await?;
        Ok(refusal(&answer).unwrap_or_else(Said::pass))
    }

    /// Sends something and reads until a pattern has come.
    async fn exchange(&self, address: &str, tls: Option<&Trust>, send: &[u8], pattern: &str) -> Result<Vec<u8>, Said> {
        let pattern = Regex::new(pattern).map_err(|error| Said::no_data(words::cause(&error)))?;
        let mut wire = self.dial(address, tls).await?;
        wire.stream.write_all(send).await.map_err(|error| words::said(&error))?;
        until(&mut wire.stream, &pattern).await
    }
}

/// The line that says no: Redis and NATS both begin it with a `-`.
fn refusal(answer: &[u8]) -> Option<Said> {
    let answer = String::from_utf8_lossy(answer);
    let line = answer.lines().find_map(|line| line.strip_prefix('-'))?;
    Some(Said::fail(line.chars().take(200).collect::<String>()))
}

/// A command of the Redis protocol: an array of strings, each with its length.
fn request(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

fn port_given(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

/// Reads until a pattern has come; the end of the stream, and more than anyone expects, is a failure.
async fn until(stream: &mut (impl AsyncRead + Unpin), pattern: &Regex) -> Result<Vec<u8>, Said> {
    let mut seen = Vec::new();
    let mut buffer = vec![0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).await.map_err(|error| words::said(&error))?;
        seen.extend_from_slice(&buffer[..read]);
        if pattern.is_match(&seen) {
            return Ok(seen);
        }
        if read == 0 || seen.len() > MOST {
            let begin: String = String::from_utf8_lossy(&seen).chars().take(60).collect();
            return Err(Said::new(
                Outcome::Fail,
                Msg::new("check-unexpected").with("found", begin.escape_debug().to_string()),
            ));
        }
    }
}
