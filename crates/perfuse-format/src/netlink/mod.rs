//! Netlink messages: what the kernel answers to the collector's requests, kept as raw bytes.
