//! The daemon: what it costs, whether its checks come in time, how fast its pages answer, and how soon an incident is written.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};

use super::measure::{Background, Sleepers, cpu_so_far};
use super::{Row, Settings};

/// Seconds that the daemon is watched.
const WATCHED: f64 = 60.0;
/// Requests a second for pages, and threads that make them.
const REQUESTS: (u32, u32) = (200, 20);

/// A server that checks ask, and that remembers when.
struct Target {
    address: SocketAddr,
    asked: Arc<Mutex<BTreeMap<String, Vec<Instant>>>>,
    well: Arc<AtomicBool>,
}

impl Target {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let target =
            Self { address: listener.local_addr()?, asked: Arc::default(), well: Arc::new(AtomicBool::new(true)) };
        let (asked, well) = (Arc::clone(&target.asked), Arc::clone(&target.well));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, well) = (Arc::clone(&asked), Arc::clone(&well));
                // Connections stay open between checks.
                std::thread::spawn(move || answer(&stream, &asked, &well));
            }
        });
        Ok(target)
    }

    /// The latest that any request came after its turn, counted from the first one of its path; seconds.
    fn latest(&self, every: Duration) -> f64 {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let late = asked.values().flat_map(|times| {
            let first = times.first().copied();
            times.iter().enumerate().filter_map(move |(turn, at)| {
                let due = every.as_secs_f64() * turn as f64;
                Some(at.duration_since(first?).as_secs_f64() - due)
            })
        });
        late.fold(0.0, f64::max)
    }
}

/// Answers the requests of one connection.
fn answer(stream: &TcpStream, asked: &Mutex<BTreeMap<String, Vec<Instant>>>, well: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut path = None;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned)),
            }
        }
        let mut all = asked.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(path.unwrap_or_default()).or_default().push(Instant::now());
        drop(all);
        let status = if well.load(Ordering::Relaxed) { "200 OK" } else { "500 Internal Server Error" };
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nok\n");
        let mut to = stream;
        if to.write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// A daemon on a scratch directory.
struct Daemon {
    process: Background,
    address: SocketAddr,
    directory: PathBuf,
}

