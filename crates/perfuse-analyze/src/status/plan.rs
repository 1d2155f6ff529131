//! What is watched: the part of the configuration that the states depend on.

use std::collections::BTreeMap;

use super::Planned;

/// All components, in the order of the configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The components; names are unique.
    pub components: Vec<ComponentPlan>,
    /// Windows of the calendar.
    pub maintenance: Vec<Planned>,
    /// Minutes by which the days of the uptime bars are ahead of UTC.
    pub day_offset: i32,
}

/// One component.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComponentPlan {
    /// Name, unique in the plan.
    pub name: String,
    /// Components that it cannot do without.
    pub needs: Vec<String>,
    /// Its checks; names are unique in the component.
    pub checks: Vec<CheckPlan>,
    /// With at least this many instances up it is degraded, with fewer it is a partial outage; by default more than
    /// half of those that are known.
    pub instances_needed: Option<u32>,
    /// The objective, if it has one.
    pub slo: Option<SloPlan>,
}

/// One check, as far as the state is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPlan {
    /// Name, unique in the component.
    pub name: String,
    /// Failures in a row that it takes to leave a state; at least 1.
    pub failures: u32,
    /// Successes in a row that it takes to return; at least 1.
    pub successes: u32,
    /// Milliseconds after which the latest observation is no longer believed.
    pub stale_ms: u64,
    /// What it means for the component when the check fails.
    pub impact: Impact,
}

impl CheckPlan {
    /// A check with three failures to leave and two successes to return, believed for three minutes.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), failures: 3, successes: 2, stale_ms: 180_000, impact: Impact::Major }
    }
}

/// What a failing check means for its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// The component is degraded.
    Degraded,
    /// Part of it is out.
    Partial,
    /// It is out.
    Major,
}

/// A service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct SloPlan {
    /// The part of the observations that has to be good, above 0 and below 1.
    pub objective: f64,
    /// Days over which the error budget is counted, 1 to 31.
    pub days: u32,
    /// Observations in the longer window below which a burn rate says nothing.
    pub min_events: u64,
    /// Whether an answer that is too slow is a bad one.
    pub slow_is_bad: bool,
}

/// Why a plan cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two components, or two checks of a component, have one name.
    #[error("{0:?} is there twice")]
    Twice(String),
    /// A component needs one that is not there.
    #[error("{component:?} needs {needed:?}, which is no component")]
    NoSuch {
        /// The component.
        component: String,
        /// What it needs.
        needed: String,
    },
    /// Components need each other in a circle.
    #[error("a circle of dependencies: {}", .0.join(" -> "))]
    Circle(Vec<String>),
    /// A number is outside of what has a meaning.
    #[error("{component:?}: {what} is out of range")]
    Range {
        /// The component.
        component: String,
        /// Which number.
        what: &'static str,
    },
}

impl Plan {
    /// Finds what makes the plan unusable.
    pub fn check(&self) -> Result<(), PlanError> {
        let mut places = BTreeMap::new();
        for (place, component) in self.components.iter().enumerate() {
            if places.insert(component.name.as_str(), place).is_some() {
                return Err(PlanError::Twice(component.name.clone()));
            }
            component.check()?;
        }
        for component in &self.components {
            if let Some(needed) = component.needs.iter().find(|needed| !places.contains_key(needed.as_str())) {
                return Err(PlanError::NoSuch { component: component.name.clone(), needed: needed.clone() });
            }
        }
        self.order().map(drop)
    }

    /// Indices of the components, each after all that it needs; among equals the order of the plan.
    pub fn order(&self) -> Result<Vec<usize>, PlanError> {
        let places: BTreeMap<&str, usize> =
            self.components.iter().enumerate().map(|(place, component)| (component.name.as_str(), place)).collect();
        let needs = |place: usize| -> Vec<usize> {
            let needed = self.components[place].needs.iter();
            needed.filter_map(|name| places.get(name.as_str()).copied()).collect()
        };
        let mut order = Vec::new();
        let mut seen = vec![false; self.components.len()];
        for first in 0..self.components.len() {
            // A walk without recursion: the depth comes from a file. Each step keeps what it has still to look at.
            let mut path = vec![(first, needs(first))];
            if seen[first] {
                continue;
            }
            while let Some((place, open)) = path.last_mut() {
                let place = *place;
                let Some(next) = (if open.is_empty() { None } else { Some(open.remove(0)) }) else {
                    seen[place] = true;
                    order.push(place);
                    path.pop();
                    continue;
                };
                if let Some(begin) = path.iter().position(|(on, _)| *on == next) {
                    let circle = path[begin..].iter().map(|(on, _)| *on).chain([next]);
                    return Err(PlanError::Circle(circle.map(|on| self.components[on].name.clone()).collect()));
                }
                if !seen[next] {
                    path.push((next, needs(next)));
                }
            }
        }
        Ok(order)
    }
}

impl ComponentPlan {
    fn check(&self) -> Result<(), PlanError> {
        let range = |what| PlanError::Range { component: self.name.clone(), what };
        for (place, check) in self.checks.iter().enumerate() {
            if self.checks[..place].iter().any(|other| other.name == check.name) {
                return Err(PlanError::Twice(format!("{}/{}", self.name, check.name)));
            }
            if check.failures == 0 {
                return Err(range("failures"));
            }
            if check.successes == 0 {
                return Err(range("successes"));
            }
        }
        match &self.slo {
            Some(slo) if !(slo.objective > 0.0 && slo.objective < 1.0) => Err(range("objective")),
            Some(slo) if !(1..=31).contains(&slo.days) => Err(range("days")),
            _ => Ok(()),
        }
    }
}
