//! The state machine, one observation a line, and what must hold for every sequence of them.
//!
//! A golden file begins with the plan (`component NAME [needs A B] [slo] [instances N]`, then its `check NAME
//! [failures N] [successes N] [stale SECONDS] [impact I]`; `planned SECONDS SECONDS [COMPONENT]`), and goes on with
//! `SECONDS COMPONENT CHECK[@INSTANCE] OUTCOME [ready|unready]`, `SECONDS passes`, `SECONDS restart`, or `SECONDS
//! maintenance COMPONENT SECONDS`, each with what is expected after `|`: the events in their order.

use proptest::prelude::*;

use super::*;

const GOLDEN: &[(&str, &str)] = &[
    ("hysteresis", include_str!("golden/hysteresis.txt")),
    ("instances", include_str!("golden/instances.txt")),
    ("dependencies", include_str!("golden/dependencies.txt")),
    ("maintenance", include_str!("golden/maintenance.txt")),
    ("silence", include_str!("golden/silence.txt")),
    ("flapping", include_str!("golden/flapping.txt")),
];

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("a number: {word:?}"))
}

fn small(word: &str) -> u32 {
    u32::try_from(number(word)).expect("a small number")
}

/// Reads one line of the plan; false if it is none.
fn plan_line(words: &[&str], plan: &mut Plan) -> bool {
    match words {
        ["component", name, rest @ ..] => {
            let mut component = ComponentPlan { name: (*name).to_owned(), ..ComponentPlan::default() };
            for (place, word) in rest.iter().enumerate() {
                match (*word, rest.get(place + 1)) {
                    ("instances", Some(needed)) => component.instances_needed = Some(small(needed)),
                    ("needs", _) => component.needs = rest[place + 1..].iter().map(|&name| name.to_owned()).collect(),
                    _ => {}
                }
            }
            plan.components.push(component);
        }
        ["check", name, rest @ ..] => {
            let mut check = CheckPlan::new(*name);
            for pair in rest.chunks(2) {
                match *pair {
                    ["failures", n] => check.failures = small(n),
                    ["successes", n] => check.successes = small(n),
                    ["stale", n] => check.stale_ms = number(n) * 1000,
                    ["impact", "partial"] => check.impact = Impact::Partial,
                    ["impact", "degraded"] => check.impact = Impact::Degraded,
                    _ => panic!("{pair:?}"),
                }
            }
            plan.components.last_mut().expect("a component before its checks").checks.push(check);
        }
        ["planned", start, end, components @ ..] => plan.maintenance.push(Planned {
            components: components.iter().map(|&name| name.to_owned()).collect(),
            when: When::Once { start: number(start) * 1000, end: number(end) * 1000 },
            reason: String::new(),
        }),
        _ => return false,
    }
    true
}

fn observation(time: u64, words: &[&str]) -> Observation {
    let [component, check, outcome, rest @ ..] = words else { panic!("{words:?}") };
    let (check, instance) = check.split_once('@').map_or((*check, None), |(check, of)| (check, Some(of.to_owned())));
    Observation {
        time,
        component: (*component).to_owned(),
        check: check.to_owned(),
        instance,
        outcome: match *outcome {
            "pass" => Outcome::Pass,
            "slow" => Outcome::Slow,
            "fail" => Outcome::Fail,
            "nodata" => Outcome::NoData,
            other => panic!("{other}"),
        },
        ready: rest.first().map(|word| *word == "ready"),
    }
}

fn words_of(event: &Event) -> String {
    let by = |by: &Option<String>| by.as_ref().map_or(String::new(), |by| format!(" held by {by}"));
    let what = match &event.what {
        What::FirstFailure { check, instance: Some(instance) } => format!("first {check}@{instance}"),
        What::FirstFailure { check, instance: None } => format!("first {check}"),
        What::Cleared => "cleared".to_owned(),
        What::Changed { to, held_by, .. } => format!("{}{}", to.name(), by(held_by)),
        What::Held { by: root } => format!("still{}", by(root)),
        What::Flapping { now } => if *now { "flapping" } else { "steady" }.to_owned(),
        What::Ready { now } => match now {
            Some(true) => "ready".to_owned(),
            Some(false) => "unready".to_owned(),
            None => "readiness unknown".to_owned(),
        },
        What::Burning { pair, now } => format!("burning {pair} {now}"),
    };
    format!("{} {what}", event.component)
}

