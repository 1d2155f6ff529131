//! The desk and the queue, with times that the tests make up.

use perfuse_analyze::status::{Event, State, What};

use super::desk::{Clock, Desk, Known, Memory, Receiver, Seen, Waits};
use super::notice::{Named, Notice, Phase, Severity, Subject};
use super::queue::{Delivery, Failure, Queue};

const DAY: u64 = 1_795_651_200_000;
const GROUP: u64 = 5_000;
const CAUSE: u64 = 20_000;
const HELD: u64 = 120_000;
const YEAR: u64 = 366 * 86_400_000;

/// Milliseconds after the beginning of the test, on both clocks.
fn at(milliseconds: u64) -> Clock {
    Clock { wall: DAY + milliseconds, steady: YEAR + milliseconds }
}

fn receiver(name: &str) -> Receiver {
    Receiver { name: name.to_owned(), components: Vec::new(), resolve: true, repeat: None, refresh: None }
}

fn desk(receivers: Vec<Receiver>) -> Desk {
    Desk::new(receivers, Waits::default(), Memory::default(), at(0))
}

fn event(desk: &mut Desk, time: u64, component: &str, what: What) {
    desk.event(&Event { time: DAY + time, component: component.to_owned(), what }, at(time));
}

fn changed(desk: &mut Desk, time: u64, component: &str, to: State, held_by: Option<&str>) {
    let held_by = held_by.map(str::to_owned);
    event(desk, time, component, What::Changed { from: State::Operational, to, held_by });
}

/// `receiver phase component state` of every notice of a turn.
fn told(desk: &mut Desk, time: u64) -> Vec<String> {
    desk.turn(at(time)).iter().map(|(receiver, notice)| line(receiver, notice)).collect()
}

fn line(receiver: &str, notice: &Notice) -> String {
    format!("{receiver} {} {} {}", notice.phase.name(), notice.component.name, notice.state.name())
}

fn known(component: &str, cause: Option<&str>) -> Known {
    let cause = cause.map(|cause| (cause.to_owned(), cause.to_owned()));
    Known { id: format!("i-{component}"), component: component.to_owned(), cause }
}

fn seen(component: &str, state: State) -> Seen {
    let name = component.to_owned();
    let component = Named { name: name.clone(), title: name.to_uppercase(), title_ko: name };
    Seen { component, state, since: DAY, held_by: None, flapping: false, burning: [false; 3] }
}

const NONE: [&str; 0] = [];

#[test]
fn an_outage_is_told_once_with_its_cause_and_once_when_it_is_over() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 1_000, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, 1_000 + GROUP), NONE, "the cause is looked for");
    assert_eq!(desk.next(), Some(YEAR + 1_000 + CAUSE));
    desk.see(DAY + 9_000, vec![seen("db", State::MajorOutage)], &[known("db", Some("disk full"))], at(9_000));
    let first = desk.turn(at(9_000));
    let notice = &first[0].1;
    assert_eq!((first.len(), notice.phase, notice.number), (1, Phase::Firing, 1));
    assert_eq!(notice.cause.as_ref().map(|(en, _)| en.as_str()), Some("disk full"));
    assert_eq!(notice.incident.as_deref(), Some("i-db"));
    assert_eq!(notice.component.title, "DB");
    assert_eq!(told(&mut desk, 3_600_000), NONE);
    changed(&mut desk, 3_600_000, "db", State::Operational, None);
    let last = desk.turn(at(3_600_000));
    assert_eq!(line("pager", &last[0].1), "pager resolved db operational");
    assert_eq!((&last[0].1.key, last[0].1.number), (&notice.key, 2));
    assert_eq!(told(&mut desk, 7_200_000), NONE);
    assert_eq!(desk.next(), None);
}

#[test]
fn without_a_cause_it_is_told_late_and_told_again_with_it() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, CAUSE - 1), NONE);
    assert_eq!(told(&mut desk, CAUSE), ["pager firing db major_outage"]);
    desk.see(DAY + 30_000, vec![seen("db", State::MajorOutage)], &[known("db", Some("lock"))], at(30_000));
    assert_eq!(told(&mut desk, 30_000), NONE, "what comes together is told together");
    assert_eq!(told(&mut desk, 30_000 + GROUP), ["pager update db major_outage"]);
}

#[test]
fn what_becomes_worse_is_told_and_what_becomes_better_is_not() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::Degraded, None);
    assert_eq!(told(&mut desk, CAUSE), ["pager firing db degraded"]);
    changed(&mut desk, 60_000, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, 60_000 + GROUP), ["pager update db major_outage"]);
    changed(&mut desk, 90_000, "db", State::Degraded, None);
    changed(&mut desk, 120_000, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, 300_000), NONE);
    changed(&mut desk, 400_000, "db", State::Operational, None);
    assert_eq!(told(&mut desk, 400_000), ["pager resolved db operational"]);
}

