//! Notices in words.

use std::borrow::Cow;

use perfuse_analyze::status::{State, slo};
use perfuse_analyze::{Msg, Quantity};
use perfuse_render::{Lang, Texts};

use super::notice::{Named, Notice, Phase, Subject};
use super::template::Escape;

/// Who speaks: the language, the place, and the host.
pub struct Speaker {
    texts: Texts,
    /// Minutes by which clocks are ahead of UTC.
    offset: i32,
    /// Name of the host.
    pub host: String,
    /// Where people reach the pages, if that is known.
    page: Option<String>,
}

impl Speaker {
    /// A speaker of a language.
    pub fn new(lang: Lang, offset: i32, host: String) -> Self {
        Self { texts: Texts::new(lang), offset, host, page: None }
    }

    /// The same one, who knows where people reach the pages: a URL without a slash at the end.
    #[must_use]
    pub fn with_page(self, page: Option<String>) -> Self {
        Self { page, ..self }
    }

    /// Where more is to be seen: the page of the incident, or else the first one. `None` where nobody said where the pages
    /// are.
    pub fn link(&self, notice: &Notice) -> Option<String> {
        let page = self.page.as_ref()?;
        Some(match &notice.incident {
            Some(incident) => {
                let mut id = String::new();
                // Names of components may have letters that URLs do not have.
                Escape::Form.write(incident, &mut id);
                format!("{page}/incident/{id}")
            }
            None => format!("{page}/"),
        })
    }

    fn say(&self, message: &Msg) -> String {
        self.texts.text(message)
    }

    fn title<'a>(&self, named: &'a Named) -> &'a str {
        match self.texts.lang() {
            Lang::En => &named.title,
            Lang::Ko => &named.title_ko,
        }
    }

    /// The cause in this language.
    pub fn cause<'a>(&self, notice: &'a Notice) -> Option<&'a str> {
        let (en, ko) = notice.cause.as_ref()?;
        Some(match self.texts.lang() {
            Lang::En => en,
            Lang::Ko => ko,
        })
    }

    fn state(&self, state: State) -> String {
        self.texts.word(&format!("status-state-{}", state.name().replace('_', "-")))
    }

    /// A time of day with its offset, such as `2026-11-26 23:15:00 +09:00`.
    pub fn time(&self, milliseconds: u64) -> String {
        let zone = jiff::tz::Offset::from_seconds(self.offset.saturating_mul(60)).unwrap_or(jiff::tz::Offset::UTC);
        let time = i64::try_from(milliseconds).ok().and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
        time.map_or_else(String::new, |time| {
            time.to_zoned(zone.to_time_zone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
        })
    }

    fn lasted(&self, notice: &Notice) -> String {
        self.texts.quantity(Quantity::seconds(seconds(notice)))
    }

    /// One line: what, and how it is.
    pub fn subject(&self, notice: &Notice) -> String {
        let title = self.title(&notice.component);
        let (bad, state) = (notice.state.is_bad(), self.state(notice.state));
        let titled = |id: &str| Msg::new(id).with("title", title);
        let message = match (notice.subject, notice.phase) {
            (_, Phase::Resolved) if notice.state == State::Unknown => titled("alert-subject-gone"),
            (Subject::State, Phase::Resolved) => titled("alert-subject-resolved").with("duration", self.lasted(notice)),
            (Subject::Budget, Phase::Resolved) => titled("alert-subject-budget-over"),
            (Subject::Budget, _) => titled("alert-subject-budget"),
            (Subject::State, Phase::Repeat) if bad => titled("alert-subject-still").with("state", state),
            (Subject::State, _) if bad => titled("alert-subject-bad").with("state", state),
            (Subject::State, _) => titled("alert-subject-flapping"),
        };
        self.say(&message)
    }

    /// Everything, a line each.
    pub fn body(&self, notice: &Notice) -> String {
        let mut lines = Vec::new();
        let resolved = notice.phase == Phase::Resolved;
        let since = self.time(notice.began);
        match notice.ended {
            Some(ended) => {
                let message = Msg::new("alert-lasted").with("since", since).with("ended", self.time(ended));
                lines.push(self.say(&message.with("duration", self.lasted(notice))));
            }
            None => {
                lines.push(
                    self.say(&Msg::new("alert-since").with("since", since).with("duration", self.lasted(notice))),
                );
            }
        }
        if let Some(cause) = self.cause(notice) {
            lines.push(self.say(&Msg::new("alert-cause").with("cause", cause)));
        } else if notice.subject == Subject::State && !resolved && notice.state.is_bad() {
            lines.push(self.say(&Msg::new("alert-no-cause")));
        }
        let affected: Vec<&str> = notice.affected.iter().map(|named| self.title(named)).collect();
        if !affected.is_empty() {
            lines.push(self.say(&Msg::new("alert-affected").with("names", affected.join(", "))));
        }
        if notice.flapping && notice.state.is_bad() {
            lines.push(self.say(&Msg::new("alert-flapping")));
        }
        for (pair, burning) in slo::PAIRS.iter().zip(notice.burning) {
            if burning && !resolved {
                let span = |milliseconds: u64| self.texts.quantity(Quantity::seconds(milliseconds as f64 / 1000.0));
                let message = Msg::new("alert-burning").with("rate", format!("{}", pair.above));
                lines.push(self.say(&message.with("long", span(pair.long)).with("short", span(pair.short))));
            }
        }
        if let Some(incident) = &notice.incident {
            lines.push(self.say(&Msg::new("alert-incident").with("id", incident)));
        }
        if let Some(link) = self.link(notice) {
            lines.push(self.say(&Msg::new("alert-page").with("url", link)));
        }
        lines.push(self.say(&Msg::new("alert-host").with("host", self.host.as_str())));
        lines.join("\n")
    }

    /// The value of a name of [`super::template::NAMES`].
    pub fn value<'a>(&'a self, notice: &'a Notice, name: &str) -> Cow<'a, str> {
        match name {
            "component" => notice.component.name.as_str().into(),
            "title" => self.title(&notice.component).into(),
            "state" => notice.state.name().into(),
            "severity" => notice.worst.name().into(),
            "phase" => notice.phase.name().into(),
            "subject" => self.subject(notice).into(),
            "text" => format!("{}\n{}", self.subject(notice), self.body(notice)).into(),
            "cause" => self.cause(notice).unwrap_or_default().into(),
            "affected" => notice.affected.iter().map(|named| named.name.as_str()).collect::<Vec<_>>().join(", ").into(),
            "incident" => notice.incident.as_deref().unwrap_or_default().into(),
            "link" => self.link(notice).unwrap_or_default().into(),
            "host" => self.host.as_str().into(),
            "key" => notice.key.as_str().into(),
            "since" => utc(notice.began).into(),
            "at" => utc(notice.at).into(),
            "ended" => notice.ended.map(utc).unwrap_or_default().into(),
            "seconds" => format!("{:.0}", seconds(notice)).into(),
            _ => "".into(),
        }
    }
}

