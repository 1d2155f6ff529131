//! Flame graphs: the stacks of a [`Profile`] merged into one tree, and which of its frames are drawn where.
//!
//! ```text
//!   sample   main > work > hash   3        all 5
//!   sample   main > read          2   ->   └─ main 5
//!                                             ├─ read 2
//!                                             └─ work 3
//!                                                └─ hash 3
//! ```
//!
//! Frames are the same if name, module, kind and inlining are: addresses and lines do not count, so that a function is
//! one bar however many places in it were sampled.

mod layout;
mod merge;

use std::borrow::Cow;

use crate::profile::{Frame, FrameKind, Profile, ProfileEvent, WeightUnit};

pub use layout::{Bar, Layout, Limits};

/// What stands below the outermost frame of every stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Base {
    /// Nothing: stacks of all threads are merged.
    Nothing,
    /// The name of the thread.
    #[default]
    Comm,
    /// The name of the thread and its process: `name-7`.
    Process,
    /// The name of the thread, its process and itself: `name-7/8`, as `stackcollapse-perf.pl --tid` writes it.
    Thread,
}

/// How stacks are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What every stack stands on.
    pub base: Base,
    /// Merge from the innermost frame outwards: who calls the hot functions.
    pub reverse: bool,
    /// Show functions that the compiler put into others.
    pub inlined: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { base: Base::default(), reverse: false, inlined: true }
    }
}

/// What a bar is labelled with, and all that makes it another one than its siblings. Ordered by name first: siblings
/// are drawn in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The function; the module in brackets where no function is known; the name of a thread.
    pub name: String,
    /// File that holds the code; empty for a thread.
    pub module: String,
    /// Kind of code; `None` for a thread.
    pub kind: Option<FrameKind>,
    /// Whether the compiler put it into its caller.
    pub inlined: bool,
}

impl Label {
    /// The label of a frame.
    fn of(profile: &Profile, frame: &Frame) -> Self {
        let module = profile.text(frame.module);
        Self {
            name: frame_name(profile, frame).into_owned(),
            module: module.to_owned(),
            kind: Some(frame.kind),
            inlined: frame.inlined,
        }
    }
}

/// The function of a frame of which none is known.
pub const UNKNOWN: &str = "[unknown]";

/// What a frame is called. A function that nobody knows is named after its module, as flame graphs of perf do.
pub fn frame_name<'a>(profile: &'a Profile, frame: &Frame) -> Cow<'a, str> {
    match profile.text(frame.function) {
        UNKNOWN => Cow::Owned(unknown(profile.text(frame.module))),
        known => Cow::Borrowed(known),
    }
}

/// `[libc.so.6]` for `/lib/libc.so.6`; what has brackets keeps them.
fn unknown(module: &str) -> String {
    let file = module.rsplit('/').next().unwrap_or_default();
    match file {
        "" => UNKNOWN.to_owned(),
        file if file.starts_with('[') => file.to_owned(),
        file => format!("[{file}]"),
    }
}

/// A frame in its place of the merged tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlameNode {
    /// Index of the node below; the root is its own.
    pub parent: u32,
    /// Index into [`FlameGraph::labels`]; of no meaning for the root.
    pub label: u32,
    /// Weight of all stacks that pass here.
    pub total: u64,
    /// Weight of the stacks that end here.
    pub own: u64,
    /// As `total`, of the profile that this one is compared with.
    pub before: u64,
}

/// The merged tree. Node 0 is the root, which stands for everything; a parent stands before its children.
#[derive(Debug, Clone, PartialEq)]
pub struct FlameGraph {
    /// Labels, in no particular order.
    pub labels: Vec<Label>,
    /// Nodes.
    pub nodes: Vec<FlameNode>,
    /// The event whose weights these are.
    pub event: ProfileEvent,
    /// How many samples went into it.
    pub samples: u64,
    /// How many of them had no stack at all.
    pub stackless: u64,
    /// Nanoseconds from the first sample to the last; 0 where the profile has no times.
    pub span: u64,
    /// What `before` is multiplied with before it is compared; `None` if there is nothing to compare with.
    pub scale: Option<f64>,
}

