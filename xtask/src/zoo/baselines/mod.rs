//! Others over the very same recordings: alert rules, checklists with fixed thresholds, and statistics of anomalies.
//!
//! Each is written here from its published definition, without its waiting times (`for: 15m`), so that it may speak at
//! once. None is told who the victim is: none of them asks. Where a method gives no order, the alarm that is furthest
//! above its threshold comes first; where it names nobody, it is not held against its first answer, only against its
//! culprit.

mod alerts;
mod metrics;
pub(super) mod statistics;

use std::path::Path;

use anyhow::{Context as _, Result};

use self::metrics::{Metric, Series, mean, series};
use super::score::Said;

/// What a method may look at.
pub(crate) struct Evidence {
    /// Before the fault.
    before: Series,
    /// Under the fault.
    fault: Series,
    /// Means under the fault.
    mean: Vec<Metric>,
}

impl Evidence {
    /// Reads the two recordings of a run.
    pub(crate) fn read(files: &Path) -> Result<Self> {
        let read = |end: &str| -> Result<Series> {
            let path = files.with_extension(end);
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            series(&bytes).with_context(|| path.display().to_string())
        };
        let (before, fault) = (read("before")?, read("fault")?);
        Ok(Self { mean: mean(&fault), before, fault })
    }

    /// The means of a metric, one for each of those who have it.
    fn all(&self, name: &str) -> impl Iterator<Item = &Metric> {
        self.mean.iter().filter(move |metric| metric.name == name)
    }

    /// The one who has most of it.
    fn most(&self, name: &str) -> Option<&Metric> {
        self.all(name).max_by(|a, b| a.value.total_cmp(&b.value))
    }
}

/// One method.
pub(crate) struct Baseline {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Where it is defined.
    pub(crate) from: &'static str,
    /// Its answers, the first one first; none is healthy.
    pub(crate) answer: fn(&Evidence) -> Vec<Said>,
}

/// All of them, in the order of the table.
pub(crate) const ALL: &[Baseline] = &[
    Baseline {
        name: "node-mixin",
        from: "alert rules of the node_exporter mixin with their default thresholds",
        answer: alerts::node_mixin,
    },
    Baseline { name: "netdata", from: "stock health.d alarms, where they are raised", answer: alerts::netdata },
    Baseline {
        name: "glances",
        from: "default careful/warning/critical levels, from warning",
        answer: alerts::glances,
    },
    Baseline {
        name: "checklist, naive",
        from: "the USE checklist as one reads it from vmstat, iostat and sar: errors, saturation, utilization",
        answer: alerts::naive,
    },
    Baseline { name: "max PSI", from: "the resource with the highest pressure, from 5 %", answer: alerts::pressure },
    Baseline { name: "n-sigma", from: "|x - mean| / deviation, from 3", answer: statistics::sigma },
    Baseline { name: "median/IQR", from: "BARO's RobustScorer: |x - median| / IQR", answer: statistics::robust },
    Baseline {
        name: "MAD + graph",
        from: "modified z-score from 3.5; of what stands out, the deepest in a fixed graph",
        answer: statistics::graph,
    },
];

/// An answer that names what a metric is about.
fn said(metric: &Metric) -> Said {
    Said {
        cell: metric.cell.to_owned(),
        control: metric.control.map(str::to_owned),
        culprit: metric.of.clone(),
        grounded: false,
        id: metric.name.to_owned(),
    }
}
