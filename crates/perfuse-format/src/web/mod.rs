//! What a probe of a URL reads and writes: URLs, names, and what the requests took.

pub mod dns;
pub mod probe;
pub mod url;
