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
mod compressed;
mod copy;
pub mod count;
pub(crate) mod cursor;
mod data;
mod decode;
mod decode_record;
mod directory;
mod error;
mod event;
mod feature;
pub mod features;
mod file;
mod header;
mod layout;
mod name;
mod pipe;
pub mod record;
pub mod sample;
mod sorted;
pub mod stream;
mod tracing;
mod trailer;
pub mod user;
mod walk;
pub mod write;
mod zstd;

#[cfg(test)]
mod tests;

pub use attr::{Endian, EventAttr};
pub use count::{CountPlace, CountValue, CpuPosition, EventCounts};
pub use data::{Compression, PerfData};
pub use decode_record::misc;
pub use directory::Joined;
pub use error::{DecodeError, PerfDataError};
pub use event::Event;
pub use features::{Feature, Features};
pub use header::{FILE_HEADER_SIZE, FileHeader, MAGIC, Mode, PIPE_HEADER_SIZE, Section};
pub use layout::ATTR_SIZE_VER0;
pub use record::{Mmap, RawRecord, Record, SampleId};
pub use sample::{CpuMode, Sample, U64s};
pub use sorted::Sorted;
pub use tracing::{EventFormats, TracingData};
pub use user::UserRecord;
pub use walk::Records;
