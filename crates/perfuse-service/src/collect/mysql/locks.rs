//! Sessions that wait for each other: for rows, and for the definition of a table.

use std::collections::BTreeMap;

use perfuse_analyze::app::AppWhat;
use perfuse_format::sql::{Dialect, without_values};

use super::super::blockers::{Root, Waiter, roots};
use super::super::sheet::Sheet;
use super::metadata;
use crate::client::mysql::{Row, Session, number, text};

/// Characters of a statement that are shown.
const STATEMENT: usize = 200;

/// Sessions in a transaction and those that wait for a lock of the server, the oldest transaction first.
const SESSIONS: &str = "SELECT p.ID, p.USER, p.HOST, COALESCE(p.DB, ''), p.COMMAND, p.TIME, COALESCE(p.STATE, ''), \
    COALESCE(LEFT(p.INFO, 1000), ''), TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), t.trx_rows_modified \
    FROM information_schema.PROCESSLIST p LEFT JOIN information_schema.INNODB_TRX t ON p.ID = t.trx_mysql_thread_id \
    WHERE p.ID <> CONNECTION_ID() AND (t.trx_id IS NOT NULL OR p.STATE LIKE 'Waiting for%lock%') \
    ORDER BY t.trx_started IS NULL, t.trx_started LIMIT 300";
/// Who waits for whom, for how long, and for what: `MariaDB`, and `MySQL` before version 8.
const WAITS_OLD: &str = "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, \
    TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), COALESCE(CONCAT(l.lock_table, ' · ', l.lock_type, ' · ', l.lock_mode), '') \
    FROM information_schema.INNODB_LOCK_WAITS w \
    JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id \
    JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id \
    LEFT JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id LIMIT 300";
/// The same of `MySQL` from version 8 on.
const WAITS: &str = "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, \
    TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW()), \
    COALESCE(CONCAT(l.OBJECT_SCHEMA, '.', l.OBJECT_NAME, ' · ', l.LOCK_TYPE, ' · ', l.LOCK_MODE), '') \
    FROM performance_schema.data_lock_waits w \
    JOIN information_schema.INNODB_TRX r ON r.trx_id = w.REQUESTING_ENGINE_TRANSACTION_ID \
    JOIN information_schema.INNODB_TRX b ON b.trx_id = w.BLOCKING_ENGINE_TRANSACTION_ID \
    LEFT JOIN performance_schema.data_locks l ON l.ENGINE_LOCK_ID = w.REQUESTING_ENGINE_LOCK_ID LIMIT 300";

/// Those that wait, by their session, and what they wait for.
pub(super) type Waiters = BTreeMap<u64, (Waiter, String)>;

/// A session of the list.
pub(super) fn id(row: &Row) -> Option<u64> {
    text(row, 0).parse().ok()
}

/// Whether a session waits for the definition of a table, a schema or the whole server: for no row.
pub(super) fn waits_for_metadata(row: &Row) -> bool {
    let state = text(row, 6);
    state.starts_with("Waiting for")
        && ["metadata lock", "backup lock", "read lock"].iter().any(|end| state.ends_with(end))
}

/// States who holds up whom, and the tables of it. Who may not see it is told so; the other numbers are there all the same.
pub(super) async fn tell(session: &mut Session, sheet: &mut Sheet, old: bool, pid: Option<u32>) {
    let waits = match session.ask(if old { WAITS_OLD } else { WAITS }).await {
        Ok(waits) => waits,
        Err(said) => return sheet.problem(said.message),
    };
    let sessions = match session.ask(SESSIONS).await {
        Ok(sessions) => sessions,
        Err(said) => return sheet.problem(said.message),
    };
    let mut waiters = Waiters::new();
    for row in &waits {
        let (Ok(id), Ok(by)) = (text(row, 0).parse::<u64>(), text(row, 1).parse::<u64>()) else { continue };
        let seconds = number(row, 2).unwrap_or(0.0);
        let new = || (Waiter { id, by: Vec::new(), seconds }, text(row, 3));
        waiters.entry(id).or_insert_with(new).0.by.push(by);
    }
    let open = metadata::add(session, &sessions, &mut waiters).await;
    let roots = roots(&waiters.values().map(|(waiter, _)| waiter.clone()).collect::<Vec<_>>());
    let (who, last) = (others(session, &roots, &sessions).await, last_statements(session, &roots).await);
    let named = Named { sessions: &sessions, others: &who };
    for root in &roots {
        let object = waiters.get(&root.first).map(|(_, object)| object.clone()).unwrap_or_default();
        sheet.fact(pid, blocked(root, &named, last.get(&root.id), object));
    }
    if let Some(open) = &open {
        sheet.fact(pid, unknown(open, &named));
    }
    let longest = roots.iter().map(|root| root.longest).chain(open.iter().map(|open| open.longest));
    sheet.number("mysql_longest_lock_wait_seconds", &[], longest.fold(0.0, f64::max));
    let oldest = sessions.iter().filter_map(|row| number(row, 8)).fold(0.0, f64::max);
    sheet.number("mysql_longest_transaction_seconds", &[], oldest);
    sheet.number(
        "mysql_waiting_on_metadata_locks",
        &[],
        sessions.iter().filter(|row| waits_for_metadata(row)).count() as f64,
    );
    tables(sheet, &sessions, &waiters);
}

