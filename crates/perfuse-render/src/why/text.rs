//! For a terminal: the answer, the states as bars, the causes.

use perfuse_analyze::{Msg, Quantity, Severity};

use super::probe::headings;
use super::{Probe, Server, StateLine, Time, WhyReport};
use crate::i18n::Texts;
use crate::layout::{fit, pad, pad_left, width};
use crate::text::{TextOptions, Tone, cost_lines, facts_of, finding, own_tone, span, tone, verdict_of, who};

use crate::text::Page;

/// Columns of a bar.
const BAR: usize = 24;
/// States below this share are only in the JSON form.
const SHOWN: f64 = 0.001;

/// The whole answer.
pub fn render(report: &WhyReport, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    let mut spans = vec![span(Tone::Strong, &texts.word("why-title"))];
    if let Some(victim) = &report.victim {
        spans.push(span(Tone::Strong, &who(victim, texts)));
    }
    let facts = facts_of(&report.host, &report.started, report.duration_s, texts);
    spans.extend(facts.iter().map(|fact| span(Tone::Plain, fact)));
    page.flow(0, " · ", &spans);
    page.blank();
    let answer = match (report.worst(), report.healthy) {
        (_, Some(true)) => Tone::Ok,
        (Some(severity), _) if severity > Severity::Watch => tone(verdict_of(severity)),
        _ => Tone::Watch,
    };
    page.paragraph(0, None, answer, &report.headline(texts));
    page.blank();
    for (index, cause) in report.findings.iter().enumerate() {
        if index == 0 {
            page.heading(&texts.word("why-causes"));
        } else {
            page.blank();
        }
        finding(&mut page, &cause.finding, texts);
        if report.victim.is_some() {
            let explained = Msg::new("why-explains")
                .with("seconds", Quantity::wait(cause.explained_s_per_s))
                .with("share", Quantity::ratio(cause.explained_ratio));
            page.paragraph(3, None, Tone::Dim, &texts.text(&explained));
        }
    }
    if !report.findings.is_empty() {
        page.blank();
    }
    if let Some(probe) = &report.probe {
        requests(&mut page, probe, texts);
        page.blank();
    }
    if report.whole() {
        page.heading(&texts.word("why-time-host"));
        let lines = report.time.resources.iter();
        let lines = lines
            .map(|line| Row { detail: String::new(), ..Row::new(line.family, &line.title, line.ratio, line.s_per_s) });
        table(&mut page, &lines.collect::<Vec<_>>(), 0, texts);
        let idle = report.time.total_s_per_s - report.time.active_s_per_s;
        let total = Msg::new("why-total-host")
            .with("active", Quantity::wait(report.time.active_s_per_s))
            .with("idle", Quantity::wait(idle.max(0.0)));
        page.paragraph(0, None, Tone::Dim, &texts.text(&total));
    } else {
        page.heading(&texts.word("why-time"));
        time(&mut page, &report.time, 0, texts);
    }
    for server in report.first_servers() {
        page.blank();
        behind(&mut page, server, texts);
    }
    if let Some(more) = report.more_servers(texts) {
        page.blank();
        page.paragraph(2, None, Tone::Dim, &more);
    }
    if !report.cannot_tell.is_empty() {
        page.blank();
        page.heading(&texts.word("why-cannot-tell"));
        for line in &report.cannot_tell {
            page.paragraph(0, Some((2, span(Tone::Dim, "?"))), Tone::Plain, line);
        }
    }
    if let Some(cost) = &report.own_cost {
        page.blank();
        for (index, line) in cost_lines(cost, texts).iter().enumerate() {
            page.paragraph(0, None, own_tone(cost, index), line);
        }
    }
    page.finish(options.color)
}

fn behind(page: &mut Page, server: &Server, texts: &Texts) {
    let message = Msg::new("why-server")
        .with("client", server.client.label(texts))
        .with("server", server.process.label(texts))
        .with("seconds", Quantity::wait(server.spent_s_per_s));
    page.paragraph(2, None, Tone::Strong, &texts.text(&message));
    time(page, &server.time, 2, texts);
}

/// What asking the URL took.
fn requests(page: &mut Page, probe: &Probe, texts: &Texts) {
    page.heading(&texts.text(&Msg::new("probe-title").with("url", &probe.url)));
    page.flow(0, " · ", &probe.facts(texts).iter().map(|fact| span(Tone::Plain, fact)).collect::<Vec<_>>());
    let rows = probe.rows(texts);
    if rows.is_empty() {
        return;
    }
    let names = rows.iter().map(|row| width(&row[0])).max().unwrap_or(0);
    let put = |page: &mut Page, row: &[String; 5], tone: Tone| {
        let numbers: String = row[1..].iter().map(|text| pad_left(text, 11)).collect();
        page.line(&[span(Tone::Plain, &pad(&row[0], names)), span(tone, &numbers)]);
    };
    put(page, &headings(texts), Tone::Dim);
    for row in &rows {
        put(page, row, Tone::Plain);
    }
}

