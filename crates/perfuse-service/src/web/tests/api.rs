//! The interface against its description.

use std::collections::BTreeSet;

use super::schema::problems;
use super::*;
use crate::web::routes::ROUTES;

/// A checklist with every cell unread: its form is what counts here.
fn checklist() -> perfuse_analyze::Checklist {
    let cells = perfuse_analyze::CELLS.iter().map(|spec| {
        perfuse_analyze::Cell::measured(spec.id, perfuse_analyze::Verdict::Ok, perfuse_analyze::Quantity::ratio(0.5))
    });
    perfuse_analyze::Checklist {
        cells: cells.collect(),
        controls: Vec::new(),
        findings: Vec::new(),
        healthy: Some(true),
    }
}

fn full() -> Arc<Fake> {
    let fake = Fake::new();
    fake.change(|now| {
        now.checklist = Some(Arc::new(checklist()));
        now.open = vec![Arc::new(incident("20261126T231500-shop", "shop", NOW - 60_000))];
        now.components[0].view.state = State::MajorOutage;
    });
    fake
}

#[tokio::test]
async fn every_path_of_the_description_answers_as_it_says() {
    let app = router(full(), options());
    let description = get(&app, "/api/openapi.json").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let token = bearer(TOKEN);
    let mut used = BTreeSet::new();
    let mut count = 0;
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // Streams do not end; they have tests of their own.
            if path == "/api/v1/ticks" {
                continue;
            }
            let filled = path
                .replace("{file}", "db.svg")
                .replace("components/{name}", "components/db")
                .replace("captures/{name}", "captures/on-cpu")
                .replace("incidents/{id}", "incidents/20261125T231500-db")
                .replace("maintenance/{id}", "maintenance/3")
                .replace("{component}", "shop")
                .replace("{check}", "beat")
                + if path == "/api/v1/series" { "?name=perfuse_threads_count&from=-300" } else { "" };
            assert!(!filled.contains('{'), "{filled}");
            let secret = if path.starts_with("/api/v1/push/") { bearer("push") } else { token.clone() };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let got = ask(&app, method.clone(), &filled, &[("authorization", &secret)], "").await;
            assert_eq!(got.status, StatusCode::OK, "{method} {filled}: {}", got.text);
            let (media, content) = operation["responses"]["200"]["content"].as_object().unwrap().iter().next().unwrap();
            assert!(got.header("content-type").starts_with(media), "{filled}: {}", got.header("content-type"));
            if media == "application/json" {
                let wrong = problems(&got.json(), &content["schema"], schemas);
                assert!(wrong.is_empty(), "{method} {filled}: {wrong:#?}");
                used.insert(content["schema"]["$ref"].as_str().unwrap().to_owned());
            }
            count += 1;
        }
    }
    assert_eq!(count, ROUTES.iter().filter(|route| route.doc.is_some()).count() - 1);
    assert!(used.len() >= 11, "{used:?}");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_in_words_of_the_language() {
    let app = router(full(), options());
    let description = get(&app, "/api/openapi.json").await.json();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let paths = [
        "/api/v1/components/nobody",
        "/api/v1/incidents/never",
        "/api/v1/nothing",
        "/api/v1/incidents/20261125T231500-db/captures/none",
        "/api/v1/series?name=x&from=5&to=4",
        "/api/v1/series?from=x",
    ];
    for path in paths {
        let got = ask(&app, Method::GET, path, &[("accept-language", "ko")], "").await;
        assert!(got.status.is_client_error(), "{path}");
        let wrong = problems(&got.json(), &schemas["Problem"], schemas);
        assert!(wrong.is_empty(), "{path}: {wrong:?}");
        assert!(got.text.contains("니다"), "{}", got.text);
    }
    let got = ask(&app, Method::DELETE, "/api/v1/maintenance/8", &[("authorization", &bearer(TOKEN))], "").await;
    assert_eq!((got.status, got.json()["title"].as_str()), (StatusCode::NOT_FOUND, Some("no such window")));
}