/// How long it has lasted.
pub fn seconds(notice: &Notice) -> f64 {
    notice.ended.unwrap_or(notice.at).saturating_sub(notice.began) as f64 / 1000.0
}

/// A time as RFC 3339 has it, in UTC.
pub fn utc(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds).ok().and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map_or_else(String::new, |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::notice::Severity;
    use super::*;

    fn notice() -> Notice {
        let named = |name: &str, title: &str, title_ko: &str| Named {
            name: name.to_owned(),
            title: title.to_owned(),
            title_ko: title_ko.to_owned(),
        };
        Notice {
            key: "db.state.1".to_owned(),
            number: 1,
            phase: Phase::Firing,
            subject: Subject::State,
            component: named("db", "Database", "데이터베이스"),
            state: State::MajorOutage,
            worst: Severity::Critical,
            began: 1_795_734_900_000,
            at: 1_795_734_920_000,
            ended: None,
            flapping: true,
            burning: [true, false, false],
            affected: vec![named("shop", "Web shop", "온라인 상점")],
            cause: Some(("The disk is full.".to_owned(), "디스크가 가득 찼습니다.".to_owned())),
            incident: Some("20261126T231500-db".to_owned()),
        }
    }

    #[test]
    fn a_notice_says_what_since_when_why_and_whom_it_hurts() {
        let speaker = Speaker::new(Lang::En, 540, "web1".to_owned());
        assert_eq!(speaker.subject(&notice()), "Database: major outage");
        assert_eq!(
            speaker.body(&notice()),
            "Since 2026-11-27 08:15:00 +09:00, for 20 s.\nFirst cause: The disk is full.\nHeld up by it: Web shop\n\
             It changes its state all the time.\n\
             The error budget burns too fast: more than 14.4 times its rate over 60 min and over 5 min.\n\
             Details: perfuse incident show 20261126T231500-db\nHost: web1"
        );
        let over =
            Notice { phase: Phase::Resolved, ended: Some(1_795_735_500_000), state: State::Operational, ..notice() };
        assert_eq!(speaker.subject(&over), "Database: operational again after 10 min");
        assert!(
            speaker.body(&over).starts_with("From 2026-11-27 08:15:00 +09:00 to 2026-11-27 08:25:00 +09:00: 10 min.")
        );
    }

    #[test]
    fn korean_is_korean() {
        let speaker = Speaker::new(Lang::Ko, 540, "web1".to_owned());
        assert_eq!(speaker.subject(&notice()), "데이터베이스: 전체 장애");
        let body = speaker.body(&notice());
        assert!(body.contains("첫째 원인: 디스크가 가득 찼습니다."), "{body}");
        assert!(body.contains("온라인 상점"), "{body}");
    }

    #[test]
    fn a_link_leads_to_the_incident_where_the_pages_are_known() {
        let speaker = Speaker::new(Lang::En, 0, "web1".to_owned());
        assert_eq!(speaker.link(&notice()), None);
        let speaker = speaker.with_page(Some("https://status.example.org/perf".to_owned()));
        let link = "https://status.example.org/perf/incident/20261126T231500-db";
        assert_eq!(speaker.link(&notice()).as_deref(), Some(link));
        assert!(speaker.body(&notice()).contains(&format!("show 20261126T231500-db\nPage: {link}\nHost")));
        let korean = Notice { incident: Some("1-가/?".to_owned()), ..notice() };
        let link = "https://status.example.org/perf/incident/1-%EA%B0%80%2F%3F";
        assert_eq!(speaker.link(&korean).as_deref(), Some(link));
        let none = Notice { incident: None, ..notice() };
        assert_eq!(speaker.link(&none).as_deref(), Some("https://status.example.org/perf/"));
    }

    #[test]
    fn every_name_of_templates_has_a_value() {
        let speaker = Speaker::new(Lang::En, 0, "web1".to_owned()).with_page(Some("https://s.example".to_owned()));
        let over = Notice { phase: Phase::Resolved, ended: Some(1_795_735_500_000), ..notice() };
        for name in super::super::template::NAMES {
            assert!(!speaker.value(&over, name).is_empty(), "{name}");
        }
        assert_eq!(speaker.value(&over, "since"), "2026-11-26T23:15:00Z");
    }
}
