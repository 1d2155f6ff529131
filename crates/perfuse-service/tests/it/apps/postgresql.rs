//! A real `PostgreSQL`.

use std::time::Duration;

use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use perfuse_testkit::{gate, need, skip};
use tokio_postgres::{Client, NoTls};

use super::{Server, as_user, check, collectors, directory, facts, free_port, once, value};

/// A session of a name.
pub(crate) async fn session(port: u16, user: &str, name: &str) -> Option<Client> {
    let address = format!("host=127.0.0.1 port={port} user={user} dbname=postgres application_name={name}");
    let (client, connection) = tokio_postgres::connect(&address, NoTls).await.ok()?;
    tokio::spawn(async move {
        // It ends with its client.
        let _ = connection.await;
    });
    Some(client)
}

pub(crate) async fn start() -> Result<(Server, u16), String> {
    start_with(directory(), |_| Vec::new()).await
}

/// A server in a directory, with settings that may be about files there.
pub(super) async fn start_with(
    directory: tempfile::TempDir,
    settings: impl FnOnce(&std::path::Path) -> Vec<String>,
) -> Result<(Server, u16), String> {
    let program = |name: &str| gate::find_command(name).ok_or_else(|| format!("needs the program {name}"));
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let port = free_port();
    let settings = settings(directory.path());
    let data = directory.path().join("data").display().to_string();
    let mut words = as_user("postgres", directory.path());
    if words.is_empty() {
        gate::ordinary_user()?;
        words = vec!["setpriv".to_owned()];
    }
    let make = std::process::Command::new(&words[0])
        .args(&words[1..])
        .arg(initdb)
        .args(["--auth=trust", "--no-sync", "--no-instructions", "-U", "postgres", "-D", &data])
        .current_dir(directory.path())
        .output()
        .map_err(|error| error.to_string())?;
    if !make.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&make.stderr)));
    }
    let socket = directory.path().display().to_string();
    words.push(postgres.display().to_string());
    words.extend(["-D", &data, "-h", "127.0.0.1", "-k", &socket, "-p", &port.to_string()].map(str::to_owned));
    words.extend(["-c", "fsync=off", "-c", "max_connections=12", "-c", "autovacuum=off"].map(str::to_owned));
    words.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
    let rest: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let mut server = Server::start(directory, &words[0], &rest, &[]);
    server.until("a session", async || session(port, "postgres", "begin").await).await;
    Ok((server, port))
}

#[tokio::test]
async fn who_waits_for_whom_and_who_may_not_see_it() {
    need!(gate::command("setpriv"));
    need!(gate::command("postgres"));
    let (mut server, port) = match start().await {
        Ok(started) => started,
        Err(reason) => skip!("{reason}"),
    };
    let holder = session(port, "postgres", "holder").await.expect("a session");
    holder.batch_execute("CREATE TABLE accounts (id int PRIMARY KEY, n int); INSERT INTO accounts VALUES (1, 1), (2, 2); CREATE ROLE watcher LOGIN").await.expect("makes a table");
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).await.expect("asks").get(0);
    let lines = |user: &str| {
        format!(
            "[[component]]\nname = \"shop\"\n[[collector]]\nkind = \"postgresql\"\nname = \"db\"\ncomponent = \"shop\"\n\
            url = \"postgresql://{user}@127.0.0.1:{port}/postgres\"\ntimeout = \"5s\"\n"
        )
    };
    let mut collectors_ = collectors(&lines("postgres"));
    let calm = once(&mut collectors_).await;
    assert_eq!((calm.problem.as_ref(), facts(&calm).len()), (None, 0), "{calm:?}");
    assert_eq!(value(&calm, "postgresql_connections_max", &[]), Some(12.0));
    assert_eq!(value(&calm, "postgresql_connections", &[("state", "idle in transaction")]), Some(0.0));

    // One holds a row and does nothing; two want it, one behind the other.
    holder.batch_execute("BEGIN; UPDATE accounts SET n = 4711 WHERE id = 1").await.expect("takes the row");
    let mut waiting = Vec::new();
    for name in ["one", "two"] {
        let client = session(port, "postgres", name).await.expect("a session");
        waiting.push(tokio::spawn(async move {
            client.batch_execute("UPDATE accounts SET n = n + 1 WHERE id = 1").await.expect("gets the row at last");
        }));
    }
    let found = server
        .until("both wait", async || {
            let found = once(&mut collectors_).await;
            // A session waits a moment before it says so itself.
            let both = value(&found, "postgresql_waiting_on_locks", &[]) == Some(2.0);
            (both && matches!(facts(&found)[..], [AppWhat::Blocked { waiting: 2, .. }])).then_some(found)
        })
        .await;
    let AppWhat::Blocked { holder: who, holder_pid, doing, statement, longest, object, waiters, .. } = facts(&found)[0]
    else {
        panic!("{found:?}")
    };
    assert_eq!((who.as_str(), doing.as_str()), (format!("{pid} postgres holder").as_str(), "idle in transaction"));
    assert_eq!(statement, "BEGIN; UPDATE accounts SET n = ? WHERE id = ?");
    assert_eq!(*holder_pid, u32::try_from(pid).ok());
    assert!(waiters.iter().any(|name| name.ends_with(" postgres one")), "{waiters:?}");
    assert!(*longest > 0.0 && object.starts_with("accounts · "), "{found:?}");
    assert_eq!((found.facts[0].pid, found.facts[0].component.as_deref()), (Some(server.pid()), Some("shop")));
    assert_eq!(value(&found, "postgresql_waiting_on_locks", &[]), Some(2.0));
    assert_eq!(value(&found, "postgresql_connections", &[("state", "idle in transaction")]), Some(1.0));
    assert!(value(&found, "postgresql_longest_idle_in_transaction_seconds", &[]).is_some_and(|longest| longest > 0.0));
    assert!(value(&found, "postgresql_commits_per_second", &[]).is_some(), "the second look has rates");
    let titles: Vec<&str> = found.tables.iter().map(|table| table.title.as_str()).collect();
    assert_eq!(titles, ["pg_stat_activity", "pg_locks"]);
    assert!(!format!("{:?}", found.tables).contains("4711"), "values stay in the database");

    // A user without rights sees that there are sessions, and not what they do.
    let blind = once(&mut collectors(&lines("watcher"))).await;
    assert_eq!(blind.problem.as_ref().map(|problem| problem.id.as_str()), Some("app-postgresql-rights"), "{blind:?}");

    holder.batch_execute("ROLLBACK").await.expect("lets go");
    for task in waiting {
        task.await.expect("both are done");
    }
    assert_eq!(facts(&once(&mut collectors_).await), Vec::<&AppWhat>::new());

    all_connections_taken(port, &lines("postgres"), &mut collectors_).await;
    checks(port).await;
}

