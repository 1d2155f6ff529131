//! `--topdown` and `-T`: fixed sets of events with their ratios, on CPUs that have the events.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use perfuse_analyze::stat::MetricStyle;
use perfuse_format::event::Events;
use perfuse_format::vendor::Expr;

use super::metrics::Planned;
use crate::perf::options::UsageError;

/// A ratio of a fixed set of events: the event behind which it stands, its title, its formula.
type Ratio = (&'static str, &'static str, &'static str, MetricStyle);

/// Shares of the slots of CPUs that count them by cause; those of the second level stand at the end.
const SLOTS: [Ratio; 8] = [
    ("topdown-retiring", "Retiring", r"topdown\-retiring / ALL * 100", MetricStyle::OnePercent),
    ("topdown-bad-spec", "Bad Speculation", r"topdown\-bad\-spec / ALL * 100", MetricStyle::OnePercent),
    ("topdown-fe-bound", "Frontend Bound", r"topdown\-fe\-bound / ALL * 100", MetricStyle::OnePercent),
    ("topdown-be-bound", "Backend Bound", r"topdown\-be\-bound / ALL * 100", MetricStyle::OnePercent),
    ("topdown-heavy-ops", "Heavy Operations", r"topdown\-heavy\-ops / ALL * 100", MetricStyle::OnePercent),
    ("topdown-br-mispredict", "Branch Mispredict", r"topdown\-br\-mispredict / ALL * 100", MetricStyle::OnePercent),
    ("topdown-fetch-lat", "Fetch Latency", r"topdown\-fetch\-lat / ALL * 100", MetricStyle::OnePercent),
    ("topdown-mem-bound", "Memory Bound", r"topdown\-mem\-bound / ALL * 100", MetricStyle::OnePercent),
];
/// What is left of each share of the first level.
const REST: [Ratio; 4] = [
    (
        "topdown-heavy-ops",
        "Light Operations",
        r"(topdown\-retiring - topdown\-heavy\-ops) / ALL * 100",
        MetricStyle::OnePercent,
    ),
    (
        "topdown-br-mispredict",
        "Machine Clears",
        r"(topdown\-bad\-spec - topdown\-br\-mispredict) / ALL * 100",
        MetricStyle::OnePercent,
    ),
    (
        "topdown-fetch-lat",
        "Fetch Bandwidth",
        r"(topdown\-fe\-bound - topdown\-fetch\-lat) / ALL * 100",
        MetricStyle::OnePercent,
    ),
    (
        "topdown-mem-bound",
        "Core Bound",
        r"(topdown\-be\-bound - topdown\-mem\-bound) / ALL * 100",
        MetricStyle::OnePercent,
    ),
];
const ALL_SLOTS: &str = r"(topdown\-retiring + topdown\-bad\-spec + topdown\-fe\-bound + topdown\-be\-bound)";

/// The same for older CPUs, which count slots and what went through them.
const OLD_SLOTS: [Ratio; 4] = [
    (
        "topdown-fetch-bubbles",
        "frontend bound",
        r"topdown\-fetch\-bubbles / topdown\-total\-slots * 100",
        MetricStyle::OnePercent,
    ),
    (
        "topdown-slots-retired",
        "retiring",
        r"topdown\-slots\-retired / topdown\-total\-slots * 100",
        MetricStyle::OnePercent,
    ),
    ("topdown-recovery-bubbles", "bad speculation", r"BAD / topdown\-total\-slots * 100", MetricStyle::OnePercent),
    (
        "topdown-slots-issued",
        "backend bound",
        r"max(0, 1 - (topdown\-fetch\-bubbles + topdown\-slots\-retired + BAD) / topdown\-total\-slots) * 100",
        MetricStyle::OnePercent,
    ),
];
const BAD: &str = r"max(0, topdown\-slots\-issued - topdown\-slots\-retired + topdown\-recovery\-bubbles)";
const OLD_EVENTS: [&str; 5] = [
    "topdown-total-slots",
    "topdown-slots-retired",
    "topdown-recovery-bubbles",
    "topdown-fetch-bubbles",
    "topdown-slots-issued",
];

/// Transactions, of CPUs that have them.
const TRANSACTIONS: [Ratio; 4] = [
    ("cpu/cycles-t/", "transactional cycles", r"100 * cpu@cycles\-t@ / cycles", MetricStyle::Percent),
    (
        "cpu/cycles-ct/",
        "aborted cycles",
        r"100 * max(0, cpu@cycles\-t@ - cpu@cycles\-ct@) / cycles",
        MetricStyle::Percent,
    ),
    ("cpu/tx-start/", "cycles / transaction", r"cpu@cycles\-t@ / cpu@tx\-start@", MetricStyle::Whole),
    ("cpu/el-start/", "cycles / elision", r"cpu@cycles\-t@ / cpu@el\-start@", MetricStyle::Whole),
];

/// What `--topdown` found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Topdown {
    /// Slots are counted by cause, up to this level.
    Slots(u64),
    /// Slots are counted on whole cores.
    Cores,
    /// Neither.
    None,
}

/// Which top-down events the CPU has; `has` tells whether its PMU names an event.
pub(super) fn topdown(has: &dyn Fn(&str) -> bool) -> Topdown {
    if has("slots") && has("topdown-retiring") {
        return Topdown::Slots(if has("topdown-heavy-ops") { 2 } else { 1 });
    }
    if OLD_EVENTS.iter().all(|event| has(event)) { Topdown::Cores } else { Topdown::None }
}

