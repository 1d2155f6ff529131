//! Longer steps: what is left of the seconds of a minute, and of ten. Pure.

use super::chunk::{self, ChunkError};

/// What one longer step holds of its seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// The sum of all values; the mean is this divided by `count`.
    pub sum: f64,
    /// How many values there were; 0 where all were absent, and then the others are NaN.
    pub count: f64,
}

impl Summary {
    /// A step without values.
    pub const NONE: Self = Self { min: f64::NAN, max: f64::NAN, sum: f64::NAN, count: 0.0 };

    /// The mean; NaN without values.
    pub fn mean(&self) -> f64 {
        self.sum / self.count
    }

    /// One of several values.
    pub fn of(values: &[f64]) -> Self {
        values
            .iter()
            .filter(|value| !value.is_nan())
            .fold(Self::NONE, |all, &value| all.and(&Self { min: value, max: value, sum: value, count: 1.0 }))
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        if self.count == 0.0 {
            return *other;
        }
        if other.count == 0.0 {
            return *self;
        }
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
            count: self.count + other.count,
        }
    }
}

/// The bytes of a row of summaries: four chunks, each behind its length.
pub(super) fn encode(rows: &[Summary]) -> Result<Vec<u8>, ChunkError> {
    let mut bytes = Vec::new();
    let parts: [fn(&Summary) -> f64; 4] = [|row| row.min, |row| row.max, |row| row.sum, |row| row.count];
    for part in parts {
        let part = chunk::encode(&rows.iter().map(part).collect::<Vec<_>>())?;
        bytes.extend_from_slice(&u32::try_from(part.len()).map_err(|_| ChunkError::Unwritable)?.to_le_bytes());
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// The summaries of a row.
///
/// # Errors
/// Bytes that `encode` does not make.
pub fn decode(mut bytes: &[u8]) -> Result<Vec<Summary>, ChunkError> {
    let mut parts = Vec::with_capacity(4);
    for _ in 0..4 {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(ChunkError::Length)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| ChunkError::Length)?;
        let (part, rest) = rest.split_at_checked(length).ok_or(ChunkError::Length)?;
        parts.push(chunk::decode(part)?);
        bytes = rest;
    }
    let [min, max, sum, count] = parts.as_slice() else { return Err(ChunkError::Length) };
    if !bytes.is_empty() || [max, sum, count].iter().any(|part| part.len() != min.len()) {
        return Err(ChunkError::Length);
    }
    let rows = min.iter().zip(max).zip(sum).zip(count);
    Ok(rows.map(|(((&min, &max), &sum), &count)| Summary { min, max, sum, count }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_seconds_count_for_nothing() {
        let summary = Summary::of(&[3.0, f64::NAN, 1.0]);
        assert_eq!(summary, Summary { min: 1.0, max: 3.0, sum: 4.0, count: 2.0 });
        assert!((summary.mean() - 2.0).abs() < 1e-12);
        assert!(Summary::of(&[f64::NAN]).mean().is_nan());
    }

    #[test]
    fn rows_come_back_and_damage_is_found() {
        let rows: Vec<Summary> = (0..36).map(|i| Summary::of(&[f64::from(i), f64::from(i * i)])).collect();
        let bytes = encode(&rows).expect("encodes");
        assert_eq!(decode(&bytes), Ok(rows));
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at]).is_err());
        }
    }
}
