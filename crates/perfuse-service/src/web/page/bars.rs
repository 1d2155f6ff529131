//! The bars of the last 90 days.

use std::fmt::Write as _;

use maud::{Markup, html};
use perfuse_analyze::status::{Day, State};
use perfuse_analyze::{Msg, Quantity};
use perfuse_render::Texts;

use super::{class, drawn, word};
use crate::web::when;

/// Milliseconds that a state must have lasted on a day to be what the day is known for.
const COUNTS: u64 = 60_000;
/// Width of a bar, distance of bars and height, in units of the picture.
const BAR: usize = 6;
const PITCH: usize = 8;
const HEIGHT: usize = 34;

/// What a day is known for: the worst that lasted for a minute, or for a tenth of what is known of it.
pub(super) fn known_for(day: &Day) -> State {
    let times = [
        (day.major, State::MajorOutage),
        (day.partial, State::PartialOutage),
        (day.degraded, State::Degraded),
        (day.maintenance, State::Maintenance),
    ];
    let known = day.operational + times.iter().map(|(time, _)| time).sum::<u64>();
    let worst =
        times.into_iter().find(|(time, _)| *time > 0 && *time >= COUNTS.min(known / 10)).map(|(_, state)| state);
    worst.unwrap_or(if day.operational > 0 { State::Operational } else { State::Unknown })
}

/// The part of the time that counts in which it answered, never rounded up to all of it.
pub(in crate::web) fn percent(uptime: f64) -> String {
    let percent = (uptime * 10_000.0 + 1e-6).floor() / 100.0;
    if percent >= 100.0 { "100%".to_owned() } else { format!("{percent:.2}%") }
}

/// A day in words: date, uptime, and what was wrong for how long.
fn words(number: u64, day: Option<&Day>, texts: &Texts) -> String {
    let date = when::day(number, texts.lang());
    let Some(day) = day.filter(|day| known_for(day) != State::Unknown || day.uptime().is_some()) else {
        return format!("{date} · {}", texts.word("web-no-data"));
    };
    let mut parts = vec![date];
    if let Some(uptime) = day.uptime() {
        parts.push(texts.text(&Msg::new("web-uptime").with("percent", percent(uptime))));
    }
    let times = [
        (day.major, State::MajorOutage),
        (day.partial, State::PartialOutage),
        (day.degraded, State::Degraded),
        (day.maintenance, State::Maintenance),
    ];
    for (time, state) in times.into_iter().filter(|(time, _)| *time > 0) {
        let minutes = (time as f64 / 60_000.0).round().max(1.0) * 60.0;
        parts.push(format!("{} {}", word(state, texts), texts.quantity(Quantity::seconds(minutes))));
    }
    parts.join(" · ")
}

/// The sum of the days.
pub(in crate::web) fn total(days: &[(u64, Option<Day>)]) -> Day {
    let mut total = Day::default();
    for day in days.iter().filter_map(|(_, day)| day.as_ref()) {
        total.add(day);
    }
    total
}

/// The bars as a picture whose parts say what they are. The worse a day, the lower its bar: not by colour alone.
pub(super) fn bars(title: &str, days: &[(u64, Option<Day>)], texts: &Texts) -> Markup {
    let width = days.len().max(1) * PITCH - (PITCH - BAR);
    let uptime = total(days).uptime();
    let all = uptime.map_or_else(
        || texts.word("web-no-data"),
        |uptime| texts.text(&Msg::new("web-uptime").with("percent", percent(uptime))),
    );
    let label = texts
        .text(&Msg::new("web-bars").with("title", title).with("days", days.len() as u64).with("uptime", all.as_str()));
    let mut shapes = String::new();
    for (place, (number, day)) in days.iter().enumerate() {
        let state = day.as_ref().map_or(State::Unknown, known_for);
        let height = match state {
            State::MajorOutage => HEIGHT * 2 / 5,
            State::PartialOutage => HEIGHT * 3 / 5,
            State::Degraded => HEIGHT * 4 / 5,
            _ => HEIGHT,
        };
        // Dates, numbers and words of the language tables have nothing that would have to be escaped.
        let _ = write!(
            shapes,
            "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{BAR}\" height=\"{height}\" rx=\"1.5\"><title>{}</title></rect>",
            class(state),
            place * PITCH,
            HEIGHT - height,
            words(*number, day.as_ref(), texts),
        );
    }
    html! {
        div.bars {
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) tabindex="0" { (drawn(shapes)) }
            div.scale {
                span { (texts.text(&Msg::new("web-days-ago").with("days", days.len() as u64))) }
                span.line {}
                span { (all) }
                span.line {}
                span { (texts.word("web-today")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use perfuse_render::Lang;

    use super::*;

    #[test]
    fn a_day_is_known_for_its_worst_minute() {
        let day = Day { operational: 86_000_000, major: 59_000, degraded: 61_000, ..Day::default() };
        assert_eq!(known_for(&day), State::Degraded);
        assert_eq!(known_for(&Day::default()), State::Unknown);
        assert_eq!(known_for(&Day { operational: 1, ..Day::default() }), State::Operational);
    }

    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!([1.0, 0.999_999, 0.9995, 0.5].map(percent), ["100%", "99.99%", "99.95%", "50.00%"]);
    }

    #[test]
    fn every_day_says_what_it_was() {
        let texts = Texts::new(Lang::En);
        let day = Day { operational: 86_220_000, major: 180_000, ..Day::default() };
        let text = bars("Shop", &[(20_782, None), (20_783, Some(day))], &texts).0;
        assert!(text.contains("<title>25 Nov 2026 · no data</title>"), "{text}");
        assert!(text.contains("26 Nov 2026 · 99.79% uptime · Major outage 3 min"), "{text}");
        assert_eq!(text.matches("<rect").count(), 2);
    }
}