/// Runs a golden file; the lines as they are to be.
fn run(text: &str) -> String {
    let mut plan = Plan::default();
    let mut engine: Option<Engine> = None;
    let mut out = String::new();
    for line in text.lines() {
        let given = line.split('|').next().unwrap_or_default().trim_end();
        let words: Vec<&str> = given.split_whitespace().collect();
        if given.is_empty() || given.starts_with('#') || engine.is_none() && plan_line(&words, &mut plan) {
            out += given;
            out.push('\n');
            continue;
        }
        let engine = engine.get_or_insert_with(|| Engine::new(plan.clone(), Memory::default()).expect("a plan"));
        let time = number(words[0]) * 1000;
        let events = match &words[1..] {
            ["passes"] => engine.advance(time),
            ["restart"] => {
                let saved = serde_json::to_string(engine.memory()).expect("JSON");
                let memory = serde_json::from_str(&saved).expect("the same JSON");
                *engine = Engine::new(plan.clone(), memory).expect("the same plan");
                engine.advance(time)
            }
            ["maintenance", component, until] => {
                let end = Some(number(until) * 1000);
                engine.start_maintenance(vec![(*component).to_owned()], time, end, String::new());
                engine.advance(time)
            }
            words => engine.observe(vec![observation(time, words)]),
        };
        let events: Vec<String> = events.iter().map(words_of).collect();
        out += format!("{given:<36}| {}", events.join(", ")).trim_end();
        out.push('\n');
    }
    out
}

#[test]
fn golden_files() {
    for (name, text) in GOLDEN {
        let is = run(text);
        if std::env::var_os("PERFUSE_BLESS").is_some() {
            let path = format!("{}/src/status/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, &is).expect("written");
        } else {
            assert_eq!(&is, text, "{name}: what happens differs; PERFUSE_BLESS=1 writes it");
        }
    }
}

fn plan_of(needs: &[(&str, &[&str])]) -> Plan {
    let component = |(name, needs): &(&str, &[&str])| ComponentPlan {
        name: (*name).to_owned(),
        needs: needs.iter().map(|&name| name.to_owned()).collect(),
        checks: vec![CheckPlan::new("c")],
        ..ComponentPlan::default()
    };
    Plan { components: needs.iter().map(component).collect(), ..Plan::default() }
}

#[test]
fn circles_and_strangers_are_refused_with_their_names() {
    let circle = plan_of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]);
    let named = ["b", "c", "b"].map(str::to_owned).to_vec();
    assert_eq!(circle.check(), Err(PlanError::Circle(named)));
    assert_eq!(plan_of(&[("a", &["a"])]).check(), Err(PlanError::Circle(vec!["a".into(), "a".into()])));
    let error = plan_of(&[("a", &["x"])]).check().unwrap_err();
    assert_eq!(error, PlanError::NoSuch { component: "a".into(), needed: "x".into() });
    assert_eq!(plan_of(&[("a", &[]), ("a", &[])]).check(), Err(PlanError::Twice("a".into())));
    let order = plan_of(&[("a", &["c", "b"]), ("b", &["c"]), ("c", &[])]).order();
    assert_eq!(order, Ok(vec![2, 1, 0]));
}

#[test]
fn a_new_plan_keeps_the_states_and_a_bad_one_changes_nothing() {
    let mut engine = Engine::new(plan_of(&[("a", &[])]), Memory::default()).unwrap();
    for time in 1..4 {
        engine.observe(vec![observation(time * 1000, &["a", "c", "fail"])]);
    }
    assert_eq!(engine.view("a").unwrap().state, State::MajorOutage);
    assert!(engine.reload(plan_of(&[("a", &["x"])])).is_err());
    assert_eq!(engine.plan(), &plan_of(&[("a", &[])]));
    engine.reload(plan_of(&[("b", &[]), ("a", &["b"])])).unwrap();
    assert_eq!(engine.view("a").unwrap().state, State::MajorOutage);
    assert_eq!(engine.advance(4000), [], "nothing happened to it");
}

