//! The files below `/proc/net`, of the reader's network namespace.

pub mod counters;
pub mod dev;
pub mod reasons;
pub mod softnet;
pub mod udp;

pub use counters::{Mib, Numbers, SockStat, StatCache};
pub use dev::{LinkCounters, NetDev};
pub use reasons::DropReasons;
pub use softnet::{SoftnetCpu, SoftnetStat};
pub use udp::{UdpSocket, UdpSockets};
