//! Advice from what comes back over days: once a day, over the summaries of the store.

use perfuse_analyze::pattern::{self, Pattern, Role, Series};

use super::compare::shown;
use crate::store::{Reader, SeriesKey, Step, StoreError};

/// Seconds of a day, and days that are looked at.
const DAY: i64 = 86_400;
const DAYS: i64 = 8;
/// Series that are looked at, at most.
const MOST: usize = 400;
/// Ends of names of what waits in line: messages of a queue, connections at a listener.
const QUEUES: &[&str] =
    &["queue_ready", "queue_length", "queue_messages", "_lag", "consumer_pending", "accept_queue_count"];
/// Cells whose headline is a share of something that has an end.
const CELLS: &[&str] = &["capacity.utilization", "memory.utilization", "fds.utilization", "tasks.utilization"];

/// Looks through the last days before `now` (seconds since 1970). `offset` is by how many seconds the days of the place are
/// ahead of UTC.
pub fn patterns(reader: &Reader, now: i64, offset: i64) -> Result<Vec<Pattern>, StoreError> {
    let keys = reader.series()?;
    let from = now.saturating_sub(DAYS * DAY);
    let greatest = |key: &SeriesKey| -> Result<(i64, i64, Vec<f64>), StoreError> {
        let answer = reader.summaries(key, Step::TenMinutes, from, now)?;
        Ok((answer.start, answer.step, answer.steps.iter().map(|summary| summary.max).collect()))
    };
    let mut rows = Vec::new();
    for (key, end) in keys.iter().filter_map(|key| Some((key, kind(key, &keys)?))).take(MOST) {
        let role = match end {
            Kind::Queue => Role::Queue,
            Kind::Share => Role::Limit(1.0),
            Kind::Of(max, pool) => {
                let (_, _, values) = greatest(max)?;
                // The size of now: one that was changed lately counts.
                let Some(max) = values.iter().rev().copied().find(|value| value.is_finite()) else { continue };
                if pool { Role::Pool(max) } else { Role::Limit(max) }
            }
        };
        rows.push((shown(key), role, greatest(key)?));
    }
    let series: Vec<Series<'_>> = rows
        .iter()
        .map(|(name, role, (start, step, values))| Series { name, role: *role, start: *start, step: *step, values })
        .collect();
    let mut found = pattern::find(&series, offset);
    for pattern in &mut found {
        pattern.advice.command = command(&pattern.series);
    }
    Ok(found)
}

/// What shows who is behind a series, on the host of the application.
fn command(series: &str) -> Option<String> {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let label = |wanted: &str| {
        let rest = labels.split_once(&format!("{wanted}=\""))?.1;
        rest.split_once('"').map(|(value, _)| value)
    };
    // What stands in a label comes from outside: only what needs no quotes in a shell goes into a command.
    let plain = |value: &&str| !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    let text = match name {
        "postgresql_connections_used" => {
            "psql -c 'SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC'"
        }
        "mysql_connections_used" => {
            "mysql -e 'SELECT USER, COMMAND, COUNT(*) FROM information_schema.PROCESSLIST GROUP BY 1, 2 ORDER BY 3 DESC'"
        }
        "redis_memory_used_bytes" => "redis-cli --bigkeys",
        "redis_clients_used" => "redis-cli CLIENT LIST",
        "rabbitmq_queue_ready" => "rabbitmqctl list_queues name messages consumers",
        "rabbitmq_memory_used" => "rabbitmq-diagnostics memory_breakdown",
        "kafka_consumer_lag" => {
            let group = label("group").filter(plain)?;
            return Some(format!(
                "kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group {group}"
            ));
        }
        "nats_consumer_pending" => {
            let stream = label("stream").filter(plain)?;
            return Some(format!("nats consumer report {stream}"));
        }
        "perfuse_cell_ratio" => match label("cell")? {
            "capacity.utilization" => {
                let place = label("instance").filter(|at| at.starts_with('/')).filter(plain).unwrap_or("/");
                return Some(format!("du -xh --max-depth=2 {place} | sort -h | tail -20"));
            }
            "memory.utilization" => "ps -eo pid,rss,comm --sort=-rss | head -20",
            "fds.utilization" => "lsof -n | awk '{ print $1, $2 }' | sort | uniq -c | sort -n | tail -20",
            "tasks.utilization" => "ps -eo user,comm,nlwp --sort=-nlwp | head -20",
            _ => return None,
        },
        _ if name.ends_with("accept_queue_count") => "ss -ltn",
        _ => return None,
    };
    Some(text.to_owned())
}

