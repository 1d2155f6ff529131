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

/// Sweeps a second of ours while they are measured.
const OURS_PER_SECOND: u32 = 10;

/// Seconds of ours that are measured: the first complete sweep is past, the next is due in the tenth second.
const OURS_SECONDS: u32 = 8;

/// Seconds of ours that hold three complete sweeps, as any 30 seconds of a day do.
const COMPLETE_SECONDS: u32 = 30;

/// Seconds, and sweeps, of atop's runs: it does not go below one second.
const ATOP: (u32, u32) = (3, 13);

/// One sweep with 1,000 processes.
pub(crate) fn sweep(settings: &Settings) -> Result<Vec<Row>> {
    let _sleepers = Sleepers::up_to(1000)?;
    let scratch = std::env::temp_dir().join(format!("perfuse-sweep-{}", std::process::id()));
    let file = scratch.to_string_lossy().into_owned();
    let atop = tools::find("atop").context("atop")?;
    let theirs = || {
        per_sweep(ATOP, 1, |seconds| {
            let _ = std::fs::remove_file(&scratch);
            Ok(time(&atop, &["-w", &file, "1", &(seconds + 1).to_string()], &[0])?.cpu_s)
        })
    };
    let (mut bpf, mut plain, mut slow, mut peers, mut scrapes) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..settings.rounds {
        bpf.push(running(settings, &file, OURS_PER_SECOND, OURS_SECONDS, &[])?);
        peers.push(theirs()?);
        plain.push(running(settings, &file, OURS_PER_SECOND, OURS_SECONDS, &["--no-bpf"])?);
        scrapes.push(scrape()?);
    }
    // The slow sources are due every tenth second: their share shows in a long run.
    for _ in 0..settings.rounds.min(2) {
        slow.push(running(settings, &file, 1, COMPLETE_SECONDS, &[])?);
    }
    let _ = std::fs::remove_file(&scratch);
    let (peers, scrapes) = (median(peers), median(scrapes));
    let row = |what: &str, ours: f64, name: &str, peer: f64, target| Row {
        what: what.to_owned(),
        ours: format!("{ours:.2} ms"),
        peer: format!("{name} {peer:.2} ms"),
        ratio: Some(ours / peer),
        target,
    };
    let (bpf, plain, slow) = (median(bpf), median(plain), median(slow));
    Ok(vec![
        row("a sweep of each second, processes included", bpf, "atop -w", peers, "at most 0.1"),
        row("a sweep of each second, processes included", bpf, "node_exporter", scrapes, "at most 0.333"),
        row("mean sweep with the slow sources", slow, "atop -w", peers, "-"),
        row("mean sweep with the slow sources", slow, "node_exporter", scrapes, "-"),
        row("a sweep of each second without BPF", plain, "atop -w", peers, "-"),
        row("a sweep of each second without BPF", plain, "node_exporter", scrapes, "-"),
    ])
}

/// CPU milliseconds of one sweep of a recording that runs as it would all day: what it used between two moments.
fn running(settings: &Settings, file: &str, per_second: u32, seconds: u32, more: &[&str]) -> Result<f64> {
    let interval = format!("{}ms", 1000 / per_second);
    let mut arguments = vec!["use", "--quiet", "--record", file, "--interval", &interval];
    arguments.extend(more);
    let recorder = Background::start(&settings.perfuse, &arguments)?;
    std::thread::sleep(Duration::from_millis(1500));
    let before = cpu_so_far(recorder.0.id())?;
    std::thread::sleep(Duration::from_secs(u64::from(seconds)));
    let used = cpu_so_far(recorder.0.id())? - before;
    recorder.interrupt()?;
    Ok(used * 1000.0 / f64::from(seconds * per_second))
}

/// CPU milliseconds of one sweep of a peer: the difference of a long and a short run, without start-up and end.
fn per_sweep(seconds: (u32, u32), per_second: u32, run: impl Fn(u32) -> Result<f64>) -> Result<f64> {
    let short = run(seconds.0)?;
    let long = run(seconds.1)?;
    Ok((long - short) * 1000.0 / f64::from((seconds.1 - seconds.0) * per_second))
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
