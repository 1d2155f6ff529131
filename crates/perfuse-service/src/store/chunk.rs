//! The bytes of one series over one stretch of time: pure, so that a fuzzer can try every input.
//!
//! ```text
//! u8 kind | varint slots | varint runs | runs x (varint gap, varint length) | payload | u32 CRC of all before, little-endian
//! ```
//!
//! A slot is one step of the clock (a second, a minute). Runs tell which slots have a value. The payload is nothing (no value at
//! all), eight bytes (one value, again and again), or a pco stream of whole numbers or of floats: most series of a
//! host count something, and whole numbers compress better as such.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

/// The most slots that a chunk may have; more is damage.
pub const MAX_SLOTS: usize = 4096;

/// Whole numbers up to here are exact as `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const WHOLE: u8 = 2;
const FLOAT: u8 = 3;

/// Why bytes are not a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The bytes end within a field, or there are bytes left over.
    #[error("a chunk of another length than its fields need")]
    Length,
    /// The checksum differs.
    #[error("a chunk with a wrong checksum")]
    Checksum,
    /// A field has a value that no writer makes.
    #[error("a chunk with an impossible {0}")]
    Field(&'static str),
    /// More slots than [`MAX_SLOTS`], or no memory to compress in.
    #[error("a chunk that cannot be written")]
    Unwritable,
}

