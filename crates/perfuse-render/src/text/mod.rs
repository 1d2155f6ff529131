//! The report for a terminal or a file: findings first, then the checklist.

mod checklist;
mod drill;
mod findings;
mod numbers;
mod page;
mod sixty;
mod tables;
#[cfg(test)]
mod tests;

use perfuse_analyze::{Msg, Quantity, Severity, Verdict};

pub use sixty::sixty;
pub use tables::thresholds;

use crate::i18n::Texts;
use crate::report::{Cell, Cost, Finding, Host, Report};
pub(crate) use page::Page;

pub(crate) use page::{Span, Tone, column, span};

pub(crate) use checklist::{top, value};
pub(crate) use drill::{instance_table, range};
pub(crate) use findings::{facts, one as finding, verdict_line, who};

/// How to lay out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Whether to use colours: the caller knows whether the output is a terminal and what `NO_COLOR` says.
    pub color: bool,
    /// Columns of the output; taken as at least 60 and at most 200.
    pub width: usize,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { color: false, width: 100 }
    }
}

impl TextOptions {
    pub(crate) fn page(self) -> Page {
        Page::new(self.width.clamp(60, 200))
    }
}

/// The whole report.
pub fn render(report: &Report, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    header(&mut page, report, texts);
    page.blank();
    findings::section(&mut page, report, texts);
    page.blank();
    checklist::cells(&mut page, report, texts);
    page.blank();
    checklist::controls(&mut page, report, texts);
    checklist::unmeasured(&mut page, report, texts);
    checklist::not_applicable(&mut page, report, texts);
    checklist::capabilities(&mut page, report, texts);
    if let Some(cost) = &report.own_cost {
        page.blank();
        own_cost(&mut page, cost, texts);
    }
    page.finish(options.color)
}

/// The drill-down into one cell or control; nothing for an id that the report does not have.
pub fn cell(report: &Report, id: &str, texts: &Texts, options: TextOptions) -> Option<String> {
    let cell = report.cell(id)?;
    let mut page = options.page();
    header(&mut page, report, texts);
    page.blank();
    drill::cell(&mut page, report, cell, texts);
    if let Some(cost) = &report.own_cost {
        page.blank();
        own_cost(&mut page, cost, texts);
    }
    Some(page.finish(options.color))
}

/// The drill-down as lines, for the terminal program; `width` is taken as it is.
pub(crate) fn cell_lines(report: &Report, cell: &Cell, texts: &Texts, width: usize) -> Vec<Vec<Span>> {
    let mut page = Page::new(width);
    drill::cell(&mut page, report, cell, texts);
    page.into_lines()
}

/// A finding as lines, for the terminal program.
pub(crate) fn finding_lines(finding: &Finding, texts: &Texts, width: usize) -> Vec<Vec<Span>> {
    let mut page = Page::new(width);
    findings::one(&mut page, finding, texts);
    page.into_lines()
}

/// Which host, and when.
fn header(page: &mut Page, report: &Report, texts: &Texts) {
    let mut spans = vec![span(Tone::Strong, &texts.word("report-title"))];
    spans.extend(host_facts(report, texts).iter().map(|fact| span(Tone::Plain, fact)));
    page.flow(0, " · ", &spans);
}

/// The facts of the head line, in order.
pub(crate) fn host_facts(report: &Report, texts: &Texts) -> Vec<String> {
    let mut facts = facts_of(&report.host, &report.started, report.duration_s, texts);
    if let Some(what) = &report.narrowed {
        facts.push(texts.text(&Msg::new("report-narrowed").with("what", what)));
    }
    facts
}

/// The facts of a host and of when it was measured.
pub(crate) fn facts_of(host: &Host, started: &str, duration_s: f64, texts: &Texts) -> Vec<String> {
    let mut facts = vec![host.hostname.clone(), format!("Linux {}", host.kernel)];
    facts.push(texts.text(&Msg::new("report-cpus").with("cpus", u64::from(host.cpus))));
    if let Some(bytes) = host.memory_bytes {
        let memory = Quantity::bytes(bytes as f64);
        facts.push(texts.text(&Msg::new("report-memory").with("memory", memory)));
    }
    facts.extend(host.virtualization.clone());
    if let Some(version) = host.cgroup {
        facts.push(texts.text(&Msg::new("report-cgroup").with("version", version)));
    }
    let duration = Quantity::seconds(duration_s.max(0.0));
    let started = started.replace('T', " ").replace('Z', " UTC");
    facts.push(texts.text(&Msg::new("report-measured").with("started", started).with("duration", duration)));
    facts
}

/// The last line: what the measuring cost.
fn own_cost(page: &mut Page, cost: &Cost, texts: &Texts) {
    for (index, line) in cost_lines(cost, texts).iter().enumerate() {
        page.paragraph(0, None, own_tone(cost, index), line);
    }
}

/// The tone of a line of what the measuring cost: too much is worth a look.
pub(crate) fn own_tone(cost: &Cost, index: usize) -> Tone {
    if index > 0 && cost.looking_cpu_ratio > cost.limit_ratio { Tone::Watch } else { Tone::Dim }
}

/// What the measuring cost, in sentences.
pub(crate) fn cost_lines(cost: &Cost, texts: &Texts) -> Vec<String> {
    let all = Msg::new("report-cost")
        .with("share", Quantity::ratio(cost.looking_cpu_ratio))
        .with("seconds", Quantity::seconds(cost.cpu_seconds))
        .with("setup", Quantity::seconds(cost.setup_cpu_seconds))
        .with("memory", Quantity::bytes(cost.rss_bytes as f64));
    let mut lines = vec![texts.text(&all)];
    if !cost.programs.is_empty() {
        let each = cost
            .programs
            .iter()
            .map(|program| format!("{} {}", program.name, texts.quantity(Quantity::ratio(program.cpu_ratio))));
        let programs = each.collect::<Vec<_>>().join(", ");
        lines.push(texts.text(&Msg::new("report-cost-bpf").with("programs", programs)));
    }
    if cost.looking_cpu_ratio > cost.limit_ratio {
        let limit = Quantity::ratio(cost.limit_ratio);
        lines.push(texts.text(&Msg::new("report-cost-over").with("limit", limit)));
    }
    if !cost.detached.is_empty() {
        let programs = cost.detached.join(", ");
        lines.push(texts.text(&Msg::new("report-cost-detached").with("programs", programs)));
    }
    lines
}

/// The mark of a verdict: told apart without colour.
pub fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "✓",
        Verdict::Watch => "◆",
        Verdict::Bottleneck => "▲",
        Verdict::Error => "✖",
        Verdict::Unmeasurable => "?",
        Verdict::NotApplicable => "–",
    }
}

/// The verdict that a severity amounts to.
pub(crate) fn verdict_of(severity: Severity) -> Verdict {
    match severity {
        Severity::Watch => Verdict::Watch,
        Severity::Bottleneck => Verdict::Bottleneck,
        Severity::Error => Verdict::Error,
    }
}

/// The verdict's word.
pub fn verdict_word(verdict: Verdict, texts: &Texts) -> String {
    texts.word(&format!("verdict-{}", verdict.id().replace('_', "-")))
}

pub(crate) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Ok,
        Verdict::Watch => Tone::Watch,
        Verdict::Bottleneck => Tone::Bottleneck,
        Verdict::Error => Tone::Error,
        Verdict::Unmeasurable | Verdict::NotApplicable => Tone::Dim,
    }
}

/// A mark in its colour.
fn marked(verdict: Verdict) -> Span {
    span(tone(verdict), mark(verdict))
}
