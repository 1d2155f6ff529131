//! NATS, through its monitoring interface: connections that are too slow, and consumers of streams that are behind.

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use serde_json::Value;

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::web::{self, Access};

/// Connections with the most bytes that wait for them that are looked at.
const CONNECTIONS: usize = 64;
/// Consumers of streams that are looked at.
const CONSUMERS: usize = 200;
/// Part of a limit from which on it is a fact.
const NEARLY_FULL: f64 = 0.8;

/// One server.
pub(super) struct Source {
    base: String,
    access: Access,
    rates: Rates,
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value.get(key)?.as_f64()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn all<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

impl Source {
    pub(super) fn new(url: &str, access: Access) -> Self {
        Self { base: url.trim_end_matches('/').to_owned(), access, rates: Rates::default() }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let server = self.ask(clients, "varz").await?;
        self.server(sheet, &server);
        let connections = self.ask(clients, &format!("connz?sort=pending&limit={CONNECTIONS}")).await?;
        slow(sheet, &connections, number(&server, "max_pending").unwrap_or(0.0));
        // A server without streams says so, or does not know the page.
        if let Ok(streams) = self.ask(clients, "jsz?streams=true&consumers=true&limit=1000").await {
            self.streams(sheet, &streams);
        }
        self.rates.turn();
        Ok(())
    }

    async fn ask(&self, clients: &Clients, path: &str) -> Result<Value, Msg> {
        web::json(clients, &format!("{}/{path}", self.base), &self.access).await.map_err(|said| said.message)
    }

    fn server(&mut self, sheet: &mut Sheet, server: &Value) {
        for (key, series) in [
            ("connections", "nats_connections"),
            ("max_connections", "nats_connections_max"),
            ("subscriptions", "nats_subscriptions"),
            ("mem", "nats_memory_bytes"),
        ] {
            sheet.maybe(series, &[], number(server, key));
        }
        for (key, series) in [
            ("in_msgs", "nats_received_per_second"),
            ("out_msgs", "nats_sent_per_second"),
            ("in_bytes", "nats_received_bytes_per_second"),
            ("out_bytes", "nats_sent_bytes_per_second"),
        ] {
            let rate = number(server, key).and_then(|value| self.rates.of(key, value));
            sheet.maybe(series, &[], rate);
        }
        let slow = number(server, "slow_consumers");
        sheet.maybe("nats_slow_consumers", &[], slow);
        let cut = slow.and_then(|count| self.rates.of("slow", count));
        sheet.maybe("nats_slow_consumers_per_second", &[], cut);
        if let (Some(rate), Some(max)) = (cut.filter(|rate| *rate > 0.0), number(server, "max_pending")) {
            // Whoever was cut off had reached it.
            let limit = "max_pending".to_owned();
            sheet.fact(None, AppWhat::Limit { limit, used: max, max, refused: Some(rate), denied: false, most: None });
        }
        if let (Some(used), Some(max)) = (number(server, "connections"), number(server, "max_connections"))
            && max > 0.0
            && used >= max * NEARLY_FULL
        {
            let limit = "max_connections".to_owned();
            sheet.fact(None, AppWhat::Limit { limit, used, max, refused: None, denied: false, most: None });
        }
    }

    /// Streams, and how many messages of them each consumer has not had yet.
    fn streams(&mut self, sheet: &mut Sheet, streams: &Value) {
        let of_accounts = all(streams, "account_details").flat_map(|account| all(account, "stream_detail"));
        let mut found = Vec::new();
        for stream in of_accounts {
            let name = text(stream, "name");
            let messages = stream.pointer("/state/messages").and_then(Value::as_f64);
            sheet.maybe("nats_stream_messages", &[("stream", name)], messages);
            let last = stream.pointer("/state/last_seq").and_then(Value::as_f64);
            let rate_in = last.and_then(|last| self.rates.of(format!("last {name}"), last));
            for consumer in all(stream, "consumer_detail") {
                found.push((name, rate_in, consumer));
            }
        }
        let waits = |consumer: &Value| {
            number(consumer, "num_pending").unwrap_or(0.0) + number(consumer, "num_ack_pending").unwrap_or(0.0)
        };
        found.sort_by(|(.., a), (.., b)| waits(b).total_cmp(&waits(a)));
        let mut rows = Vec::new();
        for (stream, rate_in, consumer) in found.into_iter().take(CONSUMERS) {
            let name = text(consumer, "name");
            let labels = [("stream", stream), ("consumer", name)];
            let (pending, unacknowledged) = (number(consumer, "num_pending"), number(consumer, "num_ack_pending"));
            sheet.maybe("nats_consumer_pending", &labels, pending);
            sheet.maybe("nats_consumer_unacknowledged", &labels, unacknowledged);
            let acknowledged = consumer.pointer("/ack_floor/stream_seq").and_then(Value::as_f64);
            let rate_out = acknowledged.and_then(|at| self.rates.of(format!("ack {stream} {name}"), at));
            let length = waits(consumer);
            if length > 0.0 {
                let queue = format!("{stream} · {name}");
                sheet.fact(
                    None,
                    AppWhat::Queue { queue, length, rate_in, rate_out, consumers: None, takers: Vec::new() },
                );
                let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
                let (stream, name) = (stream.to_owned(), name.to_owned());
                rows.push(vec![stream, name, cell(pending), cell(unacknowledged), cell(rate_in), cell(rate_out)]);
            }
        }
        let columns = ["stream", "consumer", "num_pending", "num_ack_pending", "in_per_second", "out_per_second"];
        sheet.table("jsz", &columns, rows);
    }
}

/// Connections that take in too little: bytes wait for them, up to a bound at which they are cut off.
fn slow(sheet: &mut Sheet, connections: &Value, max: f64) {
    let mut rows = Vec::new();
    let mut most = 0.0_f64;
    for connection in all(connections, "connections") {
        let pending = number(connection, "pending_bytes").unwrap_or(0.0);
        most = most.max(pending);
        if pending <= 0.0 {
            continue;
        }
        let id = number(connection, "cid").unwrap_or(0.0);
        if max > 0.0 && pending >= max * NEARLY_FULL {
            let limit = format!("max_pending {id} {}", text(connection, "name")).trim_end().to_owned();
            sheet.fact(None, AppWhat::Limit { limit, used: pending, max, refused: None, denied: false, most: None });
        }
        let (name, ip) = (text(connection, "name").to_owned(), text(connection, "ip").to_owned());
        rows.push(vec![id.to_string(), name, ip, pending.to_string()]);
    }
    sheet.number("nats_pending_bytes_most", &[], most);
    sheet.table("connz", &["cid", "name", "ip", "pending_bytes"], rows);
}
