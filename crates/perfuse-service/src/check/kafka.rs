//! Kafka: brokers that are there, and a topic all of whose partitions have a leader.

use perfuse_analyze::Msg;
use perfuse_analyze::status::Outcome;

use super::{Clients, Said};
use crate::client::kafka::{Broker, problem};
use crate::config::check::Kafka;

impl Clients {
    pub(super) async fn kafka(&self, check: &Kafka) -> Said {
        let topic = check.topic.as_deref();
        let wanted: Vec<&str> = topic.into_iter().collect();
        let metadata = match Broker::first(self, &check.cluster, &wanted).await {
            Ok((_, metadata)) => metadata,
            Err(said) => return said,
        };
        let brokers = metadata.brokers.len();
        if brokers < check.min_brokers as usize {
            let message = Msg::new("check-kafka-brokers").with("count", brokers as u64);
            return Said::new(Outcome::Fail, message).with_value(brokers as f64);
        }
        let Some(topic) = topic else { return Said::pass().with_value(brokers as f64) };
        let Some(found) = metadata.topics.iter().find(|found| found.name == topic) else {
            return Said::fail(format!("{topic}: not in the answer"));
        };
        if found.error != 0 || found.partitions.is_empty() {
            return Said::fail(format!("{topic}: {}", problem(found.error)));
        }
        let count = |is: fn(&perfuse_format::kafka::Partition) -> bool| {
            found.partitions.iter().filter(|partition| is(partition)).count() as u64
        };
        let (leaderless, behind) =
            (count(|partition| partition.leader < 0), count(|partition| partition.in_sync < partition.replicas));
        let said = |outcome, id: &str, count: u64| {
            Said::new(outcome, Msg::new(id).with("topic", topic).with("count", count)).with_value(count as f64)
        };
        if leaderless > 0 {
            said(Outcome::Fail, "check-kafka-leaderless", leaderless)
        } else if behind > 0 {
            said(Outcome::Slow, "check-kafka-behind", behind)
        } else {
            Said::pass().with_value(brokers as f64)
        }
    }
}
