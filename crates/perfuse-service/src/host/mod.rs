//! This host, sampled: one run with its in-kernel programs, and the names of the stacks that they tell of.
//!
//! The commands `use` and `why` run one [`Session`] for some seconds; the daemon runs one all the time, whose stacks are
//! named elsewhere ([`Unnamed`]), since that takes longer than a sample may.

mod session;
mod stacks;

pub use session::{Plan, Session};
pub use stacks::Unnamed;
