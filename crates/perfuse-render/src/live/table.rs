//! What hits add up to, as a table and as histograms with bars.

use std::fmt::Write as _;

use perfuse_analyze::live::{Order, Total};
use perfuse_format::live::{KeyPart, bucket_range};

use super::Computed;
use super::hits::padded;
use crate::Texts;
use crate::i18n::grouped;
use crate::layout::{clean, fit, width};

/// Columns of the longest bar.
const BAR: usize = 40;
/// Most keys that are shown.
const ROWS: usize = 60;

/// The table of all keys, or a histogram for each; `columns` is how wide it may be.
pub fn table(of: &Computed<'_>, columns: usize, texts: &Texts) -> String {
    let order = if of.sums { Order::Sum } else { Order::Count };
    let all = of.totals.ordered(order);
    let mut out = String::new();
    if of.totals.parts().is_some() {
        for (key, total) in all.iter().take(ROWS) {
            histogram(of, key, total, columns, texts, &mut out);
        }
    } else {
        rows(of, &all, columns, texts, &mut out);
    }
    if all.len() > ROWS {
        let left =
            texts.text(&perfuse_analyze::Msg::new("live-more-keys").with("count", (all.len() - ROWS).to_string()));
        let _ = writeln!(out, "{left}");
    }
    out
}

/// A number for people: whole where it is, else with one digit.
fn number(value: f64) -> String {
    grouped(value, usize::from(value.fract() != 0.0 && value.abs() < 1e6))
}

fn words(key: &[KeyPart]) -> Vec<String> {
    key.iter().map(|part| clean(&part.to_string()).into_owned()).collect()
}

fn rows(of: &Computed<'_>, all: &[(&[KeyPart], &Total)], columns: usize, texts: &Texts, out: &mut String) {
    let mut heads: Vec<String> = of.by.to_vec();
    let keys = heads.len();
    heads.push(texts.word("live-hits"));
    if of.value.is_some() {
        heads.extend(["live-sum", "live-mean", "live-min", "live-max"].map(|id| texts.word(id)));
    }
    let line = |(key, total): &(&[KeyPart], &Total)| {
        let mut line = words(key);
        line.resize(keys, String::new());
        line.push(grouped(total.cell.count as f64, 0));
        if of.value.is_some() {
            line.push(number(of.totals.sum(total)));
            line.push(of.totals.mean(total).map_or_else(String::new, number));
            line.extend([total.cell.min, total.cell.max].map(|value| number(of.totals.value(value))));
        }
        line
    };
    let lines: Vec<Vec<String>> = all.iter().take(ROWS).map(line).collect();
    let mut widths: Vec<usize> = heads.iter().map(|head| width(head)).collect();
    for line in &lines {
        for (room, cell) in widths.iter_mut().zip(line) {
            *room = (*room).max(width(cell));
        }
    }
    let numbers: usize = widths.iter().skip(keys).map(|room| room + 2).sum();
    // Long keys give way to the numbers.
    let most = columns.saturating_sub(numbers).checked_div(keys).unwrap_or(0).max(12);
    for room in widths.iter_mut().take(keys) {
        *room = (*room).min(most);
    }
    for line in std::iter::once(&heads).chain(&lines) {
        let mut text = String::new();
        for (index, (cell, room)) in line.iter().zip(&widths).enumerate() {
            if index < keys {
                let _ = write!(text, "{}  ", padded(&fit(cell, *room), *room));
            } else {
                let _ = write!(text, "{}{cell}  ", " ".repeat(room.saturating_sub(width(cell))));
            }
        }
        let _ = writeln!(out, "{}", text.trim_end());
    }
}

