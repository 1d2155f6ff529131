//! What the daemon's store takes on disk and of a CPU.

use anyhow::{Context as _, Result};

use super::{Row, Settings};
use crate::tools;

/// The least that is wanted: load, part of the figure's name, target.
const TARGETS: &[(&str, &str, &str)] = &[
    ("noisy mix", "bytes a sample", "1 (VictoriaMetrics 1.20, Prometheus 3.77)"),
    ("this host's counters", "bytes a sample", "0.2"),
    ("", "24 h of seconds", "20 ms"),
];

/// The figures of the crate's own program, once: they are sizes and CPU times of a fixed load.
pub(crate) fn run(_: &Settings) -> Result<Vec<Row>> {
    let example = ["run", "--quiet", "--release", "--package", "perfuse-service", "--example", "store-bench"];
    let text = tools::output(&mut tools::cargo(example))?;
    text.lines()
        .map(|line| {
            let [load, figure, value] = line.split('\t').collect::<Vec<_>>()[..] else {
                anyhow::bail!("store-bench printed {line:?}");
            };
            value.parse::<f64>().with_context(|| format!("store-bench printed {line:?}"))?;
            let target = TARGETS.iter().find(|(of, part, _)| load.contains(of) && figure.contains(part));
            Ok(Row {
                what: format!("{load}: {figure}"),
                ours: value.to_owned(),
                peer: "-".to_owned(),
                ratio: None,
                target: target.map_or("", |(.., target)| target),
            })
        })
        .collect()
}
