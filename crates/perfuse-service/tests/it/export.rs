//! Exports to real engines: what was pushed is read back by a query.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use perfuse_service::config::{Config, Outside, parse};
use perfuse_service::export;
use perfuse_service::store::SeriesKey;
use perfuse_testkit::{gate, need};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An engine that is killed with the test.
struct Engine {
    child: Child,
    port: u16,
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Engine {
    /// Starts a program on a free port; `arguments` are made from `127.0.0.1:PORT`.
    fn start(name: &str, arguments: impl FnOnce(&str) -> Vec<String>) -> Self {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").port();
        let child = Command::new(gate::find_command(name).expect("it is there"))
            .args(arguments(&format!("127.0.0.1:{port}")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        Self { child, port }
    }

    /// The body of an answer; nothing while the engine does not answer.
    async fn get(&self, path: &str) -> Option<serde_json::Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer);
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    /// The result of a query at a time, once there is one.
    async fn query(&self, query: &str, time: i64) -> serde_json::Value {
        for _ in 0..300 {
            let answer = self.get(&format!("/api/v1/query?query={query}&time={time}")).await.unwrap_or_default();
            if answer["data"]["result"].as_array().is_some_and(|result| !result.is_empty()) {
                return answer["data"]["result"].clone();
            }
            // VictoriaMetrics shows what is new after some seconds, or at once when it is told so.
            self.get("/internal/force_flush").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no answer to {query}")
    }
}

fn config(text: &str) -> Config {
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    parse(text, &outside).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("before the end of time")
}

/// Pushes three seconds of two series, and reads them back.
async fn pushed_and_read(engine: &Engine, path: &str) {
    let url = format!("http://127.0.0.1:{}{path}", engine.port);
    let config = config(&format!("[[export]]\nkind = \"remote-write\"\nurl = \"{url}\"\nevery = \"1s\"\n"));
    let handle = export::start(&config.exports, "web1").expect("starts");
    let keys = ["a", "b"].map(|disk| SeriesKey::new("disk.busy", [("disk", disk)]));
    let end = now();
    for at in end - 2..=end {
        let values = [0.25, 0.5].map(|value| value * (at - end + 3) as f64);
        let values: Vec<(SeriesKey, f64)> = keys.iter().cloned().zip(values).collect();
        handle.push(at, &values);
    }
    let result = engine.query("perfuse_disk_busy%7Bdisk%3D%22b%22%7D", end).await;
    let labels = &result[0]["metric"];
    for (label, value) in [("__name__", "perfuse_disk_busy"), ("disk", "b"), ("instance", "web1"), ("job", "perfuse")] {
        assert_eq!(labels[label], value, "{result}");
    }
    assert_eq!(result[0]["value"][1], "1.5", "{result}");
    // Each second is there, not only the last.
    let earlier = engine.query("perfuse_disk_busy%7Bdisk%3D%22a%22%7D", end - 2).await;
    assert_eq!(earlier[0]["value"][1], "0.25", "{earlier}");
    assert!(handle.troubles().is_empty());
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_takes_remote_write_as_soon_as_it_is_there() {
    need!(gate::command("prometheus"));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("prometheus.yml");
    std::fs::write(&file, "global: {}\n").expect("writes");
    let data = |name: &str| directory.path().join(name).display().to_string();
    let engine = Engine::start("prometheus", |address| {
        vec![
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", data("tsdb")),
            format!("--web.listen-address={address}"),
            "--web.enable-remote-write-receiver".to_owned(),
        ]
    });
    // It may not listen yet: what was pushed meanwhile waits.
    pushed_and_read(&engine, "/api/v1/write").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victoria_metrics_takes_remote_write() {
    need!(gate::command("victoria-metrics"));
    let directory = tempfile::tempdir().expect("a directory");
    let data = |path: &Path| path.join("vm").display().to_string();
    let engine = Engine::start("victoria-metrics", |address| {
        vec![
            format!("-storageDataPath={}", data(directory.path())),
            format!("-httpListenAddr={address}"),
            "-search.latencyOffset=0s".to_owned(),
            "-search.disableCache".to_owned(),
            "-retentionPeriod=100y".to_owned(),
        ]
    });
    pushed_and_read(&engine, "/api/v1/write").await;
}