impl Daemon {
    fn start(settings: &Settings, configuration: &str) -> Result<Self> {
        let directory = std::env::temp_dir().join(format!("perfuse-serve-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory)?;
        let file = directory.join("perfuse.toml");
        std::fs::write(&file, configuration)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // A run directory of its own: another daemon may answer on this host.
        let run = directory.join("run");
        std::fs::create_dir_all(&run)?;
        let arguments = [
            format!("RUNTIME_DIRECTORY={}", run.display()),
            settings.perfuse.display().to_string(),
            "serve".to_owned(),
            "--config".to_owned(),
            file.display().to_string(),
            "--listen".to_owned(),
            address.to_string(),
            "--state-dir".to_owned(),
            directory.join("state").display().to_string(),
        ];
        let process = Background::start(Path::new("env"), &arguments)?;
        let daemon = Self { process, address, directory };
        let begun = Instant::now();
        while daemon.get("/healthz").is_err() {
            if begun.elapsed() > Duration::from_secs(20) {
                bail!("the daemon does not answer on {address}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(daemon)
    }

    fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all)?;
        anyhow::ensure!(
            all.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&all[..all.len().min(80)])
        );
        Ok(all)
    }

    fn json(&self, path: &str) -> Result<serde_json::Value> {
        let answer = self.get(path)?;
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        Ok(serde_json::from_slice(&answer[body..])?)
    }

    /// Of the whole seconds between two times, those that have a sample of the host, and how many they are.
    fn sampled(&self, from: u64, to: u64) -> Result<(usize, u64)> {
        // What is newer may not be in the store yet.
        std::thread::sleep(Duration::from_secs(4));
        let answer = self.json(&format!("/api/v1/series?name=perfuse_cell_ratio&from={from}&to={to}&points=2000"))?;
        let series = answer["series"].as_array().context("series")?;
        let cpu = series.iter().find(|one| one["labels"]["cell"] == "cpu.utilization").context("cpu.utilization")?;
        let sampled = cpu["mean"].as_array().context("mean")?.iter().filter(|mean| !mean.is_null()).count();
        Ok((sampled, to - from))
    }

    fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Share of one core over some seconds.
    fn cpu(&self, seconds: f64) -> Result<f64> {
        let before = cpu_so_far(self.pid())?;
        std::thread::sleep(Duration::from_secs_f64(seconds));
        Ok((cpu_so_far(self.pid())? - before) / seconds)
    }

    /// The most memory that it had resident, in MiB.
    fn peak(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        Ok(peak.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    fn stop(self) -> Result<()> {
        self.process.interrupt()?;
        let _ = std::fs::remove_dir_all(self.directory);
        Ok(())
    }
}

/// A configuration of some checks of one server.
fn checks(target: &Target, count: u32, every: &str) -> String {
    let address = target.address;
    let check = |number| {
        let head = format!("[[component.check]]\nkind = \"http\"\nname = \"c{number}\"\nevery = \"{every}\"\n");
        head + &format!("url = \"http://{address}/{number}\"\n")
    };
    let checks: String = (0..count).map(check).collect();
    format!("[[component]]\nname = \"shop\"\n{checks}")
}

fn row(what: &str, ours: String, target: &'static str) -> Row {
    Row { what: what.to_owned(), ours, peer: "-".to_owned(), ratio: None, target }
}

/// 100 checks, 500 processes and the ring; then pages while all of that goes on.
pub(super) fn serve(settings: &Settings) -> Result<Vec<Row>> {
    let _sleepers = Sleepers::up_to(500)?;
    let target = Target::start()?;
    let daemon = Daemon::start(settings, &checks(&target, 100, "10s"))?;
    // Start-up, and the first two minutes in which the ring fills, are no part of a day.
    std::thread::sleep(Duration::from_secs(130));
    let cpu = daemon.cpu(WATCHED)?;
    let rss = daemon.peak()?;
    let begun = unix_seconds()?;
    let (median, high) = pages(&daemon)?;
    let (sampled, of) = daemon.sampled(begun, unix_seconds()?)?;
    daemon.stop()?;
    Ok(vec![
        row("serve: 100 checks, 500 processes, the ring", format!("{:.2} % of a core", cpu * 100.0), "2 %"),
        row("its resident memory, peak", format!("{rss:.0} MiB"), "80 MiB"),
        row("a page at 200 requests a second, median", format!("{:.1} ms", median * 1e3), "-"),
        row("the same, p99", format!("{:.1} ms", high * 1e3), "50 ms"),
        row("seconds of these that the ring sampled", format!("{sampled} of {of}"), "all"),
    ])
}

fn unix_seconds() -> Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs())
}

/// Median and 99th percentile of the public page's time, in seconds, from when each request was due.
fn pages(daemon: &Daemon) -> Result<(f64, f64)> {
    let (rate, threads) = REQUESTS;
    let gap = Duration::from_secs_f64(f64::from(threads) / f64::from(rate));
    let begin = Instant::now();
    let times: Vec<f64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut times = Vec::new();
                    for turn in 0..100 {
                        let due = begin + gap * turn + gap * thread / threads;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        daemon.get("/")?;
                        times.push(due.elapsed().as_secs_f64());
                    }
                    Ok::<_, anyhow::Error>(times)
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.join().expect("a worker of the benchmark")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let mut sorted = times;
    sorted.sort_by(f64::total_cmp);
    let at = |hundredths: usize| sorted.get((sorted.len() - 1) * hundredths / 100).copied().unwrap_or(f64::NAN);
    Ok((at(50), at(99)))
}

/// 1,000 checks at 10 s.
pub(super) fn checks_in_time(settings: &Settings) -> Result<Vec<Row>> {
    let target = Target::start()?;
    let daemon = Daemon::start(settings, &checks(&target, 1000, "10s"))?;
    std::thread::sleep(Duration::from_secs(12));
    let cpu = daemon.cpu(WATCHED)?;
    let late = target.latest(Duration::from_secs(10));
    daemon.stop()?;
    Ok(vec![
        row("serve: 1,000 checks at 10 s", format!("{:.1} % of a core", cpu * 100.0), "10 %"),
        row("the latest check after its turn", format!("{:.0} ms", late * 1e3), "1 s"),
    ])
}

/// From the moment that the state changed to an incident with its causes.
pub(super) fn incident(settings: &Settings) -> Result<Vec<Row>> {
    let target = Target::start()?;
    let text = checks(&target, 1, "1s").replace("every =", "failures = 2\nevery =");
    let daemon = Daemon::start(settings, &text)?;
    std::thread::sleep(Duration::from_secs(20));
    target.well.store(false, Ordering::Relaxed);
    let failed = Instant::now();
    let written = loop {
        if let Some(id) = daemon.json("/api/v1/incidents")?["incidents"][0]["id"].as_str()
            && !daemon.json(&format!("/api/v1/incidents/{id}"))?["why"].is_null()
        {
            break failed.elapsed();
        }
        if failed.elapsed() > Duration::from_secs(90) {
            bail!("no incident with its answer after 90 s");
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    daemon.stop()?;
    Ok(vec![row(
        "serve: from the fault to an incident with its answer (2 failures at 1 s)",
        format!("{:.1} s", written.as_secs_f64()),
        "20 s",
    )])
}
