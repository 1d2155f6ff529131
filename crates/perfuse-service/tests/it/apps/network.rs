//! Names, echo requests and units: against a real name server, this host's own stack, and whatever systemd there is.

use std::net::UdpSocket;

use perfuse_analyze::status::Outcome;
use perfuse_testkit::{gate, need, skip};

use super::{Server, check, directory, free_port};

#[tokio::test]
async fn names_are_asked_of_a_real_server() {
    need!(gate::command("dnsmasq"));
    let port = free_port();
    let (place, number) = (directory(), format!("--port={port}"));
    let words = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--no-resolv",
        "--no-hosts",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        "--user=root",
        "--address=/shop.test/192.0.2.7",
        "--address=/shop.test/2001:db8::7",
        "--txt-record=text.test,v=1",
        "--mx-host=mail.test,mx.mail.test,5",
        number.as_str(),
    ];
    let mut server = Server::start(place, "dnsmasq", &words, &[]);
    let dns = |query: &str, record: &str, more: &str| {
        format!(
            "kind = \"dns\"\ntimeout = \"5s\"\nserver = \"127.0.0.1:{port}\"\nquery = \"{query}\"\nrecord = \"{record}\"\n{more}"
        )
    };
    server
        .until("an answer", async || (check(&dns("shop.test.", "A", "")).await.outcome == Outcome::Pass).then_some(()))
        .await;
    for (query, record, more, outcome) in [
        ("shop.test.", "A", "answers = [\"192.0.2.7\"]", Outcome::Pass),
        ("shop.test.", "A", "answers = [\"192.0.2.8\"]", Outcome::Fail),
        ("shop.test.", "AAAA", "answers = [\"2001:db8::7\"]", Outcome::Pass),
        ("mail.test.", "MX", "answers = [\"5 mx.mail.test\"]", Outcome::Pass),
        ("none.test.", "A", "", Outcome::Fail),
    ] {
        let found = check(&dns(query, record, more)).await;
        assert_eq!(found.outcome, outcome, "{query} {record} {more}: {found:?}");
    }
}

#[tokio::test]
async fn a_name_server_that_never_answers_is_a_time_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let lines = format!("kind = \"dns\"\ntimeout = \"500ms\"\nserver = \"{address}\"\nquery = \"shop.test.\"\n");
    let found = check(&lines).await;
    assert_eq!((found.outcome, found.message.id.as_str()), (Outcome::Fail, "check-timeout"), "{found:?}");
}

#[tokio::test]
async fn this_host_answers_echo_requests() {
    let found = check("kind = \"icmp\"\nhost = \"127.0.0.1\"\ncount = 3\ntimeout = \"10s\"").await;
    if found.message.id == "check-icmp-not-allowed" {
        assert_eq!(found.outcome, Outcome::NoData);
        skip!("echo requests are not allowed here");
    }
    assert_eq!(found.outcome, Outcome::Pass, "{found:?}");
    assert!(found.value.is_some_and(|milliseconds| milliseconds < 5000.0), "{found:?}");
    let six = check("kind = \"icmp\"\nhost = \"::1\"\ncount = 1\ntimeout = \"5s\"").await;
    // A host may be without version 6.
    assert!(matches!(six.outcome, Outcome::Pass | Outcome::Fail), "{six:?}");
}

#[tokio::test]
async fn a_unit_is_unknown_where_there_is_no_systemd() {
    need!(gate::command("systemctl"));
    let found = check("kind = \"unit\"\nunit = \"perfuse-no-such-unit.service\"").await;
    let runs = std::path::Path::new("/run/systemd/system").exists();
    let wanted = if runs { Outcome::Fail } else { Outcome::NoData };
    assert_eq!(found.outcome, wanted, "{found:?}");
}
