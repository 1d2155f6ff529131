//! A recording: its events are opened, each CPU's records go to one ring, and the rings are emptied into whatever takes
//! the bytes.

pub mod build_id;
pub mod clock;
pub mod config;
mod fallback;
pub mod host;
pub mod output;
pub mod placement;
mod session;
pub mod tally;
pub mod tracing;

pub use config::{CallGraph, Options, Planned, Side, Terms, configure};
pub use fallback::{Notice, modifiers};
pub use output::{Output, WriteError};
pub use placement::Affinity;
pub use session::{Failure, Id, Recording, Target};
pub use tally::Tally;
