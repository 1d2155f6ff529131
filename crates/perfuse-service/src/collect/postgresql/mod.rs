//! `PostgreSQL`: sessions by state, who waits for whose lock, transactions that stay open, the cache, replication.
//!
//! All is read from the statistics views in one read-only transaction with time-outs of its own, so that a server that
//! cannot answer is not made worse by asking. The session stays open from one round to the next: at a server whose
//! connections are all taken, it already has one.

mod sessions;
mod statements;

use std::time::Duration;

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use tokio_postgres::SimpleQueryRow;

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::{Clients, Said};
use crate::client::postgresql::{Rows, Session, number, text};
use crate::config::trust::Server;

/// Part of the connections from which on their number is a fact.
const NEARLY_FULL: f64 = 0.8;
/// The settings that are the limit of ordinary users.
const LIMIT: &str = "max_connections - superuser_reserved_connections";

/// One server.
pub(super) struct Source {
    server: Server,
    statements: String,
    held: Option<Held>,
    rates: Rates,
    /// The connections that ordinary users can have, as it said last.
    max: Option<f64>,
    /// Who had most of them.
    most: Option<String>,
}

struct Held {
    session: Session,
    /// The postmaster, and whether sessions are processes of this host; `None` until it was looked at.
    host: Option<Host>,
}

/// Where the server runs.
#[derive(Debug, Clone, Copy)]
enum Host {
    /// On this host, with its main process.
    Here(Option<u32>),
    /// Elsewhere, or in a container where processes have other numbers.
    Elsewhere,
}

impl Source {
    pub(super) fn new(server: &Server, timeout: Duration) -> Self {
        Self {
            server: server.clone(),
            statements: statements::all(timeout),
            held: None,
            rates: Rates::default(),
            max: None,
            most: None,
        }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        // What is given up half-way, by a time-out or a failure, is not used again.
        let held = match self.held.take().filter(|held| held.session.is_open()) {
            Some(held) => held,
            None => Held {
                session: Session::open(clients, &self.server)
                    .await
                    .map_err(|refused| sheet.refused(refused, LIMIT, self.max, self.most.clone()))?,
                host: None,
            },
        };
        let answers = held.session.ask(&self.statements).await.map_err(|said| said.message)?;
        let answers: [Rows; statements::COUNT] = answers
            .try_into()
            .map_err(|answers: Vec<Rows>| Said::fail(format!("{} results", answers.len())).message)?;
        let [.., states, sessions, locks, database, server, replicas, users, _commit] = answers;
        let Some(server) = server.first() else { return Err(Said::fail("no server row").message) };
        let host = held.host.unwrap_or_else(|| find(&held.session, server));
        let (pid, here) = match host {
            Host::Here(pid) => (pid, true),
            Host::Elsewhere => (None, false),
        };
        count_states(sheet, &states);
        sessions::tell(sheet, &sessions, &locks, pid, here);
        self.count_database(sheet, &database);
        self.count_server(sheet, server, users.first(), pid);
        replication(sheet, &replicas);
        // Without the right to see them, the states of other users' sessions are null.
        if states.iter().any(|row| text(row, 0).is_empty()) {
            sheet.problem(Msg::new("app-postgresql-rights").with("user", text(server, 5)));
        }
        self.rates.turn();
        self.held = Some(Held { host: Some(host), ..held });
        Ok(())
    }

    fn count_database(&mut self, sheet: &mut Sheet, database: &Rows) {
        let Some(row) = database.first() else { return };
        let names = [
            "postgresql_blocks_hit_per_second",
            "postgresql_blocks_read_per_second",
            "postgresql_commits_per_second",
            "postgresql_rollbacks_per_second",
            "postgresql_deadlocks_per_second",
            "postgresql_temp_bytes_per_second",
        ];
        let mut rate = |column: usize, name: &str| number(row, column).and_then(|value| self.rates.of(name, value));
        let rates: Vec<Option<f64>> = names.iter().enumerate().map(|(column, name)| rate(column, name)).collect();
        for (name, rate) in names.into_iter().zip(&rates) {
            sheet.maybe(name, &[], *rate);
        }
        if let (Some(hit), Some(read)) = (rates[0], rates[1])
            && hit + read > 0.0
        {
            sheet.number("postgresql_cache_hit_share", &[], hit / (hit + read));
        }
    }

