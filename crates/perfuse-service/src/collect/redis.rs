//! Redis, and what speaks like it: memory, clients, commands that took long, evictions.

use std::collections::BTreeMap;
use std::time::Instant;

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo as _, Value};

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::{Clients, Said, words};
use crate::client::{Allowance, Bounded, Task};
use crate::config::trust::{Encrypt, Server};

/// Entries of the log of slow commands that are read in one round.
const LOG: usize = 128;
/// Part of a limit from which on it is a fact.
const NEARLY_FULL: f64 = 0.8;

/// Gauges of `INFO`, and the names of their series.
const GAUGES: &[(&str, &str)] = &[
    ("used_memory", "redis_memory_used_bytes"),
    ("used_memory_rss", "redis_memory_rss_bytes"),
    ("maxmemory", "redis_memory_max_bytes"),
    ("mem_fragmentation_ratio", "redis_memory_fragmentation_ratio"),
    ("connected_clients", "redis_clients"),
    ("blocked_clients", "redis_clients_blocked"),
    ("maxclients", "redis_clients_max"),
    ("connected_slaves", "redis_replicas"),
    ("master_last_io_seconds_ago", "redis_primary_silent_seconds"),
    ("rdb_changes_since_last_save", "redis_changes_unsaved"),
    ("rdb_bgsave_in_progress", "redis_saving"),
    ("aof_rewrite_in_progress", "redis_rewriting"),
    ("loading", "redis_loading"),
];
/// Counters of `INFO`, and the names of the series of their rates.
const COUNTERS: &[(&str, &str)] = &[
    ("total_commands_processed", "redis_commands_per_second"),
    ("total_connections_received", "redis_connections_per_second"),
    ("rejected_connections", "redis_rejected_connections_per_second"),
    ("evicted_keys", "redis_evicted_keys_per_second"),
    ("expired_keys", "redis_expired_keys_per_second"),
    ("keyspace_hits", "redis_hits_per_second"),
    ("keyspace_misses", "redis_misses_per_second"),
    ("aof_delayed_fsync", "redis_delayed_fsyncs_per_second"),
    ("total_net_input_bytes", "redis_received_bytes_per_second"),
    ("total_net_output_bytes", "redis_sent_bytes_per_second"),
    ("used_cpu_sys_main_thread", "redis_main_thread_system_share"),
    ("used_cpu_user_main_thread", "redis_main_thread_user_share"),
];

/// One server.
pub(super) struct Source {
    server: Server,
    held: Option<Held>,
    rates: Rates,
    /// Number of the last entry of the log that was seen, and the server's run in which it was.
    seen: Option<(String, i64)>,
    /// Since when it has not answered.
    silent: Option<Instant>,
    /// Its process, as it was known last.
    pid: Option<u32>,
}

struct Held {
    connection: MultiplexedConnection,
    _driver: Task,
    allowance: Allowance,
    local: bool,
}

fn failed(error: &redis::RedisError) -> Msg {
    Said::fail(words::cause(error)).message
}

/// Why it cannot be asked.
struct Refused {
    message: Msg,
    /// It runs a script, and answers nothing but orders to end it.
    busy: bool,
}

impl From<Msg> for Refused {
    fn from(message: Msg) -> Self {
        Self { message, busy: false }
    }
}

impl From<&redis::RedisError> for Refused {
    fn from(error: &redis::RedisError) -> Self {
        Self { message: failed(error), busy: error.code() == Some("BUSY") }
    }
}

impl Source {
    pub(super) fn new(server: &Server) -> Self {
        Self { server: server.clone(), held: None, rates: Rates::default(), seen: None, silent: None, pid: None }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        // A round that is given up for its time does not come to its end here.
        let silent = *self.silent.get_or_insert_with(Instant::now);
        match self.ask(clients, sheet).await {
            Ok(()) => {
                self.silent = None;
                Ok(())
            }
            Err(refused) => {
                // After some seconds with one script a server says to all others that it is busy.
                if refused.busy {
                    let (command, client) = ("EVAL (script)".to_owned(), String::new());
                    let seconds = silent.elapsed().as_secs_f64();
                    sheet.fact(self.pid, AppWhat::SlowCommand { command, seconds, client, count: 1 });
                }
                Err(refused.message)
            }
        }
    }

