//! Who waits for the definition of a table: `ALTER TABLE` waits until every transaction that has used the table is over, and
//! all who want to use it then wait behind it.
//!
//! The server tells in `performance_schema.metadata_locks` (`MySQL` by default; `MariaDB` with `performance_schema` and the
//! instrument `wait/lock/metadata/sql/mdl` on) which locks are held and which are waited for, or with its plugin
//! `metadata_lock_info` (`MariaDB`) those that are held. Without either only that somebody waits is known.

use super::super::blockers::Waiter;
use super::locks::{Waiters, id, waits_for_metadata};
use crate::client::mysql::{Row, Session, number, text};

/// Locks of the objects for which somebody waits.
const LOCKS: &str = "SELECT t.PROCESSLIST_ID, m.OBJECT_TYPE, COALESCE(m.OBJECT_SCHEMA, ''), COALESCE(m.OBJECT_NAME, ''), \
    m.LOCK_TYPE, m.LOCK_STATUS FROM performance_schema.metadata_locks m \
    JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
    JOIN (SELECT DISTINCT OBJECT_TYPE, OBJECT_SCHEMA, OBJECT_NAME FROM performance_schema.metadata_locks \
    WHERE LOCK_STATUS = 'PENDING') p ON p.OBJECT_TYPE = m.OBJECT_TYPE AND p.OBJECT_SCHEMA <=> m.OBJECT_SCHEMA \
    AND p.OBJECT_NAME <=> m.OBJECT_NAME WHERE t.PROCESSLIST_ID IS NOT NULL LIMIT 2000";
/// Locks of tables that are held.
const HELD: &str = "SELECT THREAD_ID, 'TABLE', TABLE_SCHEMA, TABLE_NAME, REPLACE(LOCK_MODE, 'MDL_', ''), 'GRANTED' \
    FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE = 'Table metadata lock' LIMIT 2000";

/// Those of whom the server does not tell for whom they wait.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    /// How many they are.
    pub(super) waiting: u64,
    /// Seconds that the longest of them waits.
    pub(super) longest: f64,
    /// Some of them, the longest wait first.
    pub(super) who: Vec<u64>,
    /// What they wait for, in the words of the server.
    pub(super) object: String,
    /// Whose transaction is open longest of those that wait for nothing themselves.
    pub(super) suspect: Option<u64>,
}

/// Adds who waits for the definition of something, and for whom; those of whom that is not told.
pub(super) async fn add(session: &mut Session, sessions: &[Row], waiters: &mut Waiters) -> Option<Open> {
    let waiting: Vec<(u64, f64, String)> = sessions
        .iter()
        .filter(|row| waits_for_metadata(row))
        .filter_map(|row| Some((id(row)?, number(row, 5).unwrap_or(0.0), text(row, 6))))
        .collect();
    if waiting.is_empty() {
        return None;
    }
    let mut told: Vec<Lock> =
        session.ask(LOCKS).await.map(|rows| rows.iter().filter_map(lock).collect()).unwrap_or_default();
    if !told_of_a_wait(&told) {
        let held = session.ask(HELD).await.unwrap_or_default();
        told = held.iter().filter_map(lock).collect();
    }
    for (id, seconds, _) in &waiting {
        let asks: Vec<u64> = waiting.iter().map(|(id, ..)| *id).collect();
        let (by, object) = blockers(*id, &told, &asks);
        if !by.is_empty() {
            waiters.insert(*id, (Waiter { id: *id, by, seconds: *seconds }, object));
        }
    }
    let begun = |row: &Row| Some((id(row)?, number(row, 8)?));
    let idle = sessions.iter().filter(|row| !waits_for_metadata(row)).filter_map(begun);
    open(&waiting, &idle.collect::<Vec<_>>(), waiters)
}

