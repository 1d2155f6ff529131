//! The ratios that perf writes behind a count: rates, instructions per cycle, misses in percent.

use std::collections::BTreeMap;

use super::aggregate::Place;
use super::event::{CacheLevel, CountedEvent, Role};

/// How the number of a metric is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricStyle {
    /// `%8.3f`: rates, utilization, GHz.
    Three,
    /// `%7.2f ` with the blank: per instruction.
    Two,
    /// `%7.2f%%`: percent.
    Percent,
    /// `%8.3f %%`: percent of cache references.
    WidePercent,
    /// `%8.1f`: metrics of a CPU's model that have a unit.
    One,
    /// `%8.2f`: those without.
    WideTwo,
    /// `%8.1f%%`: shares of slots and transactions.
    OnePercent,
    /// `%8.0f`: whole numbers.
    Whole,
}

/// How bad a ratio is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Alarm {
    /// Not at all.
    #[default]
    None,
    /// Somewhat.
    Low,
    /// Notably.
    Middle,
    /// Very.
    High,
}

/// One ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The number; `None` where its denominator was not counted.
    pub value: Option<f64>,
    /// How it is written.
    pub style: MetricStyle,
    /// What it is: `CPUs utilized`, `K/sec`, `insn per cycle`.
    pub unit: String,
    /// How bad it is.
    pub alarm: Alarm,
}

/// Limits above which a ratio is high, notable or somewhat bad, in percent.
type Limits = [f64; 3];
const CACHE_LIMITS: Limits = [20.0, 10.0, 5.0];
const FRONTEND_LIMITS: Limits = [50.0, 30.0, 10.0];
const BACKEND_LIMITS: Limits = [75.0, 50.0, 20.0];

fn alarm(percent: f64, limits: Limits) -> Alarm {
    match limits.iter().position(|limit| percent > *limit) {
        Some(0) => Alarm::High,
        Some(1) => Alarm::Middle,
        Some(_) => Alarm::Low,
        None => Alarm::None,
    }
}

/// Sums of counts by what they are: the means of all rows, in raw units (nanoseconds for clocks). Where several events
/// have one role, as `cpu-clock` and `task-clock`, their mean counts.
#[derive(Debug, Default)]
pub(super) struct Totals<'a>(BTreeMap<Key<'a>, (f64, f64)>);

/// Place, context, cgroup and role.
type Key<'a> = (Place, u64, Option<&'a str>, Role);

impl<'a> Totals<'a> {
    /// Takes a row in.
    pub(super) fn add(&mut self, place: Place, event: &'a CountedEvent, value: f64) {
        if event.role != Role::Other {
            let total = self.0.entry((place, event.context, event.cgroup.as_deref(), event.role)).or_default();
            total.0 += value;
            total.1 += 1.0;
        }
    }

    /// The mean of the events of a role, of the same place, cgroup and context as `event`.
    fn get(&self, place: Place, event: &'a CountedEvent, role: Role) -> Option<f64> {
        let (sum, count) = self.0.get(&(place, event.context, event.cgroup.as_deref(), role))?;
        Some(sum / count)
    }

    /// The metrics of a row whose count is `value`; `seconds` is the time that passed.
    pub(super) fn metrics(&self, place: Place, event: &'a CountedEvent, value: f64, seconds: f64) -> Vec<Metric> {
        let total = |role| self.get(place, event, role);
        let percent_of = |role: Role, unit: &str, limits: Limits| {
            let percent = total(role).map(|total| if total > 0.0 { 100.0 * value / total } else { 0.0 });
            let alarm = percent.map_or(Alarm::None, |percent| alarm(percent, limits));
            vec![Metric { value: percent, style: MetricStyle::Percent, unit: unit.to_owned(), alarm }]
        };
        match event.role {
            Role::Clock => {
                let utilized = (seconds > 0.0).then(|| value / (seconds * 1e9));
                vec![plain(utilized, MetricStyle::Three, "CPUs utilized")]
            }
            Role::Instructions => self.of_instructions(place, event, value),
            Role::Cycles => match total(Role::Clock).filter(|clock| *clock > 0.0) {
                Some(clock) => vec![plain(Some(value / clock), MetricStyle::Three, "GHz")],
                None => vec![plain(None, MetricStyle::Three, "Ghz")],
            },
            Role::BranchMisses => percent_of(Role::Branches, "of all branches", CACHE_LIMITS),
            Role::CacheReadMisses(level) => percent_of(Role::CacheReads(level), accesses_of(level), CACHE_LIMITS),
            Role::CacheMisses => {
                let references = total(Role::CacheReferences);
                let percent = references.map(|total| if total > 0.0 { 100.0 * value / total } else { 0.0 });
                vec![plain(percent, MetricStyle::WidePercent, "of all cache refs")]
            }
            Role::StalledFrontend => percent_of(Role::Cycles, "frontend cycles idle", FRONTEND_LIMITS),
            Role::StalledBackend => percent_of(Role::Cycles, "backend cycles idle", BACKEND_LIMITS),
            _ => total(Role::Clock).map(|clock| vec![rate(value, clock)]).unwrap_or_default(),
        }
    }

    fn of_instructions(&self, place: Place, event: &'a CountedEvent, value: f64) -> Vec<Metric> {
        let cycles = self.get(place, event, Role::Cycles).filter(|cycles| *cycles > 0.0);
        let mut all = vec![plain(cycles.map(|cycles| value / cycles), MetricStyle::Two, "insn per cycle")];
        let stalled = |role| self.get(place, event, role).unwrap_or(0.0);
        let stalled = stalled(Role::StalledFrontend).max(stalled(Role::StalledBackend));
        if stalled > 0.0 && value > 0.0 {
            all.push(plain(Some(stalled / value), MetricStyle::Two, "stalled cycles per insn"));
        }
        all
    }
}

