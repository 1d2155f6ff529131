//! Writing of `perf.data`: bytes from values, into a `Vec<u8>`. Where they go is the caller's business.
//!
//! ```text
//! FileLayout::new(events)
//!   head(0, …)          at 0                 header, ids, attrs; the size of the data is not known yet
//!   records             at data_offset()     what the rings hold, and what RecordEncoder makes
//!   tail(size, …)       behind the records   where each feature stands, and the features
//!   head(size, …)       at 0 again
//! ```
//!
//! If the program ends before the last two steps, [`PerfData`] still finds the records: a size of 0 means that they go
//! on to the end of the file. Real perf warns of the size and reads none of them, so that the head should be written
//! anew from time to time.
//!
//! [`PerfData`]: crate::perfdata::PerfData

mod attr;
mod compress;
mod feature;
mod layout;
mod pipe;
mod put;
mod record;
mod sample;
mod user;

pub use compress::Compressor;
pub use feature::{build_id_record, feature};
pub use layout::FileLayout;
pub use pipe::{pipe_feature, pipe_header, pipe_tracing_data};
pub use record::{RecordEncoder, TooLong};
pub use sample::encode_sample;
