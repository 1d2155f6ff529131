//! The bytes of one tick: all series at one second, as they lie in the hot tail. Pure.
//!
//! `u8 kind | payload | u32 CRC`. Kind 0 has a float for each series from number 0 on; kind 1 has pairs of a u32 number and a
//! float, for ticks in which few of many series have a value. All little-endian.

use super::chunk::ChunkError;

const DENSE: u8 = 0;
const SPARSE: u8 = 1;

/// The bytes of these values, each with the number of its series.
pub(super) fn encode(values: &[(u32, f64)]) -> Vec<u8> {
    let slots = values.iter().map(|(series, _)| *series as usize + 1).max().unwrap_or(0);
    let mut bytes = Vec::new();
    if slots * 8 <= values.len() * 12 {
        let mut dense = vec![f64::NAN; slots];
        for (series, value) in values {
            dense[*series as usize] = *value;
        }
        bytes.push(DENSE);
        bytes.extend(dense.iter().flat_map(|value| value.to_le_bytes()));
    } else {
        bytes.push(SPARSE);
        for (series, value) in values {
            bytes.extend_from_slice(&series.to_le_bytes());
            bytes.extend_from_slice(&value.to_le_bytes());
        }
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// The values of the series in `wanted`, in the order of the row; those that are NaN are left out.
///
/// # Errors
/// Bytes that [`encode`] does not make.
pub(super) fn decode(
    bytes: &[u8],
    wanted: std::ops::Range<u32>,
    mut each: impl FnMut(u32, f64),
) -> Result<(), ChunkError> {
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or(ChunkError::Length)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(ChunkError::Checksum);
    }
    let (&kind, payload) = body.split_first().ok_or(ChunkError::Length)?;
    match kind {
        DENSE => {
            let (values, []) = payload.as_chunks::<8>() else { return Err(ChunkError::Length) };
            for series in wanted {
                let Some(value) = values.get(series as usize) else { break };
                let value = f64::from_le_bytes(*value);
                if !value.is_nan() {
                    each(series, value);
                }
            }
        }
        SPARSE => {
            let (pairs, []) = payload.as_chunks::<12>() else { return Err(ChunkError::Length) };
            for [a, b, c, d, value @ ..] in pairs {
                let (series, value) = (u32::from_le_bytes([*a, *b, *c, *d]), f64::from_le_bytes(*value));
                if wanted.contains(&series) && !value.is_nan() {
                    each(series, value);
                }
            }
        }
        _ => return Err(ChunkError::Field("kind")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u32, f64)>, ChunkError> {
        let mut values = Vec::new();
        decode(bytes, 0..u32::MAX, |series, value| values.push((series, value))).map(|()| values)
    }

    #[test]
    fn full_and_sparse_ticks_come_back() {
        for values in [vec![], vec![(0, 1.5), (1, -2.0), (2, 0.0)], vec![(3, 1.0), (90_000, 2.0)]] {
            assert_eq!(all(&encode(&values)), Ok(values));
        }
    }

    #[test]
    fn damage_is_found() {
        let bytes = encode(&[(0, 1.0), (1, 2.0)]);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert!(all(&bad).is_err());
            assert!(all(&bytes[..at]).is_err());
        }
    }
}
