//! A real Redis.

use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use perfuse_testkit::{gate, need};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Server, check, collectors, directory, facts, free_port, once, value};

/// Sends commands as lines, and gives what comes first.
async fn say(port: u16, lines: &str) -> Option<(TcpStream, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.write_all(lines.as_bytes()).await.ok()?;
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.ok()?;
    answer.truncate(length);
    Some((stream, String::from_utf8_lossy(&answer).into_owned()))
}

#[tokio::test]
async fn slow_commands_blocked_clients_and_limits() {
    need!(gate::command("redis-server"));
    let port = free_port();
    let number = port.to_string();
    let words =
        ["--port", &number, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--requirepass", "s3cret"];
    let more = ["--enable-debug-command", "yes", "--slowlog-log-slower-than", "100000"];
    let mut server = Server::start(directory(), "redis-server", &[&words[..], &more].concat(), &[]);
    let login = "AUTH s3cret\r\n";
    server.until("PONG", async || say(port, "PING\r\n").await).await;

    let lines = format!(
        "[[collector]]\nkind = \"redis\"\nname = \"cache\"\nurl = \"redis://127.0.0.1:{port}/0\"\npassword = \"s3cret\"\n"
    );
    // What was slow before the first look is not news.
    say(port, &format!("{login}DEBUG SLEEP 0.15\r\n")).await.expect("takes commands");
    let mut looks = collectors(&lines);
    let calm = once(&mut looks).await;
    assert_eq!((calm.problem.as_ref(), facts(&calm).len()), (None, 0), "{calm:?}");
    assert!(value(&calm, "redis_memory_used_bytes", &[]).is_some_and(|bytes| bytes > 0.0));

    let (mut sleeper, _) = say(port, &format!("{login}DEBUG SLEEP 0.15\r\n")).await.expect("takes commands");
    let mut rest = [0; 16];
    if sleeper.write_all(b"PING\r\n").await.is_ok() {
        // The answer to the last command comes after those before.
        let _ = sleeper.read(&mut rest).await;
    }
    let (_blocked, _) = say(port, &format!("{login}BLPOP never 0\r\n")).await.expect("takes commands");
    let found = server
        .until("a blocked client", async || {
            let found = once(&mut looks).await;
            assert_eq!(found.problem, None);
            (!facts(&found).is_empty()).then_some(found)
        })
        .await;
    let [AppWhat::SlowCommand { command, seconds, count, client }] = facts(&found)[..] else { panic!("{found:?}") };
    assert_eq!((command.as_str(), *count), ("DEBUG SLEEP ?", 1));
    assert!(*seconds >= 0.15 && client.starts_with("127.0.0.1:"), "{found:?}");
    assert_eq!(found.facts[0].pid, Some(server.pid()));
    server
        .until("the blocked client", async || {
            let found = once(&mut looks).await;
            assert_eq!(facts(&found), Vec::<&AppWhat>::new(), "a command is news once");
            assert!(value(&found, "redis_commands_per_second", &[]).is_some());
            (value(&found, "redis_clients_blocked", &[]) == Some(1.0)).then_some(())
        })
        .await;

    say(port, &format!("{login}CONFIG SET maxmemory 100\r\n")).await.expect("takes commands");
    let full =
        server.until("the limit", async || Some(once(&mut looks).await).filter(|found| !facts(found).is_empty())).await;
    assert!(matches!(facts(&full)[..], [AppWhat::Limit { limit, max: 100.0, .. }] if limit == "maxmemory"), "{full:?}");

    let wrong = once(&mut collectors(&lines.replace("s3cret", "wr0ng"))).await;
    assert!(wrong.problem.is_some() && value(&wrong, "app_up", &[]) == Some(0.0), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("wr0ng"));
    let url = format!("kind = \"redis\"\nurl = \"redis://127.0.0.1:{port}\"\n");
    assert_eq!(check(&format!("{url}password = \"s3cret\"")).await.outcome, Outcome::Pass);
    assert_eq!(check(&url).await.outcome, Outcome::Fail);
}
