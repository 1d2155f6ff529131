//! Endpoints of metrics, with rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use perfuse_analyze::app::AppWhat;
use perfuse_analyze::status::Outcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{check, clients, collectors, config, facts, once, value};

/// A server of metrics whose counter is ten more at each request; its port, and the connections that it took.
async fn server() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (taken, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let taken = Arc::clone(&taken);
            tokio::spawn(async move {
                let mut request = vec![0; 8192];
                while let Ok(1..) = stream.read(&mut request).await {
                    let jobs = taken.fetch_add(10, Ordering::Relaxed);
                    let body = format!(
                        "# TYPE jobs counter\njobs_total{{queue=\"mail\"}} {jobs}\nbacklog{{queue=\"mail\"}} 5\n\
                        db_client_connection_count{{db_client_connection_pool_name=\"main\",db_client_connection_state=\"used\"}} 9\n\
                        db_client_connection_count{{db_client_connection_pool_name=\"main\",db_client_connection_state=\"idle\"}} 1\n\
                        db_client_connection_max{{db_client_connection_pool_name=\"main\"}} 10\n\
                        db_client_connection_pending_requests{{db_client_connection_pool_name=\"main\"}} 3\n# EOF\n"
                    );
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    let _ = stream.write_all((head + &body).as_bytes()).await;
                }
            });
        }
    });
    (port, connections)
}

#[tokio::test]
async fn rules_make_pools_and_queues_of_metrics() {
    let (port, connections) = server().await;
    let lines = format!(
        "[[collector]]\nkind = \"prometheus\"\nname = \"shop\"\nurl = \"http://127.0.0.1:{port}/metrics\"\n\
        [[collector.rule]]\nmetric = \"jobs_total\"\nto = \"queue\"\nfield = \"rate\"\nname = \"{{queue}}\"\n\
        [[collector.rule]]\nmetric = \"backlog\"\nto = \"queue\"\nfield = \"length\"\nname = \"{{queue}}\"\n"
    );
    let mut looks = collectors(&lines);
    let first = once(&mut looks).await;
    assert_eq!(first.problem, None);
    assert_eq!(value(&first, "queue_rate", &[("name", "mail")]), None, "a rate needs two looks");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let found = once(&mut looks).await;
    assert!(
        value(&found, "queue_rate", &[("name", "mail")]).is_some_and(|rate| rate > 0.0 && rate <= 500.0),
        "{found:?}"
    );
    assert_eq!(value(&found, "queue_length", &[("name", "mail")]), Some(5.0));
    assert_eq!(value(&found, "pool_pending", &[("name", "main")]), Some(3.0));
    let pool = AppWhat::Pool { pool: "main".into(), used: 9.0, max: 10.0, pending: 3.0 };
    assert_eq!(facts(&found)[0], &pool);
    assert!(matches!(facts(&found)[1], AppWhat::Queue { length: 5.0, rate_out: Some(_), .. }), "{found:?}");
    assert_eq!(connections.load(Ordering::Relaxed), 1, "the connection is kept");

    let wrong = format!("{lines}[[collector.rule]]\nmetric = \"none\"\nto = \"heap\"\nfield = \"used\"\n");
    let found = once(&mut collectors(&wrong)).await;
    assert_eq!(found.problem.map(|problem| problem.id), Some("app-rule-nothing".to_owned()));
}

#[tokio::test]
async fn all_run_by_themselves_until_they_are_dropped() {
    let (port, _) = server().await;
    let one = |name: &str| {
        format!(
            "[[collector]]\nkind = \"prometheus\"\nname = \"{name}\"\nevery = \"200ms\"\n\
            url = \"http://127.0.0.1:{port}/metrics\"\n"
        )
    };
    let config = config(&(one("a") + &one("b")));
    let (to, mut from) = tokio::sync::mpsc::channel(4);
    let tasks = perfuse_service::collect::Collectors::new(&config, &clients()).start(&to);
    drop(to);
    let mut names = Vec::new();
    for _ in 0..6 {
        names.push(from.recv().await.expect("goes on").source.to_string());
    }
    assert!(names.iter().any(|name| name == "a") && names.iter().any(|name| name == "b"), "{names:?}");
    drop(tasks);
    while from.recv().await.is_some() {}
}

#[tokio::test]
async fn a_page_and_a_query_agree() {
    let (port, _) = server().await;
    let agree =
        format!("kind = \"agree\"\nfirst = \"http://127.0.0.1:{port}/\"\nsecond = \"http://127.0.0.1:{port}/\"\n");
    let found = check(&agree).await;
    // The counter went on in between, and the texts are no numbers.
    assert_eq!((found.outcome, found.message.id.as_str()), (Outcome::Fail, "check-disagree"), "{found:?}");
}
