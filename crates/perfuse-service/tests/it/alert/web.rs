//! Webhooks of all kinds.

use perfuse_analyze::status::State;
use perfuse_render::{Lang, Texts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::apps::tls::Authority;

use super::{Bench, Setup, config, next, server, until};

const SHOP: &str = "[[component]]\nname = \"shop\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_fails_twice_gets_it_the_third_time_and_hears_of_the_end() {
    let (url, mut requests) = server(2).await;
    let directory = tempfile::tempdir().expect("a directory");
    let bench = Bench::start(
        directory.path(),
        &format!("{SHOP}[[alert]]\nkind = \"webhook\"\nurl = \"{url}/hook\"\nheaders = {{ X-Team = \"shop\" }}\n"),
    );
    bench.change(State::MajorOutage);
    let first = next(&mut requests).await;
    assert_eq!(bench.open(), 1);
    let (second, third) = (next(&mut requests).await, next(&mut requests).await);
    assert!(first.body == second.body && second.body == third.body);
    assert_eq!((third.path.as_str(), &third.headers["x-team"]), ("/hook", &"shop".parse().expect("a value")));
    let json = third.json();
    for (key, value) in [
        ("phase", "firing"),
        ("component", "shop"),
        ("title", "Web shop"),
        ("state", "major_outage"),
        ("severity", "critical"),
        ("cause", "A \"lock\" is held."),
        ("incident", "20261126T231500-shop"),
        ("subject", "Web shop: major outage"),
    ] {
        assert_eq!(json[key], value, "{json}");
    }
    until("the delivery is closed", || bench.over() == 1).await;
    bench.change(State::Operational);
    let last = next(&mut requests).await.json();
    assert_eq!(
        (&last["phase"], &last["state"], &last["key"]),
        (&"resolved".into(), &"operational".into(), &json["key"])
    );
    until("the delivery is closed", || bench.over() == 2 && bench.open() == 0).await;
    bench.stop().await;
    assert!(requests.try_recv().is_err(), "nothing is told twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_and_slack_say_the_same_in_their_own_way() {
    let (url, mut requests) = server(0).await;
    let directory = tempfile::tempdir().expect("a directory");
    let template = r#"{"text": "{{ title }} {{ state }}: {{ cause }} ({{ host }})"}"#;
    let bench = Bench::start(
        directory.path(),
        &format!(
            "language = \"ko\"\n{SHOP}[[alert]]\nkind = \"webhook\"\nurl = \"{url}/own\"\ntemplate = '{template}'\n\
             [[alert]]\nkind = \"slack\"\nurl = \"{url}/slack\"\n"
        ),
    );
    bench.change(State::Degraded);
    let mut both = [next(&mut requests).await, next(&mut requests).await];
    both.sort_by(|one, other| one.path.cmp(&other.path));
    assert_eq!(both[0].json()["text"], "온라인 상점 degraded: \"락\"이 잡혀 있습니다. (web1)");
    let slack = both[1].json();
    assert_eq!((both[1].path.as_str(), &slack["text"]), ("/slack", &"온라인 상점: 성능 저하".into()));
    assert!(slack["attachments"][0]["text"].as_str().is_some_and(|text| text.contains("락")), "{slack}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_reached_is_told_as_a_trouble_without_its_url() {
    let directory = tempfile::tempdir().expect("a directory");
    // Nobody listens on the port of a listener that is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|gone| gone.local_addr()).expect("a port").port();
    let text = format!("{SHOP}[[alert]]\nkind = \"slack\"\nurl = \"http://127.0.0.1:{port}/hunter2\"\n");
    let bench = Bench::start(directory.path(), &text);
    bench.change(State::MajorOutage);
    let troubles = bench.handle.troubles();
    until("a trouble is told", || !troubles.borrow().is_empty()).await;
    let told = Texts::new(Lang::En).text(&troubles.borrow()[0]);
    assert!(told.starts_with("One notice for slack could not be delivered yet: "), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_with_a_new_configuration_is_told_of_what_lasts() {
    let (refusing, mut refused) = server(usize::MAX).await;
    let (url, mut requests) = server(0).await;
    let directory = tempfile::tempdir().expect("a directory");
    let text =
        |name: &str, url: &str| format!("{SHOP}[[alert]]\nkind = \"webhook\"\nname = \"{name}\"\nurl = \"{url}\"\n");
    let bench = Bench::start(directory.path(), &text("old", &refusing));
    bench.change(State::MajorOutage);
    next(&mut refused).await;
    let setup = Setup::new(&config(&text("new", &url)), "web1".to_owned());
    bench.handle.reload(&setup).await.expect("it can be used");
    let first = next(&mut requests).await.json();
    assert_eq!((&first["phase"], &first["number"]), (&"firing".into(), &1.into()));
    until("what was for the old one is given up", || bench.open() == 0 && bench.over() == 2).await;
    bench.change(State::Operational);
    assert_eq!(next(&mut requests).await.json()["phase"], "resolved");
    bench.stop().await;
}

/// A server that takes every request, over TLS; its address.
async fn encrypted(tls: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                // Who does not trust it goes away.
                let Ok(mut stream) = tls.accept(stream).await else { return };
                let mut request = [0; 16 * 1024];
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
                }
            });
        }
    });
    format!("https://{address}/s3cret")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_is_believed_that_an_authority_of_ours_vouches_for() {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().expect("a directory"));
    let ca = authority.file(directory.path());
    let (well, expired) = (encrypted(authority.acceptor(false)).await, encrypted(authority.acceptor(true)).await);
    for (url, ca, wanted) in [
        (&well, Some(&ca), None),
        (&well, None, Some(["nobody who is trusted", "보증하는 곳이 없습니다"])),
        (&expired, Some(&ca), Some(["has expired", "만료되었습니다"])),
    ] {
        let store = tempfile::tempdir().expect("a directory");
        let ca = ca.map_or_else(String::new, |ca| format!("ca_file = \"{ca}\"\n"));
        let bench = Bench::start(store.path(), &format!("{SHOP}[[alert]]\nkind = \"webhook\"\nurl = \"{url}\"\n{ca}"));
        bench.change(State::MajorOutage);
        let Some(words) = wanted else {
            until("the delivery is closed", || bench.over() == 1).await;
            bench.stop().await;
            continue;
        };
        let troubles = bench.handle.troubles();
        until("a trouble is told", || !troubles.borrow().is_empty()).await;
        let trouble = troubles.borrow()[0].clone();
        for (lang, words) in [Lang::En, Lang::Ko].into_iter().zip(words) {
            let told = Texts::new(lang).text(&trouble);
            assert!(told.contains(words) && !told.contains("s3cret"), "{told}");
        }
        bench.stop().await;
    }
    let text = format!("{SHOP}[[alert]]\nkind = \"webhook\"\nurl = \"{well}\"\nca_file = \"/nowhere/ca.pem\"\n");
    let bench = Bench::start(tempfile::tempdir().expect("a directory").path(), SHOP);
    let refused = bench.handle.reload(&Setup::new(&config(&text), "web1".to_owned())).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("/nowhere/ca.pem")));
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_leads_to_the_page_of_its_incident() {
    let (url, mut requests) = server(0).await;
    let directory = tempfile::tempdir().expect("a directory");
    let page = "page_url = \"https://status.example.org/\"\n";
    let bench =
        Bench::start(directory.path(), &format!("{page}{SHOP}[[alert]]\nkind = \"webhook\"\nurl = \"{url}/x\"\n"));
    bench.change(State::MajorOutage);
    let link = "https://status.example.org/incident/20261126T231500-shop";
    let json = next(&mut requests).await.json();
    assert_eq!(json["link"], link);
    assert!(json["text"].as_str().is_some_and(|text| text.contains(link)), "{json}");
    bench.stop().await;
}