/// A histogram: buckets from the first to the last that has hits, each with its bar.
fn histogram(of: &Computed<'_>, key: &[KeyPart], total: &Total, columns: usize, texts: &Texts, out: &mut String) {
    let parts = of.totals.parts().unwrap_or(0);
    let names = of.by.iter().zip(words(key)).map(|(name, value)| format!("{name}={value}"));
    let head = [of.value.unwrap_or_default().to_owned()].into_iter().chain(names).collect::<Vec<_>>().join("  ");
    let _ = writeln!(out, "{}", fit(&head, columns));
    let (Some(first), Some(last)) = (total.buckets.keys().next(), total.buckets.keys().next_back()) else { return };
    let most = total.buckets.values().copied().max().unwrap_or(1).max(1);
    let lines: Vec<(String, u64)> =
        (*first..=*last).map(|index| (range(index, parts), total.buckets.get(&index).copied().unwrap_or(0))).collect();
    let room = lines.iter().map(|(range, _)| width(range)).max().unwrap_or(0);
    let counts = lines.iter().map(|(_, count)| grouped(*count as f64, 0).len()).max().unwrap_or(0);
    let bar = BAR.min(columns.saturating_sub(room + counts + 6)).max(8);
    for (range, count) in &lines {
        let shown = grouped(*count as f64, 0);
        let _ = writeln!(out, "{}  {shown:>counts$}  {}", padded(range, room), bar_of(*count, most, bar));
    }
    let mut facts = vec![format!("{} {}", texts.word("live-hits"), grouped(total.cell.count as f64, 0))];
    facts.extend(of.totals.mean(total).map(|mean| format!("{} {}", texts.word("live-mean"), number(mean))));
    for (id, value) in [("live-min", total.cell.min), ("live-max", total.cell.max)] {
        facts.push(format!("{} {}", texts.word(id), number(of.totals.value(value))));
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        facts.extend(of.totals.quantile(total, share).map(|value| format!("{name} ~{}", number(value.round()))));
    }
    let _ = writeln!(out, "{}\n", facts.join("  "));
}

/// `[4, 8)`, with units of 2^10 where the edges are such.
fn range(index: u32, parts: u32) -> String {
    let (low, high) = bucket_range(index, parts);
    if index == 0 {
        return "(.., 0)".to_owned();
    }
    if low == high {
        return format!("[{low}]");
    }
    format!("[{}, {})", power(low), power(high + 1))
}

fn power(value: i128) -> String {
    const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
    let (mut value, mut unit) = (value, 0);
    while value >= 1024 && value % 1024 == 0 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value}{}", UNITS[unit])
}

/// A bar with eighths of a column.
fn bar_of(count: u64, most: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let all = u128::from(count) * (columns as u128 * 8) / u128::from(most.max(1));
    // What happened at all is seen.
    let all = usize::try_from(all).unwrap_or(0).max(usize::from(count > 0));
    format!("{}{}", "█".repeat(all / 8), EIGHTHS[all % 8])
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::live::Totals;
    use perfuse_format::live::{Cell, Row, bucket};

    use super::*;
    use crate::Lang;

    fn totals(parts: Option<u32>) -> Totals {
        let rows = [("sh", 5), ("sh", 6), ("perl", 3000), ("perl", -1), ("a-very-long-name-of-a-program", 0)];
        let row = |(key, value): (&str, i64)| Row {
            key: vec![KeyPart::Text(key.to_owned())],
            bucket: bucket(value, true, 0),
            cell: Cell::of(value),
        };
        Totals::of(rows.map(row), true, parts)
    }

    #[test]
    fn keys_and_numbers_stand_in_columns() {
        let (totals, by) = (totals(None), ["comm".to_owned()]);
        let of = Computed { event: "x:y", value: Some("len"), by: &by, sums: true, totals: &totals };
        let text = table(&of, 60, &Texts::new(Lang::En));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].starts_with("perl") && lines[1].contains("2,999"), "{text}");
        assert!(lines[3].starts_with("a-very"), "{text}");
        let ends: Vec<usize> = lines.iter().map(|line| width(line)).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{text}");
    }

    #[test]
    fn histograms_have_a_bar_for_each_bucket_between_the_first_and_the_last() {
        let (totals, by) = (totals(Some(0)), ["comm".to_owned()]);
        let of = Computed { event: "x:y", value: Some("len"), by: &by, sums: false, totals: &totals };
        let text = table(&of, 80, &Texts::new(Lang::En));
        assert!(text.contains("len  comm=perl\n(.., 0)"), "{text}");
        assert!(text.contains("[2K, 4K)") && text.contains("[4, 8)") && text.contains("█"), "{text}");
        assert!(text.contains("[1K, 2K)"), "empty buckets between are shown: {text}");
        assert!(text.contains("p50 ~"), "{text}");
    }

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar_of(10, 10, 4), "████");
        assert_eq!(bar_of(5, 10, 4), "██");
        assert_eq!(bar_of(1, 1_000_000, 4), "▏");
        assert_eq!(bar_of(0, 10, 4), "");
    }
}
