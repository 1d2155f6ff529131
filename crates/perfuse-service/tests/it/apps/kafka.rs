//! Kafka. No broker is to be had from Debian: two of a cluster are played here, with the messages of another
//! implementation of the protocol (the crate kafka-protocol), which reads the requests and writes the answers, also over
//! TLS and to users that show who they are. What librdkafka plays is in `kcat`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{OffsetFetchResponsePartition, OffsetFetchResponseTopic};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    FindCoordinatorRequest, FindCoordinatorResponse, ListGroupsRequest, ListGroupsResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, OffsetFetchRequest, OffsetFetchResponse, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes, decode_request_header_from_buffer};
use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use ring::{digest, hmac, pbkdf2};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::tls::Authority;
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
    /// Whether users have to show who they are.
    users: bool,
}

/// What the cluster knows of one connection.
#[derive(Default)]
struct Login {
    /// The mechanism and the exchange so far.
    mechanism: String,
    messages: Vec<String>,
    known: bool,
}

async fn cluster() -> Cluster {
    start(false, None).await
}

async fn start(users: bool, tls: Option<TlsAcceptor>) -> Cluster {
    let listeners = [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let ports = [0, 1].map(|place: usize| listeners[place].local_addr().unwrap().port());
    let cluster = Cluster { ports, end: Arc::new(AtomicI64::new(150)), users };
    for (listener, id) in listeners.into_iter().zip(1..) {
        let (cluster, tls) = (cluster.clone(), tls.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (cluster, tls) = (cluster.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        // Who does not trust it goes away.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                cluster.serve(id, stream).await;
                            }
                        }
                        None => cluster.serve(id, stream).await,
                    }
                });
            }
        });
    }
    cluster
}

impl Cluster {
    async fn serve(self, id: i32, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut login = Login::default();
        while let Ok(length) = stream.read_u32().await {
            let mut request = vec![0; length as usize];
            stream.read_exact(&mut request).await.expect("the whole request");
            let answer = self.answer(id, &request, &mut login);
            stream.write_u32(u32::try_from(answer.len()).unwrap()).await.expect("writes");
            stream.write_all(&answer).await.expect("writes");
            stream.flush().await.expect("writes");
        }
    }

