//! The causes of an incident: the document of `perfuse why`, read back from its JSON.

use maud::{Markup, html};
use perfuse_analyze::Quantity;
use perfuse_render::Texts;
use perfuse_render::layout::clean;
use serde::Deserialize;
use serde_json::Value;

/// What of the document is shown. Fields that a later version leaves out are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Why {
    findings: Vec<Cause>,
    time: Time,
    servers: Vec<Server>,
    cannot_tell: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    title: String,
    severity: String,
    summary: String,
    culprit: Entity,
    victims: Vec<Entity>,
    wait_s_per_s: Option<f64>,
    confidence: f64,
    chain: Vec<Link>,
    advice: Vec<Advice>,
    explained_ratio: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entity {
    name: String,
    pid: Option<u32>,
    detail: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Link {
    from: String,
    to: String,
    evidence: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Advice {
    text: String,
    command: Option<String>,
    expect: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Time {
    states: Vec<Line>,
    resources: Vec<Line>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    title: String,
    family: String,
    ratio: f64,
    s_per_s: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Server {
    process: Entity,
    spent_s_per_s: f64,
    time: Time,
}

impl Why {
    /// The document; of one that was kept in several languages, that of `texts`.
    pub(super) fn read(document: &Value, texts: &Texts) -> Option<Self> {
        let own = document.get(texts.lang().id()).filter(|own| own.is_object()).unwrap_or(document);
        Self::deserialize(own).ok()
    }

    /// The causes with their chains and advice.
    pub(super) fn causes(&self, texts: &Texts) -> Markup {
        html! {
            @for (index, cause) in self.findings.iter().enumerate() { (cause.card(index + 1, texts)) }
            @if self.findings.is_empty() { p.soft { (texts.word("web-cause-none")) } }
        }
    }

    /// Where the time went, of the victim and of those it waits for.
    pub(super) fn times(&self, texts: &Texts) -> Markup {
        html! {
            (self.time.picture(texts))
            @for server in self.servers.iter().take(4) {
                h3.who { (server.process.name()) " · " (texts.quantity(Quantity::wait(server.spent_s_per_s))) }
                (server.time.picture(texts))
            }
        }
    }

    /// What the data cannot tell.
    pub(super) fn cannot_tell(&self, texts: &Texts) -> Markup {
        html! {
            @if !self.cannot_tell.is_empty() {
                h2 { (texts.word("why-cannot-tell")) }
                ul { @for line in &self.cannot_tell { li { (clean(line)) } } }
            }
        }
    }
}

impl Entity {
    fn name(&self) -> String {
        match self.pid {
            // A session of a database that is a process begins with its number.
            Some(pid) if self.name.split(' ').next() != Some(pid.to_string().as_str()) => {
                format!("{} ({pid})", clean(&self.name))
            }
            _ => clean(&self.name).into_owned(),
        }
    }
}

impl Cause {
    /// The class of its colour.
    fn class(&self) -> &'static str {
        match self.severity.as_str() {
            "error" => "error",
            "bottleneck" => "bottleneck",
            _ => "watch",
        }
    }

    fn card(&self, rank: usize, texts: &Texts) -> Markup {
        let ratio = |ratio: f64| texts.quantity(Quantity::ratio(ratio));
        html! {
            article.finding.v.(self.class()) {
                header {
                    h3 { (rank) ". " (clean(&self.title)) }
                    @if self.explained_ratio > 0.0 { span.soft { (texts.text(&perfuse_analyze::Msg::new("web-explains").with("share", Quantity::ratio(self.explained_ratio)))) } }
                    @if let Some(wait) = self.wait_s_per_s { span.soft { (texts.quantity(Quantity::wait(wait))) } }
                    span.soft { (texts.text(&perfuse_analyze::Msg::new("report-confidence").with("confidence", ratio(self.confidence)))) }
                }
                p { (clean(&self.summary)) }
                dl {
                    dt { (texts.word("report-culprit")) }
                    dd { strong { (self.culprit.name()) } @if let Some(detail) = &self.culprit.detail { " — " (clean(detail)) } }
                    @if !self.victims.is_empty() {
                        dt { (texts.word("report-victims")) }
                        dd { ul { @for victim in self.victims.iter().take(6) { li { (victim.name()) @if let Some(detail) = &victim.detail { " — " (clean(detail)) } } } } }
                    }
                    @if !self.chain.is_empty() { dt { (texts.word("report-chain")) } dd { (chain(&self.chain)) } }
                    @for (index, advice) in self.advice.iter().enumerate() {
                        dt { @if index == 0 { (texts.word("report-advice")) } }
                        dd.advice {
                            p { (clean(&advice.text)) }
                            @if let Some(command) = &advice.command { pre { code { (clean(command)) } } }
                            @if !advice.expect.is_empty() { p.soft { (texts.word("report-expect")) ": " (clean(&advice.expect)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The steps from the symptom to the cause; a step that begins where the last one ended is not repeated.
fn chain(links: &[Link]) -> Markup {
    let mut before = "";
    html! {
        ol.chain {
            @for link in links {
                @let repeated = std::mem::replace(&mut before, &link.to) == link.from;
                @if !repeated { li { (clean(&link.from)) } }
                li { (clean(&link.to)) @if !link.evidence.is_empty() { " " span.soft { "[" (clean(&link.evidence)) "]" } } }
            }
        }
    }
}

impl Time {
    /// One bar that is the whole time, and what it is made of.
    fn picture(&self, texts: &Texts) -> Markup {
        let lines = if self.states.is_empty() { &self.resources } else { &self.states };
        let mut at = 0.0;
        let shown: Vec<(&Line, f64, f64)> = lines
            .iter()
            .filter(|line| line.ratio.is_finite() && line.ratio >= 0.0005)
            .map(|line| {
                let long = line.ratio.clamp(0.0, 1.0) * 1000.0;
                let place = (line, at, long);
                at += long;
                place
            })
            .collect();
        html! {
            @if !shown.is_empty() {
                svg.share viewBox="0 0 1000 36" preserveAspectRatio="none" role="img" aria-label=(texts.word("why-time")) {
                    @for (place, (line, at, long)) in shown.iter().enumerate() {
                        rect.(hue(&line.family, place)) x=(format!("{at:.1}")) width=(format!("{long:.1}")) height="36" { title { (clean(&line.title)) } }
                    }
                }
                table.parts { tbody {
                    @for (place, (line, ..)) in shown.iter().enumerate() {
                        tr {
                            td { svg.key viewBox="0 0 10 10" aria-hidden="true" { rect.(hue(&line.family, place)) width="10" height="10" rx="2" {} } " " (clean(&line.title)) }
                            td.n { (texts.quantity(Quantity::ratio(line.ratio))) }
                            td.n { (texts.quantity(Quantity::wait(line.s_per_s))) }
                        }
                    }
                } }
            }
        }
    }
}

/// The colour of a line: green for running, grey for what counts for nothing, else by its place.
fn hue(family: &str, place: usize) -> String {
    const OTHERS: [u8; 10] = [8, 4, 6, 0, 10, 9, 5, 7, 1, 11];
    match family {
        "running" => format!("hue{}", 2 + place % 2),
        "idle" | "unknown" => "hue12".to_owned(),
        _ => format!("hue{}", OTHERS[place % OTHERS.len()]),
    }
}

#[cfg(test)]
mod tests {
    use perfuse_render::Lang;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_shown_with_its_chain_and_advice_and_nothing_is_markup() {
        let document = json!({
            "schema": "perfuse.why/1",
            "findings": [{
                "title": "<b>Lock", "severity": "bottleneck", "summary": "it waits", "confidence": 0.9, "explained_ratio": 0.8,
                "culprit": { "name": "psql", "pid": 12 },
                "chain": [{ "from": "a", "to": "b", "evidence": "1" }, { "from": "b", "to": "c", "evidence": "2" }],
                "advice": [{ "text": "end it", "command": "kill 12", "expect": "it goes on" }],
            }],
            "time": { "states": [{ "id": "user-lock", "title": "lock", "family": "lock", "ratio": 0.8, "s_per_s": 0.8 }] },
        });
        let texts = Texts::new(Lang::En);
        let why = Why::read(&document, &texts).unwrap();
        let text = why.causes(&texts).0 + &why.times(&texts).0;
        assert!(text.contains("&lt;b&gt;Lock") && text.contains("kill 12") && text.contains("psql (12)"), "{text}");
        let session: Entity = serde_json::from_value(json!({ "name": "12 shop psql", "pid": 12 })).unwrap();
        assert_eq!(session.name(), "12 shop psql", "its number is there already");
        assert_eq!(text.matches("<li>").count(), 3, "a, b, c: {text}");
        let both = json!({ "en": document, "ko": { "findings": [] } });
        assert_eq!(Why::read(&both, &texts).unwrap().findings.len(), 1);
        assert_eq!(Why::read(&both, &Texts::new(Lang::Ko)).unwrap().findings.len(), 0);
        assert!(Why::read(&json!([1]), &texts).is_none());
    }
}
