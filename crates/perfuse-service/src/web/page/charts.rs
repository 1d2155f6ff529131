//! Charts: which series stand together in a picture. The pictures themselves are drawn in the browser, from
//! `/api/v1/series`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Of;
use axum::response::Html;
use maud::{Markup, html};
use perfuse_analyze::{Msg, Unit};
use perfuse_render::Texts;
use perfuse_render::layout::clean;
use perfuse_render::report::cell_title;

use super::{Document, Place, document};
use crate::store::SeriesKey;
use crate::web::guard::Asked;
use crate::web::{Shared, series};

/// Lines of one picture; more could not be told apart.
const LINES: usize = 16;
/// Pictures of one page.
const PANELS: usize = 200;
/// Ranges that can be chosen: name and seconds.
const RANGES: [(&str, u32); 7] =
    [("15m", 900), ("1h", 3600), ("6h", 21_600), ("24h", 86_400), ("2d", 172_800), ("7d", 604_800), ("30d", 2_592_000)];

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Panel {
    /// Under which heading: `host`, or the name of a collector.
    group: String,
    /// Name of the series, and what they have in common.
    name: String,
    /// What each line is called, and its key.
    lines: Vec<(String, String)>,
    /// Series that did not fit.
    more: usize,
}

/// What the names of the daemon's own series begin with.
const OWN: &str = "perfuse_";
/// The heading for the host.
const HOST: &str = "host";
/// The heading for what checks measure.
const CHECKS: &str = "checks";
/// The last words of names that tell apart what belongs into one picture, such as `pool_used` and `pool_max`.
const SIDES: [&str; 10] = ["used", "idle", "max", "pending", "limit", "total", "capacity", "free", "active", "waiting"];

/// Where a series is drawn.
#[derive(Debug, PartialEq, Eq)]
struct Drawn {
    group: String,
    panel: String,
    line: String,
}

fn place(key: &SeriesKey) -> Drawn {
    let label = |wanted: &str| key.labels().iter().find(|(label, _)| label == wanted).map(|(_, value)| value.as_str());
    let rest = |without: &[&str]| {
        let others = key.labels().iter().filter(|(label, _)| !without.contains(&label.as_str()));
        others.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" · ")
    };
    let at = |group: &str, panel: String, line: String| Drawn { group: group.to_owned(), panel, line };
    let Some(own) = key.name().strip_prefix(OWN) else { return foreign(key.name(), label("collector"), &rest) };
    match (label("cell"), label("instance"), label("port"), label("component")) {
        (Some(cell), Some(instance), ..) => at(HOST, cell.to_owned(), instance.to_owned()),
        (Some(cell), ..) => {
            let (resource, kind) = cell.rsplit_once('.').unwrap_or((cell, ""));
            // Controls are named `control.NAME`.
            let (kind, resource) = if resource == "control" { (resource, kind) } else { (kind, resource) };
            at(HOST, format!("{own}: {kind}"), resource.to_owned())
        }
        (_, _, Some(port), _) if own.starts_with("tcp") => at(HOST, format!("{own}: {port}"), rest(&["port"])),
        (_, _, _, Some(component)) => at(CHECKS, format!("{own}: {component}"), rest(&["component"])),
        _ => at(HOST, own.to_owned(), rest(&[])),
    }
}

/// A series of an application: those of a collector stand together, and the sides of one thing in one picture.
fn foreign(name: &str, collector: Option<&str>, rest: &dyn Fn(&[&str]) -> String) -> Drawn {
    let group = collector.unwrap_or_else(|| name.split(['.', '_', ':']).next().unwrap_or(name));
    let unit = ["_bytes", "_seconds", "_count"].into_iter().find(|unit| name.ends_with(unit)).unwrap_or("");
    let stem = name.strip_suffix(unit).unwrap_or(name);
    let side = stem.rsplit_once('_').filter(|(_, side)| SIDES.contains(side));
    let labels = rest(&["collector", "component"]);
    let (panel, line) = match side {
        Some((stem, side)) if labels.is_empty() => (format!("{stem}{unit}"), side.to_owned()),
        Some((stem, side)) => (format!("{stem}{unit}"), format!("{labels} · {side}")),
        None => (name.to_owned(), labels),
    };
    Drawn { group: group.to_owned(), panel, line }
}

