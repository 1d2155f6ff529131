//! The daemon: one task that owns the states, and the threads and tasks around it.
//!
//! ```text
//!   schedule (checks) ──┐                    ┌─> Now (watch) ──> pages, socket
//!   sampler, once a s ──┼──> core (states) ──┼─> events ───────> incidents, alerts
//!   reports, orders  ───┘                    └─> writer (thread) ──> store
//! ```
//!
//! Nothing waits for the store, for a page or for a command: each has a queue or the last state. Events are written in
//! one transaction with the states that they led to, so that a restart finds both or neither; observations are written
//! every second, and observed again if the daemon was killed before their states were written.
//!
//! [`serve`] runs all of it until a signal ends it. Other parts attach through [`Handle`].

mod attach;
mod clock;
pub mod control;
mod core;
mod handle;
mod host;
mod listeners;
mod log;
mod memory;
mod notify;
mod once;
mod orders;
mod pages;
mod parts;
pub mod places;
pub mod report;
mod sample;
mod serve;
#[cfg(test)]
mod tests;
mod view;
mod writer;

pub use attach::AttachError;
pub use handle::Handle;
pub use log::{Log, Priority};
pub use notify::Notify;
pub use once::once;
pub use parts::bare;
pub use serve::{Options, ServeError, serve};
pub use writer::Outcome as PutOutcome;

use perfuse_analyze::Msg;

use crate::store::Trouble;

/// A damaged file of the store, in words.
fn damaged(trouble: &Trouble) -> Msg {
    let (file, why) = (trouble.file.display().to_string(), trouble.why.as_str());
    match &trouble.aside {
        Some(aside) => {
            let message = Msg::new("daemon-damaged-aside").with("file", file).with("problem", why);
            message.with("aside", aside.display().to_string())
        }
        None => Msg::new("daemon-damaged").with("file", file).with("problem", why),
    }
}
