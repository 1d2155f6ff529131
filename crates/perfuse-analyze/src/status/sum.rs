//! From the checks of a component to its state.

use std::collections::BTreeMap;

use super::{CheckPlan, ComponentPlan, Impact, Level, State, Track};

/// The tracks of one check by instance; without instances under `None`.
pub(super) type Instances = BTreeMap<Option<String>, Track>;

/// The state that the checks give, without maintenance and dependencies. What is known to be bad counts more than what
/// is not known, and that more than what is well.
pub(super) fn state(plan: &ComponentPlan, tracks: &BTreeMap<String, Instances>) -> State {
    let each = plan.checks.iter().map(|check| match tracks.get(&check.name) {
        Some(instances) => of_check(plan, check, instances),
        None => State::Unknown,
    });
    each.max().unwrap_or(State::Unknown)
}

fn of_check(plan: &ComponentPlan, check: &CheckPlan, instances: &Instances) -> State {
    let levels: Vec<Level> = instances.values().filter_map(|track| track.level).collect();
    let of = |level: Level| levels.iter().filter(|one| **one == level).count();
    let (known, down, slow) = (levels.len(), of(Level::Down), of(Level::Slow));
    if known == 0 {
        return State::Unknown;
    }
    let up = known - down;
    let needed = plan.instances_needed.map_or(known / 2 + 1, |needed| usize::try_from(needed).unwrap_or(usize::MAX));
    let worst = match check.impact {
        Impact::Major => State::MajorOutage,
        Impact::Partial => State::PartialOutage,
        Impact::Degraded => State::Degraded,
    };
    let found = if up == 0 {
        State::MajorOutage
    } else if down > 0 && up < needed {
        State::PartialOutage
    } else if down + slow > 0 {
        State::Degraded
    } else {
        State::Operational
    };
    found.min(worst)
}

/// Whether the component is ready: not if one of its checks says no; `None` if none says anything.
pub(super) fn ready(tracks: &BTreeMap<String, Instances>) -> Option<bool> {
    let said = tracks.values().flat_map(BTreeMap::values).filter_map(|track| track.ready);
    said.reduce(|all, one| all && one)
}
