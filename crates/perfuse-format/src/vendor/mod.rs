//! Event tables of CPU makers: names, codes and metrics of one CPU model, as JSON.
//!
//! Two public layouts are read, told apart by their content:
//!
//! - Intel's perfmon files (<https://github.com/intel/perfmon>), which pmu-tools keeps in `~/.cache/pmu-events`: an object
//!   with `Header` and `Events`;
//! - the files below `tools/perf/pmu-events/arch` of a kernel source tree, for every architecture: an array of events and
//!   metrics, one directory a model, and a [`MapFile`] that says which directory is whose.
//!
//! The fields are those that the kernel's own converter uses (`tools/perf/pmu-events/README`, `jevents.py` of Linux 6.1).

mod encode;
mod expr;
mod mapfile;
mod table;

#[cfg(test)]
mod tests;

pub use expr::{Expr, ExprError};
pub use mapfile::{MapEntry, MapFile, file_fits};
pub use table::{Skipped, Table, TableError, VendorEvent, VendorMetric};
