//! A daemon that is killed while a notice is on its way.

use std::path::Path;
use std::process::{Command, Stdio};

use perfuse_analyze::status::State;

use super::{Bench, next, server, until};

const WHERE: &str = "PERFUSE_TEST_ALERT_STORE";
const URL: &str = "PERFUSE_TEST_ALERT_URL";

fn text(url: &str) -> String {
    format!("[[component]]\nname = \"shop\"\n[[alert]]\nkind = \"webhook\"\nurl = \"{url}\"\n")
}

/// What the child does: it tries to tell, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Some(directory), Ok(url)) = (std::env::var_os(WHERE), std::env::var(URL)) else { return };
    let bench = Bench::start(Path::new(&directory), &text(&url));
    bench.change(State::MajorOutage);
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_no_notice_and_none_is_made_up() {
    let directory = tempfile::tempdir().expect("a directory");
    // The first server never takes anything.
    let (refusing, mut refused) = server(usize::MAX).await;
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "alert::kill::child", "--nocapture"])
        .env(WHERE, directory.path())
        .env(URL, &refusing)
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let first = next(&mut refused).await;
    child.kill().expect("kills");
    child.wait().expect("waits");
    let (url, mut requests) = server(0).await;
    let bench = Bench::start(directory.path(), &text(&url));
    let again = next(&mut requests).await;
    assert_eq!(again.body, first.body);
    until("the delivery is closed", || bench.open() == 0).await;
    // The case is remembered: the end is told, with the same key.
    bench.change(State::Operational);
    let last = next(&mut requests).await.json();
    assert_eq!((&last["phase"], &last["key"]), (&"resolved".into(), &again.json()["key"]));
    bench.stop().await;
    assert!(requests.try_recv().is_err());
}
