//! One module per file of `/proc`.

pub mod kmsg;
pub mod mountinfo;
pub mod pid;
pub mod pressure;
pub mod stat;
