//! Events that were counted together: one table with a column for each.

use std::collections::BTreeMap;
use std::ops::Range;

use super::collect::Context;
use super::entries::Histograms;
use super::intern::next_id;
use super::keys::Weight;

/// No entry: the event has no sample there.
pub(super) const NO_ENTRY: u32 = u32::MAX;

/// Lines of groups: by the entry that stands for a line, the entry of each event of the group.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupLines {
    pub(super) lines: BTreeMap<u32, Vec<u32>>,
}

impl Histograms {
    /// The events of the group that an event leads; itself alone if it leads none.
    pub fn group(&self, event: usize) -> Range<usize> {
        let found = self.settings.groups.iter().find(|group| group.start == event);
        found.cloned().unwrap_or(event..event + 1)
    }

    /// Whether an event is shown in the table of another.
    pub fn is_member(&self, event: usize) -> bool {
        self.settings.groups.iter().any(|group| group.contains(&event) && group.start != event)
    }

    /// Puts the entries of a group's events side by side. `same` tells entries of one line by a number.
    pub(super) fn join_groups(&mut self, same: &[u32]) {
        for group in self.settings.groups.clone() {
            let mut lines: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for id in 0..next_id(self.entries.len()) {
                let event = self.context(id).event as usize;
                if group.contains(&event) {
                    let line = lines.entry(same[id as usize]).or_insert_with(|| vec![NO_ENTRY; group.len()]);
                    line[event - group.start] = id;
                }
            }
            for line in lines.into_values() {
                // The first event that has samples there stands for the line.
                if let Some(&face) = line.iter().find(|&&id| id != NO_ENTRY) {
                    self.lines.lines.insert(face, line);
                }
            }
        }
    }

    /// The entry of one event of a line; `member` counts from the leader.
    pub(super) fn member(&self, id: u32, member: usize) -> Option<u32> {
        match self.lines.lines.get(&id) {
            Some(line) => line.get(member).copied().filter(|&id| id != NO_ENTRY),
            None => (member == 0).then_some(id),
        }
    }

    /// The event whose table a line is in.
    pub fn event_of(&self, id: u32) -> usize {
        let event = self.context(id).event as usize;
        let group = self.settings.groups.iter().find(|group| group.contains(&event));
        group.map_or(event, |group| group.start)
    }

    /// The context of an entry's first sample.
    pub fn context(&self, id: u32) -> Context<'_> {
        self.collector.context(self.entries[id as usize].context)
    }

    /// A line's value of a weight for one event of its group.
    pub fn member_weight(&self, id: u32, member: usize, weight: Weight) -> u64 {
        self.member(id, member).map_or(0, |id| self.entry_weight(id, weight))
    }

    /// Whether the leader of a line's group has samples there: call chains are the leader's.
    pub fn leads(&self, id: u32) -> bool {
        self.member(id, 0) == Some(id)
    }
}
