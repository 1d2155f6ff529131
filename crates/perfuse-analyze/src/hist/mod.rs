//! Histograms with call trees: what `perf report` shows.
//!
//! ```text
//!   samples -> Collector (distinct stacks) -> Histograms (entries in order) -> CallTree of an entry
//! ```
//!
//! Everything follows perf 6.1 (`util/hist.c`, `util/sort.c`, `util/callchain.c`): which samples make one entry, how
//! entries and chains of equal weight are ordered, and what a threshold leaves out.

pub mod chain;
pub mod collect;
pub mod diff;
pub mod entries;
pub mod feed;
pub mod fields;
pub mod frame;
mod groups;
pub mod hierarchy;
pub mod intern;
pub mod keys;
mod rbtree;

pub use chain::{CallNode, CallTree, ChainIndex, ChainKey, ChainOptions, ChainValue, Style};
pub use collect::{Collector, Context};
pub use diff::{Comparison, Compute, Difference};
pub use entries::{Entry, Histograms, Settings, Stat, Table, Totals};
pub use feed::{Feed, FeedOptions};
pub use fields::{TraceEvent, TraceField};
pub use frame::{Frame, FrameId, Frames, NO_TEXT};
pub use keys::{Column, ColumnOptions, Columns, Key, KeyError, Mode, Weight};
