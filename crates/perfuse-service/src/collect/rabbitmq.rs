//! `RabbitMQ`, through its management interface: queues with their rates and consumers, and what its nodes run out of.

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use serde_json::Value;

use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::web::{self, Access};

/// Queues with the most messages that are looked at.
const QUEUES: usize = 100;
/// Part of a limit from which on it is a fact.
const NEARLY_FULL: f64 = 0.8;

/// One server, or a cluster of them.
pub(super) struct Source {
    base: String,
    access: Access,
}

/// A number somewhere inside.
fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer)?.as_f64()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Source {
    pub(super) fn new(url: &str, access: Access) -> Self {
        Self { base: url.trim_end_matches('/').to_owned(), access }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let overview = self.ask(clients, "overview?columns=object_totals,queue_totals,message_stats").await?;
        for (pointer, series) in [
            ("/object_totals/connections", "rabbitmq_connections"),
            ("/object_totals/channels", "rabbitmq_channels"),
            ("/object_totals/consumers", "rabbitmq_consumers"),
            ("/object_totals/queues", "rabbitmq_queues"),
            ("/queue_totals/messages_ready", "rabbitmq_messages_ready"),
            ("/queue_totals/messages_unacknowledged", "rabbitmq_messages_unacknowledged"),
            ("/message_stats/publish_details/rate", "rabbitmq_published_per_second"),
            ("/message_stats/deliver_get_details/rate", "rabbitmq_delivered_per_second"),
            ("/message_stats/ack_details/rate", "rabbitmq_acknowledged_per_second"),
        ] {
            sheet.maybe(series, &[], number(&overview, pointer));
        }
        let nodes = self.ask(clients, NODES).await?;
        for one in nodes.as_array().into_iter().flatten() {
            node(sheet, one);
        }
        let queues = self.ask(clients, &format!("{LONGEST}&page_size={QUEUES}")).await?;
        let queues = queues.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        // Who takes from a queue that grows is asked for then alone.
        let takers = if queues.iter().any(waits) { self.ask(clients, CONSUMERS).await.ok() } else { None };
        tell(sheet, queues, takers.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default());
        Ok(())
    }

    async fn ask(&self, clients: &Clients, path: &str) -> Result<Value, Msg> {
        web::json(clients, &format!("{}/api/{path}", self.base), &self.access).await.map_err(|said| said.message)
    }
}

const NODES: &str = "nodes?columns=name,running,mem_used,mem_limit,mem_alarm,disk_free,disk_free_limit,disk_free_alarm,\
    fd_used,fd_total,sockets_used,sockets_total,proc_used,proc_total";
/// The queues with the most messages first.
const LONGEST: &str = "queues?page=1&sort=messages&sort_reverse=true&columns=name,vhost,state,messages,messages_ready,\
    messages_unacknowledged,consumers,message_stats.publish_details.rate,message_stats.deliver_get_details.rate,\
    message_stats.ack_details.rate";

/// Who takes from which queue.
const CONSUMERS: &str =
    "consumers?columns=queue.name,queue.vhost,channel_details.peer_host,channel_details.peer_port,consumer_tag";
/// Consumers of a queue that are named, at most.
const TAKERS: usize = 5;

/// Whether a queue has consumers, and more messages than these.
fn waits(queue: &Value) -> bool {
    let count = number(queue, "/consumers").unwrap_or(0.0);
    count > 0.0 && number(queue, "/messages_ready").unwrap_or(0.0) > count
}

/// Those who take from a queue: address, and the name that they chose for themselves.
fn takers(queue: &Value, consumers: &[Value]) -> Vec<String> {
    let of_it = |one: &&Value| {
        let of = |key: &str| one.get("queue").map(|queue| text(queue, key)).unwrap_or_default();
        (of("name"), of("vhost")) == (text(queue, "name"), text(queue, "vhost"))
    };
    let named = |one: &Value| {
        let channel = one.get("channel_details")?;
        let host = Some(text(channel, "peer_host")).filter(|host| !host.is_empty())?;
        let port = channel.get("peer_port").and_then(Value::as_u64)?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        // Who chose none has one of the server.
        let tag = Some(text(one, "consumer_tag")).filter(|tag| !tag.starts_with("amq.ctag-")).unwrap_or_default();
        Some(format!("{host}:{port} {tag}").trim_end().to_owned())
    };
    consumers.iter().filter(of_it).filter_map(named).take(TAKERS).collect()
}

