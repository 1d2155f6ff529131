//! What could not be named, and why.

use std::collections::BTreeMap;

use perfuse_analyze::Msg;
use perfuse_render::Texts;
use perfuse_symbol::{Problem, Reason};

use crate::perf::recorded::RecordedNames;

/// Share of samples without a name, in percent, from which it is told.
const MUCH: f64 = 10.0;

/// Files that are told of.
const MOST: usize = 3;

/// One sentence on samples without a name: of each dso, outside of every file, and all samples. `None` if they are few.
pub(super) fn summary(
    names: &RecordedNames,
    (unnamed, nowhere, all): &(BTreeMap<u32, u64>, u64, u64),
    texts: &Texts,
) -> Option<String> {
    let count = unnamed.values().sum::<u64>() + nowhere;
    let share = count as f64 * 100.0 / (*all).max(1) as f64;
    if share < MUCH {
        return None;
    }
    let mut problems = names.problems(unnamed);
    problems.retain(|problem| problem.count > 0);
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.count));
    let mut parts: Vec<String> = problems.iter().take(MOST).map(|problem| part(problem, texts)).collect();
    if *nowhere > 0 {
        parts.push(texts.text(&Msg::new("perf-report-unnamed-nowhere").with("count", nowhere.to_string())));
    }
    let message = Msg::new("perf-report-unnamed").with("count", count.to_string()).with("all", all.to_string());
    Some(texts.text(&message.with("percent", format!("{share:.0}")).with("parts", parts.join(" · "))))
}

fn part(problem: &Problem, texts: &Texts) -> String {
    let message = Msg::new("perf-report-unnamed-part").with("path", problem.path.as_str());
    let message = message.with("count", problem.count.to_string());
    texts.text(&message.with("why", texts.text(&why(&problem.reason))))
}

fn why(reason: &Reason) -> Msg {
    match reason {
        Reason::NoFile => Msg::new("perf-report-why-no-file"),
        Reason::BuildIdDiffers { path, .. } => Msg::new("perf-report-why-other-build").with("path", path.as_str()),
        Reason::Stripped => Msg::new("perf-report-why-stripped"),
        Reason::Unreadable { path, error } => {
            Msg::new("perf-report-why-unreadable").with("path", path.as_str()).with("error", error.as_str())
        }
        Reason::KernelHidden => Msg::new("perf-report-why-kernel-hidden"),
        Reason::OtherKernel => Msg::new("perf-report-why-other-kernel"),
        Reason::ModuleMoved => Msg::new("perf-report-why-module-moved"),
        Reason::NoJitMap { path } => Msg::new("perf-report-why-no-jit-map").with("path", path.as_str()),
        Reason::NotCode => Msg::new("perf-report-why-not-code"),
    }
}