fn plain(value: Option<f64>, style: MetricStyle, unit: &str) -> Metric {
    Metric { value, style, unit: unit.to_owned(), alarm: Alarm::None }
}

fn accesses_of(level: CacheLevel) -> &'static str {
    match level {
        CacheLevel::L1Data => "of all L1-dcache accesses",
        CacheLevel::L1Instructions => "of all L1-icache accesses",
        CacheLevel::Last => "of all LL-cache accesses",
        CacheLevel::DataTlb => "of all dTLB cache accesses",
        CacheLevel::InstructionTlb => "of all iTLB cache accesses",
    }
}

/// Events a second of the clock (nanoseconds): per second of CPU time, in the largest unit that leaves it above 1.
fn rate(value: f64, clock: f64) -> Metric {
    let mut rate = if clock > 0.0 { 1e9 * value / clock } else { 0.0 };
    let mut unit = "/sec";
    for larger in ["K/sec", "M/sec", "G/sec"] {
        if rate > 1000.0 {
            rate /= 1000.0;
            unit = larger;
        }
    }
    plain(Some(rate), MetricStyle::Three, unit)
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::EventAttr;
    use perfuse_format::perfdata::attr::{flag, kind};

    use super::*;

    fn event(kind: u32, config: u64) -> CountedEvent {
        CountedEvent::new("x", &EventAttr { kind, config, ..EventAttr::default() })
    }

    /// The metrics of the last event, as `value unit`.
    fn last(counts: &[(u32, u64, f64)]) -> Vec<String> {
        let events: Vec<_> = counts.iter().map(|(kind, config, value)| (event(*kind, *config), *value)).collect();
        let mut totals = Totals::default();
        for (event, value) in &events {
            totals.add(Place::All, event, *value);
        }
        let (event, value) = events.last().unwrap();
        let show = |metric: &Metric| format!("{:?} {}", metric.value, metric.unit);
        totals.metrics(Place::All, event, *value, 2.0).iter().map(show).collect()
    }

    const CLOCK: (u32, u64, f64) = (kind::SOFTWARE, 1, 1e9);

    #[test]
    fn rates_are_in_the_largest_unit_above_one() {
        let of = |value| last(&[CLOCK, (kind::SOFTWARE, 3, value)]);
        assert_eq!(of(0.0), ["Some(0.0) /sec"]);
        assert_eq!(of(1000.0), ["Some(1000.0) /sec"]);
        assert_eq!(of(1500.0), ["Some(1.5) K/sec"]);
        assert_eq!(of(2.5e6), ["Some(2.5) M/sec"]);
        assert_eq!(of(4e12), ["Some(4000.0) G/sec"]);
        assert!(last(&[(kind::SOFTWARE, 3, 5.0)]).is_empty(), "no clock, no rate");
    }

    #[test]
    fn ratios_of_hardware_events() {
        let hardware = |config, value| (kind::HARDWARE, config, value);
        assert_eq!(last(&[CLOCK]), ["Some(0.5) CPUs utilized"]);
        assert_eq!(last(&[CLOCK, hardware(0, 3e9)]), ["Some(3.0) GHz"]);
        assert_eq!(last(&[hardware(0, 3e9)]), ["None Ghz"]);
        assert_eq!(last(&[hardware(0, 100.0), hardware(1, 250.0)]), ["Some(2.5) insn per cycle"]);
        assert_eq!(last(&[hardware(1, 250.0)]), ["None insn per cycle"]);
        assert_eq!(
            last(&[hardware(0, 100.0), hardware(7, 25.0), hardware(8, 50.0), hardware(1, 200.0)]),
            ["Some(2.0) insn per cycle", "Some(0.25) stalled cycles per insn"]
        );
        assert_eq!(last(&[hardware(0, 100.0), hardware(7, 25.0)]), ["Some(25.0) frontend cycles idle"]);
        assert_eq!(last(&[hardware(4, 200.0), hardware(5, 10.0)]), ["Some(5.0) of all branches"]);
        assert_eq!(last(&[hardware(2, 200.0), hardware(3, 10.0)]), ["Some(5.0) of all cache refs"]);
        assert_eq!(last(&[hardware(3, 10.0)]), ["None of all cache refs"]);
        let cache = |config, value| (kind::HW_CACHE, config, value);
        assert_eq!(last(&[cache(0, 200.0), cache(0x1_0000, 10.0)]), ["Some(5.0) of all L1-dcache accesses"]);
    }

    #[test]
    fn events_that_leave_out_different_things_are_not_compared() {
        let mut user = event(kind::HARDWARE, 0);
        user.context = flag::EXCLUDE_KERNEL;
        let instructions = event(kind::HARDWARE, 1);
        let mut totals = Totals::default();
        totals.add(Place::All, &user, 100.0);
        assert_eq!(totals.metrics(Place::All, &instructions, 50.0, 1.0)[0].value, None);
        let mut group = event(kind::SOFTWARE, 1);
        group.cgroup = Some("a".to_owned());
        totals.add(Place::All, &group, 1e9);
        assert!(totals.metrics(Place::All, &event(kind::SOFTWARE, 3), 5.0, 1.0).is_empty());
    }

    #[test]
    fn alarms_rise_with_the_percentage() {
        let alarms: Vec<_> = [21.0, 20.0, 6.0, 1.0].iter().map(|percent| alarm(*percent, CACHE_LIMITS)).collect();
        assert_eq!(alarms, [Alarm::High, Alarm::Middle, Alarm::Low, Alarm::None]);
    }
}