#[test]
fn what_happens_in_maintenance_counts_neither_for_uptime_nor_for_the_objective() {
    let mut plan = plan_of(&[("a", &[])]);
    plan.components[0].slo = Some(SloPlan { objective: 0.99, days: 30, min_events: 1, slow_is_bad: false });
    let mut engine = Engine::new(plan, Memory::default()).unwrap();
    for minute in 1..100 {
        engine.observe(vec![observation(minute * 60_000, &["a", "c", "pass"])]);
    }
    let id = engine.start_maintenance(vec![], 100 * 60_000, None, "disks".to_owned());
    engine.advance(100 * 60_000);
    for minute in 101..200 {
        engine.observe(vec![observation(minute * 60_000, &["a", "c", "fail"])]);
    }
    let day = engine.days("a").unwrap().total(199 * 60_000, 1, 0);
    assert_eq!((day.uptime(), day.maintenance, day.major), (Some(1.0), 99 * 60_000, 0));
    let slo = engine.slo("a").unwrap();
    assert_eq!((slo.events, slo.budget_left), (99, Some(1.0)));
    assert!(engine.stop_maintenance(id, 200 * 60_000) && !engine.stop_maintenance(id, 200 * 60_000));
    let events: Vec<String> = engine.advance(200 * 60_000).iter().map(words_of).collect();
    assert_eq!(events, ["a first c", "a major_outage"], "it is told when the window closes over a failure");
}

#[test]
fn the_time_in_which_nobody_watched_is_unknown() {
    let mut engine = Engine::new(plan_of(&[("a", &[])]), Memory::default()).unwrap();
    engine.observe(vec![observation(1000, &["a", "c", "pass"])]);
    engine.observe(vec![observation(61_000, &["a", "c", "pass"])]);
    engine.observe(vec![observation(7_261_000, &["a", "c", "pass"])]);
    let day = engine.days("a").unwrap().total(7_261_000, 1, 0);
    assert_eq!((day.operational, day.unknown), (60_000, 7_200_000));
}

#[test]
fn a_clock_that_was_ahead_does_not_stop_the_time() {
    let plan = plan_of(&[("web", &[])]);
    let mut engine = Engine::new(plan, Memory::default()).unwrap();
    let year = 365 * 86_400_000;
    engine.advance(year);
    engine.advance(2 * year);
    engine.set_back(3 * year);
    assert_eq!(engine.advance(0), [], "time does not go forward by being set back");
    engine.set_back(year);
    engine.advance(year + 1000);
    let days = engine.days("web").unwrap().last(year + 1000, 1, 0);
    assert!(days[0].1.is_some_and(|day| day.unknown >= 1000), "{days:?}");
    assert_eq!(engine.view("web").unwrap().state, State::Unknown);
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Pass), Just(Outcome::Slow), Just(Outcome::Fail), Just(Outcome::NoData)]
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one =
        (0_u64..400, 0_usize..3, proptest::option::of(0_usize..3), outcomes(), proptest::option::of(any::<bool>()));
    let make = |(time, component, instance, outcome, ready): (u64, usize, Option<usize>, Outcome, _)| Observation {
        time: time * 1000,
        component: ["db", "api", "web"][component].to_owned(),
        check: "c".to_owned(),
        instance: instance.map(|number| format!("i{number}")),
        outcome,
        ready,
    };
    proptest::collection::vec(one.prop_map(make), 1..120)
}

fn stack() -> Engine {
    Engine::new(plan_of(&[("db", &[]), ("api", &["db"]), ("web", &["api"])]), Memory::default()).unwrap()
}

