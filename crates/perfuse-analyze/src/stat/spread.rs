//! Mean and deviation of values that come one by one.

/// Number, mean and squared deviations of a series, by Welford's method, which does not lose digits when the values
/// are large and close to each other.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
}

impl Spread {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// A series of one value.
    pub fn of(value: f64) -> Self {
        let mut spread = Self::default();
        spread.push(value);
        spread
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; 0 without values.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The sample's standard deviation, with `n - 1`; 0 below two values.
    pub fn deviation(&self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.squares / (self.count - 1) as f64).sqrt() }
    }

    /// The standard deviation of the mean: what perf writes behind `+-`.
    pub fn error(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.deviation() / (self.count as f64).sqrt() }
    }

    /// [`Spread::error`] in percent of the mean; 0 where the mean is.
    pub fn error_percent(&self) -> f64 {
        if self.mean == 0.0 { 0.0 } else { 100.0 * self.error() / self.mean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9 * right.abs().max(1.0)
    }

    #[test]
    fn a_known_series() {
        let mut spread = Spread::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            spread.push(value);
        }
        assert!(spread.count() == 8 && near(spread.mean(), 5.0));
        assert!(near(spread.deviation(), (32.0_f64 / 7.0).sqrt()));
        assert!(near(spread.error(), (32.0_f64 / 7.0 / 8.0).sqrt()));
        assert!(near(spread.error_percent(), 20.0 * (32.0_f64 / 7.0 / 8.0).sqrt()));
    }

    #[test]
    fn large_values_that_are_close_keep_their_deviation() {
        let mut spread = Spread::default();
        for value in [1e12 + 1.0, 1e12 + 2.0, 1e12 + 3.0] {
            spread.push(value);
        }
        assert!(near(spread.deviation(), 1.0), "{}", spread.deviation());
    }

    #[test]
    fn below_two_values_nothing_is_known_of_the_deviation() {
        assert!(near(Spread::default().mean(), 0.0));
        assert!(near(Spread::of(3.0).error_percent(), 0.0));
        let mut zeros = Spread::of(0.0);
        zeros.push(0.0);
        assert!(near(zeros.error_percent(), 0.0));
    }
}
