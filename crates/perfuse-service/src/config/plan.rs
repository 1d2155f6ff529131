//! The part of the configuration that the states depend on.

use perfuse_analyze::Msg;
use perfuse_analyze::status::{CheckPlan, ComponentPlan, Plan, PlanError};

use super::part::{Part, nearest};
use super::{Check, Component, Config};

impl Config {
    /// Whether a collector, a variable or a probe has this name.
    pub fn asks(&self, name: &str) -> bool {
        self.collectors.iter().any(|one| one.name == name)
            || self.variables.iter().any(|one| one.name == name)
            || self.probes.iter().any(|one| one.name == name)
    }

    /// What the state machine needs to know.
    pub fn plan(&self) -> Plan {
        Plan {
            components: self.components.iter().map(component).collect(),
            maintenance: self.maintenance.clone(),
            day_offset: self.time_offset,
        }
    }
}

fn component(component: &Component) -> ComponentPlan {
    let mut checks: Vec<CheckPlan> = Vec::new();
    // Checks of one name are the instances of one; the first says how many failures it takes.
    for check in &component.checks {
        if !checks.iter().any(|known| known.name == check.name) {
            checks.push(of_check(check));
        }
    }
    ComponentPlan {
        name: component.name.clone(),
        needs: component.needs.clone(),
        checks,
        instances_needed: component.instances_needed,
        slo: component.slo.clone(),
    }
}

fn of_check(check: &Check) -> CheckPlan {
    CheckPlan {
        name: check.name.clone(),
        failures: check.failures,
        successes: check.successes,
        stale_ms: u64::try_from(check.stale.as_millis()).unwrap_or(u64::MAX),
        impact: check.impact,
    }
}

/// Finds needs that are no components, and circles of them.
pub(super) fn check_needs(components: &[Component], parts: &[Part<'_>]) {
    let mut fine = true;
    for (component, part) in components.iter().zip(parts) {
        for needed in &component.needs {
            fine &= known(components, needed, *part, "needs");
        }
    }
    if !fine {
        return;
    }
    let plan = Plan { components: components.iter().map(component).collect(), ..Plan::default() };
    if let Err(PlanError::Circle(circle)) = plan.order() {
        let first = components.iter().position(|component| circle.first() == Some(&component.name));
        if let Some(part) = first.and_then(|place| parts.get(place)) {
            part.source.error(part.span_of("needs"), Msg::new("config-circle").with("circle", circle.join(" → ")));
        }
    }
}

/// Whether a component of that name is there; a mistake at the key if not.
pub(super) fn known(components: &[Component], name: &str, part: Part<'_>, key: &str) -> bool {
    let found = components.iter().any(|component| component.name == name);
    if !found {
        let names = nearest(name, components.iter().map(|component| component.name.as_str()));
        let message = Msg::new("config-no-component").with("name", name).with("names", names.join(", "));
        part.source.error(part.span_of(key), message);
    }
    found
}
