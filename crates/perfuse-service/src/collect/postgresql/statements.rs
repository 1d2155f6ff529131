//! What `PostgreSQL` is asked. Every statement works from version 10 on.

use std::time::Duration;

/// Statements of one round, and so results.
pub(super) const COUNT: usize = 11;

/// Client sessions by state and kind of wait: count, seconds of the longest transaction, and of the longest that does nothing.
/// Who may not see other users' sessions gets nulls instead of their states.
const STATES: &str = "SELECT coalesce(state, ''), coalesce(wait_event_type, ''), count(*), \
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0), \
    coalesce(max(extract(epoch FROM clock_timestamp() - state_change)) FILTER (WHERE state LIKE 'idle in transaction%'), 0) \
    FROM pg_stat_activity \
    WHERE (backend_type = 'client backend' OR backend_type IS NULL AND usesysid IS NOT NULL) \
    AND pid <> pg_backend_pid() GROUP BY 1, 2";

/// Sessions that wait for a lock, those that they wait for, and those with the oldest transactions. The list of those in
/// the way takes locks of the lock table for a moment, and is made for those who wait alone.
const SESSIONS: &str = "WITH waiting AS (SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity \
    WHERE wait_event_type = 'Lock' ORDER BY query_start LIMIT 300) \
    SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(host(a.client_addr), ''), \
    coalesce(a.datname::text, ''), coalesce(a.state, ''), \
    coalesce(a.wait_event_type || ': ' || a.wait_event, ''), \
    round(extract(epoch FROM clock_timestamp() - a.xact_start)::numeric, 3), \
    round(extract(epoch FROM clock_timestamp() - a.state_change)::numeric, 3), \
    left(coalesce(a.query, ''), 1000), array_to_string(w.blockers, ',') \
    FROM pg_stat_activity a LEFT JOIN waiting w ON w.pid = a.pid \
    WHERE a.pid <> pg_backend_pid() AND (w.pid IS NOT NULL OR a.pid IN (SELECT unnest(blockers) FROM waiting) \
    OR a.xact_start IS NOT NULL AND a.datid IS NOT NULL) \
    ORDER BY w.pid IS NULL, a.pid NOT IN (SELECT unnest(blockers) FROM waiting), a.xact_start LIMIT 700";

/// What those who wait wait for: since when (told from version 14 on), kind of lock, mode, the relation; and the tables in
/// which they change rows, since who waits for a row waits for the transaction that changed it.
const LOCKS: &str = "SELECT l.pid, \
    max(extract(epoch FROM clock_timestamp() - (to_jsonb(l) ->> 'waitstart')::timestamptz)) FILTER (WHERE NOT l.granted), \
    max(l.locktype) FILTER (WHERE NOT l.granted), max(l.mode) FILTER (WHERE NOT l.granted), \
    coalesce(string_agg(DISTINCT c.relname::text, ', ') FILTER (WHERE NOT l.granted), ''), \
    coalesce(string_agg(DISTINCT c.relname::text, ', ') FILTER (WHERE l.granted AND c.relkind IN ('r', 'p') \
    AND l.mode IN ('RowExclusiveLock', 'RowShareLock')), '') \
    FROM pg_locks l LEFT JOIN pg_class c ON c.oid = l.relation \
    AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
    WHERE l.pid IN (SELECT pid FROM pg_locks WHERE NOT granted) GROUP BY l.pid LIMIT 300";

/// Counters of all databases.
const DATABASE: &str = "SELECT sum(blks_hit), sum(blks_read), sum(xact_commit), sum(xact_rollback), sum(deadlocks), \
    sum(temp_bytes) FROM pg_stat_database";

/// Our process, the connections that there can be and are, the lag of a standby, the end of the log of a primary, the user,
/// and the connections that are only for some users (from version 16 on of a second kind).
const SERVER: &str = "SELECT pg_backend_pid(), current_setting('max_connections'), \
    (SELECT count(*) FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datid IS NOT NULL), \
    CASE WHEN pg_is_in_recovery() THEN CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 \
    ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END END, \
    CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') END, current_user, \
    current_setting('superuser_reserved_connections')::int \
    + coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0)";

/// Who has most of the connections: name of the application or else the user, state, count.
const USERS: &str = "SELECT coalesce(nullif(application_name, ''), usename::text, ''), coalesce(state, ''), count(*) \
    FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datid IS NOT NULL AND pid <> pg_backend_pid() \
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 1";

/// Standbys, by their lag in time and in bytes of the log.
const REPLICAS: &str = "SELECT coalesce(application_name, ''), coalesce(host(client_addr), ''), coalesce(state, ''), \
    coalesce(extract(epoch FROM replay_lag), 0), pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() \
    THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, replay_lsn) FROM pg_stat_replication LIMIT 50";

/// All statements of a round, to be sent at once. The server gives up itself before the client does.
pub(super) fn all(timeout: Duration) -> String {
    let milliseconds = timeout.as_millis().saturating_mul(4) / 5;
    let begin = format!(
        "BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
        milliseconds.max(1),
        milliseconds.clamp(1, 1000)
    );
    [begin.as_str(), STATES, SESSIONS, LOCKS, DATABASE, SERVER, REPLICAS, USERS, "COMMIT"].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_are_counted() {
        let text = all(Duration::from_secs(5));
        assert_eq!(text.split("; ").count(), COUNT);
        assert!(text.contains("statement_timeout = 4000; SET LOCAL lock_timeout = 1000"), "{text}");
    }
}
