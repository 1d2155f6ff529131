//! How long `use --json` takes beyond its duration.

use anyhow::Result;

use super::measure::{median, time};
use super::{Row, Settings};

/// Wall-clock time of a run of one second, less that second.
pub(crate) fn run(settings: &Settings) -> Result<Vec<Row>> {
    let measure = |more: &[&str]| -> Result<(f64, f64, f64)> {
        let mut arguments = vec!["use", "--quiet", "--json", "--duration", "1s"];
        arguments.extend(more);
        let (mut wall, mut cpu, mut rss) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..settings.rounds {
            let used = time(&settings.perfuse, &arguments, &[0, 1])?;
            wall.push((used.wall_s - 1.0) * 1000.0);
            cpu.push(used.cpu_s * 1000.0);
            rss.push(used.rss_bytes / f64::from(1 << 20));
        }
        Ok((median(wall), median(cpu), median(rss)))
    };
    let mut rows = Vec::new();
    for (name, more, target) in [("with all programs", &[][..], "300 ms"), ("without BPF", &["--no-bpf"][..], "300 ms")]
    {
        let (wall, cpu, rss) = measure(more)?;
        rows.push(Row {
            what: format!("use --json, {name}"),
            ours: format!("{wall:.0} ms"),
            peer: format!("CPU {cpu:.0} ms, {rss:.0} MiB"),
            ratio: None,
            target,
        });
    }
    Ok(rows)
}
