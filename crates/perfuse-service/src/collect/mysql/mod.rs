//! `MySQL` and `MariaDB`: connections, threads that run, sessions that wait for each other's rows and tables, slow
//! statements.

mod locks;
mod metadata;

use std::collections::BTreeMap;

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::mysql::{Row, Session, named, number, text};
use crate::config::trust::Server;
use crate::process;

/// Part of the connections from which on their number is a fact.
const NEARLY_FULL: f64 = 0.8;

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
/// The limit of connections.
const LIMIT: &str = "max_connections";
/// Who has most of the connections: user, what they do, count.
const MOST: &str = "SELECT USER, COMMAND, COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() \
    GROUP BY USER, COMMAND ORDER BY 3 DESC, 1, 2 LIMIT 1";

/// One server.
pub(super) struct Source {
    server: Server,
    held: Option<Session>,
    rates: Rates,
    /// The server's process, if it is one of this host.
    pid: Option<u32>,
    /// The connections that there can be, as it said last.
    max: Option<f64>,
    /// Who had most of them.
    most: Option<String>,
}

impl Source {
    pub(super) fn new(server: &Server) -> Self {
        Self { server: server.clone(), held: None, rates: Rates::default(), pid: None, max: None, most: None }
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
            let mut session = Session::open(clients, &self.server)
                .await
                .map_err(|refused| sheet.refused(refused, LIMIT, self.max, self.most.clone()))?;
            let rows = session.ask(SERVER).await.map_err(|said| said.message)?;
            self.pid = if session.local { find().await } else { None };
            (session, rows)
        };
        let server = server.first();
        self.max = server.and_then(|row| number(row, 1));
        // Who may not see the sessions of others sees its own alone: that is nobody's fault.
        let most = session.ask(MOST).await.unwrap_or_default();
        self.most = most.first().map(|row| format!("{} × {} ({})", text(row, 2), text(row, 0), text(row, 1)));
        let names: Vec<String> = GAUGES.iter().chain(COUNTERS).map(|(name, _)| format!("'{name}'")).collect();
        let status = format!("SHOW GLOBAL STATUS WHERE Variable_name IN ({})", names.join(", "));
        let status = session.ask(&status).await.map_err(|said| said.message)?;
        self.count(sheet, &status);
        let version = server.map(|row| text(row, 2)).unwrap_or_default();
        let old = version.contains("MariaDB") || version.starts_with('5');
        locks::tell(&mut session, sheet, old, self.pid).await;
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
            let (limit, most) = (LIMIT.to_owned(), self.most.clone());
            sheet.fact(self.pid, AppWhat::Limit { limit, used, max, refused, denied: false, most });
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