/// The events and formulas of `--topdown`.
pub(super) fn add_topdown(found: &Topdown, level: u64, events: &mut Events<'_>) -> Result<Vec<Planned>, UsageError> {
    let (text, ratios): (String, Vec<Ratio>) = match found {
        Topdown::None => return Ok(Vec::new()),
        Topdown::Cores => (format!("{{{}}}", OLD_EVENTS.join(",")), OLD_SLOTS.to_vec()),
        Topdown::Slots(_) => {
            let shown = if level >= 2 { SLOTS.len() } else { 4 };
            let own = SLOTS.iter().take(shown);
            let names: Vec<&str> = own.clone().map(|ratio| ratio.0).collect();
            let rest = REST.iter().take(if level >= 2 { REST.len() } else { 0 });
            (format!("{{slots,{}}}", names.join(",")), own.chain(rest).copied().collect())
        }
    };
    fixed(&text, &ratios, events)
}

/// The events and formulas of `-T`; `elision` tells whether elided locks can be counted too.
pub(super) fn add_transactions(elision: bool, events: &mut Events<'_>) -> Result<Vec<Planned>, UsageError> {
    let text = if elision {
        "task-clock,{instructions,cycles,cpu/cycles-t/,cpu/tx-start/,cpu/el-start/,cpu/cycles-ct/}"
    } else {
        "task-clock,{instructions,cycles,cpu/cycles-t/,cpu/tx-start/}"
    };
    fixed(text, &TRANSACTIONS, events)
}

/// Adds events, and the ratios whose events are among them.
fn fixed(text: &str, ratios: &[Ratio], events: &mut Events<'_>) -> Result<Vec<Planned>, UsageError> {
    let first = events.events().len();
    events.add(text).map_err(|error| UsageError(crate::perf::words::event_words(&error)))?;
    let added = events.events().get(first..).unwrap_or_default();
    let place = |name: &str| Some(first + added.iter().position(|event| event.name == name)?);
    let mut planned = Vec::new();
    for (shown, title, formula, style) in ratios {
        let formula = formula.replace("ALL", ALL_SLOTS).replace("BAD", BAD);
        let Ok(expr) = Expr::parse(&formula) else { continue };
        let names: BTreeSet<String> = expr.events().map(str::to_owned).collect();
        let places: Option<Vec<(String, Range<usize>)>> =
            names.into_iter().map(|name| place(&name).map(|at| (name, at..at + 1))).collect();
        if let (Some(events), Some(at)) = (places, place(shown)) {
            planned.push(Planned {
                title: (*title).to_owned(),
                expr,
                scale: 1.0,
                style: *style,
                constants: BTreeMap::new(),
                events,
                at: Some(at),
            });
        }
    }
    Ok(planned)
}

#[cfg(test)]
mod tests {
    use perfuse_format::event::{Format, Mode, Offered, Pmu, PmuEvent};

    use super::*;

    fn host(names: &[&str]) -> Offered {
        let event =
            |name: &&str| PmuEvent { name: (*name).to_owned(), terms: "event=1".to_owned(), ..PmuEvent::default() };
        let pmu = Pmu {
            name: "cpu".to_owned(),
            kind: 4,
            formats: Format::parse("event", "config:0-7").into_iter().collect(),
            events: names.iter().map(event).collect(),
            ..Pmu::default()
        };
        Offered { pmus: vec![pmu], ..Offered::default() }
    }

    fn titles(planned: &[Planned]) -> Vec<&str> {
        planned.iter().map(|planned| planned.title.as_str()).collect()
    }

    #[test]
    fn top_down_events_are_found_by_level() {
        let level_2: Vec<&str> = SLOTS.iter().map(|ratio| ratio.0).chain(["slots"]).collect();
        for (names, found, level, ratios) in [
            (level_2.clone(), Topdown::Slots(2), 2, 12),
            (level_2.clone(), Topdown::Slots(2), 1, 4),
            (OLD_EVENTS.to_vec(), Topdown::Cores, 1, 4),
            (vec!["slots"], Topdown::None, 1, 0),
        ] {
            assert_eq!(topdown(&|name| names.contains(&name)), found);
            let host = host(&names);
            let mut events = Events::new(&host, Mode::Stat);
            let planned = add_topdown(&found, level, &mut events).unwrap();
            assert_eq!(planned.len(), ratios, "{:?}", titles(&planned));
        }
    }

    #[test]
    fn shares_of_slots_add_up() {
        let host = host(&OLD_EVENTS);
        let mut events = Events::new(&host, Mode::Stat);
        let planned = add_topdown(&Topdown::Cores, 1, &mut events).unwrap();
        // 400 slots, 100 retired of 120 issued, 20 lost in recovery, 60 not fetched.
        let count = |name: &str| {
            let at = OLD_EVENTS.iter().position(|known| *known == name)?;
            Some(([400.0, 100.0, 20.0, 60.0, 120.0][at], 1.0))
        };
        let values: Vec<f64> = planned.iter().map(|planned| planned.expr.value(&count, &|_| None)).collect();
        assert_eq!(titles(&planned), ["frontend bound", "retiring", "bad speculation", "backend bound"]);
        assert_eq!(values, [15.0, 25.0, 10.0, 50.0]);
    }

    #[test]
    fn transactions_have_their_ratios() {
        let host = host(&["cycles-t", "tx-start", "el-start", "cycles-ct"]);
        let mut events = Events::new(&host, Mode::Stat);
        let all = add_transactions(true, &mut events).unwrap();
        assert_eq!(
            titles(&all),
            ["transactional cycles", "aborted cycles", "cycles / transaction", "cycles / elision"]
        );
        let mut events = Events::new(&host, Mode::Stat);
        let limited = add_transactions(false, &mut events).unwrap();
        assert_eq!(titles(&limited), ["transactional cycles", "cycles / transaction"]);
        assert_eq!(limited[0].at, Some(3));
    }
}