#[tokio::test]
async fn the_public_status_has_neither_what_is_hidden_nor_messages() {
    let fake = full();
    fake.change(|now| now.components[0].view.held_by = Some("vault".into()));
    let text = get(&router(fake, options()), "/api/v1/status").await.text;
    for hidden in ["vault", "10.1.2.3", "holds a lock", "Keys"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["state"], "major_outage");
    assert_eq!(status["components"][0]["days"].as_array().unwrap().len(), 90);
    assert_eq!(status["components"][0]["days"][0]["uptime"], Value::Null);
}

#[tokio::test]
async fn series_have_points_and_peaks() {
    let app = router(full(), options());
    let got =
        get(&app, "/api/v1/series?name=perfuse_threads_count&name=perfuse_cell_ratio&from=-600&points=60").await.json();
    let lines = got["series"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0]["unit"].as_str(), lines[0]["step"].as_i64()), (Some("count"), Some(11)));
    let peak = lines[0]["max"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    assert!((peak - 0.99).abs() < 1e-9);
    let names = get(&app, "/api/v1/series/names").await.json();
    assert_eq!(names["names"][0]["key"], "perfuse_cell_ratio{cell=\"cpu.utilization\"}");
}

#[tokio::test]
async fn new_points_come_by_themselves() {
    let app = router(full(), options());
    let request = Request::get("/api/v1/ticks?name=perfuse_threads_count").header("host", "localhost");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    let next = futures_util::StreamExt::next(&mut stream);
    let bytes = tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let points: Value = serde_json::from_str(text.trim().split_once("data: ").unwrap().1).unwrap();
    let line = points["perfuse_threads_count{state=\"running\"}"].as_array().unwrap();
    assert!(text.starts_with("event: ticks") && line.len() > 5, "{text}");
}

#[tokio::test]
async fn reports_go_to_the_daemon_with_their_token() {
    let fake = full();
    let app = router(Arc::clone(&fake) as Arc<dyn Daemon>, options());
    let push = bearer("push");
    let path = "/api/v1/push/shop/nightly?instance=b";
    assert_eq!(ask(&app, Method::POST, path, &[], "").await.status, StatusCode::UNAUTHORIZED);
    let got = ask(&app, Method::POST, path, &[("authorization", &push)], r#"{"report":"failed"}"#).await;
    assert_eq!(got.status, StatusCode::OK);
    let order = Order::Report {
        component: "shop".into(),
        check: "nightly".into(),
        instance: Some("b".into()),
        report: "failed".into(),
        token: "push".into(),
    };
    assert_eq!(fake.orders.lock().unwrap().pop(), Some(order));
    let wrong = bearer("other");
    assert_eq!(ask(&app, Method::POST, path, &[("authorization", &wrong)], "").await.status, StatusCode::FORBIDDEN);
    let got = ask(&app, Method::POST, path, &[("authorization", &push)], r#"{"report":"great"}"#).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    let large = format!(r#"{{"report":"{}"}}"#, "x".repeat(100_000));
    let got = ask(&app, Method::POST, path, &[("authorization", &push)], &large).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn metrics_come_in_the_form_that_is_asked_for() {
    let app = router(full(), options());
    let open =
        ask(&app, Method::GET, "/metrics", &[("accept", "application/openmetrics-text;version=1.0.0")], "").await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text"));
    assert!(open.text.ends_with("# EOF\n"));
    let state = "perfuse_component_state{component=\"shop\",perfuse_component_state=\"major_outage\"} 1\n";
    assert!(open.text.contains(state) && open.text.contains("# TYPE perfuse_component_state stateset"));
    assert!(
        open.text.contains("perfuse_check_duration_seconds{component=\"db\",check=\"front\",instance=\"a\"} 0.012")
    );
    assert!(open.text.contains("perfuse_cell_verdict{"), "the host, too");
    assert!(!open.text.contains("NaN"));
    let plain = get(&app, "/metrics").await;
    assert!(plain.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert!(plain.text.contains(state) && !plain.text.contains("# EOF") && !plain.text.contains("stateset"));
    for family in open.text.lines().filter(|line| line.starts_with("# TYPE ")) {
        assert_eq!(open.text.matches(&format!("{family}\n")).count(), 1, "{family}");
    }
}
