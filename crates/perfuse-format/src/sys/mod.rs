//! Files of `/sys`, and facts of the host that no file has.

pub mod capability;
pub mod fds;
pub mod host;
pub mod statvfs;