    async fn ask(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Refused> {
        let mut asked = None;
        // A connection that was closed meanwhile, by a restart or for being idle, is opened anew at once.
        if let Some(mut held) = self.held.take()
            && let Ok(answers) = ask(&mut held).await
        {
            asked = Some((held, answers));
        }
        let (held, (info, log)) = if let Some(asked) = asked {
            asked
        } else {
            let mut held = self.open(clients).await?;
            let answers = ask(&mut held).await.map_err(|error| Refused::from(&error))?;
            (held, answers)
        };
        let info = parse(&info);
        let pid = here(&info, held.local);
        self.pid = pid;
        self.count(sheet, &info, pid);
        match log {
            Ok(log) => self.log(sheet, &log, info.get("run_id").copied().unwrap_or_default(), pid),
            // A user who may not see the log is told; the numbers are there all the same.
            Err(error) => sheet.problem(failed(&error)),
        }
        self.rates.turn();
        self.held = Some(held);
        Ok(())
    }

    async fn open(&self, clients: &Clients) -> Result<Held, Refused> {
        // The words of the parser may quote the URL, which may have the password in it.
        let bad = |_| Said::no_data("url").message;
        let info = self.server.url.as_str().into_connection_info().map_err(bad)?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else { return Err(Said::no_data("url").message.into()) };
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(password) = &self.server.password {
            settings = settings.set_password(password.reveal());
        }
        let trust = (self.server.encrypt == Encrypt::Always).then_some(&self.server.trust);
        let wire = clients.dial(&format!("{host}:{port}"), trust).await.map_err(|said| said.message)?;
        let (allowance, local) = (Allowance::new(), wire.local);
        let stream = Bounded::new(wire.stream, allowance.clone());
        // The time-out is that of the round.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let opened = MultiplexedConnection::new_with_config(&settings, stream, config).await;
        let (connection, driver) = opened.map_err(|error| Refused::from(&error))?;
        Ok(Held { connection, _driver: Task::spawn(driver), allowance, local })
    }

    fn count(&mut self, sheet: &mut Sheet, info: &BTreeMap<&str, &str>, pid: Option<u32>) {
        let number = |name: &str| info.get(name).and_then(|value| value.parse::<f64>().ok());
        for (name, series) in GAUGES {
            sheet.maybe(series, &[], number(name));
        }
        let mut rates = BTreeMap::new();
        for (name, series) in COUNTERS {
            let rate = number(name).and_then(|value| self.rates.of(*name, value));
            sheet.maybe(series, &[], rate);
            rates.insert(*name, rate);
        }
        let rate = |name| rates.get(name).copied().flatten();
        let keys = info
            .iter()
            .filter(|(name, _)| name.starts_with("db"))
            .filter_map(|(_, value)| value.split(',').find_map(|part| part.strip_prefix("keys="))?.parse::<f64>().ok());
        sheet.number("redis_keys", &[], keys.sum());
        // What evicts nothing, or not enough, refuses writes. An error that did not happen is not listed.
        let denied =
            info.get("errorstat_OOM").and_then(|value| value.strip_prefix("count=")?.parse().ok()).unwrap_or(0.0);
        let denied = self.rates.of("OOM", denied);
        sheet.maybe("redis_refused_for_memory_per_second", &[], denied);
        // A cache that evicts is full all the time, and does what it is for.
        let evicts = info.get("maxmemory_policy").is_some_and(|policy| *policy != "noeviction");
        let limits = [
            ("maxmemory", "used_memory", "maxmemory", denied),
            ("maxclients", "connected_clients", "maxclients", rate("rejected_connections")),
        ];
        for (limit, used, max, refused) in limits {
            let (Some(used), Some(max)) = (number(used), number(max).filter(|max| *max > 0.0)) else { continue };
            let full = used >= max * NEARLY_FULL && !(evicts && limit == "maxmemory");
            if full || refused.is_some_and(|rate| rate > 0.0) {
                let limit = limit.to_owned();
                sheet.fact(pid, AppWhat::Limit { limit, used, max, refused, denied: false, most: None });
            }
        }
    }

    /// The commands that took long since the last look. At the first look those of the past are not news.
    fn log(&mut self, sheet: &mut Sheet, log: &Value, run: &str, pid: Option<u32>) {
        let Value::Array(entries) = log else { return };
        let entries: Vec<Slow> = entries.iter().filter_map(Slow::of).collect();
        let newest = entries.iter().map(|entry| entry.id).max().unwrap_or(-1);
        let since = match &self.seen {
            Some((of, id)) if of == run && *id <= newest => Some(*id),
            // Another run begins with 0, as does a log that was reset.
            Some(_) => Some(-1),
            None => None,
        };
        self.seen = Some((run.to_owned(), newest));
        let Some(since) = since else { return };
        let mut news: BTreeMap<&str, (f64, u64, &Slow)> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.id > since) {
            let slowest = news.entry(&entry.command).or_insert((0.0, 0, entry));
            slowest.1 += 1;
            if entry.seconds > slowest.0 {
                (slowest.0, slowest.2) = (entry.seconds, entry);
            }
        }
        let all: f64 = entries.iter().filter(|entry| entry.id > since).map(|entry| entry.seconds).sum();
        sheet.number("redis_slow_commands_seconds", &[], all);
        let mut news: Vec<_> = news.into_values().collect();
        news.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (seconds, count, slowest) in news {
            let (command, client) = (slowest.command.clone(), slowest.client.clone());
            sheet.fact(pid, AppWhat::SlowCommand { command, seconds, client, count });
        }
        let row = |entry: &Slow| {
            vec![entry.id.to_string(), format!("{:.6}", entry.seconds), entry.command.clone(), entry.client.clone()]
        };
        let rows = entries.iter().filter(|entry| entry.id > since).map(row).collect();
        sheet.table("SLOWLOG", &["id", "seconds", "command", "client"], rows);
    }
}

