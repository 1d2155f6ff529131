//! Anomalies: each metric under the fault against itself before it.

use std::collections::BTreeMap;

use super::{Evidence, Metric, said};
use crate::zoo::score::Said;

/// The values of a metric before the fault and under it.
struct Pair<'a> {
    metric: &'a Metric,
    /// It has none from before: a process that was not there.
    new: bool,
    before: Vec<f64>,
    fault: Vec<f64>,
}

/// What was not there before was 0.
fn pairs(evidence: &Evidence) -> Vec<Pair<'_>> {
    let mut values: BTreeMap<(&str, String), Vec<f64>> = BTreeMap::new();
    let mut under: BTreeMap<(&str, String), Vec<f64>> = BTreeMap::new();
    for metric in evidence.before.iter().flatten() {
        values.entry(metric.key()).or_default().push(metric.value);
    }
    for metric in evidence.fault.iter().flatten() {
        under.entry(metric.key()).or_default().push(metric.value);
    }
    let pair = |metric| {
        let known = values.get(&Metric::key(metric));
        let (new, before) = (known.is_none(), known.cloned().unwrap_or_else(|| vec![0.0]));
        let fault = under.get(&Metric::key(metric)).cloned().unwrap_or_default();
        Pair { metric, new, before, fault }
    };
    evidence.mean.iter().map(pair).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A percentile with linear interpolation, as that of `NumPy`; 0 of nothing.
pub(in crate::zoo) fn quantile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = percent * sorted.len().saturating_sub(1);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    let (low, high) = (at(place / 100), at(place.div_ceil(100)));
    low + (high - low) * (place % 100) as f64 / 100.0
}

/// All above `least`, the highest score first.
fn ranked(evidence: &Evidence, least: f64, score: impl Fn(&Pair<'_>) -> f64) -> Vec<(f64, Metric)> {
    let pairs = pairs(evidence);
    let mut scored: Vec<(f64, Metric)> = pairs
        .iter()
        .map(|pair| (score(pair), pair.metric.clone()))
        .filter(|(score, _)| score.is_finite() && *score > least)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.key().cmp(&b.1.key())));
    scored
}

/// Where the values before do not differ, a thousandth of the mean stands for their spread.
fn spread(measured: f64, pair: &Pair<'_>) -> f64 {
    measured.max(mean(&pair.before).abs() * 1e-3).max(1e-6)
}

/// The n-sigma rule. It knows nothing of a metric that has no past.
pub(super) fn sigma(evidence: &Evidence) -> Vec<Said> {
    let score = |pair: &Pair<'_>| {
        if pair.new {
            return 0.0;
        }
        let middle = mean(&pair.before);
        let variance = mean(&pair.before.iter().map(|value| (value - middle).powi(2)).collect::<Vec<_>>());
        (mean(&pair.fault) - middle).abs() / spread(variance.sqrt(), pair)
    };
    ranked(evidence, 3.0, score).iter().map(|(_, metric)| said(metric)).collect()
}

/// `RobustScorer` of BARO (Pham et al., FSE 2024): the largest distance from the median in units of the interquartile
/// range; a range of 0 counts as 1, as scikit-learn's `RobustScaler` has it. It always answers; here only what moved at
/// all.
pub(super) fn robust(evidence: &Evidence) -> Vec<Said> {
    let score = |pair: &Pair<'_>| {
        if pair.new {
            return 0.0;
        }
        let range = quantile(&pair.before, 75) - quantile(&pair.before, 25);
        let unit = if range > 0.0 { range } else { 1.0 };
        let middle = quantile(&pair.before, 50);
        pair.fault.iter().map(|value| (value - middle).abs() / unit).fold(0.0, f64::max)
    };
    ranked(evidence, 3.0, score).iter().map(|(_, metric)| said(metric)).collect()
}

/// Modified z-scores (Iglewicz and Hoaglin 1993), and of the metrics that stand out those that nothing deeper explains:
/// a limit lies below errors, those below saturation, that below utilization.
pub(super) fn graph(evidence: &Evidence) -> Vec<Said> {
    let score = |pair: &Pair<'_>| {
        let middle = quantile(&pair.before, 50);
        let deviations: Vec<f64> = pair.before.iter().map(|value| (value - middle).abs()).collect();
        0.6745 * (quantile(&pair.fault, 50) - middle) / spread(quantile(&deviations, 50), pair)
    };
    let depth = |metric: &Metric| match (metric.control, metric.cell.split('.').nth(1)) {
        (Some(_), _) => 3,
        (_, Some("errors")) => 2,
        (_, Some("saturation")) => 1,
        _ => 0,
    };
    let mut all = ranked(evidence, 3.5, score);
    // Stable: the order of the scores stays within a level.
    all.sort_by_key(|(_, metric)| std::cmp::Reverse(depth(metric)));
    let users: Vec<&Metric> =
        all.iter().map(|(_, metric)| metric).filter(|metric| metric.name.starts_with("process.")).collect();
    let culprit = |metric: &Metric| {
        let resource = metric.cell.split('.').next().unwrap_or_default();
        let by = users.iter().find(|user| user.cell.starts_with(resource));
        metric.of.clone().or_else(|| by.and_then(|user| user.of.clone()))
    };
    all.iter().map(|(_, metric)| Said { culprit: culprit(metric), ..said(metric) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &'static str, cell: &'static str, control: Option<&'static str>, value: f64) -> Metric {
        Metric { name, cell, control, of: None, value }
    }

    /// A metric that swings by 1 around 10 and is then `value`.
    fn evidence(then: &[(&'static str, &'static str, Option<&'static str>, f64)]) -> Evidence {
        let at = |value: Option<f64>| -> Vec<Metric> {
            then.iter().map(|(name, cell, control, new)| metric(name, cell, *control, value.unwrap_or(*new))).collect()
        };
        let before = vec![at(Some(9.0)), at(Some(10.0)), at(Some(11.0)), at(Some(10.0))];
        let fault = vec![at(None), at(None)];
        Evidence { mean: super::super::mean(&fault), before, fault }
    }

    #[test]
    fn what_moved_most_comes_first_and_what_swings_as_ever_not_at_all() {
        let moved = evidence(&[
            ("a", "cpu.saturation", None, 20.0),
            ("b", "disk.saturation", None, 50.0),
            ("c", "memory.saturation", None, 10.5),
        ]);
        for (name, method) in [("sigma", sigma as fn(&Evidence) -> Vec<Said>), ("robust", robust), ("graph", graph)] {
            let cells: Vec<String> = method(&moved).into_iter().map(|said| said.cell).collect();
            assert_eq!(cells, ["disk.saturation", "cpu.saturation"], "{name}");
        }
    }

    #[test]
    fn in_the_graph_a_limit_lies_below_what_it_causes() {
        let moved =
            evidence(&[("a", "cpu.saturation", None, 90.0), ("b", "cpu.saturation", Some("control.cpu-quota"), 30.0)]);
        assert_eq!(graph(&moved)[0].control.as_deref(), Some("control.cpu-quota"));
        assert_eq!(sigma(&moved)[0].control, None);
    }

    #[test]
    fn quantiles_are_interpolated() {
        let values = [4.0, 1.0, 2.0, 3.0];
        assert!((quantile(&values, 50) - 2.5).abs() < 1e-12);
        assert!((quantile(&values, 25) - 1.75).abs() < 1e-12);
        assert!(quantile(&[], 50).abs() < 1e-12);
    }
}
