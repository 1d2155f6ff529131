//! Kafka: how far groups of consumers are behind.
//!
//! Groups are asked of their coordinators, and ends of partitions of their leaders, as every consumer does. Nothing is
//! written, and no group is joined.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use perfuse_format::kafka;

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::{Clients, Said};
use crate::client::kafka::{Broker, problem};

/// Groups that are looked at.
const GROUPS: usize = 200;
/// Partitions of committed offsets that are looked at.
const PARTITIONS: usize = 20_000;

/// One cluster.
pub(super) struct Source {
    brokers: Vec<String>,
    groups: Vec<String>,
    rates: Rates,
}

/// Topic and partition.
type Place = (String, i32);

/// A group: its members, if they are known, and what it has committed.
struct Group {
    members: Option<u64>,
    committed: BTreeMap<Place, i64>,
}

/// One line of the table: lag, group, topic, partition, committed and end.
type Line = (i64, String, String, i32, i64, i64);

impl Source {
    pub(super) fn new(brokers: &[String], groups: &[String]) -> Self {
        Self { brokers: brokers.to_vec(), groups: groups.to_vec(), rates: Rates::default() }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let mut cluster = Cluster::new(clients, &self.brokers).await.map_err(|said| said.message)?;
        sheet.number("kafka_brokers", &[], cluster.addresses.len() as f64);
        let groups = cluster.groups(&self.groups, sheet).await;
        let places: BTreeSet<&Place> = groups.values().flat_map(|group| group.committed.keys()).collect();
        if places.len() > PARTITIONS {
            return Err(Msg::new("app-kafka-many").with("most", PARTITIONS as u64));
        }
        let ends = if places.is_empty() { BTreeMap::new() } else { cluster.ends(&places, sheet).await? };
        self.topics(sheet, &ends);
        self.lags(sheet, &groups, &ends);
        self.rates.turn();
        Ok(())
    }

    fn topics(&mut self, sheet: &mut Sheet, ends: &BTreeMap<Place, i64>) {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for ((topic, _), end) in ends {
            *sums.entry(topic).or_default() += end;
        }
        for (topic, sum) in sums {
            let rate = self.rates.of(format!("topic {topic}"), sum as f64);
            sheet.maybe("kafka_topic_appended_per_second", &[("topic", topic)], rate);
        }
    }

    fn lags(&mut self, sheet: &mut Sheet, groups: &BTreeMap<String, Group>, ends: &BTreeMap<Place, i64>) {
        let mut lines: Vec<Line> = Vec::new();
        let mut facts = Vec::new();
        for (name, group) in groups {
            sheet.maybe("kafka_group_members", &[("group", name)], group.members.map(|count| count as f64));
            let mut topics: BTreeMap<&str, (i64, i64, i64, i64)> = BTreeMap::new();
            for ((topic, partition), committed) in &group.committed {
                // A partition whose leader did not answer has no lag that is known.
                let Some(end) = ends.get(&(topic.clone(), *partition)) else { continue };
                let lag = end.saturating_sub(*committed).max(0);
                let (sum, most, done, all) = topics.entry(topic).or_default();
                (*sum, *most) = (sum.saturating_add(lag), (*most).max(lag));
                (*done, *all) = (done.saturating_add(*committed), all.saturating_add(*end));
                if lag > 0 {
                    lines.push((lag, name.clone(), topic.clone(), *partition, *committed, *end));
                }
            }
            for (topic, (sum, most, done, all)) in topics {
                let labels = [("group", name.as_str()), ("topic", topic)];
                sheet.number("kafka_consumer_lag", &labels, sum as f64);
                sheet.number("kafka_consumer_lag_of_worst_partition", &labels, most as f64);
                let rate_out = self.rates.of(format!("done {name} {topic}"), done as f64);
                let rate_in = self.rates.of(format!("all {name} {topic}"), all as f64);
                sheet.maybe("kafka_consumer_committed_per_second", &labels, rate_out);
                if sum > 0 {
                    let (queue, length) = (format!("{topic} · {name}"), sum as f64);
                    facts.push(AppWhat::Queue {
                        queue,
                        length,
                        rate_in,
                        rate_out,
                        consumers: group.members,
                        takers: Vec::new(),
                    });
                }
            }
        }
        let length = |what: &AppWhat| if let AppWhat::Queue { length, .. } = what { *length } else { 0.0 };
        facts.sort_by(|a, b| length(b).total_cmp(&length(a)));
        for what in facts {
            sheet.fact(None, what);
        }
        lines.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.cmp(b)));
        let row = |(lag, group, topic, partition, committed, end): Line| {
            vec![group, topic, partition.to_string(), committed.to_string(), end.to_string(), lag.to_string()]
        };
        let columns = ["group", "topic", "partition", "committed", "end", "lag"];
        sheet.table("consumer groups", &columns, lines.into_iter().map(row).collect());
    }
}