    fn count_server(
        &mut self,
        sheet: &mut Sheet,
        row: &SimpleQueryRow,
        most: Option<&SimpleQueryRow>,
        pid: Option<u32>,
    ) {
        let (max, used) = (number(row, 1), number(row, 2));
        sheet.maybe("postgresql_connections_max", &[], max);
        sheet.maybe("postgresql_connections_used", &[], used);
        sheet.maybe("postgresql_replay_lag_seconds", &[], number(row, 3));
        let wal = number(row, 4).and_then(|bytes| self.rates.of("wal", bytes));
        sheet.maybe("postgresql_wal_bytes_per_second", &[], wal);
        // Ordinary users are refused when those that are reserved for others are left.
        self.max = max.map(|max| (max - number(row, 6).unwrap_or(0.0)).max(1.0));
        self.most = most.map(|row| format!("{} × {} ({})", text(row, 2), text(row, 0), text(row, 1)));
        if let (Some(max), Some(used)) = (self.max, used)
            && used >= max * NEARLY_FULL
        {
            let (limit, most) = (LIMIT.to_owned(), self.most.clone());
            sheet.fact(pid, AppWhat::Limit { limit, used, max, refused: None, denied: false, most });
        }
    }
}

/// Sessions by state and by what they wait for, and the longest transaction.
fn count_states(sheet: &mut Sheet, rows: &Rows) {
    // A state in which there is nobody is 0, not missing: series have no holes.
    let mut states: Vec<(String, f64)> =
        ["active", "idle", "idle in transaction"].map(|state| (state.to_owned(), 0.0)).to_vec();
    let (mut waiting, mut longest, mut idle) = (0.0, 0.0_f64, 0.0_f64);
    for row in rows {
        let count = number(row, 2).unwrap_or(0.0);
        let state = Some(text(row, 0)).filter(|state| !state.is_empty()).unwrap_or("unknown");
        match states.iter_mut().find(|(known, _)| known == state) {
            Some((_, sum)) => *sum += count,
            None => states.push((state.to_owned(), count)),
        }
        if text(row, 1) == "Lock" {
            waiting += count;
        }
        longest = longest.max(number(row, 3).unwrap_or(0.0));
        idle = idle.max(number(row, 4).unwrap_or(0.0));
    }
    for (state, count) in &states {
        sheet.number("postgresql_connections", &[("state", state)], *count);
    }
    sheet.number("postgresql_waiting_on_locks", &[], waiting);
    sheet.number("postgresql_longest_transaction_seconds", &[], longest);
    sheet.number("postgresql_longest_idle_in_transaction_seconds", &[], idle);
}

/// Standbys that read from this server.
fn replication(sheet: &mut Sheet, rows: &Rows) {
    for row in rows {
        let labels = [("standby", text(row, 0))];
        sheet.maybe("postgresql_standby_lag_seconds", &labels, number(row, 3));
        sheet.maybe("postgresql_standby_lag_bytes", &labels, number(row, 4));
    }
    let columns = ["application_name", "client_addr", "state", "replay_lag", "bytes"];
    let cells = |row| (0..columns.len()).map(|column| text(row, column).to_owned()).collect();
    sheet.table("pg_stat_replication", &columns, rows.iter().map(cells).collect());
}

/// Whether the process that serves this session is one of this host: then its title names our port.
fn find(session: &Session, server: &SimpleQueryRow) -> Host {
    let Some(backend) = text(server, 0).parse::<u32>().ok().filter(|_| session.local) else { return Host::Elsewhere };
    let title = std::fs::read(format!("/proc/{backend}/cmdline")).unwrap_or_default();
    let title = String::from_utf8_lossy(&title);
    let client = session.port.map_or_else(|| "[local]".to_owned(), |port| format!("({port})"));
    if !title.starts_with("postgres") || !title.contains(&client) {
        return Host::Elsewhere;
    }
    let stat = std::fs::read_to_string(format!("/proc/{backend}/stat")).unwrap_or_default();
    // After the name, which may have anything in it: state, then the parent.
    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(1)?.parse().ok());
    Host::Here(parent)
}