/// One line of time.
struct Row<'a> {
    family: &'a str,
    title: &'a str,
    ratio: f64,
    s_per_s: f64,
    detail: String,
}

impl<'a> Row<'a> {
    fn new(family: &'a str, title: &'a str, ratio: f64, s_per_s: f64) -> Self {
        Self { family, title, ratio, s_per_s, detail: String::new() }
    }
}

fn time(page: &mut Page, time: &Time, indent: usize, texts: &Texts) {
    let row = |line: &'_ StateLine| detail(line, texts);
    let rows: Vec<Row> = time
        .states
        .iter()
        .map(|line| Row { detail: row(line), ..Row::new(line.family, &line.title, line.ratio, line.s_per_s) })
        .collect();
    table(page, &rows, indent, texts);
    let total = Msg::new("why-total").with("total", Quantity::wait(time.total_s_per_s));
    page.paragraph(indent, None, Tone::Dim, &texts.text(&total));
}

/// Bars, with all that is too small for one in a line at the end, so that the lines add up.
fn table(page: &mut Page, rows: &[Row], indent: usize, texts: &Texts) {
    let (shown, small): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.ratio >= SHOWN);
    let title = texts.word("why-state-small");
    let sum = |number: fn(&Row) -> f64| small.iter().map(|row| number(row)).sum::<f64>();
    let rest = Row::new("unknown", &title, sum(|row| row.ratio), sum(|row| row.s_per_s));
    let rest = (rest.ratio >= SHOWN / 2.0).then_some(&rest);
    let all: Vec<&Row> = shown.into_iter().chain(rest).collect();
    let names = all.iter().map(|row| width(row.title)).max().unwrap_or(0);
    for row in all {
        let share = texts.quantity(Quantity::ratio(row.ratio));
        let seconds = texts.quantity(Quantity::wait(row.s_per_s));
        let before = indent + names + 1 + BAR + 1 + 6 + 1 + 10;
        let mut spans = vec![
            span(Tone::Plain, &format!("{}{} ", " ".repeat(indent), pad(row.title, names))),
            span(family(row.family), &bar(row.ratio)),
            span(Tone::Plain, &format!(" {} ", pad_left(&share, 6))),
            span(Tone::Dim, &pad_left(&seconds, 10)),
        ];
        // A narrow terminal has no room for who and where: the lines must not break.
        let room = page.width.saturating_sub(before + 2);
        if !row.detail.is_empty() && room >= 12 {
            spans.push(span(Tone::Dim, &format!("  {}", fit(&row.detail, room))));
        }
        page.line(&spans);
    }
}

/// Where, or who ended it.
fn detail(line: &StateLine, texts: &Texts) -> String {
    match (line.wakers.first(), line.places.first()) {
        (Some(waker), _) => format!("← {}", waker.process.label(texts)),
        (None, Some(place)) => place.function.clone(),
        (None, None) => String::new(),
    }
}

fn family(family: &str) -> Tone {
    match family {
        "running" => Tone::Ok,
        "waiting" => Tone::Bottleneck,
        "peer" => Tone::Watch,
        _ => Tone::Dim,
    }
}

/// A share as blocks with a resolution of an eighth.
fn bar(ratio: f64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (ratio.clamp(0.0, 1.0) * BAR as f64 * 8.0).round();
    let full = (0..BAR).take_while(|block| (*block as f64 + 1.0) * 8.0 <= eighths).count();
    let rest = eighths - full as f64 * 8.0;
    let part = PARTS.iter().enumerate().rev().find(|(index, _)| *index as f64 <= rest).map_or("", |(_, part)| *part);
    let bar = format!("{}{part}", "█".repeat(full));
    let filled = full + usize::from(!part.is_empty());
    format!("{bar}{}", " ".repeat(BAR.saturating_sub(filled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_one_width() {
        for ratio in [0.0, 0.001, 0.1, 0.333, 0.5, 0.999, 1.0, 2.0] {
            assert_eq!(width(&bar(ratio)), BAR, "{ratio}");
        }
        assert_eq!(bar(0.5).trim_end(), "█".repeat(12));
    }
}
