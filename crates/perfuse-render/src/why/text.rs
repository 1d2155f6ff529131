//! For a terminal: the answer, the states as bars, the causes.

use perfuse_analyze::{Msg, Quantity, Severity};

use super::{Server, StateLine, Time, WhyReport};
use crate::i18n::Texts;
use crate::layout::width;
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
    page.heading(&texts.word("why-time"));
    time(&mut page, &report.time, 0, texts);
    for server in &report.servers {
        page.blank();
        behind(&mut page, server, texts);
    }
    if !report.findings.is_empty() {
        page.blank();
        page.heading(&texts.word("why-causes"));
    }
    for cause in &report.findings {
        page.blank();
        finding(&mut page, &cause.finding, texts);
        if report.victim.is_some() {
            let explained = Msg::new("why-explains")
                .with("seconds", Quantity::wait(cause.explained_s_per_s))
                .with("share", Quantity::ratio(cause.explained_ratio));
            page.paragraph(3, None, Tone::Dim, &texts.text(&explained));
        }
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

fn time(page: &mut Page, time: &Time, indent: usize, texts: &Texts) {
    let shown: Vec<&StateLine> = time.states.iter().filter(|line| line.ratio >= SHOWN).collect();
    let names = shown.iter().map(|line| width(&line.title)).max().unwrap_or(0);
    for line in &shown {
        let share = texts.quantity(Quantity::ratio(line.ratio));
        let seconds = texts.quantity(Quantity::wait(line.s_per_s));
        let pad = |text: &str, columns: usize| format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))));
        let name = format!("{}{}", line.title, " ".repeat(names - width(&line.title)));
        let mut spans = vec![
            span(Tone::Plain, &format!("{}{name} ", " ".repeat(indent))),
            span(family(line), &bar(line.ratio)),
            span(Tone::Plain, &format!(" {} ", pad(&share, 6))),
            span(Tone::Dim, &pad(&seconds, 10)),
        ];
        let detail = detail(line, texts);
        if !detail.is_empty() {
            spans.push(span(Tone::Dim, &format!("  {detail}")));
        }
        page.line(&spans);
    }
    let total = Msg::new("why-total")
        .with("total", Quantity::wait(time.total_s_per_s))
        .with("own", Quantity::wait(time.own_s_per_s));
    page.paragraph(indent, None, Tone::Dim, &texts.text(&total));
}

/// Where, or who ended it.
fn detail(line: &StateLine, texts: &Texts) -> String {
    match (line.wakers.first(), line.places.first()) {
        (Some(waker), _) => format!("← {}", waker.process.label(texts)),
        (None, Some(place)) => place.function.clone(),
        (None, None) => String::new(),
    }
}

fn family(line: &StateLine) -> Tone {
    match line.family {
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
