//! What the store costs: `store-bench`. Prints a line for each figure, its name and its value between tabs.
//!
//! Two loads of 500 series at 1 s for 24 h, the same in every run but for the second: a noisy mix that is made, and the counters
//! of `/proc/vmstat` and `/proc/stat` of this host, read for some seconds and gone on with by their own steps.
#![expect(clippy::disallowed_macros, reason = "an example prints what it measured")]

use std::fs;
use std::path::Path;

use perfuse_service::store::{Moment, Retention, SeriesId, SeriesKey, Step, Store};

const SERIES: usize = 500;
const DAY: i64 = 1_795_651_200;
const HOURS: i64 = 24;

/// xorshift64*: the same numbers in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// CPU seconds of this process, from `/proc/self/schedstat`.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// A tenth each: percentages with a decimal that wander, latencies in milliseconds with two decimals, and bytes in use that
/// wander by pages; three tenths of counters with an uneven step, two of numbers that step now and then, two of constants.
fn noisy(series: usize, noise: &mut Noise, old: f64) -> f64 {
    let old = if old.is_nan() { 0.0 } else { old };
    match series % 10 {
        0 => ((old + (noise.next() - 0.5) * 4.0).clamp(0.0, 100.0) * 10.0).round() / 10.0,
        1 => ((5.0 + noise.next() * noise.next() * 20.0) * 100.0).round() / 100.0,
        2 => (old + ((noise.next() - 0.5) * 200.0).round() * 4096.0).max(1e9),
        3..=5 => old + (noise.next() * noise.next() * 50.0).round(),
        6 | 7 if noise.next() < 0.01 => (noise.next() * 100.0).round(),
        6 | 7 => old,
        _ => series as f64,
    }
}

/// All numbers of the two files, in their order.
fn host() -> Vec<f64> {
    let text = ["/proc/vmstat", "/proc/stat", "/proc/net/snmp", "/proc/diskstats"]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    let numbers = text.iter().flat_map(|text| text.split_ascii_whitespace()).filter_map(|word| word.parse().ok());
    numbers.take(SERIES).collect()
}

/// Real snapshots of `seconds`, a second apart.
fn sampled(seconds: usize) -> Vec<Vec<f64>> {
    (0..seconds)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            host()
        })
        .collect()
}

fn measure(name: &str, mut next: impl FnMut(i64, &mut [f64])) -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let (mut store, _) = Store::open(directory.path(), Retention::default())?;
    let key = |number: usize| SeriesKey::new("bench", [("number", number.to_string().as_str())]);
    let series = (0..SERIES).map(|number| store.series(&key(number))).collect::<Result<Vec<SeriesId>, _>>()?;
    let mut values = vec![f64::NAN; SERIES];
    let mut tick = Vec::new();
    let (mut append, mut upkeep, mut longest) = (0.0, 0.0, 0.0_f64);
    let seconds = HOURS * 3600;
    for second in 0..=seconds {
        next(second, &mut values);
        tick.clear();
        tick.extend(series.iter().copied().zip(values.iter().copied()));
        let before = cpu();
        store.append(DAY + second, &tick);
        let between = cpu();
        store.maintain(Moment { unix: DAY + second, steady: second })?;
        let after = cpu();
        append += between - before;
        upkeep += after - between;
        longest = longest.max(after - between);
    }
    let bytes = |prefix: &str| -> Result<f64, std::io::Error> {
        let mut all = 0;
        for entry in fs::read_dir(directory.path() as &Path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                all += entry.metadata()?.len();
            }
        }
        Ok(all as f64)
    };
    let samples = (seconds * i64::try_from(SERIES)?) as f64;
    println!("{name}\tbytes a sample, seconds\t{:.3}", bytes("second-")? / samples);
    println!("{name}\tMB a day, minutes\t{:.2}", bytes("minute-")? / 1e6);
    println!("{name}\tMB a day, ten minutes\t{:.2}", bytes("ten-")? / 1e6);
    println!("{name}\tMB, tail and its log\t{:.2}", bytes("hot")? / 1e6);
    println!("{name}\tms of CPU, append of a tick\t{:.3}", append / seconds as f64 * 1e3);
    println!("{name}\tms of CPU, upkeep, a second\t{:.3}", upkeep / seconds as f64 * 1e3);
    println!("{name}\tms of CPU, longest upkeep\t{:.0}", longest * 1e3);
    let reader = store.reader();
    // The kernel brings this clock up to date only now and then, so that only many queries together can be timed.
    let before = cpu();
    for number in 0..100 {
        let answer = reader.seconds(&key(number * 5 + number % 5), DAY, DAY + seconds)?;
        assert!(answer.troubles.is_empty() && answer.steps.iter().all(|value| !value.is_nan()));
    }
    println!("{name}\tms of CPU, 24 h of seconds, mean of 100\t{:.2}", (cpu() - before) * 10.0);
    let before = cpu();
    for number in 0..100 {
        reader.summaries(&key(number * 5 + number % 5), Step::Minute, DAY, DAY + seconds)?;
    }
    println!("{name}\tms of CPU, 24 h of minutes, mean of 100\t{:.2}", (cpu() - before) * 10.0);
    drop(store);
    let before = cpu();
    Store::open(directory.path(), Retention::default())?;
    println!("{name}\tms of CPU, opening\t{:.1}", (cpu() - before) * 1e3);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut noise = Noise(42);
    measure("noisy mix", |_, values| {
        for (number, value) in values.iter_mut().enumerate() {
            *value = noisy(number, &mut noise, *value);
        }
    })?;
    let samples = sampled(20);
    measure("this host's counters", |second, values| {
        // The steps of the sampled seconds in a scrambled order, so that the period of the recording is not compressed away.
        let steps = samples.len() - 1;
        let pick = usize::try_from(second.wrapping_mul(2_654_435_761) >> 7 & 0xffff).unwrap_or(0) % steps;
        for (number, value) in values.iter_mut().enumerate() {
            let at = |sample: usize| samples[sample].get(number).copied().unwrap_or(0.0);
            let step = at(pick + 1) - at(pick);
            *value = if value.is_nan() { at(0) } else { *value + step };
        }
    })
}