/// `INFO` and the log of slow commands, or why there is no log.
type Answers = (String, Result<Value, redis::RedisError>);

async fn ask(held: &mut Held) -> Result<Answers, redis::RedisError> {
    held.allowance.refill();
    let info = redis::cmd("INFO").query_async::<String>(&mut held.connection).await?;
    let log = redis::cmd("SLOWLOG").arg("GET").arg(LOG).query_async::<Value>(&mut held.connection).await;
    match log {
        Err(error) if error.is_io_error() => Err(error),
        log => Ok((info, log)),
    }
}

/// The lines of `INFO`.
fn parse(info: &str) -> BTreeMap<&str, &str> {
    info.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.trim_end().split_once(':')).collect()
}

/// The server's process, if it is one of this host.
fn here(info: &BTreeMap<&str, &str>, local: bool) -> Option<u32> {
    let pid = info.get("process_id")?.parse::<u32>().ok().filter(|_| local)?;
    // Processes have other numbers in containers: the one of that number must at least be named so.
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    ["redis", "valkey", "keydb"].iter().any(|known| name.starts_with(known)).then_some(pid)
}

/// An entry of the log.
struct Slow {
    id: i64,
    seconds: f64,
    command: String,
    client: String,
}

impl Slow {
    fn of(entry: &Value) -> Option<Self> {
        let Value::Array(fields) = entry else { return None };
        let (Value::Int(id), Value::Int(micros), Value::Array(words)) =
            (fields.first()?, fields.get(2)?, fields.get(3)?)
        else {
            return None;
        };
        let client = fields.get(4).and_then(bytes).unwrap_or_default();
        Some(Self { id: *id, seconds: *micros as f64 / 1e6, command: command(words), client })
    }
}

fn bytes(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

/// A command without its values: keys are data, too.
fn command(words: &[Value]) -> String {
    let name = |word: &Value| bytes(word).unwrap_or_default().to_ascii_uppercase().chars().take(40).collect::<String>();
    let mut text = words.first().map(name).unwrap_or_default();
    let containers = ["CLIENT", "CLUSTER", "CONFIG", "DEBUG", "MEMORY", "OBJECT", "SCRIPT", "XGROUP", "XINFO"];
    let values = if containers.contains(&text.as_str()) && words.len() > 1 {
        text.push(' ');
        text.push_str(&name(&words[1]));
        words.len() - 2
    } else {
        words.len().saturating_sub(1)
    };
    match values {
        0..=3 => text + &" ?".repeat(values),
        more => format!("{text} ? … ({more})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Value> {
        text.split(' ').map(|word| Value::BulkString(word.as_bytes().to_vec())).collect()
    }

    #[test]
    fn commands_are_shown_without_their_values() {
        for (given, wanted) in [
            ("keys user:*", "KEYS ?"),
            ("PING", "PING"),
            ("config get maxmemory", "CONFIG GET ?"),
            ("mset a 1 b 2", "MSET ? … (4)"),
        ] {
            assert_eq!(command(&words(given)), wanted);
        }
        assert_eq!(command(&[]), "");
    }

    #[test]
    fn info_has_lines_of_names_and_values() {
        let info = parse("# Server\r\nrun_id:abc\r\nexecutable:/usr/bin/a:b\r\n\r\nodd\r\n");
        assert_eq!(info.get("run_id"), Some(&"abc"));
        assert_eq!(info.get("executable"), Some(&"/usr/bin/a:b"));
        assert_eq!(info.len(), 2);
    }
}
