//! Counting: from the values of counters to the rows of `perf stat`.
//!
//! ```text
//! EventCounts of every event, by CPU and task
//!   └─ aggregate: one value per event and place (all, socket, core, CPU, thread)      -> Sum
//!        └─ Counting: a mean and a deviation over the runs                            -> Spread
//!             └─ metrics: ratios between the means of the rows of one place           -> Row
//! ```
//!
//! A ratio under `-r` is the mean of its numerator over the mean of its denominator, both over all runs.

mod aggregate;
mod event;
mod formula;
mod metrics;
mod spread;
mod table;

pub use aggregate::{Aggregation, Layout, Place};
pub use event::{CacheLevel, CountedEvent, Role};
pub use formula::{Formula, Input, Source};
pub use metrics::{Alarm, Metric, MetricStyle};
pub use spread::Spread;
pub use table::{Counting, Row, RowValue, Table};
