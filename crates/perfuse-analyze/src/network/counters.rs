//! The counters of the stack (`/proc/net/{snmp,netstat,snmp6,softnet_stat}`) over a run.

use std::collections::BTreeMap;

use perfuse_format::parse::KeyValues;
use perfuse_format::proc::net::{Mib, SoftnetStat};
use perfuse_format::{Delta, Reading, delta};

use crate::run::Run;

/// Growth of every counter, and the seconds in which it grew.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Counters {
    grown: BTreeMap<(String, String), u64>,
    /// Seconds of the run.
    pub(super) seconds: f64,
}

/// What one CPU's receive softirq did, per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Softnet {
    pub(super) cpu: u32,
    pub(super) processed: f64,
    pub(super) dropped: f64,
    pub(super) squeezed: f64,
}

impl Counters {
    /// Reads both files. What one of them lacks is simply not there; with neither there is a reason.
    pub(super) fn over(run: &Run) -> Reading<Self> {
        let mut counters = Self::default();
        let snmp = run.span::<Mib>("/proc/net/snmp");
        let netstat = run.span::<Mib>("/proc/net/netstat");
        if let (Reading::Missing(why), Reading::Missing(_)) = (&snmp, &netstat) {
            return Reading::Missing(why.clone());
        }
        for span in [snmp, netstat].into_iter().filter_map(Reading::into_value) {
            counters.seconds = span.seconds;
            counters.add(&span.first, &span.last);
        }
        // IPv6 has a file of its own, with the protocol in the name.
        if let Some(span) = run.span::<KeyValues>("/proc/net/snmp6").into_value() {
            for (name, last) in &span.last.0 {
                if let Some(Delta::Grew(by)) = span.first.get(name).map(|first| delta(first, *last)) {
                    counters.grown.insert(("6".to_owned(), name.clone()), by);
                }
            }
        }
        Reading::Value(counters)
    }

    fn add(&mut self, first: &Mib, last: &Mib) {
        for (protocol, counters) in &last.0 {
            for (name, last) in counters {
                // A counter that went backwards was reset: nothing is known of this run.
                if let Some(Delta::Grew(by)) = first.get(protocol, name).map(|first| delta(first, *last)) {
                    self.grown.insert((protocol.clone(), name.clone()), by);
                }
            }
        }
    }

    /// By how much a counter grew; `None` where this kernel does not have it or it was reset.
    pub(super) fn grew(&self, protocol: &str, name: &str) -> Option<u64> {
        self.grown.get(&(protocol.to_owned(), name.to_owned())).copied()
    }

    /// Growth per second.
    pub(super) fn rate(&self, protocol: &str, name: &str) -> Option<f64> {
        Some(self.grew(protocol, name)? as f64 / self.seconds)
    }

    /// The sum of several rates; those that are not there count as nothing.
    pub(super) fn sum(&self, names: &[(&str, &str)]) -> f64 {
        names.iter().filter_map(|(protocol, name)| self.rate(protocol, name)).sum()
    }
}

/// Rates of each CPU that was online in the first and the last sample.
pub(super) fn softnet(run: &Run) -> Reading<Vec<Softnet>> {
    run.span::<SoftnetStat>("/proc/net/softnet_stat").map(|span| {
        let first: BTreeMap<u32, _> = span.first.0.iter().map(|cpu| (cpu.cpu, cpu)).collect();
        let rate = |before: u32, after: u32| {
            delta(before.into(), after.into()).grew().map_or(0.0, |by| by as f64 / span.seconds)
        };
        span.last
            .0
            .iter()
            .filter_map(|last| {
                let first = first.get(&last.cpu)?;
                Some(Softnet {
                    cpu: last.cpu,
                    processed: rate(first.processed, last.processed),
                    dropped: rate(first.dropped, last.dropped),
                    squeezed: rate(first.time_squeeze, last.time_squeeze),
                })
            })
            .collect()
    })
}
