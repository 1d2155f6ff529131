use std::net::SocketAddr;
use std::sync::Arc;

use super::*;

fn socket(place: Place, waiting: u32, drops: u32) -> Listening {
    let cookie = Key::of(&place).port().map_or(1, u64::from);
    Listening {
        place,
        pid: Some(7),
        owner: Some("nginx".to_owned()),
        waiting,
        room: Some(128),
        drops: Some(drops),
        cookie,
    }
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn listener(port: u16, waiting: u32, drops: u32) -> Listening {
    socket(Place::Tcp(at(port)), waiting, drops)
}

fn receiver(port: u16, waiting: u32, drops: u32) -> Listening {
    socket(Place::Udp(at(port)), waiting, drops)
}

fn local(path: &str, waiting: u32) -> Listening {
    socket(Place::Local(path.to_owned()), waiting, 0)
}

/// What one look of each kind finds.
fn looked(sockets: &[Listening], time: u64) -> Looked {
    let of = |kind: Kind| {
        let sockets = sockets.iter().filter(|one| Key::of(&one.place).kind() == kind).cloned().collect();
        Some(Arc::new(Look { at_ns: 1 + time, sockets }))
    };
    let (streams, datagrams, local) = (of(Kind::Tcp), of(Kind::Udp), of(Kind::Local));
    Looked { time, streams, datagrams, local, ephemeral: (32768, 60999) }
}

fn own() -> Own {
    Own { ports: BTreeSet::from([7780]), process: Some(99) }
}

/// Looks once every five seconds, and gives the outcomes of one component of each look.
fn outcomes(listeners: &mut Listeners, name: &str, from: u64, count: u64, found: &[Listening]) -> Vec<Option<Outcome>> {
    let each = (0..count).map(|look| {
        let time = from + look * EVERY;
        let seen = listeners.look(&looked(found, time), &own(), time);
        assert!(seen.iter().all(|seen| seen.component != "tcp-7780"), "its own port");
        seen.iter().find(|seen| seen.component == name).map(|seen| seen.outcome)
    });
    each.collect()
}

fn looks(listeners: &mut Listeners, from: u64, count: u64, found: &[Listening]) -> Vec<Option<Outcome>> {
    outcomes(listeners, "tcp-80", from, count, found)
}

fn names(listeners: &Listeners) -> Vec<String> {
    listeners.shown().into_iter().map(|shown| shown.plan.name).collect()
}

#[test]
fn one_that_stays_is_watched_and_missed() {
    for (here, name, title) in [
        (listener(80, 0, 3), "tcp-80", "nginx :80"),
        (receiver(53, 0, 3), "udp-53", "nginx :53/udp"),
        (local("/run/app/a.sock", 0), "unix-app-a.sock", "nginx a.sock"),
    ] {
        let mut listeners = Listeners::default();
        let here = [here, listener(7780, 0, 0)];
        let first = outcomes(&mut listeners, name, 0, 3, &here);
        assert_eq!(first, [None, Some(Outcome::Pass), Some(Outcome::Pass)]);
        let shown = listeners.shown();
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].title, title);
        // Ten minutes later it is missed, and after a day forgotten.
        outcomes(&mut listeners, name, 3 * EVERY, 130, &here);
        assert_eq!(outcomes(&mut listeners, name, 133 * EVERY, 2, &[]), [Some(Outcome::Fail); 2]);
        let kept: Listeners = serde_json::from_str(&serde_json::to_string(&listeners).unwrap()).unwrap();
        assert_eq!(kept.shown(), listeners.shown());
        assert_eq!(outcomes(&mut listeners, name, 135 * EVERY, 1, &here), [Some(Outcome::Pass)]);
        assert_eq!(outcomes(&mut listeners, name, 136 * EVERY + FORGOTTEN, 1, &[]), [None]);
        assert!(listeners.shown().is_empty());
    }
}

#[test]
fn what_comes_and_goes_is_not_missed() {
    let mut listeners = Listeners::default();
    looks(&mut listeners, 0, 20, &[listener(80, 0, 0), listener(40000, 0, 0)]);
    assert_eq!(listeners.shown().len(), 2);
    assert_eq!(looks(&mut listeners, 20 * EVERY, 1, &[listener(40000, 0, 0)]), [None], "not ten minutes");
    looks(&mut listeners, 21 * EVERY, 200, &[listener(40000, 0, 0)]);
    assert_eq!(looks(&mut listeners, 221 * EVERY, 1, &[]), [None]);
    assert!(listeners.shown().is_empty(), "a port of the kernel's choice");
}

