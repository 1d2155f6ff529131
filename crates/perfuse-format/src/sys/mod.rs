//! Files of `/sys`, and facts of the host that no file has.

pub mod block;
pub mod capability;
pub mod cpulist;
pub mod ends;
pub mod fds;
pub mod host;
pub mod net;
pub mod pci;
pub mod pmu;
pub mod statvfs;