/// What a series counts.
enum Kind<'a> {
    Queue,
    /// A share of a whole.
    Share,
    /// What is in use, the series of its most, and whether somebody chose that for a pool.
    Of(&'a SeriesKey, bool),
}

fn kind<'a>(key: &SeriesKey, all: &'a [SeriesKey]) -> Option<Kind<'a>> {
    let name = key.name();
    if QUEUES.iter().any(|end| name.ends_with(end)) {
        return Some(Kind::Queue);
    }
    let cell = key.labels().iter().find(|(label, _)| label == "cell").map(|(_, value)| value.as_str());
    if name == "perfuse_cell_ratio" && cell.is_some_and(|cell| CELLS.contains(&cell)) {
        return Some(Kind::Share);
    }
    let (base, end) = match name.strip_suffix("_used") {
        Some(base) => (base, "_max"),
        None => (name.strip_suffix("_used_bytes")?, "_max_bytes"),
    };
    let is_most = |other: &&SeriesKey| other.name().strip_suffix(end) == Some(base) && other.labels() == key.labels();
    let pool = base == "pool" || base.ends_with("_pool") || base == "threads";
    all.iter().find(is_most).map(|most| Kind::Of(most, pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Retention, Store};

    #[test]
    fn what_a_series_counts_is_told_by_its_name_and_its_neighbour() {
        let labels = [("collector", "shop"), ("pool", "orders")];
        let used = SeriesKey::new("pool_used", labels);
        let all = [
            SeriesKey::new("pool_max", [("collector", "other"), ("pool", "orders")]),
            SeriesKey::new("pool_max", labels),
            SeriesKey::new("postgresql_connections_max", [("collector", "db")]),
        ];
        assert!(matches!(kind(&used, &all), Some(Kind::Of(max, true)) if *max == all[1]));
        let connections = SeriesKey::new("postgresql_connections_used", [("collector", "db")]);
        assert!(matches!(kind(&connections, &all), Some(Kind::Of(_, false))));
        assert!(kind(&SeriesKey::new("redis_memory_used", []), &all).is_none());
        assert!(matches!(kind(&SeriesKey::new("rabbitmq_queue_ready", []), &all), Some(Kind::Queue)));
        let cell = SeriesKey::new("perfuse_cell_ratio", [("cell", "capacity.utilization")]);
        assert!(matches!(kind(&cell, &all), Some(Kind::Share)));
    }

    #[test]
    fn advice_has_a_command_where_one_is_known() {
        for (series, wanted) in [
            ("postgresql_connections_used{collector=\"db\"}", Some("pg_stat_activity")),
            ("kafka_consumer_lag{group=\"billing\",topic=\"orders\"}", Some("--group billing")),
            ("kafka_consumer_lag{group=\"$(reboot)\",topic=\"orders\"}", None),
            (
                "perfuse_cell_ratio{cell=\"capacity.utilization\",instance=\"/var/lib\"}",
                Some("du -xh --max-depth=2 /var/lib |"),
            ),
            ("perfuse_cell_ratio{cell=\"capacity.utilization\"}", Some("du -xh --max-depth=2 / |")),
            ("shop_orders_used", None),
        ] {
            let found = command(series);
            assert_eq!(found.is_some(), wanted.is_some(), "{series}: {found:?}");
            assert!(wanted.is_none_or(|wanted| found.is_some_and(|found| found.contains(wanted))), "{series}");
        }
        let used = SeriesKey::new("redis_memory_used_bytes", [("collector", "cache")]);
        let all = [SeriesKey::new("redis_memory_max_bytes", [("collector", "cache")])];
        assert!(matches!(kind(&used, &all), Some(Kind::Of(max, false)) if *max == all[0]));
    }

    #[test]
    fn days_in_the_store_become_advice() {
        let directory = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(directory.path(), Retention::default()).unwrap();
        let key = SeriesKey::new("rabbitmq_queue_ready", [("queue", "mails")]);
        let id = store.series(&key).unwrap();
        let start = 1_795_651_200_i64;
        // A value every ten minutes is enough for summaries.
        for step in 0..5 * 144_i64 {
            let nine = (54..66).contains(&(step % 144));
            store.append(start + step * 600, &[(id, if nine { 700.0 } else { 1.0 })]);
        }
        let found = patterns(&store.reader(), start + 5 * DAY, 0).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].id, found[0].days.len()), ("pattern.daily-queue", 5));
    }
}
