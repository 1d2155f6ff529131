//! `perf.data`: what `perf record` writes and every other command of perf reads.
//!
//! ```text
//! file mode                                         pipe mode
//! ┌──────────────────────────────┐ 0                ┌──────────────────────┐
//! │ "PERFILE2", size = 104       │                  │ "PERFILE2", size = 16│
//! │ sections: attrs, data, types │                  ├──────────────────────┤
//! │ feature bits (256)           │                  │ HEADER_ATTR  records │
//! ├──────────────────────────────┤                  │ HEADER_FEATURE …     │
//! │ ids of each event            │                  │ TRACING_DATA …       │
//! │ attrs: attr, ids section     │                  │ records              │
//! ├──────────────────────────────┤ data.offset      └──────────────────────┘
//! │ records                      │
//! ├──────────────────────────────┤ data.offset + data.size
//! │ a section for each feature   │
//! │ the features                 │
//! └──────────────────────────────┘
//! ```
//!
//! Sources: `tools/perf/Documentation/perf.data-file-format.txt`, `include/uapi/linux/perf_event.h`, `man perf_event_open`.

pub mod attr;
pub mod count;
pub mod record;
pub mod sample;

pub use attr::EventAttr;
pub use count::{CountPlace, CountValue, CpuPosition, EventCounts};
pub use record::{Mmap, RawRecord, Record, SampleId};
pub use sample::{CpuMode, Sample, U64s};
