//! The few messages of the Kafka protocol that tell how a cluster is and how far consumers are behind (Kafka's protocol
//! guide, "The Messages"). One version of each is spoken, the one that brokers from 0.11 to 4 understand, and an older one of
//! the first that is asked, for brokers that do less. Which messages a broker takes it says itself ([`api_versions`]).
//!
//! Answers are read with every count and length checked against what is there: a broker, or whatever listens at its port,
//! decides how much it sends, and not how much is set aside for it.

/// Keys of the requests.
pub mod key {
    /// Ends of partitions.
    pub const LIST_OFFSETS: i16 = 2;
    /// Brokers, topics and leaders.
    pub const METADATA: i16 = 3;
    /// What a group has committed.
    pub const OFFSET_FETCH: i16 = 9;
    /// Who looks after a group.
    pub const FIND_COORDINATOR: i16 = 10;
    /// State and members of groups.
    pub const DESCRIBE_GROUPS: i16 = 15;
    /// The groups that a broker looks after.
    pub const LIST_GROUPS: i16 = 16;
    /// By which mechanism somebody will say who it is.
    pub const SASL_HANDSHAKE: i16 = 17;
    /// The messages that a broker takes.
    pub const API_VERSIONS: i16 = 18;
    /// What a mechanism sends.
    pub const SASL_AUTHENTICATE: i16 = 36;

    /// The name of a message in the guide.
    pub fn name(key: i16) -> &'static str {
        match key {
            LIST_OFFSETS => "ListOffsets",
            METADATA => "Metadata",
            OFFSET_FETCH => "OffsetFetch",
            FIND_COORDINATOR => "FindCoordinator",
            DESCRIBE_GROUPS => "DescribeGroups",
            LIST_GROUPS => "ListGroups",
            SASL_HANDSHAKE => "SaslHandshake",
            API_VERSIONS => "ApiVersions",
            SASL_AUTHENTICATE => "SaslAuthenticate",
            _ => "?",
        }
    }
}

/// The version of [`metadata`] that does not make a topic by asking for it.
pub const METADATA_WITHOUT_MAKING: i16 = 4;

/// `timestamp` of a request for the offset that the next message will get.
const LATEST: i64 = -1;

/// An answer that is not what the protocol says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of the answer: expected {expected}")]
pub struct KafkaError {
    /// Where, after the length.
    pub at: usize,
    /// What the protocol asks for here.
    pub expected: &'static str,
}

/// A request, with its length before it.
pub struct Request(Vec<u8>);

impl Request {
    fn new(key: i16, version: i16, correlation: i32) -> Self {
        let mut request = Self(vec![0; 4]);
        request.short(key);
        request.short(version);
        request.word(correlation);
        request.text("perfuse");
        request
    }

    fn short(&mut self, number: i16) {
        self.0.extend(number.to_be_bytes());
    }

