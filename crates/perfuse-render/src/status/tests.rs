use super::*;
use crate::layout::width;
use crate::{Lang, TextOptions, Texts};

fn check(name: &str, outcome: Outcome) -> Check {
    Check {
        name: name.to_owned(),
        kind: "tcp".to_owned(),
        instance: Some("a".to_owned()),
        level: None,
        outcome: Some(outcome),
        ready: None,
        at: Some(3_600_000 - 5_000),
        took: Some(0.0125),
        message: Some("refused | really".to_owned()),
        value: Some(3.0),
    }
}

fn component(name: &str, title: &str, state: State, outcome: Outcome) -> Component {
    Component {
        name: name.to_owned(),
        title: title.to_owned(),
        group: None,
        description: Some("What it is".to_owned()),
        state,
        since: 1000,
        held_by: None,
        suspect: false,
        flapping: false,
        ready: None,
        uptime: Some(0.999_999),
        budget_left: None,
        checks: vec![check("front", outcome)],
    }
}

fn report() -> StatusReport {
    StatusReport {
        schema: SCHEMA.to_owned(),
        language: "en".to_owned(),
        host: "h".to_owned(),
        time: 3_600_000,
        begun: 0,
        components: vec![
            component("shop", "온라인 상점", State::MajorOutage, Outcome::Fail),
            component("db", "db", State::Operational, Outcome::Pass),
        ],
        maintenance: vec![Window {
            id: Some(3),
            components: Vec::new(),
            start: 0,
            end: Some(3_660_000),
            open: true,
            reason: "disks".to_owned(),
        }],
        incidents: vec![IncidentLine {
            id: "19700101T000001-shop".to_owned(),
            component: "shop".to_owned(),
            began: 1000,
            ended: None,
            worst: State::MajorOutage,
            cause: None,
        }],
        troubles: vec!["the disk is full".to_owned()],
    }
}

#[test]
fn the_worst_state_is_that_of_all() {
    let mut report = report();
    assert_eq!(report.state(), State::MajorOutage);
    report.components.remove(0);
    assert_eq!(report.state(), State::Operational);
    report.components[0].state = State::Maintenance;
    assert_eq!(exit_status(report.state()), 0);
    report.components.clear();
    assert_eq!(exit_status(report.state()), 3, "nothing is known");
}

#[test]
fn columns_stand_below_each_other_whatever_the_script() {
    for lang in Lang::ALL {
        let text = render(&report(), &Texts::new(lang), TextOptions::default());
        let line =
            |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        let uptime = |line: &str| width(&line[..line.find("99.999%").expect("the uptime")]);
        assert_eq!(uptime(line("(shop)")), uptime(line("  db ")), "{text}");
        assert!(text.contains("19700101T000001-shop") && text.contains("disks") && text.contains("the disk is full"));
        assert!(text.contains("front@a") && !text.contains('\u{1b}'));
    }
    let text = render(&report(), &Texts::new(Lang::En), TextOptions { color: true, width: 100 });
    assert!(text.contains('\u{1b}'));
}

#[test]
fn what_is_well_is_short_and_alone_it_is_shown_in_full() {
    let texts = Texts::new(Lang::En);
    let all = render(&report(), &texts, TextOptions::default());
    assert_eq!(all.matches("front@a").count(), 1, "only of what is out: {all}");
    let one = render(&report().only("db"), &texts, TextOptions::default());
    assert!(one.contains("front@a") && one.contains("What it is") && !one.contains("shop"), "{one}");
}

#[test]
fn nagios_gets_one_line_and_the_status() {
    for lang in Lang::ALL {
        let (line, status) = nagios(&report().components[0], 3_600_000, &Texts::new(lang));
        assert_eq!(status, 2);
        assert!(line.starts_with("PERFUSE CRITICAL: ") && line.matches('|').count() == 1, "{line}");
        assert!(line.contains("'front@a'=0.0125s;;;0 'front@a value'=3"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
    }
}

#[test]
fn the_document_comes_back() {
    let text = serde_json::to_string(&report()).unwrap();
    assert!(text.contains("\"major_outage\""), "{text}");
    assert_eq!(serde_json::from_str::<StatusReport>(&text).unwrap(), report());
}

#[test]
fn an_incident_in_words() {
    let line = report().incidents.remove(0);
    let report = IncidentReport {
        schema: INCIDENT_SCHEMA.to_owned(),
        language: "en".to_owned(),
        line: IncidentLine { ended: Some(61_000), cause: Some("the pool is used up".to_owned()), ..line },
        detected: 4000,
        timeline: vec![(1000, "the first failure".to_owned())],
        compared: vec![Compared {
            series: "perfuse_probe_duration_seconds".to_owned(),
            unit: "s".to_owned(),
            before: Some(0.1),
            during: None,
            after: Some(0.2),
        }],
        why: Some(serde_json::json!({ "findings": [{
            "summary": "The pool of shop is used up.",
            "chain": [{ "from": "shop", "to": "42 root", "evidence": "its last statement: SELECT ?" }],
            "advice": [{ "text": "Make it larger.", "command": "sysctl -w x=1", "expect": "Nobody waits." }],
        }, { "odd": 1 }] })),
        captures: vec!["on-cpu".to_owned()],
    };
    for lang in Lang::ALL {
        let text = incident(&report, &Texts::new(lang), TextOptions::default());
        for wanted in [
            "the pool is used up",
            "1970-01-01 00:00:01",
            "the first failure",
            "0.1000",
            "–",
            "on-cpu",
            "is used up",
            "sysctl",
            "shop → 42 root: its last statement: SELECT ?",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }
}
