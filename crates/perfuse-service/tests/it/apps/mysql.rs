//! A real `MariaDB`.

use std::process::Command;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use perfuse_service::collect::Collectors;
use perfuse_testkit::{gate, need, skip};

use super::{Server, as_user, check, collectors, directory, facts, free_port, once, value};

async fn session(port: u16, login: &str) -> Option<Conn> {
    let url = format!("mysql://{login}@127.0.0.1:{port}/?prefer_socket=false");
    Conn::new(Opts::from_url(&url).expect("a URL")).await.ok()
}

async fn start() -> Result<(Server, u16), String> {
    start_with(directory(), |_| Vec::new()).await
}

/// A server in a directory, with settings that may be about files there.
pub(super) async fn start_with(
    place: tempfile::TempDir,
    settings: impl FnOnce(&std::path::Path) -> Vec<String>,
) -> Result<(Server, u16), String> {
    gate::command("mariadbd")?;
    gate::command("mariadb-install-db")?;
    let port = free_port();
    let settings = settings(place.path());
    let data = place.path().join("data").display().to_string();
    let user = as_user("mysql", place.path());
    if user.is_empty() {
        gate::ordinary_user()?;
    }
    let mut words = if user.is_empty() { vec!["setpriv".to_owned()] } else { user };
    let make = Command::new(&words[0])
        .args(&words[1..])
        .arg(gate::find_command("mariadb-install-db").unwrap_or_default())
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0"])
        .arg(format!("--datadir={data}"))
        .current_dir(place.path())
        .output()
        .map_err(|error| error.to_string())?;
    if !make.status.success() {
        return Err(format!("mariadb-install-db: {}", String::from_utf8_lossy(&make.stdout)));
    }
    words.push(gate::find_command("mariadbd").unwrap_or_default().display().to_string());
    words.extend(
        ["--no-defaults", "--bind-address=127.0.0.1", "--skip-networking=0", "--innodb-log-file-size=8M"]
            .map(str::to_owned),
    );
    words.extend(
        ["--innodb-flush-method=nosync", "--innodb-buffer-pool-size=16M", "--max-connections=20"].map(str::to_owned),
    );
    words.extend([format!("--datadir={data}"), format!("--port={port}"), format!("--socket={data}/socket")]);
    words.extend(settings);
    let rest: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let mut server = Server::start(place, &words[0], &rest, &[]);
    server.until("a session", async || session(port, "root").await).await;
    Ok((server, port))
}

/// The statements of one session in the order in which they are sent, by a task that goes on while they wait.
fn later(mut client: Conn, statement: &'static str) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move { client.query_drop(statement).await.expect(statement) })
}

/// `ALTER TABLE` waits for a transaction that has only read, and the others wait behind it.
async fn who_keeps_a_table_from_being_altered(server: &mut Server, port: u16, looks: &mut Collectors) {
    let mut reader = session(port, "root").await.expect("a session");
    reader.query_drop("BEGIN").await.expect("begins");
    reader.query_drop("SELECT * FROM shop.accounts").await.expect("reads");
    let open = |session: Option<Conn>| session.expect("a session");
    let alters = later(open(session(port, "root").await), "ALTER TABLE shop.accounts ADD COLUMN note int");
    let held = format!("{} root", reader.id());
    // As it is set up, the server tells only that somebody waits.
    let found = server
        .until("it waits", async || {
            let found = once(looks).await;
            matches!(facts(&found)[..], [AppWhat::Blocked { waiting: 1, .. }]).then_some(found)
        })
        .await;
    let AppWhat::Blocked { holder, doing, object, .. } = facts(&found)[0] else { panic!("{found:?}") };
    assert_eq!((holder.as_str(), object.as_str()), ("", "table metadata lock"), "{found:?}");
    assert_eq!(doing, &format!("{held} (idle in transaction)"), "whose transaction is open is a suspect");
    assert_eq!(value(&found, "mysql_waiting_on_metadata_locks", &[]), Some(1.0));
    let waits = later(open(session(port, "root").await), "UPDATE shop.accounts SET n = 3 WHERE id = 2");
    // With its plugin it tells whose locks are held.
    let mut admin = open(session(port, "root").await);
    if let Err(error) = admin.query_drop("INSTALL SONAME 'metadata_lock_info'").await {
        eprintln!("without the plugin: {error}");
    } else {
        let found = server
            .until("both wait", async || {
                let found = once(looks).await;
                matches!(facts(&found)[..], [AppWhat::Blocked { waiting: 2, .. }]).then_some(found)
            })
            .await;
        let AppWhat::Blocked { holder, doing, object, waiters, .. } = facts(&found)[0] else { panic!("{found:?}") };
        assert_eq!((holder, doing.as_str()), (&held, "idle in transaction"), "{found:?}");
        assert!(object.starts_with("shop.accounts · metadata lock") && waiters.len() == 2, "{found:?}");
    }
    reader.query_drop("ROLLBACK").await.expect("lets go");
    alters.await.expect("is done");
    waits.await.expect("is done");
}