/// Of those that wait, the ones of whom nothing is told. `idle`: transactions of others, with their seconds.
fn open(waiting: &[(u64, f64, String)], idle: &[(u64, f64)], waiters: &Waiters) -> Option<Open> {
    let mut left: Vec<_> = waiting.iter().filter(|(id, ..)| !waiters.contains_key(id)).collect();
    left.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (_, longest, state) = left.first()?;
    // It began before the wait did, give or take a second of the clock.
    let before = idle.iter().filter(|(id, seconds)| !waiters.contains_key(id) && seconds + 1.0 >= *longest);
    let suspect = before.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(id, _)| *id);
    Some(Open {
        waiting: left.len() as u64,
        longest: *longest,
        who: left.iter().take(3).map(|(id, ..)| *id).collect(),
        object: state.trim_start_matches("Waiting for ").to_owned(),
        suspect,
    })
}

/// One lock.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lock {
    session: u64,
    object: [String; 3],
    mode: String,
    held: bool,
}

fn lock(row: &Row) -> Option<Lock> {
    Some(Lock {
        session: text(row, 0).parse().ok()?,
        object: [1, 2, 3].map(|column| text(row, column)),
        mode: text(row, 4),
        held: text(row, 5) == "GRANTED",
    })
}

fn told_of_a_wait(locks: &[Lock]) -> bool {
    locks.iter().any(|lock| !lock.held)
}