/// The bytes of these slots; NaN is a slot without a value.
///
/// # Errors
/// More than [`MAX_SLOTS`] slots.
pub fn encode(slots: &[f64]) -> Result<Vec<u8>, ChunkError> {
    if slots.len() > MAX_SLOTS {
        return Err(ChunkError::Unwritable);
    }
    let values: Vec<f64> = slots.iter().copied().filter(|value| !value.is_nan()).collect();
    let mut bytes = Vec::with_capacity(16 + values.len());
    let first = values.first().copied();
    let constant = first.is_some_and(|first| values.iter().all(|value| value.to_bits() == first.to_bits()));
    let whole = values.iter().all(|&value| value.fract() == 0.0 && value.abs() < EXACT && !negative_zero(value));
    bytes.push(match first {
        None => EMPTY,
        Some(_) if constant => CONSTANT,
        Some(_) if whole => WHOLE,
        Some(_) => FLOAT,
    });
    varint(&mut bytes, slots.len());
    let runs = runs(slots);
    varint(&mut bytes, runs.len());
    for (gap, length) in runs {
        varint(&mut bytes, gap);
        varint(&mut bytes, length);
    }
    let config = ChunkConfig::default();
    let packed = |result: pco::errors::PcoResult<Vec<u8>>| result.map_err(|_| ChunkError::Unwritable);
    match first {
        None => {}
        Some(first) if constant => bytes.extend_from_slice(&first.to_le_bytes()),
        Some(_) if whole => {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53, as was just looked at")]
            let numbers: Vec<i64> = values.iter().map(|&value| value as i64).collect();
            bytes.extend_from_slice(&packed(simple_compress(&numbers, &config))?);
        }
        Some(_) => bytes.extend_from_slice(&packed(simple_compress(&values, &config))?),
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// The slots of a chunk; NaN is a slot without a value.
///
/// # Errors
/// Bytes that [`encode`] does not make.
pub fn decode(bytes: &[u8]) -> Result<Vec<f64>, ChunkError> {
    let (body, sum) = bytes.split_last_chunk::<4>().ok_or(ChunkError::Length)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(ChunkError::Checksum);
    }
    decode_body(body)
}

/// [`decode`] behind the checksum, which a fuzzer would hardly ever get past.
///
/// # Errors
/// As [`decode`], without the checksum.
pub fn decode_body(body: &[u8]) -> Result<Vec<f64>, ChunkError> {
    let (&kind, mut rest) = body.split_first().ok_or(ChunkError::Length)?;
    let count = unvarint(&mut rest)?;
    if count > MAX_SLOTS {
        return Err(ChunkError::Field("number of slots"));
    }
    let runs = unvarint(&mut rest)?;
    if runs > count {
        return Err(ChunkError::Field("number of runs"));
    }
    let mut present = Vec::with_capacity(count);
    let mut at = 0_usize;
    for _ in 0..runs {
        let (gap, length) = (unvarint(&mut rest)?, unvarint(&mut rest)?);
        let start = at.checked_add(gap).ok_or(ChunkError::Field("gap"))?;
        at = start.checked_add(length).filter(|&end| end <= count).ok_or(ChunkError::Field("run"))?;
        present.extend(start..at);
    }
    let mut slots = vec![f64::NAN; count];
    match kind {
        EMPTY if present.is_empty() && rest.is_empty() => {}
        CONSTANT => {
            let value = f64::from_le_bytes(rest.try_into().map_err(|_| ChunkError::Length)?);
            for slot in present {
                slots[slot] = value;
            }
        }
        WHOLE => {
            let mut values = vec![0_i64; present.len()];
            let progress = simple_decompress_into(rest, &mut values).map_err(|_| ChunkError::Field("stream"))?;
            if progress.n_processed != values.len() {
                return Err(ChunkError::Length);
            }
            for (slot, value) in present.into_iter().zip(values) {
                slots[slot] = value as f64;
            }
        }
        FLOAT => {
            let mut values = vec![0_f64; present.len()];
            let progress = simple_decompress_into(rest, &mut values).map_err(|_| ChunkError::Field("stream"))?;
            if progress.n_processed != values.len() {
                return Err(ChunkError::Length);
            }
            for (slot, value) in present.into_iter().zip(values) {
                slots[slot] = value;
            }
        }
        _ => return Err(ChunkError::Field("kind")),
    }
    Ok(slots)
}

fn negative_zero(value: f64) -> bool {
    value == 0.0 && value.is_sign_negative()
}

/// Where values are: the empty slots before each run, and its length.
fn runs(slots: &[f64]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut gap = 0;
    let mut inside = false;
    for value in slots {
        match (value.is_nan(), inside) {
            (true, _) => {
                gap = if inside { 1 } else { gap + 1 };
                inside = false;
            }
            (false, false) => {
                runs.push((gap, 1));
                inside = true;
            }
            (false, true) => {
                if let Some((_, length)) = runs.last_mut() {
                    *length += 1;
                }
            }
        }
        if inside {
            gap = 0;
        }
    }
    runs
}

fn varint(bytes: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// At most three bytes: nothing that is counted here is larger.
fn unvarint(rest: &mut &[u8]) -> Result<usize, ChunkError> {
    let mut value = 0_usize;
    for shift in [0, 7, 14] {
        let (&byte, behind) = rest.split_first().ok_or(ChunkError::Length)?;
        *rest = behind;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ChunkError::Field("varint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(slots: &[f64]) {
        let bytes = encode(slots).expect("encodes");
        let back = decode(&bytes).expect("decodes");
        let bits = |slots: &[f64]| slots.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let quiet: Vec<f64> = slots.iter().map(|&value| if value.is_nan() { f64::NAN } else { value }).collect();
        assert_eq!(bits(&back), bits(&quiet));
    }

    #[test]
    fn every_kind_comes_back_to_the_bit() {
        same(&[]);
        same(&[f64::NAN; 5]);
        same(&[7.5; 1800]);
        same(&[-0.0, 0.0, -0.0]);
        same(&[f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 1e300]);
        same(&(0..1800).map(f64::from).collect::<Vec<_>>());
        same(&(0..1800).map(|i| f64::from(i * i % 97) / 100.0).collect::<Vec<_>>());
        same(&[f64::NAN, 1.0, f64::NAN, f64::NAN, 2.0, 3.0, f64::NAN]);
        same(&[EXACT, EXACT * 2.0, 1.0]);
    }

    #[test]
    fn one_value_again_and_again_takes_no_room() {
        assert!(encode(&[42.0; 1800]).expect("encodes").len() < 24);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found() {
        let bytes = encode(&(0..100).map(|i| f64::from(i) * 1.5).collect::<Vec<_>>()).expect("encodes");
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert_eq!(decode(&bad), Err(ChunkError::Checksum), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_body_that_claims_too_much_is_refused() {
        let body = |bytes: &[u8]| decode_body(bytes).unwrap_err();
        assert_eq!(body(&[CONSTANT, 0xff, 0xff, 0x7f, 1]), ChunkError::Field("number of slots"));
        assert_eq!(body(&[CONSTANT, 4, 5]), ChunkError::Field("number of runs"));
        assert_eq!(body(&[CONSTANT, 4, 1, 3, 2]), ChunkError::Field("run"));
        assert_eq!(body(&[EMPTY, 4, 1, 0, 1]), ChunkError::Field("kind"));
        assert_eq!(body(&[9, 0, 0]), ChunkError::Field("kind"));
    }

    #[test]
    fn too_many_slots_are_not_written() {
        assert_eq!(encode(&vec![1.0; MAX_SLOTS + 1]), Err(ChunkError::Unwritable));
    }

    #[test]
    fn no_damage_behind_the_checksum_is_a_panic() {
        let whole = encode(&(0..300).map(|i| f64::from(i * 7 % 50)).collect::<Vec<_>>()).expect("encodes");
        let float = encode(&(0..300).map(|i| f64::from(i % 13).sqrt()).collect::<Vec<_>>()).expect("encodes");
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % below
        };
        let mut refused = 0;
        for round in 0..5_000 {
            let mut body = if round % 2 == 0 { whole.clone() } else { float.clone() };
            body.truncate(body.len() - 4);
            for _ in 0..=random(3) {
                let place = random(body.len());
                body[place] = u8::try_from(random(256)).expect("a byte");
            }
            if random(4) == 0 {
                body.truncate(random(body.len()));
            }
            refused += usize::from(decode_body(&body).is_err());
        }
        assert!(refused > 500, "{refused} of 5000");
    }
}
