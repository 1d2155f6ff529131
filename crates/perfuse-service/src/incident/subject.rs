//! The components that can fail, and where their processes are to be found on this host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::config::check::CheckKind;
use crate::config::{Check, Collector, CollectorKind, Component, Config};

use super::recorded::Who;

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub component: String,
    /// The components that it cannot do without, directly or not.
    pub needs: Vec<String>,
    /// Where its processes are to be found, the best way first; nothing is the whole host.
    pub who: Vec<Who>,
    /// Names of the collectors that belong to it.
    pub collectors: Vec<String>,
    /// Names of those that belong to the components that it needs.
    pub beneath: Vec<String>,
}

impl Subject {
    /// Whoever listens on a port of this host.
    pub fn listener(component: &str, port: u16) -> Self {
        Self::of(component, Who::Port { port, address: None })
    }

    /// Whoever `who` tells.
    pub fn of(component: &str, who: Who) -> Self {
        Self { component: component.to_owned(), who: vec![who], ..Self::default() }
    }
}

/// The components of a configuration on the host of this name.
pub fn subjects(config: &Config, hostname: &str) -> Vec<Subject> {
    let subject = |component: &Component| {
        let mine = config.collectors.iter().filter(|one| one.component.as_deref() == Some(component.name.as_str()));
        let mut who: Vec<Who> = component.unit.iter().cloned().map(Who::Unit).collect();
        who.extend(component.checks.iter().flat_map(|check| of_check(check, hostname)));
        for collector in mine.clone() {
            if let CollectorKind::Jvm { process, service } = &collector.kind {
                who.extend(service.clone().map(Who::Unit));
                who.extend(process.clone().map(Who::Command));
            }
        }
        let mut seen = Vec::new();
        who.retain(|one| {
            let new = !seen.contains(one);
            seen.push(one.clone());
            new
        });
        let needs = needs(config, &component.name);
        let needed = |one: &&Collector| one.component.as_ref().is_some_and(|component| needs.contains(component));
        let beneath = config.collectors.iter().filter(needed).map(|one| one.name.clone()).collect();
        let collectors = mine.map(|one| one.name.clone()).collect();
        Subject { component: component.name.clone(), needs, who, collectors, beneath }
    };
    config.components.iter().map(subject).collect()
}

/// Everything that a component needs, directly or not, the nearest first.
fn needs(config: &Config, name: &str) -> Vec<String> {
    let mut seen = BTreeSet::from([name.to_owned()]);
    let mut all = Vec::new();
    let mut next = vec![name.to_owned()];
    while let Some(name) = next.pop() {
        let component = config.components.iter().find(|component| component.name == name);
        for need in component.into_iter().flat_map(|component| &component.needs) {
            if seen.insert(need.clone()) {
                all.push(need.clone());
                next.push(need.clone());
            }
        }
    }
    all
}

/// Whom a check asks, if that can be on this host.
fn of_check(check: &Check, hostname: &str) -> Vec<Who> {
    let one = |who: Option<Who>| who.into_iter().collect();
    match &check.kind {
        CheckKind::Unit(unit) => vec![Who::Unit(unit.clone())],
        CheckKind::Process(process) => vec![Who::Command(process.process.clone())],
        CheckKind::Http(http) => one(of_url(&http.url, hostname)),
        CheckKind::Tcp(tcp) => one(of_address(&tcp.address, hostname)),
        CheckKind::Tls(tls) => one(of_address(&tls.address, hostname)),
        CheckKind::Nats(nats) => one(of_address(&nats.address, hostname)),
        CheckKind::PostgreSql(sql) | CheckKind::MySql(sql) => one(of_url(&sql.server.url, hostname)),
        CheckKind::Redis(server) => one(of_url(&server.url, hostname)),
        CheckKind::RabbitMq(server) => one(of_url(&server.url, hostname)),
        CheckKind::Kafka(kafka) => {
            kafka.cluster.brokers.iter().filter_map(|broker| of_address(broker, hostname)).collect()
        }
        CheckKind::Scrape(scrape) => one(of_url(&scrape.url, hostname)),
        CheckKind::Dns(_)
        | CheckKind::Icmp(_)
        | CheckKind::Command(_)
        | CheckKind::Host(_)
        | CheckKind::Agree(_)
        | CheckKind::Push(_) => Vec::new(),
    }
}

/// Host and port of a URL.
fn of_url(url: &str, hostname: &str) -> Option<Who> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        "postgres" | "postgresql" => 5432,
        "mysql" => 3306,
        "redis" => 6379,
        _ => return None,
    };
    let (name, port) = split(host);
    local(name, port.unwrap_or(usual), hostname)
}

fn of_address(address: &str, hostname: &str) -> Option<Who> {
    let (name, port) = split(address);
    local(name, port?, hostname)
}

/// `host:port`, `[::1]:port`, or without a port.
fn split(text: &str) -> (&str, Option<u16>) {
    if let Some((inside, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (inside, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, None),
    }
}

/// A name of this host, or an address that may be one of it: which, the sample tells.
fn local(name: &str, port: u16, hostname: &str) -> Option<Who> {
    let address: Option<IpAddr> = name.parse().ok();
    let own =
        name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost") || name.eq_ignore_ascii_case(hostname);
    (own || address.is_some()).then_some(Who::Port { port, address: address.filter(|one| !one.is_unspecified()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Outside, parse};

    fn port(port: u16, address: Option<[u8; 4]>) -> Who {
        Who::Port { port, address: address.map(IpAddr::from) }
    }

    #[test]
    fn urls_lead_to_ports_of_this_host() {
        for (url, wanted) in [
            ("http://localhost:8080/x", Some(port(8080, None))),
            ("https://127.0.0.1/", Some(port(443, Some([127, 0, 0, 1])))),
            ("http://box/", Some(port(80, None))),
            ("http://shop.example/", None),
            ("postgresql://app:secret@localhost/shop", Some(port(5432, None))),
            ("redis://10.0.0.7:6380/0", Some(port(6380, Some([10, 0, 0, 7])))),
            ("ftp://localhost/", None),
        ] {
            assert_eq!(of_url(url, "box"), wanted, "{url}");
        }
        let six = Who::Port { port: 81, address: "::1".parse().ok() };
        assert_eq!(of_url("http://[::1]:81/", "box"), Some(six));
        assert_eq!(of_address("localhost", "box"), None);
    }

    #[test]
    fn a_component_knows_its_processes_and_all_that_it_needs() {
        let text = r#"
            [[component]]
            name = "shop"
            unit = "shop"
            needs = ["db"]
            [[component.check]]
            kind = "http"
            url = "http://localhost:8080/"
            [[component.check]]
            kind = "process"
            process = "shopd"

            [[component]]
            name = "db"
            needs = ["disk"]
            [[component]]
            name = "disk"
            [[collector]]
            kind = "postgresql"
            name = "shop-db"
            component = "db"
            url = "postgresql://monitor@localhost/shop"
        "#;
        let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
        let config = parse(text, &outside).expect("no mistakes");
        let all = subjects(&config, "box");
        let wanted = [Who::Unit("shop".to_owned()), port(8080, None), Who::Command("shopd".to_owned())];
        assert_eq!(all[0].who, wanted);
        assert_eq!(all[0].needs, ["db", "disk"]);
        assert_eq!((all[0].collectors.len(), all[0].beneath.as_slice()), (0, &["shop-db".to_owned()][..]));
        assert_eq!((all[1].collectors.as_slice(), all[1].beneath.len()), (&["shop-db".to_owned()][..], 0));
        assert!(all[2].who.is_empty() && all[2].needs.is_empty());
    }
}
