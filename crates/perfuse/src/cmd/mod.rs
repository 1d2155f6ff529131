//! One module a command: collect, analyze, render.

pub(crate) mod generate;
pub(crate) mod usehost;
pub(crate) mod watch;
