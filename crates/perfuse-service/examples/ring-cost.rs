//! What the ring costs: samples this host for some seconds (the first argument, else 60) and prints the CPU time a second
//! and the resident memory of this process, and how large a capture is.
#![expect(clippy::disallowed_macros, reason = "a program to be run by hand, which prints what it measured")]

use std::time::{Duration, Instant};

use perfuse_analyze::Thresholds;
use perfuse_collect::usage;
use perfuse_service::ring::Ring;

fn main() -> std::io::Result<()> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60);
    let ring = Ring::start(Thresholds::default(), Vec::new())?;
    // Loading the programs and the first checklist come once.
    std::thread::sleep(Duration::from_secs(6));
    let (start, before) = (Instant::now(), usage::cpu_seconds());
    std::thread::sleep(Duration::from_secs(seconds));
    let spent = usage::cpu_seconds() - before;
    let numbers = ring.seconds().borrow().as_ref().map_or(0, |second| second.numbers.len());
    println!(
        "{:.2}% of one core, {:.1} MiB resident, {numbers} numbers a second",
        100.0 * spent / start.elapsed().as_secs_f64(),
        usage::resident_bytes() as f64 / f64::from(1 << 20),
    );
    let before = usage::cpu_seconds();
    if let Some(capture) = ring.capture("all") {
        let bytes = capture.into_recording(|_| {});
        println!(
            "a capture: {:.2} MiB, {:.2} s of CPU time, {:.1} MiB resident after it",
            bytes.len() as f64 / f64::from(1 << 20),
            usage::cpu_seconds() - before,
            usage::resident_bytes() as f64 / f64::from(1 << 20),
        );
    }
    Ok(())
}