#[test]
fn an_outage_that_is_over_before_it_was_told_is_told() {
    let quiet = Receiver { resolve: false, ..receiver("log") };
    let mut desk = desk(vec![quiet, receiver("pager")]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, 1_000), NONE);
    changed(&mut desk, 3_000, "db", State::Operational, None);
    assert_eq!(
        told(&mut desk, 3_000),
        ["log firing db major_outage", "pager firing db major_outage", "pager resolved db operational"]
    );
}

#[test]
fn one_root_outage_is_told_and_not_ten() {
    let shop = Receiver { components: vec!["shop".to_owned()], ..receiver("shop") };
    let mut desk = desk(vec![receiver("all"), shop]);
    changed(&mut desk, 0, "shop", State::MajorOutage, None);
    changed(&mut desk, 2_000, "db", State::MajorOutage, None);
    event(&mut desk, 2_000, "shop", What::Held { by: Some("db".to_owned()) });
    changed(&mut desk, 2_000, "mail", State::Degraded, Some("db"));
    let notices = desk.turn(at(2_000 + CAUSE));
    let lines: Vec<String> = notices.iter().map(|(receiver, notice)| line(receiver, notice)).collect();
    assert_eq!(lines, ["all firing db major_outage", "shop firing db major_outage"]);
    let affected: Vec<&str> = notices[0].1.affected.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(affected, ["mail", "shop"]);
    // The root is well again, the other is not.
    changed(&mut desk, 100_000, "db", State::Operational, None);
    event(&mut desk, 100_000, "shop", What::Held { by: None });
    changed(&mut desk, 100_000, "mail", State::Operational, None);
    assert_eq!(told(&mut desk, 100_000), ["all resolved db operational", "shop resolved db operational"]);
    assert_eq!(told(&mut desk, 100_000 + CAUSE), ["all firing shop major_outage", "shop firing shop major_outage"]);
}

#[test]
fn a_root_that_only_seems_to_fail_hides_nothing_for_long() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::Operational, None);
    changed(&mut desk, 0, "shop", State::MajorOutage, Some("db"));
    assert_eq!(told(&mut desk, HELD - 1), NONE);
    assert_eq!(desk.next(), Some(YEAR + HELD));
    assert_eq!(told(&mut desk, HELD), NONE);
    assert_eq!(told(&mut desk, HELD + CAUSE), ["pager firing shop major_outage"]);
    assert_eq!(desk.next(), None, "nothing is to be done until something happens");
}

#[test]
fn maintenance_silences_and_does_not_resolve() {
    let mut desk = desk(vec![Receiver { repeat: Some(60_000), ..receiver("pager") }]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, CAUSE), ["pager firing db major_outage"]);
    assert_eq!(told(&mut desk, CAUSE + 60_000), ["pager repeat db major_outage"]);
    changed(&mut desk, 100_000, "db", State::Maintenance, None);
    changed(&mut desk, 100_000, "shop", State::MajorOutage, Some("db"));
    assert_eq!(told(&mut desk, 1_000_000), NONE);
    assert_eq!(desk.next(), None);
    changed(&mut desk, 1_000_000, "db", State::Operational, None);
    assert_eq!(told(&mut desk, 1_000_000), ["pager resolved db operational"]);
    // What begins and ends within it is not told at all.
    changed(&mut desk, 1_100_000, "web", State::Maintenance, None);
    changed(&mut desk, 1_200_000, "web", State::Operational, None);
    assert!(!told(&mut desk, 1_300_000).iter().any(|line| line.contains("web")));
}

#[test]
fn no_data_neither_begins_nor_ends_anything() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::Unknown, None);
    assert_eq!(told(&mut desk, 100_000), NONE);
    changed(&mut desk, 100_000, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, 100_000 + CAUSE), ["pager firing db major_outage"]);
    changed(&mut desk, 200_000, "db", State::Unknown, None);
    assert_eq!(told(&mut desk, 300_000), NONE);
    changed(&mut desk, 300_000, "db", State::Operational, None);
    assert_eq!(told(&mut desk, 300_000), ["pager resolved db operational"]);
}

#[test]
fn flapping_is_told_once() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    event(&mut desk, 1_000, "db", What::Flapping { now: true });
    assert_eq!(told(&mut desk, CAUSE), ["pager firing db major_outage"]);
    for turn in 1..20 {
        let state = if turn % 2 == 0 { State::MajorOutage } else { State::Operational };
        changed(&mut desk, turn * 30_000, "db", state, None);
        assert_eq!(told(&mut desk, turn * 30_000 + 20_000), NONE);
    }
    event(&mut desk, 700_000, "db", What::Flapping { now: false });
    assert_eq!(told(&mut desk, 700_000), ["pager resolved db operational"]);
}

