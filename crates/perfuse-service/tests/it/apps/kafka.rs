//! Kafka. No broker is to be had from Debian: two of a cluster are played here, with the messages of another
//! implementation of the protocol (the crate kafka-protocol), which reads the requests and writes the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::{
    ApiKey, DescribeGroupsRequest, DescribeGroupsResponse, ListGroupsRequest, ListGroupsResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, OffsetFetchRequest, OffsetFetchResponse, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes, decode_request_header_from_buffer};
use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{check, collectors, facts, once, value};

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A cluster of two: the topic `orders` has a partition at each, the group `billing` is coordinated by the second.
#[derive(Clone)]
struct Cluster {
    ports: [u16; 2],
    /// End of the first partition of `orders`.
    end: Arc<AtomicI64>,
}

async fn cluster() -> Cluster {
    let listeners = [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let ports = [0, 1].map(|place: usize| listeners[place].local_addr().unwrap().port());
    let cluster = Cluster { ports, end: Arc::new(AtomicI64::new(150)) };
    for (listener, id) in listeners.into_iter().zip(1..) {
        let cluster = cluster.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(cluster.clone().serve(id, stream));
            }
        });
    }
    cluster
}

impl Cluster {
    async fn serve(self, id: i32, mut stream: TcpStream) {
        while let Ok(length) = stream.read_u32().await {
            let mut request = vec![0; length as usize];
            stream.read_exact(&mut request).await.expect("the whole request");
            let answer = self.answer(id, &request);
            stream.write_u32(u32::try_from(answer.len()).unwrap()).await.expect("writes");
            stream.write_all(&answer).await.expect("writes");
        }
    }

    fn answer(&self, id: i32, request: &[u8]) -> Vec<u8> {
        let mut rest = request;
        let header = decode_request_header_from_buffer(&mut rest).expect("a request of the protocol");
        let version = header.request_api_version;
        let mut out = Vec::new();
        ResponseHeader::default().with_correlation_id(header.correlation_id).encode(&mut out, 0).expect("encodes");
        match ApiKey::try_from(header.request_api_key).expect("a known key") {
            ApiKey::Metadata => {
                let asked = MetadataRequest::decode(&mut rest, version).expect("decodes");
                assert!(!asked.allow_auto_topic_creation, "looking makes no topics");
                self.metadata(&asked).encode(&mut out, version).expect("encodes");
            }
            ApiKey::ListGroups => {
                ListGroupsRequest::decode(&mut rest, version).expect("decodes");
                let group = |name: &str, kind: &str| {
                    ListedGroup::default().with_group_id(text(name).into()).with_protocol_type(text(kind))
                };
                let groups =
                    if id == 2 { vec![group("billing", "consumer"), group("mirror", "connect")] } else { Vec::new() };
                ListGroupsResponse::default().with_groups(groups).encode(&mut out, version).expect("encodes");
            }
            ApiKey::DescribeGroups => {
                let asked = DescribeGroupsRequest::decode(&mut rest, version).expect("decodes");
                let member = DescribedGroupMember::default().with_client_id(text("worker"));
                let describe = |name: &kafka_protocol::messages::GroupId| {
                    DescribedGroup::default()
                        .with_group_id(name.clone())
                        .with_group_state(text("Stable"))
                        .with_members(vec![member.clone(), member.clone()])
                };
                let groups = asked.groups.iter().map(describe).collect();
                DescribeGroupsResponse::default().with_groups(groups).encode(&mut out, version).expect("encodes");
            }
            ApiKey::OffsetFetch => {
                let asked = OffsetFetchRequest::decode(&mut rest, version).expect("decodes");
                assert_eq!((asked.group_id.0.as_str(), asked.topics), ("billing", None));
                let partition = |index, offset| {
                    OffsetFetchResponsePartition::default().with_partition_index(index).with_committed_offset(offset)
                };
                let topic = OffsetFetchResponseTopic::default().with_name(text("orders").into()).with_partitions(vec![
                    partition(0, 100),
                    partition(1, 50),
                    partition(2, -1),
                ]);
                OffsetFetchResponse::default().with_topics(vec![topic]).encode(&mut out, version).expect("encodes");
            }
            ApiKey::ListOffsets => {
                let asked = ListOffsetsRequest::decode(&mut rest, version).expect("decodes");
                self.ends(id, &asked).encode(&mut out, version).expect("encodes");
            }
            other => panic!("{other:?}"),
        }
        assert!(rest.is_empty(), "the request ends where it should");
        out
    }

