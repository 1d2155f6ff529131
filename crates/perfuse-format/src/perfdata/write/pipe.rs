//! What only a pipe has: its header, features and tracing data as records.

use crate::perfdata::attr::Endian;
use crate::perfdata::features::Feature;
use crate::perfdata::header::{MAGIC, PIPE_HEADER_SIZE};
use crate::perfdata::user::UserRecord;
use crate::perfdata::write::TooLong;
use crate::perfdata::write::put::Put;

/// The first bytes of a pipe.
pub fn pipe_header(endian: Endian) -> Vec<u8> {
    let mut out = Vec::new();
    let mut put = Put::new(&mut out, endian);
    put.u64(u64::from_le_bytes(*MAGIC));
    put.u64(PIPE_HEADER_SIZE);
    out
}

/// Appends a feature as a record. One that is too long for a record cannot go through a pipe.
pub fn pipe_feature(feature: Feature, bytes: &[u8], endian: Endian, out: &mut Vec<u8>) -> Result<(), TooLong> {
    UserRecord::HeaderFeature { number: u64::from(feature.number()), bytes }.encode(endian, out)
}

/// Appends tracing data: the record that announces them, and they themselves up to a multiple of eight bytes.
pub fn pipe_tracing_data(bytes: &[u8], endian: Endian, out: &mut Vec<u8>) -> Result<(), TooLong> {
    let length = bytes.len().next_multiple_of(8);
    let too_long = TooLong { kind: crate::perfdata::record::kind::HEADER_TRACING_DATA, length };
    let size = u32::try_from(length).map_err(|_| too_long)?;
    UserRecord::TracingData { size }.encode(endian, out)?;
    out.extend_from_slice(bytes);
    out.resize(out.len() + length - bytes.len(), 0);
    Ok(())
}