/// Sessions by their number.
struct Named<'a> {
    sessions: &'a [Row],
    /// Those that are in no transaction, and wait for nothing.
    others: &'a [Row],
}

impl Named<'_> {
    fn row(&self, wanted: u64) -> Option<&Row> {
        self.sessions.iter().chain(self.others).find(|row| id(row) == Some(wanted))
    }

    /// Its number and its user.
    fn name(&self, wanted: u64) -> String {
        let user = self.row(wanted).map(|row| text(row, 1)).unwrap_or_default();
        format!("{wanted} {user}").trim_end().to_owned()
    }

    /// What it does. Whoever others wait for, and who does nothing, has a transaction.
    fn doing(&self, wanted: u64) -> String {
        let column = |column| self.row(wanted).map(|row| text(row, column)).unwrap_or_default();
        match column(4).as_str() {
            "Sleep" => "idle in transaction".to_owned(),
            command => [command, &column(6)].join(" ").trim().to_owned(),
        }
    }

    fn statement(&self, wanted: u64) -> String {
        self.row(wanted).map(|row| text(row, 7)).unwrap_or_default()
    }
}

fn ids(roots: &[Root]) -> String {
    roots.iter().map(|root| root.id.to_string()).collect::<Vec<_>>().join(", ")
}

/// The roots that are not in the list of those that wait or have a transaction: `LOCK TABLES` needs none.
async fn others(session: &mut Session, roots: &[Root], sessions: &[Row]) -> Vec<Row> {
    if roots.iter().all(|root| sessions.iter().any(|row| id(row) == Some(root.id))) {
        return Vec::new();
    }
    let query = format!(
        "SELECT ID, USER, HOST, COALESCE(DB, ''), COMMAND, TIME, COALESCE(STATE, ''), COALESCE(LEFT(INFO, 1000), '') \
        FROM information_schema.PROCESSLIST WHERE ID IN ({})",
        ids(roots)
    );
    session.ask(&query).await.unwrap_or_default()
}

/// The last statements of sessions, also of those that do nothing now; where the server keeps them.
async fn last_statements(session: &mut Session, roots: &[Root]) -> BTreeMap<u64, String> {
    if roots.is_empty() {
        return BTreeMap::new();
    }
    let query = format!(
        "SELECT t.PROCESSLIST_ID, LEFT(e.SQL_TEXT, 1000) FROM performance_schema.events_statements_current e \
        JOIN performance_schema.threads t ON t.THREAD_ID = e.THREAD_ID WHERE t.PROCESSLIST_ID IN ({})",
        ids(roots)
    );
    let rows = session.ask(&query).await.unwrap_or_default();
    rows.iter().filter_map(|row| Some((text(row, 0).parse().ok()?, text(row, 1)))).collect()
}

fn blocked(root: &Root, named: &Named, last: Option<&String>, object: String) -> AppWhat {
    let running = named.statement(root.id);
    let statement = if running.is_empty() { last.map_or("", String::as_str) } else { &running };
    AppWhat::Blocked {
        holder: named.name(root.id),
        holder_pid: None,
        doing: named.doing(root.id),
        statement: without_values(statement, Dialect::MySql, STATEMENT),
        waiting: root.waiting,
        longest: root.longest,
        object,
        waiters: root.who.iter().map(|id| named.name(*id)).collect(),
    }
}

/// Sessions that wait, and the server does not tell for whom.
fn unknown(open: &metadata::Open, named: &Named) -> AppWhat {
    let suspect = open.suspect.map(|id| format!("{} ({})", named.name(id), named.doing(id)));
    AppWhat::Blocked {
        holder: String::new(),
        holder_pid: None,
        doing: suspect.unwrap_or_default(),
        statement: String::new(),
        waiting: open.waiting,
        longest: open.longest,
        object: open.object.clone(),
        waiters: open.who.iter().map(|id| named.name(*id)).collect(),
    }
}

fn tables(sheet: &mut Sheet, sessions: &[Row], waiters: &Waiters) {
    let columns = ["ID", "USER", "HOST", "DB", "COMMAND", "TIME", "STATE", "INFO", "trx_seconds", "trx_rows_modified"];
    let cell = |row: &Row, column| match column {
        7 => without_values(&text(row, 7), Dialect::MySql, STATEMENT),
        other => text(row, other),
    };
    let cells = |row| (0..columns.len()).map(|column| cell(row, column)).collect();
    sheet.table("INNODB_TRX", &columns, sessions.iter().map(cells).collect());
    let lines = waiters.values().map(|(waiter, object)| {
        let by: Vec<String> = waiter.by.iter().map(u64::to_string).collect();
        vec![waiter.id.to_string(), by.join(", "), waiter.seconds.to_string(), object.clone()]
    });
    sheet.table("LOCK_WAITS", &["ID", "blocked_by", "seconds", "waits_for"], lines.collect());
}
