//! What to do about what an application says, with the command where it is known, and what it should change by how much.

use super::fact::{BLOCKED, HEAP, LIMIT, POOL, QUEUE, SLOW, text};
use crate::Quantity;
use crate::app::AppWhat;
use crate::cell::Advice;
use crate::message::Msg;

/// How much larger a heap is tried.
const LARGER: f64 = 1.5;

/// More consumers than anybody runs.
const MANY: f64 = 100_000.0;

fn advice(text: Msg, command: Option<String>, expect: Msg) -> Advice {
    Advice { text, command, expect }
}

fn is(source: &str, names: &[&str]) -> bool {
    let source = source.to_lowercase();
    names.iter().any(|name| source.contains(name))
}

pub(super) fn blocked(source: &str, what: &AppWhat) -> Vec<Advice> {
    let AppWhat::Blocked { holder, holder_pid, doing, waiting, longest, .. } = what else { return Vec::new() };
    // Only a database whose sessions are processes names them by these; of the others, the id is in the name.
    let end = holder_pid.filter(|_| !is(source, &["mysql", "maria"]));
    let end = end.map(|pid| format!("psql -c 'SELECT pg_terminate_backend({pid})'"));
    let go_on = text(BLOCKED, "expect").with("waiting", *waiting).with("longest", Quantity::seconds(*longest));
    let mut all = vec![advice(text(BLOCKED, "advice").with("holder", holder.as_str()), end, go_on)];
    if doing.contains("idle in transaction") {
        let setting = "ALTER SYSTEM SET idle_in_transaction_session_timeout = '30s'; SELECT pg_reload_conf();";
        all.push(advice(text(BLOCKED, "advice-idle"), Some(setting.to_owned()), text(BLOCKED, "expect-idle")));
    }
    all
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
    let AppWhat::Queue { queue, length, rate_in, rate_out, consumers } = what else { return Vec::new() };
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

pub(super) fn heap(pid: Option<u32>, used: f64, max: f64) -> Vec<Advice> {
    let look = pid.map(|pid| format!("jcmd {pid} GC.class_histogram | head -20"));
    let mut all = vec![advice(text(HEAP, "advice-look"), look, text(HEAP, "expect-look"))];
    if max > 0.0 {
        let wanted = Quantity::bytes(max * LARGER);
        let after = Quantity::ratio((used / (max * LARGER)).clamp(0.0, 1.0));
        let option = format!("-Xmx{}m", (max * LARGER / f64::from(1 << 20)).ceil());
        let expect = text(HEAP, "expect").with("after", after);
        all.insert(0, advice(text(HEAP, "advice").with("wanted", wanted), Some(option), expect));
    }
    all
}

pub(super) fn slow(source: &str, command: &str, client: &str, seconds: f64) -> Vec<Advice> {
    let redis = is(source, &["redis", "valkey"]);
    let scan = redis && command.to_uppercase().starts_with("KEYS");
    let how = if scan { text(SLOW, "advice-scan") } else { text(SLOW, "advice") };
    let look = redis.then(|| "redis-cli SLOWLOG GET 10".to_owned());
    let expect = text(SLOW, "expect").with("seconds", Quantity::seconds(seconds));
    vec![advice(how.with("command", command).with("client", client), look, expect)]
}

pub(super) fn limited(limit: &str, max: f64, refused: Option<f64>) -> Vec<Advice> {
    let expect = match refused {
        Some(refused) => text(LIMIT, "expect").with("refused", Quantity::rate(refused)),
        None => text(LIMIT, "expect-unknown"),
    };
    vec![advice(text(LIMIT, "advice").with("limit", limit).with("max", Quantity::count(max)), None, expect)]
}
