//! One module per file of `/proc`.

pub mod diskstats;
pub mod file_nr;
pub mod kmsg;
pub mod limits;
pub mod mdstat;
pub mod meminfo;
pub mod kallsyms;
pub mod maps;
pub mod mountinfo;
pub mod pid;
pub mod pressure;
pub mod stat;
pub mod swaps;
pub mod wchan;
