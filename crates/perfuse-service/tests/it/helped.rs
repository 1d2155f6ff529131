//! Whether it helped: a real `PostgreSQL` session holds up another one, is named, and lets go; the incident then has the
//! numbers before, during and after it.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use perfuse_analyze::Thresholds;
use perfuse_analyze::status::{State, What};
use perfuse_service::incident::{Incident, Incidents, Keep, Options, Subject};
use perfuse_service::ring::Ring;
use perfuse_service::store::{Retention, Store};
use perfuse_testkit::{gate, need, skip};

use crate::apps::{collectors, once, postgresql};
use crate::incident::{changed, event, now};

/// How much of the time after the recovery is compared here.
const AFTER: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_before_during_and_after_a_lock_are_compared() {
    need!(gate::command("setpriv"));
    need!(gate::command("postgres"));
    let (_server, port) = match postgresql::start().await {
        Ok(started) => started,
        Err(reason) => skip!("{reason}"),
    };
    let holder = postgresql::session(port, "postgres", "holder").await.expect("a session");
    let table = "CREATE TABLE stock (id int PRIMARY KEY, n int); INSERT INTO stock VALUES (1, 1)";
    holder.batch_execute(table).await.expect("makes a table");

    let directory = tempfile::tempdir().expect("a directory");
    let (mut store, _) = Store::open(directory.path(), Retention::default()).expect("a store");
    let ring = Ring::start(Thresholds::default(), Vec::new()).expect("a ring");
    let (to, kept) = channel::<Incident>();
    // The test may have ended.
    let keep: Keep = Box::new(move |incident, _| drop(to.send(incident.clone())));
    // It needs the database, whose collector is therefore about it, too.
    let shop = Subject {
        component: "shop".to_owned(),
        needs: vec!["db".to_owned()],
        beneath: vec!["stock-db".to_owned()],
        ..Subject::default()
    };
    let options = Options {
        ring: ring.clone(),
        thresholds: Thresholds::default(),
        subjects: vec![shop],
        open: Vec::new(),
        reader: store.reader(),
        keep,
        look: Duration::from_secs(2),
        after: AFTER,
    };
    let incidents = Incidents::start(options).expect("a desk");
    let mut looks = collectors(&format!(
        "[[component]]\nname = \"db\"\n[[collector]]\nkind = \"postgresql\"\nname = \"stock-db\"\ncomponent = \"db\"\n\
        url = \"postgresql://postgres@127.0.0.1:{port}/postgres\"\ntimeout = \"5s\"\n"
    ));
    // One second of the daemon: what the application says goes into the ring and the store.
    let mut second = async || {
        let found = once(&mut looks).await;
        let at = i64::try_from(now() / 1000).expect("not that late");
        let mut values = Vec::new();
        for (key, value) in &found.series {
            values.push((store.series(key).expect("a series"), *value));
        }
        store.append(at, &values);
        ring.told("stock-db", found.facts.clone(), found.tables);
        tokio::time::sleep(Duration::from_secs(1)).await;
        found.facts.len()
    };
    for _ in 0..3 {
        assert_eq!(second().await, 0);
    }
    holder.batch_execute("BEGIN; UPDATE stock SET n = 4711 WHERE id = 1").await.expect("takes the row");
    let client = postgresql::session(port, "postgres", "till").await.expect("a session");
    let waits = tokio::spawn(async move {
        client.batch_execute("UPDATE stock SET n = n + 1 WHERE id = 1").await.expect("gets the row at last");
    });
    let begun = Instant::now();
    while second().await == 0 {
        assert!(begun.elapsed() < PATIENCE, "nobody waits");
    }
    incidents.events(vec![
        event(What::FirstFailure { check: "http".to_owned(), instance: None }),
        changed(State::Operational, State::MajorOutage),
    ]);
    let found = loop {
        second().await;
        if let Some(found) = kept.try_iter().find(|incident| incident.why.is_some()) {
            break found;
        }
        assert!(begun.elapsed() < PATIENCE, "no answer");
    };
    // Without processes of its own it is the whole host that is looked at, which may have other troubles, too.
    let why = found.why.as_ref().expect("an answer");
    let causes = why["findings"].as_array().expect("findings");
    let blocked = causes.iter().find(|one| one["id"] == "app.blocked-session");
    let chain = blocked.unwrap_or_else(|| panic!("{why:#}"))["chain"].to_string();
    assert!(chain.contains("UPDATE stock SET n = ? WHERE id = ?") && chain.contains("postgres till"), "{chain}");
    assert!(found.tables.iter().any(|table| table.title == "pg_locks"), "{:?}", found.tables);

    holder.batch_execute("ROLLBACK").await.expect("lets go");
    waits.await.expect("is done");
    incidents.events(vec![changed(State::MajorOutage, State::Operational), event(What::Cleared)]);
    let over = loop {
        second().await;
        if let Some(over) = kept.try_iter().find(|incident| !incident.compared.is_empty()) {
            break over;
        }
        assert!(begun.elapsed() < PATIENCE, "no comparison");
    };
    assert!(over.ended.is_some());
    let waiting = over.compared.iter().find(|one| one.series.starts_with("postgresql_waiting_on_locks"));
    let waiting = waiting.unwrap_or_else(|| panic!("{:?}", over.compared));
    assert_eq!((waiting.before, waiting.during, waiting.after), (Some(0.0), Some(1.0), Some(0.0)), "{waiting:?}");
}