#[tokio::test]
async fn transactions_that_wait_for_rows() {
    need!(gate::command("setpriv"));
    need!(gate::command("mariadbd"));
    let (mut server, port) = match start().await {
        Ok(started) => started,
        Err(reason) => skip!("{reason}"),
    };
    let mut holder = session(port, "root").await.expect("a session");
    for statement in [
        "CREATE DATABASE shop",
        "CREATE TABLE shop.accounts (id int PRIMARY KEY, n int) ENGINE=InnoDB",
        "INSERT INTO shop.accounts VALUES (1, 1), (2, 2)",
        "CREATE USER watcher@'127.0.0.1' IDENTIFIED BY 's3cret'",
    ] {
        holder.query_drop(statement).await.expect(statement);
    }
    let lines = |login: &str, more: &str| {
        format!("[[collector]]\nkind = \"mysql\"\nname = \"db\"\nurl = \"mysql://{login}@127.0.0.1:{port}/\"\n{more}")
    };
    let mut looks = collectors(&lines("root", ""));
    let calm = once(&mut looks).await;
    assert_eq!((calm.problem.as_ref(), facts(&calm).len()), (None, 0), "{calm:?}");
    assert_eq!(value(&calm, "mysql_connections_max", &[]), Some(20.0));

    holder.query_drop("BEGIN").await.expect("begins");
    holder.query_drop("UPDATE shop.accounts SET n = 4711 WHERE id = 1").await.expect("takes the row");
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut client = session(port, "root").await.expect("a session");
        waiting.push(tokio::spawn(async move {
            client.query_drop("UPDATE shop.accounts SET n = n + 1 WHERE id = 1").await.expect("gets the row at last");
        }));
    }
    let found = server
        .until("both wait", async || {
            let found = once(&mut looks).await;
            // The status is read before the locks.
            let both = value(&found, "mysql_waiting_on_locks", &[]) == Some(2.0);
            (both && matches!(facts(&found)[..], [AppWhat::Blocked { waiting: 2, .. }])).then_some(found)
        })
        .await;
    let AppWhat::Blocked { holder: who, doing, object, .. } = facts(&found)[0] else { panic!("{found:?}") };
    assert_eq!((who.as_str(), doing.as_str()), (format!("{} root", holder.id()).as_str(), "idle in transaction"));
    assert!(object.contains("accounts"), "{found:?}");
    assert_eq!(value(&found, "mysql_waiting_on_locks", &[]), Some(2.0));
    assert!(value(&found, "mysql_statements_per_second", &[]).is_some_and(|rate| rate > 0.0));
    assert!(!format!("{:?}", found.tables).contains("4711"), "values stay in the database");
    holder.query_drop("ROLLBACK").await.expect("lets go");
    for task in waiting {
        task.await.expect("both are done");
    }
    who_keeps_a_table_from_being_altered(&mut server, port, &mut looks).await;

    let blind = once(&mut collectors(&lines("watcher", "password = \"s3cret\"\n"))).await;
    assert!(blind.problem.is_some() && value(&blind, "mysql_threads_running", &[]).is_some(), "{blind:?}");
    let wrong = once(&mut collectors(&lines("watcher", "password = \"wr0ng\"\n"))).await;
    assert!(wrong.problem.is_some() && value(&wrong, "app_up", &[]) == Some(0.0), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("wr0ng"));

    let url = format!("kind = \"mysql\"\nurl = \"mysql://root@127.0.0.1:{port}/shop\"\n");
    for (lines, outcome) in [
        ("", Outcome::Pass),
        ("query = \"SELECT count(*) FROM accounts\"\nis = \"==\"\nthan = 2", Outcome::Pass),
        ("query = \"SELECT count(*) FROM accounts\"\nis = \"<\"\nthan = 2", Outcome::Fail),
        ("query = \"SELECT broken\"", Outcome::Fail),
        ("query = \"SELECT SLEEP(60)\"\ntimeout = \"300ms\"", Outcome::Fail),
    ] {
        let found = check(&format!("{url}{lines}")).await;
        assert_eq!(found.outcome, outcome, "{lines}: {found:?}");
    }
}
