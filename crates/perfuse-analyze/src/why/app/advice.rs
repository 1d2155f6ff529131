//! What to do about what an application says, with the command where it is known, and what it should change by how much.

use super::fact::{BLOCKED, HEAP, LIMIT, POOL, QUEUE, SLOW, of_limit, text};
use crate::Quantity;
use crate::app::{AppKind, AppWhat};
use crate::cell::Advice;
use crate::message::Msg;

/// How much larger a heap is tried.
const LARGER: f64 = 1.5;

/// More consumers than anybody runs.
const MANY: f64 = 100_000.0;

fn advice(text: Msg, command: Option<String>, expect: Msg) -> Advice {
    Advice { text, command, expect }
}

/// The number of a session, which stands first in its name.
fn number(holder: &str) -> Option<u64> {
    holder.split(' ').next()?.parse().ok()
}

pub(super) fn blocked(kind: AppKind, what: &AppWhat) -> Vec<Advice> {
    let AppWhat::Blocked { holder, doing, waiting, longest, .. } = what else { return Vec::new() };
    let go_on = text(BLOCKED, "expect").with("waiting", *waiting).with("longest", Quantity::seconds(*longest));
    if holder.is_empty() {
        return unknown(kind, doing, go_on);
    }
    let end = match (kind, number(holder)) {
        (AppKind::PostgreSql, Some(session)) => Some(format!("psql -c 'SELECT pg_terminate_backend({session})'")),
        // It belongs to no session any more.
        (AppKind::PostgreSql, None) => Some("psql -c 'SELECT gid, prepared, owner FROM pg_prepared_xacts'".to_owned()),
        (AppKind::MySql, Some(session)) => Some(format!("mysql -e 'KILL {session}'")),
        _ => None,
    };
    let mut all = vec![advice(text(BLOCKED, "advice").with("holder", holder.as_str()), end, go_on)];
    if doing.contains("idle in transaction") {
        let setting = match kind {
            AppKind::PostgreSql => Some(
                "psql -c \"ALTER SYSTEM SET idle_in_transaction_session_timeout = '30s'\" -c 'SELECT pg_reload_conf()'",
            ),
            AppKind::MySql => Some("mysql -e 'SET GLOBAL idle_transaction_timeout = 30'   # MariaDB"),
            _ => None,
        };
        all.push(advice(text(BLOCKED, "advice-idle"), setting.map(str::to_owned), text(BLOCKED, "expect-idle")));
    }
    all
}

/// Who holds a lock that the server does not tell: whom to try, and how it tells the next time.
fn unknown(kind: AppKind, doing: &str, go_on: Msg) -> Vec<Advice> {
    let tell = match kind {
        AppKind::MySql => Some("mysql -e \"INSTALL SONAME 'metadata_lock_info'\"   # MariaDB; MySQL tells by default"),
        _ => None,
    };
    let tell = advice(text(BLOCKED, "advice-tell"), tell.map(str::to_owned), text(BLOCKED, "expect-tell"));
    let suspect = number(doing).filter(|_| kind == AppKind::MySql).map(|session| {
        let try_it = text(BLOCKED, "advice-suspect").with("suspect", doing);
        advice(try_it, Some(format!("mysql -e 'KILL {session}'")), go_on)
    });
    suspect.into_iter().chain([tell]).collect()
}

pub(super) fn exhausted(pool: &str, max: f64, pending: f64) -> Vec<Advice> {
    if pending <= 0.0 {
        return Vec::new();
    }
    let wanted = Quantity::count(max + pending.max(1.0));
    let expect = text(POOL, "expect").with("wanted", wanted).with("pending", Quantity::count(pending));
    vec![advice(text(POOL, "advice").with("pool", pool).with("wanted", wanted), None, expect)]
}

