//! One module per file of `/proc`.

pub mod diskstats;
pub mod file_nr;
pub mod interrupts;
pub mod kallsyms;
pub mod kmsg;
pub mod limits;
pub mod loadavg;
pub mod locks;
pub mod maps;
pub mod mdstat;
pub mod meminfo;
pub mod mountinfo;
pub mod net;
pub mod oncpu;
pub mod pid;
pub mod pressure;
pub mod stacks;
pub mod stat;
pub mod status;
pub mod swaps;
pub mod wchan;