/// The brokers of a cluster, for one round.
struct Cluster<'c> {
    clients: &'c Clients,
    addresses: BTreeMap<i32, String>,
    open: BTreeMap<i32, Broker>,
}

impl<'c> Cluster<'c> {
    async fn new(clients: &'c Clients, brokers: &[String]) -> Result<Self, Said> {
        let (_, metadata) = Broker::first(clients, brokers, Some(&[])).await?;
        let address = |broker: kafka::Broker| (broker.id, format!("{}:{}", broker.host, broker.port));
        Ok(Self { clients, addresses: metadata.brokers.into_iter().map(address).collect(), open: BTreeMap::new() })
    }

    async fn broker(&mut self, id: i32) -> Result<&mut Broker, Said> {
        let address = self.addresses.get(&id).ok_or_else(|| Said::fail(format!("no broker {id}")))?;
        match self.open.entry(id) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(free) => {
                Ok(free.insert(Broker::open(self.clients, address).await?))
            }
        }
    }

    /// The groups that are wanted, or all. What a broker does not tell is a problem, and the others are asked all the same.
    async fn groups(&mut self, wanted: &[String], sheet: &mut Sheet) -> BTreeMap<String, Group> {
        let mut groups = BTreeMap::new();
        let ids: Vec<i32> = self.addresses.keys().copied().collect();
        for id in ids {
            if let Err(said) = self.groups_of(id, wanted, sheet, &mut groups).await {
                self.open.remove(&id);
                sheet.problem(said.message);
            }
        }
        if let Some(missing) = wanted.iter().find(|name| !groups.contains_key(*name)) {
            sheet.problem(Msg::new("app-kafka-no-group").with("group", missing));
        }
        groups
    }

    async fn groups_of(
        &mut self,
        id: i32,
        wanted: &[String],
        sheet: &mut Sheet,
        groups: &mut BTreeMap<String, Group>,
    ) -> Result<(), Said> {
        let broker = self.broker(id).await?;
        let (error, mut names) = broker.ask(kafka::list_groups, kafka::read_list_groups).await?;
        if error != 0 {
            return Err(Said::fail(problem(error)));
        }
        names.retain(|name| wanted.is_empty() || wanted.contains(name));
        names.truncate(GROUPS.saturating_sub(groups.len()));
        if names.is_empty() {
            return Ok(());
        }
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let described = broker.ask(|number| kafka::describe_groups(number, &all), kafka::read_describe_groups).await?;
        for name in &names {
            let (error, offsets) =
                broker.ask(|number| kafka::offset_fetch(number, name), kafka::read_offset_fetch).await?;
            if error != 0 {
                sheet.problem(Said::fail(format!("{name}: {}", problem(error))).message);
                continue;
            }
            let known = described.iter().find(|group| group.name == *name && group.error == 0);
            let committed = offsets.into_iter().filter(|offset| offset.error == 0 && offset.offset >= 0);
            let committed = committed.map(|offset| ((offset.topic, offset.partition), offset.offset)).collect();
            let members = known.map(|group| group.members.len() as u64);
            groups.insert(name.clone(), Group { members, committed });
        }
        Ok(())
    }

    /// The ends of partitions.
    async fn ends(&mut self, places: &BTreeSet<&Place>, sheet: &mut Sheet) -> Result<BTreeMap<Place, i64>, Msg> {
        let topics: BTreeSet<&str> = places.iter().map(|(topic, _)| topic.as_str()).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let Some(&first) = self.addresses.keys().next() else { return Ok(BTreeMap::new()) };
        let broker = self.broker(first).await.map_err(|said| said.message)?;
        let asked = broker.ask(|number| kafka::metadata(number, Some(&topics)), kafka::read_metadata).await;
        let metadata = asked.map_err(|said| said.message)?;
        let mut of_leader: BTreeMap<i32, BTreeMap<&str, Vec<i32>>> = BTreeMap::new();
        let mut leaderless = 0_u64;
        for topic in &metadata.topics {
            for partition in &topic.partitions {
                if partition.leader < 0 {
                    leaderless += 1;
                } else if places.contains(&(topic.name.clone(), partition.index)) {
                    let of_topic = of_leader.entry(partition.leader).or_default();
                    of_topic.entry(&topic.name).or_default().push(partition.index);
                }
            }
        }
        sheet.number("kafka_partitions_without_leader", &[], leaderless as f64);
        let mut ends = BTreeMap::new();
        for (leader, topics) in of_leader {
            let topics: Vec<(&str, Vec<i32>)> = topics.into_iter().collect();
            let asked = async {
                let broker = self.broker(leader).await?;
                broker.ask(|number| kafka::list_offsets(number, &topics), kafka::read_list_offsets).await
            };
            match asked.await {
                Ok(offsets) => {
                    let known = offsets.into_iter().filter(|offset| offset.error == 0 && offset.offset >= 0);
                    ends.extend(known.map(|offset| ((offset.topic, offset.partition), offset.offset)));
                }
                Err(said) => sheet.problem(said.message),
            }
        }
        Ok(ends)
    }
}
