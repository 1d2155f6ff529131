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

/// Gives memory that was freed back to the kernel. The C library keeps what a burst of work needed, in an arena for each
/// thread; a process that runs for months should not. Does nothing where the C library has no such call (musl).
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) takes no pointer, touches only memory that is free, and may be called by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_env = "gnu")]
    fn freed_memory_goes_back() {
        // Pieces that are too small for mappings of their own, with one at the end that holds the top of the heap.
        let mut pieces: Vec<Vec<u8>> = (0..4000).map(|_| std::hint::black_box(vec![1; 16 << 10])).collect();
        let last = pieces.pop();
        let before = resident_bytes();
        drop(pieces);
        give_back_memory();
        assert!(resident_bytes() < before - (32 << 20), "{before}");
        drop(last);
    }

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
