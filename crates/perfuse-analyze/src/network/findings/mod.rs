//! The findings: who waits for the network or loses packets, whose doing it is, and what to do.

mod limits;
mod links;
mod listeners;
mod queues;
mod transport;

use super::Net;
use crate::cell::{Advice, Entity, EntityKind, Finding, Link, Severity};
use crate::checklist::Output;
use crate::message::Msg;
use crate::{Kind, Resource};

/// Resource, kind and cell of a finding about waiting.
const SATURATION: (Resource, Kind, &str) = (Resource::Network, Kind::Saturation, "network.saturation");
/// Resource, kind and cell of a finding about errors.
const ERRORS: (Resource, Kind, &str) = (Resource::Network, Kind::Errors, "network.errors");

/// What retransmissions concern, so that a local queue that drops can explain them.
const PATH_KEY: &str = "network:path";

pub(super) fn evaluate(net: &Net, out: &mut Output) {
    queues::evaluate(net, out);
    listeners::evaluate(net, out);
    transport::evaluate(net, out);
    links::evaluate(net, out);
    limits::evaluate(net, out);
}

/// A name alone, as an end of a link.
fn named(name: impl Into<String>) -> Msg {
    Msg::new("network-named").with("name", name.into())
}

/// The name of an entity, with the pid where it has one.
fn name_of(entity: &Entity) -> String {
    match (entity.kind, entity.pid, &entity.path) {
        (EntityKind::Process, Some(pid), _) => format!("{} ({pid})", entity.name),
        (EntityKind::Listener, Some(pid), Some(owner)) => format!("{} ({owner} {pid})", entity.name),
        _ => entity.name.clone(),
    }
}

fn link(from: Msg, to: Msg, evidence: Msg) -> Link {
    Link { from, to, evidence }
}

/// Advice with the texts `<base>-advice-<name>` and `<base>-expect-<name>`; both get the same arguments.
fn advice(id: &str, name: &str, command: Option<String>, arguments: &Msg) -> Advice {
    let base = format!("finding-{}", id.replace('.', "-"));
    let message = |part: &str| Msg { id: format!("{base}-{part}-{name}"), args: arguments.args.clone() };
    Advice { text: message("advice"), command, expect: message("expect") }
}

/// A text of a finding: `finding-<id>-<part>`.
fn text(id: &str, part: &str) -> Msg {
    Msg::new(format!("finding-{}-{part}", id.replace('.', "-")))
}

/// `bottleneck` where the wait is a finding, else `watch`.
fn severity(net: &Net, wait: f64) -> Severity {
    if net.is_finding(wait) { Severity::Bottleneck } else { Severity::Watch }
}

/// Clients or servers that are not processes of this host.
fn remote(name: impl Into<String>) -> Entity {
    Entity::new(EntityKind::Dependency, name)
}

/// An interface.
fn interface(name: &str) -> Entity {
    Entity::new(EntityKind::Interface, name)
}

/// A finding about a process of this host that does not take what it is sent; nobody where it is not known, or is not
/// of this host.
fn with_slow(mut finding: Finding, pid: Option<u32>) -> Finding {
    let key = || pid.map(|pid| format!("pid:{pid}")).into_iter();
    finding.also.extend(key());
    finding.slow = Some(key().collect());
    finding
}

/// The key of the way out by an interface, so that a queue there explains losses of connections that go that way and
/// of no others. `None`: by an interface that is not known.
fn way_by(device: Option<&str>) -> String {
    format!("{PATH_KEY}:{}", device.unwrap_or("?"))
}
