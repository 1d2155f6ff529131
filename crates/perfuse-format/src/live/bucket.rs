//! Buckets of histograms: powers of two, each cut into equal parts where quantiles are wanted.
//!
//! ```text
//! index 0: below zero | 1: zero | 2 ...: with `parts` bits, 2^parts buckets for each power of two
//! ```

/// Indices that there are with the finest cut that is used (3 bits).
pub const MOST_BUCKETS: u32 = 512;

/// The bucket of a value. `signed` says that the top bit is a sign; `parts` is the number of bits that each power of two is
/// cut by (0 to 5).
pub fn bucket(value: i64, signed: bool, parts: u32) -> u32 {
    if signed && value < 0 {
        return 0;
    }
    let value = value.cast_unsigned();
    if value < 1 << parts {
        // Below 2^5.
        return u32::try_from(value).unwrap_or(0) + 1;
    }
    let log = value.ilog2();
    let inside = u32::try_from(value >> (log - parts) & ((1 << parts) - 1)).unwrap_or(0);
    ((log - parts + 1) << parts | inside) + 1
}

/// The values of a bucket: the lowest, and the highest. The bucket below zero goes from the least number to -1.
pub fn bucket_range(index: u32, parts: u32) -> (i128, i128) {
    let Some(place) = index.checked_sub(1) else { return (i128::from(i64::MIN), -1) };
    if place < 1 << parts {
        return (place.into(), place.into());
    }
    let (shift, inside) = ((place >> parts) - 1, place & ((1 << parts) - 1));
    let shift = shift.min(64);
    let low = i128::from(1_u64 << parts | u64::from(inside)) << shift;
    (low, low + (1_i128 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_have_a_bucket_each() {
        let of = |value| bucket(value, true, 0);
        assert_eq!([-5, -1, 0, 1, 2, 3, 4, 7, 8].map(of), [0, 0, 1, 2, 3, 3, 4, 4, 5]);
        assert_eq!(of(i64::MAX), 64);
        assert_eq!(bucket(-1, false, 0), 65, "as an unsigned number it is the largest");
        assert_eq!(bucket_range(4, 0), (4, 7));
        assert_eq!(bucket_range(1, 0), (0, 0));
        assert_eq!(bucket_range(2, 0), (1, 1));
        assert_eq!(bucket_range(65, 0), (1 << 63, (1 << 64) - 1));
    }

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_touch() {
        for parts in 0..=5 {
            let mut last = 0;
            for bit in 0..64 {
                for near in [-1_i128, 0, 1] {
                    let Ok(value) = u64::try_from((1_i128 << bit) + near) else { continue };
                    let index = bucket(value.cast_signed(), false, parts);
                    let (low, high) = bucket_range(index, parts);
                    assert!((low..=high).contains(&i128::from(value)), "{value} {parts} {index}: {low}..{high}");
                    assert!(parts > 3 || index < MOST_BUCKETS);
                    assert!(index >= last || near < 0);
                    last = index.max(last);
                }
            }
            for index in 1..(64 - parts) << parts {
                assert_eq!(bucket_range(index, parts).1 + 1, bucket_range(index + 1, parts).0);
            }
        }
    }

    #[test]
    fn an_absurd_index_is_no_harm() {
        assert!(bucket_range(u32::MAX, 0).0 > 0);
        assert!(bucket_range(u32::MAX, 5).1 > 0);
    }
}
