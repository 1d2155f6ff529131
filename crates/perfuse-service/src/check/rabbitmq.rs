//! `RabbitMQ`, through its management interface.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::{Clients, Said};
use crate::client::web::{self, Access};
use crate::config::check::RabbitMq;

impl Clients {
    pub(super) async fn rabbitmq(&self, check: &RabbitMq) -> Said {
        self.ask_rabbitmq(check).await.unwrap_or_else(|said| said)
    }

    async fn ask_rabbitmq(&self, check: &RabbitMq) -> Result<Said, Said> {
        let base = check.url.trim_end_matches('/');
        let access = Access::of(check.basic.as_ref(), &check.trust);
        let url = format!("{base}/api/nodes?columns=name,running,mem_alarm,disk_free_alarm");
        let nodes = web::json(self, &url, &access).await?;
        let nodes = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
        let is = |node: &serde_json::Value, key: &str| node.get(key).and_then(serde_json::Value::as_bool);
        for node in nodes {
            let name = node.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
            // With an alarm nobody can publish any more.
            let alarm = ["mem_alarm", "disk_free_alarm"].into_iter().find(|alarm| is(node, alarm) == Some(true));
            if let Some(alarm) = alarm {
                return Ok(Said::fail(format!("{name}: {alarm}")));
            }
        }
        if !nodes.iter().any(|node| is(node, "running") != Some(false)) {
            return Ok(Said::fail("no node runs"));
        }
        let Some(queue) = &check.queue else { return Ok(Said::pass()) };
        let found = web::json(self, &format!("{base}/api/queues?columns=name,messages,state"), &access).await?;
        let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_it = |one: &&serde_json::Value| one.get("name").and_then(serde_json::Value::as_str) == Some(queue);
        let Some(found) = found.iter().find(is_it) else {
            return Ok(Said::new(Outcome::Fail, Msg::new("check-rabbitmq-no-queue").with("queue", queue)));
        };
        if found.get("state").and_then(serde_json::Value::as_str) == Some("down") {
            return Ok(Said::fail(format!("{queue}: down")));
        }
        let messages = found.get("messages").and_then(serde_json::Value::as_u64).unwrap_or(0);
        let full = check.max_messages.is_some_and(|most| messages > most);
        let message = Msg::new("check-rabbitmq-queue").with("queue", queue).with("count", messages);
        Ok(Said::new(if full { Outcome::Fail } else { Outcome::Pass }, message).with_value(messages as f64))
    }
}