/// What a picture is called: the host's in words, others by the name of their series.
fn title(panel: &Panel, texts: &Texts) -> String {
    if panel.group != HOST && panel.group != CHECKS {
        return panel.name.clone();
    }
    let known = |id: String| texts.try_text(&Msg::new(id));
    let (own, part) = panel.name.split_once(": ").unwrap_or((&panel.name, ""));
    let id = own.replace('_', "-");
    if own.starts_with("cell_") {
        let unit = series::unit(own);
        let kind = if part == "control" { known("report-controls".to_owned()) } else { known(format!("kind-{part}")) };
        let kind = kind.unwrap_or_else(|| part.to_owned());
        return if unit == Unit::Ratio { kind } else { format!("{kind} · {}", unit.symbol()) };
    }
    match known(format!("web-series-{id}")) {
        Some(name) if part.is_empty() => name,
        Some(name) => format!("{name} {part}"),
        None => cell_title(&panel.name, texts),
    }
}

/// What a line is called: resources in words.
fn line(panel: &Panel, line: &str, texts: &Texts) -> String {
    let resource = || texts.try_text(&Msg::new(format!("resource-{line}")));
    let control = || texts.try_text(&Msg::new(format!("control-{line}-title")));
    let cell = panel.group == HOST && panel.name.starts_with("cell_");
    if cell { resource().or_else(control).unwrap_or_else(|| line.to_owned()) } else { line.to_owned() }
}

/// All pictures: those of the host first.
pub(super) fn panels(names: &series::Names) -> Vec<Panel> {
    let mut panels: BTreeMap<(u8, String, String), Panel> = BTreeMap::new();
    for (shown, key) in names {
        let Drawn { group, panel: name, line } = place(key);
        let order = if group == HOST { 0 } else { 1 + u8::from(group != CHECKS) };
        let place = (order, group.clone(), name.clone());
        let panel = panels.entry(place).or_insert(Panel { group, name, lines: Vec::new(), more: 0 });
        if panel.lines.len() < LINES {
            panel.lines.push((line, shown.clone()));
        } else {
            panel.more += 1;
        }
    }
    panels.into_values().take(PANELS).collect()
}

async fn all(web: &Shared) -> Vec<Panel> {
    let asking = Arc::clone(web);
    let names = tokio::task::spawn_blocking(move || asking.index.all(&asking.daemon.reader())).await;
    names.ok().and_then(Result::ok).map(|names| panels(&names)).unwrap_or_default()
}

/// The pictures of the overview.
pub(super) async fn overview(web: &Shared) -> Vec<Panel> {
    const FIRST: [&str; 7] = [
        "cell_ratio: utilization",
        "cell_seconds_per_second: saturation",
        "threads",
        "tcp",
        "probe_duration",
        "process_cpu",
        "process_memory",
    ];
    let all = all(web).await;
    let own = |panel: &&Panel| panel.group == HOST || panel.group == CHECKS;
    let find = |wanted: &&str| all.iter().filter(own).find(|panel| panel.name.starts_with(*wanted));
    let mut found: Vec<Panel> = FIRST.iter().filter_map(find).cloned().collect();
    if found.is_empty() {
        found = all.into_iter().take(FIRST.len()).collect();
    }
    found
}

/// Pictures beside each other, with the ranges that can be chosen.
pub(super) fn grid(panels: &[Panel], texts: &Texts) -> Markup {
    html! {
        @if panels.is_empty() {
            p.soft { (texts.word("web-charts-none")) }
        } @else {
            div.ranges role="group" aria-label=(texts.word("web-range")) {
                @for (name, seconds) in RANGES {
                    button type="button" data-range=(seconds) aria-pressed=(if name == "1h" { "true" } else { "false" }) { (name) }
                }
                button type="button" #unzoom hidden { (texts.word("web-unzoom")) }
                span.soft.hint { (texts.word("web-zoom-hint")) }
            }
            div.charts data-now=(texts.word("web-now")) data-none=(texts.word("web-no-data")) { @for panel in panels { (figure(panel, texts)) } }
        }
    }
}

