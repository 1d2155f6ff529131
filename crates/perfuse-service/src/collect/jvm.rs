//! Java virtual machines of this host, by the counters that they keep in a file: heap, garbage collection, threads.
//!
//! Nothing is asked of the machine, so that one that collects garbage all the time, or stands still, still tells.

use std::collections::BTreeMap;

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use perfuse_format::hsperf::{Generation, HsPerf};

use super::java::{NoCounters, counters};
use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::Said;
use crate::process;

/// Part of the old generation, after collections, from which on the heap is nearly full.
pub(super) const NEARLY_FULL: f64 = 0.85;
/// Part of the time for which collections stop the application, from which on that is a fact.
pub(super) const MUCH_PAUSE: f64 = 0.1;
/// Machines of one collector at most.
const MOST: usize = 20;
/// Rounds between two searches for processes while those that are known still run.
const SEARCH: u32 = 6;

/// The machines of a name or of a unit.
pub(super) struct Source {
    process: Option<String>,
    service: Option<String>,
    /// Processes, with the time at which they began.
    known: BTreeMap<u32, u64>,
    rounds: u32,
    rates: Rates,
}

impl Source {
    pub(super) fn new(process: Option<&str>, service: Option<&str>) -> Self {
        Self {
            process: process.map(str::to_owned),
            service: service.map(str::to_owned),
            known: BTreeMap::new(),
            rounds: 0,
            rates: Rates::default(),
        }
    }

    pub(super) async fn gather(&mut self, sheet: &mut Sheet) -> Result<(), Msg> {
        let still = self.known.iter().all(|(pid, begun)| process::begun(*pid) == Some(*begun));
        let search = !still || self.known.is_empty() || self.rounds.is_multiple_of(SEARCH);
        self.rounds = self.rounds.wrapping_add(1);
        let known: Vec<u32> = self.known.keys().copied().collect();
        let (name, unit) = (self.process.clone(), self.service.clone());
        // Files of other processes may be on any file system: they are read where waiting is allowed.
        let look = move || {
            let pids = if search { process::find(name.as_deref(), unit.as_deref())? } else { known };
            Ok(pids.into_iter().map(|pid| (pid, counters(pid))).collect())
        };
        let looked: std::io::Result<Vec<(u32, Result<HsPerf, NoCounters>)>> =
            tokio::task::spawn_blocking(look).await.map_err(|error| Said::fail(error.to_string()).message)?;
        let looked = looked.map_err(|error| Said::fail(format!("/proc: {error}")).message)?;
        self.known.clear();
        let mut unreadable = None;
        for (pid, counters) in looked {
            match counters {
                Ok(counters) if self.known.len() < MOST => {
                    self.known.insert(pid, process::begun(pid).unwrap_or(0));
                    self.machine(sheet, pid, &counters);
                }
                Ok(_) | Err(NoCounters::None) => {}
                Err(NoCounters::Unreadable(why)) => unreadable = Some(why),
            }
        }
        self.rates.turn();
        let name = self.process.as_deref().or(self.service.as_deref()).unwrap_or_default();
        match unreadable {
            Some(why) => sheet.problem(Said::fail(why).message),
            None if self.known.is_empty() => return Err(Msg::new("app-jvm-none").with("name", name)),
            None => {}
        }
        if self.known.is_empty() {
            return Err(Msg::new("app-jvm-none").with("name", name));
        }
        Ok(())
    }

    fn machine(&mut self, sheet: &mut Sheet, pid: u32, counters: &HsPerf) {
        let main = main_of(counters.text("sun.rt.javaCommand").unwrap_or_default());
        let labels = [("main", main.as_str())];
        let generations = counters.generations();
        for generation in &generations {
            let labels = [("main", main.as_str()), ("generation", generation.name.as_str())];
            sheet.number("jvm_generation_used_bytes", &labels, generation.used as f64);
            sheet.number("jvm_generation_max_bytes", &labels, generation.max as f64);
        }
        let sum = |of: fn(&Generation) -> u64| generations.iter().map(of).fold(0, u64::saturating_add) as f64;
        sheet.number("jvm_heap_used_bytes", &labels, sum(|generation| generation.used));
        sheet.number("jvm_heap_capacity_bytes", &labels, sum(|generation| generation.capacity));
        let metaspace = counters.number("sun.gc.metaspace.used").map(|bytes| bytes as f64);
        sheet.maybe("jvm_metaspace_used_bytes", &labels, metaspace);
        for (name, series) in [
            ("java.threads.live", "jvm_threads"),
            ("java.threads.daemon", "jvm_daemon_threads"),
            ("java.threads.livePeak", "jvm_threads_peak"),
            ("java.cls.loadedClasses", "jvm_classes_loaded"),
        ] {
            sheet.maybe(series, &labels, counters.number(name).map(|count| count as f64));
        }
        let (mut pauses, mut known) = (0.0, false);
        for (place, collector) in counters.collectors().into_iter().enumerate() {
            let labels = [("main", main.as_str()), ("gc", collector.name.as_str())];
            let count = self.rates.of(format!("{pid} {place} count"), collector.invocations as f64);
            sheet.maybe("jvm_gc_collections_per_second", &labels, count);
            if let Some(rate) = self.rates.of(format!("{pid} {place} seconds"), collector.seconds) {
                // A pause is counted at its end, and may be longer than the time between two looks.
                sheet.number("jvm_gc_pause_share", &labels, rate.min(1.0));
                (pauses, known) = (pauses + rate, true);
            }
        }
        let pause_share = f64::min(pauses, 1.0);
        // What a collection leaves is in the old generation; where there is only one, everything is.
        if let Some(old) = generations.get(1).or(generations.first()).filter(|old| old.max > 0) {
            let (used, max) = (old.used as f64, old.max as f64);
            if used >= max * NEARLY_FULL || known && pause_share >= MUCH_PAUSE {
                let all = Some(sum(|generation| generation.max)).filter(|all| *all >= max);
                sheet.fact(Some(pid), AppWhat::Heap { used, max, pause_share, all });
            }
        }
    }
}

/// What runs in the machine: the class without its arguments, or the name of the archive.
pub(super) fn main_of(command: &str) -> String {
    let first = command.split_ascii_whitespace().next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_class_has_no_arguments() {
        for (command, wanted) in
            [("shop.Main --password x", "shop.Main"), ("/opt/shop/shop.jar -x", "shop.jar"), ("", "")]
        {
            assert_eq!(main_of(command), wanted);
        }
    }
}