/// For whom a session waits, and for what. Where only held locks are told, whoever may change the definition of a table
/// (`SHARED_UPGRADABLE`) waits for the others who use it, and whoever holds nothing there waits behind it.
fn blockers(session: u64, locks: &[Lock], waiting: &[u64]) -> (Vec<u64>, String) {
    let others = |object: &[String; 3], is: &dyn Fn(&Lock) -> bool| {
        let mut found: Vec<u64> = locks
            .iter()
            .filter(|lock| lock.session != session && lock.object == *object && is(lock))
            .map(|lock| lock.session)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let shown = |lock: &Lock| {
        let name: Vec<&str> = lock.object[1..].iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let name = if name.is_empty() { lock.object[0].to_lowercase() } else { name.join(".") };
        format!("{name} · metadata lock")
    };
    if let Some(wanted) = locks.iter().find(|lock| lock.session == session && !lock.held) {
        let held = others(&wanted.object, &|lock| lock.held && in_the_way(&wanted.mode, &lock.mode));
        // Nobody who holds it is in the way: one that waits longer, and wants more, goes first.
        let by =
            if held.is_empty() { others(&wanted.object, &|lock| !lock.held && stronger(&lock.mode)) } else { held };
        return (by, format!("{} · {}", shown(wanted), wanted.mode));
    }
    let changes = |lock: &Lock| waiting.contains(&lock.session) && CHANGES.contains(&lock.mode.as_str());
    if let Some(own) = locks.iter().find(|lock| lock.session == session && changes(lock)) {
        return (others(&own.object, &|lock| !changes(lock)), shown(own));
    }
    match locks.iter().find(|lock| changes(lock)) {
        Some(before) => (others(&before.object, &changes), shown(before)),
        None => (Vec::new(), String::new()),
    }
}

/// Modes in which a table is changed, before the last step.
const CHANGES: [&str; 3] = ["SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE"];

fn stronger(mode: &str) -> bool {
    mode == "EXCLUSIVE" || CHANGES.contains(&mode)
}

/// Whether a held lock keeps another from being granted (the table in the server's `sql/mdl.cc`).
fn in_the_way(wanted: &str, held: &str) -> bool {
    let against: &[&str] = match wanted {
        "SHARED" | "SHARED_HIGH_PRIO" => &["EXCLUSIVE"],
        "SHARED_READ" => &["SHARED_NO_READ_WRITE", "EXCLUSIVE"],
        "SHARED_WRITE" | "SHARED_WRITE_LOW_PRIO" => {
            &["SHARED_READ_ONLY", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"]
        }
        "SHARED_UPGRADABLE" => &["SHARED_UPGRADABLE", "SHARED_NO_WRITE", "SHARED_NO_READ_WRITE", "EXCLUSIVE"],
        "SHARED_READ_ONLY" => &["SHARED_WRITE", "SHARED_WRITE_LOW_PRIO", "SHARED_NO_READ_WRITE", "EXCLUSIVE"],
        "SHARED_NO_WRITE" => &[
            "SHARED_WRITE",
            "SHARED_WRITE_LOW_PRIO",
            "SHARED_UPGRADABLE",
            "SHARED_NO_WRITE",
            "SHARED_NO_READ_WRITE",
            "EXCLUSIVE",
        ],
        // The others, and those that a later version has, suffer nobody but those who look at the name alone.
        "SHARED_NO_READ_WRITE" => return !matches!(held, "SHARED" | "SHARED_HIGH_PRIO"),
        "INTENTION_EXCLUSIVE" => return held != "INTENTION_EXCLUSIVE",
        _ => return true,
    };
    against.contains(&held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(session: u64, table: &str, mode: &str, held: bool) -> Lock {
        Lock { session, object: ["TABLE", "shop", table].map(str::to_owned), mode: mode.to_owned(), held }
    }

    #[test]
    fn who_changes_a_table_waits_for_who_used_it_and_the_others_wait_behind() {
        // As MariaDB 10.11 and MySQL 8 tell: 4 has read, 5 alters, 6 writes.
        let told = [
            lock(4, "accounts", "SHARED_READ", true),
            lock(5, "accounts", "SHARED_UPGRADABLE", true),
            lock(5, "accounts", "EXCLUSIVE", false),
            lock(6, "accounts", "SHARED_WRITE", false),
            lock(9, "other", "SHARED_READ", true),
        ];
        assert!(told_of_a_wait(&told));
        assert_eq!(blockers(5, &told, &[5, 6]), (vec![4], "shop.accounts · metadata lock · EXCLUSIVE".to_owned()));
        assert_eq!(blockers(6, &told, &[5, 6]), (vec![5], "shop.accounts · metadata lock · SHARED_WRITE".to_owned()));
    }

    #[test]
    fn from_the_held_locks_alone_the_same_is_found() {
        let held = [
            lock(4, "accounts", "SHARED_READ", true),
            lock(5, "accounts", "SHARED_UPGRADABLE", true),
            lock(9, "other", "SHARED_READ", true),
        ];
        assert!(!told_of_a_wait(&held));
        assert_eq!(blockers(5, &held, &[5, 6]), (vec![4], "shop.accounts · metadata lock".to_owned()));
        assert_eq!(blockers(6, &held, &[5, 6]).0, [5]);
        assert_eq!(blockers(6, &[], &[5, 6]), (Vec::new(), String::new()));
        // Whoever alters without waiting holds up nobody that waits.
        assert_eq!(blockers(6, &held, &[6]).0, Vec::<u64>::new());
    }

    #[test]
    fn what_is_not_told_has_a_suspect() {
        let state = || "Waiting for table metadata lock".to_owned();
        let waiting = [(6, 3.0, state()), (5, 8.0, state())];
        let found = open(&waiting, &[(4, 9.0), (8, 2.0)], &Waiters::new()).expect("two wait");
        assert_eq!((found.waiting, found.suspect, found.who), (2, Some(4), vec![5, 6]));
        assert_eq!(found.object, "table metadata lock");
        // A transaction that began after the wait did is not what it waits for.
        assert_eq!(open(&waiting, &[(8, 2.0)], &Waiters::new()).and_then(|open| open.suspect), None);
        let all = [5, 6].map(|id| (id, (Waiter { id, by: vec![4], seconds: 1.0 }, String::new())));
        assert_eq!(open(&waiting, &[(4, 9.0)], &Waiters::from(all)), None);
    }

    #[test]
    fn modes_suffer_each_other_or_not() {
        for (wanted, held, wait) in [
            ("SHARED_READ", "SHARED_WRITE", false),
            ("SHARED_WRITE", "SHARED_READ", false),
            ("SHARED_WRITE", "SHARED_READ_ONLY", true),
            ("SHARED_READ_ONLY", "SHARED_WRITE", true),
            ("SHARED_UPGRADABLE", "SHARED_UPGRADABLE", true),
            ("EXCLUSIVE", "SHARED", true),
            ("SHARED_NO_READ_WRITE", "SHARED", false),
            ("INTENTION_EXCLUSIVE", "SHARED", true),
        ] {
            assert_eq!(in_the_way(wanted, held), wait, "{wanted} {held}");
        }
    }
}
