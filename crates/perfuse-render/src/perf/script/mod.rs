//! The output of `perf script`.

mod bpf;
mod branches;
mod bts;
mod code;
mod dump;
pub mod fields;
mod frames;
pub(in crate::perf) mod memory;
mod record;
mod registers;
mod sample;
mod trace;

pub use dump::Dump;
pub use fields::{FieldError, Fields, Layout, Output};
pub use frames::dso_name;
pub use record::name as record_name;
pub use sample::{Printer, Style, TimeStyle};
pub use trace::Traces;
