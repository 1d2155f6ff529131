//! What is counted up, as rates per second.

use std::collections::BTreeMap;
use std::time::Instant;

/// The counters of one application as they were at the last look.
#[derive(Debug, Default)]
pub(super) struct Rates {
    last: BTreeMap<String, (Instant, f64)>,
    next: BTreeMap<String, (Instant, f64)>,
}

impl Rates {
    /// The rate of a counter since the last look; `None` at the first look, and when it began anew.
    pub(super) fn of(&mut self, name: impl Into<String>, value: f64) -> Option<f64> {
        self.at(Instant::now(), name.into(), value)
    }

    fn at(&mut self, now: Instant, name: String, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let rate = self.last.get(&name).and_then(|(then, before)| {
            let seconds = now.duration_since(*then).as_secs_f64();
            (seconds > 0.0 && value >= *before).then(|| (value - before) / seconds)
        });
        self.next.insert(name, (now, value));
        rate
    }

    /// The look is over: counters that were not seen are forgotten.
    pub(super) fn turn(&mut self) {
        self.last = std::mem::take(&mut self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rates_need_two_looks_and_a_counter_that_goes_up() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut rates = Rates::default();
        assert_eq!(rates.at(at(0), "a".into(), 10.0), None);
        rates.turn();
        assert_eq!(rates.at(at(5), "a".into(), 20.0), Some(2.0));
        rates.turn();
        assert_eq!(rates.at(at(10), "a".into(), 1.0), None, "it began anew");
        rates.turn();
        assert_eq!(rates.at(at(11), "b".into(), 1.0), None);
        rates.turn();
        assert_eq!(rates.at(at(12), "a".into(), 9.0), None, "it was not there at the last look");
    }
}
