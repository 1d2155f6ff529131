//! The findings: what, who, why, and what to do.

use std::fmt::Write as _;

use perfuse_analyze::{Msg, Quantity};

use super::page::{Page, Span, Tone, span};
use super::{mark, marked, tone, verdict_of, verdict_word};
use crate::i18n::Texts;
use crate::layout::width;
use crate::report::{Entity, Finding, Report};

/// Victims that are listed by name.
const VICTIMS: usize = 5;

pub(super) fn section(page: &mut Page, report: &Report, texts: &Texts) {
    page.heading(&texts.word("report-findings"));
    page.paragraph(0, None, verdict_tone(report), &verdict_line(report, texts));
    for finding in &report.findings {
        page.blank();
        one(page, finding, texts);
    }
}

fn verdict_tone(report: &Report) -> Tone {
    match (report.worst(), report.healthy) {
        (_, Some(true)) => Tone::Ok,
        (Some(severity), Some(false)) => tone(verdict_of(severity)),
        _ => Tone::Watch,
    }
}

/// Whether the host is well, in one sentence.
pub(crate) fn verdict_line(report: &Report, texts: &Texts) -> String {
    match report.healthy {
        Some(true) => texts.word("report-healthy"),
        Some(false) => texts.text(&Msg::new("report-unhealthy").with("count", report.serious() as u64)),
        None => texts.word("report-unknown"),
    }
}

/// One finding.
pub(crate) fn one(page: &mut Page, finding: &Finding, texts: &Texts) {
    let verdict = verdict_of(finding.severity);
    let title = span(tone(verdict), &format!("{}. {} {}", finding.rank, mark(verdict), finding.title));
    let mut remarks = vec![span(tone(verdict), &verdict_word(verdict, texts))];
    remarks.extend(facts(finding, texts).iter().map(|fact| span(Tone::Dim, fact)));
    let long = width(&title.text) + remarks.iter().map(|span| width(&span.text) + 3).sum::<usize>();
    if long <= page.width {
        let title = Span { text: title.text + "   ", ..title };
        let mut line = vec![title];
        for (index, remark) in remarks.into_iter().enumerate() {
            if index > 0 {
                line.push(span(Tone::Dim, " · "));
            }
            line.push(remark);
        }
        page.line(&line);
    } else {
        page.paragraph(0, None, title.tone, &title.text);
        page.flow(3, " · ", &remarks);
    }
    page.paragraph(3, None, Tone::Plain, &finding.summary);
    let labels = ["report-culprit", "report-victims", "report-chain", "report-advice"].map(|id| texts.word(id));
    let label_width = labels.iter().map(|label| width(label)).max().unwrap_or(0) + 2;
    let [culprit, victims, chain, advice] = labels.map(|label| (label_width, span(Tone::Dim, &label)));
    page.paragraph(3, Some(culprit), Tone::Strong, &who(&finding.culprit, texts));
    let mut label = Some(victims);
    for victim in finding.victims.iter().take(VICTIMS) {
        let label = label.take().unwrap_or((label_width, span(Tone::Dim, "")));
        page.paragraph(3, Some(label), Tone::Plain, &who(victim, texts));
    }
    if let Some(more) = finding.victims.len().checked_sub(VICTIMS).filter(|more| *more > 0) {
        let text = texts.text(&Msg::new("report-more").with("count", more as u64));
        page.paragraph(3 + label_width, None, Tone::Dim, &text);
    }
    show_chain(page, finding, chain);
    show_advice(page, finding, advice, texts);
}

/// Wait, confidence and the control, in words.
pub(crate) fn facts(finding: &Finding, texts: &Texts) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(wait) =
        finding.wait_s_per_s.and_then(|wait| Quantity::checked(wait, perfuse_analyze::Unit::SecondsPerSecond))
    {
        facts.push(texts.text(&Msg::new("report-wait").with("wait", wait)));
    }
    if let Some(control) = finding.control {
        let title = crate::report::cell_title(control, texts);
        facts.push(texts.text(&Msg::new("report-control").with("control", title)));
    }
    let confidence = Quantity::ratio(finding.confidence);
    facts.push(texts.text(&Msg::new("report-confidence").with("confidence", confidence)));
    facts
}

/// Who, with where and what.
pub(crate) fn who(entity: &Entity, texts: &Texts) -> String {
    let mut text = entity.label(texts);
    if let Some(path) = entity.path.as_ref().filter(|path| **path != entity.name) {
        let _ = write!(text, " · {path}");
    }
    if let Some(detail) = &entity.detail {
        let _ = write!(text, " · {detail}");
    }
    text
}

/// Each step on its own line, the cause last, with the number that supports it.
fn show_chain(page: &mut Page, finding: &Finding, label: (usize, Span)) {
    let label_width = label.0;
    let mut label = Some(label);
    let mut before = "";
    for link in &finding.chain {
        if link.from != before {
            let label = label.take().unwrap_or((label_width, span(Tone::Dim, "")));
            page.paragraph(3, Some(label), Tone::Plain, &link.from);
        }
        let arrow = Some((2, span(Tone::Dim, "→")));
        let text = format!("{}  [{}]", link.to, link.evidence);
        page.paragraph(3 + label_width, arrow, Tone::Plain, &text);
        before = &link.to;
    }
}

fn show_advice(page: &mut Page, finding: &Finding, label: (usize, Span), texts: &Texts) {
    let label_width = label.0;
    let mut label = Some(label);
    let expect = texts.word("report-expect");
    for advice in &finding.advice {
        let label = label.take().unwrap_or((label_width, span(Tone::Dim, "")));
        page.paragraph(3, Some(label), Tone::Plain, &advice.text);
        if let Some(command) = &advice.command {
            page.paragraph(3 + label_width, Some((2, span(Tone::Dim, "$"))), Tone::Command, command);
        }
        let hanging = Some((width(&expect) + 2, span(Tone::Dim, &format!("{expect}: "))));
        page.paragraph(3 + label_width, hanging, Tone::Plain, &advice.expect);
    }
}

/// The findings that concern a cell or a control, each in one line.
pub(super) fn of_cell(page: &mut Page, report: &Report, id: &str, texts: &Texts) {
    let concerned = |finding: &&Finding| finding.cell == id || finding.control == Some(id);
    for finding in report.findings.iter().filter(concerned) {
        let verdict = verdict_of(finding.severity);
        page.line(&[marked(verdict), span(Tone::Plain, " "), span(tone(verdict), &finding.title)]);
        page.paragraph(2, None, Tone::Plain, &finding.summary);
        let facts = facts(finding, texts).join(" · ");
        page.paragraph(2, None, Tone::Dim, &facts);
    }
}