    fn metadata(&self, asked: &MetadataRequest) -> MetadataResponse {
        let broker = |(id, port): (i32, u16)| {
            MetadataResponseBroker::default()
                .with_node_id(id.into())
                .with_host(text("127.0.0.1"))
                .with_port(i32::from(port))
        };
        let partition = |index: i32, leader: i32| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_leader_id(leader.into())
                .with_replica_nodes(vec![1.into(), 2.into()])
                .with_isr_nodes(vec![1.into(), 2.into()])
        };
        let names = asked.topics.iter().flatten().filter_map(|topic| topic.name.clone());
        let topics = names.map(|name| {
            let (error, partitions) = match name.0.as_str() {
                "orders" => (0, vec![partition(0, 1), partition(1, 2)]),
                "broken" => (0, vec![partition(0, 1), partition(1, -1)]),
                "behind" => (0, vec![partition(0, 1).with_isr_nodes(vec![1.into()])]),
                _ => (3, Vec::new()),
            };
            MetadataResponseTopic::default().with_name(Some(name)).with_error_code(error).with_partitions(partitions)
        });
        MetadataResponse::default()
            .with_brokers([1, 2].into_iter().zip(self.ports).map(broker).collect())
            .with_topics(topics.collect())
    }

    fn ends(&self, id: i32, asked: &ListOffsetsRequest) -> ListOffsetsResponse {
        let topics = asked.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                assert_eq!(partition.partition_index, id - 1, "leaders alone are asked");
                let end = if id == 1 { self.end.load(Ordering::Relaxed) } else { 50 };
                ListOffsetsPartitionResponse::default().with_partition_index(partition.partition_index).with_offset(end)
            });
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }
}

#[tokio::test]
async fn consumers_that_are_behind() {
    let cluster = cluster().await;
    // The first address is of nobody.
    let closed = super::free_port();
    let lines = |more: &str| {
        let brokers = format!("brokers = [\"127.0.0.1:{closed}\", \"127.0.0.1:{}\"]", cluster.ports[0]);
        format!("[[collector]]\nkind = \"kafka\"\nname = \"bus\"\n{brokers}\n{more}")
    };
    let mut looks = collectors(&lines(""));
    let first = once(&mut looks).await;
    assert_eq!(first.problem, None);
    let labels = [("group", "billing"), ("topic", "orders")];
    assert_eq!(value(&first, "kafka_consumer_lag", &labels), Some(50.0));
    assert_eq!(value(&first, "kafka_brokers", &[]), Some(2.0));
    assert_eq!(value(&first, "kafka_group_members", &labels[..1]), Some(2.0));
    assert_eq!(first.tables[0].rows, [["billing", "orders", "0", "100", "150", "50"].map(str::to_owned)]);

    cluster.end.store(250, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let found = once(&mut looks).await;
    let [AppWhat::Queue { queue, length, rate_in, rate_out, consumers, .. }] = facts(&found)[..] else {
        panic!("{found:?}")
    };
    assert_eq!((queue.as_str(), *length, *consumers), ("orders · billing", 150.0, Some(2)));
    assert!(rate_in.is_some_and(|rate| rate > 0.0) && *rate_out == Some(0.0), "{found:?}");

    let other = once(&mut collectors(&lines("groups = [\"billing\", \"nobody\"]\n"))).await;
    assert_eq!(other.problem.as_ref().map(|problem| problem.id.as_str()), Some("app-kafka-no-group"), "{other:?}");
    assert_eq!(value(&other, "kafka_consumer_lag", &labels), Some(150.0));
}

#[tokio::test]
async fn brokers_and_leaders_are_counted() {
    let cluster = cluster().await;
    let lines = |more: &str| {
        format!("kind = \"kafka\"\ntimeout = \"5s\"\nbrokers = [\"127.0.0.1:{}\"]\n{more}", cluster.ports[1])
    };
    for (more, outcome, id) in [
        ("", Outcome::Pass, "check-passed"),
        ("min_brokers = 2\ntopic = \"orders\"", Outcome::Pass, "check-passed"),
        ("min_brokers = 3", Outcome::Fail, "check-kafka-brokers"),
        ("topic = \"broken\"", Outcome::Fail, "check-kafka-leaderless"),
        ("topic = \"behind\"", Outcome::Slow, "check-kafka-behind"),
        ("topic = \"none\"", Outcome::Fail, "check-failed"),
    ] {
        let found = check(&lines(more)).await;
        assert_eq!((found.outcome, found.message.id.as_str()), (outcome, id), "{more}: {found:?}");
    }
}