    fn word(&mut self, number: i32) {
        self.0.extend(number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.word(i32::try_from(count).unwrap_or(i32::MAX));
    }

    /// Texts are no longer than a length can say; longer ones are cut, and then name nothing that is there.
    fn text(&mut self, text: &str) {
        let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
        self.short(length);
        self.0.extend(text.bytes().take(usize::from(length.unsigned_abs())));
    }

    fn texts(&mut self, texts: &[&str]) {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    /// Partitions of topics, with the same bytes behind each.
    fn partitions(&mut self, topics: &Partitions<'_>, behind: &[u8]) {
        self.count(topics.len());
        for (topic, partitions) in topics {
            self.text(topic);
            self.count(partitions.len());
            for partition in partitions {
                self.word(*partition);
                self.0.extend(behind);
            }
        }
    }

    fn done(mut self) -> Vec<u8> {
        let length = u32::try_from(self.0.len() - 4).unwrap_or(u32::MAX);
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

/// Asks for the messages that the broker takes, and their versions.
pub fn api_versions(correlation: i32) -> Vec<u8> {
    Request::new(key::API_VERSIONS, 0, correlation).done()
}

/// Asks for the brokers and the partitions of all topics, or of some; `Some(&[])` for the brokers alone. Topics that are
/// not there are not made.
pub fn metadata(correlation: i32, topics: Option<&[&str]>) -> Vec<u8> {
    let mut request = Request::new(key::METADATA, METADATA_WITHOUT_MAKING, correlation);
    match topics {
        Some(topics) => request.texts(topics),
        None => request.word(-1),
    }
    request.0.push(0);
    request.done()
}

/// As [`metadata`], of brokers that only know version 2: all topics or none, since asking for one would make it.
pub fn metadata_2(correlation: i32, topics: bool) -> Vec<u8> {
    let mut request = Request::new(key::METADATA, 2, correlation);
    request.word(if topics { -1 } else { 0 });
    request.done()
}

/// Asks any broker who looks after a group.
pub fn find_coordinator(correlation: i32, group: &str) -> Vec<u8> {
    let mut request = Request::new(key::FIND_COORDINATOR, 0, correlation);
    request.text(group);
    request.done()
}

/// Says by which mechanism the next messages will tell who asks.
pub fn sasl_handshake(correlation: i32, mechanism: &str) -> Vec<u8> {
    let mut request = Request::new(key::SASL_HANDSHAKE, 1, correlation);
    request.text(mechanism);
    request.done()
}

/// A message of the mechanism.
pub fn sasl_authenticate(correlation: i32, message: &[u8]) -> Vec<u8> {
    let mut request = Request::new(key::SASL_AUTHENTICATE, 0, correlation);
    request.count(message.len());
    request.0.extend(message);
    request.done()
}

/// Asks a broker for the groups that it coordinates.
pub fn list_groups(correlation: i32) -> Vec<u8> {
    Request::new(key::LIST_GROUPS, 0, correlation).done()
}

/// Asks the coordinator for the state and the members of groups.
pub fn describe_groups(correlation: i32, groups: &[&str]) -> Vec<u8> {
    let mut request = Request::new(key::DESCRIBE_GROUPS, 0, correlation);
    request.texts(groups);
    request.done()
}

/// Partitions of topics.
pub type Partitions<'t> = [(&'t str, Vec<i32>)];

/// Asks the coordinator for the offsets that a group has committed: all of them, or those of some partitions.
pub fn offset_fetch(correlation: i32, group: &str, topics: Option<&Partitions<'_>>) -> Vec<u8> {
    let mut request = Request::new(key::OFFSET_FETCH, 2, correlation);
    request.text(group);
    match topics {
        None => request.word(-1),
        Some(topics) => request.partitions(topics, &[]),
    }
    request.done()
}

/// Asks the leader of partitions for their ends.
pub fn list_offsets(correlation: i32, topics: &Partitions<'_>) -> Vec<u8> {
    let mut request = Request::new(key::LIST_OFFSETS, 1, correlation);
    request.word(-1);
    request.partitions(topics, &LATEST.to_be_bytes());
    request.done()
}

/// A broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its number.
    pub id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Its port there.
    pub port: i32,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// 0, or why there is nothing of it.
    pub error: i16,
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// 0, or what is wrong with it.
    pub error: i16,
    /// Its number in the topic.
    pub index: i32,
    /// The broker that leads it; -1 if none does.
    pub leader: i32,
    /// How many brokers should have it.
    pub replicas: usize,
    /// How many of them are in step.
    pub in_sync: usize,
}

/// Brokers and topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The brokers that are there.
    pub brokers: Vec<Broker>,
    /// The broker that decides on leaders; -1 if none does.
    pub controller: i32,
    /// The topics that were asked for.
    pub topics: Vec<Topic>,
}

/// A message that a broker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// Which, see [`key`].
    pub key: i16,
    /// The oldest version.
    pub least: i16,
    /// The newest version.
    pub most: i16,
}

/// A consumer group as its coordinator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// 0, or why there is nothing of it.
    pub error: i16,
    /// Its name.
    pub name: String,
    /// `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance` or `Dead`.
    pub state: String,
    /// Its members: client id and host of each.
    pub members: Vec<(String, String)>,
}

/// An offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// 0, or why there is none.
    pub error: i16,
    /// The offset; -1 if there is none.
    pub offset: i64,
}

struct Answer<'b> {
    bytes: &'b [u8],
    at: usize,
}

type Read<T> = Result<T, KafkaError>;

impl<'b> Answer<'b> {
    /// After the header, whose correlation must be that of the request.
    fn new(bytes: &'b [u8], correlation: i32) -> Read<Self> {
        let mut answer = Self { bytes, at: 0 };
        if answer.word()? == correlation { Ok(answer) } else { Err(answer.error("the number of the request")) }
    }

