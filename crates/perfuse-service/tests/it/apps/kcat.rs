//! The cluster that librdkafka plays inside kcat, with kcat as producer and consumer: it speaks the protocol as brokers do,
//! but takes fewer messages of it.

use std::process::{Command, Stdio};

use perfuse_analyze::status::Outcome;
use perfuse_testkit::{gate, need};

use super::{Server, check, collectors, directory, once, value};

/// Runs kcat to its end; what it wrote.
fn kcat(words: &[&str]) -> String {
    let mut command = Command::new(gate::find_command("kcat").expect("the gate was open"));
    let output = command.args(words).stdin(Stdio::null()).output().expect("runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stopped_after_three_of_twenty_messages() {
    need!(gate::command("kcat"));
    // The address is replaced by those of the brokers, which are told in the log.
    let words = ["-C", "-t", "orders", "-b", "none:1", "-X", "test.mock.num.brokers=2", "-d", "mock"];
    let mut server = Server::start(directory(), "kcat", &words, &[]);
    let log = server.directory.path().join("log");
    let address = server
        .until("brokers", async || {
            let log = std::fs::read_to_string(&log).ok()?;
            let rest = log.split_once("bootstrap.servers=")?.1;
            let all = rest.split_once('\n')?.0;
            all.split(',').next().map(str::to_owned)
        })
        .await;
    let text = server.directory.path().join("messages");
    std::fs::write(&text, (1..=20).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n")
        .expect("writes");
    kcat(&["-P", "-b", &address, "-t", "orders", "-p", "0", "-l", text.to_str().expect("UTF-8")]);
    let consume = ["-q", "-b", &address, "-G", "billing", "-X", "auto.offset.reset=earliest", "-c", "3", "orders"];
    assert_eq!(kcat(&consume), "1\n2\n3\n");

    let lines = |more: &str| {
        format!("[[collector]]\nkind = \"kafka\"\nname = \"bus\"\nbrokers = [\"{address}\"]\ntimeout = \"10s\"\n{more}")
    };
    let found = once(&mut collectors(&lines("groups = [\"billing\"]\n"))).await;
    let labels = [("group", "billing"), ("topic", "orders")];
    assert_eq!(value(&found, "kafka_consumer_lag", &labels), Some(17.0), "{found:?}");
    assert_eq!(value(&found, "kafka_brokers", &[]), Some(2.0));
    assert_eq!(value(&found, "app_up", &[]), Some(1.0));
    assert_eq!(found.tables[0].rows, [["billing", "orders", "0", "3", "20", "17"].map(str::to_owned)]);
    // It does not describe groups, and does not list them.
    let told = |found: &perfuse_service::collect::Gathered| found.problem.as_ref().map(|problem| problem.id.clone());
    assert_eq!(told(&found).as_deref(), Some("app-kafka-no-members"), "{found:?}");
    let unnamed = once(&mut collectors(&lines(""))).await;
    assert_eq!(told(&unnamed).as_deref(), Some("app-kafka-name-groups"), "{unnamed:?}");

    let lines = |more: &str| format!("kind = \"kafka\"\ntimeout = \"10s\"\nbrokers = [\"{address}\"]\n{more}");
    for (more, outcome) in [
        ("min_brokers = 2\ntopic = \"orders\"", Outcome::Pass),
        ("min_brokers = 3", Outcome::Fail),
        // Asked for, it would be made, and be there the next time.
        ("topic = \"none\"", Outcome::Fail),
        ("topic = \"none\"", Outcome::Fail),
        ("username = \"u\"\npassword = \"p\"", Outcome::Fail),
    ] {
        let found = check(&lines(more)).await;
        assert_eq!(found.outcome, outcome, "{more}: {found:?}");
    }
}
