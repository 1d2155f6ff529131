//! `--metric-only`: a line per place, a column per ratio. Rates and utilization are no ratios of this kind.

use std::fmt::Write as _;

use perfuse_analyze::stat::{CacheLevel, CountedEvent, Metric, Place, Role, Row, Table};

use super::{Format, Rows, Style, counts_cpus, fields, interval_header, json, place_name, text};

/// Columns of a ratio, unless its name is longer.
const COLUMN: usize = 20;

/// What the column of an event is called; `None` where it has none.
fn title(event: &CountedEvent) -> Option<String> {
    let unit = match event.role {
        Role::Cycles => "GHz",
        Role::Instructions => "insn per cycle",
        Role::StalledFrontend => "frontend cycles idle",
        Role::StalledBackend => "backend cycles idle",
        Role::BranchMisses => "of all branches",
        Role::CacheMisses => "of all cache refs",
        Role::CacheReadMisses(CacheLevel::L1Data) => "of all L1-dcache accesses",
        Role::CacheReadMisses(CacheLevel::L1Instructions) => "of all L1-icache accesses",
        Role::CacheReadMisses(CacheLevel::Last) => "of all LL-cache accesses",
        Role::CacheReadMisses(CacheLevel::DataTlb) => "of all dTLB cache accesses",
        Role::CacheReadMisses(CacheLevel::InstructionTlb) => "of all iTLB cache accesses",
        _ => return None,
    };
    // Of what, where the words alone do not tell.
    Some(if unit.starts_with("of all") { format!("{} {unit}", event.name) } else { unit.to_owned() })
}

/// The titles of all columns: of each event its own ratio, and the metrics that are shown behind it.
fn titles(rows: Rows<'_>) -> Vec<String> {
    let computed =
        |index: usize| rows.table.titles.iter().filter(move |(of, _)| *of == index).map(|(_, name)| name.clone());
    rows.events.iter().enumerate().flat_map(|(index, event)| title(event).into_iter().chain(computed(index))).collect()
}

pub(super) fn header(out: &mut String, rows: Rows<'_>, style: &Style) {
    let titles = titles(rows);
    match &style.format {
        Format::Json => {}
        Format::Fields(separator) => {
            let mut all: Vec<String> = Vec::new();
            if rows.moment.is_some() {
                all.push("time".to_owned());
            }
            let place = rows.table.rows.first().map_or(Place::All, |row| row.place);
            match place {
                Place::All => {}
                Place::Cpu(_) | Place::Percore(..) => all.push("cpu".to_owned()),
                Place::Thread(_) => all.push("comm-pid".to_owned()),
                Place::Core(..) => all.extend(["core".to_owned(), "cpus".to_owned()]),
                Place::Die(..) => all.extend(["die".to_owned(), "cpus".to_owned()]),
                Place::Socket(_) => all.extend(["socket".to_owned(), "cpus".to_owned()]),
                Place::Node(_) => all.extend(["node".to_owned(), "cpus".to_owned()]),
            }
            all.extend(titles);
            let _ = writeln!(out, "{}", all.join(separator));
        }
        Format::Text => {
            // As wide as what stands before the ratios of a row.
            let mut before = String::new();
            let place = rows.table.rows.first().map_or(Place::All, |row| row.place);
            text::begin(&mut before, place, 0, rows);
            let above = match rows.moment {
                Some(_) => interval_header(rows.table.aggregation, rows.events, true),
                None => String::new(),
            };
            let _ = write!(out, "{above:<width$}", width = before.chars().count());
            for title in titles {
                let _ = write!(out, "{title:>COLUMN$} ");
            }
            out.push('\n');
        }
    }
}

pub(super) fn rows(out: &mut String, rows: Rows<'_>, style: &Style) {
    for line in lines(rows.table) {
        let Some(first) = line.first().copied() else { continue };
        match &style.format {
            Format::Text => {
                text::begin(out, first.place, first.cpus, rows);
                for (title, metric) in cells(&line, rows) {
                    let width = COLUMN.max(title.chars().count());
                    let number = metric.and_then(text::number).unwrap_or_default();
                    let _ = write!(out, "{number:>width$} ");
                }
            }
            Format::Fields(separator) => {
                let mut all = Vec::new();
                let mut before = String::new();
                fields::begin(&mut before, first, rows, style, separator);
                for (_, metric) in cells(&line, rows) {
                    let number = metric.and_then(text::number).unwrap_or_default();
                    all.push(number.trim().trim_end_matches(['%', ' ']).to_owned());
                }
                let _ = write!(out, "{before}{}", all.join(separator));
            }
            Format::Json => {
                let mut all = Vec::new();
                if let Some(moment) = rows.moment {
                    all.push(format!("\"interval\" : {}.{:09}", moment.seconds, moment.nanos));
                }
                let place = place_name(first.place, rows);
                if !place.is_empty() {
                    all.push(format!("\"place\" : {}", json::quoted(&place)));
                }
                if counts_cpus(first.place) {
                    all.push(format!("\"aggregate-number\" : {}", first.cpus));
                }
                for (title, metric) in cells(&line, rows) {
                    let value = metric.and_then(|metric| metric.value).filter(|value| value.is_finite());
                    let value = value.map_or_else(|| "null".to_owned(), |value| format!("{value:.6}"));
                    all.push(format!("{} : {value}", json::quoted(&title)));
                }
                let _ = write!(out, "{{{}}}", all.join(", "));
            }
        }
        out.push('\n');
    }
}

/// Rows of one place, by place in their order.
fn lines(table: &Table) -> Vec<Vec<&Row>> {
    let mut lines: Vec<Vec<&Row>> = Vec::new();
    for row in &table.rows {
        match lines.iter_mut().find(|line| line.first().is_some_and(|first| first.place == row.place)) {
            Some(line) => line.push(row),
            None => lines.push(vec![row]),
        }
    }
    lines
}

/// Title and ratio of every column.
fn cells<'a>(line: &[&'a Row], rows: Rows<'_>) -> Vec<(String, Option<&'a Metric>)> {
    let mut cells = Vec::new();
    for (index, event) in rows.events.iter().enumerate() {
        let row = line.iter().find(|row| row.event == index);
        if let Some(title) = title(event) {
            cells.push((title, row.and_then(|row| row.metrics.first())));
        }
        for (_, title) in rows.table.titles.iter().filter(|(of, _)| *of == index) {
            let metric = row.and_then(|row| row.metrics.iter().find(|metric| metric.unit == *title));
            cells.push((title.clone(), metric));
        }
    }
    cells
}
