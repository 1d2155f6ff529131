//! The thresholds of the rules, as data: one table, printed by `use --thresholds`, settable by a TOML file.

use std::collections::BTreeMap;

use crate::cell::Unit;

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Key, such as `cpu.hot-thread`. Its meaning is the message `threshold-cpu-hot-thread`.
    pub key: &'static str,
    /// Value unless set otherwise.
    pub default: f64,
    /// Unit.
    pub unit: Unit,
}

/// Thresholds that hold for every resource.
pub const GENERAL: &[Threshold] = &[
    Threshold { key: "finding.min-wait", default: 0.05, unit: Unit::SecondsPerSecond },
    Threshold { key: "finding.min-share", default: 0.10, unit: Unit::Ratio },
    Threshold { key: "own-cost.max", default: 0.01, unit: Unit::Ratio },
    Threshold { key: "url.slow", default: 0.2, unit: Unit::Seconds },
];

/// Every threshold of every rule, in the order of printing.
pub fn all() -> impl Iterator<Item = &'static Threshold> {
    GENERAL.iter().chain(crate::checklist::SLICES.iter().flat_map(|slice| slice.thresholds))
}

/// The thresholds in force.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds {
    set: BTreeMap<&'static str, f64>,
}

/// A threshold that cannot be set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// No such key.
    #[error("no threshold is called `{0}`")]
    Unknown(String),
    /// The value is negative or not finite.
    #[error("threshold `{0}` must be a finite number of at least 0")]
    Value(String),
}

impl Thresholds {
    /// Sets one.
    pub fn set(&mut self, key: &str, value: f64) -> Result<(), ThresholdError> {
        let known = all().find(|threshold| threshold.key == key);
        let known = known.ok_or_else(|| ThresholdError::Unknown(key.to_owned()))?;
        if !value.is_finite() || value < 0.0 {
            return Err(ThresholdError::Value(key.to_owned()));
        }
        self.set.insert(known.key, value);
        Ok(())
    }

    /// The value of a threshold. Asking for one that no table has is a bug of a rule; a test asks for all.
    pub fn get(&self, key: &str) -> f64 {
        let default = || all().find(|threshold| threshold.key == key).map(|threshold| threshold.default);
        let value = self.set.get(key).copied().or_else(default);
        debug_assert!(value.is_some(), "no threshold `{key}`");
        value.unwrap_or(f64::INFINITY)
    }
}
