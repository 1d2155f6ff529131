//! The cost of looking at everything once, and of doing so all day.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::measure::{Background, Sleepers, cpu_so_far, median, time};
use super::{Row, Settings};
use crate::tools;

/// Loopback port for `node_exporter`.
const PORT: u16 = 19_777;

/// Sweeps of the short and of the long run; the difference is free of start-up and end.
const SWEEPS: (u32, u32) = (3, 18);

/// One sweep with 1,000 processes.
pub(crate) fn sweep(settings: &Settings) -> Result<Vec<Row>> {
    let _sleepers = Sleepers::up_to(1000)?;
    let scratch = std::env::temp_dir().join(format!("perfuse-sweep-{}", std::process::id()));
    let file = scratch.to_string_lossy().into_owned();
    let atop = tools::find("atop").context("atop")?;
    let (mut ours, mut plain, mut theirs, mut scrapes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        ours.push(per_sweep(|seconds| record(settings, seconds, &file, &["--set", "own-cost.max=1"]))?);
        theirs.push(per_sweep(|seconds| {
            let _ = std::fs::remove_file(&scratch);
            Ok(time(&atop, &["-w", &file, "1", &(seconds + 1).to_string()], &[0])?.cpu_s)
        })?);
        plain.push(per_sweep(|seconds| record(settings, seconds, &file, &["--no-bpf"]))?);
        scrapes.push(scrape()?);
    }
    let _ = std::fs::remove_file(&scratch);
    let (ours, plain, theirs, scrapes) = (median(ours), median(plain), median(theirs), median(scrapes));
    let row = |what: &str, ours: f64, name: &str, peer: f64, target| Row {
        what: what.to_owned(),
        ours: format!("{ours:.2} ms"),
        peer: format!("{name} {peer:.2} ms"),
        ratio: Some(ours / peer),
        target,
    };
    Ok(vec![
        row("one sweep, all per-process data", ours, "atop -w", theirs, "at most 0.1"),
        row("one sweep, all per-process data", ours, "node_exporter", scrapes, "at most 0.333"),
        row("the same without BPF", plain, "atop -w", theirs, "-"),
        row("the same without BPF", plain, "node_exporter", scrapes, "-"),
    ])
}

/// CPU seconds of a recording of some seconds.
fn record(settings: &Settings, seconds: u32, file: &str, more: &[&str]) -> Result<f64> {
    let duration = format!("{seconds}s");
    let mut arguments = vec!["use", "--quiet", "--json", "--record", file, "--duration", &duration];
    arguments.extend(more);
    // Slow sources fall due every 10 s: the long run holds one round of them more, as a day of sampling would.
    Ok(time(&settings.perfuse, &arguments, &[0, 1])?.cpu_s)
}

/// CPU milliseconds of one sweep: the difference of a long and a short run.
fn per_sweep(run: impl Fn(u32) -> Result<f64>) -> Result<f64> {
    let short = run(SWEEPS.0)?;
    let long = run(SWEEPS.1)?;
    Ok((long - short) * 1000.0 / f64::from(SWEEPS.1 - SWEEPS.0))
}

/// CPU milliseconds of one scrape of `node_exporter` with its default collectors.
fn scrape() -> Result<f64> {
    const SCRAPES: u32 = 20;
    let program = tools::find("prometheus-node-exporter").context("node_exporter")?;
    let server = Background::start(&program, &[format!("--web.listen-address=127.0.0.1:{PORT}")])?;
    let get = || -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT))?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        anyhow::ensure!(answer.starts_with(b"HTTP/1.0 200"), "node_exporter does not answer 200");
        Ok(())
    };
    let mut ready = false;
    for _ in 0..50 {
        ready = get().is_ok();
        if ready {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::ensure!(ready, "node_exporter does not answer");
    let before = cpu_so_far(server.0.id())?;
    for _ in 0..SCRAPES {
        get()?;
    }
    Ok((cpu_so_far(server.0.id())? - before) * 1000.0 / f64::from(SCRAPES))
}

/// `use --record` without an end, as it would run all day.
pub(crate) fn always_on(settings: &Settings) -> Result<Vec<Row>> {
    const SECONDS: f64 = 30.0;
    let _sleepers = Sleepers::up_to(500)?;
    let file = std::env::temp_dir().join(format!("perfuse-always-{}", std::process::id()));
    let (mut cpu, mut rss, mut size) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds.min(3) {
        let name = file.to_string_lossy().into_owned();
        let recorder = Background::start(&settings.perfuse, &["use", "--quiet", "--record", &name])?;
        // Start-up is not part of a day.
        std::thread::sleep(Duration::from_secs(4));
        let (before, bytes) = (cpu_so_far(recorder.0.id())?, std::fs::metadata(&file)?.len());
        std::thread::sleep(Duration::from_secs_f64(SECONDS));
        cpu.push((cpu_so_far(recorder.0.id())? - before) / SECONDS);
        size.push((std::fs::metadata(&file)?.len() - bytes) as f64 / SECONDS);
        let status = std::fs::read_to_string(format!("/proc/{}/status", recorder.0.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        rss.push(peak.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / 1024.0);
        recorder.interrupt()?;
    }
    let _ = std::fs::remove_file(&file);
    let row = |what: &str, ours: String, target| Row {
        what: what.to_owned(),
        ours,
        peer: "-".to_owned(),
        ratio: None,
        target,
    };
    Ok(vec![
        row("share of one core", format!("{:.2} %", median(cpu) * 100.0), "1 % of one core"),
        row("resident memory, peak", format!("{:.1} MiB", median(rss)), "40 MiB"),
        row("growth of the recording", format!("{:.1} KiB/s", median(size) / 1024.0), "-"),
    ])
}