fn node(sheet: &mut Sheet, node: &Value) {
    let name = text(node, "name");
    for (used, max, series) in [
        ("mem_used", "mem_limit", "rabbitmq_memory"),
        ("fd_used", "fd_total", "rabbitmq_descriptors"),
        ("sockets_used", "sockets_total", "rabbitmq_sockets"),
        ("proc_used", "proc_total", "rabbitmq_processes"),
    ] {
        let field = |key: &str| node.get(key).and_then(Value::as_f64);
        let (Some(in_use), Some(most)) = (field(used), field(max).filter(|most| *most > 0.0)) else { continue };
        sheet.number(&format!("{series}_used"), &[("node", name)], in_use);
        sheet.number(&format!("{series}_max"), &[("node", name)], most);
        // With the alarm of its memory a node takes no messages any more.
        let alarm = used == "mem_used" && node.get("mem_alarm").and_then(Value::as_bool) == Some(true);
        if alarm || in_use >= most * NEARLY_FULL {
            sheet.fact(
                None,
                AppWhat::Limit {
                    limit: max.to_owned(),
                    used: in_use,
                    max: most,
                    refused: None,
                    denied: false,
                    most: None,
                },
            );
        }
    }
    let (free, least) = (number(node, "/disk_free"), number(node, "/disk_free_limit"));
    sheet.maybe("rabbitmq_disk_free_bytes", &[("node", name)], free);
    if let (Some(free), Some(least)) = (free, least)
        && node.get("disk_free_alarm").and_then(Value::as_bool) == Some(true)
    {
        // What has to stay free is missing: the limit is what may be taken.
        let limit = "disk_free_limit".to_owned();
        sheet.fact(None, AppWhat::Limit { limit, used: least, max: free, refused: None, denied: false, most: None });
    }
}

/// A queue, and its name with that of its host unless that is the usual one.
fn named(queue: &Value) -> String {
    match text(queue, "vhost") {
        "/" | "" => text(queue, "name").to_owned(),
        host => format!("{host}/{}", text(queue, "name")),
    }
}

fn tell(sheet: &mut Sheet, queues: &[Value], who: &[Value]) {
    let mut rows = Vec::new();
    for queue in queues {
        let name = named(queue);
        let labels = [("queue", name.as_str())];
        let (ready, unacknowledged, consumers) = (
            number(queue, "/messages_ready"),
            number(queue, "/messages_unacknowledged"),
            queue.get("consumers").and_then(Value::as_u64),
        );
        let rate = |key: &str| number(queue, &format!("/message_stats/{key}_details/rate"));
        let (published, delivered, acknowledged) = (rate("publish"), rate("deliver_get"), rate("ack"));
        sheet.maybe("rabbitmq_queue_ready", &labels, ready);
        sheet.maybe("rabbitmq_queue_unacknowledged", &labels, unacknowledged);
        sheet.maybe("rabbitmq_queue_consumers", &labels, consumers.map(|count| count as f64));
        sheet.maybe("rabbitmq_queue_published_per_second", &labels, published);
        sheet.maybe("rabbitmq_queue_delivered_per_second", &labels, delivered);
        sheet.maybe("rabbitmq_queue_acknowledged_per_second", &labels, acknowledged);
        let length = ready.unwrap_or(0.0) + unacknowledged.unwrap_or(0.0);
        if length <= 0.0 {
            continue;
        }
        let (rate_in, rate_out) = (published, acknowledged.or(delivered));
        let takers = takers(queue, who);
        sheet.fact(None, AppWhat::Queue { queue: name.clone(), length, rate_in, rate_out, consumers, takers });
        let cell = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let state = text(queue, "state").to_owned();
        let consumers = consumers.map_or_else(String::new, |count| count.to_string());
        rows.push(vec![name, state, cell(ready), cell(unacknowledged), consumers, cell(published), cell(acknowledged)]);
    }
    let columns = ["name", "state", "messages_ready", "messages_unacknowledged", "consumers", "publish", "ack"];
    sheet.table("list_queues", &columns, rows);
}
