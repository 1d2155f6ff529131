//! What comes back over days, and what to do about it before it hurts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State as Of;
use axum::response::Html;
use maud::{Markup, html};
use perfuse_analyze::pattern::Pattern;
use perfuse_render::Texts;
use perfuse_render::layout::clean;
use tokio::sync::Mutex;

use super::{Document, Place, dash, document};
use crate::incident::patterns::patterns;
use crate::web::guard::Asked;
use crate::web::{Shared, Web, series, when};

/// How long what was found is taken for granted: days do not change in an hour.
const FRESH: Duration = Duration::from_secs(3600);

/// What was found, and when. Whoever asks while it is looked for waits.
#[derive(Default)]
pub(in crate::web) struct Found(Mutex<Option<(Instant, Arc<Vec<Pattern>>)>>);

/// What was found in the last days; nothing where the store cannot be read.
pub(in crate::web) async fn found(web: &Shared) -> Arc<Vec<Pattern>> {
    let mut found = web.advice.0.lock().await;
    if let Some((_, all)) = found.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return Arc::clone(all);
    }
    let (reader, offset) = (web.daemon.reader(), i64::from(web.options.time_offset) * 60);
    let now = i64::try_from(web.daemon.now().time / 1000).unwrap_or(i64::MAX);
    let looked = tokio::task::spawn_blocking(move || patterns(&reader, now, offset)).await;
    let all = Arc::new(looked.ok().and_then(Result::ok).unwrap_or_default());
    *found = Some((Instant::now(), Arc::clone(&all)));
    all
}

/// The page.
pub(in crate::web) async fn page(Of(web): Of<Shared>, Extension(asked): Extension<Asked>) -> Html<String> {
    let texts = web.texts(asked.lang);
    let all = found(&web).await;
    let main = html! {
        h1 { (texts.word("web-nav-advice")) }
        p.soft { (texts.word("web-advice-what")) }
        @if all.is_empty() { div.card.empty { p { (texts.word("web-advice-none")) } } }
        @for pattern in all.iter() { (card(&web, pattern, texts)) }
    };
    let title = format!("{} · {}", texts.word("web-nav-advice"), web.daemon.now().host);
    document(&web, &asked, &Document { title, place: Place::Advice, main, events: None, charts: false })
}

fn card(web: &Web, pattern: &Pattern, texts: &Texts) -> Markup {
    let kind = match pattern.id {
        "pattern.limit-nears" => "bottleneck",
        "pattern.daily-queue" => "watch",
        _ => "ok",
    };
    html! {
        article.finding.v.(kind) {
            h3 { (clean(&texts.text(&pattern.summary))) }
            dl {
                dt { (texts.word("report-advice")) }
                dd.advice {
                    p { (clean(&texts.text(&pattern.advice.text))) }
                    @if let Some(command) = &pattern.advice.command { pre { code { (clean(command)) } } }
                    p.soft { (texts.word("report-expect")) ": " (clean(&texts.text(&pattern.advice.expect))) }
                }
                dt { (texts.word("report-evidence")) }
                dd { (evidence(web, pattern, texts)) }
            }
        }
    }
}

/// The days that it rests on.
fn evidence(web: &Web, pattern: &Pattern, texts: &Texts) -> Markup {
    let most = pattern.days.iter().map(|(_, value)| *value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let unit = series::unit(pattern.series.split('{').next().unwrap_or_default());
    let said = |value: f64| match perfuse_analyze::Quantity::checked(value, unit) {
        Some(value) => texts.quantity(value),
        None => dash::number(value),
    };
    html! {
        code { (clean(&pattern.series)) }
        table.days { tbody {
            @for (at, value) in &pattern.days {
                tr {
                    td { (date(*at, web, texts)) }
                    td.n { (said(*value)) }
                    td { svg.bar viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" { rect width=(format!("{:.1}", value / most * 100.0)) height="8" rx="2" {} } }
                }
            }
            @if let Some(reached) = pattern.reached { tr { td { strong { (date(reached, web, texts)) } } td colspan="2" { strong { (texts.word("web-advice-reached")) } } } }
        } }
    }
}

/// The day of a Unix second.
fn date(at: i64, web: &Web, texts: &Texts) -> String {
    let ms = u64::try_from(at).unwrap_or(0).saturating_mul(1000);
    when::day(perfuse_analyze::status::uptime::number(ms, web.options.time_offset), texts.lang())
}

#[cfg(test)]
mod tests {
    use perfuse_analyze::{Advice, Msg};
    use perfuse_render::Lang;

    use super::*;
    use crate::web::tests::{Fake, options};

    #[test]
    fn a_pattern_is_shown_with_what_to_do_and_its_days() {
        let web = Web::new(Fake::new(), options(), false);
        let say = |text: &str| Msg::new("literal").with("text", text);
        let pattern = Pattern {
            id: "pattern.limit-nears",
            series: "pool_used{pool=\"<b>\"}".into(),
            summary: say("It is reached in 3 days."),
            advice: Advice { text: say("Raise it."), command: Some("raise 40".into()), expect: say("Half full.") },
            days: vec![(1_795_564_800, 10.0), (1_795_651_200, 20.0)],
            reached: Some(1_795_910_400),
        };
        let text = card(&web, &pattern, web.texts(Lang::En)).0;
        for wanted in [
            "It is reached in 3 days.",
            "raise 40",
            "Half full.",
            "26 Nov 2026",
            "29 Nov 2026",
            "&lt;b&gt;",
            "width=\"50.0\"",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
}
