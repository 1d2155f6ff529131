//! DNS: the resolver of all checks, and the check that asks for a name.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::{Clients, Said, words};
use crate::config::check::Dns;

/// The resolver of the system, without a memory of its own: a check wants to know how it is now.
pub(super) fn system() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    builder.options_mut().cache_size = 0;
    builder.build()
}

/// A resolver that asks one server.
fn of_server(server: SocketAddr) -> Result<TokioResolver, NetError> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.cache_size = 0;
    options.timeout = Duration::from_secs(2);
    builder.build()
}

impl Clients {
    /// The addresses of a host.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Said> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let found = self.resolver.lookup_ip(host).await.map_err(|error| unresolved(host, &error))?;
        Ok(found.iter().collect())
    }

    pub(super) async fn dns(&self, check: &Dns) -> Said {
        let own = match check.server.as_ref().and_then(|server| server.parse().ok()).map(of_server) {
            Some(Ok(own)) => Some(own),
            Some(Err(error)) => return Said::no_data(words::cause(&error)),
            None => None,
        };
        let record: RecordType = match check.record.parse() {
            Ok(record) => record,
            Err(_) => return Said::no_data(check.record),
        };
        let found = match own.as_ref().unwrap_or(&self.resolver).lookup(check.query.as_str(), record).await {
            Ok(found) => found,
            Err(error) => return unresolved(&check.query, &error),
        };
        let answers: Vec<String> =
            found.answers().iter().filter(|one| one.record_type() == record).map(|one| one.data.to_string()).collect();
        let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        let missing = check.answers.iter().find(|wanted| !answers.iter().any(|answer| plain(answer) == plain(wanted)));
        match missing {
            Some(wanted) => {
                let message = Msg::new("check-dns-lacks").with("wanted", wanted).with("found", answers.join(", "));
                Said::new(Outcome::Fail, message)
            }
            None if answers.is_empty() => Said::fail(format!("{}: {}", check.query, check.record)),
            None => Said::pass(),
        }
    }
}

fn unresolved(name: &str, error: &NetError) -> Said {
    Said::fail(format!("{name}: {}", words::cause(error)))
}
