//! `MySQL` and `MariaDB`: connections, threads that run, transactions that wait for each other's rows, slow statements.

use std::collections::BTreeMap;

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use perfuse_format::sql::{Dialect, without_values};

use super::blockers::{Root, Waiter, roots};
use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::mysql::{Row, Session, named, number, text};
use crate::config::trust::Server;
use crate::process;

/// Part of the connections from which on their number is a fact.
const NEARLY_FULL: f64 = 0.8;
/// Characters of a statement that are shown.
const STATEMENT: usize = 200;

/// Gauges of the status, and the names of their series.
const GAUGES: &[(&str, &str)] = &[
    ("Threads_connected", "mysql_connections_used"),
    ("Threads_running", "mysql_threads_running"),
    ("Innodb_row_lock_current_waits", "mysql_waiting_on_locks"),
    ("Open_tables", "mysql_open_tables"),
    ("Innodb_buffer_pool_pages_dirty", "mysql_buffer_pool_pages_dirty"),
    ("Innodb_buffer_pool_pages_total", "mysql_buffer_pool_pages"),
];
/// Counters of the status, and the names of the series of their rates.
const COUNTERS: &[(&str, &str)] = &[
    ("Questions", "mysql_statements_per_second"),
    ("Slow_queries", "mysql_slow_statements_per_second"),
    ("Com_commit", "mysql_commits_per_second"),
    ("Com_rollback", "mysql_rollbacks_per_second"),
    ("Connections", "mysql_connections_per_second"),
    ("Aborted_connects", "mysql_aborted_connections_per_second"),
    ("Connection_errors_max_connections", "mysql_refused_connections_per_second"),
    ("Innodb_row_lock_waits", "mysql_lock_waits_per_second"),
    ("Innodb_buffer_pool_read_requests", "mysql_pages_read_per_second"),
    ("Innodb_buffer_pool_reads", "mysql_pages_read_from_disk_per_second"),
    ("Created_tmp_disk_tables", "mysql_temporary_tables_on_disk_per_second"),
];

/// Ours, the connections that there can be, and the version.
const SERVER: &str = "SELECT CONNECTION_ID(), @@max_connections, VERSION()";
/// Sessions in a transaction, the oldest first.
const SESSIONS: &str = "SELECT p.ID, p.USER, p.HOST, COALESCE(p.DB, ''), p.COMMAND, p.TIME, COALESCE(p.STATE, ''), \
    COALESCE(LEFT(p.INFO, 1000), ''), TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), t.trx_rows_modified \
    FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
    ORDER BY t.trx_started LIMIT 300";
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

/// One server.
pub(super) struct Source {
    server: Server,
    held: Option<Session>,
    rates: Rates,
    /// The server's process, if it is one of this host.
    pid: Option<u32>,
    /// The connections that there can be, as it said last.
    max: Option<f64>,
}

impl Source {
    pub(super) fn new(server: &Server) -> Self {
        Self { server: server.clone(), held: None, rates: Rates::default(), pid: None, max: None }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let mut kept = None;
        // A session that was closed meanwhile is opened anew at once.
        if let Some(mut session) = self.held.take()
            && let Ok(rows) = session.ask(SERVER).await
        {
            kept = Some((session, rows));
        }
        let (mut session, server) = if let Some(kept) = kept {
            kept
        } else {
            let mut session =
                Session::open(clients, &self.server).await.map_err(|refused| sheet.refused(refused, self.max))?;
            let rows = session.ask(SERVER).await.map_err(|said| said.message)?;
            self.pid = if session.local { find().await } else { None };
            (session, rows)
        };
        let server = server.first();
        self.max = server.and_then(|row| number(row, 1));
        let names: Vec<String> = GAUGES.iter().chain(COUNTERS).map(|(name, _)| format!("'{name}'")).collect();
        let status = format!("SHOW GLOBAL STATUS WHERE Variable_name IN ({})", names.join(", "));
        let status = session.ask(&status).await.map_err(|said| said.message)?;
        self.count(sheet, &status);
        let version = server.map(|row| text(row, 2)).unwrap_or_default();
        let old = version.contains("MariaDB") || version.starts_with('5');
        locks(&mut session, sheet, old, self.pid).await;
        replication(&mut session, sheet, version.contains("MariaDB")).await;
        self.rates.turn();
        self.held = Some(session);
        Ok(())
    }

    fn count(&mut self, sheet: &mut Sheet, status: &[Row]) {
        let values: BTreeMap<String, f64> =
            status.iter().filter_map(|row| Some((text(row, 0), number(row, 1)?))).collect();
        for (name, series) in GAUGES {
            sheet.maybe(series, &[], values.get(*name).copied());
        }
        let mut refused = None;
        for (name, series) in COUNTERS {
            let rate = values.get(*name).and_then(|value| self.rates.of(*name, *value));
            sheet.maybe(series, &[], rate);
            if *name == "Connection_errors_max_connections" {
                refused = rate;
            }
        }
        sheet.maybe("mysql_connections_max", &[], self.max);
        if let (Some(used), Some(max)) = (values.get("Threads_connected").copied(), self.max)
            && (used >= max * NEARLY_FULL || refused.is_some_and(|rate| rate > 0.0))
        {
            sheet.fact(self.pid, AppWhat::Limit { limit: "max_connections".to_owned(), used, max, refused });
        }
    }
}

