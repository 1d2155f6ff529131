//! A real `RabbitMQ` and a real NATS.

use std::time::Duration;

use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use perfuse_testkit::{gate, need, skip};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Server, as_user, check, collectors, directory, facts, free_port, once, value};

/// A request to the management interface; the status of its answer.
async fn manage(port: u16, method: &str, path: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    // guest:guest
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\
        Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn queues_of_rabbitmq() {
    need!(gate::command("rabbitmq-server"));
    need!(gate::command("epmd"));
    need!(gate::command("setpriv"));
    let (place, amqp, web, dist) = (directory(), free_port(), free_port(), free_port());
    // Erlang would leave its register of names running behind it.
    let names = free_port().to_string();
    let _register = Server::start(directory(), "epmd", &["-port", &names, "-address", "127.0.0.1"], &[]);
    let at = |name: &str| place.path().join(name).display().to_string();
    std::fs::write(at("plugins"), "[rabbitmq_management].\n").expect("writes");
    std::fs::write(
        at("rabbitmq.conf"),
        format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {web}\n\
            collect_statistics_interval = 500\nlog.file = false\nlog.console = true\n"
        ),
    )
    .expect("writes");
    let values = [
        ("HOME", place.path().display().to_string()),
        ("RABBITMQ_BASE", place.path().display().to_string()),
        ("RABBITMQ_MNESIA_BASE", at("mnesia")),
        ("RABBITMQ_LOG_BASE", at("logs")),
        ("RABBITMQ_PID_FILE", at("pid")),
        ("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins")),
        ("RABBITMQ_NODENAME", format!("perfuse{amqp}@localhost")),
        ("RABBITMQ_DIST_PORT", dist.to_string()),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 1:1 +sbwt none".to_owned()),
        ("ERL_EPMD_PORT", names),
    ];
    let environment: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut words = as_user("rabbitmq", place.path());
    // The script in the path insists on the system's service; the one behind it does not.
    words.push("/usr/lib/rabbitmq/bin/rabbitmq-server".to_owned());
    let first = words.remove(0);
    let rest: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut server = Server::start(place, &first, &rest, &environment);
    let up = async || manage(web, "GET", "/api/overview", "").await.filter(|code| *code == 200);
    if let Err(problem) = server.comes("the management", up).await {
        skip!("RabbitMQ does not start here: {problem}");
    }

    assert_eq!(manage(web, "PUT", "/api/queues/%2F/mail", "{}").await, Some(201));
    for _ in 0..3 {
        let body = r#"{"properties":{},"routing_key":"mail","payload":"x","payload_encoding":"string"}"#;
        assert_eq!(manage(web, "POST", "/api/exchanges/%2F/amq.default/publish", body).await, Some(200));
    }
    let url = format!("url = \"http://127.0.0.1:{web}/\"\nusername = \"guest\"\npassword = \"guest\"\n");
    let mut looks = collectors(&format!("[[collector]]\nkind = \"rabbitmq\"\nname = \"mq\"\ntimeout = \"5s\"\n{url}"));
    let found = server
        .until("three messages", async || {
            let found = once(&mut looks).await;
            assert_eq!(found.problem, None);
            (value(&found, "rabbitmq_queue_ready", &[("queue", "mail")]) == Some(3.0)).then_some(found)
        })
        .await;
    let queue = facts(&found).into_iter().find(|what| matches!(what, AppWhat::Queue { .. }));
    let Some(AppWhat::Queue { queue, length, consumers, .. }) = queue else { panic!("{found:?}") };
    assert_eq!((queue.as_str(), *length, *consumers), ("mail", 3.0, Some(0)));
    assert!(found.series.iter().any(|(key, used)| key.name() == "rabbitmq_memory_used" && *used > 0.0), "{found:?}");

    for (lines, outcome) in [
        ("", Outcome::Pass),
        ("queue = \"mail\"\nmax_messages = 3", Outcome::Pass),
        ("queue = \"mail\"\nmax_messages = 2", Outcome::Fail),
        ("queue = \"none\"", Outcome::Fail),
    ] {
        let found = check(&format!("kind = \"rabbitmq\"\ntimeout = \"5s\"\n{url}{lines}")).await;
        assert_eq!(found.outcome, outcome, "{lines}: {found:?}");
    }
    let wrong = url.replace("\"guest\"\npassword = \"guest\"", "\"guest\"\npassword = \"wr0ng\"");
    let found = check(&format!("kind = \"rabbitmq\"\ntimeout = \"5s\"\n{wrong}")).await;
    assert_eq!((found.outcome, found.message.id.as_str()), (Outcome::Fail, "check-http-status"), "{found:?}");
}

/// Sends lines of the NATS protocol and leaves the connection open.
async fn nats(port: u16, lines: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let mut greeting = vec![0; 4096];
    let length = stream.read(&mut greeting).await.ok()?;
    if !greeting[..length].starts_with(b"INFO ") {
        return None;
    }
    stream.write_all(format!("CONNECT {{\"verbose\":false,\"name\":\"test\"}}\r\n{lines}").as_bytes()).await.ok()?;
    Some(stream)
}

#[tokio::test]
async fn consumers_of_nats() {
    need!(gate::command("nats-server"));
    let (place, port, web) = (directory(), free_port(), free_port());
    let store = place.path().join("streams").display().to_string();
    let (port_, web_) = (port.to_string(), web.to_string());
    let words = ["-a", "127.0.0.1", "-p", &port_, "-m", &web_, "-js", "-sd", &store];
    let mut server = Server::start(place, "nats-server", &words, &[]);
    server.until("a connection", async || nats(port, "").await).await;

    let request = |subject: &str, body: &str| format!("PUB {subject} inbox {}\r\n{body}\r\n", body.len());
    let stream =
        request("$JS.API.STREAM.CREATE.ORDERS", r#"{"name":"ORDERS","subjects":["orders"],"storage":"memory"}"#);
    let consumer = request(
        "$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.billing",
        r#"{"stream_name":"ORDERS","config":{"durable_name":"billing","ack_policy":"explicit","deliver_policy":"all"}}"#,
    );
    let messages = "PUB orders 1\r\nx\r\n".repeat(7);
    let keep = nats(port, &format!("{stream}{consumer}{messages}PING\r\n")).await.expect("takes lines");

    let url = format!("url = \"http://127.0.0.1:{web}/\"\n");
    let mut looks = collectors(&format!("[[collector]]\nkind = \"nats\"\nname = \"bus\"\ntimeout = \"5s\"\n{url}"));
    let labels = [("stream", "ORDERS"), ("consumer", "billing")];
    server
        .until("seven messages", async || {
            let found = once(&mut looks).await;
            assert_eq!(found.problem, None);
            (value(&found, "nats_consumer_pending", &labels) == Some(7.0)).then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let found = once(&mut looks).await;
    let [AppWhat::Queue { queue, length, rate_out, .. }] = facts(&found)[..] else { panic!("{found:?}") };
    assert_eq!((queue.as_str(), *length, *rate_out), ("ORDERS · billing", 7.0, Some(0.0)));
    assert!(value(&found, "nats_connections", &[]).is_some_and(|count| count >= 1.0));
    assert_eq!(value(&found, "nats_slow_consumers", &[]), Some(0.0));
    assert_eq!(value(&found, "nats_stream_messages", &labels[..1]), Some(7.0));
    drop(keep);
    let found = check(&format!("kind = \"nats\"\naddress = \"127.0.0.1:{port}\"")).await;
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
}
