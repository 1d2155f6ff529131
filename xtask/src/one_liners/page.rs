//! The page.

use std::fmt::Write as _;

use anyhow::Result;

use super::verdict::{Outcome, Verdict};
use super::{OneLiner, Place};

/// What stands before the table.
const HEAD: &str = "# The one-liners, run\n\n\
    Written by `cargo xtask one-liners`: each line of the cheat sheet, word for word, through a link named `perf`, and by real\n\
    perf 6.1, one after the other at the same place. In brackets stands the exit status; 130 is Ctrl-C, which commands get that\n\
    run until then. `sleep` is shorter, and what stands for something of the reader's is put in: a process that computes for\n\
    `PID`, a small script for `command`, files of Debian for those of another distribution, a small program with the probe of\n\
    Node.js for `node`. A probe that an earlier line has defined is removed before it is defined anew.\n\n\
    Neither place has hardware counters, branch records or memory sampling, so that what needs them fails or is degraded there,\n\
    whoever runs it: then the words count.\n\n";

/// The page: head, counts, and a row for each one-liner with two columns for each place.
pub(super) fn written(sheet: &[OneLiner], places: &[Place]) -> Result<String> {
    let mut page = HEAD.to_owned();
    page.push_str("| | kernel | perf runs | perfuse runs | perf runs and perfuse does not |\n|---|---|---|---|---|\n");
    for place in places {
        let [theirs, ours] = &place.outcomes;
        let runs = |outcomes: &[Outcome]| outcomes.iter().filter(|outcome| outcome.runs()).count();
        let behind = sheet.iter().zip(theirs.iter().zip(ours)).filter(|(_, (their, our))| their.runs() && !our.runs());
        let behind: Vec<&str> = behind.map(|(one, _)| one.id.as_str()).collect();
        let behind = if behind.is_empty() { "none".to_owned() } else { behind.join(", ") };
        let (name, kernel, all) = (place.name, &place.kernel, sheet.len());
        writeln!(page, "| {name} | {kernel} | {} of {all} | {} of {all} | {behind} |", runs(theirs), runs(ours))?;
    }
    page.push_str("\n| | command |");
    for place in places {
        write!(page, " perf {0} | perfuse {0} |", if place.name == "here" { "here" } else { "in the guest" })?;
    }
    writeln!(page, "\n|---|---|{}", "---|---|".repeat(places.len()))?;
    for (at, one) in sheet.iter().enumerate() {
        let command = one.command.replace('|', "\\|");
        let (fence, pad) = if command.contains('`') { ("``", " ") } else { ("`", "") };
        write!(page, "| {} | {fence}{pad}{command}{pad}{fence} |", one.id)?;
        for outcomes in places.iter().flat_map(|place| &place.outcomes) {
            write!(page, " {} |", outcomes.get(at).map(cell).unwrap_or_default())?;
        }
        page.push('\n');
    }
    Ok(page)
}

fn cell(outcome: &Outcome) -> String {
    let status = outcome.status.map_or_else(|| "killed".to_owned(), |status| status.to_string());
    let plain = |text: &str| {
        let text: String = text.replace('|', "\\|").replace('`', "'").chars().take(160).collect();
        text.trim_end().to_owned()
    };
    match &outcome.verdict {
        Verdict::Works => format!("works ({status})"),
        Verdict::Degraded(why) => format!("degraded ({status}): {}", plain(why)),
        Verdict::Fails(why) => format!("fails ({status}): {}", plain(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_what_was_seen_at_each_place() {
        let one = |id: &str, command: &str| OneLiner { id: id.to_owned(), command: command.to_owned() };
        let sheet = [one("L01", "perf list | head"), one("S23", "perf buildid-cache --add `which node`")];
        let works = || Outcome { verdict: Verdict::Works, status: Some(0) };
        let fails = || Outcome { verdict: Verdict::Fails("a | b".to_owned()), status: Some(255) };
        let place = Place {
            name: "here",
            kernel: "6.1".to_owned(),
            outcomes: [vec![works(), works()], vec![works(), fails()]],
        };
        let page = written(&sheet, &[place]).unwrap();
        assert!(page.contains("| here | 6.1 | 2 of 2 | 1 of 2 | S23 |"), "{page}");
        assert!(page.contains("| L01 | `perf list \\| head` | works (0) | works (0) |"), "{page}");
        assert!(
            page.contains("`` perf buildid-cache --add `which node` `` | works (0) | fails (255): a \\| b |"),
            "{page}"
        );
    }
}
