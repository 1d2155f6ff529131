//! A recording: its events are opened, each CPU's records go to one ring, and the rings are emptied into whatever takes
//! the bytes.

pub mod config;
mod fallback;
mod session;

pub use config::{CallGraph, Options, Planned, Side, Terms, configure};
pub use fallback::{Notice, modifiers};
pub use session::{Failure, Id, Recording, Target};
