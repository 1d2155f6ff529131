//! A profile with its names: what flame graphs, folded stacks and the formats of other viewers are made of.
//!
//! Stacks share their callers. A node is one frame in its place:
//!
//! ```text
//!   main            node 0: main, parent none
//!   ├─ read         node 1: read, parent 0
//!   └─ work         node 2: work, parent 0
//!      └─ hash      node 3: hash, parent 2
//! ```
//!
//! A sample points to the node of its innermost frame.

use std::collections::BTreeMap;

/// Index of a text in [`Profile::texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(pub u32);

/// Index of a frame in [`Profile::frames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u32);

/// Index of a node in [`Profile::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// What kind of code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameKind {
    /// A program or library.
    User,
    /// The kernel or a module of it.
    Kernel,
    /// Just-in-time compiled.
    Jit,
    /// Nobody knows the function.
    Unknown,
}

/// One function as it appears in stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame {
    /// Function; `[unknown]` if none is known.
    pub function: TextId,
    /// File that holds the code.
    pub module: TextId,
    /// Source file and line, where asked for and known.
    pub source: Option<(TextId, u32)>,
    /// Its kind.
    pub kind: FrameKind,
    /// Whether the compiler put it into its caller.
    pub inlined: bool,
    /// Address in the module; 0 where frames are told apart by function only.
    pub address: u64,
}

/// A frame in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The caller; `None` for the outermost.
    pub parent: Option<NodeId>,
    /// Which function.
    pub frame: FrameId,
}

/// What weights of an event mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightUnit {
    /// Nanoseconds: clocks, off-CPU time.
    Nanoseconds,
    /// Occurrences of the event.
    Count,
}

/// An event of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileEvent {
    /// As written on the command line: `cpu-clock`, `sched:sched_switch`.
    pub name: String,
    /// Of its weights.
    pub unit: WeightUnit,
}

/// A thread of the profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileThread {
    /// Process.
    pub pid: i32,
    /// Thread.
    pub tid: i32,
    /// Name.
    pub comm: String,
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileSample {
    /// Index of its event.
    pub event: u32,
    /// Index of its thread.
    pub thread: u32,
    /// Innermost frame; `None` without a stack.
    pub node: Option<NodeId>,
    /// Nanoseconds, of the recording's clock.
    pub time: u64,
    /// CPU; `None` where it was not recorded.
    pub cpu: Option<u32>,
    /// In the unit of the event.
    pub weight: u64,
}

/// Stacks with weights. Built with the `add_` functions, which keep everything unique.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    texts: Vec<String>,
    text_ids: BTreeMap<String, TextId>,
    frames: Vec<Frame>,
    frame_ids: BTreeMap<Frame, FrameId>,
    nodes: Vec<Node>,
    node_ids: BTreeMap<(Option<NodeId>, FrameId), NodeId>,
    threads: Vec<ProfileThread>,
    thread_ids: BTreeMap<ProfileThread, u32>,
    /// Events.
    pub events: Vec<ProfileEvent>,
    /// Samples, by time.
    pub samples: Vec<ProfileSample>,
}

fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Profile {
    /// The id of a text.
    pub fn add_text(&mut self, text: &str) -> TextId {
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        let id = TextId(next(self.texts.len()));
        self.texts.push(text.to_owned());
        self.text_ids.insert(text.to_owned(), id);
        id
    }

    /// The id of a frame.
    pub fn add_frame(&mut self, frame: Frame) -> FrameId {
        let id = *self.frame_ids.entry(frame).or_insert(FrameId(next(self.frames.len())));
        if id.0 as usize == self.frames.len() {
            self.frames.push(frame);
        }
        id
    }

    /// The node of a frame below its caller.
    pub fn add_node(&mut self, parent: Option<NodeId>, frame: FrameId) -> NodeId {
        let id = *self.node_ids.entry((parent, frame)).or_insert(NodeId(next(self.nodes.len())));
        if id.0 as usize == self.nodes.len() {
            self.nodes.push(Node { parent, frame });
        }
        id
    }

    /// The index of a thread.
    pub fn add_thread(&mut self, thread: &ProfileThread) -> u32 {
        if let Some(index) = self.thread_ids.get(thread) {
            return *index;
        }
        let index = next(self.threads.len());
        self.threads.push(thread.clone());
        self.thread_ids.insert(thread.clone(), index);
        index
    }

    /// A text; empty for an id of another profile.
    pub fn text(&self, id: TextId) -> &str {
        self.texts.get(id.0 as usize).map_or("", String::as_str)
    }

    /// All texts, by id.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// All frames, by id.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// All nodes, by id; a parent stands before its children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All threads, by index.
    pub fn threads(&self) -> &[ProfileThread] {
        &self.threads
    }

    /// The frames of a stack, innermost first.
    pub fn stack(&self, node: Option<NodeId>) -> impl Iterator<Item = &Frame> {
        let mut node = node;
        std::iter::from_fn(move || {
            let found = self.nodes.get(node?.0 as usize)?;
            node = found.parent;
            self.frames.get(found.frame.0 as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_share_their_callers() {
        let mut profile = Profile::default();
        let module = profile.add_text("app");
        let mut frame = |name: &str| {
            let function = profile.add_text(name);
            let kind = FrameKind::User;
            profile.add_frame(Frame { function, module, source: None, kind, inlined: false, address: 0 })
        };
        let (main, read, work) = (frame("main"), frame("read"), frame("work"));
        let root = profile.add_node(None, main);
        let leaf = profile.add_node(Some(root), read);
        profile.add_node(Some(root), work);
        assert_eq!(profile.add_node(Some(root), read), leaf);
        assert_eq!(profile.add_node(None, main), root);
        assert_eq!(profile.nodes().len(), 3);
        let names: Vec<&str> = profile.stack(Some(leaf)).map(|frame| profile.text(frame.function)).collect();
        assert_eq!(names, ["read", "main"]);
        assert_eq!(profile.stack(None).count(), 0);
    }
}