pub(super) fn behind(what: &AppWhat) -> Vec<Advice> {
    let AppWhat::Queue { queue, length, rate_in, rate_out, consumers, .. } = what else { return Vec::new() };
    if *consumers == Some(0) {
        return vec![advice(
            text(QUEUE, "advice-nobody").with("queue", queue.as_str()),
            None,
            text(QUEUE, "expect-nobody"),
        )];
    }
    let (Some(came), Some(went), Some(now)) = (rate_in, rate_out, consumers) else {
        let expect = text(QUEUE, "expect-unknown");
        return vec![advice(text(QUEUE, "advice").with("queue", queue.as_str()), None, expect)];
    };
    // Each consumer takes what it took; a fifth more than what comes in works the rest off.
    let each = went / (*now as f64).max(1.0);
    if each <= 0.0 {
        let expect = text(QUEUE, "expect-unknown");
        return vec![advice(text(QUEUE, "advice-stuck").with("queue", queue.as_str()), None, expect)];
    }
    let wanted = (came * 1.2 / each).ceil().clamp(*now as f64 + 1.0, MANY.max(*now as f64 + 1.0));
    let drain = length / (wanted * each - came).max(f64::MIN_POSITIVE);
    let expect = text(QUEUE, "expect").with("drain", Quantity::seconds(drain.min(1e9)));
    let more = text(QUEUE, "advice-more")
        .with("queue", queue.as_str())
        .with("wanted", Quantity::count(wanted))
        .with("now", *now);
    vec![advice(more, None, expect)]
}

pub(super) fn heap(pid: Option<u32>, used: f64, max: f64, all: Option<f64>) -> Vec<Advice> {
    let look = pid.map(|pid| format!("jcmd {pid} GC.class_histogram | head -20"));
    let mut pieces = vec![advice(text(HEAP, "advice-look"), look, text(HEAP, "expect-look"))];
    if max > 0.0 {
        // The option is about the whole heap, of which what outlives collections gets its part.
        let now = all.unwrap_or(max);
        let wanted = Quantity::bytes(now * LARGER);
        let after = Quantity::ratio((used / (max * LARGER)).clamp(0.0, 1.0));
        let option = format!("-Xmx{}m", (now * LARGER / f64::from(1 << 20)).ceil());
        let expect = text(HEAP, "expect").with("after", after);
        pieces.insert(
            0,
            advice(text(HEAP, "advice").with("wanted", wanted).with("now", Quantity::bytes(now)), Some(option), expect),
        );
    }
    pieces
}

pub(super) fn slow(kind: AppKind, command: &str, client: &str, seconds: f64) -> Vec<Advice> {
    let scan = kind == AppKind::Redis && command.to_uppercase().starts_with("KEYS");
    let how = match (client.is_empty(), scan) {
        (true, _) => text(SLOW, "advice-unsent"),
        (false, true) => text(SLOW, "advice-scan").with("client", client),
        (false, false) => text(SLOW, "advice").with("client", client),
    };
    let look = match (kind, client.is_empty()) {
        // A script that still runs is not in the log yet.
        (AppKind::Redis, true) => Some("redis-cli SCRIPT KILL"),
        (AppKind::Redis, false) => Some("redis-cli SLOWLOG GET 10"),
        _ => None,
    };
    let expect = text(SLOW, "expect").with("seconds", Quantity::seconds(seconds));
    vec![advice(how.with("command", command), look.map(str::to_owned), expect)]
}

/// Who uses a limit up.
fn users(kind: AppKind, limit: &str) -> Option<&'static str> {
    match kind {
        AppKind::PostgreSql => Some(
            "psql -c 'SELECT usename, application_name, client_addr, state, count(*), max(now() - state_change) FROM \
            pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC'",
        ),
        AppKind::MySql => Some(
            "mysql -e 'SELECT USER, SUBSTRING_INDEX(HOST, \":\", 1) AS CLIENT, COMMAND, COUNT(*), MAX(TIME) FROM \
            information_schema.PROCESSLIST GROUP BY 1, 2, 3 ORDER BY 4 DESC'",
        ),
        AppKind::Redis if limit == "maxmemory" => Some("redis-cli --bigkeys"),
        AppKind::Redis => Some("redis-cli CLIENT LIST"),
        AppKind::RabbitMq => Some("rabbitmq-diagnostics memory_breakdown"),
        _ => None,
    }
}

pub(super) fn limited(kind: AppKind, what: &AppWhat) -> Vec<Advice> {
    let AppWhat::Limit { limit, max, refused, most, .. } = what else { return Vec::new() };
    let expect = match refused.filter(|refused| *refused > 0.0) {
        Some(refused) => text(LIMIT, "expect").with("refused", Quantity::rate(refused)),
        None => text(LIMIT, "expect-unknown"),
    };
    let how = match most {
        Some(most) => text(LIMIT, "advice-most").with("most", most.as_str()),
        None => text(LIMIT, "advice"),
    };
    let how = if *max > 0.0 {
        how.with("max", Msg::new("app-limit-now").with("max", of_limit(limit, *max)))
    } else {
        how.with("max", Msg::new("app-limit-unknown"))
    };
    vec![advice(how.with("limit", limit.as_str()), users(kind, limit).map(str::to_owned), expect)]
}
