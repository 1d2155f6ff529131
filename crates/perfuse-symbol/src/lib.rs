//! Addresses to functions.
//!
//! [`Symbolizer`] takes the addresses of call chains and gives [`Symbolized`]: a function with its module, or the reason
//! why there is none. It reads `/proc/kallsyms`, `/proc/PID/maps` and ELF files through the trait [`Files`], so that
//! tests and other hosts can stand in for the running one.
#![forbid(unsafe_code)]

mod image;
mod symbolizer;

pub use image::{Image, ImageError};
pub use symbolizer::{Files, HostFiles, Symbolized, Symbolizer, Unknown};