fn figure(panel: &Panel, texts: &Texts) -> Markup {
    let keys: Vec<&str> = panel.lines.iter().map(|(_, key)| key.as_str()).collect();
    let lines: Vec<String> = panel.lines.iter().map(|(name, _)| line(panel, name, texts)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    // Lists of texts always become JSON.
    let json = |list: &[&str]| serde_json::to_string(list).unwrap_or_default();
    html! {
        figure.chart data-keys=(json(&keys)) data-lines=(json(&lines)) data-unit=(series::unit(panel.lines.first().map_or("", |(_, key)| key.split('{').next().unwrap_or(key))).symbol()) {
            figcaption { (clean(&title(panel, texts))) @if panel.more > 0 { " " span.soft { (texts.text(&Msg::new("web-more-lines").with("count", panel.more as u64))) } } }
            div.plot {}
        }
    }
}

/// The page with all of them.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let all = all(&web).await;
    let groups: Vec<&[Panel]> = all.chunk_by(|one, next| one.group == next.group).collect();
    let heading = |group: &str| match group {
        HOST => texts.word("web-tile-host"),
        CHECKS => texts.word("web-checks"),
        _ => group.to_owned(),
    };
    let main = html! {
        h1 { (texts.word("web-nav-charts")) }
        @if groups.len() > 1 {
            nav.jump aria-label=(texts.word("web-groups")) {
                @for group in &groups { @if let Some(first) = group.first() { a href={ "#" (super::id_of("g", &first.group)) } { (clean(&heading(&first.group))) } } }
            }
        }
        @if groups.is_empty() { (grid(&[], texts)) }
        @for (place, group) in groups.iter().enumerate() {
            @if let Some(first) = group.first() {
                section { h2 id=(super::id_of("g", &first.group)) { (clean(&heading(&first.group))) }
                    @if place == 0 { (grid(group, texts)) }
                    @else { div.charts { @for panel in *group { (figure(panel, texts)) } } }
                }
            }
        }
    };
    let title = format!("{} · {}", texts.word("web-nav-charts"), web.daemon.now().host);
    document(&web, &asked, &Document { title, place: Place::Charts, main, events: None, charts: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_stand_with_their_like() {
        let keys = [
            SeriesKey::new("perfuse_cell_ratio", [("cell", "cpu.utilization")]),
            SeriesKey::new("perfuse_cell_ratio", [("cell", "memory.utilization")]),
            SeriesKey::new("perfuse_cell_ratio", [("cell", "cpu.utilization"), ("instance", "cpu0")]),
            SeriesKey::new("perfuse_cell_ratio", [("cell", "control.cpu-quota")]),
            SeriesKey::new("perfuse_tcp_count", [("port", "80"), ("state", "TIME_WAIT")]),
            SeriesKey::new("perfuse_threads_count", [("state", "running")]),
            SeriesKey::new("db_connections", [("state", "idle"), ("database", "shop")]),
            SeriesKey::new("perfuse_probe_duration_seconds", [("component", "shop"), ("check", "front")]),
            SeriesKey::new("pool_used", [("collector", "main"), ("pool", "orders")]),
            SeriesKey::new("pool_max", [("collector", "main"), ("pool", "orders")]),
            SeriesKey::new("jvm_heap_used_bytes", [("collector", "main")]),
        ];
        let names: series::Names = keys.iter().map(|key| (series::shown(key), key.clone())).collect();
        let made = panels(&names);
        let list: Vec<(&str, &str, Vec<&str>)> = made
            .iter()
            .map(|panel| {
                (panel.group.as_str(), panel.name.as_str(), panel.lines.iter().map(|(line, _)| line.as_str()).collect())
            })
            .collect();
        let expected = [
            ("host", "cell_ratio: control", vec!["cpu-quota"]),
            ("host", "cell_ratio: utilization", vec!["cpu", "memory"]),
            ("host", "cpu.utilization", vec!["cpu0"]),
            ("host", "tcp_count: 80", vec!["TIME_WAIT"]),
            ("host", "threads_count", vec!["running"]),
            ("checks", "probe_duration_seconds: shop", vec!["front"]),
            ("db", "db_connections", vec!["shop · idle"]),
            ("main", "jvm_heap_bytes", vec!["used"]),
            ("main", "pool", vec!["orders · max", "orders · used"]),
        ];
        assert_eq!(list, expected);
    }
}