/// The only server of this host: with several, it is not known which one answers.
async fn find() -> Option<u32> {
    let all = || {
        let named = |name: &str| process::find(Some(name), None).unwrap_or_default();
        [named("mariadbd"), named("mysqld")].concat()
    };
    let found = tokio::task::spawn_blocking(all).await.unwrap_or_default();
    if let [pid] = found[..] { Some(pid) } else { None }
}

/// Transactions that wait for each other. Who may not see them is told so; the other numbers are there all the same.
async fn locks(session: &mut Session, sheet: &mut Sheet, old: bool, pid: Option<u32>) {
    let waits = match session.ask(if old { WAITS_OLD } else { WAITS }).await {
        Ok(waits) => waits,
        Err(said) => return sheet.problem(said.message),
    };
    let sessions = match session.ask(SESSIONS).await {
        Ok(sessions) => sessions,
        Err(said) => return sheet.problem(said.message),
    };
    let mut waiters: BTreeMap<u64, (Waiter, String)> = BTreeMap::new();
    for row in &waits {
        let (Ok(id), Ok(by)) = (text(row, 0).parse::<u64>(), text(row, 1).parse::<u64>()) else { continue };
        let seconds = number(row, 2).unwrap_or(0.0);
        let new = || (Waiter { id, by: Vec::new(), seconds }, text(row, 3));
        waiters.entry(id).or_insert_with(new).0.by.push(by);
    }
    let roots = roots(&waiters.values().map(|(waiter, _)| waiter.clone()).collect::<Vec<_>>());
    let last = last_statements(session, &roots).await;
    for root in &roots {
        let object = waiters.get(&root.first).map(|(_, object)| object.clone()).unwrap_or_default();
        let row = sessions.iter().find(|row| text(row, 0) == root.id.to_string());
        sheet.fact(pid, blocked(root, row, last.get(&root.id), object));
    }
    sheet.number("mysql_longest_lock_wait_seconds", &[], roots.iter().map(|root| root.longest).fold(0.0, f64::max));
    let oldest = sessions.iter().filter_map(|row| number(row, 8)).fold(0.0, f64::max);
    sheet.number("mysql_longest_transaction_seconds", &[], oldest);
    tables(sheet, &sessions, &waiters);
}

/// The last statements of sessions, also of those that do nothing now; where the server keeps them.
async fn last_statements(session: &mut Session, roots: &[Root]) -> BTreeMap<u64, String> {
    if roots.is_empty() {
        return BTreeMap::new();
    }
    let ids: Vec<String> = roots.iter().map(|root| root.id.to_string()).collect();
    let query = format!(
        "SELECT t.PROCESSLIST_ID, LEFT(e.SQL_TEXT, 1000) FROM performance_schema.events_statements_current e \
        JOIN performance_schema.threads t ON t.THREAD_ID = e.THREAD_ID WHERE t.PROCESSLIST_ID IN ({})",
        ids.join(", ")
    );
    let rows = session.ask(&query).await.unwrap_or_default();
    rows.iter().filter_map(|row| Some((text(row, 0).parse().ok()?, text(row, 1)))).collect()
}

fn blocked(root: &Root, session: Option<&Row>, last: Option<&String>, object: String) -> AppWhat {
    let column = |column| session.map(|row| text(row, column)).unwrap_or_default();
    let running = column(7);
    let statement = if running.is_empty() { last.map_or("", String::as_str) } else { &running };
    let doing = match column(4).as_str() {
        // It has a transaction, or nobody would wait for it.
        "Sleep" => "idle in transaction".to_owned(),
        command => [command, &column(6)].join(" ").trim().to_owned(),
    };
    AppWhat::Blocked {
        holder: format!("{} {}", root.id, column(1)).trim_end().to_owned(),
        holder_pid: None,
        doing,
        statement: without_values(statement, Dialect::MySql, STATEMENT),
        waiting: root.waiting,
        longest: root.longest,
        object,
    }
}

fn tables(sheet: &mut Sheet, sessions: &[Row], waiters: &BTreeMap<u64, (Waiter, String)>) {
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
    sheet.table("INNODB_LOCK_WAITS", &["ID", "blocked_by", "seconds", "waits_for"], lines.collect());
}

/// How far a replica is behind. Who may not see it, and a server that is none, has no such series.
async fn replication(session: &mut Session, sheet: &mut Sheet, mariadb: bool) {
    let queries: &[&str] =
        if mariadb { &["SHOW ALL SLAVES STATUS"] } else { &["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"] };
    for query in queries {
        let Ok(rows) = session.ask(query).await else { continue };
        for row in &rows {
            let lag = named(row, "Seconds_Behind_Master").or_else(|| named(row, "Seconds_Behind_Source"));
            let name = named(row, "Connection_name").or_else(|| named(row, "Channel_Name")).unwrap_or_default();
            let lag = lag.and_then(|lag| lag.parse().ok());
            sheet.maybe("mysql_replica_lag_seconds", &[("channel", &name)], lag);
        }
        return;
    }
}
