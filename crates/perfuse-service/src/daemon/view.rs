//! What the core publishes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::core::{Core, Key, Last};
use super::parts::Part;
use crate::now::{CheckNow, ComponentNow, Now};

/// Days that are shown.
const DAYS: u64 = 90;
/// Milliseconds for which a window that has ended is still shown.
const ENDED: u64 = 7 * 86_400_000;

impl Core {
    /// Publishes what is known at a time.
    pub(super) fn show(&mut self, time: u64) {
        self.dirty = false;
        self.published_at(time);
        let components = self.parts.iter().filter_map(|part| self.component(part, time)).collect();
        let recent =
            |window: &&perfuse_analyze::status::AdHoc| window.end.is_none_or(|end| end.saturating_add(ENDED) > time);
        let now = Now {
            time,
            host: self.host.clone(),
            begun: self.begun,
            components,
            planned: self.config.maintenance.clone(),
            ad_hoc: self.engine.windows().iter().filter(recent).cloned().collect(),
            checklist: self.checklist.clone(),
            open: self.incidents.clone(),
            troubles: self.troubles.values().flatten().cloned().collect(),
        };
        self.publish.send_replace(Arc::new(now));
        self.changed.send_modify(|version| *version += 1);
    }

    fn component(&self, part: &Part, time: u64) -> Option<ComponentNow> {
        let name = &part.plan.name;
        let days = self.engine.days(name).map(|days| days.last(time, DAYS, self.config.time_offset));
        Some(ComponentNow {
            view: self.engine.view(name)?,
            title: part.title.clone(),
            group: part.group.clone(),
            description: part.description.clone(),
            public: part.public,
            checks: self.checks(part),
            days: days.unwrap_or_default(),
            slo: self.engine.slo(name),
        })
    }

    /// The checks of the configuration, and the instances that reported by themselves.
    fn checks(&self, part: &Part) -> Vec<CheckNow> {
        let name = &part.plan.name;
        let tracks = self.engine.tracks(name);
        let mut checks = Vec::with_capacity(part.checks.len());
        for (check, instance, kind) in &part.checks {
            let mut instances: BTreeSet<Option<String>> = BTreeSet::from([instance.clone()]);
            if *kind == "push" {
                let known = tracks.and_then(|tracks| tracks.get(check)).into_iter().flat_map(|all| all.keys().cloned());
                instances.extend(known);
                if instances.len() > 1 {
                    // Who reports by its instances has no report without one.
                    instances
                        .retain(|one| one.is_some() || self.results.contains_key(&(name.clone(), check.clone(), None)));
                }
            }
            for instance in instances {
                let track = tracks.and_then(|tracks| tracks.get(check)?.get(&instance));
                let key: Key = (name.clone(), check.clone(), instance.clone());
                let last: Option<&Last> = self.results.get(&key);
                checks.push(CheckNow {
                    name: check.clone(),
                    kind,
                    instance,
                    level: track.and_then(|track| track.level),
                    outcome: last.map(|last| last.outcome).or(track.and_then(|track| track.outcome)),
                    ready: last.and_then(|last| last.ready).or(track.and_then(|track| track.ready)),
                    at: last.map(|last| last.at).or(track.and_then(|track| track.heard)),
                    took: last.and_then(|last| last.took),
                    message: last.map(|last| last.message.clone()),
                    value: last.and_then(|last| last.value),
                });
            }
        }
        checks
    }
}
