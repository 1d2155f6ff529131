//! The output of `perf script`.

mod bpf;
mod branches;
pub mod fields;
mod frames;
mod memory;
mod registers;
mod sample;

pub use fields::{FieldError, Fields, Layout, Output};
pub use frames::dso_name;
pub use sample::{Printer, Style, TimeStyle};
