//! The task of an export, against a server of the test that reads the protocol back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use prost::Message as _;
use tokio::sync::mpsc;

use super::*;
use crate::config::{Outside, parse};

/// A server that refuses with these statuses, one after the other, and then takes everything.
async fn server(refusals: Vec<u16>) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/metrics", listener.local_addr().unwrap());
    let (to, requests) = mpsc::unbounded_channel();
    let left = Arc::new(Mutex::new(refusals.into_iter()));
    let answer = move |headers: HeaderMap, body: Bytes| {
        let (to, left) = (to.clone(), Arc::clone(&left));
        async move {
            let status = left.lock().unwrap().next();
            let _ = to.send((headers, body));
            status.map_or(StatusCode::OK, |status| StatusCode::from_u16(status).unwrap())
        }
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    (url, requests)
}

fn started(url: &str) -> Handle {
    let text = format!("[[export]]\nkind = \"otlp\"\nurl = \"{url}\"\nevery = \"2s\"\nbearer = \"hunter2\"\n");
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    start(&parse(&text, &outside).unwrap().exports, "web1").unwrap()
}

/// Names and values of the points of a request.
fn points(body: &Bytes) -> Vec<(String, Option<f64>)> {
    let request = otlp::Request::decode(body.clone()).unwrap();
    let scopes = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
    let metrics = scopes.flat_map(|scope| scope.metrics);
    let each = |metric: otlp::Metric| {
        let points = metric.gauge.unwrap().data_points;
        points.into_iter().map(move |point| (metric.name.clone(), point.as_double))
    };
    metrics.flat_map(each).collect()
}

async fn next(requests: &mut mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) -> (HeaderMap, Bytes) {
    tokio::time::timeout(Duration::from_secs(30), requests.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_and_what_is_refused_is_not() {
    let (url, mut requests) = server(vec![503, 400]).await;
    let handle = started(&url);
    let key = SeriesKey::new("cpu", []);
    handle.push(100, &[(key.clone(), 1.0)]);
    handle.push(101, &[(key.clone(), 2.0)]);
    let (headers, first) = next(&mut requests).await;
    assert_eq!(points(&first), [("perfuse_cpu".to_owned(), Some(2.0))]);
    assert_eq!(headers["authorization"], "Bearer hunter2");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let (_, again) = next(&mut requests).await;
    assert_eq!(again, first);
    // It was refused for good; the next points come all the same.
    handle.push(103, &[(key.clone(), 4.0)]);
    let (_, later) = next(&mut requests).await;
    assert_eq!(points(&later), [("perfuse_cpu".to_owned(), Some(4.0))]);
    handle.push(105, &[(key.clone(), 6.0)]);
    next(&mut requests).await;
    let told = handle.troubles();
    assert_eq!(told.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["export-lost"]);
    handle.stop().await;
}

#[tokio::test]
async fn the_last_points_are_sent_before_the_end_and_a_reload_keeps_what_waits() {
    // Nobody listens there yet.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut handle = started(&format!("http://{gone}/"));
    let key = SeriesKey::new("cpu", []);
    for at in 100..110_i32 {
        handle.push(at.into(), &[(key.clone(), f64::from(at))]);
    }
    while handle.troubles().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (url, mut requests) = server(Vec::new()).await;
    let outside = Outside { file: &|_| Err(std::io::ErrorKind::NotFound.into()), variable: &|_| None };
    let text = format!("[[export]]\nkind = \"otlp\"\nurl = \"{url}\"\nevery = \"2s\"\n");
    handle.reload(&parse(&text, &outside).unwrap().exports, "web1").unwrap();
    let mut values = Vec::new();
    while values.len() < 5 {
        values.extend(points(&next(&mut requests).await.1).into_iter().filter_map(|(_, value)| value));
    }
    assert_eq!(values, [101.0, 103.0, 105.0, 107.0, 109.0]);
    handle.push(111, &[(key.clone(), 111.0)]);
    handle.stop().await;
    assert_eq!(points(&next(&mut requests).await.1), [("perfuse_cpu".to_owned(), Some(111.0))]);
}
