//! Status and incidents for a terminal.

use perfuse_analyze::status::{Level, Outcome, State};
use perfuse_analyze::{Msg, Quantity};

use super::{Check, Component, IncidentLine, IncidentReport, StatusReport, Window};
use crate::i18n::Texts;
use crate::layout::width;
use crate::text::{Page, TextOptions, Tone, column, span};

/// Causes of an incident that are shown; its JSON has all.
const CAUSES: usize = 3;

/// All components, or one in full when the report has only one; then incidents, maintenance and troubles.
pub fn render(report: &StatusReport, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    header(&mut page, report, texts);
    let mut group: Option<&str> = None;
    let widths = Widths::of(report, texts);
    for (index, component) in report.components.iter().enumerate() {
        let own = component.group.as_deref();
        if index == 0 || own != group {
            page.blank();
            if let Some(name) = own {
                page.heading(name);
            }
            group = own;
        }
        one(&mut page, component, report, &widths, texts);
    }
    if report.components.is_empty() {
        page.blank();
        page.paragraph(0, None, Tone::Plain, &texts.word("status-no-components"));
    }
    if !report.incidents.is_empty() {
        page.blank();
        page.heading(&texts.word("status-incidents"));
        incident_lines(&mut page, &report.incidents, report.time, texts);
    }
    if !report.maintenance.is_empty() {
        page.blank();
        page.heading(&texts.word("status-maintenance"));
        window_lines(&mut page, &report.maintenance, report.time, texts);
    }
    if !report.troubles.is_empty() {
        page.blank();
        page.heading(&texts.word("status-troubles"));
        for trouble in &report.troubles {
            page.paragraph(2, None, Tone::Watch, trouble);
        }
    }
    page.finish(options.color)
}

/// The windows of maintenance alone.
pub fn windows(windows: &[Window], time: u64, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    if windows.is_empty() {
        page.paragraph(0, None, Tone::Plain, &texts.word("status-no-maintenance"));
    }
    window_lines(&mut page, windows, time, texts);
    page.finish(options.color)
}

/// A list of incidents.
pub fn incidents(lines: &[IncidentLine], time: u64, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    if lines.is_empty() {
        page.paragraph(0, None, Tone::Plain, &texts.word("status-no-incidents"));
    }
    incident_lines(&mut page, lines, time, texts);
    page.finish(options.color)
}

/// One incident in full.
pub fn incident(report: &IncidentReport, texts: &Texts, options: TextOptions) -> String {
    let mut page = options.page();
    let line = &report.line;
    page.line(&[span(tone(line.worst), mark(line.worst)), span(Tone::Plain, "  "), span(Tone::Strong, &line.id)]);
    let lasted = line.ended.map_or_else(
        || texts.text(&Msg::new("status-incident-open").with("time", clock(line.began))),
        |ended| {
            let seconds = Quantity::seconds(ended.saturating_sub(line.began) as f64 / 1000.0);
            let message = Msg::new("status-incident-over").with("time", clock(line.began));
            texts.text(&message.with("duration", seconds))
        },
    );
    page.paragraph(2, None, Tone::Plain, &format!("{} · {} · {lasted}", line.component, state_word(line.worst, texts)));
    if let Some(cause) = &line.cause {
        page.blank();
        page.heading(&texts.word("status-cause"));
        page.paragraph(2, None, Tone::Strong, cause);
    }
    causes(&mut page, report, texts);
    page.blank();
    page.heading(&texts.word("status-timeline"));
    for (time, what) in &report.timeline {
        page.columns(2, &[column(19, Tone::Dim, &clock(*time)), column(0, Tone::Plain, what)]);
    }
    compared(&mut page, report, texts);
    if !report.captures.is_empty() {
        page.blank();
        page.heading(&texts.word("status-captures"));
        page.paragraph(2, None, Tone::Plain, &report.captures.join(", "));
    }
    page.finish(options.color)
}

/// The causes that were found, each with what can be done: out of the answer of `perfuse why`, as far as it has them.
fn causes(page: &mut Page, report: &IncidentReport, texts: &Texts) {
    let findings = report.why.as_ref().and_then(|why| why.get("findings")?.as_array());
    for (index, finding) in findings.into_iter().flatten().take(CAUSES).enumerate() {
        let text = |of: &serde_json::Value, name: &str| of.get(name).and_then(|text| Some(text.as_str()?.to_owned()));
        let Some(summary) = text(finding, "summary") else { continue };
        if index == 0 {
            page.blank();
            page.heading(&texts.word("status-causes"));
        }
        page.paragraph(2, Some((3, span(Tone::Dim, &format!("{}.", index + 1)))), Tone::Plain, &summary);
        for link in finding.get("chain").and_then(|chain| chain.as_array()).into_iter().flatten() {
            let [from, to, evidence] = ["from", "to", "evidence"].map(|name| text(link, name).unwrap_or_default());
            page.paragraph(7, None, Tone::Dim, &format!("{from} → {to}: {evidence}"));
        }
        for advice in finding.get("advice").and_then(|advice| advice.as_array()).into_iter().flatten() {
            for (name, tone) in [("text", Tone::Plain), ("command", Tone::Command), ("expect", Tone::Dim)] {
                if let Some(said) = text(advice, name).filter(|said| !said.is_empty()) {
                    page.paragraph(7, None, tone, &said);
                }
            }
        }
    }
}

