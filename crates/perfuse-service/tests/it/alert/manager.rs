//! Prometheus' own Alertmanager.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use perfuse_analyze::status::State;
use perfuse_testkit::{gate, need};

use super::{Bench, next, server};

/// A server that is killed with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_takes_it_once_and_resolves_it() {
    need!(gate::command("prometheus-alertmanager"));
    let directory = tempfile::tempdir().expect("a directory");
    let (url, mut requests) = server(0).await;
    let file = directory.path().join("am.yml");
    let text = format!(
        "route: {{ receiver: t, group_wait: 100ms, group_interval: 1s, repeat_interval: 1h, group_by: [component] }}\n\
         receivers: [{{ name: t, webhook_configs: [{{ url: '{url}/from-am', send_resolved: true }}] }}]\n"
    );
    std::fs::write(&file, text).expect("writes");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").port();
    let program = gate::find_command("prometheus-alertmanager").expect("it is there");
    let manager = Command::new(program)
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", directory.path().join("am").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let _manager = Killed(manager);
    // It may not listen yet when the first notice comes: that is tried again.
    let alerts = format!(
        "[[component]]\nname = \"shop\"\n[[alert]]\nkind = \"alertmanager\"\nurl = \"http://127.0.0.1:{port}\"\n"
    );
    let bench = Bench::start(&directory.path().join("store"), &alerts);
    bench.change(State::Degraded);
    let firing = next(&mut requests).await.json();
    assert_eq!(firing["status"], "firing", "{firing}");
    let alert = &firing["alerts"][0];
    for (label, value) in
        [("alertname", "PerfuseComponent"), ("component", "shop"), ("severity", "warning"), ("host", "web1")]
    {
        assert_eq!(alert["labels"][label], value, "{firing}");
    }
    assert_eq!(alert["annotations"]["summary"], "Web shop: degraded");
    assert_eq!(alert["annotations"]["cause"], "A \"lock\" is held.");
    // It becomes worse: one severity ends, the other begins.
    bench.change(State::MajorOutage);
    let worse = loop {
        let one = next(&mut requests).await.json();
        if one["alerts"].as_array().is_some_and(|all| all.iter().any(|alert| alert["labels"]["severity"] == "critical"))
        {
            break one;
        }
    };
    assert_eq!(worse["commonLabels"]["component"], "shop", "{worse}");
    bench.change(State::Operational);
    let resolved = loop {
        let one = next(&mut requests).await.json();
        if one["status"] == "resolved" {
            break one;
        }
    };
    assert!(resolved["alerts"].as_array().is_some_and(|all| all.iter().all(|alert| alert["status"] == "resolved")));
    bench.stop().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(1500), requests.recv()).await.is_err(),
        "what is over is not told again"
    );
}
