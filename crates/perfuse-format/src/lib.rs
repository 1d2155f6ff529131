//! Bytes in, values out: every format that perfuse reads or writes, and no I/O at all.
//!
//! A [`RawSnapshot`] holds the untouched bytes of everything that was read from one host at one moment.
//! The parsers in this crate turn those bytes into values; each may fail, and then says where. Because the
//! raw bytes are what is recorded, a report made live and one made from a recording go through the
//! same code.
#![forbid(unsafe_code)]
// What clippy.toml keeps out of the crate is fine in its tests: they look for files, and may use the clock.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]

pub mod all;
pub mod bpf;
pub mod btf;
pub mod cgroup;
pub mod counter;
pub mod event;
pub mod hsperf;
pub mod jitdump;
pub mod jitelf;
pub mod kafka;
pub mod live;
pub mod mysql;
pub mod netlink;
pub mod openmetrics;
pub mod parse;
pub mod perfdata;
pub mod perfmap;
pub mod probe;
pub mod probecache;
pub mod proc;
pub mod raw;
pub mod reading;
pub mod replay;
pub mod sql;
pub mod sys;
pub mod tasks;
pub mod tracefs;
pub mod vendor;
pub mod web;
pub mod x509;

pub use counter::{Delta, delta};
pub use parse::{FromBytes, ParseError};
pub use raw::{Raw, RawSnapshot};
pub use reading::{Missing, Reading, Why};