#[test]
fn a_budget_is_told_unless_an_outage_explains_it() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::Operational, None);
    event(&mut desk, 0, "db", What::Burning { pair: 2, now: true });
    let first = desk.turn(at(GROUP));
    assert_eq!((first[0].1.subject, first[0].1.worst), (Subject::Budget, Severity::Warning));
    event(&mut desk, 60_000, "db", What::Burning { pair: 0, now: true });
    let second = desk.turn(at(60_000 + GROUP));
    assert_eq!((second[0].1.phase, second[0].1.worst), (Phase::Update, Severity::Critical));
    for pair in [0, 2] {
        event(&mut desk, 90_000, "db", What::Burning { pair, now: false });
    }
    assert_eq!(told(&mut desk, 90_000), ["pager resolved db operational"]);
    // An outage, and its afterpains.
    changed(&mut desk, 100_000, "db", State::MajorOutage, None);
    event(&mut desk, 110_000, "db", What::Burning { pair: 0, now: true });
    let outage = desk.turn(at(100_000 + CAUSE));
    assert_eq!((outage.len(), outage[0].1.subject, outage[0].1.burning), (1, Subject::State, [true, false, false]));
    changed(&mut desk, 200_000, "db", State::Operational, None);
    assert_eq!(told(&mut desk, 200_000), ["pager resolved db operational"]);
    assert_eq!(told(&mut desk, 300_000), NONE);
    event(&mut desk, 400_000, "db", What::Burning { pair: 0, now: false });
    assert_eq!(told(&mut desk, 500_000), NONE);
}

#[test]
fn a_restart_neither_forgets_nor_repeats() {
    let repeat = || vec![Receiver { repeat: Some(600_000), ..receiver("pager") }];
    let mut desk = desk(repeat());
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, CAUSE).len(), 1);
    let memory = serde_json::to_string(desk.take_memory().expect("it changed")).expect("JSON");
    assert!(desk.take_memory().is_none());
    let restored =
        |time| Desk::new(repeat(), Waits::default(), serde_json::from_str(&memory).expect("its own JSON"), at(time));
    let mut later = restored(100_000);
    later.see(DAY + 100_000, vec![seen("db", State::MajorOutage)], &[], at(100_000));
    assert_eq!(told(&mut later, 100_000 + CAUSE), NONE, "it was told");
    assert_eq!(told(&mut later, CAUSE + 600_000), ["pager repeat db major_outage"]);
    // It recovered while nobody was looking.
    let mut late = restored(100_000);
    late.see(DAY + 100_000, vec![seen("db", State::Operational)], &[], at(100_000));
    assert_eq!(told(&mut late, 100_000), ["pager resolved db operational"]);
    // It is not in the configuration any more.
    let mut gone = restored(100_000);
    gone.see(DAY + 100_000, Vec::new(), &[], at(100_000));
    assert_eq!(told(&mut gone, 100_000), ["pager resolved db unknown"]);
}

#[test]
fn an_old_view_does_not_undo_a_new_event() {
    let mut desk = desk(vec![receiver("pager")]);
    desk.see(DAY, vec![seen("db", State::Operational)], &[], at(0));
    changed(&mut desk, 5_000, "db", State::MajorOutage, None);
    desk.see(DAY + 4_000, vec![seen("db", State::Operational)], &[], at(5_100));
    assert_eq!(told(&mut desk, 5_100), NONE);
    assert_eq!(told(&mut desk, 5_000 + CAUSE), ["pager firing db major_outage"]);
    // What no event told counts as well.
    desk.see(DAY + 60_000, vec![seen("db", State::MajorOutage), seen("web", State::Degraded)], &[], at(60_000));
    assert_eq!(told(&mut desk, 60_000 + CAUSE), ["pager firing web degraded"]);
}