    fn error(&self, expected: &'static str) -> KafkaError {
        KafkaError { at: self.at, expected }
    }

    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let bytes = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        let bytes = *bytes.ok_or_else(|| self.error("a number"))?;
        self.at += N;
        Ok(bytes)
    }

    fn byte(&mut self) -> Read<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Read<i16> {
        self.take().map(i16::from_be_bytes)
    }

    fn word(&mut self) -> Read<i32> {
        self.take().map(i32::from_be_bytes)
    }

    fn long(&mut self) -> Read<i64> {
        self.take().map(i64::from_be_bytes)
    }

    fn skip(&mut self, length: usize) -> Read<&'b [u8]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..length));
        let bytes = bytes.ok_or_else(|| self.error("as many bytes as the length says"))?;
        self.at += length;
        Ok(bytes)
    }

    /// A text, or `None` for null.
    fn maybe_text(&mut self) -> Read<Option<String>> {
        match usize::try_from(self.short()?) {
            Ok(length) => Ok(Some(String::from_utf8_lossy(self.skip(length)?).into_owned())),
            Err(_) => Ok(None),
        }
    }

    fn text(&mut self) -> Read<String> {
        self.maybe_text().map(Option::unwrap_or_default)
    }

    /// Bytes that nobody looks at.
    fn blob(&mut self) -> Read<()> {
        let length = self.word()?;
        self.skip(usize::try_from(length).unwrap_or(0)).map(|_| ())
    }

    /// Elements, as many as are announced; null is none.
    fn all<T>(&mut self, one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.maybe_all(one).map(Option::unwrap_or_default)
    }

    /// As [`Answer::all`], with null as `None`.
    fn maybe_all<T>(&mut self, mut one: impl FnMut(&mut Self) -> Read<T>) -> Read<Option<Vec<T>>> {
        let Ok(count) = usize::try_from(self.word()?) else { return Ok(None) };
        if count > self.bytes.len() - self.at {
            return Err(self.error("no more elements than bytes"));
        }
        (0..count).map(|_| one(self)).collect::<Read<Vec<T>>>().map(Some)
    }

    fn end(&self) -> Read<()> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.error("the end")) }
    }
}

/// Reads the answer to [`api_versions`], without its length: an error or 0, and the messages.
pub fn read_api_versions(bytes: &[u8], correlation: i32) -> Read<(i16, Vec<Api>)> {
    let mut answer = Answer::new(bytes, correlation)?;
    let error = answer.short()?;
    let all = answer.all(|answer| Ok(Api { key: answer.short()?, least: answer.short()?, most: answer.short()? }))?;
    answer.end()?;
    Ok((error, all))
}

/// Reads the answer to [`find_coordinator`]: an error or 0, and the broker.
pub fn read_find_coordinator(bytes: &[u8], correlation: i32) -> Read<(i16, Broker)> {
    let mut answer = Answer::new(bytes, correlation)?;
    let error = answer.short()?;
    let broker = Broker { id: answer.word()?, host: answer.text()?, port: answer.word()? };
    answer.end()?;
    Ok((error, broker))
}

/// Reads the answer to [`sasl_handshake`]: an error or 0, and the mechanisms that the broker takes.
pub fn read_sasl_handshake(bytes: &[u8], correlation: i32) -> Read<(i16, Vec<String>)> {
    let mut answer = Answer::new(bytes, correlation)?;
    let error = answer.short()?;
    let mechanisms = answer.all(Answer::text)?;
    answer.end()?;
    Ok((error, mechanisms))
}

/// What a mechanism answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaslAnswer {
    /// 0, or why it is not believed.
    pub error: i16,
    /// The same in words, if there are any.
    pub message: Option<String>,
    /// The answer.
    pub bytes: Vec<u8>,
}

/// Reads the answer to [`sasl_authenticate`].
pub fn read_sasl_authenticate(bytes: &[u8], correlation: i32) -> Read<SaslAnswer> {
    let mut answer = Answer::new(bytes, correlation)?;
    let (error, message) = (answer.short()?, answer.maybe_text()?);
    let length = answer.word()?;
    let bytes = answer.skip(usize::try_from(length).unwrap_or(0))?.to_vec();
    answer.end()?;
    Ok(SaslAnswer { error, message, bytes })
}

/// Reads the answer to [`metadata`], without its length.
pub fn read_metadata(bytes: &[u8], correlation: i32) -> Read<Metadata> {
    let mut answer = Answer::new(bytes, correlation)?;
    let _throttled = answer.word()?;
    metadata_of(answer)
}