#[test]
fn a_client_of_udp_is_no_component_and_a_server_becomes_one() {
    let mut listeners = Listeners::default();
    let here = [receiver(51820, 0, 0), receiver(53, 0, 0)];
    looks(&mut listeners, 0, 100, &here);
    assert_eq!(names(&listeners), ["udp-53"]);
    looks(&mut listeners, 100 * EVERY, 25, &here);
    assert_eq!(names(&listeners), ["udp-53", "udp-51820"]);
    assert_eq!(outcomes(&mut listeners, "udp-51820", 125 * EVERY, 1, &here[1..]), [None]);
    assert_eq!(names(&listeners), ["udp-53"], "a port of the kernel's choice is not missed");
}

#[test]
fn a_full_queue_and_drops_are_slow() {
    let mut listeners = Listeners::default();
    looks(&mut listeners, 0, 2, &[listener(80, 0, 3)]);
    for (look, (waiting, drops, wanted)) in
        (2..).zip([(0, 3, Outcome::Pass), (129, 3, Outcome::Slow), (0, 5, Outcome::Slow), (0, 5, Outcome::Pass)])
    {
        let outcome = looks(&mut listeners, look * EVERY, 1, &[listener(80, waiting, drops)]);
        assert_eq!(outcome, [Some(wanted)], "{waiting} {drops}");
    }
    looks(&mut listeners, 0, 2, &[receiver(53, 0, 3)]);
    for (look, (waiting, drops, id)) in (2..).zip([
        (0, 3, "daemon-receiver"),
        (116, 3, "daemon-receiver-full"),
        (0, 5, "daemon-receiver-drops"),
        (0, 5, "daemon-receiver"),
    ]) {
        let time = look * EVERY;
        let seen = listeners.look(&looked(&[receiver(53, waiting, drops)], time), &own(), time);
        assert_eq!(seen.iter().find(|seen| seen.component == "udp-53").map(|seen| seen.message.id.as_str()), Some(id));
    }
    outcomes(&mut listeners, "", 0, 2, &[local("/run/a", 0)]);
    let full = outcomes(&mut listeners, "unix-a", 2 * EVERY, 1, &[local("/run/a", 129)]);
    assert_eq!(full, [Some(Outcome::Slow)]);
}

#[test]
fn what_was_not_read_again_says_nothing_new() {
    let mut listeners = Listeners::default();
    let first = looked(&[receiver(53, 0, 0), listener(80, 0, 0)], 0);
    assert!(listeners.look(&first, &own(), 0).is_empty());
    let again = Looked { streams: looked(&[listener(80, 0, 0)], EVERY).streams, ..first };
    let seen: Vec<String> = listeners.look(&again, &own(), EVERY).into_iter().map(|seen| seen.component).collect();
    assert_eq!(seen, ["tcp-80"]);
    // What cannot be seen is not gone.
    let blind = Looked { streams: None, datagrams: None, local: None, ..again };
    assert!(listeners.look(&blind, &own(), 2 * EVERY).is_empty());
    assert_eq!(names(&listeners), ["tcp-80"]);
}

#[test]
fn for_one_who_looks_once_all_is_there() {
    let mut listeners = Listeners::default();
    let here = looked(&[receiver(53, 0, 0), listener(80, 0, 0), local("/run/a", 0), local("/tmp/a", 0)], 5);
    listeners.settle(&here, &own(), 0);
    assert_eq!(listeners.look(&here, &own(), EVERY).len(), 3);
    assert_eq!(names(&listeners), ["tcp-80", "udp-53", "unix-a"]);
}

#[test]
fn there_is_a_bound_on_how_many() {
    let mut listeners = Listeners::default();
    let mut many: Vec<Listening> = (1..2000).flat_map(|port| [listener(port, 0, 0), receiver(port, 0, 0)]).collect();
    many.extend((0..200).map(|number| local(&format!("/run/{number}.sock"), 0)));
    many.extend((0..200).map(|number| local(&format!("/a/{number}.sock"), 0)));
    looks(&mut listeners, 0, 2, &many);
    assert_eq!(listeners.shown().len(), 2 * MOST_PORTS + MOST_LOCAL);
    let local: Vec<_> = listeners.shown().into_iter().filter_map(|shown| shown.path).collect();
    assert!(local.iter().all(|path| path.starts_with("/run/")), "{local:?}");
}

#[test]
fn its_own_sockets_are_nobodys_business() {
    let mut listeners = Listeners::default();
    let ours = Listening { pid: Some(99), ..local("/run/perfuse/control.sock", 0) };
    looks(&mut listeners, 0, 2, &[ours, local("/run/a", 0)]);
    assert_eq!(names(&listeners), ["unix-a"]);
}