fn compared(page: &mut Page, report: &IncidentReport, texts: &Texts) {
    if report.compared.is_empty() {
        return;
    }
    page.blank();
    page.heading(&texts.word("status-compared"));
    let heads = ["status-series", "status-before", "status-during", "status-after"].map(|id| texts.word(id));
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    let names = report.compared.iter().map(|one| width(&one.series)).max().unwrap_or(0).clamp(16, 60);
    let row = |page: &mut Page, tone: Tone, cells: [&str; 4]| {
        let wide = [names, 14, 14, 14];
        let columns: Vec<_> = cells.iter().zip(wide).map(|(cell, wide)| column(wide, tone, cell)).collect();
        page.columns(2, &columns);
    };
    row(page, Tone::Dim, heads.each_ref().map(String::as_str));
    for one in &report.compared {
        let numbers = [one.before, one.during, one.after].map(number);
        row(page, Tone::Plain, [&one.series, &numbers[0], &numbers[1], &numbers[2]]);
    }
}

/// Widths of the columns of the list of components.
struct Widths {
    state: usize,
    title: usize,
    since: usize,
}

impl Widths {
    fn of(report: &StatusReport, texts: &Texts) -> Self {
        let widest = |text: &dyn Fn(&Component) -> String, most: usize| {
            report.components.iter().map(|component| width(&text(component))).max().unwrap_or(0).min(most)
        };
        Self {
            state: widest(&|component| state_word(component.state, texts), 24),
            title: widest(&|component| shown(component), 40),
            since: widest(&|component| since(component, report.time, texts), 16),
        }
    }
}

fn header(page: &mut Page, report: &StatusReport, texts: &Texts) {
    let state = report.state();
    let running = Quantity::seconds(report.time.saturating_sub(report.begun) as f64 / 1000.0);
    let facts = Msg::new("status-header")
        .with("host", report.host.as_str())
        .with("count", report.components.len() as u64)
        .with("time", running);
    page.line(&[
        span(tone(state), mark(state)),
        span(Tone::Plain, " "),
        span(Tone::Strong, &state_word(state, texts)),
        span(Tone::Dim, &format!(" · {}", texts.text(&facts))),
    ]);
}

/// One line of the list, and below it what is wrong; every check when it is the only component.
fn one(page: &mut Page, component: &Component, report: &StatusReport, widths: &Widths, texts: &Texts) {
    let tone = tone(component.state);
    page.columns(
        0,
        &[
            column(1, tone, mark(component.state)),
            column(widths.state, tone, &state_word(component.state, texts)),
            column(widths.title, Tone::Strong, &shown(component)),
            column(widths.since, Tone::Dim, &since(component, report.time, texts)),
            column(0, Tone::Plain, &remarks(component, texts)),
        ],
    );
    let alone = report.components.len() == 1;
    if let Some(description) = component.description.as_ref().filter(|_| alone) {
        page.paragraph(3, None, Tone::Dim, description);
    }
    let bad = |check: &&Check| alone || !matches!((check.level, check.outcome), (_, None | Some(Outcome::Pass)));
    let names = component.checks.iter().map(|check| width(&check.full_name())).max().unwrap_or(0).clamp(4, 40);
    for check in component.checks.iter().filter(bad) {
        let (mark, tone) = outcome(check);
        page.columns(
            3,
            &[
                column(1, tone, mark),
                column(names, Tone::Plain, &check.full_name()),
                column(10, Tone::Dim, &check.kind),
                column(9, Tone::Dim, &took(check, texts)),
                column(0, tone, &said(check, report.time, texts)),
            ],
        );
    }
}

fn shown(component: &Component) -> String {
    if component.title == component.name {
        component.name.clone()
    } else {
        format!("{} ({})", component.title, component.name)
    }
}

fn since(component: &Component, time: u64, texts: &Texts) -> String {
    if component.since == 0 {
        return String::new();
    }
    texts.quantity(Quantity::seconds((time.saturating_sub(component.since) / 1000) as f64))
}

