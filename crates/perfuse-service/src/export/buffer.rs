//! Points on their way: one of each series for each interval, in bounded memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::store::SeriesKey;

/// Series that are known at the same time; more are left out.
const SERIES: usize = 20_000;
/// Points that wait; above, the oldest are lost. Each takes 24 bytes.
const WAITING: usize = 200_000;
/// Points of one request.
pub(super) const REQUEST: usize = 10_000;

/// One point of a series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Point {
    /// The series.
    pub(super) series: Arc<SeriesKey>,
    /// Seconds of Unix time.
    pub(super) at: i64,
    /// Its value.
    pub(super) value: f64,
}

/// Points of one receiver.
#[derive(Debug)]
pub(super) struct Buffer {
    every: i64,
    /// The last value of each series in the interval that runs.
    latest: BTreeMap<Arc<SeriesKey>, Option<(i64, f64)>>,
    /// The number of that interval.
    interval: Option<i64>,
    waiting: VecDeque<Point>,
    lost: u64,
}

impl Buffer {
    /// A buffer for a point in so many seconds; at least one.
    pub(super) fn new(every: u64) -> Self {
        let every = i64::try_from(every).unwrap_or(i64::MAX).max(1);
        Self { every, latest: BTreeMap::new(), interval: None, waiting: VecDeque::new(), lost: 0 }
    }

    /// Takes another interval; what waits stays.
    pub(super) fn set_every(&mut self, every: u64) {
        let every = i64::try_from(every).unwrap_or(i64::MAX).max(1);
        if every != self.every {
            (self.every, self.interval) = (every, None);
        }
    }

    /// Takes the values of one second. Whether there is something to send now.
    pub(super) fn push<'a>(&mut self, at: i64, values: impl Iterator<Item = (&'a SeriesKey, f64)>) -> bool {
        let interval = at.div_euclid(self.every);
        // Also when the clock was set back.
        if self.interval.is_some_and(|running| running != interval) {
            self.close();
        }
        self.interval = Some(interval);
        for (key, value) in values.filter(|(_, value)| value.is_finite()) {
            if let Some(latest) = self.latest.get_mut(key) {
                *latest = Some((at, value));
            } else if self.latest.len() < SERIES {
                self.latest.insert(Arc::new(key.clone()), Some((at, value)));
            } else {
                self.lost += 1;
            }
        }
        // The last second of the interval: nothing more will come.
        if at.rem_euclid(self.every) == self.every - 1 {
            self.close();
        }
        !self.waiting.is_empty()
    }

    /// Ends the interval that runs. Series that had no value in it are forgotten.
    fn close(&mut self) {
        self.latest.retain(|_, latest| latest.is_some());
        for (series, latest) in &mut self.latest {
            if let Some((at, value)) = latest.take() {
                self.waiting.push_back(Point { series: Arc::clone(series), at, value });
            }
        }
        let over = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..over);
        self.lost = self.lost.saturating_add(over as u64);
    }

    /// The oldest points, at most [`REQUEST`] of them.
    pub(super) fn take(&mut self) -> Vec<Point> {
        let count = self.waiting.len().min(REQUEST);
        self.waiting.drain(..count).collect()
    }

    /// Puts points back that could not be sent.
    pub(super) fn put_back(&mut self, points: Vec<Point>) {
        for point in points.into_iter().rev() {
            self.waiting.push_front(point);
        }
        let over = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..over);
        self.lost = self.lost.saturating_add(over as u64);
    }

    /// Points that were lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }
}

/// Points by their series, each of them in the order of time.
pub(super) fn by_series(points: &[Point]) -> Vec<(&SeriesKey, Vec<(i64, f64)>)> {
    let mut series: BTreeMap<&SeriesKey, Vec<(i64, f64)>> = BTreeMap::new();
    for point in points {
        series.entry(&point.series).or_default().push((point.at, point.value));
    }
    for points in series.values_mut() {
        points.sort_by_key(|(at, _)| *at);
        points.dedup_by_key(|(at, _)| *at);
    }
    series.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> SeriesKey {
        SeriesKey::new("n", [("number", number.to_string().as_str())])
    }

    #[test]
    fn the_last_value_of_each_interval_is_sent() {
        let (a, b) = (key(1), key(2));
        let mut buffer = Buffer::new(5);
        for at in 100..104 {
            assert!(!buffer.push(at, [(&a, f64::from(i32::try_from(at).unwrap()))].into_iter()));
        }
        assert!(buffer.push(104, [(&a, 104.0), (&b, f64::NAN)].into_iter()));
        let points = buffer.take();
        assert_eq!(points, [Point { series: Arc::new(a.clone()), at: 104, value: 104.0 }]);
        // The last second of an interval is missing: it ends with the next one.
        buffer.push(105, [(&b, 1.0)].into_iter());
        assert!(buffer.push(110, std::iter::empty()));
        assert_eq!(buffer.take()[0].at, 105);
        assert_eq!(buffer.take(), []);
    }

    #[test]
    fn a_point_each_second_can_be_had() {
        let mut buffer = Buffer::new(1);
        let a = key(1);
        for at in 0..3 {
            assert!(buffer.push(at, [(&a, 0.5)].into_iter()));
        }
        let points = buffer.take();
        assert_eq!(by_series(&points), [(&a, vec![(0, 0.5), (1, 0.5), (2, 0.5)])]);
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_is_lost() {
        let keys: Vec<SeriesKey> = (0..1000).map(key).collect();
        let mut buffer = Buffer::new(1);
        for at in 0..250 {
            buffer.push(at, keys.iter().map(|key| (key, 1.0)));
        }
        assert_eq!((buffer.waiting.len(), buffer.lost()), (WAITING, 50_000));
        let points = buffer.take();
        assert_eq!((points.len(), points[0].at), (REQUEST, 50));
        buffer.push(250, keys.iter().map(|key| (key, 1.0)));
        buffer.put_back(points);
        assert_eq!((buffer.waiting.len(), buffer.lost()), (WAITING, 51_000));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_it() {
        let mut buffer = Buffer::new(10);
        let a = key(1);
        buffer.push(1000, [(&a, 1.0)].into_iter());
        assert!(buffer.push(500, [(&a, 2.0)].into_iter()));
        assert!(buffer.push(509, [(&a, 3.0)].into_iter()));
        let points = buffer.take();
        assert_eq!(by_series(&points), [(&a, vec![(509, 3.0), (1000, 1.0)])]);
    }
}