/// Reads the answer to [`metadata_2`], without its length.
pub fn read_metadata_2(bytes: &[u8], correlation: i32) -> Read<Metadata> {
    metadata_of(Answer::new(bytes, correlation)?)
}

fn metadata_of(mut answer: Answer<'_>) -> Read<Metadata> {
    let brokers = answer.all(|answer| {
        let broker = Broker { id: answer.word()?, host: answer.text()?, port: answer.word()? };
        let _rack = answer.maybe_text()?;
        Ok(broker)
    })?;
    let _cluster = answer.maybe_text()?;
    let controller = answer.word()?;
    let topics = answer.all(|answer| {
        let (error, name, _internal) = (answer.short()?, answer.text()?, answer.byte()?);
        Ok(Topic { error, name, partitions: answer.all(partition)? })
    })?;
    answer.end()?;
    Ok(Metadata { brokers, controller, topics })
}

fn partition(answer: &mut Answer<'_>) -> Read<Partition> {
    let (error, index, leader) = (answer.short()?, answer.word()?, answer.word()?);
    let replicas = answer.all(Answer::word)?.len();
    let in_sync = answer.all(Answer::word)?.len();
    Ok(Partition { error, index, leader, replicas, in_sync })
}

/// Reads the answer to [`list_groups`]: an error or 0, and the names of the groups of consumers.
pub fn read_list_groups(bytes: &[u8], correlation: i32) -> Read<(i16, Vec<String>)> {
    let mut answer = Answer::new(bytes, correlation)?;
    let error = answer.short()?;
    let groups = answer.all(|answer| Ok((answer.text()?, answer.text()?)))?;
    answer.end()?;
    // Others than consumers, such as Kafka Connect, have no offsets. A group without members may have no type.
    let consumers = groups.into_iter().filter(|(_, kind)| kind == "consumer" || kind.is_empty());
    Ok((error, consumers.map(|(name, _)| name).collect()))
}

/// Reads the answer to [`describe_groups`].
pub fn read_describe_groups(bytes: &[u8], correlation: i32) -> Read<Vec<Group>> {
    let mut answer = Answer::new(bytes, correlation)?;
    let groups = answer.all(|answer| {
        let (error, name, state) = (answer.short()?, answer.text()?, answer.text()?);
        let (_kind, _protocol) = (answer.text()?, answer.text()?);
        let members = answer.all(|answer| {
            let (_id, client, host) = (answer.text()?, answer.text()?, answer.text()?);
            answer.blob()?;
            answer.blob()?;
            Ok((client, host))
        })?;
        Ok(Group { error, name, state, members })
    })?;
    answer.end()?;
    Ok(groups)
}

/// Reads the answer to [`offset_fetch`]: an error or 0, and the offsets. `None` is the answer of those that give offsets only
/// of partitions that they are asked for.
pub fn read_offset_fetch(bytes: &[u8], correlation: i32) -> Read<(i16, Option<Vec<Offset>>)> {
    let mut answer = Answer::new(bytes, correlation)?;
    let topics = answer.maybe_all(|answer| {
        let topic = answer.text()?;
        answer.all(|answer| {
            let (partition, offset) = (answer.word()?, answer.long()?);
            let _metadata = answer.maybe_text()?;
            Ok(Offset { topic: topic.clone(), partition, error: answer.short()?, offset })
        })
    })?;
    let error = answer.short()?;
    answer.end()?;
    Ok((error, topics.map(|topics| topics.into_iter().flatten().collect())))
}

/// Reads the answer to [`list_offsets`].
pub fn read_list_offsets(bytes: &[u8], correlation: i32) -> Read<Vec<Offset>> {
    let mut answer = Answer::new(bytes, correlation)?;
    let topics = answer.all(|answer| {
        let topic = answer.text()?;
        answer.all(|answer| {
            let (partition, error, _time) = (answer.word()?, answer.short()?, answer.long()?);
            Ok(Offset { topic: topic.clone(), partition, error, offset: answer.long()? })
        })
    })?;
    answer.end()?;
    Ok(topics.into_iter().flatten().collect())
}

