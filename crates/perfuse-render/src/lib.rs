//! Results in, pictures out: text, HTML, a terminal program, exporters' formats, in every language that is spoken here.
//!
//! Nothing here collects, decides or looks at a clock. [`report::Report`] is the one document model: a checklist with
//! every message already said in a language; the other modules lay it out.
#![forbid(unsafe_code)]
// What clippy.toml keeps out of the crate is fine in its tests: they look for files, and may use the clock.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]

pub mod cheatsheet;
pub mod export;
#[cfg(test)]
pub(crate) mod fixture;
pub mod flame;
#[cfg(test)]
pub(crate) mod golden;
pub mod handbook;
pub mod html;
pub mod i18n;
pub(crate) mod keys;
pub mod layout;
pub mod live;
pub mod perf;
pub mod report;
pub mod sixty;
pub mod status;
pub mod text;
pub mod tui;
pub mod why;

pub use i18n::{Lang, Texts};
pub use report::{Report, ReportContext};
pub use text::TextOptions;
