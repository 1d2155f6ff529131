//! What hits add up to, kept apart by keys.

use std::collections::BTreeMap;

use perfuse_format::live::{Cell, KeyPart, Row, bucket_range};

/// The numbers of one key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Total {
    /// Of all values.
    pub cell: Cell,
    /// Hits of each bucket.
    pub buckets: BTreeMap<u32, u64>,
}

/// By what keys are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Most hits first.
    Count,
    /// Largest sum first.
    Sum,
}

/// The numbers of all keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    keys: BTreeMap<Vec<KeyPart>, Total>,
    signed: bool,
    parts: Option<u32>,
}

impl Totals {
    /// None yet; `signed` says whether values have a sign, `parts` how fine buckets are, where there are any.
    pub fn new(signed: bool, parts: Option<u32>) -> Self {
        Self { keys: BTreeMap::new(), signed, parts }
    }

    /// With all rows.
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = Row>, signed: bool, parts: Option<u32>) -> Self {
        let mut totals = Self::new(signed, parts);
        for row in rows {
            totals.add(row);
        }
        totals
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        let total = self.keys.entry(row.key).or_default();
        total.cell.add(&row.cell, self.signed);
        if self.parts.is_some() {
            let bucket = total.buckets.entry(row.bucket).or_default();
            *bucket = bucket.saturating_add(row.cell.count);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Hits of all keys.
    pub fn hits(&self) -> u64 {
        self.keys.values().fold(0, |sum, total| sum.saturating_add(total.cell.count))
    }

    /// Whether values have a sign.
    pub fn is_signed(&self) -> bool {
        self.signed
    }

    /// How fine buckets are.
    pub fn parts(&self) -> Option<u32> {
        self.parts
    }

    /// All keys in their order, those that are equal in the order of the keys.
    pub fn ordered(&self, order: Order) -> Vec<(&[KeyPart], &Total)> {
        let mut all: Vec<_> = self.keys.iter().map(|(key, total)| (key.as_slice(), total)).collect();
        match order {
            Order::Count => all.sort_by_key(|(_, total)| std::cmp::Reverse(total.cell.count)),
            Order::Sum => all.sort_by(|(_, a), (_, b)| self.sum(b).total_cmp(&self.sum(a))),
        }
        all
    }

    /// The sum of a key; an unsigned one beyond 2^63 is not below zero.
    pub fn sum(&self, total: &Total) -> f64 {
        self.value(total.cell.sum)
    }

    /// The mean of a key; `None` without hits.
    pub fn mean(&self, total: &Total) -> Option<f64> {
        (total.cell.count > 0).then(|| self.sum(total) / total.cell.count as f64)
    }

    /// A value as a number.
    pub fn value(&self, value: i64) -> f64 {
        if self.signed { value as f64 } else { value.cast_unsigned() as f64 }
    }

    /// The value below which a share of the hits of a key lies (0 to 1), between the edges of its bucket in proportion;
    /// `None` without buckets.
    pub fn quantile(&self, total: &Total, share: f64) -> Option<f64> {
        let parts = self.parts?;
        let all: u64 = total.buckets.values().sum();
        let (least, largest) = (self.value(total.cell.min), self.value(total.cell.max));
        let mut before = 0_u64;
        for (index, count) in &total.buckets {
            let after = before.saturating_add(*count);
            if after as f64 >= share * all as f64 && *count > 0 {
                let (low, high) = bucket_range(*index, parts);
                let inside = ((share * all as f64 - before as f64) / *count as f64).clamp(0.0, 1.0);
                let value = low as f64 + (high - low) as f64 * inside;
                return Some(value.clamp(least, largest));
            }
            before = after;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::live::bucket;

    fn row(key: &str, value: i64) -> Row {
        Row { key: vec![KeyPart::Text(key.to_owned())], bucket: bucket(value, true, 3), cell: Cell::of(value) }
    }

    #[test]
    fn keys_are_kept_apart_and_ordered() {
        let rows = [("a", 1), ("b", 100), ("a", 2), ("c", 3)].map(|(key, value)| row(key, value));
        let totals = Totals::of(rows, true, Some(3));
        let names = |order| {
            let all = totals.ordered(order);
            all.into_iter().map(|(key, total)| format!("{}:{}", key[0], total.cell.count)).collect::<Vec<_>>()
        };
        assert_eq!(names(Order::Count), ["a:2", "b:1", "c:1"]);
        assert_eq!(names(Order::Sum), ["b:1", "a:2", "c:1"]);
        assert_eq!((totals.hits(), totals.len()), (4, 3));
    }

    #[test]
    fn quantiles_lie_near_those_of_the_values() {
        let values: Vec<i64> = (1..=1000).map(|value| value * 7).collect();
        let totals = Totals::of(values.iter().map(|value| row("", *value)), true, Some(3));
        let (_, total) = totals.ordered(Order::Count)[0];
        for (share, exact) in [(0.5, 3500.0), (0.95, 6650.0), (0.99, 6930.0), (1.0, 7000.0), (0.0, 7.0)] {
            let found = totals.quantile(total, share).unwrap();
            assert!((found - exact).abs() <= exact * 0.07, "{share}: {found} {exact}");
        }
        assert_eq!(totals.mean(total), Some(3503.5));
        assert!(Totals::of([row("", 1)], true, None).quantile(total, 0.5).is_none());
    }

    #[test]
    fn large_numbers_without_a_sign_are_not_below_zero() {
        let row = Row { key: Vec::new(), bucket: 0, cell: Cell::of(-1) };
        let totals = Totals::of([row.clone()], false, None);
        assert!(totals.sum(totals.ordered(Order::Sum)[0].1) > 1e19);
        let totals = Totals::of([row], true, None);
        assert!(totals.sum(totals.ordered(Order::Sum)[0].1) < 0.0);
    }
}