/// All readers over the same bytes, with the number that stands there: for the table of parsers.
pub(crate) fn all(bytes: &[u8]) -> bool {
    let number = bytes.first_chunk::<4>().map_or(0, |first| i32::from_be_bytes(*first));
    read_metadata(bytes, number).is_ok()
        || read_metadata_2(bytes, number).is_ok()
        || read_api_versions(bytes, number).is_ok()
        || read_find_coordinator(bytes, number).is_ok()
        || read_sasl_handshake(bytes, number).is_ok()
        || read_sasl_authenticate(bytes, number).is_ok()
        || read_list_groups(bytes, number).is_ok()
        || read_describe_groups(bytes, number).is_ok()
        || read_offset_fetch(bytes, number).is_ok()
        || read_list_offsets(bytes, number).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_their_length_and_their_number() {
        let request = list_groups(7);
        assert_eq!(request, b"\0\0\0\x11\0\x10\0\0\0\0\0\x07\0\x07perfuse");
        let request = metadata(1, Some(&["t"]));
        assert!(request.ends_with(b"\0\0\0\x01\0\x01t\0"), "{request:?}");
    }

    #[test]
    fn counts_that_nothing_backs_take_no_memory() {
        let answer = b"\0\0\0\x01\0\0\0\0\x7f\xff\xff\xff";
        assert_eq!(read_metadata(answer, 1), Err(KafkaError { at: 12, expected: "no more elements than bytes" }));
        assert_eq!(read_metadata(answer, 2).unwrap_err().expected, "the number of the request");
        assert!(read_list_offsets(b"\0\0\0\x01\0\0\0\x01\x7f\xff", 1).is_err());
        assert_eq!(read_list_groups(b"\0\0\0\x01\0\0\0\0\0\0", 1), Ok((0, Vec::new())));
        assert_eq!(read_list_groups(b"\0\0\0\x01\0\0\0\0\0\0x", 1).unwrap_err().at, 10);
    }

    #[test]
    fn offsets_of_a_group() {
        let mut answer = b"\0\0\0\x09\0\0\0\x01\0\x06orders\0\0\0\x02".to_vec();
        for (partition, offset) in [(0_i32, 5_i64), (1, -1)] {
            answer.extend(partition.to_be_bytes());
            answer.extend(offset.to_be_bytes());
            answer.extend(b"\xff\xff\0\0");
        }
        answer.extend(b"\0\0");
        let (error, offsets) = read_offset_fetch(&answer, 9).unwrap();
        let offsets = offsets.unwrap();
        assert_eq!((error, offsets.len()), (0, 2));
        assert_eq!(offsets[0], Offset { topic: "orders".into(), partition: 0, error: 0, offset: 5 });
    }
    #[test]
    fn answers_of_a_real_peer() {
        // The mock cluster of librdkafka 2.0.2, to the requests above with the number 7.
        let answer = b"\0\0\0\x07\0\0\0\0\0\x01\0\x09127.0.0.1\0\0\xa7\xf3";
        let broker = Broker { id: 1, host: "127.0.0.1".into(), port: 42995 };
        assert_eq!(read_find_coordinator(answer, 7), Ok((0, broker.clone())));
        assert_eq!(read_offset_fetch(b"\0\0\0\x07\xff\xff\xff\xff\0\0", 7), Ok((0, None)));
        let answer =
            b"\0\0\0\x07\0\0\0\x02\0\0\0\x01\0\x09127.0.0.1\0\0\xa7\xf3\xff\xff\0\0\0\x02\0\x09127.0.0.1\0\0\x82A\
            \xff\xff\0\x17mockCluster157933d086d8\0\0\0\0\0\0\0\0";
        let metadata = read_metadata_2(answer, 7).unwrap();
        assert_eq!((metadata.brokers.len(), &metadata.brokers[0], metadata.topics.len()), (2, &broker, 0));
    }

    #[test]
    fn what_mechanisms_say() {
        let request = sasl_authenticate(1, b"n,,");
        assert!(request.ends_with(b"perfuse\0\0\0\x03n,,"), "{request:?}");
        let refused = read_sasl_authenticate(b"\0\0\0\x01\0\x3a\0\x02no\0\0\0\0", 1).unwrap();
        assert_eq!(refused, SaslAnswer { error: 58, message: Some("no".into()), bytes: Vec::new() });
        let handshake = read_sasl_handshake(b"\0\0\0\x01\0\x21\0\0\0\x01\0\x05PLAIN", 1);
        assert_eq!(handshake, Ok((33, vec!["PLAIN".to_owned()])));
    }
}