/// How a frame changed against the profile before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Its share of everything before, 0 to 1; of what is now everything if not normalized.
    pub before: f64,
    /// Its share now.
    pub now: f64,
    /// The change relative to the larger of both: -1 it is gone, 0 as before, 1 it is new.
    pub heat: f64,
}

impl FlameGraph {
    /// Merges the samples of an event, by its index in the profile.
    pub fn build(profile: &Profile, event: u32, options: Options) -> Self {
        merge::build(profile, event, None, options)
    }

    /// As [`FlameGraph::build`], and beside each weight that of an earlier profile. `normalize` compares shares, as if
    /// both had run for equally long.
    pub fn compare(profile: &Profile, event: u32, before: (&Profile, u32), options: Options, normalize: bool) -> Self {
        let mut graph = merge::build(profile, event, Some(before), options);
        let (now, then) = (graph.total(), graph.nodes.first().map_or(0, |root| root.before));
        graph.scale = Some(if normalize && then > 0 { now as f64 / then as f64 } else { 1.0 });
        graph
    }

    /// The weight of everything.
    pub fn total(&self) -> u64 {
        self.nodes.first().map_or(0, |root| root.total)
    }

    /// The label of a node; `None` for the root.
    pub fn label(&self, node: u32) -> Option<&Label> {
        let found = self.nodes.get(node as usize).filter(|_| node > 0)?;
        self.labels.get(found.label as usize)
    }

    /// The change of a node, if there is something to compare with.
    pub fn change(&self, node: u32) -> Option<Change> {
        let scale = self.scale?;
        let node = self.nodes.get(node as usize)?;
        let (now, before) = (node.total as f64, node.before as f64 * scale);
        let everything = (self.total() as f64).max(1.0);
        let larger = now.max(before);
        let heat = if larger > 0.0 { (now - before) / larger } else { 0.0 };
        Some(Change { before: before / everything, now: now / everything, heat })
    }

    /// The share of the earlier profile whose frames do not occur any more, 0 to 1.
    pub fn vanished(&self) -> f64 {
        let gone = |node: &&FlameNode| {
            let parent = self.nodes.get(node.parent as usize);
            node.total == 0 && parent.is_some_and(|parent| parent.total > 0)
        };
        let weight: u64 = self.nodes.iter().filter(gone).map(|node| node.before).fold(0, u64::saturating_add);
        let everything = self.nodes.first().map_or(0, |root| root.before);
        if everything == 0 { 0.0 } else { weight as f64 / everything as f64 }
    }

    /// Every stack with its own weight, outermost frame first.
    pub fn stacks(&self) -> impl Iterator<Item = (Vec<&Label>, u64)> {
        let ends = self.nodes.iter().enumerate().filter(|(_, node)| node.own > 0);
        ends.map(|(index, node)| {
            let mut labels = Vec::new();
            let mut at = u32::try_from(index).unwrap_or(0);
            while let Some(label) = self.label(at) {
                labels.push(label);
                at = self.nodes.get(at as usize).map_or(0, |node| node.parent);
            }
            labels.reverse();
            (labels, node.own)
        })
    }
}

/// What of a profile is looked at; empty lists keep everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of threads.
    pub comms: Vec<String>,
    /// Processes.
    pub pids: Vec<i32>,
    /// Threads.
    pub tids: Vec<i32>,
}

impl Selection {
    /// Removes all samples that are not selected.
    pub fn apply(&self, profile: &mut Profile) {
        fn wanted<T: PartialEq>(list: &[T], one: &T) -> bool {
            list.is_empty() || list.contains(one)
        }
        let keeps: Vec<bool> = profile
            .threads()
            .iter()
            .map(|thread| {
                wanted(&self.comms, &thread.comm) && wanted(&self.pids, &thread.pid) && wanted(&self.tids, &thread.tid)
            })
            .collect();
        profile.samples.retain(|sample| keeps.get(sample.thread as usize).copied().unwrap_or(false));
    }
}

/// Weights become numbers of samples: every sample counts as one.
pub fn count_samples(profile: &mut Profile) {
    for sample in &mut profile.samples {
        sample.weight = 1;
    }
    for event in &mut profile.events {
        event.unit = WeightUnit::Count;
    }
}

#[cfg(test)]
mod tests;
