//! Kafka: how far groups of consumers are behind.
//!
//! Groups are asked of their coordinators, and ends of partitions of their leaders, as every consumer does. Nothing is
//! written, and no group is joined. Which groups there are is only asked where none are named.

use std::collections::{BTreeMap, BTreeSet};

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use perfuse_format::kafka::{self, Offset, key};

use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::{Clients, Said};
use crate::client::kafka::{Broker, problem};
use crate::config::cluster::Cluster as Brokers;

/// Groups that are looked at.
const GROUPS: usize = 200;
/// Partitions of committed offsets that are looked at.
const PARTITIONS: usize = 20_000;

/// One cluster.
pub(super) struct Source {
    brokers: Brokers,
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
    pub(super) fn new(brokers: &Brokers, groups: &[String]) -> Self {
        Self { brokers: brokers.clone(), groups: groups.to_vec(), rates: Rates::default() }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let mut cluster = Cluster::new(clients, &self.brokers).await.map_err(|said| said.message)?;
        sheet.number("kafka_brokers", &[], cluster.addresses.len() as f64);
        let groups = if self.groups.is_empty() {
            cluster.all_groups(sheet).await
        } else {
            cluster.named_groups(&self.groups, sheet).await
        };
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

    fn lags(&mut self, sheet: &mut Sheet, groups: &Groups, ends: &BTreeMap<Place, i64>) {
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
    how: &'c Brokers,
    addresses: BTreeMap<i32, String>,
    open: BTreeMap<i32, Broker>,
}

/// Groups by their names.
type Groups = BTreeMap<String, Group>;

impl<'c> Cluster<'c> {
    async fn new(clients: &'c Clients, how: &'c Brokers) -> Result<Self, Said> {
        let (_, metadata) = Broker::first(clients, how, &[]).await?;
        let address = |broker: kafka::Broker| (broker.id, format!("{}:{}", broker.host, broker.port));
        let addresses = metadata.brokers.into_iter().map(address).collect();
        Ok(Self { clients, how, addresses, open: BTreeMap::new() })
    }

    async fn broker(&mut self, id: i32) -> Result<&mut Broker, Said> {
        let address = self.addresses.get(&id).ok_or_else(|| Said::fail(format!("no broker {id}")))?;
        match self.open.entry(id) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(free) => {
                Ok(free.insert(Broker::open(self.clients, self.how, address).await?))
            }
        }
    }

    /// Any broker.
    async fn some(&mut self) -> Result<&mut Broker, Said> {
        let first = self.addresses.keys().next().copied().ok_or_else(|| Said::fail("no broker"))?;
        self.broker(first).await
    }

    /// All groups. What a broker does not tell is a problem, and the others are asked all the same.
    async fn all_groups(&mut self, sheet: &mut Sheet) -> Groups {
        let mut groups = Groups::new();
        let ids: Vec<i32> = self.addresses.keys().copied().collect();
        for id in ids {
            if let Err(said) = self.groups_of(id, sheet, &mut groups).await {
                self.open.remove(&id);
                sheet.problem(said.message);
            }
        }
        groups
    }

    async fn groups_of(&mut self, id: i32, sheet: &mut Sheet, groups: &mut Groups) -> Result<(), Said> {
        let broker = self.broker(id).await?;
        if !broker.takes(key::LIST_GROUPS, 0) {
            sheet.problem(Msg::new("app-kafka-name-groups").with("reason", broker.lacks(key::LIST_GROUPS)));
            return Ok(());
        }
        let (error, mut names) = broker.ask(kafka::list_groups, kafka::read_list_groups).await?;
        if error != 0 {
            return Err(Said::fail(problem(error)));
        }
        names.truncate(GROUPS.saturating_sub(groups.len()));
        self.look_at(id, &names, sheet, groups).await
    }

    /// Groups that are named: each is asked of the broker that looks after it.
    async fn named_groups(&mut self, wanted: &[String], sheet: &mut Sheet) -> Groups {
        let (mut groups, mut of_broker) = (Groups::new(), BTreeMap::<i32, Vec<String>>::new());
        for name in wanted.iter().take(GROUPS) {
            match self.coordinator(name).await {
                Ok(id) => of_broker.entry(id).or_default().push(name.clone()),
                Err(said) => sheet.problem(said.message),
            }
        }
        for (id, names) in of_broker {
            if let Err(said) = self.look_at(id, &names, sheet, &mut groups).await {
                self.open.remove(&id);
                sheet.problem(said.message);
            }
        }
        if let Some(missing) = wanted.iter().find(|name| !groups.contains_key(*name)) {
            sheet.problem(Msg::new("app-kafka-no-group").with("group", missing));
        }
        groups
    }

    /// The broker that looks after a group.
    async fn coordinator(&mut self, group: &str) -> Result<i32, Said> {
        let broker = self.some().await?;
        let (error, found) =
            broker.ask(|number| kafka::find_coordinator(number, group), kafka::read_find_coordinator).await?;
        if error != 0 {
            return Err(Said::fail(format!("{group}: {}", problem(error))));
        }
        self.addresses.entry(found.id).or_insert_with(|| format!("{}:{}", found.host, found.port));
        Ok(found.id)
    }

    /// Members and offsets of the groups that a broker looks after.
    async fn look_at(&mut self, id: i32, names: &[String], sheet: &mut Sheet, groups: &mut Groups) -> Result<(), Said> {
        if names.is_empty() {
            return Ok(());
        }
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let broker = self.broker(id).await?;
        let described = if broker.takes(key::DESCRIBE_GROUPS, 0) {
            broker.ask(|number| kafka::describe_groups(number, &all), kafka::read_describe_groups).await?
        } else {
            sheet.problem(Msg::new("app-kafka-no-members").with("reason", broker.lacks(key::DESCRIBE_GROUPS)));
            Vec::new()
        };
        for name in names {
            let (error, offsets) = self.committed(id, name).await?;
            if error != 0 {
                sheet.problem(Said::fail(format!("{name}: {}", problem(error))).message);
                continue;
            }
            let known = described.iter().find(|group| group.name == *name && group.error == 0);
            let committed = offsets.into_iter().filter(|offset| offset.error == 0 && offset.offset >= 0);
            let committed: BTreeMap<Place, i64> =
                committed.map(|offset| ((offset.topic, offset.partition), offset.offset)).collect();
            // A group that nobody has heard of is described as dead.
            if committed.is_empty() && known.is_none_or(|group| group.state == "Dead") {
                continue;
            }
            let members = known.map(|group| group.members.len() as u64);
            groups.insert(name.clone(), Group { members, committed });
        }
        Ok(())
    }

    /// The offsets that a group has committed.
    async fn committed(&mut self, id: i32, group: &str) -> Result<(i16, Vec<Offset>), Said> {
        let broker = self.broker(id).await?;
        let ask = |number| kafka::offset_fetch(number, group, None);
        if let (error, Some(offsets)) = broker.ask(ask, kafka::read_offset_fetch).await? {
            return Ok((error, offsets));
        }
        // One that gives none of which it is not asked is asked for every partition there is.
        let metadata = broker.metadata(None).await?;
        let mut left = PARTITIONS;
        let places = metadata.topics.iter().map(|topic| {
            let partitions: Vec<i32> = topic.partitions.iter().map(|partition| partition.index).take(left).collect();
            left -= partitions.len();
            (topic.name.as_str(), partitions)
        });
        let places: Vec<(&str, Vec<i32>)> = places.collect();
        let ask = |number| kafka::offset_fetch(number, group, Some(&places));
        let (error, offsets) = broker.ask(ask, kafka::read_offset_fetch).await?;
        Ok((error, offsets.unwrap_or_default()))
    }

    /// The ends of partitions.
    async fn ends(&mut self, places: &BTreeSet<&Place>, sheet: &mut Sheet) -> Result<BTreeMap<Place, i64>, Msg> {
        let topics: BTreeSet<&str> = places.iter().map(|(topic, _)| topic.as_str()).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let broker = self.some().await.map_err(|said| said.message)?;
        let metadata = broker.metadata(Some(&topics)).await.map_err(|said| said.message)?;
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