#[test]
fn an_alertmanager_hears_of_what_lasts() {
    let manager = Receiver { refresh: Some(60_000), ..receiver("manager") };
    let mut desk = desk(vec![manager]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    assert_eq!(told(&mut desk, CAUSE), ["manager firing db major_outage"]);
    assert_eq!(told(&mut desk, CAUSE + 60_000), ["manager refresh db major_outage"]);
    assert_eq!(told(&mut desk, CAUSE + 61_000), NONE);
    assert_eq!(desk.next(), Some(YEAR + CAUSE + 120_000));
}

#[test]
fn a_clock_that_jumps_puts_nothing_off() {
    let mut desk = desk(vec![receiver("pager")]);
    changed(&mut desk, 0, "db", State::MajorOutage, None);
    let back = Clock { wall: DAY - 86_400_000, steady: YEAR + CAUSE };
    assert_eq!(desk.turn(back).len(), 1);
}

fn delivery(receiver: &str, phase: Phase, number: u32, time: u64) -> Delivery {
    let notice = Notice {
        key: "db.state.1".to_owned(),
        number,
        phase,
        subject: Subject::State,
        component: seen("db", State::MajorOutage).component,
        state: State::MajorOutage,
        worst: Severity::Critical,
        began: DAY,
        at: DAY + time,
        ended: None,
        flapping: false,
        burning: [false; 3],
        affected: Vec::new(),
        cause: None,
        incident: None,
    };
    Delivery::new(receiver.to_owned(), notice, at(time))
}

fn numbers(started: &[Delivery]) -> Vec<(&str, u32)> {
    started.iter().map(|delivery| (delivery.receiver.as_str(), delivery.notice.number)).collect()
}

#[test]
fn a_delivery_is_tried_again_at_growing_times_and_in_order() {
    let mut queue = Queue::default();
    queue.push(delivery("a", Phase::Firing, 1, 0));
    queue.push(delivery("a", Phase::Resolved, 2, 0));
    queue.push(delivery("b", Phase::Firing, 1, 0));
    assert_eq!(numbers(&queue.start(at(0))), [("a", 1), ("b", 1)]);
    assert_eq!(queue.start(at(0)), [], "both are busy");
    assert_eq!(queue.next(), None);
    assert!(queue.done("db.state.1#1@b", Ok(()), at(10)).expect("it is known").1);
    let mut last = 0;
    let mut time = 0;
    for attempt in 1..12 {
        let (kept, over) = queue.done("db.state.1#1@a", Err(Failure::new("no")), at(time)).expect("it is known");
        assert_eq!((kept.attempts, over, kept.problem), (attempt, false, Some("no".into())));
        let next = queue.next().expect("there is one") - YEAR;
        let gap = next - time;
        assert!(gap > last / 2 && (500..=300_000).contains(&gap), "{gap} after {last}");
        assert_eq!(queue.start(at(next - 1)), []);
        (last, time) = (gap, next);
        assert_eq!(numbers(&queue.start(at(time))), [("a", 1)]);
    }
    queue.done("db.state.1#1@a", Ok(()), at(time));
    assert_eq!(numbers(&queue.start(at(time))), [("a", 2)]);
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    let mut queue = Queue::default();
    queue.push(delivery("a", Phase::Firing, 1, 0));
    queue.start(at(0));
    let after = Some(std::time::Duration::from_secs(60));
    queue.done("db.state.1#1@a", Err(Failure { after, ..Failure::new("HTTP 429") }), at(0));
    assert_eq!(queue.next(), Some(YEAR + 60_000));
}

#[test]
fn what_is_too_old_or_refused_for_long_is_given_up() {
    for (refused, hours) in [(true, 1), (false, 24)] {
        let mut queue = Queue::default();
        queue.push(delivery("a", Phase::Firing, 1, 0));
        let fail = |queue: &mut Queue, time| {
            queue.start(at(time));
            queue.done("db.state.1#1@a", Err(Failure { refused, ..Failure::new("no") }), at(time)).expect("known").1
        };
        assert!(!fail(&mut queue, hours * 3_600_000));
        assert!(fail(&mut queue, (hours + 1) * 3_600_000));
        assert_eq!(queue.waiting(), []);
    }
}

#[test]
fn what_waits_is_bounded_and_overtaken_by_what_is_newer() {
    let mut queue = Queue::default();
    queue.push(delivery("a", Phase::Firing, 1, 0));
    assert!(!queue.push(delivery("a", Phase::Repeat, 2, 0)).0, "it was not told yet");
    queue.push(delivery("a", Phase::Update, 3, 0));
    let (kept, closed) = queue.push(delivery("a", Phase::Resolved, 4, 0));
    assert!(kept);
    assert_eq!(numbers(&closed), [("a", 3)]);
    assert_eq!(numbers(queue.waiting()), [("a", 1), ("a", 4)]);
    for case in 0..600_u32 {
        let mut one = delivery("b", Phase::Firing, 1, 0);
        one.notice.key = format!("c{case}");
        let one = Delivery::new("b".to_owned(), one.notice, at(0));
        queue.push(one);
    }
    assert_eq!(queue.waiting().iter().filter(|delivery| delivery.receiver == "b").count(), 500);
    assert_eq!(numbers(&queue.waiting()[..2]), [("a", 1), ("a", 4)]);
}
