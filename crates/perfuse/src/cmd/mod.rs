//! One module a command: collect, analyze, render.

pub(crate) mod cheatsheet;
pub(crate) mod check;
pub(crate) mod daemon;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod flamegraph;
pub(crate) mod generate;
pub(crate) mod incident;
pub(crate) mod maintenance;
pub(crate) mod profiles;
pub(crate) mod sample;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod usehost;
pub(crate) mod watch;
pub(crate) mod why;