    fn answer(&self, id: i32, request: &[u8], login: &mut Login) -> Vec<u8> {
        let mut rest = request;
        let header = decode_request_header_from_buffer(&mut rest).expect("a request of the protocol");
        let version = header.request_api_version;
        let mut out = Vec::new();
        ResponseHeader::default().with_correlation_id(header.correlation_id).encode(&mut out, 0).expect("encodes");
        let key = ApiKey::try_from(header.request_api_key).expect("a known key");
        let before = [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate].contains(&key);
        assert!(before || !self.users || login.known, "nobody asks who has not shown who it is: {key:?}");
        match key {
            ApiKey::ApiVersions => {
                ApiVersionsRequest::decode(&mut rest, version).expect("decodes");
                let keys = [2, 3, 9, 10, 15, 16, 17, 18, 36];
                let takes = keys.map(|key| ApiVersion::default().with_api_key(key).with_max_version(4));
                ApiVersionsResponse::default()
                    .with_api_keys(takes.to_vec())
                    .encode(&mut out, version)
                    .expect("encodes");
            }
            ApiKey::SaslHandshake => {
                let asked = SaslHandshakeRequest::decode(&mut rest, version).expect("decodes");
                asked.mechanism.as_str().clone_into(&mut login.mechanism);
                let takes = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"];
                let error = if takes.contains(&login.mechanism.as_str()) && self.users { 0 } else { 33 };
                let answer = SaslHandshakeResponse::default().with_error_code(error);
                answer.with_mechanisms(vec![text("GSSAPI")]).encode(&mut out, version).expect("encodes");
            }
            ApiKey::SaslAuthenticate => {
                let asked = SaslAuthenticateRequest::decode(&mut rest, version).expect("decodes");
                let said = String::from_utf8(asked.auth_bytes.to_vec()).expect("UTF-8");
                let answer = match login.take(&said) {
                    Some(bytes) => SaslAuthenticateResponse::default().with_auth_bytes(bytes.into_bytes().into()),
                    None => {
                        SaslAuthenticateResponse::default().with_error_code(58).with_error_message(Some(text("no")))
                    }
                };
                answer.encode(&mut out, version).expect("encodes");
            }
            ApiKey::FindCoordinator => {
                FindCoordinatorRequest::decode(&mut rest, version).expect("decodes");
                let answer = FindCoordinatorResponse::default().with_node_id(2.into()).with_host(text("127.0.0.1"));
                answer.with_port(i32::from(self.ports[1])).encode(&mut out, version).expect("encodes");
            }
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
                    let known = name.0.as_str() == "billing";
                    let members = if known { vec![member.clone(), member.clone()] } else { Vec::new() };
                    DescribedGroup::default()
                        .with_group_id(name.clone())
                        .with_group_state(text(if known { "Stable" } else { "Dead" }))
                        .with_members(members)
                };
                let groups = asked.groups.iter().map(describe).collect();
                DescribeGroupsResponse::default().with_groups(groups).encode(&mut out, version).expect("encodes");
            }
            ApiKey::OffsetFetch => {
                let asked = OffsetFetchRequest::decode(&mut rest, version).expect("decodes");
                assert_eq!((id, asked.topics), (2, None));
                let partition = |index, offset| {
                    OffsetFetchResponsePartition::default().with_partition_index(index).with_committed_offset(offset)
                };
                let topic = OffsetFetchResponseTopic::default().with_name(text("orders").into()).with_partitions(vec![
                    partition(0, 100),
                    partition(1, 50),
                    partition(2, -1),
                ]);
                let topics = if asked.group_id.0.as_str() == "billing" { vec![topic] } else { Vec::new() };
                OffsetFetchResponse::default().with_topics(topics).encode(&mut out, version).expect("encodes");
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

impl Login {
    /// Takes a message of the mechanism of the user `watcher` with the password `s3cret`; what it is answered.
    fn take(&mut self, said: &str) -> Option<String> {
        if self.mechanism == "PLAIN" {
            self.known = said == "\0watcher\0s3cret";
            return self.known.then(String::new);
        }
        let field =
            |text: &str, name: &str| text.split(',').find_map(|part| part.strip_prefix(name)).map(str::to_owned);
        self.messages.push(said.to_owned());
        if let [first] = &self.messages[..] {
            assert_eq!(field(first, "n=").as_deref(), Some("watcher"));
            let answer = format!("r={}server,s={},i=4096", field(first, "r=")?, STANDARD.encode("salt"));
            self.messages.push(answer.clone());
            return Some(answer);
        }
        let (hashed, keyed, slow) = match self.mechanism.as_str() {
            "SCRAM-SHA-256" => (&digest::SHA256, hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
            _ => (&digest::SHA512, hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
        };
        let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(keyed, key), text.as_bytes());
        let mut salted = vec![0; hashed.output_len()];
        pbkdf2::derive(slow, 4096.try_into().expect("not 0"), b"salt", b"s3cret", &mut salted);
        let [first, answer, last] = &self.messages[..] else { panic!("{:?}", self.messages) };
        let (unproven, proof) = last.rsplit_once(",p=")?;
        let all = format!("{},{answer},{unproven}", first.strip_prefix("n,,")?);
        // The stored key is the digest of what the proof gives away, mixed with the signature.
        let stored = digest::digest(hashed, mac(&salted, "Client Key").as_ref());
        let signature = mac(stored.as_ref(), &all);
        let proof = STANDARD.decode(proof).ok()?;
        let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(one, other)| one ^ other).collect();
        self.known = digest::digest(hashed, &key).as_ref() == stored.as_ref();
        let server = mac(mac(&salted, "Server Key").as_ref(), &all);
        self.known.then(|| format!("v={}", STANDARD.encode(server)))
    }
}

#[tokio::test]
async fn users_show_who_they_are_over_tls() {
    let authority = Authority::new();
    let place = super::directory();
    let ca = authority.file(place.path());
    let cluster = start(true, Some(authority.acceptor(false))).await;
    let lines = |more: &str| {
        format!("kind = \"kafka\"\ntimeout = \"20s\"\nbrokers = [\"127.0.0.1:{}\"]\n{more}", cluster.ports[0])
    };
    let ca = format!("ca_file = \"{ca}\"\n");
    let user = |mechanism: &str, password: &str| {
        format!("{ca}username = \"watcher\"\npassword = \"{password}\"\nmechanism = \"{mechanism}\"\n")
    };
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let found = check(&lines(&user(mechanism, "s3cret"))).await;
        assert_eq!((found.outcome, found.value), (Outcome::Pass, Some(2.0)), "{mechanism}: {found:?}");
        let found = check(&lines(&user(mechanism, "wr0ng"))).await;
        assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
        let told = format!("{found:?}");
        assert!(told.contains("SASL_AUTHENTICATION_FAILED") && !told.contains("wr0ng"), "{told}");
    }
    let untrusted = check(&lines("encryption = \"tls\"\n")).await;
    assert_eq!((untrusted.outcome, untrusted.message.id.as_str()), (Outcome::Fail, "tls-unknown-issuer"));

    let collector = format!(
        "[[collector]]\nkind = \"kafka\"\nname = \"bus\"\ntimeout = \"20s\"\nevery = \"30s\"\nbrokers = [\"127.0.0.1:{}\"]\n{}",
        cluster.ports[0],
        user("scram-sha-512", "s3cret")
    );
    let found = once(&mut collectors(&collector)).await;
    assert_eq!(found.problem, None);
    assert_eq!(value(&found, "kafka_consumer_lag", &[("group", "billing"), ("topic", "orders")]), Some(50.0));

    let nobody = start(false, None).await;
    let lines = format!("kind = \"kafka\"\nbrokers = [\"127.0.0.1:{}\"]\n", nobody.ports[0]);
    let found = check(&format!("{lines}username = \"watcher\"\npassword = \"s3cret\"\n")).await;
    assert_eq!((found.outcome, found.message.id.as_str()), (Outcome::Fail, "kafka-mechanism"), "{found:?}");
    let found = check(&format!("{lines}{ca}")).await;
    assert_eq!(found.outcome, Outcome::Fail, "{found:?}");
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
