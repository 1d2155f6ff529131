//! The first arrow of every chain: from the victim to whom or what is named, with what of its time that explains.

use super::Victim;
use super::cause::Cause;
use crate::Quantity;
use crate::cell::{Entity, Link};
use crate::message::Msg;

/// An entity in a sentence.
pub(super) fn named(entity: &Entity) -> Msg {
    match entity.pid {
        Some(pid) => Msg::new("why-entity").with("name", &entity.name).with("pid", pid.to_string()),
        None => Msg::new("why-thing").with("name", &entity.name),
    }
}

/// Lets a cause that the checklist found speak of this victim. The checklist itself asks whom a resource holds up, and
/// names those who wait most; here one of them is the question.
pub(super) fn ground(cause: &mut Cause, victim: &Victim) {
    let Some(entity) = &victim.entity else { return };
    let finding = &mut cause.finding;
    if !finding.victims.iter().any(|known| known.key() == entity.key()) {
        finding.victims.insert(0, entity.clone());
    }
    let evidence = Msg::new("why-link")
        .with("seconds", Quantity::wait(cause.explained))
        .with("share", Quantity::ratio(cause.share));
    finding.chain.insert(0, Link { from: named(entity), to: named(&finding.culprit), evidence });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{Finding, Severity};
    use crate::{Kind, Resource};

    #[test]
    fn the_chain_begins_with_the_victim_and_leads_to_the_culprit() {
        let spec = (Resource::Memory, Kind::Errors, "memory.errors");
        let finding = Finding::new("x", Severity::Error, spec, Entity::cgroup("/shop"));
        let mut cause = Cause { finding, explained: 0.25, share: 0.5 };
        ground(&mut cause, &Victim::default());
        assert!(cause.finding.chain.is_empty() && cause.finding.victims.is_empty(), "the host is no victim");
        let victim = Victim { pids: [7].into(), entity: Some(Entity::process(7, "till")) };
        ground(&mut cause, &victim);
        assert_eq!(cause.finding.victims.first(), victim.entity.as_ref());
        let link = cause.finding.chain.first().expect("an arrow");
        assert_eq!((&*link.from.id, &*link.to.id, &*link.evidence.id), ("why-entity", "why-thing", "why-link"));
        cause.finding.chain.clear();
        ground(&mut cause, &victim);
        assert_eq!(cause.finding.victims.len(), 1, "named already");
    }
}
