//! What this process itself uses.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process, user and system, in seconds.
pub fn cpu_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// CPU time of the calling thread, user and system, in seconds.
pub fn thread_cpu_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    // Far below 2^53 seconds.
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Resident memory of this process in bytes; 0 where `/proc` is not mounted.
pub fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let before = cpu_seconds();
        let mut sum = 0_u64;
        while cpu_seconds() - before < 0.002 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(resident_bytes() > 100_000);
        assert!(thread_cpu_seconds() >= 0.002 && thread_cpu_seconds() <= cpu_seconds());
    }
}