proptest! {
    #[test]
    fn without_a_failure_nothing_is_ever_down(mut seen in observations()) {
        seen.retain(|one| one.outcome != Outcome::Fail);
        let mut engine = stack();
        for one in seen {
            engine.observe(vec![one]);
            prop_assert!(engine.views().iter().all(|view| view.state < State::PartialOutage));
        }
        engine.advance(100_000_000);
        prop_assert!(engine.views().iter().all(|view| view.state == State::Unknown));
    }

    #[test]
    fn silence_ends_in_unknown_and_never_worse(seen in observations()) {
        let mut engine = stack();
        engine.observe(seen);
        let before = engine.views();
        for (view, later) in before.iter().zip({ engine.advance(400_000 + 180_001); engine.views() }) {
            prop_assert_eq!(later.state, State::Unknown, "was {:?}", view.state);
            prop_assert!(!later.suspect && later.held_by.is_none());
        }
    }

    #[test]
    fn hysteresis_holds_to_its_bounds(outcomes in proptest::collection::vec(outcomes(), 1..60)) {
        let plan = CheckPlan::new("c");
        let mut track = Track::default();
        let mut said = Vec::new();
        for (time, outcome) in outcomes.into_iter().enumerate() {
            let before = track.level;
            track.observe(time as u64, outcome, None, &plan);
            if outcome != Outcome::NoData {
                said.push(outcome);
            }
            let last = |n: usize| said.iter().rev().take(n).copied().collect::<Vec<_>>();
            if before == Some(Level::Up) && track.level.is_some_and(|level| level != Level::Up) {
                prop_assert!(last(3).len() == 3 && last(3).iter().all(|one| *one != Outcome::Pass));
            }
            if before == Some(Level::Down) && track.level == Some(Level::Up) {
                prop_assert_eq!(last(2), [Outcome::Pass; 2]);
            }
            if last(3) == [Outcome::Fail; 3] && track.blind() == 0 {
                prop_assert!(track.level == Some(Level::Down) || before.is_none());
            }
        }
    }

    #[test]
    fn in_maintenance_nothing_is_told_and_nothing_counts(seen in observations()) {
        let mut engine = stack();
        engine.start_maintenance(vec![], 0, None, String::new());
        for event in engine.observe(seen) {
            let told = matches!(event.what, What::Ready { .. } | What::Changed { to: State::Maintenance, .. });
            prop_assert!(told, "{:?}", event);
        }
        for name in ["db", "api", "web"] {
            let day = engine.days(name).unwrap().total(400_000, 1, 0);
            prop_assert_eq!(day.operational + day.degraded + day.partial + day.major, 0);
        }
    }

    #[test]
    fn the_order_of_equal_times_does_not_matter(mut seen in observations(), seed in any::<u64>()) {
        let (mut one, mut other) = (stack(), stack());
        let events = one.observe(seen.clone());
        let mut state = seed | 1;
        for place in (1..seen.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seen.swap(place, (state >> 33) as usize % (place + 1));
        }
        prop_assert_eq!(other.observe(seen), events);
        prop_assert_eq!(one.memory(), other.memory());
    }

    #[test]
    fn a_restart_anywhere_changes_nothing(seen in observations(), cut in 0_usize..120) {
        let (mut whole, mut first) = (stack(), stack());
        let mut sorted = seen;
        sorted.sort();
        let mut cut = cut.min(sorted.len());
        // Observations of one time are decided together: the cut goes between times.
        while cut > 0 && cut < sorted.len() && sorted[cut].time == sorted[cut - 1].time {
            cut += 1;
        }
        let mut events = first.observe(sorted[..cut].to_vec());
        let saved = serde_json::to_string(first.memory()).unwrap();
        let mut second = Engine::new(first.plan().clone(), serde_json::from_str(&saved).unwrap()).unwrap();
        events.extend(second.observe(sorted[cut..].to_vec()));
        prop_assert_eq!(whole.observe(sorted), events);
        prop_assert_eq!(whole.memory(), second.memory());
    }

    #[test]
    fn every_first_failure_is_released_when_all_pass(seen in observations()) {
        let mut engine = stack();
        let mut events = engine.observe(seen);
        for time in 401..404 {
            let all = ["db", "api", "web"].into_iter().flat_map(|component| {
                [None, Some("i0"), Some("i1"), Some("i2")].into_iter().map(move |instance| Observation {
                    time: time * 1000,
                    component: component.to_owned(),
                    check: "c".to_owned(),
                    instance: instance.map(str::to_owned),
                    outcome: Outcome::Pass,
                    ready: None,
                })
            });
            events.extend(engine.observe(all.collect()));
        }
        prop_assert!(engine.views().iter().all(|view| view.state == State::Operational && !view.suspect));
        for name in ["db", "api", "web"] {
            let of = |wanted: fn(&What) -> bool| events.iter().filter(|e| e.component == name && wanted(&e.what)).count();
            prop_assert_eq!(of(|what| matches!(what, What::FirstFailure { .. })), of(|what| *what == What::Cleared));
        }
    }
}
