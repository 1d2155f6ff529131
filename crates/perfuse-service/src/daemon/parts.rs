//! The components as the daemon sees them, whether they stand in the configuration or were found.

use std::collections::BTreeMap;

use perfuse_analyze::status::{ComponentPlan, Plan};

use super::listeners::{self, Listeners, Shown};
use crate::config::{CheckKind, Config, Outside, parse};

/// What is watched without a configuration, beside the listeners.
const BARE: &str = "[[component]]\nname = \"host\"\ntitle = \"This host\"\ntitle_ko = \"이 호스트\"\n\
    [[component.check]]\nkind = \"host\"\nname = \"use\"\nevery = \"5s\"\nimpact = \"degraded\"\n";

/// The configuration of a daemon that has none: this host is watched, and its listeners.
pub fn bare() -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    // The text is part of the program, and a test reads it.
    parse(BARE, &outside).unwrap_or_else(|errors| unreachable!("{errors:?}"))
}

/// One component.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) plan: ComponentPlan,
    pub(super) title: (String, String),
    pub(super) group: Option<String>,
    pub(super) description: Option<String>,
    pub(super) public: bool,
    /// Name, instance and kind of its checks.
    pub(super) checks: Vec<(String, Option<String>, &'static str)>,
}

/// The components of the configuration, and the listeners where they are watched.
pub(super) fn all(config: &Config, listeners: Option<&Listeners>) -> Vec<Part> {
    let plan = config.plan();
    let mut plans: BTreeMap<String, ComponentPlan> =
        plan.components.into_iter().map(|plan| (plan.name.clone(), plan)).collect();
    let configured = config.components.iter().filter_map(|component| {
        let title = component.title.clone().unwrap_or_else(|| component.name.clone());
        let korean = component.title_ko.clone().unwrap_or_else(|| title.clone());
        let checks = component.checks.iter();
        Some(Part {
            plan: plans.remove(&component.name)?,
            title: (title, korean),
            group: component.group.clone(),
            description: component.description.clone(),
            public: component.public,
            checks: checks.map(|check| (check.name.clone(), check.instance.clone(), kind(&check.kind))).collect(),
        })
    });
    let mut parts: Vec<Part> = configured.collect();
    for Shown { plan, title, group, path } in listeners.map(Listeners::shown).unwrap_or_default() {
        // A component of the configuration wins over what was found.
        if parts.iter().any(|part| part.plan.name == plan.name) {
            continue;
        }
        parts.push(Part {
            plan,
            title: (title.clone(), title),
            group: Some(group.to_owned()),
            // Others cannot reach local sockets: those who look at the public page alone need not know of them.
            public: path.is_none() || config.public_listen.is_none(),
            description: path,
            checks: vec![(listeners::CHECK.to_owned(), None, "listener")],
        });
    }
    parts
}

/// The plan of the state machine.
pub(super) fn plan(config: &Config, parts: &[Part]) -> Plan {
    Plan {
        components: parts.iter().map(|part| part.plan.clone()).collect(),
        maintenance: config.maintenance.clone(),
        day_offset: config.time_offset,
    }
}

/// The word of a kind, as in the configuration.
pub(super) fn kind(kind: &CheckKind) -> &'static str {
    match kind {
        CheckKind::Http(_) => "http",
        CheckKind::Tcp(_) => "tcp",
        CheckKind::Tls(_) => "tls",
        CheckKind::Dns(_) => "dns",
        CheckKind::Icmp(_) => "icmp",
        CheckKind::Command(_) => "command",
        CheckKind::Process(_) => "process",
        CheckKind::Unit(_) => "unit",
        CheckKind::PostgreSql(_) => "postgresql",
        CheckKind::MySql(_) => "mysql",
        CheckKind::Redis(_) => "redis",
        CheckKind::Kafka(_) => "kafka",
        CheckKind::RabbitMq(_) => "rabbitmq",
        CheckKind::Nats(_) => "nats",
        CheckKind::Host(_) => "host",
        CheckKind::Scrape(_) => "scrape",
        CheckKind::Agree(_) => "agree",
        CheckKind::Push(_) => "push",
    }
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::status::{Engine, Memory};

    use super::*;

    #[test]
    fn without_a_configuration_the_host_is_watched() {
        let config = bare();
        let parts = all(&config, Some(&Listeners::default()));
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].checks, [("use".to_owned(), None, "host")]);
        assert_eq!(parts[0].title.1, "이 호스트");
        assert!(Engine::new(plan(&config, &parts), Memory::default()).is_ok());
    }

    #[test]
    fn kinds_have_their_words() {
        let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| Some("x".into()) };
        for (word, lines) in [
            ("http", "url = \"http://h/\""),
            ("push", "token = \"t\""),
            ("nats", "address = \"h:1\""),
            ("process", "process = \"p\""),
        ] {
            let text = format!("[[component]]\nname = \"c\"\n[[component.check]]\nkind = \"{word}\"\n{lines}\n");
            let config = parse(&text, &outside).unwrap_or_else(|errors| panic!("{errors:?}"));
            assert_eq!(kind(&config.components[0].checks[0].kind), word);
        }
    }
}
