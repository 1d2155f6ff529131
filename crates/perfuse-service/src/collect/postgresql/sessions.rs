//! Sessions that wait for each other.

use std::collections::BTreeMap;

use perfuse_analyze::app::AppWhat;
use perfuse_format::sql::{Dialect, without_values};
use tokio_postgres::SimpleQueryRow;

use super::super::blockers::{Root, Waiter, roots};
use super::super::sheet::Sheet;
use crate::client::postgresql::{Rows, number, text};

/// Characters of a statement that are shown.
const STATEMENT: usize = 200;

/// The statement of a session, without its values.
fn statement(row: &SimpleQueryRow) -> String {
    without_values(text(row, 9), Dialect::PostgreSql, STATEMENT)
}

/// What a session waits for.
struct Wait {
    seconds: Option<f64>,
    object: String,
}

/// Reads a row of locks: its session and what it waits for, in the words of the server.
fn wait(row: &SimpleQueryRow) -> Option<(u64, Wait)> {
    let (kind, mode, relation, changed) = (text(row, 2), text(row, 3), text(row, 4), text(row, 5));
    let name = if relation.is_empty() { changed } else { relation };
    let parts: Vec<&str> = [name, kind, mode].into_iter().filter(|part| !part.is_empty()).collect();
    Some((text(row, 0).parse().ok()?, Wait { seconds: number(row, 1), object: parts.join(" · ") }))
}

/// States who holds up whom, and the tables of it.
pub(super) fn tell(sheet: &mut Sheet, sessions: &Rows, locks: &Rows, server: Option<u32>, here: bool) {
    let waits: BTreeMap<u64, Wait> = locks.iter().filter_map(wait).collect();
    let by_id: BTreeMap<u64, &SimpleQueryRow> =
        sessions.iter().filter_map(|row| Some((text(row, 0).parse().ok()?, row))).collect();
    let waiters: Vec<Waiter> = by_id.iter().filter_map(|(id, row)| waiter(*id, row, &waits)).collect();
    let roots = roots(&waiters);
    let mut waiting = 0.0_f64;
    for root in &roots {
        waiting = waiting.max(root.longest);
        sheet.fact(server, blocked(root, &by_id, &waits, here));
    }
    sheet.number("postgresql_longest_lock_wait_seconds", &[], waiting);
    tables(sheet, sessions, &waiters, &waits);
}

fn waiter(id: u64, row: &SimpleQueryRow, waits: &BTreeMap<u64, Wait>) -> Option<Waiter> {
    let by: Vec<u64> = text(row, 10).split(',').filter_map(|id| id.parse().ok()).collect();
    // Before version 14 the beginning of the wait is not told; the statement began no later.
    let seconds = waits.get(&id).and_then(|wait| wait.seconds).or(number(row, 8)).unwrap_or(0.0);
    (!by.is_empty()).then_some(Waiter { id, by, seconds })
}

/// A session by its number, its user and its application.
fn named(id: u64, row: &SimpleQueryRow) -> String {
    let who: Vec<&str> = [text(row, 1), text(row, 2)].into_iter().filter(|part| !part.is_empty()).collect();
    format!("{id} {}", who.join(" ")).trim_end().to_owned()
}

fn blocked(root: &Root, sessions: &BTreeMap<u64, &SimpleQueryRow>, waits: &BTreeMap<u64, Wait>, here: bool) -> AppWhat {
    let object = waits.get(&root.first).map(|wait| wait.object.clone()).unwrap_or_default();
    let (holder, doing, statement) = match sessions.get(&root.id) {
        Some(row) => (named(root.id, row), text(row, 5).to_owned(), statement(row)),
        // Number 0 stands for transactions that were prepared, and belong to no session.
        None if root.id == 0 => ("prepared transaction".to_owned(), "prepared".to_owned(), String::new()),
        None => (root.id.to_string(), String::new(), String::new()),
    };
    let holder_pid = u32::try_from(root.id).ok().filter(|pid| here && *pid > 0);
    let (waiting, longest) = (root.waiting, root.longest);
    let waiters = root.who.iter().map(|id| sessions.get(id).map_or_else(|| id.to_string(), |row| named(*id, row)));
    let waiters = waiters.collect();
    AppWhat::Blocked { holder, holder_pid, doing, statement, waiting, longest, object, waiters }
}

fn tables(sheet: &mut Sheet, sessions: &Rows, waiters: &[Waiter], waits: &BTreeMap<u64, Wait>) {
    let columns = [
        "pid",
        "usename",
        "application_name",
        "client_addr",
        "datname",
        "state",
        "wait",
        "xact_seconds",
        "state_seconds",
        "query",
        "blocked_by",
    ];
    let cells = |row: &SimpleQueryRow| {
        let cell = |column| if column == 9 { statement(row) } else { text(row, column).to_owned() };
        (0..columns.len()).map(cell).collect()
    };
    sheet.table("pg_stat_activity", &columns, sessions.iter().map(cells).collect());
    let lines = waiters.iter().map(|waiter| {
        let object = waits.get(&waiter.id).map(|wait| wait.object.clone()).unwrap_or_default();
        let by: Vec<String> = waiter.by.iter().map(u64::to_string).collect();
        vec![waiter.id.to_string(), by.join(", "), format!("{:.3}", waiter.seconds), object]
    });
    sheet.table("pg_locks", &["pid", "blocked_by", "seconds", "waits_for"], lines.collect());
}
