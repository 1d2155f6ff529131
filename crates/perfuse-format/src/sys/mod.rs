//! Files of `/sys`, and facts of the host that no file has.

pub mod host;
