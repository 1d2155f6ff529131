//! Metrics of a CPU's model: formulas over the counts of several events.

use std::collections::BTreeMap;

use perfuse_format::vendor::Expr;

use super::metrics::{Alarm, Metric, MetricStyle};

/// Where the value of a name in a formula comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// The seconds that passed.
    Seconds,
    /// The counts of events, as the kernel gives them, added up and times a factor (1e-9 makes nanoseconds seconds).
    Events {
        /// Their indexes.
        indexes: Vec<usize>,
        /// The factor.
        factor: f64,
    },
}

/// A name in a formula.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The name as the formula has it.
    pub name: String,
    /// Its value.
    pub source: Source,
    /// How many PMUs are added up in it.
    pub sources: f64,
}

/// A metric, ready to be computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// What it is called behind its number: `name`, or `unit  name`.
    pub title: String,
    /// The formula.
    pub expr: Expr,
    /// What the result is multiplied with.
    pub scale: f64,
    /// How the number is written.
    pub style: MetricStyle,
    /// Constants of the system that the formula names.
    pub constants: BTreeMap<String, f64>,
    /// Its events.
    pub inputs: Vec<Input>,
    /// Index of the event behind whose count it is shown.
    pub row: usize,
}

impl Formula {
    /// The event that it is shown behind: the first of its own.
    pub fn first_event(inputs: &[Input]) -> Option<usize> {
        let index = |input: &Input| match &input.source {
            Source::Seconds => None,
            Source::Events { indexes, .. } => indexes.iter().min().copied(),
        };
        inputs.iter().filter_map(index).min()
    }

    /// The metric; `count` gives the count of an event, `seconds` passed. Without a value where an event was not counted;
    /// no number where the formula divides by zero.
    pub(super) fn metric(&self, count: &dyn Fn(usize) -> Option<f64>, seconds: f64) -> Metric {
        let mut values: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        let mut complete = true;
        for input in &self.inputs {
            let value = match &input.source {
                Source::Seconds => Some(seconds),
                Source::Events { indexes, factor } => {
                    let total: Option<f64> = indexes.iter().map(|index| count(*index)).sum();
                    total.map(|total| total * factor)
                }
            };
            match value {
                Some(value) => {
                    values.insert(&input.name, (value, input.sources));
                }
                None => complete = false,
            }
        }
        let value = complete.then(|| {
            let literal = |name: &str| self.constants.get(name).copied();
            self.scale * self.expr.value(&|name| values.get(name).copied(), &literal)
        });
        Metric { value, style: self.style, unit: self.title.clone(), alarm: Alarm::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(text: &str) -> Formula {
        let input = |name: &str, source| Input { name: name.to_owned(), source, sources: 2.0 };
        let inputs = vec![
            input("a", Source::Events { indexes: vec![3], factor: 1.0 }),
            input("b", Source::Events { indexes: vec![1], factor: 1e-9 }),
            input("duration_time", Source::Seconds),
        ];
        Formula {
            title: "x".to_owned(),
            expr: Expr::parse(text).unwrap(),
            scale: 100.0,
            style: MetricStyle::One,
            constants: BTreeMap::from([("num_cpus".to_owned(), 4.0)]),
            row: Formula::first_event(&inputs).unwrap(),
            inputs,
        }
    }

    #[test]
    fn values_come_from_counts_time_and_constants() {
        let count = |index| Some(if index == 3 { 8.0 } else { 2e9 });
        let value = |text: &str| formula(text).metric(&count, 0.5).value.unwrap();
        assert!((value("a / b / duration_time / #num_cpus") - 200.0).abs() < 1e-9);
        assert!((value("a / source_count(a)") - 400.0).abs() < 1e-9);
        assert!(value("a / (b - b)").is_nan());
        assert_eq!(formula("a").row, 1);
        assert_eq!(formula("a").metric(&|_| None, 1.0).value, None, "nothing counted, nothing computed");
        assert_eq!(Formula::first_event(&[]), None);
    }
}