/// Whoever has a session already still sees that there are no more; whoever has none is told why.
async fn all_connections_taken(port: u16, lines: &str, collectors_: &mut perfuse_service::collect::Collectors) {
    let mut taken = Vec::new();
    while let Some(client) = session(port, "postgres", "taker").await {
        taken.push(client);
        assert!(taken.len() < 20, "a bound is a bound");
    }
    let full = once(collectors_).await;
    assert!(
        matches!(facts(&full)[..], [AppWhat::Limit { used: 10.0.., max: 9.0, most: Some(_), denied: false, .. }]),
        "{full:?}"
    );
    let refused = once(&mut collectors(lines)).await;
    assert!(
        refused.problem.is_some() && matches!(facts(&refused)[..], [AppWhat::Limit { denied: true, .. }]),
        "{refused:?}"
    );
    assert_eq!(value(&refused, "app_up", &[]), Some(0.0));
}

async fn checks(port: u16) {
    let url = format!("kind = \"postgresql\"\nurl = \"postgresql://postgres@127.0.0.1:{port}/postgres\"\n");
    for (lines, outcome) in [
        ("query = \"SELECT count(*) FROM accounts\"\nis = \"==\"\nthan = 2", Outcome::Pass),
        ("query = \"SELECT count(*) FROM accounts\"\nis = \">\"\nthan = 2", Outcome::Fail),
        ("query = \"SELECT 'no number'\"\nis = \">\"\nthan = 2", Outcome::NoData),
        ("query = \"SELECT * FROM none\"", Outcome::Fail),
        ("query = \"SELECT pg_sleep(60)\"\ntimeout = \"300ms\"", Outcome::Fail),
        ("", Outcome::Pass),
    ] {
        // The sessions that took all connections end one after the other.
        let mut found = check(&format!("{url}{lines}")).await;
        for _ in 0..100 {
            if found.outcome == outcome {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = check(&format!("{url}{lines}")).await;
        }
        assert_eq!(found.outcome, outcome, "{lines}: {found:?}");
    }
    let agree = |second: &str, more: &str| {
        let first = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
        format!(
            "kind = \"agree\"\nfirst = \"{first}\"\nsecond = \"{first}\"\nquery = \"SELECT 100\"\n\
            second_query = \"{second}\"\n{more}"
        )
    };
    for (second, more, outcome) in [
        ("SELECT 100.0", "", Outcome::Pass),
        ("SELECT 99", "", Outcome::Fail),
        ("SELECT 99", "tolerance = 0.01", Outcome::Pass),
        ("SELECT 'x'", "", Outcome::Fail),
        ("SELECT NULL", "", Outcome::NoData),
        ("SELECT broken", "", Outcome::NoData),
    ] {
        let found = check(&agree(second, more)).await;
        assert_eq!(found.outcome, outcome, "{second}: {found:?}");
    }
}
