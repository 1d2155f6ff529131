//! `perf report -T`: counts of each thread (`record -s`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Counts of threads, in the order in which records tell of them.
#[derive(Debug, Default)]
pub struct ThreadCounts {
    /// Process and thread, and the count of each event.
    threads: Vec<(i32, i32, BTreeMap<usize, u64>)>,
    places: BTreeMap<i32, usize>,
    /// Events, in the order in which records tell of them.
    events: Vec<usize>,
}

impl ThreadCounts {
    /// Adds a count of an event, given by its index.
    pub fn add(&mut self, (pid, tid): (i32, i32), event: usize, value: u64) {
        let place = *self.places.entry(tid).or_insert(self.threads.len());
        if place == self.threads.len() {
            self.threads.push((pid, tid, BTreeMap::new()));
        }
        if !self.events.contains(&event) {
            self.events.push(event);
        }
        if let Some((_, _, counts)) = self.threads.get_mut(place) {
            let count = counts.entry(event).or_insert(0);
            *count = count.saturating_add(value);
        }
    }

    fn pid_widths(&self) -> (usize, usize) {
        let length = |number: i32| number.to_string().len();
        let widest = |(pids, tids): (usize, usize), (pid, tid, _): &(i32, i32, BTreeMap<usize, u64>)| {
            (pids.max(length(*pid)), tids.max(length(*tid)))
        };
        self.threads.iter().fold((3, 3), widest)
    }

    /// A line for each thread, a column for each event; `names` are those of all events.
    pub fn table(&self, names: &[&str]) -> String {
        let (pid_width, tid_width) = self.pid_widths();
        let count = |counts: &BTreeMap<usize, u64>, event: &usize| counts.get(event).copied().unwrap_or(0);
        let name = |event: &usize| names.get(*event).copied().unwrap_or("");
        let width = |event: &usize| {
            let widest = self.threads.iter().map(|(.., counts)| count(counts, event).to_string().len()).max();
            widest.unwrap_or(0).max(name(event).len())
        };
        let widths: Vec<usize> = self.events.iter().map(width).collect();
        let mut out = format!("# {:>pid_width$}  {:>tid_width$}", "PID", "TID");
        for (event, &width) in self.events.iter().zip(&widths) {
            let _ = write!(out, "  {:>width$}", name(event));
        }
        out.push('\n');
        for (pid, tid, counts) in &self.threads {
            let _ = write!(out, "  {pid:>pid_width$}  {tid:>tid_width$}");
            for (event, &width) in self.events.iter().zip(&widths) {
                let _ = write!(out, "  {:>width$}", count(counts, event));
            }
            out.push('\n');
        }
        out
    }

    /// `--pretty raw`: every count with the number of its event. perf writes no ends of lines.
    pub fn raw(&self, names: &[&str]) -> String {
        let (pid_width, tid_width) = self.pid_widths();
        let name = |event: usize| names.get(event).copied().unwrap_or("");
        let widest = |lengths: &mut dyn Iterator<Item = usize>, least: usize| lengths.max().unwrap_or(0).max(least);
        let name_width = widest(&mut self.events.iter().map(|&event| name(event).len()), 4);
        let raw_width = widest(&mut self.events.iter().map(|event| format!("{event:x}").len()), 3);
        let counts = || self.threads.iter().flat_map(|(.., counts)| counts.values());
        let count_width = widest(&mut counts().map(|count| count.to_string().len()), 5);
        let mut out = format!(
            "# {:>pid_width$}  {:>tid_width$}  {:>name_width$}  {:>raw_width$}  {:>count_width$}\n",
            "PID", "TID", "Name", "Raw", "Count"
        );
        for (pid, tid, counts) in &self.threads {
            for &event in &self.events {
                let count = counts.get(&event).copied().unwrap_or(0);
                let _ = write!(
                    out,
                    "  {pid:>pid_width$}  {tid:>tid_width$}  {:>name_width$}  {event:>raw_width$x}  {count:>count_width$}",
                    name(event)
                );
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_thread_add_up_and_stand_side_by_side() {
        let mut counts = ThreadCounts::default();
        for (thread, event, value) in
            [((12362, 12362), 0, 12_090_000), ((12362, 12362), 0, 126), ((12364, 12364), 1, 7)]
        {
            counts.add(thread, event, value);
        }
        assert_eq!(
            counts.table(&["cpu-clock:ppp", "faults"]),
            "#   PID    TID  cpu-clock:ppp  faults
  12362  12362       12090126       0
  12364  12364              0       7
"
        );
        assert_eq!(
            counts.raw(&["a", "b"]),
            "#   PID    TID  Name  Raw     Count\n  12362  12362     a    0  12090126  12362  12362     b    0         0\
             \u{20} 12364  12364     a    0         0  12364  12364     b    0         7"
                .replace("    b    0", "    b    1")
        );
    }
}