/// What there is to say beside the state.
fn remarks(component: &Component, texts: &Texts) -> String {
    let mut remarks = Vec::new();
    if let Some(root) = &component.held_by {
        remarks.push(texts.text(&Msg::new("status-held-by").with("name", root.as_str())));
    }
    if component.flapping {
        remarks.push(texts.word("status-flapping"));
    }
    if component.suspect && component.state == State::Operational {
        remarks.push(texts.word("status-suspect"));
    }
    if component.ready == Some(false) {
        remarks.push(texts.word("status-not-ready"));
    }
    if let Some(uptime) = component.uptime {
        remarks.push(texts.text(&Msg::new("status-uptime").with("share", percent(uptime))));
    }
    if let Some(left) = component.budget_left {
        remarks.push(if left > 0.0 {
            texts.text(&Msg::new("status-budget").with("share", Quantity::ratio(left)))
        } else {
            texts.word("status-budget-spent")
        });
    }
    remarks.join(" · ")
}

/// Uptime is read for its last digits, and never rounded up to all.
fn percent(share: f64) -> String {
    format!("{:.3}%", (share * 100_000.0).floor() / 1000.0)
}

fn took(check: &Check, texts: &Texts) -> String {
    check.took.map_or_else(String::new, |seconds| texts.quantity(Quantity::seconds(seconds)))
}

fn said(check: &Check, time: u64, texts: &Texts) -> String {
    let message = check.message.clone().unwrap_or_else(|| texts.word("status-no-result"));
    let Some(at) = check.at else { return message };
    let ago = Quantity::seconds((time.saturating_sub(at) / 1000) as f64);
    format!("{message} · {}", texts.text(&Msg::new("status-ago").with("time", ago)))
}

fn outcome(check: &Check) -> (&'static str, Tone) {
    match (check.outcome, check.level) {
        (Some(Outcome::Fail), _) | (_, Some(Level::Down)) => ("✖", Tone::Error),
        (Some(Outcome::Slow), _) | (_, Some(Level::Slow)) => ("◆", Tone::Watch),
        (Some(Outcome::Pass), _) => ("✓", Tone::Ok),
        (Some(Outcome::NoData) | None, _) => ("?", Tone::Dim),
    }
}

fn incident_lines(page: &mut Page, lines: &[IncidentLine], time: u64, texts: &Texts) {
    let ids = lines.iter().map(|line| width(&line.id)).max().unwrap_or(0).clamp(8, 48);
    for line in lines {
        let seconds = line.ended.unwrap_or(time).saturating_sub(line.began) / 1000;
        let lasted = texts.quantity(Quantity::seconds(seconds as f64));
        let lasted =
            if line.ended.is_some() { lasted } else { texts.text(&Msg::new("status-lasting").with("time", lasted)) };
        let cause = line.cause.clone().unwrap_or_else(|| texts.word("status-no-cause"));
        page.columns(
            2,
            &[
                column(1, tone(line.worst), mark(line.worst)),
                column(ids, Tone::Strong, &line.id),
                column(18, Tone::Plain, &lasted),
                column(0, Tone::Plain, &cause),
            ],
        );
    }
}

fn window_lines(page: &mut Page, windows: &[Window], time: u64, texts: &Texts) {
    for window in windows {
        let all = || texts.word("status-all-components");
        let who = if window.components.is_empty() { all() } else { window.components.join(", ") };
        let when = match (window.open, window.end) {
            (true, Some(end)) => {
                let left = Quantity::seconds((end.saturating_sub(time) / 1000) as f64);
                texts.text(&Msg::new("status-window-left").with("time", left))
            }
            (true, None) => texts.word("status-window-open"),
            (false, _) => clock(window.start),
        };
        let id = window.id.map_or_else(|| "·".to_owned(), |id| id.to_string());
        let tone = if window.open { Tone::Watch } else { Tone::Dim };
        page.columns(
            2,
            &[
                column(4, Tone::Strong, &id),
                column(24, tone, &when),
                column(24, Tone::Plain, &who),
                column(0, Tone::Plain, &window.reason),
            ],
        );
    }
}

/// `2026-11-26 23:15:00`, in UTC.
fn clock(milliseconds: u64) -> String {
    let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn state_word(state: State, texts: &Texts) -> String {
    texts.word(&format!("status-state-{}", state.name().replace('_', "-")))
}

/// The mark of a state: told apart without colour.
fn mark(state: State) -> &'static str {
    match state {
        State::Operational => "✓",
        State::Unknown => "?",
        State::Degraded => "◆",
        State::PartialOutage => "▲",
        State::MajorOutage => "✖",
        State::Maintenance => "–",
    }
}

fn tone(state: State) -> Tone {
    match state {
        State::Operational => Tone::Ok,
        State::Unknown | State::Maintenance => Tone::Dim,
        State::Degraded => Tone::Watch,
        State::PartialOutage => Tone::Bottleneck,
        State::MajorOutage => Tone::Error,
    }
}
